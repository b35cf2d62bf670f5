"""Routes of the slice; `/ping/…` is in `ping.py`."""

from typing import Annotated

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from tocsin.db.tx import Actor
from tocsin.heartbeats.models import HeartbeatStatus
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
from tocsin.heartbeats.service import Heartbeats
from tocsin.heartbeats.store import Wanted
from tocsin.http.params import Limit, Offset, PathId, Text, choice
from tocsin.http.strict import Strict

TAGS = ["Heartbeats"]
Days = Annotated[int, QueryParameter(ge=1, le=365)]
Schedule = Annotated[str, QueryParameter(description="Cron or OnCalendar", max_length=200)]
Zone = Annotated[str, QueryParameter(description="IANA time zone", max_length=60)]


@get("/api/v1/heartbeats", operation_id="listHeartbeats", tags=TAGS)
async def list_heartbeats(
    heartbeats: NamedDependency[Heartbeats],
    status: Text = None,
    tag: Text = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> HeartbeatList:
    """List heartbeats, newest first."""
    return await heartbeats.page(Wanted(choice("status", status, HeartbeatStatus), tag), limit, offset)


@post("/api/v1/heartbeats", dto=Strict[NewHeartbeat], return_dto=None, operation_id="createHeartbeat", tags=TAGS)
async def create_heartbeat(
    data: JSONBody[NewHeartbeat], heartbeats: NamedDependency[Heartbeats], actor: NamedDependency[Actor]
) -> HeartbeatView:
    """Add a heartbeat. Its first ping is expected from now on."""
    return await heartbeats.create(data, actor)


@get("/api/v1/heartbeats/preview", operation_id="previewSchedule", tags=TAGS)
async def preview_schedule(
    heartbeats: NamedDependency[Heartbeats], schedule: Schedule, timezone: Zone = "UTC"
) -> SchedulePreview:
    """Show the next three times of a schedule."""
    return await heartbeats.preview(schedule, timezone)


@get("/api/v1/heartbeats/ping-key", operation_id="getPingKey", tags=TAGS)
async def get_ping_key(heartbeats: NamedDependency[Heartbeats]) -> PingKey:
    """Show the key of ping URLs with slugs. With `?create=1` such a URL makes the heartbeat when it is not there."""
    return await heartbeats.ping_key()


@post("/api/v1/heartbeats/ping-key/rotate", status_code=200, operation_id="rotatePingKey", tags=TAGS)
async def rotate_ping_key(heartbeats: NamedDependency[Heartbeats], actor: NamedDependency[Actor]) -> PingKey:
    """Replace the ping key. URLs with the one before stop working at once."""
    return await heartbeats.rotate_key(actor)


@get("/api/v1/heartbeats/{heartbeat_id:str}", operation_id="getHeartbeat", tags=TAGS)
async def get_heartbeat(heartbeat_id: PathId, heartbeats: NamedDependency[Heartbeats]) -> HeartbeatDetail:
    """Show one heartbeat, with texts to ping it from a job."""
    return await heartbeats.get(heartbeat_id)


@put(
    "/api/v1/heartbeats/{heartbeat_id:str}",
    dto=Strict[HeartbeatChange],
    return_dto=None,
    operation_id="updateHeartbeat",
    tags=TAGS,
)
async def update_heartbeat(
    heartbeat_id: PathId,
    data: JSONBody[HeartbeatChange],
    heartbeats: NamedDependency[Heartbeats],
    actor: NamedDependency[Actor],
) -> HeartbeatView:
    """Change a heartbeat; its deadline is counted anew from its last ping."""
    return await heartbeats.change(heartbeat_id, data, actor)


@delete("/api/v1/heartbeats/{heartbeat_id:str}", operation_id="deleteHeartbeat", tags=TAGS)
async def delete_heartbeat(
    heartbeat_id: PathId, heartbeats: NamedDependency[Heartbeats], actor: NamedDependency[Actor]
) -> None:
    """Delete a heartbeat and its history."""
    await heartbeats.delete(heartbeat_id, actor)


@post("/api/v1/heartbeats/{heartbeat_id:str}/pause", status_code=200, operation_id="pauseHeartbeat", tags=TAGS)
async def pause_heartbeat(
    heartbeat_id: PathId, heartbeats: NamedDependency[Heartbeats], actor: NamedDependency[Actor]
) -> HeartbeatView:
    """Pause deadline checking. Pings are still noted."""
    return await heartbeats.pause(heartbeat_id, actor)


@post("/api/v1/heartbeats/{heartbeat_id:str}/resume", status_code=200, operation_id="resumeHeartbeat", tags=TAGS)
async def resume_heartbeat(
    heartbeat_id: PathId, heartbeats: NamedDependency[Heartbeats], actor: NamedDependency[Actor]
) -> HeartbeatView:
    """Resume deadline checking, counted from now."""
    return await heartbeats.resume(heartbeat_id, actor)


@post("/api/v1/heartbeats/{heartbeat_id:str}/rotate", status_code=200, operation_id="rotateHeartbeat", tags=TAGS)
async def rotate_heartbeat(
    heartbeat_id: PathId, heartbeats: NamedDependency[Heartbeats], actor: NamedDependency[Actor]
) -> HeartbeatView:
    """Give a heartbeat another ping URL. The one before stops working at once."""
    return await heartbeats.rotate(heartbeat_id, actor)


@get("/api/v1/heartbeats/{heartbeat_id:str}/executions", operation_id="listExecutions", tags=TAGS)
async def list_executions(
    heartbeat_id: PathId, heartbeats: NamedDependency[Heartbeats], limit: Limit = 20, offset: Offset = 0
) -> ExecutionList:
    """List runs, newest first."""
    return await heartbeats.executions(heartbeat_id, limit, offset)


@get("/api/v1/heartbeats/{heartbeat_id:str}/pings", operation_id="listPings", tags=TAGS)
async def list_pings(
    heartbeat_id: PathId, heartbeats: NamedDependency[Heartbeats], limit: Limit = 50, offset: Offset = 0
) -> PingList:
    """List raw pings, newest first."""
    return await heartbeats.pings(heartbeat_id, limit, offset)


@get("/api/v1/heartbeats/{heartbeat_id:str}/uptime/daily", operation_id="getHeartbeatUptime", tags=TAGS)
async def get_daily_uptime(
    heartbeat_id: PathId, heartbeats: NamedDependency[Heartbeats], days: Days = 90
) -> HeartbeatDays:
    """Return daily uptime percentages, today first."""
    return await heartbeats.days(heartbeat_id, days)


ROUTES = (
    list_heartbeats,
    create_heartbeat,
    preview_schedule,
    get_ping_key,
    rotate_ping_key,
    get_heartbeat,
    update_heartbeat,
    delete_heartbeat,
    pause_heartbeat,
    resume_heartbeat,
    rotate_heartbeat,
    list_executions,
    list_pings,
    get_daily_uptime,
)
