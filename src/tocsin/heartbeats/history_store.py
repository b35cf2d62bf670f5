"""The only SQL about what happened: pings, runs, and the sums of days."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Table, delete, func, select

from tocsin.core.clock import from_ms, from_ms_or_none, to_ms, to_ms_or_none
from tocsin.db.tx import Read, Tx
from tocsin.heartbeats.book import Correction
from tocsin.heartbeats.models import Heartbeat, Outcome, Ping, PingType, Run, Tally
from tocsin.heartbeats.runs import Ended
from tocsin.heartbeats.tables import days, executions, pings

EPOCH = date(1970, 1, 1)
MOST_COUNTED = 10_000
MOST_KEPT = 10_000
"""Runs kept of one heartbeat, however often it runs."""


class StoredPing(NamedTuple):
    id: int
    at: datetime
    type: PingType
    ping: Ping
    expected_at: datetime | None
    deadline_at: datetime | None


class Execution(NamedTuple):
    """A run as it is kept; `payload` is what the ping that ended it said."""

    id: int
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: int | None
    exit_code: int | None
    outcome: Outcome
    run_id: str | None
    is_late: bool
    payload: str | None


# --- pings -----------------------------------------------------------------------------------------------------------


def insert_ping(tx: Tx, beat: Heartbeat, ping: Ping, said: PingType, now: datetime) -> int:
    """Store what came and by when it was expected; return its number."""
    deadline = beat.standing.next_deadline_at
    expected = None if deadline is None else deadline - timedelta(seconds=beat.rules.grace_seconds)
    sql = (
        "INSERT INTO heartbeat_pings (heartbeat_id, at_ms, type, exit_code, run_id, method, source_ip, user_agent,"
        " body, is_body_truncated, expected_at_ms, deadline_at_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
    )
    values = (
        beat.id,
        to_ms(now),
        said.value,
        ping.exit_code,
        ping.run_id,
        ping.method,
        ping.source_ip,
        ping.user_agent,
        ping.body,
        ping.is_body_truncated,
        to_ms_or_none(expected),
        to_ms_or_none(deadline),
    )
    return int(tx.run(sql, values).fetchone()[0])


def list_pings(read: Read, heartbeat_id: int, limit: int, offset: int) -> tuple[list[StoredPing], int]:
    """Return one page, newest first, and how many there are (counted up to 10,000)."""
    mine = pings.c.heartbeat_id == heartbeat_id
    page = select(pings).where(mine).order_by(pings.c.id.desc()).limit(limit).offset(offset)
    return [_ping(row) for row in read.execute(page)], _count(read, pings, mine)


def find_body(read: Read, ping_id: int) -> tuple[datetime, str] | None:
    """Return when a job said something, and what."""
    row = read.execute(select(pings.c.at_ms, pings.c.body).where(pings.c.id == ping_id)).one_or_none()
    return None if row is None or row.body is None else (from_ms(row.at_ms), row.body)


# --- runs ------------------------------------------------------------------------------------------------------------


def begin_run(tx: Tx, heartbeat_id: int, run: Run) -> Run:
    """Store a run that has begun, and return it with its number."""
    sql = (
        "INSERT INTO heartbeat_executions (heartbeat_id, outcome, run_id, started_at_ms, is_late, at_ms)"
        " VALUES (?, ?, ?, ?, ?, ?) RETURNING id"
    )
    at_ms = to_ms(run.started_at)
    values = (heartbeat_id, Outcome.IN_PROGRESS.value, run.run_id, at_ms, False, at_ms)
    return replace(run, id=int(tx.run(sql, values).fetchone()[0]))


def end_run(tx: Tx, heartbeat_id: int, ended: Ended, ping_id: int | None, now: datetime) -> None:
    """Store the end of a run; of one that is not known, its end is all there is."""
    at_ms, by = to_ms(now), ping_id if ended.by_ping else None
    if ended.run is None:
        sql = (
            "INSERT INTO heartbeat_executions (heartbeat_id, outcome, completed_at_ms, exit_code, is_late, ping_id,"
            " at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        tx.run(sql, (heartbeat_id, ended.outcome.value, at_ms, ended.exit_code, False, by, at_ms))
        return
    sql = (
        "UPDATE heartbeat_executions SET outcome = ?, completed_at_ms = ?, duration_ms = ?, exit_code = ?,"
        " is_late = ?, ping_id = ? WHERE id = ?"
    )
    tx.run(sql, (ended.outcome.value, at_ms, ended.duration_ms, ended.exit_code, ended.is_late, by, ended.run.id))


def list_executions(read: Read, heartbeat_id: int, limit: int, offset: int) -> tuple[list[Execution], int]:
    """Return one page, newest first, and how many there are (counted up to 10,000)."""
    mine = executions.c.heartbeat_id == heartbeat_id
    joined = executions.outerjoin(pings, pings.c.id == executions.c.ping_id)
    page = select(executions, pings.c.body).select_from(joined).where(mine)
    rows = read.execute(page.order_by(executions.c.id.desc()).limit(limit).offset(offset))
    return [_execution(row) for row in rows], _count(read, executions, mine)


# --- days ------------------------------------------------------------------------------------------------------------


def close_day(tx: Tx, heartbeat_id: int, tally: Tally) -> None:
    """Keep the sums of a day that is over."""
    _add(tx, heartbeat_id, tally)


def correct(tx: Tx, heartbeat_id: int, correction: Correction) -> None:
    _add(tx, heartbeat_id, Tally(correction.day, bad=correction.bad))


def _add(tx: Tx, heartbeat_id: int, tally: Tally) -> None:
    sql = (
        "INSERT INTO heartbeat_days (heartbeat_id, day, good, bad, incidents) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (heartbeat_id, day) DO UPDATE SET good = heartbeat_days.good + excluded.good,"
        " bad = heartbeat_days.bad + excluded.bad, incidents = heartbeat_days.incidents + excluded.incidents"
    )
    tx.run(sql, (heartbeat_id, number_of(tally.day), tally.good, tally.bad, tally.incidents))


def list_days(read: Read, heartbeat_id: int, first: date) -> dict[date, Tally]:
    """Return the sums of the days that are over, from *first* on."""
    mine = select(days).where(days.c.heartbeat_id == heartbeat_id, days.c.day >= number_of(first))
    return {tally.day: tally for tally in map(_tally, read.execute(mine))}


def list_days_since(read: Read, first_id: int, first: date) -> dict[int, dict[date, Tally]]:
    """Return the same of every heartbeat from *first_id* on, by heartbeat."""
    found: dict[int, dict[date, Tally]] = {}
    for row in read.execute(select(days).where(days.c.heartbeat_id >= first_id, days.c.day >= number_of(first))):
        tally = _tally(row)
        found.setdefault(row.heartbeat_id, {})[tally.day] = tally
    return found


def number_of(day: date) -> int:
    return (day - EPOCH).days


# --- retention -------------------------------------------------------------------------------------------------------


def sweep_pings(tx: Tx, cutoff_ms: int, limit: int) -> int:
    return _sweep(tx, pings, pings.c.at_ms < cutoff_ms, limit)


def sweep_executions(tx: Tx, cutoff_ms: int, limit: int) -> int:
    """Delete old runs, those that never ended too."""
    return _sweep(tx, executions, executions.c.at_ms < cutoff_ms, limit)


def sweep_days(tx: Tx, cutoff_ms: int, limit: int) -> int:
    old = days.c.day < number_of(from_ms(cutoff_ms).date())
    found = tx.execute(select(days.c.heartbeat_id, days.c.day).where(old).limit(limit)).all()
    for row in found:
        tx.execute(delete(days).where(days.c.heartbeat_id == row.heartbeat_id, days.c.day == row.day))
    return len(found)


def list_long(read: Read, ids: Sequence[int]) -> list[int]:
    """Return those of *ids* that have more runs than are kept."""
    sql = "SELECT id FROM heartbeat_executions WHERE heartbeat_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?"
    return [one for one in ids if read.run(sql, (one, MOST_KEPT)).fetchone() is not None]


def trim(tx: Tx, heartbeat_id: int, limit: int) -> int:
    """Delete a batch of the oldest runs beyond those that are kept of each heartbeat; return how many."""
    mine = executions.c.heartbeat_id == heartbeat_id
    newest_first = select(executions.c.id).where(mine).order_by(executions.c.id.desc())
    edge = tx.execute(newest_first.limit(1).offset(MOST_KEPT)).scalar()
    return 0 if edge is None else _sweep(tx, executions, mine & (executions.c.id <= edge), limit)


def _sweep(tx: Tx, table: Table, old: ColumnElement[bool], limit: int) -> int:
    found = select(table.c.id).where(old).order_by(table.c.id).limit(limit)
    return tx.execute(delete(table).where(table.c.id.in_(found.scalar_subquery()))).rowcount


# --- rows ------------------------------------------------------------------------------------------------------------


def _count(read: Read, table: Table, mine: ColumnElement[bool]) -> int:
    counted = select(table.c.id).where(mine).limit(MOST_COUNTED).subquery()
    return int(read.execute(select(func.count()).select_from(counted)).scalar_one())


def _ping(row: Any) -> StoredPing:
    ping = Ping(
        type=PingType(row.type),
        exit_code=row.exit_code,
        run_id=row.run_id,
        method=row.method,
        source_ip=row.source_ip,
        user_agent=row.user_agent,
        body=row.body,
        is_body_truncated=row.is_body_truncated,
    )
    expected, deadline = from_ms_or_none(row.expected_at_ms), from_ms_or_none(row.deadline_at_ms)
    return StoredPing(row.id, from_ms(row.at_ms), ping.type, ping, expected, deadline)


def _execution(row: Any) -> Execution:
    return Execution(
        id=row.id,
        started_at=from_ms_or_none(row.started_at_ms),
        completed_at=from_ms_or_none(row.completed_at_ms),
        duration_ms=row.duration_ms,
        exit_code=row.exit_code,
        outcome=Outcome(row.outcome),
        run_id=row.run_id,
        is_late=row.is_late,
        payload=row.body,
    )


def _tally(row: Any) -> Tally:
    return Tally(EPOCH + timedelta(days=row.day), row.good, row.bad, row.incidents)
