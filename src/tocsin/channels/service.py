"""The use cases: channels, their rules, tests, and what was delivered."""

import asyncio
import secrets
import time
from enum import StrEnum
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from tocsin.alerts.models import Source
from tocsin.channels import checks, delivery_store, outbox, store, timing
from tocsin.channels.changes import changed
from tocsin.channels.dispatch import Dispatcher, Silenced, Uncertain
from tocsin.channels.formats.push import check_query
from tocsin.channels.mail import Mailer, read_recipients
from tocsin.channels.message import compose
from tocsin.channels.models import (
    MOST_CHANNELS,
    MOST_RULES,
    Backlog,
    Channel,
    ChannelChange,
    ChannelCreated,
    ChannelDeleted,
    ChannelList,
    ChannelRecovered,
    ChannelType,
    ChannelUpdated,
    ChannelView,
    DeliveryList,
    DeliveryStatus,
    NewChannel,
    NewRule,
    Rule,
    RuleView,
    TestResult,
    TooManyChannels,
    TooManyRules,
)
from tocsin.channels.react import FindAlert, tell_ends_again
from tocsin.channels.views import audited, delivery_list, rule_view, test_notice, view
from tocsin.containers.models import Severity
from tocsin.core.clock import Clock, wire
from tocsin.core.errors import Conflict, Invalid, NotFound
from tocsin.core.limiter import Limiter
from tocsin.core.sending import Sender, Sent
from tocsin.core.vault import Vault, VaultError
from tocsin.db.audit import difference
from tocsin.db.database import Database
from tocsin.db.tx import Actor, Read, Tx

E = TypeVar("E", bound=StrEnum)
_headers = msgspec.json.Decoder(dict[str, str])


