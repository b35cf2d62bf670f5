"""The use cases: channels, their rules, tests, and what was delivered."""

import re
import secrets
import time
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from tocsin.alerts.models import AlertView, EntityType, Source, Status
from tocsin.channels import outbox, store
from tocsin.channels.dispatch import Dispatcher
from tocsin.channels.mail import Mailer, read_recipients
from tocsin.channels.message import compose
from tocsin.channels.models import (
    MOST_CHANNELS,
    Channel,
    ChannelChange,
    ChannelCreated,
    ChannelDeleted,
    ChannelHealth,
    ChannelList,
    ChannelType,
    ChannelUpdated,
    ChannelView,
    DeliveryList,
    DeliveryStatus,
    DeliveryView,
    Kind,
    NewChannel,
    NewRule,
    Notice,
    Rule,
    RuleView,
    Sent,
    TestResult,
    TooManyChannels,
)
from tocsin.channels.sending import Sender
from tocsin.containers.models import Severity
from tocsin.core.clock import Clock, wire, wire_or_none
from tocsin.core.errors import Conflict, Invalid
from tocsin.core.limiter import Limiter
from tocsin.core.secrets import MASK
from tocsin.core.vault import Vault
from tocsin.db.audit import difference
from tocsin.db.database import Database
from tocsin.db.tx import Actor, Read, Tx

HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
RESERVED = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type", "x-tocsin-delivery"})
E = TypeVar("E", bound=StrEnum)
_headers = msgspec.json.Decoder(dict[str, str])


