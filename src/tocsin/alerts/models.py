"""Structs of the slice: the stored alert, what raises and clears it, its events and API objects."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from tocsin.containers.models import Severity
from tocsin.core.clock import Instant
from tocsin.core.errors import Conflict
from tocsin.core.events import Event


class Source(StrEnum):
    """What watches: one word for each kind of monitor, and `system` for Tocsin itself."""

    CONTAINER = "container"
    ENDPOINT = "endpoint"
    HEARTBEAT = "heartbeat"
    CERTIFICATE = "certificate"
    RESOURCE = "resource"
    SECURITY = "security"
    UPDATE = "update"
    SWARM = "swarm"
    KUBERNETES = "kubernetes"
    HOST = "host"
    SYSTEM = "system"


class EntityType(StrEnum):
    CONTAINER = "container"
    ENDPOINT = "endpoint"
    HEARTBEAT = "heartbeat"
    CERTIFICATE = "certificate"
    INFRASTRUCTURE = "infrastructure"
    SWARM_SERVICE = "swarm_service"
    SWARM_NODE = "swarm_node"
    SWARM_CLUSTER = "swarm_cluster"
    HOST = "host"
    SYSTEM = "system"


class Status(StrEnum):
    """`pending` waits a moment before it fires and is shown nowhere; a clear in that time forgets it."""

    PENDING = "pending"
    ACTIVE = "active"
    SILENCED = "silenced"
    RESOLVED = "resolved"


class Resolution(StrEnum):
    RECOVERED = "recovered"
    STOPPED = "entity_stopped"
    REMOVED = "entity_removed"
    PAUSED = "entity_paused"


RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
OPEN = frozenset({Status.PENDING, Status.ACTIVE, Status.SILENCED})


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What an alert is about. `key` tells it from others of its type; `id` is its row, None where there is none.

    `parents` are what it cannot do without, such as its host: `host:nas`. `channels` are those its label names.
    """

    type: EntityType
    key: str
    name: str
    id: int | None = None
    host: str | None = None
    group: str | None = None
    channels: str | None = None
    parents: tuple[str, ...] = ()


class Raise(msgspec.Struct, frozen=True, kw_only=True):
    """Something is wrong. With *wait_seconds* it fires only if it still is after that time."""

    source: Source
    alert_type: str
    severity: Severity
    subject: Subject
    message: str
    details: dict[str, Any]
    at: datetime
    wait_seconds: int = 0


class Clear(msgspec.Struct, frozen=True, kw_only=True):
    """It is not wrong any more. Without *alert_types* nothing is, whatever it was."""

    entity_type: EntityType
    entity_key: str
    at: datetime
    alert_types: tuple[str, ...] = ()
    resolution: Resolution = Resolution.RECOVERED


Signal = Raise | Clear


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One episode. `silence_id` is the silence that keeps its notifications back, `cause_id` the alert above it.

    `due_at` is when a pending one fires, and when one that is `flapping` and calm ends.
    """

    id: int
    source: Source
    alert_type: str
    severity: Severity
    status: Status
    message: str
    details: dict[str, Any]
    subject: Subject
    fired_at: datetime
    last_seen_at: datetime
    occurrences: int = 1
    due_at: datetime | None = None
    resolved_at: datetime | None = None
    resolution: Resolution | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_note: str | None = None
    escalated_at: datetime | None = None
    silence_id: int | None = None
    cause_id: int | None = None
    flapping: bool = False

    @property
    def open_key(self) -> str:
        """Return what no two open alerts share."""
        return f"{self.source}|{self.alert_type}|{self.subject.type}|{self.subject.key}"


class AlreadyAcknowledged(Conflict):
    code = "already_acknowledged"


class NotActive(Conflict):
    code = "alert_not_active"


# --- API objects -----------------------------------------------------------------------------------------------------


class AlertView(msgspec.Struct, kw_only=True):
    """One alert, the same object in lists, in detail, in events and in notifications."""

    id: int
    source: Source
    alert_type: str
    severity: Severity
    status: Status
    message: str
    entity_type: EntityType
    entity_id: Annotated[int, Meta(description="0 where there is no row; see entity_key")]
    entity_name: str
    entity_key: str
    host: str | None
    group: str | None
    channels: Annotated[str | None, Meta(description="The channels that its label names")]
    details: Annotated[dict[str, Any], Meta(description="The evidence; keys depend on alert_type")]
    resolved_by_id: None = None
    fired_at: Instant
    resolved_at: Instant | None
    resolution: Resolution | None
    acknowledged_at: Instant | None
    acknowledged_by: str | None
    acknowledged_note: str | None
    escalated_at: Instant | None
    last_seen_at: Instant
    occurrences: int
    silence_id: Annotated[int | None, Meta(description="The silence that keeps its notifications back")]
    cause_id: Annotated[int | None, Meta(description="The alert above it, in whose notification it is listed")]
    flapping: Annotated[bool, Meta(description="It comes and goes: it ends only after ten calm minutes")]
    created_at: Instant


class AlertList(msgspec.Struct, kw_only=True):
    """Newest first; `next_before_id` is the cursor of the next page."""

    alerts: list[AlertView]
    has_more: bool
    total: Annotated[int, Meta(description="Counted up to 10,000")]
    next_before_id: int | None


class ActiveAlerts(msgspec.Struct, kw_only=True):
    """At most 500 of each severity, newest first; `total` counts all."""

    critical: list[AlertView]
    warning: list[AlertView]
    info: list[AlertView]
    total: int


class Acknowledge(msgspec.Struct, forbid_unknown_fields=True):
    """Who acknowledges is who calls; the text is a note."""

    acknowledged_by: Annotated[str, Meta(min_length=1, max_length=120)] | None = None


# --- events ----------------------------------------------------------------------------------------------------------


class AlertEvent(Event, frozen=True, kw_only=True):
    """The whole alert, flat, as it was at that moment."""

    spread: ClassVar[str | None] = "alert"
    alert: AlertView


class AlertFired(AlertEvent, frozen=True, kw_only=True, tag="alert.fired"):
    """It began, became worse, or its silence ended. With a `silence_id` nobody is told."""


class AlertUpdated(AlertEvent, frozen=True, kw_only=True, tag="alert.updated"):
    """It became less severe, or more is known of it."""


class AlertSilenced(AlertEvent, frozen=True, kw_only=True, tag="alert.silenced"):
    pass


class AlertUnsilenced(AlertEvent, frozen=True, kw_only=True, tag="alert.unsilenced"):
    """The silence of an active alert ended: what became worse meanwhile is told now."""


class AlertResolved(AlertEvent, frozen=True, kw_only=True, tag="alert.resolved"):
    pass


class AlertEscalated(Event, frozen=True, kw_only=True, tag="alert.escalated"):
    """Nobody had acknowledged it in time: now those further up are told."""

    alert_id: int
    channel_id: int


class AlertAcknowledged(AlertEvent, frozen=True, kw_only=True, tag="alert.acknowledged"):
    pass
