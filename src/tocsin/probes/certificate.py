"""One TLS handshake that accepts any certificate, to look at what is presented: also at what is wrong with it.

It is told where to connect: the addresses were resolved and checked by the egress policy.
"""

import asyncio
import errno
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tocsin.core.egress import Address
from tocsin.probes import chain, starttls
from tocsin.probes.inspection import LONGEST_CHAIN, Failure, Inspection, is_address
from tocsin.probes.starttls import Protocol

if TYPE_CHECKING:
    from OpenSSL import SSL, crypto

TIMEOUT_S = 10.0
_READ_BYTES = 16_384


class Target(NamedTuple):
    """Where to look. `hostname` is the name that is asked for and must be in the certificate, or an address."""

    hostname: str
    addresses: Sequence[Address]
    port: int
    protocol: Protocol = Protocol.TLS


class _Seen(NamedTuple):
    chain: "list[crypto.X509]"
    tls_version: str


class _Failed(Exception):
    def __init__(self, failure: Failure, detail: str | None = None) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail


async def inspect(
    target: Target, now: datetime, ca_file: Path | None = None, timeout_s: float = TIMEOUT_S
) -> Inspection:
    """Return what *target* presents. Trusted are the system's roots and those in *ca_file*.

    Never raises for the target's faults.  Raises ValueError: *ca_file* cannot be used.
    """
    try:
        async with asyncio.timeout(timeout_s):
            seen = await _look(target)
    except TimeoutError:
        return Inspection(failure=Failure.TIMEOUT)
    except _Failed as exc:
        return Inspection(failure=exc.failure, detail=exc.detail)
    return await asyncio.to_thread(chain.judge, seen.chain, seen.tls_version, target.hostname, now, ca_file)


async def _look(target: Target) -> _Seen:
    connection = await asyncio.to_thread(_connection, target.hostname)
    reader, writer = await _connect(target.addresses, target.port)
    try:
        await starttls.begin(target.protocol, reader, writer)
        return await _handshake(connection, reader, writer)
    except starttls.Refused as exc:
        raise _Failed(Failure.STARTTLS) from exc
    except (OSError, EOFError, ValueError) as exc:
        raise _Failed(Failure.CONNECTION, _reason(exc)) from exc
    finally:
        writer.transport.abort()


async def _connect(addresses: Sequence[Address], port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection to the first of *addresses* that takes it; each gets its share of three seconds or more."""
    failure = _Failed(Failure.CONNECTION, "no address")
    for index, address in enumerate(addresses):
        is_last = index == len(addresses) - 1
        try:
            async with asyncio.timeout(None if is_last else max(1.0, TIMEOUT_S / 2 / len(addresses))):
                return await asyncio.open_connection(str(address), port)
        except TimeoutError:
            failure = _Failed(Failure.TIMEOUT)
        except OSError as exc:
            failure = _connection_failure(exc)
    raise failure


def _connection_failure(exc: OSError) -> _Failed:
    if exc.errno == errno.ECONNREFUSED:
        return _Failed(Failure.REFUSED)
    if exc.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
        return _Failed(Failure.UNREACHABLE)
    return _Failed(Failure.CONNECTION, _reason(exc))


def _reason(exc: BaseException) -> str:
    """Return a class of failure in words, never what the other side said."""
    if isinstance(exc, asyncio.IncompleteReadError | EOFError):
        return "closed by the other side"
    if isinstance(exc, ConnectionResetError | BrokenPipeError):
        return "reset by the other side"
    return (getattr(exc, "strerror", None) or type(exc).__name__).lower()


def _connection(hostname: str) -> "SSL.Connection":
    """Return a client's side in memory that takes part in any handshake, old versions and weak keys included."""
    from OpenSSL import SSL

    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_VERSION)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.set_options(SSL.OP_LEGACY_SERVER_CONNECT)
    context.set_verify(SSL.VERIFY_NONE)
    connection = SSL.Connection(context, None)
    if not is_address(hostname):
        connection.set_tlsext_host_name(hostname.encode("ascii"))
    connection.set_connect_state()
    return connection


async def _handshake(connection: "SSL.Connection", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Seen:
    """A server that asks for a certificate of ours may break off: what it has shown by then counts all the same."""
    from OpenSSL import SSL

    detail = None
    while True:
        try:
            connection.do_handshake()
            break
        except SSL.WantReadError:
            await _flush(connection, writer)
            data = await reader.read(_READ_BYTES)
            if not data:
                detail = "closed during the handshake"
                break
            connection.bio_write(data)
        except SSL.Error as exc:
            detail = _tls_reason(exc)
            break
    presented = connection.get_peer_cert_chain()
    if not presented:
        raise _Failed(Failure.TLS, detail) if detail else _Failed(Failure.NO_CERTIFICATE)
    await _flush(connection, writer)
    return _Seen(list(presented)[:LONGEST_CHAIN], connection.get_protocol_version_name())


async def _flush(connection: "SSL.Connection", writer: asyncio.StreamWriter) -> None:
    from OpenSSL import SSL

    try:
        while True:
            writer.write(connection.bio_read(_READ_BYTES))
    except SSL.WantReadError:
        await writer.drain()


def _tls_reason(exc: Exception) -> str:
    """Return OpenSSL's own words for what went wrong, such as `wrong version number`."""
    try:
        return str(exc.args[0][0][2]) or "handshake failed"
    except (IndexError, TypeError):
        return "handshake failed"
