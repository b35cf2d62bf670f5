"""Structs of the slice: what is checked and how, what a check found, API objects, events."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tocsin.core.clock import Instant
from tocsin.core.errors import Conflict
from tocsin.core.events import Event

Percent = Annotated[float, Meta(ge=0, le=100)]


class EndpointType(StrEnum):
    HTTP = "http"
    TCP = "tcp"
    DNS = "dns"
    ICMP = "icmp"


class EndpointStatus(StrEnum):
    """What the last check found. `degraded`: it answers, slower than it may. `unknown`: we could not find out."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


class AlertState(StrEnum):
    NORMAL = "normal"
    ALERTING = "alerting"


class EndpointSource(StrEnum):
    LABEL = "label"
    STANDALONE = "standalone"


class RemovalReason(StrEnum):
    LABEL_REMOVED = "label_removed"
    CONTAINER_DESTROYED = "container_destroyed"
    USER_DELETED = "user_deleted"


METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
RECORD_TYPES = ("A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT", "CAA")


class NotStandalone(Conflict):
    code = "not_standalone"


class TooManyEndpoints(Conflict):
    pass


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """How an endpoint is checked, and what counts as success. `headers` are sealed where they are stored.

    Source: docs/spec/endpoints.md, configuration.
    """

    interval_seconds: float = 30.0
    timeout_seconds: float = 10.0
    failure_threshold: int = 3
    recovery_threshold: int = 2
    degraded_after_ms: int | None = None
    method: str = "GET"
    expected_status: str = "2xx"
    tls_verify: bool = True
    headers: dict[str, str] = {}
    body: str | None = None
    max_redirects: int = 5
    body_contains: str | None = None
    body_not_contains: str | None = None
    body_matches: str | None = None
    json_path: str | None = None
    json_equals: str | None = None
    header_name: str | None = None
    header_contains: str | None = None
    certificate_days: int | None = None
    send: str | None = None
    expect: str | None = None
    record_type: str = "A"
    record_contains: str | None = None
    resolver: str | None = None


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint as it is stored. `generation` grows with each change of how it is checked: older results are void.

    A label endpoint belongs to the container in `container_id`, None once that one is deleted; `container_name` and
    the other facts about it are copies for showing. `paused_at` is set by people, `suspended_at` while its container
    does not run.
    """

    id: int
    source: EndpointSource
    endpoint_type: EndpointType
    target: str
    name: str | None
    container_id: int | None = None
    container_name: str = ""
    host: str | None = None
    label_key: str = ""
    external_id: str = ""
    orchestration_group: str | None = None
    orchestration_unit: str | None = None
    group: str | None = None
    alert_severity: str | None = None
    alert_channels: str | None = None
    config: Config = Config()
    generation: int = 1
    badge_key: str = ""
    active: bool = True
    paused_at: datetime | None = None
    suspended_at: datetime | None = None
    deactivated_at: datetime | None = None
    first_seen_at: datetime
    last_seen_at: datetime
    standing: "Standing" = msgspec.field(default_factory=lambda: Standing())

    @property
    def is_checked(self) -> bool:
        return self.active and self.paused_at is None and self.suspended_at is None

    @property
    def shown_name(self) -> str:
        """Return the name alerts use: the container's, else its own, else the target."""
        return self.name or self.container_name or self.target.partition("?")[0]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an endpoint stands: what the last check found, and what the checks in a row mean."""

    status: EndpointStatus = EndpointStatus.UNKNOWN
    alert_state: AlertState = AlertState.NORMAL
    consecutive_failures: int = 0
    consecutive_successes: int = 0
    slow_in_a_row: int = 0
    slow_alerting: bool = False
    since: datetime | None = None
    last_check_at: datetime | None = None
    last_response_time_ms: int | None = None
    last_http_status: int | None = None
    last_error: str | None = None


# --- API objects -----------------------------------------------------------------------------------------------------

DurationText = Annotated[str, Meta(max_length=40, examples=["30s"])]
Name = Annotated[str, Meta(max_length=255)]
Text = Annotated[str, Meta(max_length=4096)]


class ConfigView(msgspec.Struct, kw_only=True):
    """The configuration as it holds, defaults included. Values of headers are masked."""

    interval: DurationText
    timeout: DurationText
    failure_threshold: int
    recovery_threshold: int
    degraded_after: DurationText | None
    method: str
    expected_status: str
    tls_verify: bool
    headers: dict[str, str]
    body: str | None
    max_redirects: int
    body_contains: str | None
    body_not_contains: str | None
    body_matches: str | None
    json_path: str | None
    json_equals: str | None
    header_name: str | None
    header_contains: str | None
    certificate_days: int | None
    send: str | None
    expect: str | None
    record_type: str
    record_contains: str | None
    resolver: str | None


class EndpointView(msgspec.Struct, kw_only=True):
    """One endpoint, the same object in lists, in detail and in events."""

    id: int
    name: str | None
    container_id: int | None
    container_name: str
    host: str | None
    label_key: str
    external_id: str
    endpoint_type: EndpointType
    target: str
    status: EndpointStatus
    alert_state: AlertState
    consecutive_failures: int
    consecutive_successes: int
    last_check_at: Instant | None
    last_response_time_ms: int | None
    last_http_status: int | None
    last_error: str | None
    status_since: Instant | None
    config: ConfigView
    active: bool
    paused: bool
    paused_at: Instant | None
    suspended: Annotated[bool, Meta(description="Its container does not run: it is not checked meanwhile")]
    first_seen_at: Instant
    last_seen_at: Instant
    next_check_at: Instant | None
    orchestration_group: str | None
    orchestration_unit: str | None
    source: EndpointSource
    badge_key: Annotated[str, Meta(description="For /badges/{badge_key}/status.svg and its like, readable by anybody")]


class EndpointList(msgspec.Struct, kw_only=True):
    endpoints: list[EndpointView]
    total: int
    has_more: bool


class ContainerEndpoint(msgspec.Struct, kw_only=True):
    id: int
    endpoint_type: EndpointType
    target: str
    status: EndpointStatus
    last_response_time_ms: int | None
    last_check_at: Instant | None


class ContainerEndpoints(msgspec.Struct, kw_only=True):
    """The active endpoints that the labels of a container ask for."""

    container_id: int
    endpoints: list[ContainerEndpoint]
    total: int
    has_more: bool


class EndpointAnswer(msgspec.Struct, kw_only=True):
    endpoint: EndpointView


class EndpointUptime(msgspec.Struct, kw_only=True):
    """Successful checks / all checks × 100, two decimals; null without checks."""

    hour: Percent | None = msgspec.field(name="1h")
    day: Percent | None = msgspec.field(name="24h")
    week: Percent | None = msgspec.field(name="7d")
    month: Percent | None = msgspec.field(name="30d")
    quarter: Percent | None = msgspec.field(name="90d")


class EndpointDetail(msgspec.Struct, kw_only=True):
    endpoint: EndpointView
    uptime: EndpointUptime


class EndpointOptions(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What can be said about how an endpoint is checked. Left out: the default, or in a change what holds."""

    interval: DurationText | UnsetType = UNSET
    timeout: DurationText | UnsetType = UNSET
    failure_threshold: int | UnsetType = UNSET
    recovery_threshold: int | UnsetType = UNSET
    degraded_after: DurationText | UnsetType | None = UNSET
    method: str | UnsetType = UNSET
    expected_status: str | UnsetType = UNSET
    tls_verify: bool | UnsetType = UNSET
    headers: dict[str, str] | UnsetType = UNSET
    body: Text | UnsetType | None = UNSET
    max_redirects: int | UnsetType = UNSET
    body_contains: Text | UnsetType | None = UNSET
    body_not_contains: Text | UnsetType | None = UNSET
    body_matches: Text | UnsetType | None = UNSET
    json_path: Text | UnsetType | None = UNSET
    json_equals: Text | UnsetType | None = UNSET
    header_name: Text | UnsetType | None = UNSET
    header_contains: Text | UnsetType | None = UNSET
    certificate_days: int | UnsetType | None = UNSET
    send: Text | UnsetType | None = UNSET
    expect: Text | UnsetType | None = UNSET
    record_type: str | UnsetType = UNSET
    record_contains: Text | UnsetType | None = UNSET
    resolver: Text | UnsetType | None = UNSET