class Channels:
    def __init__(self, db: Database, clock: Clock, vault: Vault, sender: Sender, mailer: Mailer, base_url: str) -> None:
        self._db = db
        self._clock = clock
        self._vault = vault
        self._sender = sender
        self._mailer = mailer
        self._base_url = base_url
        self._tests = Limiter(clock, burst=1, seconds_each=5)
        self.dispatcher = Dispatcher(db, clock, sender, mailer, self.open, base_url)

    def open(self, channel: Channel) -> Channel:
        """Return *channel* with its secrets readable.  Raises VaultError."""
        headers = _headers.decode(self._vault.decrypt(channel.sealed_headers)) if channel.sealed_headers else {}
        return replace(channel, url=self._vault.decrypt(channel.url), headers=headers)

    def _seal(self, channel: Channel) -> tuple[Channel, str]:
        headers = self._vault.encrypt(msgspec.json.encode(channel.headers).decode()) if channel.headers else ""
        return replace(channel, url=self._vault.encrypt(channel.url)), headers

    # --- channels ----------------------------------------------------------------------------------------------------

    async def page(self, limit: int, offset: int) -> ChannelList:
        def look(read: Read) -> tuple[list[Channel], int]:
            return store.list_channels(read, limit, offset), store.count(read)

        found, total = await self._db.read(look)
        views = [view(self.open(channel)) for channel in found]
        return ChannelList(channels=views, total=total, has_more=offset + len(found) < total)

    async def create(self, wanted: NewChannel, actor: Actor) -> ChannelView:
        """Raises Invalid, TargetForbidden, DuplicateName, TooManyChannels."""
        now = self._clock.now()
        channel = Channel(
            id=0,
            name=wanted.name,
            type=wanted.type,
            url=wanted.url,
            headers=wanted.headers,
            enabled=wanted.enabled,
            created_at=now,
            updated_at=now,
        )
        await self._check(channel)
        sealed, headers = self._seal(channel)

        def work(tx: Tx) -> Channel:
            if store.count(tx) >= MOST_CHANNELS:
                raise TooManyChannels(f"There are {MOST_CHANNELS} channels already; delete one first")
            made = replace(channel, id=store.insert_channel(tx, sealed, headers))
            tx.audit(actor, "channel.create", f"channel:{made.id}", difference({}, _told(made)))
            tx.emit(ChannelCreated(channel=view(made), timestamp=wire(now)))
            return made

        return view(await self._db.write(work))

    async def change(self, channel_id: int, wanted: ChannelChange, actor: Actor) -> ChannelView:
        """Raises NotFound, Invalid, TargetForbidden, DuplicateName."""
        before = self.open(await self._db.read(lambda read: store.get(read, channel_id)))
        after = _changed(before, wanted)
        if after.url != before.url or after.type is not before.type or after.headers != before.headers:
            await self._check(after)
        now = self._clock.now()
        after = replace(after, updated_at=now)
        sealed, headers = self._seal(after)

        def work(tx: Tx) -> None:
            store.get(tx, channel_id)
            store.save(tx, sealed, headers)
            tx.audit(actor, "channel.update", f"channel:{channel_id}", difference(_told(before), _told(after)))
            tx.emit(ChannelUpdated(channel=view(after), timestamp=wire(now)))

        await self._db.write(work)
        return view(after)

    async def delete(self, channel_id: int, actor: Actor) -> None:
        """Raises NotFound."""

        def work(tx: Tx) -> None:
            channel = store.get(tx, channel_id)
            store.remove(tx, channel_id)
            tx.audit(actor, "channel.delete", f"channel:{channel_id}", difference({"name": channel.name}, {}))
            tx.emit(ChannelDeleted(id=channel_id, timestamp=wire(tx.clock.now())))

        await self._db.write(work)

    async def _check(self, channel: Channel) -> None:
        for name, value in channel.headers.items():
            if not HEADER.fullmatch(name) or name.lower() in RESERVED:
                raise Invalid(f"headers must not hold {name[:50]!r}", field="headers")
            if not value.isprintable() or not value.isascii():
                raise Invalid(f"The value of the header {name[:50]!r} must be printable ASCII", field="headers")
        if channel.type is not ChannelType.EMAIL:
            await self._sender.check(channel.url)
            return
        read_recipients(channel.url)
        if not self._mailer.is_configured:
            raise NotConfigured("Mail needs TOCSIN_SMTP_HOST and TOCSIN_SMTP_FROM", field="type")

    async def test(self, channel_id: int) -> TestResult:
        """Send a test alert once.  Raises NotFound, RateLimited."""
        channel = self.open(await self._db.read(lambda read: store.get(read, channel_id)))
        self._tests.spend(str(channel_id))
        message = compose(
            [_test_notice(channel, self._clock)], secrets.token_hex(16), self._base_url, self._clock.now()
        )
        began = time.monotonic()
        outcome = await self.dispatcher.send(channel, message)
        sent = isinstance(outcome, Sent)
        return TestResult(
            status=DeliveryStatus.DELIVERED if sent else DeliveryStatus.FAILED,
            response_code=outcome.response_code,
            duration_ms=int((time.monotonic() - began) * 1000),
            error=None if isinstance(outcome, Sent) else outcome.error,
        )

    # --- routing rules -----------------------------------------------------------------------------------------------

    async def add_rule(self, channel_id: int, wanted: NewRule, actor: Actor) -> RuleView:
        """Raises NotFound, Invalid."""
        rule = Rule(
            id=0,
            channel_id=channel_id,
            sources=_words("source_filter", wanted.source_filter, Source),
            severities=_words("severity_filter", wanted.severity_filter, Severity),
            group=wanted.group or None,
            created_at=self._clock.now(),
        )

        def work(tx: Tx) -> Rule:
            store.get(tx, channel_id)
            made = replace(rule, id=store.insert_rule(tx, rule))
            shown = rule_view(made)
            change = {"source_filter": shown.source_filter, "severity_filter": shown.severity_filter}
            tx.audit(actor, "channel.rule_create", f"channel:{channel_id}", difference({}, change))
            self._tell(tx, channel_id)
            return made

        return rule_view(await self._db.write(work))

    async def remove_rule(self, channel_id: int, rule_id: int, actor: Actor) -> None:
        """Raises NotFound."""

        def work(tx: Tx) -> None:
            store.get(tx, channel_id)
            store.remove_rule(tx, channel_id, rule_id)
            tx.audit(actor, "channel.rule_delete", f"channel:{channel_id}", {"rule": rule_id})
            self._tell(tx, channel_id)

        await self._db.write(work)

    def _tell(self, tx: Tx, channel_id: int) -> None:
        shown = view(self.open(store.get(tx, channel_id)))
        tx.emit(ChannelUpdated(channel=shown, timestamp=wire(tx.clock.now())))

    # --- deliveries --------------------------------------------------------------------------------------------------

    async def deliveries(self, channel_id: int, limit: int, offset: int) -> DeliveryList:
        """Raises NotFound."""

        def look(read: Read) -> tuple[list[outbox.Row], int]:
            store.get(read, channel_id)
            return outbox.list_of_channel(read, channel_id, limit, offset)

        return _list(*await self._db.read(look), offset)

    async def deliveries_of_alert(self, alert_id: int, limit: int, offset: int) -> DeliveryList:
        return _list(*await self._db.read(lambda read: outbox.list_of_alert(read, alert_id, limit, offset)), offset)

    async def send_again(self, channel_id: int, delivery_id: int, actor: Actor) -> None:
        """Raises NotFound; Conflict: it has not failed."""

        def work(tx: Tx) -> None:
            store.get(tx, channel_id)
            if not outbox.try_again(tx, channel_id, delivery_id):
                raise Conflict("Only a failed delivery can be sent again")
            tx.audit(actor, "channel.send_again", f"channel:{channel_id}", {"delivery": delivery_id})

        await self._db.write(work)


