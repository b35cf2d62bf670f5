"""The only SQL about webhooks. URLs and secrets pass through sealed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import delete, func, insert, select, update

from tocsin.core.clock import from_ms, from_ms_or_none, to_ms, to_ms_or_none
from tocsin.core.errors import NotFound
from tocsin.db import tables as db_tables
from tocsin.db.tx import Read, Tx
from tocsin.webhooks.models import DeliveryState, Webhook, WebhookDelivery
from tocsin.webhooks.tables import deliveries, webhooks

SCANNED_AT_ONCE = 500


class Found(NamedTuple):
    """An event of the journal."""

    id: int
    type: str
    data: str


# --- subscriptions ---------------------------------------------------------------------------------------------------


def get(read: Read, webhook_id: str) -> Webhook:
    """Raises NotFound."""
    webhook = find(read, webhook_id)
    if webhook is None:
        raise NotFound("Webhook not found")
    return webhook


def find(read: Read, webhook_id: str) -> Webhook | None:
    """Return a subscription, None when there is none (any more)."""
    row = read.execute(select(webhooks).where(webhooks.c.id == webhook_id)).one_or_none()
    return None if row is None else _webhook(row)


def count(read: Read) -> int:
    return int(read.execute(select(func.count()).select_from(webhooks)).scalar_one())


def list_page(read: Read, limit: int, offset: int) -> list[Webhook]:
    """Return one page, newest first."""
    newest = (webhooks.c.created_at_ms.desc(), webhooks.c.id.desc())
    page = select(webhooks).order_by(*newest).limit(limit).offset(offset)
    return [_webhook(row) for row in read.execute(page)]


def list_active(read: Read) -> list[Webhook]:
    return [_webhook(row) for row in read.execute(select(webhooks).where(webhooks.c.is_active.is_(True)))]


def insert_webhook(tx: Tx, webhook: Webhook) -> None:
    tx.execute(insert(webhooks), _row(webhook))


def save(tx: Tx, webhook: Webhook) -> None:
    tx.execute(update(webhooks).where(webhooks.c.id == webhook.id).values(**_row(webhook)))


def list_sealed(read: Read) -> dict[str, tuple[str, ...]]:
    """Return what is encrypted of each subscription."""
    sealed = select(webhooks.c.id, webhooks.c.url, webhooks.c.secret, webhooks.c.previous_secret)
    return {row.id: (row.url, row.secret, row.previous_secret) for row in read.execute(sealed)}


def blank_out(tx: Tx, webhook_id: str, blank: str) -> None:
    """Forget the secrets of a subscription; *blank* is how an empty URL is sealed."""
    values = {"url": blank, "secret": "", "previous_secret": ""}
    tx.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(**values))


def remove(tx: Tx, webhook_id: str) -> None:
    """Delete a subscription with its deliveries (by cascade)."""
    tx.execute(delete(webhooks).where(webhooks.c.id == webhook_id))


# --- the journal -----------------------------------------------------------------------------------------------------


def newest_event(read: Read) -> int:
    newest = select(db_tables.events.c.id).order_by(db_tables.events.c.id.desc()).limit(1)
    return int(read.execute(newest).scalar() or 0)


def events_after(read: Read, cursor: int) -> list[Found]:
    """Return up to 500 events of the journal after number *cursor*, oldest first."""
    events = db_tables.events
    after = select(events.c.id, events.c.type, events.c.data).where(events.c.id > cursor).order_by(events.c.id)
    return [Found(row.id, row.type, row.data) for row in read.execute(after.limit(SCANNED_AT_ONCE))]


def set_cursor(tx: Tx, webhook_id: str, cursor: int) -> None:
    tx.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(cursor=cursor))


# --- deliveries ------------------------------------------------------------------------------------------------------


def pending(read: Read, webhook_id: str) -> WebhookDelivery | None:
    """Return the delivery that the others wait for."""
    mine = (deliveries.c.webhook_id == webhook_id, deliveries.c.status == DeliveryState.PENDING.value)
    row = read.execute(select(deliveries).where(*mine).order_by(deliveries.c.event_id).limit(1)).one_or_none()
    return None if row is None else _delivery(row)


def get_delivery(read: Read, webhook_id: str, delivery_id: str) -> WebhookDelivery:
    """Raises NotFound."""
    mine = (deliveries.c.webhook_id == webhook_id, deliveries.c.id == delivery_id)
    row = read.execute(select(deliveries).where(*mine)).one_or_none()
    if row is None:
        raise NotFound("Delivery not found")
    return _delivery(row)


def list_deliveries(read: Read, webhook_id: str, limit: int, offset: int) -> tuple[list[WebhookDelivery], int]:
    mine = deliveries.c.webhook_id == webhook_id
    page = select(deliveries).where(mine).order_by(deliveries.c.event_id.desc()).limit(limit).offset(offset)
    total = read.execute(select(func.count()).select_from(deliveries).where(mine)).scalar_one()
    return [_delivery(row) for row in read.execute(page)], int(total)


def insert_delivery(tx: Tx, delivery: WebhookDelivery) -> None:
    tx.execute(insert(deliveries), _delivery_row(delivery))


def save_delivery(tx: Tx, delivery: WebhookDelivery) -> None:
    tx.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(**_delivery_row(delivery)))


def give_up_pending(tx: Tx, webhook_id: str, error: str) -> None:
    """Let go of what waits for a subscription that was paused."""
    mine = (deliveries.c.webhook_id == webhook_id, deliveries.c.status == DeliveryState.PENDING.value)
    values = {"status": DeliveryState.FAILED.value, "error": error, "finished_at_ms": to_ms(tx.clock.now())}
    tx.execute(update(deliveries).where(*mine).values(next_attempt_at_ms=None, **values))


def sweep(tx: Tx, cutoff_ms: int, limit: int) -> int:
    old = select(deliveries.c.id).where(deliveries.c.finished_at_ms < cutoff_ms).limit(limit)
    return tx.execute(delete(deliveries).where(deliveries.c.id.in_(old.scalar_subquery()))).rowcount


# --- rows ------------------------------------------------------------------------------------------------------------


def _row(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "name": webhook.name,
        "url": webhook.url,
        "secret": webhook.secret,
        "previous_secret": webhook.previous_secret,
        "overlap_until_ms": to_ms_or_none(webhook.overlap_until),
        "event_types": _text(webhook.event_types),
        "is_active": webhook.is_active,
        "disabled_reason": webhook.disabled_reason,
        "failure_count": webhook.failure_count,
        "last_status": webhook.last_status.value if webhook.last_status else None,
        "last_delivery_at_ms": to_ms_or_none(webhook.last_delivery_at),
        "cursor": webhook.cursor,
        "created_at_ms": to_ms(webhook.created_at),
        "updated_at_ms": to_ms(webhook.updated_at),
    }


def _webhook(row: Any) -> Webhook:
    return Webhook(
        id=row.id,
        name=row.name,
        url=row.url,
        secret=row.secret,
        previous_secret=row.previous_secret,
        overlap_until=from_ms_or_none(row.overlap_until_ms),
        event_types=tuple(msgspec.json.decode(row.event_types)),
        is_active=row.is_active,
        disabled_reason=row.disabled_reason,
        failure_count=row.failure_count,
        last_status=DeliveryState(row.last_status) if row.last_status else None,
        last_delivery_at=from_ms_or_none(row.last_delivery_at_ms),
        cursor=row.cursor,
        created_at=from_ms(row.created_at_ms),
        updated_at=from_ms(row.updated_at_ms),
    )


def _delivery_row(delivery: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "webhook_id": delivery.webhook_id,
        "event_id": delivery.event_id,
        "event_type": delivery.event_type,
        "data": delivery.data,
        "status": delivery.status.value,
        "attempts": delivery.attempts,
        "http_status": delivery.http_status,
        "error": delivery.error,
        "created_at_ms": to_ms(delivery.created_at),
        "next_attempt_at_ms": to_ms_or_none(delivery.next_attempt_at),
        "finished_at_ms": to_ms_or_none(delivery.finished_at),
    }


def _delivery(row: Any) -> WebhookDelivery:
    return WebhookDelivery(
        id=row.id,
        webhook_id=row.webhook_id,
        event_id=row.event_id,
        event_type=row.event_type,
        data=row.data,
        status=DeliveryState(row.status),
        attempts=row.attempts,
        http_status=row.http_status,
        error=row.error,
        created_at=from_ms(row.created_at_ms),
        next_attempt_at=from_ms_or_none(row.next_attempt_at_ms),
        finished_at=from_ms_or_none(row.finished_at_ms),
    )


def _text(words: Sequence[str]) -> str:
    return msgspec.json.encode(list(words)).decode()
