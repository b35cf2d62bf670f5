"""The servers for probes: what plain sockets and curl see of each behaviour, so that other tests can trust them."""

import asyncio
import gzip
import json
import socket
import time
import zlib
from asyncio.subprocess import PIPE
from contextlib import suppress

import pytest

from integration.support.clients import ask
from support.behaviours import (
    METADATA,
    Script,
    answer,
    banner,
    big_header,
    bomb,
    chunked,
    compressed,
    cut_short,
    endless_chunks,
    endless_head,
    garbage,
    hang_up,
    head,
    huge,
    in_turn,
    informed,
    late,
    many_headers,
    raw,
    redirect,
    redirect_loop,
    redirects,
    reset,
    routes,
    silent,
    slow_body,
    slow_head,
    until_close,
)
from support.pki import Authority
from support.program import until
from support.targets import Target, refusing_port, serve, unanswering_port

HEAD = b"HEAD / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"


async def curl(*arguments: str) -> tuple[int, dict[str, object], bytes]:
    """Return its exit code, what it knows of the last answer, and the body."""
    command = ["curl", "-q", "-s", "-k", "--noproxy", "*", "-m", "5", "-w", "%{stderr}%{json}\n", *arguments]
    client = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    body, facts = await client.communicate()
    assert client.returncode is not None
    return client.returncode, json.loads(facts.splitlines()[-1]), body


async def seen(script: Script, request: bytes | None = None) -> bytes:
    """Return what one connection shows from beginning to end."""
    async with serve(script) as target:
        return await (ask(target) if request is None else ask(target, request))


async def until_open(target: Target, wanted: int) -> None:
    async def still_open() -> int:
        return target.open

    await until(still_open, lambda count: count == wanted, 5)


# --- what was asked --------------------------------------------------------------------------------------------------


async def test_requests_are_written_down():
    async with serve(answer(b"hello", 201, {"X-Kind": "test"})) as target:
        code, facts, body = await curl(target.base + "/a?b=c", "-d", "some=data", "-H", "X-Mine: 1")
        assert (code, facts["http_code"], body) == (0, 201, b"hello")
        request = target.requests[0]
        assert (request.method, request.path, request.body) == ("POST", "/a?b=c", b"some=data")
        assert request.header("x-mine") == "1"
        assert request.header("absent") is None


async def test_a_body_in_chunks_is_understood():
    async with serve(answer()) as target:
        await curl(target.base, "-d", "some=data", "-H", "Transfer-Encoding: chunked")
        assert target.requests[0].body == b"some=data"


async def test_connections_are_kept_and_counted():
    async with serve(in_turn(answer(b"one"), answer(b"two"))) as target:
        _, _, body = await curl(target.base, target.base)
        assert body == b"onetwo"
        assert target.connections == 1
        assert [request.connection for request in target.requests] == [1, 1]
        await curl(target.base)
        assert target.connections == 2
        await until_open(target, 0)


async def test_a_kept_connection_takes_nobodys_turn():
    async with serve(in_turn(answer(b"one"), answer(b"two"), answer(b"three"))) as target:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        for body in (b"one", b"three"):
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(len(body)) == body
            if body == b"one":
                assert (await ask(target)).endswith(b"two")
        writer.close()


async def test_one_port_on_both_families():
    async with serve(answer(), hosts=("127.0.0.1", "::1")) as target:
        for host in ("127.0.0.1", "[::1]"):
            assert (await curl(f"http://{host}:{target.port}/"))[0] == 0
    async with serve(answer(), hosts=("::1",)) as target:
        assert target.base == f"http://[::1]:{target.port}"
        assert (await curl(target.base))[0] == 0
        assert (await curl(f"http://127.0.0.1:{target.port}/"))[0] == 7


async def test_a_fault_of_the_script_fails_the_test():
    async def faulty(_: object) -> None:
        raise LookupError("a typing error")

    with pytest.raises(LookupError, match="typing error"):
        async with serve(faulty) as target:
            assert (await curl(target.base))[0] in {52, 56}  # no answer, or a reset


async def test_the_end_ends_everything():
    async with serve(silent()) as target:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        await until_open(target, 1)
    with suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", target.port)


# --- well behaved ----------------------------------------------------------------------------------------------------


async def test_no_body_where_none_belongs_unless_wanted():
    assert await seen(answer(b"body"), HEAD) == head(200, {"Content-Length": "4"})
    assert await seen(answer(b"body", 204)) == head(204)
    assert await seen(answer(b"body", 304)) == head(304)
    for status in (200, 204, 304):
        assert (
            await seen(answer(b"body", status, body_anyway=True), HEAD)
            == head(status, {"Content-Length": "4"}) + b"body"
        )


async def test_the_close_ends_a_body_without_length():
    assert await seen(until_close(b"to the end")) == b"HTTP/1.0 200 OK\r\n\r\nto the end"
    async with serve(until_close(b"to the end")) as target:
        assert (await curl(target.base))[::2] == (0, b"to the end")


async def test_chunks_and_trailers():
    async with serve(chunked(b"one,", b"two", trailers={"X-Sum": "2"})) as target:
        assert (await ask(target)).endswith(b"\r\n\r\n4\r\none,\r\n3\r\ntwo\r\n0\r\nX-Sum: 2\r\n\r\n")
        assert (await curl(target.base))[::2] == (0, b"one,two")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw deflate"])
async def test_compressed_bodies(coding: str):
    async with serve(compressed(b"again and " * 100, coding)) as target:
        _, _, body = await curl(target.base, "--compressed")
        assert body == b"again and " * 100
        assert target.sent < 300


