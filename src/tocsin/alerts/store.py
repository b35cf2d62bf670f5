"""The only SQL about alerts."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, or_, select, update

from tocsin.alerts.models import OPEN, Alert, EntityType, Resolution, Source, Status, Subject
from tocsin.alerts.tables import alerts, parents
from tocsin.containers.models import Severity
from tocsin.core.clock import from_ms, from_ms_or_none, to_ms, to_ms_or_none
from tocsin.core.errors import InvalidParam, NotFound
from tocsin.db.tx import Read, Tx

LONGEST_COUNT = 10_000
MOST_AT_ONCE = 500
_subject = msgspec.json.Decoder(Subject)
_NEWEST = (alerts.c.fired_at_ms.desc(), alerts.c.id.desc())


class Wanted(NamedTuple):
    """Which alerts a list shows. `before_id` is the last alert of the page before."""

    source: Source | None = None
    severity: Severity | None = None
    status: Status | None = None
    entity_type: EntityType | None = None
    entity_key: str | None = None
    cause_id: int | None = None
    acknowledged: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: datetime | None = None
    before_id: int | None = None


# --- looking ---------------------------------------------------------------------------------------------------------


def get(read: Read, alert_id: int) -> Alert:
    """Raises NotFound: no such alert, or one that has not fired yet."""
    where = (alerts.c.id == alert_id, alerts.c.status != Status.PENDING.value)
    row = read.execute(select(alerts).where(*where)).one_or_none()
    if row is None:
        raise NotFound("Alert not found")
    return _alert(row)


def find(read: Read, alert_id: int) -> Alert | None:
    """Return an alert, None when there is none (any more)."""
    row = read.execute(select(alerts).where(alerts.c.id == alert_id)).one_or_none()
    return None if row is None else _alert(row)


def find_open(read: Read, open_key: str) -> Alert | None:
    row = read.execute(select(alerts).where(alerts.c.open_key == open_key)).one_or_none()
    return None if row is None else _alert(row)


def list_open_of(read: Read, entity_type: EntityType, entity_key: str) -> list[Alert]:
    """Return the open alerts of one entity, oldest first."""
    mine = (alerts.c.entity_type == entity_type.value, alerts.c.entity_key == entity_key)
    rows = read.execute(select(alerts).where(*mine, alerts.c.open_key.is_not(None)).order_by(alerts.c.id))
    return [_alert(row) for row in rows]


def count_episodes(read: Read, alert: Alert, since: datetime) -> int:
    """Return how many alerts like *alert* fired after *since*: the same trouble of the same entity."""
    subject = alert.subject
    mine = (alerts.c.entity_type == subject.type.value, alerts.c.entity_key == subject.key)
    same = (alerts.c.alert_type == alert.alert_type, alerts.c.fired_at_ms > to_ms(since))
    counted = select(func.count()).select_from(alerts).where(*mine, *same, alerts.c.status != Status.PENDING.value)
    return int(read.execute(counted).scalar_one())


def list_below(read: Read, parent: str, since: datetime) -> list[Alert]:
    """Return open alerts about what cannot do without *parent* that fired after *since*, newest first, at most 500."""
    fresh = select(parents.c.alert_id).where(parents.c.parent == parent, parents.c.fired_at_ms > to_ms(since))
    ids = list(read.execute(fresh.order_by(parents.c.fired_at_ms.desc()).limit(MOST_AT_ONCE)).scalars())
    found = select(alerts).where(alerts.c.id.in_(ids), alerts.c.open_key.is_not(None)).order_by(*_NEWEST)
    return [_alert(row) for row in read.execute(found)] if ids else []


def list_caused_by(read: Read, cause_id: int) -> list[Alert]:
    """Return the open alerts below one, oldest first."""
    below = select(alerts).where(alerts.c.cause_id == cause_id, alerts.c.open_key.is_not(None))
    return [_alert(row) for row in read.execute(below.order_by(alerts.c.id))]


def list_due(read: Read, now: datetime) -> list[Alert]:
    due = select(alerts).where(alerts.c.due_at_ms <= to_ms(now)).order_by(alerts.c.due_at_ms, alerts.c.id)
    return [_alert(row) for row in read.execute(due.limit(MOST_AT_ONCE))]


def list_open(read: Read, after_id: int = 0, limit: int = MOST_AT_ONCE) -> list[Alert]:
    """Return open alerts with an id above *after_id*, oldest first."""
    found = select(alerts).where(alerts.c.open_key.is_not(None), alerts.c.id > after_id)
    return [_alert(row) for row in read.execute(found.order_by(alerts.c.id).limit(limit))]


def open_ids() -> Select[tuple[int]]:
    """Return the query for the ids of all open alerts, as a part of others."""
    return select(alerts.c.id).where(alerts.c.open_key.is_not(None))


def silenced_among(read: Read, ids: Collection[int]) -> set[int]:
    """Return which of these alerts are open and kept quiet by a silence."""
    if not ids:
        return set()
    quiet = select(alerts.c.id).where(alerts.c.id.in_(ids), alerts.c.silence_id.is_not(None))
    return set(read.execute(quiet.where(alerts.c.open_key.is_not(None))).scalars())


def list_active(read: Read, severity: Severity, *, acknowledged: bool) -> list[Alert]:
    """Return the newest 500 active alerts of one severity."""
    where = [alerts.c.status == Status.ACTIVE.value, alerts.c.severity == severity.value]
    if not acknowledged:
        where.append(alerts.c.acknowledged_at_ms.is_(None))
    rows = read.execute(select(alerts).where(*where).order_by(*_NEWEST).limit(MOST_AT_ONCE))
    return [_alert(row) for row in rows]


def count_active(read: Read, *, acknowledged: bool) -> int:
    where = [alerts.c.status == Status.ACTIVE.value]
    if not acknowledged:
        where.append(alerts.c.acknowledged_at_ms.is_(None))
    return int(read.execute(select(func.count()).select_from(alerts).where(*where)).scalar_one())


def list_page(read: Read, wanted: Wanted, limit: int, offset: int = 0) -> tuple[list[Alert], bool, int]:
    """Return one page, newest first, whether there is more, and how many match (counted up to 10,000)."""
    where = _conditions(wanted)
    counted = select(alerts.c.id).where(*where).limit(LONGEST_COUNT).subquery()
    total = int(read.execute(select(func.count()).select_from(counted)).scalar_one())
    if wanted.before_id is not None:
        where.append(_older_than(_cursor(read, wanted.before_id)))
    rows = read.execute(select(alerts).where(*where).order_by(*_NEWEST).limit(limit + 1).offset(offset)).all()
    return [_alert(row) for row in rows[:limit]], len(rows) > limit, total


def _cursor(read: Read, alert_id: int) -> Alert:
    try:
        return get(read, alert_id)
    except NotFound:
        raise InvalidParam("before_id must be an alert of the page before", field="before_id") from None


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [alerts.c.status != Status.PENDING.value]
    exact = {
        alerts.c.source: wanted.source,
        alerts.c.severity: wanted.severity,
        alerts.c.status: wanted.status,
        alerts.c.entity_type: wanted.entity_type,
        alerts.c.entity_key: wanted.entity_key,
    }
    where += [column == str(value) for column, value in exact.items() if value is not None]
    if wanted.cause_id is not None:
        where.append(alerts.c.cause_id == wanted.cause_id)
    if wanted.acknowledged is not None:
        seen = alerts.c.acknowledged_at_ms
        where.append(seen.is_not(None) if wanted.acknowledged else seen.is_(None))
    if wanted.since is not None:
        where.append(alerts.c.fired_at_ms >= to_ms(wanted.since))
    if wanted.until is not None:
        where.append(alerts.c.fired_at_ms <= to_ms(wanted.until))
    if wanted.before is not None:
        where.append(alerts.c.fired_at_ms < to_ms(wanted.before))
    return where


def _older_than(alert: Alert) -> ColumnElement[bool]:
    at_ms = to_ms(alert.fired_at)
    return or_(alerts.c.fired_at_ms < at_ms, and_(alerts.c.fired_at_ms == at_ms, alerts.c.id < alert.id))


# --- changing --------------------------------------------------------------------------------------------------------


def insert_alert(tx: Tx, alert: Alert) -> Alert:
    """Insert *alert* and return it with its id."""
    alert_id = tx.execute(insert(alerts).returning(alerts.c.id), _row(alert)).scalar_one()
    above = alert.subject.parents
    if above:
        at_ms = to_ms(alert.fired_at)
        tx.execute(insert(parents), [{"parent": one, "fired_at_ms": at_ms, "alert_id": alert_id} for one in above])
    return msgspec.structs.replace(alert, id=int(alert_id))


def save(tx: Tx, alert: Alert) -> None:
    tx.execute(update(alerts).where(alerts.c.id == alert.id).values(**_row(alert)))


def forget(tx: Tx, alert_id: int) -> None:
    tx.execute(delete(alerts).where(alerts.c.id == alert_id))


def sweep(tx: Tx, cutoff_ms: int, limit: int) -> int:
    """Delete alerts that ended long ago; one that is open is never deleted."""
    old = select(alerts.c.id).where(alerts.c.resolved_at_ms < cutoff_ms).limit(limit)
    return tx.execute(delete(alerts).where(alerts.c.id.in_(old.scalar_subquery()))).rowcount


# --- rows ------------------------------------------------------------------------------------------------------------


def _row(alert: Alert) -> Mapping[str, Any]:
    return {
        "open_key": alert.open_key if alert.status in OPEN else None,
        "source": alert.source.value,
        "alert_type": alert.alert_type,
        "severity": alert.severity.value,
        "status": alert.status.value,
        "message": alert.message,
        "details": msgspec.json.encode(alert.details).decode(),
        "entity_type": alert.subject.type.value,
        "entity_key": alert.subject.key,
        "subject": msgspec.json.encode(alert.subject).decode(),
        "fired_at_ms": to_ms(alert.fired_at),
        "last_seen_at_ms": to_ms(alert.last_seen_at),
        "occurrences": alert.occurrences,
        "due_at_ms": to_ms_or_none(alert.due_at),
        "resolved_at_ms": to_ms_or_none(alert.resolved_at),
        "resolution": alert.resolution.value if alert.resolution else None,
        "acknowledged_at_ms": to_ms_or_none(alert.acknowledged_at),
        "acknowledged_by": alert.acknowledged_by,
        "acknowledged_note": alert.acknowledged_note,
        "escalated_at_ms": to_ms_or_none(alert.escalated_at),
        "silence_id": alert.silence_id,
        "cause_id": alert.cause_id,
        "flapping": alert.flapping,
    }


def _alert(row: Any) -> Alert:
    return Alert(
        id=row.id,
        source=Source(row.source),
        alert_type=row.alert_type,
        severity=Severity(row.severity),
        status=Status(row.status),
        message=row.message,
        details=msgspec.json.decode(row.details),
        subject=_subject.decode(row.subject),
        fired_at=from_ms(row.fired_at_ms),
        last_seen_at=from_ms(row.last_seen_at_ms),
        occurrences=row.occurrences,
        due_at=from_ms_or_none(row.due_at_ms),
        resolved_at=from_ms_or_none(row.resolved_at_ms),
        resolution=Resolution(row.resolution) if row.resolution else None,
        acknowledged_at=from_ms_or_none(row.acknowledged_at_ms),
        acknowledged_by=row.acknowledged_by,
        acknowledged_note=row.acknowledged_note,
        escalated_at=from_ms_or_none(row.escalated_at_ms),
        silence_id=row.silence_id,
        cause_id=row.cause_id,
        flapping=row.flapping,
    )
