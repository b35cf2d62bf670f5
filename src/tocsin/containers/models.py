"""Structs of the slice: the stored state, the API objects, the events."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from tocsin.core.clock import Instant
from tocsin.core.errors import Conflict
from tocsin.core.events import Event


class State(StrEnum):
    RUNNING = "running"
    EXITED = "exited"
    COMPLETED = "completed"
    RESTARTING = "restarting"
    PAUSED = "paused"
    CREATED = "created"
    DEAD = "dead"


class Health(StrEnum):
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    STARTING = "starting"


class Severity(StrEnum):
    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class GroupSource(StrEnum):
    LABEL = "label"
    NAMESPACE = "namespace"
    COMPOSE = "compose"
    ORCHESTRATION = "orchestration"
    DEFAULT = "default"


Percent = Annotated[float, Meta(ge=0, le=100)]
LIVE_STATES = frozenset({State.RUNNING, State.PAUSED, State.RESTARTING})
UNGROUPED = "Ungrouped"


class ContainerRunning(Conflict):
    code = "container_running"


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What the labels of a container say about it, defaults filled in. `restart_window_seconds` None: the setting's.

    `monitors` are the labels that ask for more to be watched, such as `endpoint.http`, unread: name and value.
    """

    orchestration_group: str | None = None
    orchestration_unit: str | None = None
    compose_working_dir: str | None = None
    custom_group: str | None = None
    is_ignored: bool = False
    alert_severity: Severity = Severity.WARNING
    restart_threshold: int = 3
    restart_window_seconds: int | None = None
    alert_channels: str | None = None
    depends_on: tuple[str, ...] = ()
    controller_kind: str | None = None
    swarm_service_id: str | None = None
    swarm_service_name: str | None = None
    swarm_node_id: str | None = None
    swarm_task_slot: int | None = None
    monitors: tuple[tuple[str, str], ...] = ()


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """The stored state of one container. Its runtime ids come and go; `(host, key)` stays.

    `restart_count` counts unrequested restarts since it was first seen; `engine_restart_count` is the engine's own
    counter for the current runtime id. `accounted_at` is up to when its time stands in the daily totals.
    """

    id: int
    host: str
    key: str
    runtime_id: str
    name: str
    image: str
    state: State
    health: Health | None = None
    has_health_check: bool = False
    traits: Traits = Traits()
    first_seen_at: datetime
    last_state_change_at: datetime
    accounted_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    error_detail: str | None = None
    restart_policy: str = "no"
    restart_count: int = 0
    engine_restart_count: int = 0
    stop_requested_at: datetime | None = None
    restart_alert: Severity | None = None
    missing_since: datetime | None = None
    stale_since: datetime | None = None
    archived_at: datetime | None = None
    last_event_at: datetime | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a container's timeline. `restarts` is how many unrequested restarts it stands for.

    `health` is what holds afterwards; `previous_health` and `new_health` are set only when health is what changed.
    """

    at: datetime
    previous_state: State
    new_state: State
    health: Health | None = None
    previous_health: Health | None = None
    new_health: Health | None = None
    exit_code: int | None = None
    log_snippet: str | None = None
    error_detail: str | None = None
    restarts: int = 0
    reconciled: bool = False

    @property
    def about_health(self) -> bool:
        return self.previous_health != self.new_health and self.previous_state == self.new_state


# --- API objects -----------------------------------------------------------------------------------------------------


class ContainerView(msgspec.Struct, kw_only=True):
    """One container, the same object in lists, in detail and in events."""

    id: int
    host: str
    external_id: Annotated[str, Meta(description="The runtime's own id")]
    name: str
    image: str
    state: State
    health_status: Health | None
    has_health_check: bool
    orchestration_group: str | None
    orchestration_unit: str | None
    custom_group: str | None
    is_ignored: bool
    alert_severity: Severity
    restart_threshold: int
    restart_window_seconds: int
    alert_channels: str | None
    depends_on: tuple[str, ...]
    archived: bool
    archived_at: Instant | None
    first_seen_at: Instant
    last_state_change_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    exit_code: int | None
    restart_count: Annotated[int, Meta(description="Restarts nobody asked for, since it was first seen")]
    restart_loop: bool
    missing_since: Annotated[Instant | None, Meta(description="Removed from the engine, not archived yet")]
    stale_since: Annotated[Instant | None, Meta(description="Its engine cannot be reached since")]
    runtime_type: str
    error_detail: str | None
    controller_kind: str | None
    namespace: str | None
    pod_count: int
    ready_count: int
    compose_working_dir: str | None
    swarm_service_id: str | None
    swarm_service_name: str | None
    swarm_service_mode: str | None
    swarm_node_id: str | None
    swarm_task_slot: int | None
    swarm_desired_replicas: int | None
    security_insight_count: int
    security_highest_severity: str | None


class Uptime(msgspec.Struct, kw_only=True):
    """Percentages of the observed time, two decimals; null when nothing counted was observed."""

    day: Percent | None = msgspec.field(name="24h")
    week: Percent | None = msgspec.field(name="7d")
    month: Percent | None = msgspec.field(name="30d")
    quarter: Percent | None = msgspec.field(name="90d")


class ContainerDetail(ContainerView, kw_only=True):
    uptime: Uptime
    container_names: list[str]


class ContainerGroup(msgspec.Struct, kw_only=True):
    name: str
    source: GroupSource
    containers: list[ContainerView]


class ContainerList(msgspec.Struct, kw_only=True):
    """Containers by group. `limit` counts containers; a group cut by a page goes on in the next one."""

    groups: list[ContainerGroup]
    total: int
    has_more: bool
    archived_count: int


class TransitionView(msgspec.Struct, kw_only=True):
    id: int
    container_id: int
    previous_state: State
    new_state: State
    previous_health: Health | None
    new_health: Health | None
    exit_code: int | None
    log_snippet: str | None
    error_detail: str | None
    restarts: int
    reconciled: Annotated[bool, Meta(description="Not seen as it happened: inferred from the engine later")]
    timestamp: Instant


class TransitionList(msgspec.Struct, kw_only=True):
    container_id: int
    transitions: list[TransitionView]
    total: int
    has_more: bool


class DayUptime(msgspec.Struct, kw_only=True):
    date: Annotated[str, Meta(examples=["2026-11-23"])]
    uptime_percent: Percent | None
    incident_count: int


class DailyUptime(msgspec.Struct, kw_only=True):
    id: int
    days: Annotated[list[Percent | None], Meta(description="Oldest day first; null for a day without data")]


class DailyUptimeList(msgspec.Struct, kw_only=True):
    days: int
    to: Annotated[str, Meta(description="The last day, UTC", examples=["2026-11-23"])]
    items: list[DailyUptime]


# --- events ----------------------------------------------------------------------------------------------------------


class ContainerEvent(Event, frozen=True, kw_only=True):
    """What every event about a container carries. `id` is its older name for `container_id`."""

    id: int
    container_id: int
    container_name: str


class ContainerStateChanged(ContainerEvent, frozen=True, kw_only=True, tag="container.state_changed"):
    state: State
    previous_state: State
    health_status: Health | None
    exit_code: int | None
    error_detail: str | None
    restarts: int
    reconciled: bool


class ContainerHealthChanged(ContainerEvent, frozen=True, kw_only=True, tag="container.health_changed"):
    health_status: Health | None
    previous_health: Health | None
    reconciled: bool


class ContainerSnapshot(ContainerEvent, frozen=True, kw_only=True):
    """The whole object, as the lists show it, with its fields beside those of the event."""

    spread: ClassVar[str | None] = "container"
    container: ContainerView


class ContainerDiscovered(ContainerSnapshot, frozen=True, kw_only=True, tag="container.discovered"):
    pass


class ContainerUpdated(ContainerSnapshot, frozen=True, kw_only=True, tag="container.updated"):
    """Something other than state or health changed: its name, image, labels, or that it was removed or came back."""


class ContainerArchived(ContainerEvent, frozen=True, kw_only=True, tag="container.archived"):
    """`archived_at` is null and `deleted` true when it was deleted for good."""

    archived_at: Instant | None
    deleted: bool


class ContainerRestartAlert(ContainerEvent, frozen=True, kw_only=True, tag="container.restart_alert"):
    restart_count: int
    threshold: int
    severity: Severity
    channels: str | None


class ContainerRestartRecovery(ContainerEvent, frozen=True, kw_only=True, tag="container.restart_recovery"):
    pass


class RuntimeStatusChanged(Event, frozen=True, kw_only=True, tag="runtime.status"):
    """The link to an engine came up or broke. `name` is the host's, `error` one sentence, null when connected."""

    connected: bool
    name: str
    label: str
    error: str | None


class HostUnreachable(Event, frozen=True, kw_only=True, tag="host.unreachable"):
    """An engine has been out of reach for a while. What its containers do is unknown, not "down"."""

    host: str
    error: str
    since: Instant


class HostRecovered(Event, frozen=True, kw_only=True, tag="host.recovered"):
    """An engine that was told to be out of reach is not: `reason` is `connected`, or `removed` from the settings."""

    host: str
    down_seconds: int
    reason: str
