"""Long tasks come back, later and later, until somebody ends them."""

import asyncio

import pytest

from support.clock import FakeClock
from tocsin.core.errors import Unavailable
from tocsin.core.supervision import CALM_AFTER_S, Supervisor


class Mortal:
    """A task that dies of *problem* after some calm, and notes when it was started."""

    def __init__(self, clock: FakeClock, problem: Exception | None, lives_s: float = 0) -> None:
        self.clock = clock
        self.problem = problem
        self.lives_s = lives_s
        self.started_at: list[float] = []

    async def run(self) -> None:
        self.started_at.append(self.clock.monotonic())
        if self.lives_s:
            await self.clock.sleep(self.lives_s)
        if self.problem is not None:
            raise self.problem


@pytest.mark.parametrize(
    ("problem", "told"),
    [(ValueError("a bug"), "ValueError: a bug"), (Unavailable("no engine"), "no engine"), (None, "ended")],
)
async def test_pauses_double_up_to_thirty_seconds(problem: Exception | None, told: str):
    clock = FakeClock()
    supervisor, mortal = Supervisor(clock), Mortal(clock, problem)
    supervisor.start("mortal", mortal.run)
    await clock.advance(100)
    assert mortal.started_at == [0, 1, 3, 7, 15, 31, 61, 91]
    health = supervisor.health["mortal"]
    assert (health.restarts, health.last_error, health.waiting) == (8, told, True)
    await supervisor.stop()


async def test_after_a_calm_time_the_pauses_start_anew():
    clock = FakeClock()
    lives_s = CALM_AFTER_S + 1
    supervisor, mortal = Supervisor(clock), Mortal(clock, ValueError("x"), lives_s)
    supervisor.start("mortal", mortal.run)
    await clock.advance(3 * lives_s + 3)
    assert mortal.started_at == [0, lives_s + 1, 2 * (lives_s + 1), 3 * (lives_s + 1)]
    await supervisor.stop()


async def test_stopping_ends_those_who_run_and_those_who_wait():
    clock = FakeClock()
    supervisor = Supervisor(clock)
    runs, waits = Mortal(clock, None, lives_s=1000), Mortal(clock, ValueError("x"))
    supervisor.start("runs", runs.run)
    supervisor.start("waits", waits.run)
    await clock.advance(0)
    await supervisor.stop()
    await clock.advance(10_000)
    assert (runs.started_at, waits.started_at) == ([0], [0])
    assert supervisor.health["runs"].restarts == 0


async def test_only_cancellation_ends_a_kept_task():
    clock = FakeClock()
    kept = asyncio.create_task(Supervisor(clock).keep("x", Mortal(clock, ValueError("x")).run))
    await clock.advance(50)
    assert not kept.done()
    kept.cancel()
    with pytest.raises(asyncio.CancelledError):
        await kept


async def test_one_death_is_nobody_elses():
    clock = FakeClock()
    supervisor, well = Supervisor(clock), Mortal(clock, None, lives_s=1000)
    supervisor.start("ill", Mortal(clock, ValueError("x")).run)
    supervisor.start("well", well.run)
    await clock.advance(100)
    assert well.started_at == [0]
    assert supervisor.health["well"].last_error is None
    await supervisor.stop()
