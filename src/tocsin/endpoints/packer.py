"""Packs what the checks of ten minutes have found: into blocks, hours and days.

The packing is computed on a reading thread from rows that never change any more; one short unit then puts the result
in and takes the rows out, so a crash leaves either the one or the other.  Source: docs/spec/endpoints.md, storage.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
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

AT_ONCE = 250
"""Endpoints packed in one unit: some ten milliseconds of writing."""
SETTLED_MS = 5_000
"""A slot is packed when it has been over for so long: what was found in it has been written by then."""


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

    async def _pack_some(self, new: New) -> None:
        work = await self._db.read(lambda read: _prepare(read, new))
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
        """Write the days that are over, each once, out of their hours."""
        today = self._clock.now().date()
        if self._day == today:
            return
        ids = [monitor.id for monitor in self._monitors]
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            found = await self._db.read(lambda read, some=some: _days_of(read, some, today))  # type: ignore[misc]
            await self._db.write(lambda tx, found=found: self._put_days(tx, found, today))  # type: ignore[misc]
        self._day = today

    def _put_days(self, tx: Tx, found: Mapping[int, Mapping[date, Totals]], today: date) -> None:
        for endpoint_id, days in found.items():
            if store.find(tx, endpoint_id) is not None:
                history_store.put_days(tx, endpoint_id, days)
                history_store.delete_days(tx, endpoint_id, today - self._keep_days)


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
    history_store.put_blocks(tx, work.blocks)
    history_store.put_hours(tx, work.hours)
    history_store.delete_new(tx, work.new)
    for endpoint_id, (generation, standing) in standings.items():
        store.save_standing(tx, endpoint_id, generation, standing)


def _days_of(read: Read, ids: Sequence[int], today: date) -> dict[int, dict[date, Totals]]:
    """Return the days before *today* that are not written yet, at most the last week."""
    found: dict[int, dict[date, Totals]] = {}
    for endpoint_id in ids:
        last = history_store.last_day(read, endpoint_id)
        first = max(today - timedelta(days=7), last + timedelta(days=1) if last is not None else date.min)
        wanted = range(_first_hour(first), _first_hour(today))
        by_day: dict[date, list[Totals]] = {}
        for hour, totals in history_store.read_hours(read, endpoint_id, wanted).items():
            by_day.setdefault(day_of(hour), []).append(totals)
        if by_day:
            found[endpoint_id] = {day: sum_of(parts) for day, parts in by_day.items()}
    return found


def _first_hour(day: date) -> int:
    return (day - date(1970, 1, 1)).days * 24
