"""The only SQL about notices and deliveries: the outbox that no crash empties.

A notice is written in the transaction of its alert. Notices of a channel become a delivery, which is sent again and
again until it is accepted, rejected, or given up; only then does the next one of that channel begin.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import delete, func, insert, select, update

from tocsin.alerts.models import AlertView
from tocsin.channels.models import Delivery, DeliveryStatus, Kind, Notice
from tocsin.channels.store import moment
from tocsin.channels.tables import deliveries, notices
from tocsin.core.clock import from_ms, to_ms
from tocsin.db.tx import Read, Tx

TOUCHED = "outbox"
MOST_TOGETHER = 500
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AlertView)


class Row(NamedTuple):
    """A delivery as lists show it."""

    delivery: Delivery
    status: DeliveryStatus
    alert_ids: list[int]
    error: str | None
    response_code: int | None
    finished_at: datetime | None


# --- writing notices -------------------------------------------------------------------------------------------------


def add(tx: Tx, channel_id: int, kind: Kind, alert: AlertView, group_key: str, not_before: datetime) -> None:
    row = {
        "channel_id": channel_id,
        "alert_id": alert.id,
        "kind": kind.value,
        "group_key": group_key,
        "not_before_ms": to_ms(not_before),
        "alert": _encoder.encode(alert).decode(),
    }
    tx.execute(insert(notices), row)
    tx.touch(TOUCHED)


def told(read: Read, alert_id: int, kind: Kind) -> dict[int, str]:
    """Return the channels that were told, or are about to be, of a kind of news about an alert; and in which group."""
    about = (notices.c.alert_id == alert_id, notices.c.kind == kind.value)
    found = select(notices.c.channel_id, notices.c.group_key).where(*about).order_by(notices.c.id)
    return {row.channel_id: row.group_key for row in read.execute(found)}


def last_begun_at(read: Read, channel_id: int, group_key: str) -> datetime | None:
    """Return when the newest message of a group left for a channel."""
    mine = (deliveries.c.channel_id == channel_id, deliveries.c.group_key == group_key)
    return moment(read.execute(select(func.max(deliveries.c.created_at_ms)).where(*mine)).scalar())


# --- making and ending deliveries ------------------------------------------------------------------------------------


def channels_with_work(read: Read, now: datetime) -> list[int]:
    """Return the channels that have something to send at *now*."""
    now_ms = to_ms(now)
    pending = deliveries.c.status == DeliveryStatus.PENDING.value
    busy = select(deliveries.c.channel_id, deliveries.c.next_attempt_at_ms).where(pending)
    due = {row.channel_id: row.next_attempt_at_ms <= now_ms for row in read.execute(busy)}
    waiting = select(notices.c.channel_id).where(notices.c.delivery_id.is_(None), notices.c.not_before_ms <= now_ms)
    fresh = [row.channel_id for row in read.execute(waiting.distinct()) if row.channel_id not in due]
    return [channel_id for channel_id, is_due in due.items() if is_due] + fresh


def pending_delivery(read: Read, channel_id: int) -> Delivery | None:
    mine = (deliveries.c.channel_id == channel_id, deliveries.c.status == DeliveryStatus.PENDING.value)
    row = read.execute(select(deliveries).where(*mine).order_by(deliveries.c.id).limit(1)).one_or_none()
    return None if row is None else _delivery(row)


def begin(tx: Tx, channel_id: int, key: str) -> Delivery | None:
    """Put the notices that are due together into a new delivery: those of the first one's group, or all of a crowd."""
    now_ms = to_ms(tx.clock.now())
    waiting = (notices.c.channel_id == channel_id, notices.c.delivery_id.is_(None))
    first = select(notices).where(*waiting, notices.c.not_before_ms <= now_ms).order_by(notices.c.id).limit(1)
    row = tx.execute(first).one_or_none()
    if row is None:
        return None
    crowd = int(tx.execute(select(func.count()).select_from(notices).where(*waiting)).scalar_one())
    with_it = list(waiting) if crowd > CROWD else [*waiting, notices.c.group_key == row.group_key]
    ids = list(tx.execute(select(notices.c.id).where(*with_it).order_by(notices.c.id).limit(MOST_TOGETHER)).scalars())
    values = {
        "channel_id": channel_id,
        "key": key,
        "group_key": row.group_key,
        "status": DeliveryStatus.PENDING.value,
        "attempts": 0,
        "created_at_ms": now_ms,
        "next_attempt_at_ms": now_ms,
    }
    delivery_id = int(tx.execute(insert(deliveries).returning(deliveries.c.id), values).scalar_one())
    tx.execute(update(notices).where(notices.c.id.in_(ids)).values(delivery_id=delivery_id))
    return Delivery(delivery_id, channel_id, key, 0, from_ms(now_ms), from_ms(now_ms))