async def test_redirects_lead_on():
    async with serve(redirects(3)) as target:
        assert (await curl(target.base, "-L"))[::2] == (0, b"arrived")
        assert [request.path for request in target.requests] == ["/", "/1", "/2", "/3"]
        assert (await curl(target.base, "-L", "--max-redirs", "2"))[0] == 47


async def test_redirects_in_a_loop_and_elsewhere():
    async with serve(redirect_loop()) as target:
        assert (await curl(target.base, "-L", "--max-redirs", "9"))[0] == 47
        assert len(target.requests) == 10
    for where in (METADATA, "relative", "//other.test/x", "ftp://127.0.0.1/"):
        async with serve(redirect(where, 307)) as target:
            assert f"Location: {where}\r\n".encode() in await ask(target)


async def test_a_redirect_out_of_tls():
    async with serve(answer(b"in the open")) as plain, serve(redirect(plain.base), tls=Authority().good()) as target:
        assert (await curl(target.base, "-L"))[::2] == (0, b"in the open")


async def test_words_before_the_answer():
    found = await seen(informed(answer(), 100, 103))
    assert [line for line in found.split(b"\r\n") if line.startswith(b"HTTP")] == [
        b"HTTP/1.1 100 Continue",
        b"HTTP/1.1 103 Early Hints",
        b"HTTP/1.1 200 OK",
    ]
    async with serve(informed(answer())) as target:
        assert (await curl(target.base))[::2] == (0, b"ok")


async def test_routes():
    async with serve(routes({"/a": answer(b"A"), "/b": answer(b"B", 503)})) as target:
        assert (await curl(target.base + "/a?x=1"))[2] == b"A"
        assert (await curl(target.base + "/b"))[1]["http_code"] == 503
        assert (await curl(target.base + "/c"))[1]["http_code"] == 404


async def test_a_banner_and_its_replies():
    async with serve(banner(b"+OK ready\r\n", {b"PING\r\n": b"PONG\r\n", b"QUIT": b"bye"})) as target:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        assert await reader.readline() == b"+OK ready\r\n"
        for piece in (b"PI", b"NG\r\n"):
            writer.write(piece)
            await asyncio.sleep(0.01)
        assert await reader.readline() == b"PONG\r\n"
        writer.write(b"QUIT")
        assert await reader.readexactly(3) == b"bye"
        writer.close()
        await until_open(target, 0)
        assert target.received == b"PING\r\nQUIT"


# --- slow and silent -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [slow_head, slow_body])
async def test_byte_by_byte(script: object):
    async with serve(script(0.001, b"patience")) as target:  # type: ignore[operator]
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        pieces = []
        while data := await reader.read(100):
            pieces.append(data)
        writer.close()
    assert b"".join(pieces) == head(200, {"Content-Length": "8"}) + b"patience"
    assert len(pieces) >= 5


async def test_nothing_is_said():
    async with serve(silent()) as target:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ask(target)
        await until_open(target, 0)
        assert target.received.startswith(b"GET / HTTP/1.1\r\n")


async def test_an_answer_comes_late():
    async with serve(late(0.2, answer())) as target:
        started = time.monotonic()
        assert b"200 OK" in await ask(target)
        assert time.monotonic() - started >= 0.2


# --- broken ----------------------------------------------------------------------------------------------------------


async def test_it_hangs_up_without_a_word():
    assert await seen(hang_up()) == b""
    assert await seen(cut_short(b"half", 8)) == head(200, {"Content-Length": "8"}) + b"half"


@pytest.mark.parametrize("script", [reset(), reset(at_once=True)])
async def test_it_resets(script: Script):
    with pytest.raises(ConnectionResetError):
        await seen(script)


@pytest.mark.parametrize("tls", [False, True])
async def test_it_resets_in_the_middle(tls: bool):
    authority = Authority()
    first = head(200, {"Content-Length": "100"}) + b"begun"
    async with serve(reset(first), tls=authority.good() if tls else None) as target:
        trust = authority.client_context() if tls else None
        assert await ask(target, trust=trust, at_most=len(first)) == first
        code, _, body = await curl(target.base)
        assert (code, body) == (56, b"begun")


async def test_it_talks_something_else():
    async with serve(garbage()) as target:
        assert (await curl(target.base))[0] == 1  # unsupported protocol
    assert await seen(raw(b"anything", at_once=True), b"") == b"anything"


def test_a_port_refuses():
    with refusing_port() as port, socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) == 111


async def test_a_port_does_not_answer():
    with unanswering_port() as port, pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await asyncio.open_connection("127.0.0.1", port)


# --- too much --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "begin"),
    [
        (huge(), b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n000"),
        (endless_chunks(), b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n000"),
        (endless_head(), b"HTTP/1.1 200 OK\r\nX-More: and more\r\nX-More: and more\r\n"),
    ],
)
async def test_it_goes_on_until_the_client_leaves(script: Script, begin: bytes):
    async with serve(script) as target:
        for _ in range(2):
            found = await ask(target, at_most=2**20)
            assert found.startswith(begin)
            await until_open(target, 0)
        assert target.sent < 30 * 2**20


async def test_large_heads():
    assert len(await seen(big_header())) > 2**20
    assert (await seen(many_headers())).count(b"\r\nX-Header-") == 10_000


async def test_a_bomb_is_small_until_it_is_opened():
    found = await seen(bomb())
    headers, _, body = found.partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip\r\n" in headers
    assert len(body) < 250_000
    inflater, size = zlib.decompressobj(wbits=31), 0
    while piece := inflater.decompress(body, 2**20):
        size, body = size + len(piece), inflater.unconsumed_tail
    assert size == 200 * 2**20

    found = await seen(bomb(layers=2))
    assert b"Content-Encoding: gzip, gzip\r\n" in found
    assert len(found) < 3000
    assert len(gzip.decompress(found.partition(b"\r\n\r\n")[2])) < 250_000
