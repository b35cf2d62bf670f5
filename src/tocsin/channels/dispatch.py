"""The delivery job: takes what waits in the outbox, sends it, and marks it only after it was accepted.

One message of a channel at a time, oldest first: an end can never overtake its beginning. Killed between sending and
marking, it sends again, with the same key.
"""

import asyncio
import random
import secrets
from collections.abc import Callable, Collection
from datetime import timedelta

import structlog

from tocsin.alerts.models import AlertEscalated
from tocsin.channels import outbox, rules, store, timing
from tocsin.channels.formats import FORMATS
from tocsin.channels.mail import Mailer
from tocsin.channels.message import Message, compose
from tocsin.channels.models import (
    Channel,
    ChannelFailing,
    ChannelRecovered,
    ChannelType,
    Delivery,
    DeliveryStatus,
)
from tocsin.core import retries
from tocsin.core.clock import Clock, wire
from tocsin.core.sending import Outcome, Rejected, Retry, Sender, Sent
from tocsin.core.vault import VaultError
from tocsin.db.database import Database
from tocsin.db.tx import Read, Tx

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5
DEFER_FOR = timedelta(seconds=1)
DEFER_SILENCED_FOR = timedelta(seconds=10)
AT_ONCE = 10

Open = Callable[[Channel], Channel]
Uncertain = Callable[[Read], list[str]]
Silenced = Callable[[Read, Collection[int]], set[int]]


class Dispatcher:
    """*open_channel* returns a channel with its secrets readable; *base_url* is for links.

    *uncertain* names the hosts that have just been lost: what concerns them waits until it is clear what that means.
    *silenced* says which alerts are kept quiet by now: what has not left of them waits until their silence ends.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sender: Sender,
        mailer: Mailer,
        open_channel: Open,
        uncertain: Uncertain,
        silenced: Silenced,
        base_url: str,
    ) -> None:
        self._db = db
        self._clock = clock
        self._sender = sender
        self._mailer = mailer
        self._open = open_channel
        self._uncertain = uncertain
        self._silenced = silenced
        self._base_url = base_url
        self._busy: set[int] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Send for ever. Belongs under the supervisor."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                now = self._clock.now()
                found = await self._db.read(lambda read, now=now: outbox.channels_with_work(read, now))  # type: ignore[misc]
                for channel_id in found:
                    if channel_id not in self._busy:
                        self._busy.add(channel_id)
                        tasks.create_task(self._serve(channel_id), name=f"deliver to channel {channel_id}")
                await self._clock.sleep(LOOK_EVERY_S)

    async def _serve(self, channel_id: int) -> None:
        try:
            async with self._slots:
                await self._serve_one(channel_id)
        except Exception:  # broad on purpose: one channel must not end the job of the others
            log.exception("delivery failed on our side", channel_id=channel_id)
        finally:
            self._busy.discard(channel_id)

    async def _serve_one(self, channel_id: int) -> None:
        key = secrets.token_hex(16)

        def take(tx: Tx) -> Delivery | None:
            return outbox.pending_delivery(tx, channel_id) or self._begin(tx, channel_id, key)

        delivery = await self._db.write(take)
        if delivery is None:
            return
        channel, notices = await self._db.read(
            lambda read: (store.get(read, channel_id), outbox.notices_of(read, delivery.id))
        )
        if not channel.enabled or not notices:
            await self._settle(delivery, Rejected("channel_disabled" if notices else "nothing_to_say"))
            return
        template = None if channel.type is ChannelType.WEBHOOK else channel.template
        message = compose(notices, delivery.key, self._base_url, delivery.created_at, template, self._clock.now())
        await self._settle(delivery, await self.send(channel, message))

    def _begin(self, tx: Tx, channel_id: int, key: str) -> Delivery | None:
        hosts = self._uncertain(tx)
        if hosts:
            outbox.defer(tx, hosts, tx.clock.now() + DEFER_FOR)
        quiet = self._silenced(tx, outbox.list_unsent(tx, channel_id))
        if quiet:
            outbox.defer_alerts(tx, channel_id, quiet, tx.clock.now() + DEFER_SILENCED_FOR)
        delivery = outbox.begin(tx, channel_id, key, store.get(tx, channel_id).max_per_minute, quiet)
        for notice in outbox.notices_of(tx, delivery.id) if delivery is not None else ():
            if notice.escalation:
                now = wire(tx.clock.now())
                tx.emit(AlertEscalated(alert_id=notice.alert_id, channel_id=channel_id, timestamp=now))
        return delivery

    async def send(self, channel: Channel, message: Message) -> Outcome:
        """Send *message* to a channel as stored, whatever its type. Never raises for the fault of the other side."""
        try:
            channel = self._open(channel)
        except VaultError:
            return Retry("secret_unreadable")  # the key can be brought back, or the URL be set again
        if channel.type is ChannelType.EMAIL:
            return await self._mailer.send(message, channel.url)
        return await self._sender.send(FORMATS[channel.type](message, channel))

    async def _settle(self, delivery: Delivery, outcome: Outcome) -> None:
        chance = random.random()  # noqa: S311 -- spreads retries, keeps no secret
        await self._db.write(lambda tx: _book(tx, delivery, outcome, chance))
        if outcome.error is not None:
            log.warning(
                "notification not accepted",
                channel_id=delivery.channel_id,
                error=outcome.error,
                attempt=delivery.attempts + 1,
            )


def _book(tx: Tx, delivery: Delivery, outcome: Outcome, chance: float) -> None:
    """Note what came of an attempt, unless its channel was deleted meanwhile."""
    channel = store.find(tx, delivery.channel_id)
    if channel is None:
        return
    attempts, now = delivery.attempts + 1, tx.clock.now()
    again, status = None, DeliveryStatus.FAILED
    if isinstance(outcome, Retry):
        again = retries.next_attempt(attempts, delivery.created_at, now, outcome.after_seconds, chance)
        status = DeliveryStatus.FAILED if again is None else DeliveryStatus.PENDING
    elif isinstance(outcome, Sent):
        status = DeliveryStatus.DELIVERED
    if again is not None:
        again = rules.after_quiet_hours(channel.quiet_hours, timing.worst(outbox.notices_of(tx, delivery.id)), again)
        outbox.postpone(tx, delivery.id, attempts, again, outcome.error or "", outcome.response_code)
    else:
        outbox.finish(tx, delivery.id, status, attempts, outcome.error, outcome.response_code)
    _tell(tx, channel, outcome, status, attempts)
    if status is DeliveryStatus.FAILED:
        outbox.take_back_ends(tx, delivery.id)


def _tell(tx: Tx, channel: Channel, outcome: Outcome, status: DeliveryStatus, attempts: int) -> None:
    """Keep how the channel does, and say so when that is news."""
    timestamp = wire(tx.clock.now())
    if isinstance(outcome, Sent):
        store.set_last_status(tx, channel.id, DeliveryStatus.DELIVERED)
        if channel.last_status is DeliveryStatus.FAILED:
            tx.emit(ChannelRecovered(id=channel.id, name=channel.name, timestamp=timestamp))
        return
    store.set_last_status(tx, channel.id, DeliveryStatus.FAILED)
    if channel.enabled and rules.rings(status, attempts):
        tx.emit(_failing(channel, outcome, timestamp))


def _failing(channel: Channel, outcome: Retry | Rejected, timestamp: str) -> ChannelFailing:
    code = outcome.response_code
    return ChannelFailing(
        id=channel.id, name=channel.name, error=outcome.error, response_code=code, timestamp=timestamp
    )