class NewEndpoint(EndpointOptions, kw_only=True, forbid_unknown_fields=True):
    name: Name
    target: Text
    endpoint_type: EndpointType


class EndpointChange(EndpointOptions, kw_only=True, forbid_unknown_fields=True):
    """Any part of an endpoint. Empty text keeps what holds; `headers` replaces all of them, masked values stay."""

    name: Name | UnsetType = UNSET
    target: Text | UnsetType = UNSET
    endpoint_type: EndpointType | UnsetType = UNSET


class Trial(EndpointOptions, kw_only=True, forbid_unknown_fields=True):
    """What to try before it is saved. `endpoint_id` lends its headers to those sent back masked."""

    target: Text
    endpoint_type: EndpointType
    endpoint_id: int | None = None


class PhasesView(msgspec.Struct, kw_only=True):
    """Milliseconds of each part of a check; null for what did not happen."""

    dns_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    first_byte_ms: float | None
    total_ms: float


class EvidenceView(msgspec.Struct, kw_only=True):
    """What a failing check saw. Headers and body are cut short; secrets sent by us are in none of them."""

    expected: str | None
    got: str | None
    address: str | None
    http_version: str | None
    headers: dict[str, str]
    body_excerpt: str | None


class CheckView(msgspec.Struct, kw_only=True):
    """One check. `id` is unique within its endpoint: the unix milliseconds of the check."""

    id: int
    endpoint_id: int
    success: bool
    status: EndpointStatus
    response_time_ms: int
    http_status: int | None
    error_message: str | None
    phases: PhasesView
    timestamp: Instant


