"""History put together from its tiers: newest rows, blocks, hours, days.  Source: docs/spec/endpoints.md, reading."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from tocsin.core.clock import from_ms
from tocsin.db.tx import Read
from tocsin.endpoints import history_store
from tocsin.endpoints.blocks import SLOT_MS
from tocsin.endpoints.history_store import HOUR_MS, day_of
from tocsin.endpoints.objects import EndpointUptime
from tocsin.endpoints.totals import Check, Totals, sum_of, total_of

DAY_MS = 24 * HOUR_MS


class Fresh(NamedTuple):
    """An endpoint's newest checks, not packed yet, oldest first."""

    endpoint_id: int
    checks: Sequence[Check]

    @classmethod
    def read(cls, read: Read, endpoint_id: int, pending: Sequence[Check]) -> "Fresh":
        """Put what is stored together with what is *pending*: not written yet when somebody asked."""
        found = {check.at_ms: check for check in (*history_store.list_new(read, endpoint_id), *pending)}
        return cls(endpoint_id, [found[at_ms] for at_ms in sorted(found)])


def page(read: Read, fresh: Fresh, span_ms: range, limit: int, offset: int) -> tuple[list[Check], int]:
    """Return one page of checks, newest first, and how many there are in *span_ms*.

    Hours say how many checks lie where: only the blocks of the page itself are opened.
    """
    endpoint_id, first_ms = fresh.endpoint_id, span_ms.start
    new = [check for check in fresh.checks if check.at_ms >= first_ms]
    first_ms = max(first_ms, history_store.first_packed_ms(read))  # hours are kept longer than what is in them
    hours = history_store.read_hours(read, endpoint_id, history_store.hours_between(first_ms, span_ms.stop))
    counts = {hour: totals.checks + totals.unseen for hour, totals in hours.items()}
    edge = first_ms // HOUR_MS
    opened: dict[int, list[Check]] = {}
    if edge in counts:
        opened[edge] = [check for check in _hour(read, endpoint_id, edge) if check.at_ms >= first_ms]
        counts[edge] = len(opened[edge])
    total = len(new) + sum(counts.values())
    found = new[::-1][offset : offset + limit]
    skip = max(0, offset - len(new))
    for hour in sorted(counts, reverse=True):
        if len(found) >= limit:
            break
        if skip >= counts[hour]:
            skip -= counts[hour]
            continue
        checks = opened[hour] if hour in opened else _hour(read, endpoint_id, hour)
        found += checks[::-1][skip : skip + limit - len(found)]
        skip = 0
    return found, total


def _hour(read: Read, endpoint_id: int, hour: int) -> list[Check]:
    first_ms = hour * HOUR_MS
    return history_store.read_blocks(
        read, endpoint_id, history_store.slots_between(first_ms, first_ms + HOUR_MS - SLOT_MS)
    )


def uptime(read: Read, fresh: Fresh, now_ms: int) -> EndpointUptime:
    """Return the uptime of the windows: the last hour from its checks, others by whole hours and days."""
    hours = history_store.read_hours(read, fresh.endpoint_id, history_store.hours_between(now_ms - 7 * DAY_MS, now_ms))
    today = from_ms(now_ms).date()
    by_day = days(read, fresh, today - timedelta(days=89), today)

    def of_hours(window_ms: int) -> float | None:
        edge = (now_ms - window_ms) // HOUR_MS
        newest = total_of(check for check in fresh.checks if check.at_ms // HOUR_MS > edge)
        return sum_of([newest, *(totals for hour, totals in hours.items() if hour > edge)]).uptime_percent

    def of_days(count: int) -> float | None:
        edge = today - timedelta(days=count)
        return sum_of(totals for day, totals in by_day.items() if day > edge).uptime_percent

    return EndpointUptime(
        hour=total_of(_raw(read, fresh, range(now_ms - HOUR_MS, now_ms))).uptime_percent,
        day=of_hours(DAY_MS),
        week=of_hours(7 * DAY_MS),
        month=of_days(30),
        quarter=of_days(90),
    )


def _raw(read: Read, fresh: Fresh, span_ms: range) -> list[Check]:
    """Return the checks of *span_ms*, oldest first; the newest may lie beyond its end."""
    slots = history_store.slots_between(span_ms.start, span_ms.stop)
    packed = history_store.read_blocks(read, fresh.endpoint_id, slots)
    return [check for check in (*packed, *fresh.checks) if check.at_ms >= span_ms.start]


def days(read: Read, fresh: Fresh, first: date, today: date) -> dict[date, Totals]:
    """Return the totals of days: those that are over, and what is not closed yet from its hours and newest checks."""
    found = history_store.read_days(read, fresh.endpoint_id, first)
    start = max(found, default=first - timedelta(days=1)) + timedelta(days=1)
    start = max(start, today - timedelta(days=7))
    hours = range((start - date(1970, 1, 1)).days * 24, (today - date(1970, 1, 1)).days * 24 + 24)
    parts: dict[date, list[Totals]] = {}
    for hour, totals in history_store.read_hours(read, fresh.endpoint_id, hours).items():
        if day_of(hour) not in found:
            parts.setdefault(day_of(hour), []).append(totals)
    for check in fresh.checks:
        parts.setdefault(from_ms(check.at_ms).date(), []).append(total_of([check]))
    for day, mine in parts.items():
        found[day] = sum_of([*mine, *([found[day]] if day in found else [])])
    return found


def steps(read: Read, fresh: Fresh, span_ms: range, step_ms: int) -> dict[int, Totals]:
    """Return totals by the begin of their step, out of the tier that is fine enough."""
    if step_ms < HOUR_MS:
        return _by_step(((check.at_ms, total_of([check])) for check in _raw(read, fresh, span_ms)), step_ms)
    if step_ms < DAY_MS:
        wanted = history_store.hours_between(span_ms.start, span_ms.stop)
        hours = history_store.read_hours(read, fresh.endpoint_id, wanted)
        parts = [(hour * HOUR_MS, totals) for hour, totals in hours.items()]
        parts += [(check.at_ms, total_of([check])) for check in fresh.checks]
        return _by_step(parts, step_ms)
    by_day = days(read, fresh, from_ms(span_ms.start).date(), from_ms(span_ms.stop).date())
    return {(day - date(1970, 1, 1)).days * DAY_MS: totals for day, totals in by_day.items() if totals.checks}


def _by_step(parts: Iterable[tuple[int, Totals]], step_ms: int) -> dict[int, Totals]:
    found: dict[int, Totals] = {}
    for at_ms, totals in parts:
        step = at_ms // step_ms * step_ms
        if step in found:
            found[step].merge(totals)
        else:
            found[step] = sum_of([totals])
    return found
