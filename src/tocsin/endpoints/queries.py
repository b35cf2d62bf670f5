"""What people ask: lists from memory, history from the tier that fits.  Source: docs/spec/endpoints.md, reading."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import msgspec

from tocsin.containers.models import DailyUptime, DailyUptimeList, DayUptime
from tocsin.core.clock import Clock, from_ms, to_ms
from tocsin.core.errors import NotFound
from tocsin.db.database import Database
from tocsin.db.tx import Read
from tocsin.endpoints import history_store, reading, store, views
from tocsin.endpoints.history_store import HOUR_MS
from tocsin.endpoints.models import Endpoint, EndpointSource, EndpointStatus, EndpointType
from tocsin.endpoints.monitors import NOTHING, Monitor, Monitors
from tocsin.endpoints.objects import (
    CheckList,
    ContainerEndpoints,
    EndpointDays,
    EndpointDetail,
    EndpointList,
    EndpointUptime,
    EndpointView,
    ResponseRange,
    ResponseTimes,
)
from tocsin.endpoints.reading import DAY_MS, Fresh
from tocsin.endpoints.totals import Check, Totals, sum_of

MOST_INACTIVE = 1000
BARS_FRESH_S, MOST_BARS = 30.0, 20
DAYS_FRESH_S = 300.0
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
    """*find_container* tells whether there is a container, *pending* what of an endpoint is not written yet."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        monitors: Monitors,
        find_container: Callable[[Read, int], object | None],
        pending: Callable[[int], Sequence[Check]],
    ) -> None:
        self._db = db
        self._clock = clock
        self._monitors = monitors
        self._find_container = find_container
        self._pending = pending
        self._bars: dict[int, tuple[float, bytes]] = {}
        self._over: tuple[float, tuple[date, int] | None, Mapping[int, Mapping[int, float | None]]] = (0.0, None, {})

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
        pending = self._pending(endpoint_id)

        def work(read: Read) -> tuple[Endpoint, EndpointUptime]:
            endpoint = store.get(read, endpoint_id)
            return endpoint, reading.uptime(read, Fresh.read(read, endpoint_id, pending), now_ms)

        endpoint, uptime = await self._db.read(work)
        return EndpointDetail(endpoint=self.shown(endpoint), uptime=uptime)

    async def checks(self, endpoint_id: int, since: datetime | None, limit: int, offset: int) -> CheckList:
        """Return one page, newest first.  Raises NotFound."""
        now_ms, since_ms = to_ms(self._clock.now()), 0 if since is None else to_ms(since)
        pending = self._pending(endpoint_id)

        def work(read: Read) -> tuple[list[Check], int]:
            endpoint = store.get(read, endpoint_id)
            first = max(to_ms(endpoint.first_seen_at), since_ms)
            fresh = Fresh.read(read, endpoint_id, pending)
            return reading.page(read, fresh, range(first, max(first, now_ms)), limit, offset)

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
        pending = self._pending(endpoint_id)

        def work(read: Read) -> dict[date, Totals]:
            store.get(read, endpoint_id)
            return reading.days(read, Fresh.read(read, endpoint_id, pending), first, today)

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
        number = history_store.number_of(today)
        wanted = range(number - days + 1, number + 1)
        found = await self._days_over(today, days)
        items = []
        for one in list(self._monitors):
            mine = dict(found.get(one.id, {}))
            for day, count in one.days():
                mine.setdefault(history_store.number_of(day), count.uptime_percent)
            items.append(DailyUptime(id=one.id, days=[mine.get(day) for day in wanted]))
        return DailyUptimeList(days=days, to=today.isoformat(), items=items)

    async def _days_over(self, today: date, days: int) -> Mapping[int, Mapping[int, float | None]]:
        """Return the uptime of the days that are over; they change once a day, so they are read at most so often."""
        made_at, key, found = self._over
        if key != (today, days) or self._clock.monotonic() - made_at > DAYS_FRESH_S:
            ids, first = [one.id for one in self._monitors], today - timedelta(days=days - 1)
            found = await self._db.read(lambda read: history_store.read_uptime(read, ids, first))
            self._over = (self._clock.monotonic(), (today, days), found)
        return found

    async def response_times(self, endpoint_id: int, wanted: ResponseRange) -> ResponseTimes:
        """Return the points of a chart, oldest first.  Raises NotFound."""
        now_ms = to_ms(self._clock.now())
        length_ms, step_ms = STEPS[wanted]
        first_ms = (now_ms - length_ms) // step_ms * step_ms + (step_ms if step_ms < DAY_MS else 0)

        pending = self._pending(endpoint_id)

        def work(read: Read) -> dict[int, Totals]:
            store.get(read, endpoint_id)
            return reading.steps(read, Fresh.read(read, endpoint_id, pending), range(first_ms, now_ms), step_ms)

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
