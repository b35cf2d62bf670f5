"""The use cases: what people ask for. Pings have a way of their own (`intake.py`)."""

import asyncio
from datetime import date, timedelta
from functools import partial
from uuid import uuid4

import msgspec
from msgspec.structs import asdict, replace

from tocsin.containers.models import DailyUptime, DailyUptimeList
from tocsin.core.clock import Clock, wire
from tocsin.core.errors import InvalidParam
from tocsin.db.audit import difference
from tocsin.db.database import Database
from tocsin.db.tx import Actor, Read, Tx
from tocsin.heartbeats import history_store, keeping, making, rules, schedule, snippets, store, views, wishes
from tocsin.heartbeats.models import (
    MOST_HEARTBEATS,
    DuplicateSlug,
    Heartbeat,
    HeartbeatDeleted,
    HeartbeatStatus,
    HeartbeatUpdated,
    NotPaused,
    Tally,
    TooManyHeartbeats,
)
from tocsin.heartbeats.objects import (
    ExecutionList,
    HeartbeatChange,
    HeartbeatDays,
    HeartbeatDetail,
    HeartbeatList,
    HeartbeatView,
    NewHeartbeat,
    PingKey,
    PingList,
    SchedulePreview,
)
from tocsin.heartbeats.store import Wanted

BARS_FRESH_S = 30.0
LOOKED_AT_ONCE, TRIMMED = 500, 1000
MOST_BARS, MOST_ANSWERS = 5000, 20


