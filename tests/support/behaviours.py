"""What servers do to a probe: scripts for `support.targets.serve`, from well behaved to hostile."""

import asyncio
import functools
import gzip
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Literal

from support.targets import Connection, Script

Headers = Mapping[str, str] | Sequence[tuple[str, str]]

ZEROS = b"0" * 2**20
METADATA = "http://169.254.169.254/latest/meta-data/"


def head(status: int = 200, headers: Headers = (), *, version: str = "1.1") -> bytes:
    """Return status line and headers, with the empty line."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    known = status in HTTPStatus._value2member_map_
    lines = [f"HTTP/{version} {status} {HTTPStatus(status).phrase if known else 'Whatever'}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in pairs), "", ""]).encode("latin-1")


# --- well behaved ----------------------------------------------------------------------------------------------------


def answer(body: bytes | str = b"ok", status: int = 200, headers: Headers = (), *, body_anyway: bool = False) -> Script:
    """Answer, with the length of the body unless *headers* say another; keep the connection if the client likes.

    To HEAD, and with 1xx, 204 and 304, there is no body, but with *body_anyway*.
    """
    content = body.encode() if isinstance(body, str) else body
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    has_length = any(name.lower() == "content-length" for name, _ in pairs)
    bare = status < 200 or status in {204, 304}
    if not has_length and (body_anyway or not bare):
        pairs.append(("Content-Length", str(len(content))))
    blob = head(status, pairs)

    async def script(connection: Connection) -> None:
        request = await connection.request()
        silent = not body_anyway and (bare or request.method == "HEAD")
        connection.keep = request.may_be_followed and not has_length and not body_anyway
        await connection.send(blob if silent else blob + content)

    return script


def until_close(body: bytes = b"ok", headers: Headers = ()) -> Script:
    """HTTP/1.0 without a length: the end of the connection is the end of the body."""
    return raw(head(200, headers, version="1.0") + body)


def chunked(*chunks: bytes, headers: Headers = (), trailers: Headers = ()) -> Script:
    """A body in these chunks."""
    pairs = [*(headers.items() if isinstance(headers, Mapping) else headers), ("Transfer-Encoding", "chunked")]
    ends = trailers.items() if isinstance(trailers, Mapping) else trailers
    tail = "".join(f"{name}: {value}\r\n" for name, value in ends)
    blob = b"".join(map(_chunk, chunks)) + b"0\r\n" + tail.encode() + b"\r\n"

    async def script(connection: Connection) -> None:
        connection.keep = (await connection.request()).may_be_followed
        await connection.send(head(200, pairs) + blob)

    return script


Coding = Literal["gzip", "deflate", "raw deflate"]


def compressed(body: bytes, coding: Coding = "gzip") -> Script:
    """`raw deflate` is what some servers send as `deflate`."""
    if coding == "gzip":
        content = gzip.compress(body)
    else:
        compressor = zlib.compressobj(wbits=15 if coding == "deflate" else -15)
        content = compressor.compress(body) + compressor.flush()
    return answer(content, headers={"Content-Encoding": coding.removeprefix("raw ")})


def redirect(to: str, status: int = 302) -> Script:
    return answer(b"it is elsewhere", status, {"Location": to})


def redirects(count: int, then: Script | None = None) -> Script:
    """From `/` over `/1`, `/2`, … to `/{count}`, where *then* answers."""
    last = then or answer(b"arrived")

    async def script(connection: Connection) -> None:
        step = int((await connection.request()).path.strip("/") or 0)
        await (redirect(f"/{step + 1}") if step < count else last)(connection)

    return script


def redirect_loop() -> Script:
    """`/there` leads to `/back`, and everything else to `/there`."""
    return routes({"/there": redirect("/back")}, otherwise=redirect("/there"))


def informed(then: Script, *statuses: int) -> Script:
    """Say these 1xx (103 if none) before *then* answers."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"".join(head(status, {"Link": "</style.css>"}) for status in statuses or (103,)))
        await then(connection)

    return script


def banner(greeting: bytes = b"", replies: Mapping[bytes, bytes] | None = None) -> Script:
    """Not HTTP: greet, and reply to each key of *replies* when it comes. `Target.received` has everything."""

    async def script(connection: Connection) -> None:
        await connection.send(greeting)
        pending = b""
        while data := await connection.receive():
            pending += data
            for wanted, reply in (replies or {}).items():
                if wanted in pending:
                    pending = pending.partition(wanted)[2]
                    await connection.send(reply)

    return script


# --- composed --------------------------------------------------------------------------------------------------------


