"""Structs of the slice: what is checked and how, what a check found, events."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from tocsin.core.clock import Instant
from tocsin.core.errors import Conflict
from tocsin.core.events import Event


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
    """How an endpoint stands: what the last check found, and what the checks in a row mean.

    Checks up to `reset_at` count no more: it was not checked for a while then.
    """

    status: EndpointStatus = EndpointStatus.UNKNOWN
    alert_state: AlertState = AlertState.NORMAL
    consecutive_failures: int = 0
    consecutive_successes: int = 0
    slow_in_a_row: int = 0
    slow_alerting: bool = False
    since: datetime | None = None
    reset_at: datetime | None = None
    last_check_at: datetime | None = None
    last_response_time_ms: int | None = None
    last_http_status: int | None = None
    last_error: str | None = None


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
