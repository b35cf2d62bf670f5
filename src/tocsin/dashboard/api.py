"""Routes of the slice: the event feed and the uptime bars."""

from enum import StrEnum
from typing import Annotated, Any, Protocol

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from sqlalchemy import ColumnElement, func, or_, select

from tocsin.containers.models import DailyUptimeList
from tocsin.core.clock import Instant, from_ms, wire
from tocsin.db.database import Database
from tocsin.db.tables import events
from tocsin.db.tx import Read
from tocsin.http.live import parse_types
from tocsin.http.params import Limit, Offset, Text, choice

MOST_COUNTED = 10_000
"""A week of events can be millions of rows; nobody turns that many pages."""


class Monitored(StrEnum):
    CONTAINER = "container"
    ENDPOINT = "endpoint"
    HEARTBEAT = "heartbeat"


class DailyUptimes(Protocol):
    """What the bars of one type of monitor are drawn from."""

    async def daily_uptime(self, days: int) -> bytes: ...


class Bars:
    """The bars of every type."""

    def __init__(self, containers: DailyUptimes, endpoints: DailyUptimes, heartbeats: DailyUptimes) -> None:
        self._of = {
            Monitored.CONTAINER: containers,
            Monitored.ENDPOINT: endpoints,
            Monitored.HEARTBEAT: heartbeats,
        }

    async def daily_uptime(self, kind: Monitored, days: int) -> bytes:
        return await self._of[kind].daily_uptime(days)


class EventView(msgspec.Struct, kw_only=True):
    id: int
    type: str
    timestamp: Instant
    data: dict[str, Any]


class EventList(msgspec.Struct, kw_only=True):
    events: list[EventView]
    total: int
    has_more: bool


@get("/api/v1/dashboard/uptime", operation_id="getDailyUptime", tags=["Dashboard"])
async def get_daily_uptime(
    bars: NamedDependency[Bars],
    type: Text = None,  # noqa: A002 -- the parameter's name on the wire
    days: Annotated[int, QueryParameter(ge=1, le=365)] = 90,
) -> DailyUptimeList:
    """Return daily uptime of every monitor of one type, oldest day first."""
    body = await bars.daily_uptime(choice("type", type, Monitored) or Monitored.CONTAINER, days)
    headers = {"Cache-Control": "private, max-age=30", "Vary": "Cookie, Authorization"}
    return Response(body, headers=headers, media_type="application/json")  # type: ignore[return-value] # encoded already


@get("/api/v1/events", operation_id="listEvents", tags=["Dashboard"])
async def list_events(
    db: NamedDependency[Database], types: Text = None, limit: Limit = 50, offset: Offset = 0
) -> EventList:
    """List journalled events, newest first: the same that `GET /api/v1/containers/events` streams.

    `total` stops counting at 10,000.
    """
    wanted = parse_types(types or "")

    def work(read: Read) -> tuple[list[EventView], int]:
        where = _where(wanted)
        page = select(events).where(*where).order_by(events.c.id.desc()).limit(limit).offset(offset)
        rows = read.execute(page).all()
        counted = select(events.c.id).where(*where).limit(MOST_COUNTED).subquery()
        total = read.execute(select(func.count()).select_from(counted)).scalar_one()
        return [_view(row) for row in rows], int(total)

    found, total = await db.read(work)
    return EventList(events=found, total=total, has_more=offset + len(found) < total)


def _where(patterns: list[str]) -> list[ColumnElement[bool]]:
    if not patterns or "*" in patterns:
        return []
    families = [events.c.type.startswith(p[:-1], autoescape=True) for p in patterns if p.endswith("*")]
    exact = [p for p in patterns if not p.endswith("*")]
    return [or_(events.c.type.in_(exact), *families)]


def _view(row: Any) -> EventView:
    data: dict[str, Any] = msgspec.json.decode(row.data)
    return EventView(id=row.id, type=row.type, timestamp=data.get("timestamp") or wire(from_ms(row.at_ms)), data=data)


ROUTES = (get_daily_uptime, list_events)