def routes(paths: Mapping[str, Script], otherwise: Script | None = None) -> Script:
    """Each path, without its query, has a script; 404 elsewhere unless told otherwise."""
    rest = otherwise or answer(b"not here", 404)

    async def script(connection: Connection) -> None:
        request = await connection.request()
        await paths.get(request.path.partition("?")[0], rest)(connection)

    return script


def in_turn(*scripts: Script) -> Script:
    """One after the other, whatever connection; the last one goes on for ever."""
    left = list(scripts)

    async def script(connection: Connection) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(connection)

    return script


def late(seconds: float, then: Script) -> Script:
    """Take the request, and wait before *then* answers."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await asyncio.sleep(seconds)
        await then(connection)

    return script


# --- slow and silent -------------------------------------------------------------------------------------------------


def slow_head(every_s: float = 0.1, body: bytes = b"ok") -> Script:
    """Status line and headers come byte by byte."""
    return _dripping(b"", head(200, {"Content-Length": str(len(body))}) + body, every_s)


def slow_body(every_s: float = 0.1, body: bytes = b"slowly but surely") -> Script:
    return _dripping(head(200, {"Content-Length": str(len(body))}), body, every_s)


def silent() -> Script:
    """Take the connection, listen, and never say a word."""
    return Connection.until_left


# --- broken ----------------------------------------------------------------------------------------------------------


def raw(data: bytes, *, at_once: bool = False) -> Script:
    """Send these bytes, after the request unless *at_once*, and close."""

    async def script(connection: Connection) -> None:
        if not at_once:
            await connection.request()
        await connection.send(data)

    return script


def garbage() -> Script:
    """Something that is no HTTP."""
    return raw(b"\x00\xff\x15\x03\x01 220 what do you want?\r\n\r\n" * 20)


def hang_up() -> Script:
    """Take the connection and close it."""
    return raw(b"", at_once=True)


def cut_short(body: bytes = b"only half", promised: int = 100) -> Script:
    """Close in the middle of the body."""
    return answer(body, headers={"Content-Length": str(promised)})


def reset(after: bytes = b"", *, at_once: bool = False) -> Script:
    """Send these bytes, after the request unless *at_once*, and reset the connection."""

    async def script(connection: Connection) -> None:
        if not at_once:
            await connection.request()
        await connection.send(after)
        await asyncio.sleep(0.05 if after else 0)  # what is not read yet may be lost with a reset
        connection.reset()

    return script


# --- too much --------------------------------------------------------------------------------------------------------


def huge(promised: int = 2**30) -> Script:
    """A body of that length, sent as long as somebody reads it."""
    return _pouring(head(200, {"Content-Length": str(promised)}), lambda: _zeros(promised, 2**16))


def endless_chunks() -> Script:
    return _pouring(head(200, {"Transfer-Encoding": "chunked"}), lambda: itertools.repeat(_chunk(ZEROS[: 2**16])))


def endless_head() -> Script:
    """Headers without end."""
    return _pouring(b"HTTP/1.1 200 OK\r\n", lambda: itertools.repeat(b"X-More: and more\r\n" * 1000))


def big_header(size: int = 2**20) -> Script:
    """One header of that size."""
    return answer(headers={"X-Big": "x" * size})


def many_headers(count: int = 10_000) -> Script:
    return answer(headers=[(f"X-Header-{number}", "x") for number in range(count)])


def bomb(size: int = 200 * 2**20, *, layers: int = 1) -> Script:
    """A body of *size* zeros, compressed to a thousandth; two layers (`gzip, gzip`) make that a few hundred bytes."""
    return answer(_explosive(size, layers), headers={"Content-Encoding": ", ".join(["gzip"] * layers)})


@functools.cache
def _explosive(size: int, layers: int) -> bytes:
    """Return what inflates to that. The zeros are never held at once."""
    content = _gzip(_zeros(size, len(ZEROS)))
    for _ in range(layers - 1):
        content = _gzip([content])
    return content


def _gzip(pieces: Iterable[bytes]) -> bytes:
    compressor = zlib.compressobj(9, wbits=31)
    return b"".join([*map(compressor.compress, pieces), compressor.flush()])


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _zeros(size: int, step: int) -> Iterator[bytes]:
    return (ZEROS[: min(step, size - at)] for at in range(0, size, step))


def _pouring(first: bytes, pieces: Callable[[], Iterable[bytes]]) -> Script:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(first)
        for piece in pieces():
            await connection.send(piece)

    return script


def _dripping(first: bytes, rest: bytes, every_s: float) -> Script:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(first)
        for byte in rest:
            await asyncio.sleep(every_s)
            await connection.send(bytes([byte]))

    return script
