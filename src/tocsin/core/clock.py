"""The only place that asks for the time. Rules get `now` passed in; tests pass a clock of their own."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Protocol, runtime_checkable

from msgspec import Meta

Instant = Annotated[
    str,
    Meta(description="RFC 3339, UTC, milliseconds", examples=["2026-11-23T11:14:34.120Z"]),
]
"""A point in time as it travels: msgspec alone would write six digits or none."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@runtime_checkable
class Clock(Protocol):
    """Wall time for history, monotonic time for durations, and a sleep that tests can drive."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The clock of the machine, cut to milliseconds so that a stored time equals the one in memory."""

    def now(self) -> datetime:
        return from_ms(time.time_ns() // 1_000_000)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def to_ms(moment: datetime) -> int:
    """Return *moment* as integer unix milliseconds, exactly (no float in between)."""
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """Return the aware UTC datetime of integer unix *milliseconds*."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def to_ms_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else to_ms(moment)


def from_ms_or_none(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_ms(milliseconds)


def wire(moment: datetime) -> Instant:
    """Return *moment* as every answer and event shows it: `2026-11-23T11:14:34.120Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def wire_or_none(moment: datetime | None) -> Instant | None:
    return None if moment is None else wire(moment)
