"""Packs what the checks of ten minutes have found: into blocks, hours and days.

The packing is computed on a reading thread from rows that never change any more; one short unit then puts the result
in and takes the rows out, so a crash leaves either the one or the other.  Source: docs/spec/endpoints.md, storage.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import NamedTuple

from tocsin.core.clock import Clock, to_ms
from tocsin.db.database import Database
from tocsin.db.tx import Read, Tx
from tocsin.endpoints import blocks, history_store, store
from tocsin.endpoints.blocks import SLOT_MS
from tocsin.endpoints.history_store import HOUR_MS, New, day_of
from tocsin.endpoints.models import Standing
from tocsin.endpoints.monitors import Monitors
from tocsin.endpoints.totals import Check, Totals, sum_of, total_of

AT_ONCE = 100
"""Endpoints packed in one unit: a few milliseconds of writing."""
LONGEST_GAP_DAYS = 90
PAUSE_S = 0.05
"""Between two units: packing has ten minutes, checks and pings have none."""
SETTLED_MS = 5_000
"""A slot is packed when it has been over for so long. A check that began in it may end later: it is merged then."""
DAY_SETTLED = timedelta(minutes=15)


class _Work(NamedTuple):
    new: New
    blocks: Mapping[tuple[int, int], bytes]
    hours: Mapping[tuple[int, int], Totals]


class Packer:
    def __init__(self, db: Database, clock: Clock, monitors: Monitors, keep_days: timedelta) -> None:
        self._db = db
        self._clock = clock
        self._monitors = monitors
        self._keep_days = keep_days
        self._day: date | None = None
        self._reopened: set[date] = set()
        self._slot = 0

    async def run(self) -> None:
        """Pack what is over, if a slot has ended since the last time."""
        now_ms = to_ms(self._clock.now())
        slot = (now_ms - SETTLED_MS) // SLOT_MS
        if slot == self._slot:
            return
        await self.pack(slot * SLOT_MS)
        await self.close_days()
        self._slot = slot

    async def pack(self, until_ms: int) -> None:
        """Pack all that was found before *until_ms*."""
        most_id = await self._db.read(history_store.newest_id)
        ids = await self._db.read(lambda read: history_store.list_endpoints_with_new(read, most_id))
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            await self._pack_some(New(most_id, until_ms, some[0], some[-1]))
            await self._clock.sleep(PAUSE_S)

    async def _pack_some(self, new: New) -> None:
        work = await self._db.read(lambda read: _prepare(read, new))
        if self._day is not None:
            self._reopened |= {day for day in (day_of(hour) for hour, _ in work.hours) if day < self._day}
        standings = {
            monitor.id: (monitor.endpoint.generation, monitor.standing)
            for monitor in self._monitors
            if new.first <= monitor.id <= new.last and monitor.unsaved
        }
        await self._db.write(lambda tx: _put(tx, work, standings))
        for endpoint_id in standings:
            monitor = self._monitors.find(endpoint_id)
            if monitor is not None and monitor.standing is standings[endpoint_id][1]:
                monitor.unsaved = False

    # --- days --------------------------------------------------------------------------------------------------------

    async def close_days(self) -> None:
        """Write the days that are over and not written yet, out of their hours; those again that checks came late to.

        A day that is not over, and yet written, is what a clock was ahead for.
        """
        now = self._clock.now()
        today = (now - DAY_SETTLED).date()
        if self._day != today:
            await self._db.write(lambda tx: history_store.forget_days(tx, now.date()))
            gap = LONGEST_GAP_DAYS if self._day is None or self._day > today else (today - self._day).days
            for back in range(gap, 0, -1):
                day = today - timedelta(days=back)
                if await self._db.read(partial(history_store.is_day_open, day=day)):
                    self._reopened.add(day)
        for day in sorted(self._reopened):
            await self._close(day, today)
        self._reopened.clear()
        self._day = today

    async def _close(self, day: date, today: date) -> None:
        """Write one day, endpoint by endpoint in order: when the last is there, all are."""
        found: dict[int, Totals] = {}
        for hour in history_store.hours_of(day):
            for endpoint_id, totals in (await self._db.read(partial(history_store.read_hour, hour=hour))).items():
                found.setdefault(endpoint_id, Totals(steps={})).merge(totals)
        ids = sorted(found)
        for start in range(0, len(ids), AT_ONCE):
            some = {endpoint_id: found[endpoint_id] for endpoint_id in ids[start : start + AT_ONCE]}
            await self._db.write(lambda tx, some=some: history_store.put_day(tx, day, some, today - self._keep_days))  # type: ignore[misc]
            await self._clock.sleep(PAUSE_S)


def _prepare(read: Read, new: New) -> _Work:
    """Return what to write for the checks of some endpoints; blocks and hours there are already are added to."""
    by_slot: dict[tuple[int, int], list[Check]] = {}
    for endpoint_id, checks in history_store.list_all_new(read, new).items():
        for check in checks:
            by_slot.setdefault((check.at_ms // SLOT_MS, endpoint_id), []).append(check)
    hours = _hours(read, by_slot)
    for (slot, endpoint_id), data in history_store.read_slots(read, by_slot).items():
        mine = by_slot[slot, endpoint_id]
        mine[:0] = blocks.unpack(slot, data)
        mine.sort(key=lambda check: check.at_ms)
    packed = {(slot, endpoint_id): blocks.pack(slot, checks) for (slot, endpoint_id), checks in by_slot.items()}
    return _Work(new, packed, hours)


def _hours(read: Read, by_slot: Mapping[tuple[int, int], Sequence[Check]]) -> dict[tuple[int, int], Totals]:
    """Return the hours of new checks with these in them."""
    found: dict[tuple[int, int], list[Totals]] = {}
    for (slot, endpoint_id), checks in by_slot.items():
        found.setdefault((slot * SLOT_MS // HOUR_MS, endpoint_id), []).append(total_of(checks))
    for hour in {hour for hour, _ in found}:
        ids = sorted(endpoint_id for one, endpoint_id in found if one == hour)
        for endpoint_id, before in history_store.read_hour(read, hour, ids).items():
            found[hour, endpoint_id].append(before)
    return {key: sum_of(parts) for key, parts in found.items()}


def _put(tx: Tx, work: _Work, standings: Mapping[int, tuple[int, Standing]]) -> None:
    """Write what was prepared, of those that were not deleted meanwhile."""
    known = store.known_among(tx, {endpoint_id for _, endpoint_id in work.blocks})
    history_store.put_blocks(tx, {key: data for key, data in work.blocks.items() if key[1] in known})
    history_store.put_hours(tx, {key: totals for key, totals in work.hours.items() if key[1] in known})
    history_store.delete_new(tx, work.new)
    for endpoint_id, (generation, standing) in standings.items():
        store.save_standing(tx, endpoint_id, generation, standing)
