"""The use cases: subscriptions, their tests, and what was delivered."""

import secrets
import uuid

import structlog
from msgspec import UNSET
from msgspec.structs import replace

from tocsin.core.clock import Clock, wire, wire_or_none
from tocsin.core.errors import Conflict, Invalid
from tocsin.core.limiter import Limiter
from tocsin.core.sending import Sender, Sent
from tocsin.core.vault import Vault, VaultError
from tocsin.db.audit import difference
from tocsin.db.database import Database
from tocsin.db.tx import Actor, Read, Tx
from tocsin.webhooks import rules, store
from tocsin.webhooks.dispatch import WebhookDispatcher
from tocsin.webhooks.models import (
    MOST_WEBHOOKS,
    PAUSED_BY_HAND,
    DeliveryState,
    NewWebhook,
    TooManyWebhooks,
    Webhook,
    WebhookChange,
    WebhookCreated,
    WebhookDeleted,
    WebhookDelivery,
    WebhookDeliveryList,
    WebhookDeliveryView,
    WebhookList,
    WebhookTestResult,
    WebhookUpdated,
    WebhookView,
)

log = structlog.get_logger(__name__)


class Webhooks:
    def __init__(self, db: Database, clock: Clock, vault: Vault, sender: Sender) -> None:
        self._db = db
        self._clock = clock
        self._vault = vault
        self._sender = sender
        self._tests = Limiter(clock, burst=1, seconds_each=5)
        self.dispatcher = WebhookDispatcher(db, clock, sender, self.open)

    def open(self, webhook: Webhook) -> Webhook:
        """Return *webhook* with its secrets readable.  Raises VaultError."""
        read = self._vault.decrypt
        secret, previous = (read(one) if one else "" for one in (webhook.secret, webhook.previous_secret))
        return replace(webhook, url=read(webhook.url), secret=secret, previous_secret=previous)

    def _readable(self, webhook: Webhook) -> Webhook:
        """Return *webhook* opened, or without its secrets where the key does not open them."""
        try:
            return self.open(webhook)
        except VaultError:
            return replace(webhook, url="", secret="", previous_secret="")

    def _seal_changes(self, stored: Webhook, before: Webhook, after: Webhook) -> Webhook:
        """Return *after* as it is stored; secrets that did not change stay as they are, readable or not."""
        if (after.url, after.secret, after.previous_secret) != (before.url, before.secret, before.previous_secret):
            return self._seal(after)
        return replace(after, url=stored.url, secret=stored.secret, previous_secret=stored.previous_secret)

    def _seal(self, webhook: Webhook) -> Webhook:
        seal = self._vault.encrypt
        secret, previous = (seal(one) if one else "" for one in (webhook.secret, webhook.previous_secret))
        return replace(webhook, url=seal(webhook.url), secret=secret, previous_secret=previous)

    async def page(self, limit: int, offset: int) -> WebhookList:
        def look(read: Read) -> tuple[list[Webhook], int]:
            return store.list_page(read, limit, offset), store.count(read)

        found, total = await self._db.read(look)
        views = [view(self._readable(webhook)) for webhook in found]
        return WebhookList(webhooks=views, total=total, has_more=offset + len(found) < total)

    async def get(self, webhook_id: str) -> WebhookView:
        """Raises NotFound."""
        return view(self._readable(await self._db.read(lambda read: store.get(read, webhook_id))))

    async def create(self, wanted: NewWebhook, actor: Actor) -> WebhookView:
        """Subscribe from now on.  Raises Invalid, TargetForbidden, TooManyWebhooks."""
        await self._check(wanted.url)
        now = self._clock.now()
        webhook = Webhook(
            id=str(uuid.uuid4()),
            name=wanted.name,
            url=wanted.url,
            secret=wanted.secret or "",
            event_types=rules.check_types(wanted.event_types),
            created_at=now,
            updated_at=now,
        )
        shown = view(webhook)

        def work(tx: Tx) -> None:
            if store.count(tx) >= MOST_WEBHOOKS:
                raise TooManyWebhooks(f"There are {MOST_WEBHOOKS} webhooks already; delete one first")
            tx.audit(actor, "webhook.create", f"webhook:{webhook.id}", difference({}, _audited(shown)))
            number = tx.emit(WebhookCreated(webhook=shown, timestamp=wire(now)))
            store.insert_webhook(tx, replace(self._seal(webhook), cursor=number))

        await self._db.write(work)
        await self._note_twins(webhook)
        return shown

    async def _note_twins(self, webhook: Webhook) -> None:
        """Say when another subscription has the same URL and secret: whoever listens there gets everything twice."""
        others = await self._db.read(lambda read: store.list_page(read, MOST_WEBHOOKS, 0))
        for other in map(self._readable, others):
            if other.id != webhook.id and (other.url, other.secret) == (webhook.url, webhook.secret):
                log.warning("two webhooks have the same url and secret", webhook_id=webhook.id, other_id=other.id)

    async def change(self, webhook_id: str, wanted: WebhookChange, actor: Actor) -> WebhookView:
        """Raises NotFound, Invalid, TargetForbidden."""
        before = self._readable(await self._db.read(lambda read: store.get(read, webhook_id)))
        if wanted.url is not UNSET and wanted.url != rules.masked(before.url):
            await self._check(wanted.url)
        elif wanted.secret is not UNSET and not before.url:
            raise Invalid("url has to be set again: the stored one cannot be read", field="url")

        def work(tx: Tx) -> WebhookView:
            stored = store.get(tx, webhook_id)
            known = self._readable(stored)
            after = self._changed(known, wanted)
            if after.is_active and not known.is_active:
                after = replace(after, cursor=store.newest_event(tx))
            if known.is_active and not after.is_active:
                store.give_up_pending(tx, webhook_id, "paused")
            store.save(tx, self._seal_changes(stored, known, after))
            return self._tell(tx, known, after, actor, "webhook.update")

        return await self._db.write(work)

    def _changed(self, before: Webhook, wanted: WebhookChange) -> Webhook:
        now = self._clock.now()
        after = replace(before, updated_at=now)
        if wanted.name is not UNSET:
            after = replace(after, name=wanted.name)
        if wanted.url is not UNSET and wanted.url != rules.masked(before.url):
            after = replace(after, url=wanted.url)
        if wanted.event_types is not UNSET:
            after = replace(after, event_types=rules.check_types(wanted.event_types))
        if wanted.secret is not UNSET and wanted.secret != before.secret:
            old, until = (before.secret, now + rules.OVERLAP) if before.secret and wanted.secret else ("", None)
            after = replace(after, secret=wanted.secret or "", previous_secret=old, overlap_until=until)
        if wanted.is_active is not UNSET and wanted.is_active is not before.is_active:
            reason = None if wanted.is_active else PAUSED_BY_HAND
            after = replace(after, is_active=wanted.is_active, disabled_reason=reason, failure_count=0)
        return after

    def _tell(self, tx: Tx, before: Webhook, after: Webhook, actor: Actor, action: str) -> WebhookView:
        shown = view(after)
        change = difference(_audited(view(before)), _audited(shown))
        tx.audit(actor, action, f"webhook:{after.id}", change)
        tx.emit(WebhookUpdated(webhook=shown, timestamp=wire(tx.clock.now())))
        return shown

    async def delete(self, webhook_id: str, actor: Actor) -> None:
        """Raises NotFound."""

        def work(tx: Tx) -> None:
            webhook = store.get(tx, webhook_id)
            store.remove(tx, webhook_id)
            tx.audit(actor, "webhook.delete", f"webhook:{webhook_id}", difference({"name": webhook.name}, {}))
            tx.emit(WebhookDeleted(id=webhook_id, timestamp=wire(tx.clock.now())))

        await self._db.write(work)

    async def _check(self, url: str) -> None:
        rules.check_url(url)
        await self._sender.check(url)

    async def test(self, webhook_id: str, actor: Actor) -> WebhookTestResult:
        """Send a signed sample once; one that is paused goes on when it is accepted.  Raises NotFound, RateLimited."""
        webhook = await self._db.read(lambda read: store.get(read, webhook_id))
        self._tests.spend(webhook_id)
        now = self._clock.now()
        number = str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
        outcome = await self.dispatcher.send(webhook, number, "test", rules.sample(now))
        if not isinstance(outcome, Sent):
            return WebhookTestResult(
                status=DeliveryState.FAILED, http_status=outcome.response_code, error=outcome.error
            )
        if not webhook.is_active:
            await self.change(webhook_id, WebhookChange(is_active=True), actor)
        return WebhookTestResult(status=DeliveryState.DELIVERED, http_status=outcome.response_code)

    # --- deliveries --------------------------------------------------------------------------------------------------

    async def deliveries(self, webhook_id: str, limit: int, offset: int) -> WebhookDeliveryList:
        """Raises NotFound."""

        def look(read: Read) -> tuple[list[WebhookDelivery], int]:
            store.get(read, webhook_id)
            return store.list_deliveries(read, webhook_id, limit, offset)

        found, total = await self._db.read(look)
        shown = [delivery_view(one) for one in found]
        return WebhookDeliveryList(deliveries=shown, total=total, has_more=offset + len(shown) < total)

    async def send_again(self, webhook_id: str, delivery_id: str, actor: Actor) -> None:
        """Raises NotFound; Conflict: it has not failed."""

        def work(tx: Tx) -> None:
            delivery = store.get_delivery(tx, webhook_id, delivery_id)
            if delivery.status is not DeliveryState.FAILED:
                raise Conflict("Only a failed delivery can be sent again")
            now = tx.clock.now()
            fresh = replace(delivery, status=DeliveryState.PENDING, attempts=0, created_at=now, next_attempt_at=now)
            store.save_delivery(tx, replace(fresh, finished_at=None))
            tx.audit(actor, "webhook.send_again", f"webhook:{webhook_id}", {"delivery": delivery_id})

        await self._db.write(work)


