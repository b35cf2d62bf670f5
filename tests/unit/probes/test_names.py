"""Names to addresses: remembered, asked for once, stale rather than nothing, and never in the way of who gives up."""

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Iterator

import pytest

from support.clock import FakeClock
from tocsin.core.egress import Address
from tocsin.probes.base import Cause, Failed
from tocsin.probes.names import FRESH_FAILURE_S, FRESH_S, STALE_S, THREADS, Names

SILENCE = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


class Resolver:
    """Answers what `answer` says; while `gate` is closed, nobody gets an answer."""

    def __init__(self) -> None:
        self.answer: list[str] | Exception = ["192.0.2.1"]
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, host: str) -> list[Address]:
        self.asked.append(host)
        assert self.gate.wait(20)
        if isinstance(self.answer, Exception):
            raise self.answer
        return [ipaddress.ip_address(one) for one in self.answer]


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    found = Resolver()
    yield found
    found.gate.set()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def names(resolver: Resolver, clock: FakeClock) -> Iterator[Names]:
    found = Names(clock.monotonic, resolver)
    yield found
    resolver.gate.set()
    found.close()


async def found(names: Names, host: str = "web.test") -> list[str]:
    return list(map(str, await names.resolve(host)))


async def fails(names: Names, host: str = "web.test") -> Failed:
    with pytest.raises(Failed) as caught:
        await names.resolve(host)
    return caught.value


async def test_an_answer_is_remembered_while_it_is_fresh(names: Names, resolver: Resolver, clock: FakeClock):
    assert await found(names) == ["192.0.2.1"]
    resolver.answer = ["192.0.2.2"]
    await clock.advance(FRESH_S - 1)
    assert await found(names) == ["192.0.2.1"]
    await clock.advance(1)
    assert await found(names) == ["192.0.2.2"]
    assert resolver.asked == ["web.test"] * 2


async def test_the_order_of_the_resolver_stays_and_nothing_comes_twice(names: Names, resolver: Resolver):
    resolver.answer = ["192.0.2.2", "2001:db8::1", "192.0.2.2", "192.0.2.1"]
    assert await found(names) == ["192.0.2.2", "2001:db8::1", "192.0.2.1"]


@pytest.mark.parametrize("literal", ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7"])
async def test_an_address_is_not_looked_up(names: Names, resolver: Resolver, literal: str):
    assert await names.resolve(literal) == (ipaddress.ip_address(literal),)
    assert resolver.asked == []


@pytest.mark.parametrize(
    ("answer", "cause", "words"),
    [
        (UNKNOWN, Cause.NAME, "the name web.test does not exist"),
        (SILENCE, Cause.RESOLVER, "no name server could tell where web.test is"),
        (socket.gaierror(socket.EAI_FAIL, "?"), Cause.RESOLVER, "no name server could tell where web.test is"),
        (UnicodeError("label too long"), Cause.NAME, "web.test is no name that can be looked up"),
        (ValueError("embedded null"), Cause.NAME, "web.test is no name that can be looked up"),
    ],
)
async def test_a_failure_has_a_cause_and_is_remembered_for_a_moment(
    names: Names, resolver: Resolver, clock: FakeClock, answer: Exception, cause: Cause, words: str
):
    resolver.answer = answer
    for _ in range(3):
        failure = await fails(names)
        assert (failure.cause, failure.error) == (cause, words)
    assert len(resolver.asked) == 1

    resolver.answer = ["192.0.2.1"]
    await clock.advance(FRESH_FAILURE_S)
    assert await found(names) == ["192.0.2.1"]


async def test_an_old_answer_is_served_while_no_name_server_answers_but_not_for_ever(
    names: Names, resolver: Resolver, clock: FakeClock
):
    await found(names)
    resolver.answer = SILENCE
    await clock.advance(FRESH_S)
    assert await found(names) == ["192.0.2.1"]
    assert names.stale_served == 1
    assert names.is_silent()

    await clock.advance(STALE_S - FRESH_S)
    assert (await fails(names)).cause is Cause.RESOLVER


async def test_a_name_that_is_gone_is_not_served_from_memory(names: Names, resolver: Resolver, clock: FakeClock):
    await found(names)
    resolver.answer = UNKNOWN
    await clock.advance(FRESH_S)
    assert (await fails(names)).cause is Cause.NAME
    assert not names.is_silent()
    assert names.known("web.test") is None


async def test_silence_ends_with_the_next_answer_of_any_kind(names: Names, resolver: Resolver, clock: FakeClock):
    resolver.answer = SILENCE
    await fails(names)
    assert names.is_silent()
    resolver.answer = UNKNOWN
    await fails(names, "other.test")
    assert not names.is_silent()


async def test_however_many_want_it_it_is_asked_for_once(names: Names, resolver: Resolver):
    resolver.gate.clear()
    wanting = [asyncio.create_task(found(names)) for _ in range(50)]
    await asyncio.sleep(0.05)
    resolver.gate.set()
    assert await asyncio.gather(*wanting) == [["192.0.2.1"]] * 50
    assert resolver.asked == ["web.test"]


async def test_who_gives_up_does_not_take_the_answer_from_others(names: Names, resolver: Resolver):
    resolver.gate.clear()
    first, second = asyncio.create_task(found(names)), asyncio.create_task(found(names))
    await asyncio.sleep(0.05)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    resolver.gate.set()
    assert await second == ["192.0.2.1"]
    assert resolver.asked == ["web.test"]


async def test_an_old_answer_is_served_soon_when_the_new_one_does_not_come(
    names: Names, resolver: Resolver, clock: FakeClock
):
    await found(names)
    await clock.advance(FRESH_S)
    resolver.gate.clear()
    async with asyncio.timeout(5) as limit:
        assert await found(names) == ["192.0.2.1"]
    assert not limit.expired()
    assert names.stale_served == 1

    resolver.answer = ["192.0.2.2"]
    resolver.gate.set()
    async with asyncio.timeout(5):
        while await found(names) != ["192.0.2.2"]:  # what was asked for in the background is learned
            await asyncio.sleep(0.01)
    assert len(resolver.asked) == 2


async def test_whoever_is_cancelled_stays_cancelled_though_an_old_answer_is_there(
    names: Names, resolver: Resolver, clock: FakeClock
):
    await found(names)
    await clock.advance(FRESH_S)
    resolver.gate.clear()
    wanting = asyncio.create_task(found(names))
    await asyncio.sleep(0.05)
    wanting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await wanting


async def test_a_name_that_waits_for_other_names_is_told_apart(names: Names, resolver: Resolver):
    resolver.gate.clear()
    first = [asyncio.create_task(found(names, f"{number}.test")) for number in range(THREADS)]
    await asyncio.sleep(0.1)
    last = asyncio.create_task(found(names, "last.test"))
    await asyncio.sleep(0.1)
    assert [names.is_queued(host) for host in ("0.test", "last.test", "never.test")] == [False, True, False]
    resolver.gate.set()
    await asyncio.gather(*first, last)
    assert not names.is_queued("last.test")


async def test_what_was_not_asked_for_is_not_known(names: Names):
    assert names.known("web.test") is None
    await found(names)
    assert names.known("web.test") == "192.0.2.1"
