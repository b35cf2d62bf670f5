"""Takes pings: each is on disk before it is answered.

A flood never causes a false alarm: beyond its budget a heartbeat's pings still count as signs of life, together in one
write, but leave no rows of their own.  Source: docs/spec/heartbeats.md, too many pings.
"""

import asyncio
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from tocsin.core.clock import Clock, wire, wire_or_none
from tocsin.core.errors import NotFound, RateLimited
from tocsin.core.events import Frame, volatile
from tocsin.core.hub import Hub
from tocsin.core.limiter import Limiter
from tocsin.db.database import Database
from tocsin.db.tx import Read, Tx
from tocsin.heartbeats import keeping, making, rules, store
from tocsin.heartbeats.models import Heartbeat, HeartbeatPinged, Ping, PingType, Standing
from tocsin.heartbeats.rules import Decision

BURST, SECONDS_EACH = 60, 1.0
TELL_S = 0.1
MOST_TOLD = 1000
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


class _Kept(NamedTuple):
    beat: Heartbeat
    said: PingType | None
    after: Standing
    is_new: bool


class Intake:
    """Where pings arrive. *hub* hears of them a moment later, many at once."""

    def __init__(self, db: Database, clock: Clock, hub: Hub) -> None:
        self._db = db
        self._clock = clock
        self._hub = hub
        self._budget = Limiter(clock, burst=BURST, seconds_each=SECONDS_EACH)
        self._guesses = Limiter(clock, burst=100, seconds_each=1)
        self._together: dict[tuple[Target, Ping], asyncio.Task[Taken]] = {}
        self._frames: list[Frame] = []
        self._telling: asyncio.TimerHandle | None = None
        self.taken = 0
        self.limited = 0

    async def take(self, target: Target, ping: Ping) -> Taken:
        """Store *ping* and what follows from it; return when it is on disk.

        Raises NotFound; RateLimited: too many wrong guesses; StorageUnavailable.
        """
        try:
            self._budget.spend(target.uuid or target.slug)
        except RateLimited:
            return await self._take_together(target, ping)
        return await self._take(target, ping, has_rows=True)

    async def _take_together(self, target: Target, ping: Ping) -> Taken:
        """Take a ping beyond the budget: all that say the same share one write."""
        self.limited += 1
        same = Ping(type=ping.type, exit_code=ping.exit_code, run_id=ping.run_id, method=ping.method)
        key = (target, same)
        task = self._together.get(key)
        if task is None:
            task = self._together[key] = asyncio.create_task(self._take(target, ping, has_rows=False))
            task.add_done_callback(lambda _: self._together.pop(key, None))
        return await asyncio.shield(task)

    async def _take(self, target: Target, ping: Ping, *, has_rows: bool) -> Taken:
        kept = await self._db.write(lambda tx: self._keep(tx, target, ping, has_rows=has_rows))
        if kept is None:
            self._guesses.spend(ping.source_ip)
            raise NotFound(UNKNOWN)
        self.taken += 1
        if len(self._hub) and kept.said is not None:
            self._tell(kept, ping)
        return Taken(kept.is_new)

    def _keep(self, tx: Tx, target: Target, ping: Ping, *, has_rows: bool) -> _Kept | None:
        """Runs on every ping: one look, one row, one update; a run's row besides."""
        now = self._clock.now()
        beat, is_new = self._find(tx, target), False
        if beat is None:
            if not self._may_make(tx, target):
                return None
            beat, is_new = making.provision(tx, target.slug, now), True
        if has_rows:
            decision = rules.on_ping(beat, ping, now)
            return _Kept(beat, decision.said, keeping.keep(tx, beat, decision, now, ping), is_new)
        decision = _without_runs(beat, ping, now)
        return _Kept(beat, decision.said, keeping.keep(tx, beat, decision, now), is_new)

    def _find(self, tx: Tx, target: Target) -> Heartbeat | None:
        if target.uuid:
            return store.find_by_uuid(tx, target.uuid)
        return store.find_by_slug(tx, target.slug) if _is_key(tx, target.key) else None

    def _may_make(self, tx: Tx, target: Target) -> bool:
        return bool(target.create and target.slug) and _is_key(tx, target.key) and making.has_room(tx)

    # --- telling -----------------------------------------------------------------------------------------------------

    def _tell(self, kept: _Kept, ping: Ping) -> None:
        """Remember to tell who is listening; at most so many in each moment."""
        assert kept.said is not None  # the caller has looked  # noqa: S101
        event = HeartbeatPinged(
            heartbeat_id=kept.beat.id,
            ping_type=kept.said,
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


def _without_runs(beat: Heartbeat, ping: Ping, now: datetime) -> Decision:
    """Decide what follows of a ping beyond the budget: how it stands, but nothing about runs. They stay as they are."""
    before = beat.standing
    without = replace(before, open_runs=(), late_run=None, overrun_at=None)
    decision = rules.on_ping(replace(beat, standing=without), ping, now)
    if decision.after is without:
        return Decision(before, decision.said)
    after = replace(decision.after, open_runs=before.open_runs, late_run=before.late_run, overrun_at=before.overrun_at)
    return decision._replace(after=after, ended=())
