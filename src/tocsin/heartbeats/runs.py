"""Which run a ping begins or ends, and when one takes too long. Pure.  Source: docs/spec/heartbeats.md, runs."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from tocsin.heartbeats.deadlines import deadline_after
from tocsin.heartbeats.models import Heartbeat, HeartbeatProblem, Outcome, Ping, Rules, Run, Standing

MILLISECOND = timedelta(milliseconds=1)


class Ended(NamedTuple):
    """A run that has ended: one that is known, or one of which only the end was told."""

    run: Run | None
    outcome: Outcome
    exit_code: int | None = None
    duration_ms: int | None = None
    is_late: bool = False
    by_ping: bool = True


class Ending:
    """Which run a ping ends: an open one of its id, else the one that was given up, else one nobody heard of before."""

    def __init__(self, beat: Heartbeat, ping: Ping, now: datetime) -> None:
        before = beat.standing
        mine = [run for run in before.open_runs if run.run_id == ping.run_id]
        late = before.late_run if before.late_run is not None and before.late_run.run_id == ping.run_id else None
        self._beat = beat
        self._ping = ping
        self._now = now
        self._run = mine[-1] if mine else late
        self.is_late = not mine and late is not None
        others = [run for run in before.open_runs if run is not self._run]
        self.stale = tuple(run for run in others if deadline_after(beat.rules, run.started_at) < now)
        self.others = tuple(run for run in others if run not in self.stale)

    @property
    def began_at(self) -> datetime:
        """Return when the run began; of one that is not known before, when it ended."""
        return self._now if self._run is None else self._run.started_at

    @property
    def duration_ms(self) -> int | None:
        return None if self._run is None else max(0, (self._now - self._run.started_at) // MILLISECOND)

    def fields(self) -> dict[str, Any]:
        before, duration = self._beat.standing, self.duration_ms
        return {
            "open_runs": self.others,
            "overrun_at": next_overrun(self._beat.rules, self.others, before, self._now),
            "late_run": late_run(before, self._ping),
            "last_duration_ms": before.last_duration_ms if duration is None else duration,
        }

    def changes(self, outcome: Outcome, exit_code: int | None) -> tuple[Ended, ...]:
        given_up = (Ended(run, Outcome.TIMEOUT, by_ping=False) for run in self.stale)
        return (*given_up, Ended(self._run, outcome, exit_code, self.duration_ms, self.is_late))

    @property
    def late_day(self) -> date | None:
        """Return the day on which a run that ends late after all was counted as given up."""
        given_up_at = self._run.given_up_at if self._run is not None else None
        return None if given_up_at is None else given_up_at.date()


def overrun_at(rules: Rules, runs: tuple[Run, ...], before: Standing) -> datetime | None:
    """Return when the oldest run has taken too long; None when that has been said, or does not matter."""
    if not runs or rules.max_duration_seconds is None or HeartbeatProblem.OVERRUN in before.problems:
        return None
    return runs[0].started_at + timedelta(seconds=rules.max_duration_seconds)


def next_overrun(rules: Rules, runs: tuple[Run, ...], before: Standing, now: datetime) -> datetime | None:
    """Return when the next of *runs* will have taken too long; of those that already have, it has been said."""
    if rules.max_duration_seconds is None:
        return None
    times = (run.started_at + timedelta(seconds=rules.max_duration_seconds) for run in runs)
    return next((time for time in times if time >= now or time == before.overrun_at), None)


def late_run(before: Standing, ping: Ping) -> Run | None:
    """Return the run that may yet end late: not after another start or end of the same id."""
    return None if before.late_run is None or before.late_run.run_id == ping.run_id else before.late_run
