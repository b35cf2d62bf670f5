"""What people ask: lists from memory, history from the tier that fits.  Source: docs/spec/endpoints.md, reading."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import msgspec

from tocsin.containers.models import DailyUptime, DailyUptimeList
from tocsin.core.clock import Clock, from_ms, to_ms
from tocsin.core.errors import NotFound
from tocsin.db.database import Database
from tocsin.db.tx import Read
from tocsin.endpoints import history_store, store, views
from tocsin.endpoints.blocks import SLOT_MS
from tocsin.endpoints.history_store import HOUR_MS, day_of
from tocsin.endpoints.models import (
    CheckList,
    ContainerEndpoints,
    DayUptime,
    Endpoint,
    EndpointDays,
    EndpointDetail,
    EndpointList,
    EndpointSource,
    EndpointStatus,
    EndpointType,
    EndpointUptime,
    EndpointView,
    ResponseRange,
    ResponseTimes,
)
from tocsin.endpoints.monitors import NOTHING, Monitor, Monitors
from tocsin.endpoints.totals import Check, Totals, sum_of, total_of

MOST_INACTIVE = 1000
BARS_FRESH_S, MOST_BARS = 30.0, 20
DAY_MS = 24 * HOUR_MS
STEPS = {
    ResponseRange.HOUR: (HOUR_MS, 60_000),
    ResponseRange.DAY: (DAY_MS, 300_000),
    ResponseRange.WEEK: (7 * DAY_MS, HOUR_MS),
    ResponseRange.MONTH: (30 * DAY_MS, 4 * HOUR_MS),
    ResponseRange.QUARTER: (90 * DAY_MS, DAY_MS),
}
"""The length of each range, and of one step of its chart."""


class Wanted(NamedTuple):
    """What a list request asks for; None matches everything."""

    status: EndpointStatus | None = None
    container: str | None = None
    orchestration_group: str | None = None
    endpoint_type: EndpointType | None = None
    source: EndpointSource | None = None
    search: str | None = None
    include_inactive: bool = False

    def matches(self, endpoint: Endpoint, status: EndpointStatus) -> bool:
        text = (self.search or "").casefold()
        return (
            self.status in {None, status}
            and self.container in {None, endpoint.container_name}
            and self.orchestration_group in {None, endpoint.orchestration_group}
            and self.endpoint_type in {None, endpoint.endpoint_type}
            and self.source in {None, endpoint.source}
            and (not text or text in f"{endpoint.shown_name} {endpoint.target}".casefold())
        )


class EndpointQueries:
    """*find_container* tells whether there is a container."""

    def __init__(
        self, db: Database, clock: Clock, monitors: Monitors, find_container: Callable[[Read, int], object | None]
    ) -> None:
        self._db = db
        self._clock = clock
        self._monitors = monitors
        self._find_container = find_container
        self._bars: dict[int, tuple[float, bytes]] = {}

    # --- lists -------------------------------------------------------------------------------------------------------

    async def page(self, wanted: Wanted, limit: int, offset: int) -> EndpointList:
        """Return one page, by container and label, standalone ones by name."""
        found: list[tuple[Endpoint, Monitor | None]] = [
            (one.endpoint, one) for one in self._monitors if wanted.matches(one.endpoint, one.standing.status)
        ]
        if wanted.include_inactive:
            inactive = await self._db.read(lambda read: store.list_inactive(read, MOST_INACTIVE))
            found += [(one, None) for one in inactive if wanted.matches(one, one.standing.status)]
        found.sort(key=lambda pair: _order(pair[0]))
        page = found[offset : offset + limit]
        return EndpointList(
            endpoints=[self._view(endpoint, monitor) for endpoint, monitor in page],
            total=len(found),
            has_more=offset + len(page) < len(found),
        )

    async def of_container(self, container_id: int, limit: int, offset: int) -> ContainerEndpoints:
        """Return the active endpoints of a container, by label.  Raises NotFound: no such container."""
        if await self._db.read(lambda read: self._find_container(read, container_id)) is None:
            raise NotFound("Container not found")
        mine = [one for one in self._monitors if one.endpoint.container_id == container_id]
        mine.sort(key=lambda one: _order(one.endpoint))
        page = mine[offset : offset + limit]
        return ContainerEndpoints(
            container_id=container_id,
            endpoints=[views.of_container(one.endpoint, one.standing) for one in page],
            total=len(mine),
            has_more=offset + len(page) < len(mine),
        )

    def _view(self, endpoint: Endpoint, monitor: Monitor | None) -> EndpointView:
        if monitor is None:
            return views.view(endpoint, endpoint.standing, None)
        due = None
        if endpoint.is_checked:
            due = views.next_check_at(monitor.due, self._clock.monotonic(), self._clock.now())
        return views.view(endpoint, monitor.standing, due)

    def shown(self, endpoint: Endpoint) -> EndpointView:
        """Return *endpoint* as answers show it."""
        return self._view(endpoint, self._monitors.find(endpoint.id))

    def sparklines(self, limit: int, offset: int) -> dict[str, list[int | None]]:
        """Return the newest response times in ms of active endpoints, oldest first, null where a check failed."""
        found = sorted((one for one in self._monitors if one.recent), key=lambda one: one.id)
        return {
            f"endpoint:{one.id}": [None if took == NOTHING else took for took in one.recent]
            for one in found[offset : offset + limit]
        }

    # --- one endpoint ------------------------------------------------------------------------------------------------

    async def detail(self, endpoint_id: int) -> EndpointDetail:
        """Raises NotFound."""
        now_ms = to_ms(self._clock.now())

        def work(read: Read) -> tuple[Endpoint, EndpointUptime]:
            endpoint = store.get(read, endpoint_id)
            new = history_store.list_new(read, endpoint_id)
            return endpoint, _uptime(read, endpoint_id, new, now_ms)

        endpoint, uptime = await self._db.read(work)
        return EndpointDetail(endpoint=self.shown(endpoint), uptime=uptime)

    async def checks(self, endpoint_id: int, since: datetime | None, limit: int, offset: int) -> CheckList:
        """Return one page, newest first.  Raises NotFound."""
        now_ms = to_ms(self._clock.now())
        since_ms = None if since is None else to_ms(since)

        def work(read: Read) -> tuple[list[Check], int]:
            endpoint = store.get(read, endpoint_id)
            first = max(to_ms(endpoint.first_seen_at), since_ms or 0)
            return _page(read, endpoint_id, first, now_ms, limit, offset)

        found, total = await self._db.read(work)
        return CheckList(
            endpoint_id=endpoint_id,
            checks=[views.check_view(endpoint_id, check) for check in found],
            total=total,
            has_more=offset + len(found) < total,
        )

    async def days(self, endpoint_id: int, count: int) -> EndpointDays:
        """Return daily uptime, today first, exactly *count* days.  Raises NotFound."""
        today = self._clock.now().date()
        first = today - timedelta(days=count - 1)

        def work(read: Read) -> dict[date, Totals]:
            store.get(read, endpoint_id)
            return _days(read, endpoint_id, first, today)

        found = await self._db.read(work)
        return EndpointDays(monitor_id=endpoint_id, monitor_type="endpoint", days=_day_views(found, today, count))

    async def daily_uptime(self, days: int) -> bytes:
        """Return the bars of every active endpoint, encoded; at most 30 s old."""
        made_at, answer = self._bars.get(days, (float("-inf"), b""))
        if self._clock.monotonic() - made_at > BARS_FRESH_S:
            answer = msgspec.json.encode(await self.bars(days))
            if len(self._bars) >= MOST_BARS:
                self._bars.clear()
            self._bars[days] = (self._clock.monotonic(), answer)
        return answer

    async def bars(self, days: int) -> DailyUptimeList:
        """Return daily uptime of every active endpoint, oldest day first."""
        today = self._clock.now().date()
        wanted = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
        ids = [one.id for one in self._monitors]
        found = await self._db.read(lambda read: history_store.read_all_days(read, ids, wanted[0]))
        items = []
        for one in list(self._monitors):
            mine = found.get(one.id, {})
            if one.day == today:
                mine[today] = one.today.totals
            items.append(
                DailyUptime(id=one.id, days=[mine[day].uptime_percent if day in mine else None for day in wanted])
            )
        return DailyUptimeList(days=days, to=today.isoformat(), items=items)

    async def response_times(self, endpoint_id: int, wanted: ResponseRange) -> ResponseTimes:
        """Return the points of a chart, oldest first.  Raises NotFound."""
        now_ms = to_ms(self._clock.now())
        length_ms, step_ms = STEPS[wanted]
        first_ms = (now_ms - length_ms) // step_ms * step_ms + (step_ms if step_ms < DAY_MS else 0)

        def work(read: Read) -> dict[int, Totals]:
            store.get(read, endpoint_id)
            return _steps(read, endpoint_id, first_ms, now_ms, step_ms)

        found = await self._db.read(work)
        whole = sum_of(found.values())
        return ResponseTimes(
            endpoint_id=endpoint_id,
            range=wanted,
            step_seconds=step_ms // 1000,
            points=[views.point_view(from_ms(at), found[at]) for at in sorted(found)],
            overall=views.point_view(from_ms(first_ms), whole) if whole.checks else None,
        )

    async def by_badge(self, badge_key: str) -> tuple[EndpointView, EndpointUptime]:
        """Return what a badge shows.  Raises NotFound."""
        monitor = next((one for one in self._monitors if one.endpoint.badge_key == badge_key), None)
        if monitor is None:
            raise NotFound("There is no such badge")
        detail = await self.detail(monitor.id)
        return detail.endpoint, detail.uptime


def _order(endpoint: Endpoint) -> tuple[str, str, str, int]:
    return (
        endpoint.container_name,
        endpoint.label_key if endpoint.container_name else "",
        endpoint.name or "",
        endpoint.id,
    )


def _page(read: Read, endpoint_id: int, first_ms: int, now_ms: int, limit: int, offset: int) -> tuple[list[Check], int]:
    """Return one page of checks, newest first, and how many there are from *first_ms* on.

    Hours say how many checks lie where: only the blocks of the page itself are opened.
    """
    new = [check for check in history_store.list_new(read, endpoint_id) if check.at_ms >= first_ms]
    first_ms = max(first_ms, history_store.first_packed_ms(read))  # hours are kept longer than what is in them
    hours = history_store.read_hours(read, endpoint_id, history_store.hours_between(first_ms, now_ms))
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


def _uptime(read: Read, endpoint_id: int, new: Sequence[Check], now_ms: int) -> EndpointUptime:
    """Return the uptime of the windows: the last hour from its checks, others by whole hours and days."""
    last_hour = _raw(read, endpoint_id, now_ms - HOUR_MS, now_ms, new)
    hours = history_store.read_hours(read, endpoint_id, history_store.hours_between(now_ms - 7 * DAY_MS, now_ms))
    today = from_ms(now_ms).date()
    days = history_store.read_days(read, endpoint_id, today - timedelta(days=90))
    for check in new:
        hours.setdefault(check.at_ms // HOUR_MS, Totals(steps={})).add(check.code, check.phases)
    newest = sum_of([totals for hour, totals in hours.items() if day_of(hour) not in days])

    def of_hours(window_ms: int) -> float | None:
        edge = (now_ms - window_ms) // HOUR_MS
        return sum_of([totals for hour, totals in hours.items() if hour > edge]).uptime_percent

    def of_days(count: int) -> float | None:
        edge = today - timedelta(days=count)
        return sum_of([newest, *(totals for day, totals in days.items() if day > edge)]).uptime_percent

    return EndpointUptime(
        hour=total_of(last_hour).uptime_percent,
        day=of_hours(DAY_MS),
        week=of_hours(7 * DAY_MS),
        month=of_days(30),
        quarter=of_days(90),
    )


def _raw(read: Read, endpoint_id: int, first_ms: int, now_ms: int, new: Sequence[Check]) -> list[Check]:
    """Return the checks from *first_ms* on, oldest first."""
    packed = history_store.read_blocks(read, endpoint_id, history_store.slots_between(first_ms, now_ms))
    return sorted((check for check in (*packed, *new) if check.at_ms >= first_ms), key=lambda check: check.at_ms)


def _days(read: Read, endpoint_id: int, first: date, today: date) -> dict[date, Totals]:
    """Return the totals of days: those that are over, and what is not closed yet from its hours and newest checks."""
    found = history_store.read_days(read, endpoint_id, first)
    start = max(found, default=first - timedelta(days=1)) + timedelta(days=1)
    start = max(start, today - timedelta(days=7))
    hours = range((start - date(1970, 1, 1)).days * 24, (today - date(1970, 1, 1)).days * 24 + 24)
    parts: dict[date, list[Totals]] = {}
    for hour, totals in history_store.read_hours(read, endpoint_id, hours).items():
        if day_of(hour) not in found:
            parts.setdefault(day_of(hour), []).append(totals)
    for check in history_store.list_new(read, endpoint_id):
        parts.setdefault(from_ms(check.at_ms).date(), []).append(total_of([check]))
    for day, mine in parts.items():
        found[day] = sum_of([*mine, *([found[day]] if day in found else [])])
    return found


def _day_views(found: Mapping[date, Totals], today: date, count: int) -> list[DayUptime]:
    days = [today - timedelta(days=back) for back in range(count)]
    empty = Totals(steps={})
    return [
        DayUptime(
            date=day.isoformat(),
            uptime_percent=found.get(day, empty).uptime_percent,
            incident_count=found.get(day, empty).incidents,
        )
        for day in days
    ]


def _steps(read: Read, endpoint_id: int, first_ms: int, now_ms: int, step_ms: int) -> dict[int, Totals]:
    """Return totals by the begin of their step, out of the tier that is fine enough."""
    if step_ms < HOUR_MS:
        new = history_store.list_new(read, endpoint_id)
        return _by_step(
            ((check.at_ms, total_of([check])) for check in _raw(read, endpoint_id, first_ms, now_ms, new)), step_ms
        )
    if step_ms < DAY_MS:
        hours = history_store.read_hours(read, endpoint_id, history_store.hours_between(first_ms, now_ms))
        parts = [(hour * HOUR_MS, totals) for hour, totals in hours.items()]
        parts += [(check.at_ms, total_of([check])) for check in history_store.list_new(read, endpoint_id)]
        return _by_step(parts, step_ms)
    today = from_ms(now_ms).date()
    days = _days(read, endpoint_id, from_ms(first_ms).date(), today)
    return {(day - date(1970, 1, 1)).days * DAY_MS: totals for day, totals in days.items() if totals.checks}


def _by_step(parts: Iterable[tuple[int, Totals]], step_ms: int) -> dict[int, Totals]:
    found: dict[int, Totals] = {}
    for at_ms, totals in parts:
        step = at_ms // step_ms * step_ms
        if step in found:
            found[step].merge(totals)
        else:
            found[step] = sum_of([totals])
    return found