class Channels:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        vault: Vault,
        sender: Sender,
        mailer: Mailer,
        uncertain: Uncertain,
        silenced: Silenced,
        find_alert: FindAlert,
        base_url: str,
    ) -> None:
        self._db = db
        self._clock = clock
        self._vault = vault
        self._sender = sender
        self._mailer = mailer
        self._find_alert = find_alert
        self._base_url = base_url
        self._tests = Limiter(clock, burst=1, seconds_each=5)
        self.dispatcher = Dispatcher(db, clock, sender, mailer, self.open, uncertain, silenced, base_url)

    def open(self, channel: Channel) -> Channel:
        """Return *channel* with its secrets readable.  Raises VaultError."""
        headers = _headers.decode(self._vault.decrypt(channel.sealed_headers)) if channel.sealed_headers else {}
        secret = self._vault.decrypt(channel.signing_secret) if channel.signing_secret else ""
        return replace(channel, url=self._vault.decrypt(channel.url), headers=headers, signing_secret=secret)

    def _readable(self, channel: Channel) -> Channel:
        """Return *channel* opened, or without its secrets where the key does not open them."""
        try:
            return self.open(channel)
        except VaultError:
            return replace(channel, url="", headers={}, signing_secret="")

    def _seal(self, channel: Channel) -> Channel:
        seal = self._vault.encrypt
        headers = seal(msgspec.json.encode(channel.headers).decode()) if channel.headers else ""
        secret = seal(channel.signing_secret) if channel.signing_secret else ""
        return replace(channel, url=seal(channel.url), sealed_headers=headers, signing_secret=secret)

    def _seal_changes(self, stored: Channel, before: Channel, after: Channel) -> Channel:
        """Return *after* as it is stored; secrets that did not change stay as they are, readable or not."""
        if (after.url, after.headers, after.signing_secret) != (before.url, before.headers, before.signing_secret):
            return self._seal(after)
        kept = {"sealed_headers": stored.sealed_headers, "signing_secret": stored.signing_secret}
        return replace(after, url=stored.url, **kept)

    # --- channels ----------------------------------------------------------------------------------------------------

    async def page(self, limit: int, offset: int) -> ChannelList:
        def look(read: Read) -> tuple[list[Channel], int]:
            return store.list_channels(read, limit, offset), store.count(read)

        found, total = await self._db.read(look)
        views = [view(self._readable(channel)) for channel in found]
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
            template=wanted.template or None,
            quiet_hours=wanted.quiet_hours,
            max_per_minute=wanted.max_per_minute,
            signing_secret=wanted.signing_secret or "",
            created_at=now,
            updated_at=now,
        )
        await self._check(channel)
        sealed = self._seal(channel)

        def work(tx: Tx) -> Channel:
            if store.count(tx) >= MOST_CHANNELS:
                raise TooManyChannels(f"There are {MOST_CHANNELS} channels already; delete one first")
            made = replace(channel, id=store.insert_channel(tx, sealed))
            tx.audit(actor, "channel.create", f"channel:{made.id}", difference({}, audited(made)))
            tx.emit(ChannelCreated(channel=view(made), timestamp=wire(now)))
            return made

        return view(await self._db.write(work))

    async def change(self, channel_id: int, wanted: ChannelChange, actor: Actor) -> ChannelView:
        """Raises NotFound, Invalid, TargetForbidden, DuplicateName."""
        before = self._readable(await self._db.read(lambda read: store.get(read, channel_id)))
        checked = changed(before, wanted)
        if replace(checked, name=before.name, enabled=before.enabled) != before:
            await self._check(checked)
        now = self._clock.now()

        def work(tx: Tx) -> ChannelView:
            stored = store.get(tx, channel_id)
            known = self._readable(stored)
            after = replace(changed(known, wanted), updated_at=now)
            if (after.type, after.url) not in {(checked.type, checked.url), (known.type, known.url)}:
                raise Conflict("Somebody else has just changed this channel; look at it again")
            checks.check(after)
            store.save(tx, self._seal_changes(stored, known, after))
            timing.hurry(tx, after)
            if after.quiet_hours != known.quiet_hours:
                timing.reschedule(tx, after)
            tx.audit(actor, "channel.update", f"channel:{channel_id}", difference(audited(known), audited(after)))
            tx.emit(ChannelUpdated(channel=view(after), timestamp=wire(now)))
            return view(after)

        return await self._db.write(work)

    async def delete(self, channel_id: int, actor: Actor) -> None:
        """Raises NotFound."""

        def work(tx: Tx) -> None:
            channel = store.get(tx, channel_id)
            store.remove(tx, channel_id)
            tx.audit(actor, "channel.delete", f"channel:{channel_id}", difference({"name": channel.name}, {}))
            tx.emit(ChannelDeleted(id=channel_id, timestamp=wire(tx.clock.now())))

        await self._db.write(work)

    async def _check(self, channel: Channel) -> None:
        await asyncio.to_thread(checks.check, channel)  # time zones are files
        if channel.type is not ChannelType.EMAIL:
            await self._sender.check(channel.url)
            check_query(channel.type, channel.url)
            return
        read_recipients(channel.url)
        if not self._mailer.is_configured:
            raise NotConfigured("Mail needs TOCSIN_SMTP_HOST and TOCSIN_SMTP_FROM", field="type")

    async def test(self, channel_id: int) -> TestResult:
        """Send a test alert once.  Raises NotFound, RateLimited."""
        channel = await self._db.read(lambda read: store.get(read, channel_id))
        self._tests.spend(str(channel_id))
        message = compose([test_notice(channel, self._clock)], secrets.token_hex(16), self._base_url, self._clock.now())
        began = time.monotonic()
        outcome = await self.dispatcher.send(channel, message)
        sent = isinstance(outcome, Sent)
        if sent:
            await self._db.write(lambda tx: self._passed(tx, channel_id))
        return TestResult(
            status=DeliveryStatus.DELIVERED if sent else DeliveryStatus.FAILED,
            response_code=outcome.response_code,
            duration_ms=int((time.monotonic() - began) * 1000),
            error=outcome.error,
        )

    def _passed(self, tx: Tx, channel_id: int) -> None:
        """Note that a test got through: the channel is well, and what waits for it may leave."""
        channel = store.find(tx, channel_id)
        if channel is None:
            return
        timing.hurry(tx, channel)
        if channel.last_status is DeliveryStatus.FAILED:
            store.set_last_status(tx, channel_id, DeliveryStatus.DELIVERED)
            tx.emit(ChannelRecovered(id=channel_id, name=channel.name, timestamp=wire(tx.clock.now())))

    # --- routing rules -----------------------------------------------------------------------------------------------

    async def add_rule(self, channel_id: int, wanted: NewRule, actor: Actor) -> RuleView:
        """Raises NotFound, Invalid, TooManyRules."""
        rule = Rule(
            id=0,
            channel_id=channel_id,
            sources=_words("source_filter", wanted.source_filter, Source),
            severities=_words("severity_filter", wanted.severity_filter, Severity),
            entity=wanted.entity or None,
            group=wanted.group or None,
            after_minutes=wanted.after_minutes,
            created_at=self._clock.now(),
        )

        def work(tx: Tx) -> Rule:
            store.get(tx, channel_id)
            if store.count_rules(tx, channel_id) >= MOST_RULES:
                raise TooManyRules(f"A channel has at most {MOST_RULES} rules")
            made = replace(rule, id=store.insert_rule(tx, rule))
            shown = rule_view(made)
            change = msgspec.to_builtins(shown)
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
        shown = view(self._readable(store.get(tx, channel_id)))
        tx.emit(ChannelUpdated(channel=shown, timestamp=wire(tx.clock.now())))

    async def backlog(self) -> Backlog:
        now = self._clock.now()
        return await self._db.read(lambda read: delivery_store.backlog(read, now))

    # --- deliveries --------------------------------------------------------------------------------------------------

    async def deliveries(self, channel_id: int, limit: int, offset: int) -> DeliveryList:
        """Raises NotFound."""

        def look(read: Read) -> tuple[list[delivery_store.Row], int]:
            store.get(read, channel_id)
            return delivery_store.list_of_channel(read, channel_id, limit, offset)

        return delivery_list(*await self._db.read(look), offset)

    async def deliveries_of_alert(self, alert_id: int, limit: int, offset: int) -> DeliveryList:
        """Raises NotFound."""

        def look(read: Read) -> tuple[list[delivery_store.Row], int]:
            if self._find_alert(read, alert_id) is None:
                raise NotFound("Alert not found")
            return delivery_store.list_of_alert(read, alert_id, limit, offset)

        return delivery_list(*await self._db.read(look), offset)

    async def send_again(self, channel_id: int, delivery_id: int, actor: Actor) -> None:
        """Raises NotFound; Conflict: it has not failed."""

        def work(tx: Tx) -> None:
            channel = store.get(tx, channel_id)
            if not outbox.try_again(tx, channel_id, delivery_id):
                raise Conflict("Only a failed delivery can be sent again")
            tell_ends_again(tx, channel, outbox.notices_of(tx, delivery_id), self._find_alert)
            tx.audit(actor, "channel.send_again", f"channel:{channel_id}", {"delivery": delivery_id})

        await self._db.write(work)


class NotConfigured(Invalid):
    code = "not_configured"


def _words(name: str, given: list[E] | str | None, kind: type[E]) -> tuple[E, ...]:
    parts = [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given or []
    try:
        return tuple(dict.fromkeys(kind(part) for part in parts))
    except ValueError:
        raise Invalid(f"{name} must be among {', '.join(kind)}", field=name) from None
