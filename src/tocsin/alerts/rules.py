"""What a signal does to an alert. Pure.  Source: docs/spec/alerts.md, the machine."""

from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from tocsin.alerts.models import (
    RANK,
    Alert,
    AlertEvent,
    AlertFired,
    AlertResolved,
    AlertSilenced,
    AlertUnsilenced,
    AlertUpdated,
    Clear,
    Raise,
    Resolution,
    Status,
)


class Decision(NamedTuple):
    """The alert afterwards, None when it is forgotten, and what is said of it."""

    after: Alert | None
    says: type[AlertEvent] | None = None


FLAPPING_WITHIN = timedelta(hours=1)
CALM_FOR = timedelta(minutes=10)
"""What came and went again and again in an hour is over only after these calm minutes."""


def on_raise(known: Alert | None, seen: Raise, silence_id: int | None, now: datetime) -> Decision:
    """Decide what *seen* does, given the open alert of the same key and the silence that matches it now."""
    if known is None:
        return _begin(seen, silence_id, now)
    again = _repeat(known, seen, silence_id)
    if known.status is Status.PENDING:
        return Decision(again)
    again = replace(again, due_at=None)
    if known.status is Status.SILENCED:
        return settle_silence(again, silence_id)
    if RANK[seen.severity] > RANK[known.severity]:
        worse = replace(again, acknowledged_at=None, acknowledged_by=None, acknowledged_note=None, escalated_at=None)
        return Decision(worse, AlertFired)
    if known.silence_id is not None and silence_id is None:
        return Decision(again, AlertUnsilenced)
    return Decision(again, AlertUpdated if seen.severity is not known.severity else None)


def _begin(seen: Raise, silence_id: int | None, now: datetime) -> Decision:
    alert = Alert(
        id=0,
        source=seen.source,
        alert_type=seen.alert_type,
        severity=seen.severity,
        status=Status.ACTIVE,
        message=seen.message,
        details=seen.details,
        subject=seen.subject,
        fired_at=seen.at,
        last_seen_at=seen.at,
        silence_id=silence_id,
    )
    if seen.wait_seconds:
        return Decision(replace(alert, status=Status.PENDING, due_at=now + timedelta(seconds=seen.wait_seconds)))
    return _fire(alert)


def _fire(alert: Alert) -> Decision:
    if alert.silence_id is not None:
        return Decision(replace(alert, status=Status.SILENCED, due_at=None), AlertSilenced)
    return Decision(replace(alert, status=Status.ACTIVE, due_at=None), AlertFired)


def _repeat(known: Alert, seen: Raise, silence_id: int | None) -> Alert:
    return replace(
        known,
        severity=seen.severity,
        message=seen.message,
        details=seen.details,
        subject=seen.subject,
        last_seen_at=max(known.last_seen_at, seen.at),
        occurrences=known.occurrences + 1,
        silence_id=silence_id,
    )


def settle_silence(alert: Alert, silence_id: int | None) -> Decision:
    """Decide what a silence that began, ended or changed does to an open alert."""
    if alert.status is Status.SILENCED and silence_id is None:
        return Decision(replace(alert, status=Status.ACTIVE, silence_id=None), AlertFired)
    if alert.silence_id == silence_id:
        return Decision(alert)
    return Decision(replace(alert, silence_id=silence_id), AlertUnsilenced if silence_id is None else None)


def on_due(alert: Alert, silence_id: int | None) -> Decision:
    """The wait of a pending alert is over, and nothing has cleared it."""
    return _fire(replace(alert, silence_id=silence_id))


def as_flapping(alert: Alert, episodes: int) -> Alert:
    """Mark an alert that begins as one of *episodes* within the hour."""
    message = f"{alert.message} (it comes and goes: {episodes} times within an hour)"
    return replace(alert, flapping=True, message=message, details={**alert.details, "episodes": episodes})


def on_calm(known: Alert) -> Decision:
    """It flapped, and has been calm for long enough: it was over when the calm began."""
    assert known.due_at is not None  # only what is due is asked about  # noqa: S101
    at = max(known.due_at - CALM_FOR, known.fired_at)
    after = replace(known, status=Status.RESOLVED, resolved_at=at, resolution=Resolution.RECOVERED, due_at=None)
    return Decision(after, AlertResolved)


def on_clear(known: Alert, seen: Clear) -> Decision:
    """Resolve an open alert; one that never fired is forgotten, one that flaps has to stay calm for a while."""
    if known.status is Status.PENDING:
        return Decision(None)
    if known.flapping and seen.resolution is Resolution.RECOVERED:
        return Decision(known if known.due_at else replace(known, due_at=seen.at + CALM_FOR))
    at = max(seen.at, known.fired_at)
    resolved = replace(known, status=Status.RESOLVED, resolved_at=at, resolution=seen.resolution, due_at=None)
    return Decision(resolved, AlertResolved)
