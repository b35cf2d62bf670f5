"""How a protocol of its own is asked to go on with TLS."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from enum import StrEnum

MOST_LINES = 100
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""Source: PostgreSQL, frontend/backend protocol, SSLRequest."""


class Protocol(StrEnum):
    """How the encrypted part begins: at once, or after the protocol's own STARTTLS."""

    TLS = "tls"
    SMTP = "smtp"
    IMAP = "imap"
    POSTGRES = "postgres"


class Refused(Exception):
    """The server does not offer TLS, or speaks something else. What it said is not passed on."""


async def begin(protocol: Protocol, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the connection to where the handshake begins.

    Raises Refused, OSError; EOFError: it was closed; ValueError: a line without an end.
    """
    await _DIALOGUES[protocol](reader, writer)


async def _nothing(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """TLS from the first byte."""


async def _smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Source: RFC 3207."""
    await _smtp_reply(reader, b"220")
    writer.write(b"EHLO tocsin\r\n")
    await _smtp_reply(reader, b"250")
    writer.write(b"STARTTLS\r\n")
    await _smtp_reply(reader, b"220")


async def _smtp_reply(reader: asyncio.StreamReader, wanted: bytes) -> None:
    for _ in range(MOST_LINES):
        line = await _line(reader)
        if line[:3] != wanted:
            raise Refused
        if line[3:4] != b"-":
            return
    raise Refused


async def _imap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Source: RFC 9051, 6.2.1."""
    if not (await _line(reader)).upper().startswith(b"* OK"):
        raise Refused
    writer.write(b"a1 STARTTLS\r\n")
    for _ in range(MOST_LINES):
        line = (await _line(reader)).upper()
        if line.startswith(b"A1 "):
            if line.startswith(b"A1 OK"):
                return
            break
    raise Refused


async def _postgres(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(_SSL_REQUEST)
    if await reader.readexactly(1) != b"S":
        raise Refused


async def _line(reader: asyncio.StreamReader) -> bytes:
    line = await reader.readline()
    if not line:
        raise EOFError
    return line


_DIALOGUES: dict[Protocol, Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]] = {
    Protocol.TLS: _nothing,
    Protocol.SMTP: _smtp,
    Protocol.IMAP: _imap,
    Protocol.POSTGRES: _postgres,
}
