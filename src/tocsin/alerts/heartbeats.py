"""What facts about heartbeats mean for alerting."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from tocsin.alerts.models import Clear, EntityType, Raise, Resolution, Signal, Source, Subject
from tocsin.containers.models import Severity
from tocsin.core.clock import wire
from tocsin.core.events import Event
from tocsin.db.tx import Read
from tocsin.heartbeats.models import (
    Heartbeat,
    HeartbeatAlert,
    HeartbeatDeleted,
    HeartbeatEvent,
    HeartbeatMissed,
    HeartbeatProblem,
    HeartbeatRecovery,
    HeartbeatStatus,
    HeartbeatStatusChanged,
)

SEVERITIES = {
    HeartbeatProblem.DEADLINE_MISSED: Severity.CRITICAL,
    HeartbeatProblem.EXIT_CODE_FAILURE: Severity.CRITICAL,
    HeartbeatProblem.OVERRUN: Severity.WARNING,
}


class Lookups(NamedTuple):
    """What is asked of others: SQL only, in the transaction at hand.

    `facts` are what is wrong with a heartbeat now; `words` what its job said last, and when.
    """

    heartbeat: Callable[[Read, int], Heartbeat | None]
    facts: Callable[[Heartbeat, datetime], list[HeartbeatMissed | HeartbeatAlert]]
    words: Callable[[Read, Heartbeat], tuple[datetime, str] | None]


class HeartbeatKind:
    """Heartbeats: nothing came in time, a run failed, or one takes too long."""

    name = "heartbeat_alerts"
    facts: tuple[type[Event], ...] = (
        HeartbeatMissed,
        HeartbeatAlert,
        HeartbeatRecovery,
        HeartbeatStatusChanged,
        HeartbeatDeleted,
    )
    causes: frozenset[str] = frozenset()
    absorbed_by: Mapping[str, str] = {}

    def __init__(self, ask: Lookups) -> None:
        self._ask = ask

    def entity_of(self, fact: Event) -> str:
        assert isinstance(fact, HeartbeatEvent)  # the reaction table holds no others  # noqa: S101
        return f"heartbeat:{fact.heartbeat_id}"

    def signals(self, read: Read, fact: Event, now: datetime) -> list[Signal]:
        assert isinstance(fact, HeartbeatEvent)  # as above  # noqa: S101
        number = fact.heartbeat_id
        match fact:
            case HeartbeatRecovery():
                return [_clear(number, now)]
            case HeartbeatDeleted():
                return [_clear(number, now, resolution=Resolution.REMOVED)]
            case HeartbeatStatusChanged(new_status=HeartbeatStatus.PAUSED):
                return [_clear(number, now, resolution=Resolution.PAUSED)]
            case HeartbeatMissed() | HeartbeatAlert():
                beat = self._ask.heartbeat(read, number)
                if beat is None:
                    return [_clear(number, now, resolution=Resolution.REMOVED)]
                return [self._raise(read, beat, fact, now)]
        return []

    def current(self, read: Read, entity: str, now: datetime) -> list[Signal]:
        number = int(entity.partition(":")[2])
        beat = self._ask.heartbeat(read, number)
        if beat is None:
            return [_clear(number, now, resolution=Resolution.REMOVED)]
        if beat.standing.status is HeartbeatStatus.PAUSED:
            return [_clear(number, now, resolution=Resolution.PAUSED)]
        over = [problem for problem in HeartbeatProblem if problem not in beat.standing.problems]
        found: list[Signal] = [_clear(number, now, *over)] if over else []
        return found + [self._raise(read, beat, fact, now) for fact in self._ask.facts(beat, now)]

    def _raise(self, read: Read, beat: Heartbeat, fact: HeartbeatMissed | HeartbeatAlert, now: datetime) -> Raise:
        return Raise(
            source=Source.HEARTBEAT,
            alert_type=fact.alert_type.value,
            severity=SEVERITIES[fact.alert_type],
            subject=Subject(type=EntityType.HEARTBEAT, key=str(beat.id), id=beat.id, name=beat.name),
            message=fact.details,
            details={**fact.evidence, **self._said(read, beat, fact.alert_type)},
            at=now,
        )

    def _said(self, read: Read, beat: Heartbeat, problem: HeartbeatProblem) -> dict[str, Any]:
        """Return the last lines a job said. A failure is explained by its own words only, not by those of old runs."""
        found = self._ask.words(read, beat)
        if found is None:
            return {}
        said_at, lines = found
        began_at = beat.standing.explained_from
        if problem is HeartbeatProblem.EXIT_CODE_FAILURE and began_at is not None and said_at < began_at:
            return {}
        return {"log_excerpt": lines, "said_at": wire(said_at)}


def _clear(
    number: int, at: datetime, *problems: HeartbeatProblem, resolution: Resolution = Resolution.RECOVERED
) -> Clear:
    return Clear(
        entity_type=EntityType.HEARTBEAT,
        entity_key=str(number),
        at=at,
        alert_types=tuple(problem.value for problem in problems),
        resolution=resolution,
    )
