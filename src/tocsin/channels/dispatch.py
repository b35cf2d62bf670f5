"""The delivery job: takes what waits in the outbox, sends it, and marks it only after it was accepted.

One message of a channel at a time, oldest first: an end can never overtake its beginning. Killed between sending and
marking, it sends again, with the same key.
"""

import asyncio
import random
import secrets
from collections.abc import Callable

import structlog

from tocsin.channels import outbox, rules, store
from tocsin.channels.formats import FORMATS
from tocsin.channels.mail import Mailer
from tocsin.channels.message import Message, compose
from tocsin.channels.models import (
    Channel,
    ChannelType,
    Delivery,
    DeliveryStatus,
    Outcome,
    Rejected,
    Retry,
    Sent,
)
from tocsin.channels.sending import Sender
from tocsin.core.clock import Clock
from tocsin.db.database import Database
from tocsin.db.tx import Tx

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5
AT_ONCE = 10

Open = Callable[[Channel], Channel]


class Dispatcher:
    """*open_channel* returns a channel with its secrets readable; *base_url* is for links."""

    def __init__(
        self, db: Database, clock: Clock, sender: Sender, mailer: Mailer, open_channel: Open, base_url: str
    ) -> None:
        self._db = db
        self._clock = clock
        self._sender = sender
        self._mailer = mailer
        self._open = open_channel
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
            return outbox.pending_delivery(tx, channel_id) or outbox.begin(tx, channel_id, key)

        delivery = await self._db.write(take)
        if delivery is None:
            return
        channel, notices = await self._db.read(
            lambda read: (store.get(read, channel_id), outbox.notices_of(read, delivery.id))
        )
        if not channel.enabled or not notices:
            await self._settle(delivery, Rejected("channel_disabled" if notices else "nothing_to_say"))
            return
        message = compose(notices, delivery.key, self._base_url, delivery.created_at)
        await self._settle(delivery, await self.send(self._open(channel), message))

    async def send(self, channel: Channel, message: Message) -> Outcome:
        """Send *message* to an opened channel, whatever its type. Never raises for the fault of the other side."""
        if channel.type is ChannelType.EMAIL:
            return await self._mailer.send(message, channel.url)
        return await self._sender.send(FORMATS[channel.type](message, channel))

    async def _settle(self, delivery: Delivery, outcome: Outcome) -> None:
        attempts, now = delivery.attempts + 1, self._clock.now()
        chance = random.random()  # noqa: S311 -- spreads retries, keeps no secret

        def work(tx: Tx) -> None:
            match outcome:
                case Sent(code):
                    outbox.finish(tx, delivery.id, DeliveryStatus.DELIVERED, attempts, None, code)
                    store.set_last_status(tx, delivery.channel_id, DeliveryStatus.DELIVERED)
                    return
                case Retry(error, code, after_seconds):
                    again = rules.next_attempt(attempts, delivery.created_at, now, after_seconds, chance)
                    if again is not None:
                        outbox.postpone(tx, delivery.id, attempts, again, error, code)
                    else:
                        outbox.finish(tx, delivery.id, DeliveryStatus.FAILED, attempts, error, code)
                case Rejected(error, code):
                    outbox.finish(tx, delivery.id, DeliveryStatus.FAILED, attempts, error, code)
            store.set_last_status(tx, delivery.channel_id, DeliveryStatus.FAILED)

        await self._db.write(work)
        if not isinstance(outcome, Sent):
            log.warning(
                "notification not accepted", channel_id=delivery.channel_id, error=outcome.error, attempt=attempts
            )