class CheckList(msgspec.Struct, kw_only=True):
    """Newest first."""

    endpoint_id: int
    checks: list[CheckView]
    total: int
    has_more: bool


class TrialAnswer(msgspec.Struct, kw_only=True):
    """What a check found that is not kept."""

    success: bool
    status: EndpointStatus
    response_time_ms: int
    http_status: int | None
    error_message: str | None
    phases: PhasesView
    evidence: EvidenceView


class DayUptime(msgspec.Struct, kw_only=True):
    date: Annotated[str, Meta(examples=["2026-11-23"])]
    uptime_percent: Percent | None
    incident_count: int


class EndpointDays(msgspec.Struct, kw_only=True):
    """Exactly the days asked for, today first; a day without checks has null."""

    monitor_id: int
    monitor_type: str
    days: list[DayUptime]


class ResponseRange(StrEnum):
    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"


class ResponsePoint(msgspec.Struct, kw_only=True):
    """The checks of one step of time: how many, how many failed, and times of those that succeeded (null: none)."""

    timestamp: Annotated[Instant, Meta(description="When the step begins")]
    checks: int
    failures: int
    average_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    dns_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    first_byte_ms: float | None


class ResponseTimes(msgspec.Struct, kw_only=True):
    """Oldest step first; steps without checks are left out. Figures of the whole range are in `overall`."""

    endpoint_id: int
    range: ResponseRange
    step_seconds: int
    points: list[ResponsePoint]
    overall: ResponsePoint | None


# --- events ----------------------------------------------------------------------------------------------------------


class EndpointEvent(Event, frozen=True, kw_only=True):
    endpoint_id: int
    container_name: str
    target: str


class EndpointDiscovered(EndpointEvent, frozen=True, kw_only=True, tag="endpoint.discovered"):
    """It is checked from now on: new, or back again."""

    endpoint_type: EndpointType
    source: EndpointSource
    name: str | None


class EndpointUpdated(EndpointEvent, frozen=True, kw_only=True, tag="endpoint.updated"):
    """Its name, target or configuration changed, or it was paused, resumed, suspended or goes on with its container."""

    endpoint_type: EndpointType
    source: EndpointSource
    name: str | None
    paused: bool
    suspended: bool


class EndpointRemoved(EndpointEvent, frozen=True, kw_only=True, tag="endpoint.removed"):
    reason: RemovalReason


class EndpointConfigError(Event, frozen=True, kw_only=True, tag="endpoint.config_error"):
    """A label that cannot be used. `error` says what is allowed."""

    endpoint_id: None
    container_id: int
    container_name: str
    label_key: str
    error: str


class EndpointStatusChanged(EndpointEvent, frozen=True, kw_only=True, tag="endpoint.status_changed"):
    previous_status: EndpointStatus
    new_status: EndpointStatus
    response_time_ms: int | None
    http_status: int | None
    error: str | None


class EndpointCheckResult(EndpointEvent, frozen=True, kw_only=True, tag="endpoint.check_result"):
    """One check; streamed, never journalled."""

    success: bool
    status: EndpointStatus
    response_time_ms: int
    http_status: int | None
    error: str | None


class EndpointAlert(EndpointEvent, frozen=True, kw_only=True, tag="endpoint.alert"):
    """So many checks in a row failed that it counts as down. `evidence` is what the last one saw."""

    consecutive_failures: int
    threshold: int
    last_error: str
    since: Instant
    evidence: dict[str, Any]


class EndpointRecovery(EndpointEvent, frozen=True, kw_only=True, tag="endpoint.recovery"):
    consecutive_successes: int
    threshold: int


class EndpointSlow(EndpointEvent, frozen=True, kw_only=True, tag="endpoint.slow"):
    """So many checks in a row took longer than they may."""

    consecutive_slow: int
    threshold: int
    response_time_ms: int
    degraded_after_ms: int


class EndpointSlowRecovery(EndpointEvent, frozen=True, kw_only=True, tag="endpoint.slow_recovery"):
    response_time_ms: int


class ConnectivityLost(Event, frozen=True, kw_only=True, tag="self_health.connectivity_lost"):
    """Nothing of one kind can be reached any more: the fault is most likely ours, so nobody is judged.

    `scope` is `internet`, `local` or `dns`.
    """

    scope: str
    error: str
    endpoint_count: int


class ConnectivityRecovered(Event, frozen=True, kw_only=True, tag="self_health.connectivity_recovered"):
    scope: str
    lost_seconds: int
