"""Structs of the slice: channels and their rules, notices, deliveries."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tocsin.alerts.models import AlertView, Source
from tocsin.containers.models import Severity
from tocsin.core.clock import Instant
from tocsin.core.errors import Conflict
from tocsin.core.events import Event

MOST_CHANNELS = 100


class ChannelType(StrEnum):
    SLACK = "slack"
    DISCORD = "discord"
    TEAMS = "teams"
    WEBHOOK = "webhook"
    EMAIL = "email"
    NTFY = "ntfy"


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class ChannelHealth(StrEnum):
    HEALTHY = "healthy"
    FAILING = "failing"


class DuplicateName(Conflict):
    code = "duplicate_name"


class TooManyChannels(Conflict):
    pass


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts a channel gets: all given filters must match; none given means all."""

    id: int
    channel_id: int
    sources: tuple[Source, ...] = ()
    severities: tuple[Severity, ...] = ()
    group: str | None = None
    created_at: datetime


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """`url` and `headers` are secrets: sealed as stored, until the service opens them. For e-mail the url is the
    list of recipients.
    """

    id: int
    name: str
    type: ChannelType
    url: str
    sealed_headers: str = ""
    headers: dict[str, str] = {}
    enabled: bool
    rules: tuple[Rule, ...] = ()
    created_at: datetime
    updated_at: datetime
    last_status: DeliveryStatus | None = None


class Kind(StrEnum):
    """What a notice says of its alert."""

    FIRED = "alert.fired"
    RESOLVED = "alert.resolved"
    TEST = "test"


class Notice(NamedTuple):
    """One alert on its way to one channel, as it was at that moment. `id` tells a repetition from news."""

    id: int
    channel_id: int
    alert_id: int
    kind: Kind
    group_key: str
    alert: AlertView


class Delivery(NamedTuple):
    """One message to one channel: one notice or several. `key` stays the same over all attempts."""

    id: int
    channel_id: int
    key: str
    attempts: int
    created_at: datetime
    next_attempt_at: datetime


# --- outcomes of sending ---------------------------------------------------------------------------------------------


class Sent(NamedTuple):
    response_code: int | None


class Retry(NamedTuple):
    """Not now. `error` is a class of failure, never what the other side said: that may hold secrets."""

    error: str
    response_code: int | None = None
    after_seconds: float | None = None


class Rejected(NamedTuple):
    """Never: trying again would change nothing."""

    error: str
    response_code: int | None = None


Outcome = Sent | Retry | Rejected

# --- bodies ----------------------------------------------------------------------------------------------------------

ChannelName = Annotated[str, Meta(min_length=1, max_length=100)]
Url = Annotated[str, Meta(min_length=1, max_length=2000)]
HeaderMap = Annotated[dict[str, Annotated[str, Meta(max_length=1000)]], Meta(max_length=20)]


class NewChannel(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: ChannelName
    url: Url
    type: ChannelType = ChannelType.WEBHOOK
    headers: HeaderMap = {}
    enabled: bool = True


class ChannelChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is left out stays. A masked value that is sent back keeps the stored one."""

    name: ChannelName | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    type: ChannelType | UnsetType = UNSET
    headers: HeaderMap | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class NewRule(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Filters as lists, or as text with commas."""

    source_filter: list[Source] | str | None = None
    severity_filter: list[Severity] | str | None = None
    group: Annotated[str, Meta(max_length=200)] | None = None


# --- answers ---------------------------------------------------------------------------------------------------------


class RuleView(msgspec.Struct, kw_only=True):
    id: int
    channel_id: int
    source_filter: str
    severity_filter: str
    group: str | None
    created_at: Instant


class ChannelView(msgspec.Struct, kw_only=True):
    """The url shows its host and last four characters, header values show as `***`."""

    id: int
    name: str
    type: ChannelType
    url: str
    has_secret: bool
    headers: dict[str, str]
    enabled: bool
    routing_rules: list[RuleView]
    health: ChannelHealth
    created_at: Instant
    updated_at: Instant


class ChannelList(msgspec.Struct, kw_only=True):
    channels: list[ChannelView]
    total: int
    has_more: bool


class TestResult(msgspec.Struct, kw_only=True):
    status: DeliveryStatus
    response_code: int | None
    duration_ms: int
    error: Annotated[
        str | None, Meta(description="`timeout`, `dns`, `tls`, `refused`, `http_status`, `forbidden_target` …")
    ]


class DeliveryView(msgspec.Struct, kw_only=True):
    id: int
    channel_id: int
    key: Annotated[str, Meta(description="The same over all attempts, sent as `X-Tocsin-Delivery`")]
    status: DeliveryStatus
    attempts: int
    alert_ids: list[int]
    error: str | None
    response_code: int | None
    created_at: Instant
    next_attempt_at: Instant | None
    finished_at: Instant | None


class DeliveryList(msgspec.Struct, kw_only=True):
    deliveries: list[DeliveryView]
    total: int
    has_more: bool


# --- events ----------------------------------------------------------------------------------------------------------


class ChannelEvent(Event, frozen=True, kw_only=True):
    spread: ClassVar[str | None] = "channel"
    channel: ChannelView


class ChannelCreated(ChannelEvent, frozen=True, kw_only=True, tag="channel.created"):
    pass


class ChannelUpdated(ChannelEvent, frozen=True, kw_only=True, tag="channel.updated"):
    pass


class ChannelDeleted(Event, frozen=True, kw_only=True, tag="channel.deleted"):
    id: int
