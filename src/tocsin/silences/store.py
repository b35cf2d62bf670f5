"""The only SQL about silences."""

from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update

from tocsin.alerts.models import Alert, EntityType, Source
from tocsin.containers.models import Severity
from tocsin.core.clock import from_ms, from_ms_or_none, to_ms
from tocsin.core.errors import NotFound
from tocsin.db.tx import Read, Tx
from tocsin.silences import rules
from tocsin.silences.models import Shown, Silence
from tocsin.silences.tables import silences

MOST_AT_ONCE = 1000


def get(read: Read, silence_id: int) -> Silence:
    """Raises NotFound."""
    row = read.execute(select(silences).where(silences.c.id == silence_id)).one_or_none()
    if row is None:
        raise NotFound("Silence not found")
    return _silence(row)


def list_page(read: Read, shown: Shown, now: datetime, limit: int, offset: int) -> tuple[list[Silence], int]:
    """Return one page, newest first, and how many there are."""
    where = _shown(shown, to_ms(now))
    page = select(silences).where(*where).order_by(silences.c.id.desc()).limit(limit).offset(offset)
    total = read.execute(select(func.count()).select_from(silences).where(*where)).scalar_one()
    return [_silence(row) for row in read.execute(page)], int(total)


def _shown(shown: Shown, now_ms: int) -> list[ColumnElement[bool]]:
    over = or_(silences.c.ends_at_ms <= now_ms, silences.c.cancelled_at_ms.is_not(None))
    if shown is Shown.ENDED:
        return [over]
    return [] if shown is Shown.ALL else [silences.c.ends_at_ms > now_ms, silences.c.cancelled_at_ms.is_(None)]


def count_not_over(read: Read, now: datetime) -> int:
    """Return how many silences hold or are to come."""
    where = _shown(Shown.ACTIVE, to_ms(now))
    return int(read.execute(select(func.count()).select_from(silences).where(*where)).scalar_one())


def matching(read: Read, alert: Alert, now: datetime) -> int | None:
    """Return the silence that keeps *alert* quiet at *now*: of several the one that ends last. None: nothing does."""
    now_ms = to_ms(now)
    holds = (silences.c.starts_at_ms <= now_ms, silences.c.ends_at_ms > now_ms, silences.c.cancelled_at_ms.is_(None))
    rows = read.execute(select(silences).where(*holds).order_by(silences.c.ends_at_ms.desc()))
    return next((row.id for row in rows if rules.matches(_silence(row), alert)), None)


def list_turning(read: Read, since: datetime, until: datetime) -> list[Silence]:
    """Return silences that began or ended after *since*, up to *until*."""
    low, high = to_ms(since), to_ms(until)
    began = and_(silences.c.starts_at_ms > low, silences.c.starts_at_ms <= high)
    ended = and_(silences.c.ends_at_ms <= high, silences.c.announced_end.is_(False))
    return [_silence(row) for row in read.execute(select(silences).where(or_(began, ended)).limit(MOST_AT_ONCE))]


def insert_silence(tx: Tx, silence: Silence) -> Silence:
    row = {
        "starts_at_ms": to_ms(silence.starts_at),
        "ends_at_ms": to_ms(rules.expires_at(silence)),
        "duration_seconds": silence.duration_seconds,
        "entity_type": silence.entity_type,
        "entity_id": silence.entity_id,
        "source": silence.source,
        "severity": silence.severity,
        "entity_name": silence.entity_name,
        "group_name": silence.group,
        "reason": silence.reason,
        "created_by": silence.created_by,
        "created_at_ms": to_ms(silence.created_at),
        "announced_end": False,
    }
    plain = {
        name: str(value) if isinstance(value, EntityType | Source | Severity) else value for name, value in row.items()
    }
    silence_id = tx.execute(insert(silences).returning(silences.c.id), plain).scalar_one()
    return replace(silence, id=int(silence_id))


def end(tx: Tx, silence_id: int, cancelled_at: datetime | None) -> None:
    """Mark a silence as over and told: cancelled, or (None) expired."""
    values: dict[str, Any] = {"announced_end": True}
    if cancelled_at is not None:
        values["cancelled_at_ms"] = to_ms(cancelled_at)
    tx.execute(update(silences).where(silences.c.id == silence_id).values(**values))


def sweep(tx: Tx, cutoff_ms: int, limit: int) -> int:
    old = select(silences.c.id).where(silences.c.ends_at_ms < cutoff_ms).limit(limit)
    return tx.execute(delete(silences).where(silences.c.id.in_(old.scalar_subquery()))).rowcount


def _silence(row: Any) -> Silence:
    return Silence(
        id=row.id,
        starts_at=from_ms(row.starts_at_ms),
        duration_seconds=row.duration_seconds,
        entity_type=EntityType(row.entity_type) if row.entity_type else None,
        entity_id=row.entity_id,
        source=Source(row.source) if row.source else None,
        severity=Severity(row.severity) if row.severity else None,
        entity_name=row.entity_name,
        group=row.group_name,
        reason=row.reason,
        created_by=row.created_by,
        created_at=from_ms(row.created_at_ms),
        cancelled_at=from_ms_or_none(row.cancelled_at_ms),
        announced_end=row.announced_end,
    )
