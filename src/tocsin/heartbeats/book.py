"""Good and bad ends of runs, counted by day. Pure.  Source: docs/spec/heartbeats.md, days."""

from datetime import date, datetime
from typing import NamedTuple

from msgspec.structs import replace

from tocsin.heartbeats.models import Standing, Tally


class Correction(NamedTuple):
    """What an earlier day has to be counted anew by."""

    day: date
    bad: int


class Book:
    """Counts ends of runs into the day at hand; a day that is over is closed, and the next one begun."""

    def __init__(self, before: Standing, now: datetime) -> None:
        self._before = before
        self._last_good = before.last_good
        self._tally = before.tally
        self.closed: tuple[Tally, ...] = ()
        if before.tally.day != now.date():
            self.closed = (before.tally,) if before.tally.good or before.tally.bad else ()
            self._tally = Tally(now.date())

    def correct(self, day: date | None) -> Correction | None:
        """Take back one bad end of *day*: of the day at hand, or of one that is closed."""
        if day is None:
            return None
        if day != self._tally.day:
            return Correction(day, bad=-1)
        self._tally = replace(self._tally, bad=self._tally.bad - 1)
        return None

    def good(self) -> None:
        self._tally = replace(self._tally, good=self._tally.good + 1)
        self._last_good = True

    def bad(self, count: int = 1) -> None:
        if count:
            incidents = self._tally.incidents + (self._last_good is True)
            self._tally = replace(self._tally, bad=self._tally.bad + count, incidents=incidents)
            self._last_good = False

    def standing(self) -> Standing:
        return replace(self._before, tally=self._tally, last_good=self._last_good)
