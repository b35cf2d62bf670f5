"""The delivery job: each subscription walks along the journal, event by event, and passes on what it wants.

The journal is the outbox: an event is in it or did not happen. Where a subscription stands is stored with the delivery
it has begun, so a process that is killed begins again with the same event and the same id.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from msgspec.structs import replace

from tocsin.core import retries
from tocsin.core.clock import Clock, wire
from tocsin.core.sending import Outcome, Rejected, Retry, Sender, Sent
from tocsin.core.vault import VaultError
from tocsin.db.database import Database
from tocsin.db.tx import Read, Tx
from tocsin.webhooks import rules, store
from tocsin.webhooks.models import DeliveryState, Webhook, WebhookDelivery, WebhookDisabled

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5
AT_ONCE = 10
SAVE_CURSOR_EVERY = 1000
IN_A_ROW = 100


class WebhookDispatcher:
    def __init__(self, db: Database, clock: Clock, sender: Sender, open_webhook: Callable[[Webhook], Webhook]) -> None:
        self._db = db
        self._clock = clock
        self._sender = sender
        self._open = open_webhook
        self._busy: set[str] = set()
        self._seen: dict[str, int] = {}  # how far the journal was looked through, beyond what is stored
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Send for ever. Belongs under the supervisor."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                for webhook in await self._db.read(store.list_active):
                    if webhook.id not in self._busy:
                        self._busy.add(webhook.id)
                        tasks.create_task(self._serve(webhook.id), name=f"deliver to webhook {webhook.id}")
                await self._clock.sleep(LOOK_EVERY_S)

    async def _serve(self, webhook_id: str) -> None:
        try:
            async with self._slots:
                for _ in range(IN_A_ROW):
                    if not await self._serve_one(webhook_id):
                        break
        except Exception:  # broad on purpose: one subscription must not end the job of the others
            log.exception("webhook failed on our side", webhook_id=webhook_id)
        finally:
            self._busy.discard(webhook_id)

    async def _serve_one(self, webhook_id: str) -> bool:
        """Make one attempt; say whether there may be more to do at once."""

        def look(read: Read) -> tuple[Webhook, WebhookDelivery | None]:
            return store.get(read, webhook_id), store.pending(read, webhook_id)

        webhook, delivery = await self._db.read(look)
        if not webhook.is_active:
            return False
        if delivery is None:
            delivery = await self._next(webhook)
        now = self._clock.now()
        if delivery is None or (delivery.next_attempt_at is not None and delivery.next_attempt_at > now):
            return False
        outcome = await self.send(webhook, delivery.id, delivery.event_type, delivery.data)
        return await self._settle(delivery, outcome)

    async def send(self, webhook: Webhook, number: str, event_type: str, data: str | Mapping[str, Any]) -> Outcome:
        """Send one event to a subscription as stored. Never raises for the fault of the other side."""
        try:
            opened = self._open(webhook)
        except VaultError:
            return Retry("secret_unreadable")  # the key can be brought back, or the URL be set again
        return await self._sender.send(rules.request(opened, number, event_type, data, self._clock.now()))

    async def _next(self, webhook: Webhook) -> WebhookDelivery | None:
        """Begin the delivery of the next event that *webhook* wants."""
        cursor = max(webhook.cursor, self._seen.get(webhook.id, 0))
        found = await self._db.read(lambda read: store.events_after(read, cursor))
        event = next((one for one in found if rules.wants(webhook, one.type)), None)
        if event is None:
            if found:
                await self._look_past(webhook, found[-1].id)
            return None
        now = self._clock.now()
        delivery = WebhookDelivery(
            id=rules.delivery_id(webhook.id, event.id),
            webhook_id=webhook.id,
            event_id=event.id,
            event_type=event.type,
            data=event.data,
            created_at=now,
            next_attempt_at=now,
        )

        def work(tx: Tx) -> None:
            store.set_cursor(tx, webhook.id, event.id)
            store.insert_delivery(tx, delivery)

        await self._db.write(work)
        return delivery

    async def _look_past(self, webhook: Webhook, cursor: int) -> None:
        self._seen[webhook.id] = cursor
        if cursor - webhook.cursor >= SAVE_CURSOR_EVERY:
            await self._db.write(lambda tx: store.set_cursor(tx, webhook.id, cursor))

    async def _settle(self, delivery: WebhookDelivery, outcome: Outcome) -> bool:
        now, attempts, chance = self._clock.now(), delivery.attempts + 1, random.random()  # noqa: S311 -- spreads only
        error = None if isinstance(outcome, Sent) else outcome.error
        tried = replace(delivery, attempts=attempts, http_status=outcome.response_code, error=error)
        again = None
        if not isinstance(outcome, Sent | Rejected):
            again = retries.next_attempt(attempts, delivery.created_at, now, outcome.after_seconds, chance)
        status = DeliveryState.DELIVERED if isinstance(outcome, Sent) else DeliveryState.FAILED
        if again is not None:
            tried = replace(tried, next_attempt_at=again)
        else:
            tried = replace(tried, status=status, next_attempt_at=None, finished_at=now)

        def work(tx: Tx) -> None:
            store.save_delivery(tx, tried)
            _book(tx, store.get(tx, delivery.webhook_id), tried, is_final=again is None, timed_out=_given_up(outcome))

        await self._db.write(work)
        if error is not None:
            log.warning("webhook not accepted", webhook_id=delivery.webhook_id, error=error, attempt=attempts)
        return again is None


def _given_up(outcome: Outcome) -> bool:
    """Say whether a final failure means a day without an answer that counts, not a refusal of this one event."""
    return not isinstance(outcome, Sent | Rejected)


def _book(tx: Tx, webhook: Webhook, delivery: WebhookDelivery, *, is_final: bool, timed_out: bool) -> None:
    """Keep count, and pause a subscription that nobody listens to any more."""
    now = tx.clock.now()
    worked = delivery.status is DeliveryState.DELIVERED
    status = delivery.status if is_final else DeliveryState.FAILED
    failures = 0 if worked else webhook.failure_count + (1 if is_final else 0)
    after = replace(webhook, last_status=status, last_delivery_at=now, failure_count=failures)
    if is_final and not worked and (failures >= rules.MOST_FAILURES or timed_out):
        error = delivery.error or "unknown"
        reason = f"{failures} events in a row were refused" if not timed_out else "nothing was accepted for a day"
        after = replace(after, is_active=False, disabled_reason=f"{reason} ({error})")
        tx.emit(
            WebhookDisabled(
                id=webhook.id, name=webhook.name, failure_count=failures, last_error=error, timestamp=wire(now)
            )
        )
    store.save(tx, after)
