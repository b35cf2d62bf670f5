"""Clocks that tests move: one that stands still until then, and one that goes on as that of the machine does."""

import asyncio
from datetime import UTC, datetime, timedelta

from tocsin.core.clock import SystemClock


class FakeClock:
    """A clock that stands still: wall and monotonic time, moved together by `advance`, which wakes who sleeps."""

    def __init__(self) -> None:
        self._start = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
        self._elapsed_s = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        waker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed_s + seconds, waker))
        await waker

    async def advance(self, seconds: float) -> None:
        """Move on by *seconds*, waking each sleeper at its own time, and let everybody do what they then can."""
        until = self._elapsed_s + seconds
        await settled()
        while due := [sleeper for sleeper in self._sleepers if sleeper[0] <= until]:
            at, waker = min(due, key=lambda sleeper: sleeper[0])
            self._sleepers.remove((at, waker))
            self._elapsed_s = max(self._elapsed_s, at)
            if not waker.done():
                waker.set_result(None)
            await settled()
        self._elapsed_s = until


class JumpingClock(SystemClock):
    """Goes on by itself. Time may pass at once (`skip`); `off` is by how much somebody has set the wall clock."""

    def __init__(self) -> None:
        self.off = timedelta()
        self._skipped_s = 0.0

    def now(self) -> datetime:
        return super().now() + self.off + timedelta(seconds=self._skipped_s)

    def monotonic(self) -> float:
        return super().monotonic() + self._skipped_s

    def skip(self, seconds: float) -> None:
        """Let time pass."""
        self._skipped_s += seconds

    def turn(self, seconds: float) -> None:
        """Set the clock on the wall to another time, without any passing."""
        self.off += timedelta(seconds=seconds)


async def settled(rounds: int = 10) -> None:
    """Let every task that can go on go on, without waiting for time to pass."""
    for _ in range(rounds):
        await asyncio.sleep(0)
