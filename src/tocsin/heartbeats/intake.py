"""Takes pings: each is on disk before it is answered.

A flood never causes a false alarm: beyond its budget a heartbeat's pings still count as signs of life, together in one
write, but leave no rows of their own.  Source: docs/spec/heartbeats.md, too many pings.
"""

import asyncio
from typing import NamedTuple

from tocsin.core.clock import Clock, wire, wire_or_none
from tocsin.core.errors import NotFound, RateLimited, StorageUnavailable
from tocsin.core.events import Frame, volatile
from tocsin.core.hub import Hub
from tocsin.core.limiter import Limiter
from tocsin.db.database import Database
from tocsin.db.tx import Read, Tx
from tocsin.heartbeats import keeping, making, rules, store
from tocsin.heartbeats.models import Heartbeat, HeartbeatPinged, Ping, PingType, Standing

BURST, SECONDS_EACH = 60, 1.0
TELL_S = 0.1
MOST_TOLD = 1000
MOST_AT_ONCE = 256
UNKNOWN = "There is no such heartbeat; look at the ping URL again"


class Target(NamedTuple):
    """Whom a ping is for: a uuid, or the ping key and a slug; with `create` one that is not there yet is made."""

    uuid: str = ""
    key: str = ""
    slug: str = ""
    create: bool = False


class Taken(NamedTuple):
    """What became of a ping."""

    is_new: bool


class _Order(NamedTuple):
    """A ping that waits to be written; without rows it counts as a sign of life only."""

    target: Target
    ping: Ping
    has_rows: bool


class _Kept(NamedTuple):
    beat: Heartbeat
    said: PingType | None
    after: Standing
    is_new: bool


class Intake:
    """Where pings arrive. All that wait are written together; *hub* hears of them a moment later, many at once."""

    def __init__(self, db: Database, clock: Clock, hub: Hub) -> None:
        self._db = db
        self._clock = clock
        self._hub = hub
        self._budget = Limiter(clock, burst=BURST, seconds_each=SECONDS_EACH)
        self._guesses = Limiter(clock, burst=100, seconds_each=1)
        self._together: dict[tuple[Target, Ping], asyncio.Task[Taken]] = {}
        self._waiting: list[tuple[_Order, asyncio.Future[_Kept | None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._frames: list[Frame] = []
        self._telling: asyncio.TimerHandle | None = None
        self.taken = 0
        self.limited = 0

    async def take(self, target: Target, ping: Ping) -> Taken:
        """Store *ping* and what follows from it; return when it is on disk.

        Raises NotFound; RateLimited: too many wrong guesses; StorageUnavailable.
        """
        try:
            self._budget.spend(target.uuid or f"{target.key}/{target.slug}")  # a wrong key has a budget of its own
        except RateLimited:
            return await self._take_together(target, ping)
        return await self._take(_Order(target, ping, has_rows=True))

    async def _take_together(self, target: Target, ping: Ping) -> Taken:
        """Take a ping beyond the budget: all that say the same share one write."""
        self.limited += 1
        same = Ping(type=ping.type, exit_code=ping.exit_code, run_id=ping.run_id, method=ping.method)
        key = (target, same)
        task = self._together.get(key)
        if task is None:
            task = self._together[key] = asyncio.create_task(self._take(_Order(target, ping, has_rows=False)))
            task.add_done_callback(lambda _: self._together.pop(key, None))
        return await asyncio.shield(task)

    async def _take(self, order: _Order) -> Taken:
        future: asyncio.Future[_Kept | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((order, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all(), name="pings")
        kept = await future
        if kept is None:
            self._guesses.spend(order.ping.source_ip)
            raise NotFound(UNKNOWN)
        self.taken += 1
        if len(self._hub) and kept.said is not None:
            self._tell(kept, kept.said, order.ping)
        return Taken(kept.is_new)

    # --- writing -----------------------------------------------------------------------------------------------------

    async def _write_all(self) -> None:
        """Write what waits, and what has come meanwhile, until nothing does."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                try:
                    found = await self._db.write(lambda tx: [self._keep(tx, order) for order, _ in batch])  # noqa: B023
                except Exception as exc:  # broad on purpose: one of them may be at fault, the others must not pay
                    await self._write_each(batch, exc)
                else:
                    for (_, future), kept in zip(batch, found, strict=True):
                        if not future.done():
                            future.set_result(kept)
        finally:
            self._writing = None

    async def _write_each(self, batch: "list[tuple[_Order, asyncio.Future[_Kept | None]]]", failure: Exception) -> None:
        """Write pings one by one after they have failed together; what the database refuses, it refuses to all."""
        for order, future in batch:
            if future.done():
                continue
            if len(batch) == 1 or isinstance(failure, StorageUnavailable):
                future.set_exception(failure)
                continue
            try:
                kept = await self._db.write(lambda tx: self._keep(tx, order))  # noqa: B023
            except Exception as exc:  # broad on purpose: it belongs to the one who waits
                if not future.done():
                    future.set_exception(exc)
            else:
                if not future.done():  # who asked may have gone away meanwhile
                    future.set_result(kept)

    def _keep(self, tx: Tx, order: _Order) -> _Kept | None:
        """Runs on every ping: one look, one row, one update; a run's row besides."""
        target, ping, now = order.target, order.ping, self._clock.now()
        beat, is_new = self._find(tx, target), False
        if beat is None:
            if not self._may_make(tx, target):
                return None
            beat, is_new = making.provision(tx, target.slug, now), True
        decision = rules.on_ping(beat, ping, now)
        if not order.has_rows:
            return _Kept(beat, decision.said, keeping.keep(tx, beat, rules.without_rows(decision), now), is_new)
        return _Kept(beat, decision.said, keeping.keep(tx, beat, decision, now, ping), is_new)

    def _find(self, tx: Tx, target: Target) -> Heartbeat | None:
        if target.uuid:
            return store.find_by_uuid(tx, target.uuid)
        return store.find_by_slug(tx, target.slug) if _is_key(tx, target.key) else None

    def _may_make(self, tx: Tx, target: Target) -> bool:
        return bool(target.create and target.slug) and _is_key(tx, target.key) and making.has_room(tx)

    # --- telling -----------------------------------------------------------------------------------------------------

    def _tell(self, kept: _Kept, said: PingType, ping: Ping) -> None:
        """Remember to tell who is listening; at most so many in each moment."""
        event = HeartbeatPinged(
            heartbeat_id=kept.beat.id,
            ping_type=said,
            status=kept.after.status,
            exit_code=ping.exit_code,
            last_ping_at=wire_or_none(kept.after.last_ping_at),
            next_deadline_at=wire_or_none(kept.after.next_deadline_at),
            timestamp=wire(self._clock.now()),
        )
        if len(self._frames) < MOST_TOLD:
            self._frames.append(volatile(event))
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TELL_S, self._publish)

    def _publish(self) -> None:
        frames, self._frames, self._telling = self._frames, [], None
        self._hub.publish(frames)


def _is_key(read: Read, key: str) -> bool:
    known = store.find_key(read)
    return known is not None and making.is_same(known, key)
