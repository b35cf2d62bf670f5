"""Heartbeats as rules take them, and what a job does to one, step by step."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from tocsin.core.events import Event, name_of
from tocsin.heartbeats import rules
from tocsin.heartbeats.models import Heartbeat, HeartbeatStatus, Ping, PingType, Rules, Run, Standing
from tocsin.heartbeats.rules import Decision

T0 = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
INTERVAL, GRACE = 300, 60
NEW, UP, STARTED, DOWN, PAUSED = HeartbeatStatus


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def beat(standing: Standing | None = None, **wanted: Any) -> Heartbeat:
    """A heartbeat made at T0, expected every five minutes with a minute of grace."""
    mine = Rules(**{"interval_seconds": INTERVAL, "grace_seconds": GRACE, **wanted})
    return Heartbeat(
        id=3,
        uuid="6f1b2c9e-5a7d-4c1e-9b83-0f2d7a4e1c55",
        name="backup",
        slug="backup",
        rules=mine,
        standing=standing or rules.begin(mine, T0),
        created_at=T0,
        updated_at=T0,
    )


def ping(word: str = "", rid: str | None = None, **more: Any) -> Ping:
    """What `/ping/…/<word>` says: nothing is a success, a number an exit code."""
    kind, code = PingType.SUCCESS, None
    if word.isdigit():
        kind, code = PingType.EXIT_CODE, int(word)
    elif word:
        kind = PingType(word)
    return Ping(type=kind, exit_code=code, run_id=rid, **more)


class Job:
    """A heartbeat with a past. `decisions` holds what was decided, one by one."""

    def __init__(self, start: datetime = T0, **wanted: Any) -> None:
        self.beat = beat(**wanted)
        self.beat = replace(self.beat, standing=rules.begin(self.beat.rules, start), created_at=start)
        self.decisions: list[Decision] = []
        self._runs = 0

    @property
    def now(self) -> Standing:
        return self.beat.standing

    def _take(self, decision: Decision) -> Decision:
        self.decisions.append(decision)
        after = decision.after
        if after.open_runs and not after.open_runs[-1].id:  # what storing a run does
            self._runs += 1
            after = replace(after, open_runs=(*after.open_runs[:-1], replace(after.open_runs[-1], id=self._runs)))
        self.set(after)
        return decision

    def set(self, standing: Standing) -> None:
        self.beat = replace(self.beat, standing=standing)

    def ping(self, moment: datetime | float, word: str = "", rid: str | None = None, **more: Any) -> Decision:
        return self._take(rules.on_ping(self.beat, ping(word, rid, **more), _moment(moment)))

    def look(self, moment: datetime | float) -> Decision | None:
        decision = rules.on_time(self.beat, _moment(moment))
        return None if decision is None else self._take(decision)

    def pause(self, moment: datetime | float) -> Decision:
        return self._take(rules.paused(self.beat, _moment(moment)))

    def resume(self, moment: datetime | float) -> Decision:
        return self._take(rules.resumed(self.beat, _moment(moment)))

    def change(self, **wanted: Any) -> Standing:
        mine = replace(self.beat.rules, **wanted)
        after = rules.with_rules(self.beat, mine)
        self.beat = replace(self.beat, rules=mine, standing=after)
        return after


def _moment(moment: datetime | float) -> datetime:
    return moment if isinstance(moment, datetime) else at(moment)


def names(events: Iterable[Event]) -> list[str]:
    """Return what is told, without the name of the slice."""
    return [name_of(event).removeprefix("heartbeat.") for event in events]


def run(started: float, rid: str | None = None, number: int = 1, given_up: float | None = None) -> Run:
    return Run(id=number, started_at=at(started), run_id=rid, given_up_at=None if given_up is None else at(given_up))