CROWD = 20
"""More waiting notices than these leave as one digest, whatever their group."""


def notices_of(read: Read, delivery_id: int) -> list[Notice]:
    rows = read.execute(select(notices).where(notices.c.delivery_id == delivery_id).order_by(notices.c.id))
    return [_notice(row) for row in rows]


def finish(
    tx: Tx, delivery_id: int, status: DeliveryStatus, attempts: int, error: str | None, code: int | None
) -> None:
    values = {
        "status": status.value,
        "attempts": attempts,
        "error": error,
        "response_code": code,
        "finished_at_ms": to_ms(tx.clock.now()),
        "next_attempt_at_ms": None,
    }
    tx.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))
    tx.touch(TOUCHED)


def postpone(tx: Tx, delivery_id: int, attempts: int, at: datetime, error: str, code: int | None) -> None:
    values = {"attempts": attempts, "next_attempt_at_ms": to_ms(at), "error": error, "response_code": code}
    tx.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))


def try_again(tx: Tx, channel_id: int, delivery_id: int) -> bool:
    """Make a failed delivery pending again; say whether there was one."""
    mine = (deliveries.c.id == delivery_id, deliveries.c.channel_id == channel_id)
    now_ms = to_ms(tx.clock.now())
    failed = update(deliveries).where(*mine, deliveries.c.status == DeliveryStatus.FAILED.value)
    values = {
        "status": DeliveryStatus.PENDING.value,
        "attempts": 0,
        "created_at_ms": now_ms,
        "next_attempt_at_ms": now_ms,
        "finished_at_ms": None,
    }
    tx.touch(TOUCHED)
    return tx.execute(failed.values(**values)).rowcount > 0


# --- lists -----------------------------------------------------------------------------------------------------------


def list_of_channel(read: Read, channel_id: int, limit: int, offset: int) -> tuple[list[Row], int]:
    return _page(read, [deliveries.c.channel_id == channel_id], limit, offset)


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


def sweep(tx: Tx, cutoff_ms: int, limit: int) -> int:
    """Delete what was sent or given up long ago, with its notices."""
    old = select(deliveries.c.id).where(deliveries.c.finished_at_ms < cutoff_ms).limit(limit)
    return tx.execute(delete(deliveries).where(deliveries.c.id.in_(old.scalar_subquery()))).rowcount


# --- rows ------------------------------------------------------------------------------------------------------------


def _notice(row: Any) -> Notice:
    alert = _decoder.decode(row.alert)
    return Notice(row.id, row.channel_id, row.alert_id, Kind(row.kind), row.group_key, alert)


def _delivery(row: Any) -> Delivery:
    next_at = moment(row.next_attempt_at_ms) or from_ms(row.created_at_ms)
    return Delivery(row.id, row.channel_id, row.key, row.attempts, from_ms(row.created_at_ms), next_at)


def _row(row: Any, alert_ids: list[int]) -> Row:
    status = DeliveryStatus(row.status)
    return Row(_delivery(row), status, alert_ids, row.error, row.response_code, moment(row.finished_at_ms))
