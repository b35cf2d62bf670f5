"""Notices when this process stood still: what a probe could not see in that time is not the target's fault."""

import asyncio
from collections import deque
from collections.abc import Callable

TICK_S = 0.25
LONG_S = 0.5
REMEMBERED_S = 120.0


class Stalls:
    """Keep `run` alive; ask `during`. *monotonic* is the clock of the probes."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._last: float | None = None
        self._found: deque[tuple[float, float]] = deque(maxlen=100)
        self.count = 0

    async def run(self) -> None:
        while True:
            self._tick()
            await asyncio.sleep(TICK_S)

    def _tick(self) -> None:
        now = self._monotonic()
        if self._last is not None and now - self._last > TICK_S + LONG_S:
            self._found.append((self._last, now))
            self.count += 1
        self._last = now

    def during(self, since: float) -> bool:
        """Say whether the process stood still at any time after *since*, up to this moment."""
        now = self._monotonic()
        if self._last is not None and now - self._last > TICK_S + LONG_S:
            return True  # it has only just come to itself
        return any(ended > since for _began, ended in self._found)