def view(webhook: Webhook) -> WebhookView:
    return WebhookView(
        id=webhook.id,
        name=webhook.name,
        url=rules.masked(webhook.url),
        has_secret=bool(webhook.secret),
        secret_overlap_until=wire_or_none(webhook.overlap_until),
        event_types=list(webhook.event_types),
        is_active=webhook.is_active,
        disabled_reason=webhook.disabled_reason,
        last_delivery_status=webhook.last_status,
        last_delivery_at=wire_or_none(webhook.last_delivery_at),
        failure_count=webhook.failure_count,
        created_at=wire(webhook.created_at),
        updated_at=wire(webhook.updated_at),
    )


def delivery_view(delivery: WebhookDelivery) -> WebhookDeliveryView:
    return WebhookDeliveryView(
        id=delivery.id,
        event_id=delivery.event_id,
        event_type=delivery.event_type,
        status=delivery.status,
        attempts=delivery.attempts,
        http_status=delivery.http_status,
        error=delivery.error,
        created_at=wire(delivery.created_at),
        next_attempt_at=wire_or_none(delivery.next_attempt_at),
        finished_at=wire_or_none(delivery.finished_at),
    )


def _audited(shown: WebhookView) -> dict[str, object]:
    return {
        "name": shown.name,
        "url": shown.url,
        "event_types": shown.event_types,
        "is_active": shown.is_active,
        "signed": shown.has_secret,
        "secret_overlap_until": shown.secret_overlap_until,
    }
