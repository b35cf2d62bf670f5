"""A clock that only moves when a test says so."""

import asyncio
from datetime import UTC, datetime, timedelta


class FakeClock:
    """`advance` wakes every sleeper whose time has come, in order."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed + seconds, future))
        await future

    async def advance(self, seconds: float) -> None:
        self._elapsed += seconds
        for due, future in sorted(self._sleepers, key=lambda sleeper: sleeper[0]):
            if due <= self._elapsed and not future.done():
                future.set_result(None)
        self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[1].done()]
        for _ in range(10):
            await asyncio.sleep(0)
