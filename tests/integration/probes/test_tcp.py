"""TCP checks: does somebody take the connection, and say what is expected."""

import asyncio

import pytest

from integration.probes.conftest import TIMEOUT_S, Lab, left, within_megabytes
from support.behaviours import Script, banner, endless_head, garbage, hang_up, huge, raw, reset, silent
from support.program import until
from support.targets import LOOPBACK4, LOOPBACK6, refusing_port, serve, unanswering_port
from tocsin.probes.base import Cause, Result
from tocsin.probes.tcp import LARGEST_ANSWER, TcpSpec

TOO_LATE = f"no answer within {TIMEOUT_S:g} s"


async def seen(lab: Lab, script: Script, send: bytes | None = None, expect: bytes | None = None) -> Result:
    async with serve(script) as target:
        result = await lab.tcp(TcpSpec(LOOPBACK4, target.port, send, expect))
        await left(target)
    return result


@pytest.mark.parametrize("script", [silent(), hang_up(), banner(b"220 hello\r\n"), garbage(), reset(at_once=True)])
async def test_a_connection_that_is_taken_is_enough(lab: Lab, script: Script):
    result = await seen(lab, script)
    assert (result.cause, result.error, result.address) == (None, None, LOOPBACK4)
    phases = result.phases
    assert (phases.dns or 0) + (phases.connect or 0) <= phases.total + 1000
    assert (phases.tls, phases.first_byte) == (None, None)


@pytest.mark.parametrize(
    ("script", "send", "expect"),
    [
        (banner(b"220 mail.test ESMTP\r\n"), None, b"220"),
        (banner(b"", {b"PING\r\n": b"+PONG\r\n"}), b"PING\r\n", b"+PONG"),
        (banner(b"hello ", {b"a": b"wor", b"b": b"ld"}), b"ab", b"world"),
        (raw(b"bye", at_once=True), None, b"bye"),
        (banner(b"\x00\xff"), None, b"\x00\xff"),
    ],
)
async def test_what_is_expected_comes(lab: Lab, script: Script, send: bytes | None, expect: bytes):
    result = await seen(lab, script, send, expect)
    assert (result.cause, result.error) == (None, None)
    assert expect in result.data
    assert result.phases.first_byte is not None


@pytest.mark.parametrize(
    ("script", "cause", "error"),
    [
        (silent(), Cause.TIMEOUT, f"{TOO_LATE} (waiting for what is expected)"),
        (banner(b"421 too busy\r\n"), Cause.TIMEOUT, f"{TOO_LATE} (waiting for what is expected)"),
        (hang_up(), Cause.BROKEN_OFF, "connection closed before what is expected came"),
        (raw(b"421 bye\r\n", at_once=True), Cause.BROKEN_OFF, "connection closed before what is expected came"),
        (reset(b"42", at_once=True), Cause.BROKEN_OFF, "connection closed before what is expected came"),
    ],
)
async def test_what_is_expected_does_not_come(lab: Lab, script: Script, cause: Cause, error: str):
    result = await seen(lab, script, None, b"220")
    assert (result.cause, result.error) == (cause, error)
    assert result.phases.connect is not None


async def test_what_came_instead_is_the_evidence(lab: Lab):
    assert (await seen(lab, banner(b"421 too busy\r\n"), None, b"220")).data == b"421 too busy\r\n"


async def test_what_is_to_be_sent_arrives_though_nothing_is_expected(lab: Lab):
    async with serve(banner(b"")) as target:
        result = await lab.tcp(TcpSpec(LOOPBACK4, target.port, b"hello there"))

        async def received() -> bytes:
            return bytes(target.received)

        await until(received, lambda data: data == b"hello there", 5)
        await left(target)
    assert result.cause is None


@pytest.mark.parametrize("script", [huge(), endless_head()])
async def test_of_words_without_end_so_many_are_read(lab: Lab, script: Script):
    async with serve(script) as target:
        with within_megabytes(10):
            result = await lab.tcp(TcpSpec(LOOPBACK4, target.port, b"GET / HTTP/1.1\r\n\r\n", b"never said"), 5)
        await left(target)
        assert target.sent < 2**24
    assert (result.cause, result.error) == (Cause.PROTOCOL, "not among the first 64 KB")
    assert len(result.data) == LARGEST_ANSWER


async def test_a_port_that_refuses(lab: Lab):
    with refusing_port() as port:
        result = await lab.tcp(TcpSpec(LOOPBACK4, port))
    assert (result.cause, result.error) == (Cause.REFUSED, f"connection refused by 127.0.0.1:{port}")


async def test_a_port_where_nobody_answers(lab: Lab):
    with unanswering_port() as port:
        result = await lab.tcp(TcpSpec(LOOPBACK4, port))
    assert (result.cause, result.error) == (Cause.TIMEOUT_CONNECT, f"{TOO_LATE} (connecting)")
    assert result.address == LOOPBACK4


async def test_ipv6(lab: Lab):
    async with serve(banner(b"hello"), hosts=(LOOPBACK6,)) as target:
        result = await lab.tcp(TcpSpec(LOOPBACK6, target.port, None, b"hello"))
    assert (result.cause, result.address) == (None, LOOPBACK6)


async def test_when_the_first_address_is_dead_the_next_is_tried(lab: Lab):
    async with serve(banner(b"hello")) as target:
        lab.book["db.test"] = ["127.0.0.2", "127.0.0.3", LOOPBACK4]
        result = await lab.tcp(TcpSpec("db.test", target.port, None, b"hello"))
    assert (result.cause, result.address) == (None, LOOPBACK4)


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"])
async def test_a_forbidden_address(lab: Lab, host: str):
    result = await lab.tcp(TcpSpec(host, 80))
    assert result.cause is Cause.FORBIDDEN


@pytest.mark.parametrize("expect", [b"never", None])
async def test_who_is_cancelled_closes_the_connection(lab: Lab, expect: bytes | None):
    async with serve(silent()) as target:
        asking = asyncio.create_task(lab.tcp(TcpSpec(LOOPBACK4, target.port, None, b"never"), 30))
        await asyncio.sleep(0.1)
        assert target.open == 1
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await left(target)
