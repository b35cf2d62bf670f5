"""Following one container: from a place in its log on, at a bounded pace, never far behind.

A container can write faster than anybody reads. Then this reads at its pace, and when it is too far behind it leaves
out what lies between and goes on with what is new.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tocsin.logs.lines import Marker
from tocsin.logs.models import Marked
from tocsin.logs.query import before, unix, unix_of_stamp
from tocsin.logs.reader import Position
from tocsin.runtimes.base import LogLine, LogWindow, Runtime

FURTHEST_BEHIND = timedelta(seconds=10)
AFTER_A_SKIP = 200
BYTES_PER_S, BYTES_PER_S_IN_ALL = 2 << 20, 8 << 20
SLOWEST_BYTES_PER_S = 128 << 10


class Pace:
    """Shares what the event loop can spend on logs between all who follow one."""

    def __init__(self) -> None:
        self.followers = 0

    @property
    def bytes_per_s(self) -> float:
        share = BYTES_PER_S_IN_ALL / max(self.followers, 1)
        return max(SLOWEST_BYTES_PER_S, min(BYTES_PER_S, share))


class Batch(NamedTuple):
    """Lines that came together, where they end, and what was left out before them: two timestamps."""

    lines: list[Marked]
    end: Position
    skipped: tuple[str, str] | None = None


async def follow(
    runtime: Runtime, runtime_id: str, place: Position | None, asked_at: datetime, marker: Marker, pace: Pace
) -> AsyncIterator[Batch]:
    """Yield what comes after *place*; without a place, what was written since *asked_at* by the engine's clock.

    Raises ContainerGone, LogsUnavailable, RuntimeUnavailable.
    """
    window = LogWindow(since=unix_of_stamp(place.at) if place is not None else unix(asked_at), follow=True)
    skipped_from: str | None = None
    pace.followers += 1
    try:
        while True:
            lagging = False
            passed = _Passed(place if skipped_from is None else None)
            async for raw in runtime.logs(runtime_id, window):
                fresh = passed.drop_known(raw)
                if not fresh:
                    continue
                place = passed.place
                assert place is not None  # noqa: S101 -- there was a line
                skipped = None if skipped_from is None else (skipped_from, fresh[0][0].at)
                skipped_from = None
                yield Batch([marker.mark(line, number) for line, number in fresh], place, skipped)
                if _behind(place.at, runtime.now()):
                    lagging = True
                    break
                await asyncio.sleep(sum(len(line.text) for line, _ in fresh) / pace.bytes_per_s)
            if not lagging or place is None:
                return
            skipped_from, window = place.at, LogWindow(tail=AFTER_A_SKIP, follow=True)
    finally:
        pace.followers -= 1


class _Passed:
    """Counts lines of the same instant, so that those seen before can be told from those that only share it."""

    def __init__(self, known: Position | None) -> None:
        self._known = known
        self.place: Position | None = None

    def drop_known(self, batch: list[LogLine]) -> list[tuple[LogLine, int]]:
        """Return the lines that are new, each with its number among those of its timestamp."""
        fresh = []
        for line in batch:
            self.place = Position(line.at, 0) if self.place is None else self.place.after(line.at)
            if self._known is not None:
                if before(line.at, self._known.at) or (
                    line.at == self._known.at and self.place.number <= self._known.number
                ):
                    continue
                self._known = None
            fresh.append((line, self.place.number))
        return fresh


def _behind(stamp: str, now: datetime) -> bool:
    """Say whether what was written at *stamp* is old news."""
    try:
        written = datetime.fromisoformat(stamp[:19]).replace(tzinfo=UTC)
    except ValueError:
        return False
    return now - written > FURTHEST_BEHIND
