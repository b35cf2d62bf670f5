"""Times in which the process stood still are known, and only those."""

import pytest

from support.clock import FakeClock
from tocsin.probes.stalls import LONG_S, TICK_S, Stalls


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def stalls(clock: FakeClock) -> Stalls:
    found = Stalls(clock.monotonic)
    found._tick()
    return found


async def tick(clock: FakeClock, stalls: Stalls, after: float = TICK_S) -> None:
    await clock.advance(after)
    stalls._tick()


async def test_who_ticks_in_time_does_not_stand_still(clock: FakeClock, stalls: Stalls):
    for _ in range(100):
        await tick(clock, stalls)
        await tick(clock, stalls, TICK_S + LONG_S * 0.9)
    assert not stalls.during(0)
    assert stalls.count == 0


async def test_standing_still_is_seen_by_those_that_were_on_their_way(clock: FakeClock, stalls: Stalls):
    began = clock.monotonic()
    await tick(clock, stalls)
    await tick(clock, stalls, 12)
    assert stalls.during(began)
    assert stalls.count == 1

    await tick(clock, stalls)
    later = clock.monotonic()
    await tick(clock, stalls)
    assert not stalls.during(later)


async def test_it_is_seen_before_the_first_tick_afterwards(clock: FakeClock, stalls: Stalls):
    began = clock.monotonic()
    await clock.advance(12)
    assert stalls.during(began)
    assert stalls.during(clock.monotonic())  # began in a loop that has only just come to itself


async def test_a_probe_that_began_while_it_stood_still_is_not_believed(clock: FakeClock, stalls: Stalls):
    await clock.advance(6)
    began = clock.monotonic()
    await tick(clock, stalls, 6)
    assert stalls.during(began)


async def test_before_the_first_tick_nothing_is_known(clock: FakeClock):
    assert not Stalls(clock.monotonic).during(0)


async def test_what_is_remembered_is_bounded(clock: FakeClock, stalls: Stalls):
    for _ in range(1000):
        await tick(clock, stalls, 2)
    assert stalls.count == 1000
    assert len(stalls._found) <= 100