class NotConfigured(Invalid):
    code = "not_configured"


def _changed(before: Channel, wanted: ChannelChange) -> Channel:
    """Return *before* with what *wanted* holds; masked values keep what they stand for."""
    url = before.url if wanted.url is UNSET or wanted.url == masked(before) else wanted.url
    headers = before.headers
    if wanted.headers is not UNSET:
        headers = {k: before.headers.get(k, v) if v == MASK else v for k, v in wanted.headers.items()}
    return replace(
        before,
        name=before.name if wanted.name is UNSET else wanted.name,
        type=before.type if wanted.type is UNSET else wanted.type,
        url=url,
        headers=headers,
        enabled=before.enabled if wanted.enabled is UNSET else wanted.enabled,
    )


def _words(name: str, given: list[E] | str | None, kind: type[E]) -> tuple[E, ...]:
    parts = [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given or []
    try:
        return tuple(dict.fromkeys(kind(part) for part in parts))
    except ValueError:
        raise Invalid(f"{name} must be among {', '.join(kind)}", field=name) from None


def _test_notice(channel: Channel, clock: Clock) -> Notice:
    now = wire(clock.now())
    alert = AlertView(
        id=0,
        source=Source.SYSTEM,
        alert_type="test",
        severity=Severity.INFO,
        status=Status.ACTIVE,
        message="This is a test: notifications reach you here",
        entity_type=EntityType.SYSTEM,
        entity_id=0,
        entity_name="test",
        entity_key="test",
        host=None,
        group=None,
        channels=None,
        details={},
        fired_at=now,
        resolved_at=None,
        resolution=None,
        acknowledged_at=None,
        acknowledged_by=None,
        acknowledged_note=None,
        escalated_at=None,
        last_seen_at=now,
        occurrences=1,
        silence_id=None,
        cause_id=None,
        created_at=now,
    )
    return Notice(0, channel.id, 0, Kind.TEST, "", alert)


# --- views -----------------------------------------------------------------------------------------------------------


def masked(channel: Channel) -> str:
    """Return the URL as people may see it: where it goes, and its last four characters."""
    if channel.type is ChannelType.EMAIL:
        return channel.url
    parts = urlsplit(channel.url)
    return f"{parts.scheme}://{parts.netloc}/{MASK}{channel.url[-4:]}"


def view(channel: Channel) -> ChannelView:
    return ChannelView(
        id=channel.id,
        name=channel.name,
        type=channel.type,
        url=masked(channel),
        has_secret=channel.type is not ChannelType.EMAIL,
        headers=dict.fromkeys(channel.headers, MASK),
        enabled=channel.enabled,
        routing_rules=[rule_view(rule) for rule in channel.rules],
        health=ChannelHealth.FAILING if channel.last_status is DeliveryStatus.FAILED else ChannelHealth.HEALTHY,
        created_at=wire(channel.created_at),
        updated_at=wire(channel.updated_at),
    )


def rule_view(rule: Rule) -> RuleView:
    return RuleView(
        id=rule.id,
        channel_id=rule.channel_id,
        source_filter=",".join(rule.sources),
        severity_filter=",".join(rule.severities),
        group=rule.group,
        created_at=wire(rule.created_at),
    )


def _told(channel: Channel) -> dict[str, object]:
    """Return what the audit shows: nothing secret."""
    shown = view(channel)
    return {"name": shown.name, "type": shown.type.value, "url": shown.url, "enabled": shown.enabled}


def _list(rows: list[outbox.Row], total: int, offset: int) -> DeliveryList:
    shown = [
        DeliveryView(
            id=row.delivery.id,
            channel_id=row.delivery.channel_id,
            key=row.delivery.key,
            status=row.status,
            attempts=row.delivery.attempts,
            alert_ids=row.alert_ids,
            error=row.error,
            response_code=row.response_code,
            created_at=wire(row.delivery.created_at),
            next_attempt_at=wire(row.delivery.next_attempt_at) if row.status is DeliveryStatus.PENDING else None,
            finished_at=wire_or_none(row.finished_at),
        )
        for row in rows
    ]
    return DeliveryList(deliveries=shown, total=total, has_more=offset + len(shown) < total)
