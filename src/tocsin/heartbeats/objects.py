"""API objects of the slice."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tocsin.containers.models import DayUptime
from tocsin.core.clock import Instant
from tocsin.heartbeats.models import HeartbeatAlertState, HeartbeatProblem, HeartbeatStatus, Outcome, PingType
from tocsin.heartbeats.schedule import ScheduleKind

DEFAULT_INTERVAL_SECONDS, DEFAULT_GRACE_SECONDS = 300, 60


class HeartbeatView(msgspec.Struct, kw_only=True):
    """A heartbeat. Whoever knows `ping_url` can report for it; `interval_seconds` is about that of its schedule."""

    id: int
    uuid: str
    ping_url: str
    name: str
    slug: Annotated[str, Meta(description="Its name in ping URLs with the ping key")]
    tags: list[str]
    status: HeartbeatStatus
    alert_state: HeartbeatAlertState
    problems: list[HeartbeatProblem]
    interval_seconds: int
    grace_seconds: int
    schedule: Annotated[str | None, Meta(description="Cron or OnCalendar; null: by interval")]
    timezone: str
    max_duration_seconds: Annotated[int | None, Meta(description="A run that takes longer rings")]
    expected_pings: Annotated[int, Meta(description="How many successes are expected each time")]
    post_only: Annotated[bool, Meta(description="Pings by GET and HEAD are noted and ignored")]
    start_keywords: list[str]
    success_keywords: list[str]
    failure_keywords: list[str]
    last_ping_at: Instant | None
    next_expected_at: Annotated[Instant | None, Meta(description="The deadline without its grace")]
    next_deadline_at: Instant | None
    current_run_started_at: Instant | None
    last_exit_code: int | None
    last_duration_ms: int | None
    consecutive_failures: int
    consecutive_successes: int
    active: bool = True
    created_at: Instant
    updated_at: Instant


class HeartbeatList(msgspec.Struct, kw_only=True):
    """Newest first."""

    heartbeats: list[HeartbeatView]
    total: int
    has_more: bool


class HeartbeatDetail(msgspec.Struct, kw_only=True):
    """A heartbeat and ready-made texts that ping it, by the name of the tool."""

    heartbeat: HeartbeatView
    snippets: dict[str, str]


Keywords = Annotated[list[str], Meta(description="Words in the body of a POST, upper and lower case told apart")]


class NewHeartbeat(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`interval_seconds` or `schedule` is needed. The slug follows from the name unless it is given."""

    name: str
    interval_seconds: int | None = None
    grace_seconds: int = 0
    schedule: str | None = None
    timezone: str = "UTC"
    slug: str | None = None
    tags: list[str] = []
    max_duration_seconds: int | None = None
    expected_pings: int = 1
    post_only: bool = False
    start_keywords: Keywords = []
    success_keywords: Keywords = []
    failure_keywords: Keywords = []


class HeartbeatChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays. `schedule` null goes back to the interval; `max_duration_seconds` null ends that rule."""

    name: str | UnsetType | None = UNSET
    interval_seconds: int | UnsetType | None = UNSET
    grace_seconds: int | UnsetType | None = UNSET
    schedule: str | UnsetType | None = UNSET
    timezone: str | UnsetType | None = UNSET
    slug: str | UnsetType | None = UNSET
    tags: list[str] | UnsetType | None = UNSET
    max_duration_seconds: int | UnsetType | None = UNSET
    expected_pings: int | UnsetType | None = UNSET
    post_only: bool | UnsetType | None = UNSET
    start_keywords: Keywords | UnsetType | None = UNSET
    success_keywords: Keywords | UnsetType | None = UNSET
    failure_keywords: Keywords | UnsetType | None = UNSET


class ExecutionView(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One run. What is not known is left out; `late`: it ended after it had been given up."""

    id: int
    heartbeat_id: int
    outcome: Outcome
    started_at: Instant | None = None
    completed_at: Instant | None = None
    duration_ms: int | None = None
    exit_code: int | None = None
    run_id: str | None = None
    late: bool = False
    payload: Annotated[str | None, Meta(description="What the ping that ended it said")] = None


class ExecutionList(msgspec.Struct, kw_only=True):
    """Newest first; `total` is counted up to 10,000."""

    executions: list[ExecutionView]
    total: int
    has_more: bool


class PingView(msgspec.Struct, kw_only=True):
    """One ping, and by when it had been expected."""

    id: int
    heartbeat_id: int
    ping_type: PingType
    exit_code: int | None
    run_id: str | None
    source_ip: str
    http_method: str
    user_agent: str
    payload: str | None
    payload_truncated: bool
    timestamp: Instant
    expected_at: Annotated[Instant | None, Meta(description="Null while it was paused")]
    grace_deadline: Instant | None


class PingList(msgspec.Struct, kw_only=True):
    """Newest first; `total` is counted up to 10,000."""

    pings: list[PingView]
    total: int
    has_more: bool


class HeartbeatDays(msgspec.Struct, kw_only=True):
    """Exactly the days asked for, today first; a day without runs has null."""

    monitor_id: int
    monitor_type: str
    days: list[DayUptime]


class SchedulePreview(msgspec.Struct, kw_only=True):
    """The next times of a schedule, in UTC and as the clock on the wall shows them; fewer when there are no more."""

    schedule: str
    kind: ScheduleKind
    timezone: str
    next: list[Instant]
    local: Annotated[list[str], Meta(examples=[["2026-03-29T03:00:00+02:00"]])]


class PingKey(msgspec.Struct, kw_only=True):
    """The key of ping URLs that name a heartbeat by its slug: `url` + `/` + slug."""

    key: str
    url: str
    created: bool = False
