"""Servers whose TLS begins after some words in the open: a real one for mail, and the exact words of two others.

async with smtp(leaf) as port: ...
async with serve(imap(leaf)) as target: ...         # None instead of a leaf: it does not offer TLS
"""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP

from support.pki import Leaf
from support.targets import LOOPBACK4, Connection, Script, Tls, listen

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
NO_PASSWORD = b"SFATAL\0C28000\0Mnobody may come in\0\0"


class _Mail(SMTP):
    """Remembers what it is connected by, to end it."""

    def __init__(self, transports: list[asyncio.Transport], **options: Any) -> None:
        super().__init__(Sink(), hostname="mail.test", **options)
        self._transports = transports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transports.append(cast("asyncio.Transport", transport))
        super().connection_made(transport)


@asynccontextmanager
async def smtp(leaf: Tls | None, *, host: str = LOOPBACK4) -> AsyncIterator[int]:
    """Serve mail that goes nowhere, and return the port."""
    loop = asyncio.get_running_loop()
    context = leaf.server_context() if isinstance(leaf, Leaf) else leaf
    transports: list[asyncio.Transport] = []
    (listener,) = listen(host)
    server = await loop.create_server(lambda: _Mail(transports, tls_context=context, loop=loop), sock=listener)
    try:
        yield listener.getsockname()[1]
    finally:
        server.close()
        for transport in transports:
            transport.abort()
        await server.wait_closed()


def imap(leaf: Tls | None) -> Script:
    """Greet, tell capabilities, begin TLS, say good-bye."""

    async def script(connection: Connection) -> None:
        await connection.send(b"* OK IMAP4rev1 ready\r\n")
        encrypted = False
        while line := await connection.reader.readline():
            connection.target.received += line
            tag, _, command = line.strip().partition(b" ")
            offered = leaf is not None and not encrypted
            match command.upper():
                case b"CAPABILITY":
                    capabilities = b"IMAP4rev1 STARTTLS LOGINDISABLED" if offered else b"IMAP4rev1"
                    await connection.send(b"* CAPABILITY %s\r\n%s OK done\r\n" % (capabilities, tag))
                case b"STARTTLS" if offered and leaf is not None:
                    await connection.send(tag + b" OK begin TLS now\r\n")
                    await connection.start_tls(leaf)
                    encrypted = True
                case b"LOGOUT":
                    await connection.send(b"* BYE\r\n%s OK done\r\n" % tag)
                    return
                case _:
                    await connection.send(tag + b" BAD not understood\r\n")

    return script


def postgres(leaf: Tls | None) -> Script:
    """Answer S or N to the request for TLS; nobody may log in."""

    async def script(connection: Connection) -> None:
        first = await connection.reader.readexactly(8)
        if first == SSL_REQUEST:
            await connection.send(b"S" if leaf is not None else b"N")
            if leaf is not None:
                await connection.start_tls(leaf)
            first = await connection.reader.readexactly(8)
        await connection.reader.readexactly(int.from_bytes(first[:4]) - 8)
        await connection.send(b"E" + struct.pack("!i", len(NO_PASSWORD) + 4) + NO_PASSWORD)

    return script
