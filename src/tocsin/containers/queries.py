"""What people ask about containers: lists out of a snapshot, details, timelines, uptime. Only looks, never changes."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import msgspec

from tocsin.containers import store, uptime, views
from tocsin.containers.models import (
    Container,
    ContainerDetail,
    ContainerList,
    DailyUptime,
    DailyUptimeList,
    State,
    TransitionList,
    Uptime,
)
from tocsin.containers.uptime import Tally
from tocsin.core.clock import Clock, to_ms
from tocsin.db.database import Database
from tocsin.db.tx import Read

WINDOWS = (timedelta(hours=24), timedelta(days=7), timedelta(days=30), timedelta(days=90))
BARS_FRESH_S = 30.0
MOST_ANSWERS = 64
MOST_BARS = 4


class Listing(NamedTuple):
    """Which containers are wanted, and which page of them."""

    archived: bool
    group: str | None
    state: State | None
    host: str | None
    limit: int
    offset: int


class Snapshot:
    """All containers at one version of the table, sorted, with the answers already encoded from it."""

    def __init__(self, version: int, containers: Sequence[Container]) -> None:
        self.version = version
        self.containers = containers
        self.answers: dict[Listing, bytes] = {}


class ContainerQueries:
    """Read side of the slice. *restart_window* is the setting, shown where labels give none."""

    def __init__(self, db: Database, clock: Clock, restart_window: timedelta) -> None:
        self._db = db
        self._clock = clock
        self._window_seconds = int(restart_window.total_seconds())
        self._snapshot = Snapshot(-1, ())
        self._encoder = msgspec.json.Encoder()
        self._bars: dict[int, tuple[float, bytes]] = {}

    async def snapshot(self) -> Snapshot:
        """Return the current snapshot; it is read again only after a commit that touched containers."""
        version = self._db.version(store.TOUCHED)
        if self._snapshot.version != version:
            found = await self._db.read(store.list_all)
            found.sort(key=lambda container: (views.natural(container.name), container.id))
            self._snapshot = Snapshot(version, found)
        return self._snapshot

    async def list_encoded(self, wanted: Listing) -> tuple[bytes, int]:
        """Return the answer to a list request as JSON, and the version it was made from."""
        snapshot = await self.snapshot()
        answer = snapshot.answers.get(wanted)
        if answer is None:
            answer = self._encoder.encode(self._list(snapshot, wanted))
            if len(snapshot.answers) >= MOST_ANSWERS:
                snapshot.answers.clear()
            snapshot.answers[wanted] = answer
        return answer, snapshot.version

    def _list(self, snapshot: Snapshot, wanted: Listing) -> ContainerList:
        matching = [container for container in snapshot.containers if _matches(container, wanted)]
        chosen = [container for container in matching if wanted.archived or container.archived_at is None]
        page = chosen[wanted.offset : wanted.offset + wanted.limit]
        return ContainerList(
            groups=views.grouped(page, self._window_seconds),
            total=len(chosen),
            has_more=wanted.offset + len(page) < len(chosen),
            archived_count=sum(container.archived_at is not None for container in matching),
        )

    async def get(self, container_id: int) -> Container:
        """Raises NotFound."""
        return await self._db.read(lambda read: store.get(read, container_id))

    async def in_group(self, group: str) -> list[Container]:
        """Return the containers that a list shows under *group*, by name."""
        wanted = Listing(False, group, None, None, 0, 0)
        found = (await self.snapshot()).containers
        return [container for container in found if container.archived_at is None and _matches(container, wanted)]

    async def detail(self, container_id: int) -> ContainerDetail:
        now = self._clock.now()

        def work(read: Read) -> tuple[Container, list[float | None]]:
            container = store.get(read, container_id)
            return container, [_window_tally(read, container, window, now).percent for window in WINDOWS]

        container, (day, week, month, quarter) = await self._db.read(work)
        shown = msgspec.structs.asdict(views.view(container, self._window_seconds))
        figures = Uptime(day=day, week=week, month=month, quarter=quarter)
        return ContainerDetail(**shown, uptime=figures, container_names=[])

    async def transitions(
        self, container_id: int, since: datetime | None, until: datetime | None, limit: int, offset: int
    ) -> TransitionList:
        """Return one page of a timeline, newest first, of the last 24 hours unless *since* says otherwise."""
        start = since if since is not None else self._clock.now() - timedelta(hours=24)

        def work(read: Read) -> tuple[list[store.Transition], int]:
            store.get(read, container_id)
            return store.list_transitions(read, container_id, start, until, limit, offset)

        found, total = await self._db.read(work)
        return TransitionList(
            container_id=container_id,
            transitions=[views.transition_view(transition) for transition in found],
            total=total,
            has_more=offset + len(found) < total,
        )

    async def daily_uptime(self, days: int) -> bytes:
        """Return the bars of every container that is not archived, encoded; at most 30 s old."""
        made_at, answer = self._bars.get(days, (float("-inf"), b""))
        if self._clock.monotonic() - made_at > BARS_FRESH_S:
            answer = self._encoder.encode(await self._daily_uptime(days))
            if len(self._bars) >= MOST_BARS:
                self._bars.clear()
            self._bars[days] = (self._clock.monotonic(), answer)
        return answer

    async def _daily_uptime(self, days: int) -> DailyUptimeList:
        now = self._clock.now()
        first = now.date() - timedelta(days=days - 1)
        wanted = [first + timedelta(days=number) for number in range(days)]
        snapshot = await self.snapshot()
        stored = await self._db.read(lambda read: store.list_days(read, first))
        items = [
            DailyUptime(id=container.id, days=_bars(container, stored.get(container.id, {}), wanted, now))
            for container in snapshot.containers
            if container.archived_at is None and not container.traits.is_ignored
        ]
        return DailyUptimeList(days=days, to=now.date().isoformat(), items=items)


def _matches(container: Container, wanted: Listing) -> bool:
    return (
        not container.traits.is_ignored
        and (wanted.state is None or container.state is wanted.state)
        and (wanted.host is None or container.host == wanted.host)
        and (wanted.group is None or views.group_of(container)[0] == wanted.group)
    )


def _bars(container: Container, stored: dict[date, Tally], wanted: list[date], now: datetime) -> list[float | None]:
    tallies = dict(stored)
    for day, more in uptime.open_span(container, now):
        tallies[day] = tallies.get(day, Tally()).plus(more)
    return [tallies.get(day, Tally()).percent for day in wanted]


def _window_tally(read: Read, container: Container, window: timedelta, now: datetime) -> Tally:
    """Add up a window: the part of its first day from the timeline, whole days from their totals, the rest as it is."""
    start_ms, end_ms = uptime.window_start(container, window, now), uptime.observed_until(container, now)
    first_day = uptime.day_of(start_ms)
    next_day_ms = uptime.start_of(first_day + timedelta(days=1))
    accounted_ms = min(to_ms(container.accounted_at), end_ms)
    edge_ms = min(next_day_ms, accounted_ms)
    partial = Tally()
    if start_ms < edge_ms:
        partial = uptime.over(store.list_segments(read, container, start_ms, edge_ms), start_ms, edge_ms)
    whole = store.tally_days(read, container.id, first_day + timedelta(days=1))
    current = uptime.tally(container.state, container.health, end_ms - max(accounted_ms, start_ms))
    return partial.plus(whole).plus(current)
