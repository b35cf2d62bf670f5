"""What the API takes and answers."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tocsin.containers.models import DayUptime, Percent
from tocsin.core.clock import Instant
from tocsin.endpoints.models import AlertState, EndpointSource, EndpointStatus, EndpointType

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
