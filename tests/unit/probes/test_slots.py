"""Places for probes: so many per host, so many in all, in turn, and none lost whatever is cancelled."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.clock import settled
from tocsin.probes.connect import Slots


class Probe:
    """Takes a place as soon as it can, and keeps it until told."""

    def __init__(self, slots: Slots, host: str) -> None:
        self.host = host
        self.has_place = False
        self._slots = slots
        self._enough = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        if not self._slots.try_take(self.host):
            await self._slots.take(self.host)
        self.has_place = True
        try:
            await self._enough.wait()
        finally:
            self.has_place = False
            self._slots.give(self.host)

    def end(self) -> None:
        self._enough.set()


async def start(slots: Slots, *hosts: str) -> list[Probe]:
    probes = [Probe(slots, host) for host in hosts]
    await settled()
    return probes


def having(probes: list[Probe]) -> list[bool]:
    return [probe.has_place for probe in probes]


async def finish(probes: list[Probe]) -> None:
    for probe in probes:
        probe.end()
    await asyncio.gather(*(probe.task for probe in probes), return_exceptions=True)


async def test_a_host_has_so_many_and_others_their_own():
    probes = await start(Slots(10, per_host=2), "a", "a", "a", "b")
    assert having(probes) == [True, True, False, True]
    probes[0].end()
    await settled()
    assert having(probes) == [False, True, True, True]
    await finish(probes)


async def test_there_are_so_many_in_all():
    probes = await start(Slots(2, per_host=2), "a", "b", "c")
    assert having(probes) == [True, True, False]
    probes[1].end()
    await settled()
    assert having(probes) == [True, False, True]
    await finish(probes)


async def test_who_waits_longest_is_next():
    probes = await start(Slots(10, per_host=1), *"aaaa")
    for number in range(4):
        assert having(probes) == [one == number for one in range(4)]
        probes[number].end()
        await settled()


@pytest.mark.parametrize("victim", [0, 1, 2])
async def test_who_is_cancelled_leaves_the_place_to_the_next(victim: int):
    probes = await start(Slots(10, per_host=1), *"aaa")
    probes[victim].task.cancel()
    await settled()
    left = [probe for probe in probes if probe is not probes[victim]]
    assert having(left) == [True, False]
    await finish(probes)


async def test_a_place_is_taken_without_waiting_if_there_is_one():
    slots = Slots(2, per_host=1)
    assert [slots.try_take(host) for host in "aabc"] == [True, False, True, False]
    slots.give("a")
    assert [slots.try_take(host) for host in "bac"] == [False, True, False]


async def test_who_is_cancelled_in_the_moment_of_its_turn_passes_it_on():
    probes = await start(Slots(10, per_host=1), *"aaa")
    probes[0].end()
    await asyncio.sleep(0)  # the first gives; the second is told, and has not run yet
    probes[1].task.cancel()
    await settled()
    assert having(probes)[2]
    await finish(probes)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["start", "start", "end", "cancel", "end and cancel"]),
        st.integers(0, 30),
        st.sampled_from("abc"),
        st.integers(0, 4),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_no_place_is_lost_or_given_twice(steps: list[tuple[str, int, str, int]]):
    asyncio.run(walk(steps))


async def walk(steps: list[tuple[str, int, str, int]]) -> None:
    slots = Slots(4, per_host=2)
    probes: list[Probe] = []
    for what, which, host, rounds in steps:
        if what == "start" or not probes:
            probes.append(Probe(slots, host))
        else:
            probe = probes[which % len(probes)]
            if "end" in what:
                probe.end()
            if "cancel" in what:
                probe.task.cancel()
        for _ in range(rounds):
            await asyncio.sleep(0)
        running = [probe.host for probe in probes if probe.has_place]
        assert len(running) <= 4
        assert all(running.count(host) <= 2 for host in "abc")
    await settled()
    waiting = {probe.host for probe in probes if not probe.has_place and not probe.task.done()}
    running = [probe.host for probe in probes if probe.has_place]
    assert all(running.count(host) == 2 or len(running) == 4 for host in waiting), "somebody waits for nothing"
    async with asyncio.timeout(5):
        await finish(probes)
        again = await start(slots, *"aabb")
    assert having(again) == [True] * 4, "a place was lost"
    await finish(again)
