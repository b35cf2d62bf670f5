"""The only SQL about the history of endpoints: newest checks as rows, older ones packed, hours and days added up.

Source: docs/spec/endpoints.md, storage.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from tocsin.db.tx import Read, Tx
from tocsin.endpoints import blocks as packing
from tocsin.endpoints import totals
from tocsin.endpoints.blocks import SLOT_MS
from tocsin.endpoints.tables import blocks, checks, days, endpoints, hours
from tocsin.endpoints.totals import Check, Totals, percent
from tocsin.probes.base import Phases

HOUR_MS = 3_600_000
EPOCH = date(1970, 1, 1)
NEVER_MS = 2**62
AT_ONCE = 500
"""Keys in one statement: below the limits of every database."""


class New(NamedTuple):
    """Which of the newest checks: up to a row, before a time, of the endpoints from `first` to `last`."""

    most_id: int
    until_ms: int = NEVER_MS
    first: int = 0
    last: int = 2**62


# --- the newest ------------------------------------------------------------------------------------------------------


def insert_checks(tx: Tx, found: Sequence[tuple[int, Check]]) -> None:
    """Append checks, each with the endpoint it is of."""
    tx.execute(insert(checks), [_row(endpoint_id, check) for endpoint_id, check in found])


def newest_id(read: Read) -> int:
    return int(read.execute(select(func.max(checks.c.id))).scalar() or 0)


def list_new(read: Read, endpoint_id: int) -> list[Check]:
    """Return the checks of one endpoint that are not packed yet, oldest first."""
    found = [_check(row) for row in read.execute(select(checks).where(checks.c.endpoint_id == endpoint_id))]
    return sorted(found, key=lambda check: check.at_ms)


def list_all_new(read: Read, new: New) -> dict[int, list[Check]]:
    """Return checks that are not packed yet, by endpoint, oldest first."""
    found: dict[int, list[Check]] = {}
    for row in read.execute(select(checks).where(*_within(new))):
        found.setdefault(row.endpoint_id, []).append(_check(row))
    for mine in found.values():
        mine.sort(key=lambda check: check.at_ms)
    return found


def list_endpoints_with_new(read: Read, most_id: int) -> list[int]:
    found = select(checks.c.endpoint_id).where(checks.c.id <= most_id).distinct()
    return sorted(read.execute(found).scalars())


def delete_new(tx: Tx, new: New) -> None:
    tx.execute(delete(checks).where(*_within(new)))


def _within(new: New) -> tuple[ColumnElement[bool], ...]:
    mine = checks.c.endpoint_id.between(new.first, new.last)
    return checks.c.id <= new.most_id, checks.c.at_ms < new.until_ms, mine


# --- packed ----------------------------------------------------------------------------------------------------------


def read_blocks(read: Read, endpoint_id: int, slots: Sequence[int]) -> list[Check]:
    """Return the packed checks of some slots, oldest first."""
    found: list[tuple[int, bytes]] = []
    for some in _portions(slots):
        mine = select(blocks.c.slot, blocks.c.data).where(blocks.c.slot.in_(some), blocks.c.endpoint_id == endpoint_id)
        found += [(row.slot, row.data) for row in read.execute(mine)]
    return [check for slot, data in sorted(found) for check in packing.unpack(slot, data)]


def first_packed_ms(read: Read) -> int:
    """Return when the oldest slot begins that is kept; without any, a time that never comes."""
    oldest = read.execute(select(func.min(blocks.c.slot))).scalar()
    return NEVER_MS if oldest is None else int(oldest) * SLOT_MS


def read_slots(read: Read, keys: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """Return the blocks there are already, of (slot, endpoint)."""
    wanted: dict[int, set[int]] = {}
    for slot, endpoint_id in keys:
        wanted.setdefault(slot, set()).add(endpoint_id)
    found: dict[tuple[int, int], bytes] = {}
    for slot, ids in wanted.items():
        for some in _portions(sorted(ids)):
            mine = (blocks.c.slot == slot, blocks.c.endpoint_id.in_(some))
            for row in read.execute(select(blocks.c.endpoint_id, blocks.c.data).where(*mine)):
                found[slot, row.endpoint_id] = row.data
    return found


def read_hours(read: Read, endpoint_id: int, wanted: Sequence[int]) -> dict[int, Totals]:
    """Return the totals of some hours (since 1970) of one endpoint."""
    found: dict[int, Totals] = {}
    for some in _portions(wanted):
        mine = (hours.c.hour.in_(some), hours.c.endpoint_id == endpoint_id)
        found |= {
            row.hour: totals.decode(row.data) for row in read.execute(select(hours.c.hour, hours.c.data).where(*mine))
        }
    return found


def read_hour(read: Read, hour: int, ids: Sequence[int] | None = None) -> dict[int, Totals]:
    """Return the totals of one hour, of all endpoints or of some."""
    found: dict[int, Totals] = {}
    for some in [None] if ids is None else list(_portions(ids)):
        where = [hours.c.hour == hour]
        if some is not None:
            where.append(hours.c.endpoint_id.in_(some))
        for row in read.execute(select(hours.c.endpoint_id, hours.c.data).where(*where)):
            found[row.endpoint_id] = totals.decode(row.data)
    return found


def read_days(read: Read, endpoint_id: int, first: date) -> dict[date, Totals]:
    """Return the totals of the days from *first* on that are over."""
    mine = (days.c.endpoint_id == endpoint_id, days.c.day >= number_of(first))
    found = read.execute(select(days.c.day, days.c.data).where(*mine))
    return {EPOCH + timedelta(days=row.day): totals.decode(row.data) for row in found}


def read_uptime(read: Read, ids: Sequence[int], first: date) -> dict[int, dict[int, float | None]]:
    """Return the uptime of several endpoints by day (since 1970), of the days from *first* on that are over."""
    found: dict[int, dict[int, float | None]] = {}
    for some in _portions(ids):
        where = (days.c.endpoint_id.in_(some), days.c.day >= number_of(first))
        counts = select(days.c.endpoint_id, days.c.day, days.c.checks, days.c.failures).where(*where)
        for row in read.execute(counts):
            found.setdefault(row.endpoint_id, {})[row.day] = percent(row.checks - row.failures, row.checks)
    return found


def is_day_open(read: Read, day: date) -> bool:
    """Say whether there are hours of *day* and the day is not written yet: its last endpoint is not."""
    wanted = hours_of(day)
    known = hours.c.endpoint_id.in_(select(endpoints.c.id))
    last = select(func.max(hours.c.endpoint_id)).where(hours.c.hour.between(wanted[0], wanted[-1]), known)
    endpoint_id = read.execute(last).scalar()
    if endpoint_id is None:
        return False
    mine = (days.c.endpoint_id == endpoint_id, days.c.day == number_of(day))
    return read.execute(select(days.c.day).where(*mine)).first() is None


# --- changing --------------------------------------------------------------------------------------------------------


def put_blocks(tx: Tx, found: Mapping[tuple[int, int], bytes]) -> None:
    """Write blocks by (slot, endpoint)."""
    rows = [
        {"slot": slot, "endpoint_id": endpoint_id, "data": data} for (slot, endpoint_id), data in sorted(found.items())
    ]
    _upsert(tx, blocks, rows, ("slot", "endpoint_id"), ("data",))


def put_hours(tx: Tx, found: Mapping[tuple[int, int], Totals]) -> None:
    rows = [
        {"hour": hour, "endpoint_id": endpoint_id, "data": totals.encode(one)}
        for (hour, endpoint_id), one in sorted(found.items())
    ]
    _upsert(tx, hours, rows, ("hour", "endpoint_id"), ("data",))


def put_day(tx: Tx, day: date, found: Mapping[int, Totals], keep_from: date) -> None:
    """Write a day of some endpoints that still are there, and let go of what is older than *keep_from*."""
    ids = sorted(found)
    known = set(tx.execute(select(endpoints.c.id).where(endpoints.c.id.in_(ids))).scalars())
    rows = [
        {
            "endpoint_id": endpoint_id,
            "day": number_of(day),
            "checks": found[endpoint_id].checks,
            "failures": found[endpoint_id].failures,
            "data": totals.encode(found[endpoint_id]),
        }
        for endpoint_id in ids
        if endpoint_id in known
    ]
    _upsert(tx, days, rows, ("endpoint_id", "day"), ("checks", "failures", "data"))
    tx.execute(delete(days).where(days.c.endpoint_id.in_(ids), days.c.day < number_of(keep_from)))


def _upsert(tx: Tx, table: Any, rows: list[dict[str, Any]], keys: Sequence[str], values: Sequence[str]) -> None:
    if not rows:
        return
    dialect: Any = sqlite if tx.dialect == "sqlite" else postgresql
    statement = dialect.insert(table)
    new = {name: statement.excluded[name] for name in values}
    tx.execute(statement.on_conflict_do_update(index_elements=[table.c[name] for name in keys], set_=new), rows)


def forget_days(tx: Tx, first: date) -> None:
    """Delete what is written of *first* and later days."""
    tx.execute(delete(days).where(days.c.day >= number_of(first)))


def delete_history(tx: Tx, endpoint_id: int, slots: Sequence[int]) -> None:
    """Delete what is kept of one endpoint; *slots* are those that may hold something."""
    tx.execute(delete(checks).where(checks.c.endpoint_id == endpoint_id))
    for some in _portions(slots):
        tx.execute(delete(blocks).where(blocks.c.slot.in_(some), blocks.c.endpoint_id == endpoint_id))


def delete_hours(tx: Tx, endpoint_id: int, wanted: Sequence[int]) -> None:
    for some in _portions(wanted):
        tx.execute(delete(hours).where(hours.c.hour.in_(some), hours.c.endpoint_id == endpoint_id))


def sweep_blocks(tx: Tx, cutoff_ms: int, limit: int) -> int:
    """Delete the oldest slot if it is too old, whole; say so by returning *limit*."""
    oldest = tx.execute(select(func.min(blocks.c.slot))).scalar()
    if oldest is None or (oldest + 1) * SLOT_MS > cutoff_ms:
        return 0
    tx.execute(delete(blocks).where(blocks.c.slot == oldest))
    return limit


def sweep_hours(tx: Tx, cutoff_ms: int, limit: int) -> int:
    oldest = tx.execute(select(func.min(hours.c.hour))).scalar()
    if oldest is None or (oldest + 1) * HOUR_MS > cutoff_ms:
        return 0
    tx.execute(delete(hours).where(hours.c.hour == oldest))
    return limit


def slots_between(first_ms: int, last_ms: int) -> range:
    return range(first_ms // SLOT_MS, last_ms // SLOT_MS + 1)


def hours_between(first_ms: int, last_ms: int) -> range:
    return range(first_ms // HOUR_MS, last_ms // HOUR_MS + 1)


def number_of(day: date) -> int:
    """Return which day since 1970 it is."""
    return (day - EPOCH).days


def hours_of(day: date) -> range:
    """Return the hours (since 1970) of a UTC day."""
    first = number_of(day) * 24
    return range(first, first + 24)


def day_of(hour: int) -> date:
    return EPOCH + timedelta(hours=hour)


def _portions(items: Sequence[int]) -> Iterable[Sequence[int]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


def _row(endpoint_id: int, check: Check) -> dict[str, Any]:
    phases = check.phases
    return {
        "endpoint_id": endpoint_id,
        "at_ms": check.at_ms,
        "status": check.code,
        "total_us": phases.total,
        "http_status": check.http_status,
        "dns_us": phases.dns,
        "connect_us": phases.connect,
        "tls_us": phases.tls,
        "first_byte_us": phases.first_byte,
        "error": check.error,
    }


def _check(row: Any) -> Check:
    phases = Phases(row.total_us, row.dns_us, row.connect_us, row.tls_us, row.first_byte_us)
    return Check(row.at_ms, row.status, phases, row.http_status, row.error)
