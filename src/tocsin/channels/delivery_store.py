"""The only SQL that looks back at deliveries: what was sent and came of it, how much waits, what is old."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, delete, func, select

from tocsin.channels.models import Backlog, Delivery, DeliveryStatus
from tocsin.channels.outbox import delivery_of
from tocsin.channels.tables import deliveries, notices
from tocsin.core.clock import from_ms_or_none, to_ms
from tocsin.db.tx import Read, Tx


class Row(NamedTuple):
    """A delivery as lists show it."""

    delivery: Delivery
    status: DeliveryStatus
    alert_ids: list[int]
    error: str | None
    response_code: int | None
    finished_at: datetime | None


def list_of_channel(read: Read, channel_id: int, limit: int, offset: int) -> tuple[list[Row], int]:
    return _page(read, [deliveries.c.channel_id == channel_id], limit, offset)


def last_tried(read: Read, channel_id: int) -> Row | None:
    """Return the newest delivery of a channel that was tried at least once."""
    found, _ = _page(read, [deliveries.c.channel_id == channel_id, deliveries.c.attempts > 0], 1, 0)
    return found[0] if found else None


def list_of_alert(read: Read, alert_id: int, limit: int, offset: int) -> tuple[list[Row], int]:
    about = select(notices.c.delivery_id).where(notices.c.alert_id == alert_id, notices.c.delivery_id.is_not(None))
    return _page(read, [deliveries.c.id.in_(about)], limit, offset)


def _page(read: Read, where: Sequence[Any], limit: int, offset: int) -> tuple[list[Row], int]:
    page = select(deliveries).where(*where).order_by(deliveries.c.id.desc()).limit(limit).offset(offset)
    rows = read.execute(page).all()
    total = read.execute(select(func.count()).select_from(deliveries).where(*where)).scalar_one()
    about: dict[int, list[int]] = {}
    wanted = select(notices.c.delivery_id, notices.c.alert_id).where(
        notices.c.delivery_id.in_([row.id for row in rows])
    )
    for row in read.execute(wanted.order_by(notices.c.id)):
        about.setdefault(row.delivery_id, []).append(row.alert_id)
    return [_row(row, about.get(row.id, [])) for row in rows], int(total)


def sweep(tx: Tx, cutoff_ms: int, limit: int, open_alerts: Select[tuple[int]]) -> int:
    """Delete what was sent or given up long ago, with its notices. What tells who was told of an open alert stays."""
    needed = select(notices.c.delivery_id).where(
        notices.c.alert_id.in_(open_alerts), notices.c.delivery_id.is_not(None)
    )
    old = select(deliveries.c.id).where(deliveries.c.finished_at_ms < cutoff_ms, deliveries.c.id.not_in(needed))
    old = old.order_by(deliveries.c.id).limit(limit)
    return tx.execute(delete(deliveries).where(deliveries.c.id.in_(old.scalar_subquery()))).rowcount


def backlog(read: Read, now: datetime) -> Backlog:
    """Return how much waits, and for how long it has been due."""
    count = func.count().label("number")
    unsent = select(count, func.min(notices.c.not_before_ms).label("since")).where(notices.c.delivery_id.is_(None))
    pending = select(count, func.min(deliveries.c.created_at_ms).label("since")).where(
        deliveries.c.status == DeliveryStatus.PENDING.value
    )
    waiting, begun = read.execute(unsent).one(), read.execute(pending).one()
    oldest = min((row.since for row in (waiting, begun) if row.since is not None), default=to_ms(now))
    return Backlog(waiting.number, begun.number, max(0, to_ms(now) - oldest) / 1000)


def _row(row: Any, alert_ids: list[int]) -> Row:
    status = DeliveryStatus(row.status)
    return Row(delivery_of(row), status, alert_ids, row.error, row.response_code, from_ms_or_none(row.finished_at_ms))
