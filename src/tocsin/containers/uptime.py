"""Uptime: what part of the observed time a container was up.  Source: docs/spec/containers.md, uptime.

Up is `running` and not `unhealthy`. `completed` and `paused` count neither way. All times are unix milliseconds.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from tocsin.containers.models import Container, Health, State
from tocsin.core.clock import to_ms

DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1)


class Tally(NamedTuple):
    """Milliseconds up and down; time that counts neither way is in none of them."""

    up_ms: int = 0
    down_ms: int = 0

    def plus(self, other: "Tally") -> "Tally":
        return Tally(self.up_ms + other.up_ms, self.down_ms + other.down_ms)

    @property
    def percent(self) -> float | None:
        """Return up / (up + down) × 100, half-up to two decimals; None when nothing counted."""
        total = self.up_ms + self.down_ms
        return None if total == 0 else (self.up_ms * 20_000 + total) // (2 * total) / 100


class Segment(NamedTuple):
    """From `at_ms` on, the container was in this state and health."""

    at_ms: int
    state: State
    health: Health | None


def tally(state: State, health: Health | None, duration_ms: int) -> Tally:
    if state in {State.COMPLETED, State.PAUSED} or duration_ms <= 0:
        return Tally()
    is_up = state is State.RUNNING and health is not Health.UNHEALTHY
    return Tally(duration_ms, 0) if is_up else Tally(0, duration_ms)


def day_of(at_ms: int) -> date:
    return _EPOCH + timedelta(days=at_ms // DAY_MS)


def start_of(day: date) -> int:
    return (day - _EPOCH).days * DAY_MS


def by_day(state: State, health: Health | None, start_ms: int, end_ms: int) -> Iterator[tuple[date, Tally]]:
    """Yield what the span adds to each UTC day it touches, oldest first."""
    while start_ms < end_ms:
        day = day_of(start_ms)
        until = min(end_ms, start_of(day) + DAY_MS)
        found = tally(state, health, until - start_ms)
        if found != Tally():
            yield day, found
        start_ms = until


def over(segments: Iterable[Segment], start_ms: int, end_ms: int) -> Tally:
    """Return the tally of *segments* (oldest first, each up to the next) between two instants."""
    total, ordered = Tally(), list(segments)
    for segment, following in zip(ordered, [*ordered[1:], Segment(end_ms, State.CREATED, None)], strict=True):
        low, high = max(segment.at_ms, start_ms), min(following.at_ms, end_ms)
        total = total.plus(tally(segment.state, segment.health, high - low))
    return total


def observed_until(container: Container, now: datetime) -> int:
    """Return when our knowledge of it ends: now, or when it was removed."""
    return to_ms(min(now, container.archived_at or now, container.missing_since or now))


def open_span(container: Container, now: datetime) -> Iterator[tuple[date, Tally]]:
    """Yield, day by day, the time since the last change, which is in no total yet."""
    return by_day(container.state, container.health, to_ms(container.accounted_at), observed_until(container, now))


def window_start(container: Container, window: timedelta, now: datetime) -> int:
    return to_ms(max(now - window, container.first_seen_at))
