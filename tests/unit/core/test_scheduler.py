"""Timed work, driven by a clock of our own. Scheduling anything wakes the clockwork, which then looks at the time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from support.clock import FakeClock
from tocsin.core.errors import Unavailable
from tocsin.core.scheduler import Scheduler


class Clockwork:
    """A scheduler that runs, its clock, and what its jobs did."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.scheduler = Scheduler(self.clock, limit_per_host=2)
        self.ran: list[str] = []

    def job(self, name: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            self.ran.append(name)

        return run

    async def after(self, seconds: float) -> list[str]:
        """Let *seconds* pass; return what has run by then."""
        await self.clock.advance(seconds)
        await self.look()
        return self.ran

    async def look(self) -> None:
        self.scheduler.once("look", 0, _nothing)
        for _ in range(20):
            await asyncio.sleep(0)


async def _nothing() -> None:
    pass


@pytest.fixture
async def work() -> AsyncIterator[Clockwork]:
    found = Clockwork()
    running = asyncio.create_task(found.scheduler.run())
    await asyncio.sleep(0)
    yield found
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await found.scheduler.stop()


async def test_jobs_start_in_the_order_they_are_due(work: Clockwork):
    for name, delay in (("third", 3), ("first", 1), ("second", 2)):
        work.scheduler.once(name, delay, work.job(name))
    assert await work.after(0.5) == []
    assert await work.after(1) == ["first"]
    assert await work.after(2) == ["first", "second", "third"]
    assert len(work.scheduler) == 0


async def test_a_key_has_one_place(work: Clockwork):
    work.scheduler.once("key", 1, work.job("never"))
    work.scheduler.once("key", 5, work.job("later"))
    assert len(work.scheduler) == 1
    assert await work.after(2) == []
    assert await work.after(3) == ["later"]
    work.scheduler.once("key", 50, work.job("sooner"))
    work.scheduler.once("key", 1, work.job("sooner"))
    assert await work.after(1) == ["later", "sooner"]
    assert await work.after(60) == ["later", "sooner"]


async def test_what_is_cancelled_does_not_run(work: Clockwork):
    work.scheduler.once("key", 1, work.job("never"))
    work.scheduler.cancel("key")
    work.scheduler.cancel("no such key")
    assert await work.after(2) == []


async def test_a_repeated_job_that_is_cancelled_while_it_runs_does_not_come_back(work: Clockwork):
    gate = asyncio.Event()

    async def wait() -> None:
        work.ran.append("wait")
        await gate.wait()

    work.scheduler.every("key", timedelta(seconds=1), wait, first_in_s=0)
    await work.after(0)
    work.scheduler.cancel("key")
    gate.set()
    assert await work.after(5) == ["wait"]


async def test_a_repeated_job_keeps_its_period(work: Clockwork):
    work.scheduler.every("key", timedelta(seconds=10), work.job("tick"), first_in_s=0)
    assert await work.after(0) == ["tick"]
    assert await work.after(9) == ["tick"]
    assert await work.after(1) == ["tick"] * 2
    assert await work.after(35) == ["tick"] * 3  # what was missed is not made up for


async def test_a_job_that_is_still_running_is_not_started_again(work: Clockwork):
    gate = asyncio.Event()

    async def slow() -> None:
        work.ran.append("slow")
        await gate.wait()

    work.scheduler.every("key", timedelta(seconds=1), slow, first_in_s=0)
    assert await work.after(0) == ["slow"]
    assert await work.after(10) == ["slow"]
    work.scheduler.every("key", timedelta(seconds=1), slow, first_in_s=0)
    assert await work.after(1) == ["slow"]
    gate.set()
    assert await work.after(0) == ["slow", "slow"]


async def test_a_job_moved_while_it_runs_runs_again_at_its_new_time(work: Clockwork):
    gate = asyncio.Event()

    async def wait() -> None:
        work.ran.append("old")
        await gate.wait()

    work.scheduler.once("key", 0, wait)
    await work.after(0)
    work.scheduler.once("key", 5, work.job("new"))
    gate.set()
    assert await work.after(4) == ["old"]
    assert await work.after(1) == ["old", "new"]


@pytest.mark.parametrize("problem", [ValueError("a bug"), Unavailable("the world"), TimeoutError()])
async def test_a_job_that_fails_is_counted_and_repeated_and_harms_nobody(work: Clockwork, problem: Exception):
    async def bad() -> None:
        work.ran.append("bad")
        raise problem

    work.scheduler.every("bad", timedelta(seconds=1), bad, first_in_s=0)
    work.scheduler.once("good", 0.5, work.job("good"))
    assert await work.after(0) == ["bad"]
    assert await work.after(1) == ["bad", "good", "bad"]
    assert work.scheduler.stats.failures == 2


async def test_a_job_has_a_hard_time_limit(work: Clockwork):
    async def endless() -> None:
        await asyncio.Event().wait()

    work.scheduler.once("endless", 0, endless, timeout_s=0)
    await work.look()
    assert (work.scheduler.stats.failures, len(work.scheduler)) == (1, 0)


async def test_one_host_is_not_asked_too_much_at_once(work: Clockwork):
    gate = asyncio.Event()

    def probe(name: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            work.ran.append(name)
            await gate.wait()

        return run

    for name in "abc":
        work.scheduler.once(name, 0, probe(name), host="one")
    work.scheduler.once("d", 0, probe("d"), host="two")
    await work.look()
    assert sorted(work.ran) == ["a", "b", "d"]
    gate.set()
    await work.look()
    assert sorted(work.ran) == ["a", "b", "c", "d"]


async def test_the_first_run_is_somewhere_within_the_period():
    scheduler = Scheduler(FakeClock())
    for number in range(200):
        scheduler.every(str(number), timedelta(seconds=60), _nothing)
    dues = [due.at for due in scheduler._heap]
    assert all(0 <= due <= 60 for due in dues)
    assert min(dues) < 20
    assert max(dues) > 40


async def test_standing_still_is_noticed(work: Clockwork):
    late: list[float] = []
    work.scheduler.on_suspension.append(late.append)
    work.scheduler.once("key", 10, work.job("key"))
    await work.after(1)
    assert late == []
    await work.after(30)
    assert late == [21]
    assert work.scheduler.stats.suspensions == 1
    assert work.ran == ["key"]


async def test_how_late_a_job_started_is_known(work: Clockwork):
    work.scheduler.once("key", 1, work.job("key"))
    running = work.scheduler.stats
    await work.clock.advance(3)
    work.scheduler.once("far", 99, _nothing)
    for _ in range(20):
        await asyncio.sleep(0)
    assert (running.runs, running.lag_seconds) == (1, 2)