class Heartbeats:
    """*base_url* is how jobs reach Tocsin."""

    def __init__(self, db: Database, clock: Clock, base_url: str) -> None:
        self._db = db
        self._clock = clock
        self._base_url = base_url
        self._bars: dict[int, tuple[float, bytes]] = {}

    def _view(self, beat: Heartbeat) -> HeartbeatView:
        return views.view(beat, self._base_url)

    # --- asking ------------------------------------------------------------------------------------------------------

    async def page(self, wanted: Wanted, limit: int, offset: int) -> HeartbeatList:
        found, total = await self._db.read(lambda read: store.list_page(read, wanted, limit, offset))
        shown = [self._view(beat) for beat in found]
        return HeartbeatList(heartbeats=shown, total=total, has_more=offset + len(found) < total)

    async def get(self, heartbeat_id: int) -> HeartbeatDetail:
        """Raises NotFound."""
        beat = await self._db.read(lambda read: store.get(read, heartbeat_id))
        texts = snippets.snippets(self._base_url, beat)
        return HeartbeatDetail(heartbeat=self._view(beat), snippets=texts)

    async def counts(self) -> dict[str, int]:
        """Return how many there are of each status."""
        return await self._db.read(store.count_by_status)

    async def executions(self, heartbeat_id: int, limit: int, offset: int) -> ExecutionList:
        """Raises NotFound."""

        def look(read: Read) -> ExecutionList:
            store.get(read, heartbeat_id)
            found, total = history_store.list_executions(read, heartbeat_id, limit, offset)
            shown = [views.execution_view(heartbeat_id, run) for run in found]
            return ExecutionList(executions=shown, total=total, has_more=offset + len(found) < total)

        return await self._db.read(look)

    async def pings(self, heartbeat_id: int, limit: int, offset: int) -> PingList:
        """Raises NotFound."""

        def look(read: Read) -> PingList:
            store.get(read, heartbeat_id)
            found, total = history_store.list_pings(read, heartbeat_id, limit, offset)
            shown = [views.ping_view(heartbeat_id, one) for one in found]
            return PingList(pings=shown, total=total, has_more=offset + len(found) < total)

        return await self._db.read(look)

    async def days(self, heartbeat_id: int, count: int) -> HeartbeatDays:
        """Return daily uptime, today first, exactly *count* days.  Raises NotFound."""
        today = self._clock.now().date()

        def look(read: Read) -> dict[date, Tally]:
            beat = store.get(read, heartbeat_id)
            return _with_open_day(beat, history_store.list_days(read, heartbeat_id, today - timedelta(days=count - 1)))

        found = await self._db.read(look)
        shown = views.day_views(found, today, count)
        return HeartbeatDays(monitor_id=heartbeat_id, monitor_type="heartbeat", days=shown)

    async def daily_uptime(self, days: int) -> bytes:
        """Return the bars of the newest heartbeats, oldest day first, encoded; at most 30 s old."""
        made_at, answer = self._bars.get(days, (float("-inf"), b""))
        if self._clock.monotonic() - made_at > BARS_FRESH_S:
            answer = msgspec.json.encode(await self._db.read(lambda read: self._all_days(read, days)))
            if len(self._bars) >= MOST_ANSWERS:
                self._bars.clear()
            self._bars[days] = (self._clock.monotonic(), answer)
        return answer

    def _all_days(self, read: Read, count: int) -> DailyUptimeList:
        today = self._clock.now().date()
        wanted = [today - timedelta(days=back) for back in reversed(range(count))]
        beats, _ = store.list_page(read, Wanted(), MOST_BARS, 0)  # the newest: there may be a hundred thousand
        over = history_store.list_days_since(read, beats[-1].id, wanted[0]) if beats else {}
        items = []
        for beat in beats:
            mine = _with_open_day(beat, over.get(beat.id, {}))
            items.append(DailyUptime(id=beat.id, days=[views.uptime_percent(mine.get(day)) for day in wanted]))
        return DailyUptimeList(days=count, to=today.isoformat(), items=items)

    async def preview(self, text: str, timezone: str) -> SchedulePreview:
        """Return the next three times of a schedule.  Raises InvalidParam."""
        return await asyncio.to_thread(self._preview, text, timezone)

    def _preview(self, text: str, timezone: str) -> SchedulePreview:
        now, text = self._clock.now(), text.strip()
        try:
            schedule.zone_of(timezone)
        except ValueError as exc:
            raise InvalidParam(f"timezone: {exc}", field="timezone") from None
        try:
            schedule.check(text, timezone, now)
            times = schedule.upcoming(text, timezone, now, 3)
        except ValueError as exc:
            raise InvalidParam(f"schedule: {exc}", field="schedule") from None
        return SchedulePreview(
            schedule=text,
            kind=schedule.kind_of(text),
            timezone=timezone,
            next=[wire(at) for at in times],
            local=[at.isoformat() for at in times],
        )

    # --- changing ----------------------------------------------------------------------------------------------------

    async def create(self, wanted: NewHeartbeat, actor: Actor) -> HeartbeatView:
        """Raises Invalid, DuplicateSlug, TooManyHeartbeats."""

        def work(tx: Tx) -> Heartbeat:
            now = tx.clock.now()
            name, tags = wishes.name_of(wanted.name), wishes.tags_of(wanted.tags)
            given = None if wanted.slug is None else wishes.slug_of(wanted.slug)
            asked = wishes.new(wanted, now)  # here, for it may read a file: that of its time zone
            if not making.has_room(tx):
                raise TooManyHeartbeats(f"There are {MOST_HEARTBEATS} heartbeats already; delete one first")
            if given is not None:
                _check_free(tx, given)
            beat = making.make(tx, name, given or making.free_slug(tx, name), tags, asked, now)
            tx.audit(actor, "heartbeat.create", f"heartbeat:{beat.id}", difference({}, _audited(beat)))
            return beat

        return self._view(await self._db.write(work))

    async def change(self, heartbeat_id: int, wanted: HeartbeatChange, actor: Actor) -> HeartbeatView:
        """Raises NotFound, Invalid, DuplicateSlug."""

        def work(tx: Tx) -> Heartbeat:
            before = store.get(tx, heartbeat_id)
            after = wishes.changed(before, wanted, tx.clock.now())
            if after.slug != before.slug:
                _check_free(tx, after.slug)
            if after.rules != before.rules:
                after = replace(after, standing=rules.with_rules(before, after.rules))
            return self._save(tx, before, after, actor, "heartbeat.update")

        return self._view(await self._db.write(work))

    async def rotate(self, heartbeat_id: int, actor: Actor) -> HeartbeatView:
        """Give it another ping URL; the one before ends at once.  Raises NotFound."""
        fresh = str(uuid4())

        def work(tx: Tx) -> Heartbeat:
            before = store.get(tx, heartbeat_id)
            after = replace(before, uuid=fresh, updated_at=tx.clock.now())
            return self._save(tx, before, after, actor, "heartbeat.rotate")

        return self._view(await self._db.write(work))

    def _save(self, tx: Tx, before: Heartbeat, after: Heartbeat, actor: Actor, action: str) -> Heartbeat:
        store.save(tx, after)
        tx.audit(actor, action, f"heartbeat:{after.id}", difference(_audited(before), _audited(after)))
        tx.emit(HeartbeatUpdated(heartbeat_id=after.id, name=after.name, timestamp=wire(tx.clock.now())))
        return after

    async def delete(self, heartbeat_id: int, actor: Actor) -> None:
        """Delete it with its history.  Raises NotFound."""

        def work(tx: Tx) -> None:
            beat = store.get(tx, heartbeat_id)
            store.delete_heartbeat(tx, heartbeat_id)
            tx.audit(actor, "heartbeat.delete", f"heartbeat:{heartbeat_id}", difference(_audited(beat), {}))
            tx.emit(HeartbeatDeleted(heartbeat_id=heartbeat_id, timestamp=wire(tx.clock.now())))

        await self._db.write(work)

    async def pause(self, heartbeat_id: int, actor: Actor) -> HeartbeatView:
        """Wait for it no more. Again is no fault.  Raises NotFound."""

        def work(tx: Tx) -> Heartbeat:
            beat = store.get(tx, heartbeat_id)
            if beat.standing.status is HeartbeatStatus.PAUSED:
                return beat
            after = keeping.keep(tx, beat, rules.paused(beat, tx.clock.now()), tx.clock.now())
            tx.audit(actor, "heartbeat.pause", f"heartbeat:{heartbeat_id}")
            return replace(beat, standing=after)

        return self._view(await self._db.write(work))

    async def resume(self, heartbeat_id: int, actor: Actor) -> HeartbeatView:
        """Wait for it again, from now on.  Raises NotFound, NotPaused."""

        def work(tx: Tx) -> Heartbeat:
            beat = store.get(tx, heartbeat_id)
            if beat.standing.status is not HeartbeatStatus.PAUSED:
                raise NotPaused("The heartbeat is not paused")
            after = keeping.keep(tx, beat, rules.resumed(beat, tx.clock.now()), tx.clock.now())
            tx.audit(actor, "heartbeat.resume", f"heartbeat:{heartbeat_id}")
            return replace(beat, standing=after)

        return self._view(await self._db.write(work))

    # --- the key of URLs with slugs ----------------------------------------------------------------------------------

    async def ping_key(self) -> PingKey:
        return self._key(await self._db.write(lambda tx: making.key(tx, tx.clock.now())))

    async def rotate_key(self, actor: Actor) -> PingKey:
        """Replace the key: every URL with the one before ends at once."""

        def work(tx: Tx) -> str:
            tx.audit(actor, "ping_key.rotate", "ping_key")
            return making.new_key(tx, tx.clock.now())

        return self._key(await self._db.write(work))

    def _key(self, key: str) -> PingKey:
        return PingKey(key=key, url=views.ping_url(self._base_url, key))

    # --- keeping house -----------------------------------------------------------------------------------------------

    async def trim(self) -> None:
        """Keep only the newest runs of each heartbeat."""
        ids = await self._db.read(store.list_ids)
        for first in range(0, len(ids), LOOKED_AT_ONCE):
            some = ids[first : first + LOOKED_AT_ONCE]
            for heartbeat_id in await self._db.read(partial(history_store.list_long, ids=some)):
                while await self._db.write(partial(history_store.trim, heartbeat_id=heartbeat_id, limit=TRIMMED)):
                    pass


def _with_open_day(beat: Heartbeat, found: dict[date, Tally]) -> dict[date, Tally]:
    """Add the day at hand, which is not among those that are over."""
    tally = beat.standing.tally
    over = found.get(tally.day, Tally(tally.day))
    whole = Tally(tally.day, over.good + tally.good, over.bad + tally.bad, over.incidents + tally.incidents)
    return {**found, tally.day: whole}


def _check_free(read: Read, slug: str) -> None:
    if not store.is_slug_free(read, slug):
        raise DuplicateSlug(f"Another heartbeat has the slug {slug}", field="slug")


def _audited(beat: Heartbeat) -> dict[str, object]:
    return {"name": beat.name, "slug": beat.slug, "tags": list(beat.tags), **asdict(beat.rules)}
