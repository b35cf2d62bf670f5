"""The plainest clients there are: what they see is what came over the wire."""

import asyncio
import ssl

from support.targets import Target


async def ask(
    target: Target,
    request: bytes = b"GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
    *,
    trust: ssl.SSLContext | None = None,
    at_most: int = -1,
) -> bytes:
    """Send a request and return everything that comes until the end, or so many bytes."""
    reader, writer = await asyncio.open_connection(target.hosts[0], target.port, ssl=trust)
    try:
        writer.write(request)
        return await (reader.read() if at_most < 0 else reader.readexactly(at_most))
    finally:
        writer.transport.abort()


async def handshake(port: int, trust: ssl.SSLContext, name: str) -> bytes:
    """Return the certificate that a server on this machine shows, if it is trusted under that name."""
    host = name if name == "::1" else "127.0.0.1"
    _reader, writer = await asyncio.open_connection(host, port, ssl=trust, server_hostname=name)
    try:
        return writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
