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

CLOCK_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)"  # $ alone lets a last newline through
MOST_CHANNELS = 100
MOST_RULES = 50
MESSAGES_A_MINUTE = 20


class ChannelType(StrEnum):
    SLACK = "slack"
    DISCORD = "discord"
    TEAMS = "teams"
    WEBHOOK = "webhook"
    EMAIL = "email"
    NTFY = "ntfy"
    TELEGRAM = "telegram"
    GOTIFY = "gotify"
    PUSHOVER = "pushover"


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


class TooManyRules(Conflict):
    pass


class QuietHours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From *start* to *end* (`22:00`, in *timezone*) nothing leaves; it is told when they are over."""

    start: Annotated[str, Meta(pattern=CLOCK_TIME)]
    end: Annotated[str, Meta(pattern=CLOCK_TIME)]
    timezone: Annotated[str, Meta(min_length=1, max_length=60)] = "UTC"
    critical_passes: bool = True


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts a channel gets: all given filters must match; none given means all.

    `entity` and `group` are globs such as `shop-*`. With `after_minutes` the channel is told only of what nobody has
    acknowledged by then.
    """

    id: int
    channel_id: int
    sources: tuple[Source, ...] = ()
    severities: tuple[Severity, ...] = ()
    entity: str | None = None
    group: str | None = None
    after_minutes: int = 0
    created_at: datetime


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """`url`, `headers` and `signing_secret` are secrets: sealed as stored, until the service opens them. For e-mail
    the url is the list of recipients.
    """

    id: int
    name: str
    type: ChannelType
    url: str
    sealed_headers: str = ""
    headers: dict[str, str] = {}
    signing_secret: str = ""
    template: str | None = None
    quiet_hours: QuietHours | None = None
    max_per_minute: int = MESSAGES_A_MINUTE
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
    """One alert on its way to one channel, as it was at that moment. `id` tells a repetition from news.

    `cause_id` is the alert in whose message it is listed. `escalation`: told because nobody acknowledged it in time.
    """

    id: int
    channel_id: int
    alert_id: int
    kind: Kind
    group_key: str
    alert: AlertView
    cause_id: int | None = None
    escalation: bool = False


class Beginning(NamedTuple):
    """What a channel is told of how an alert fires. `leaves_at` is None once it has left."""

    group_key: str
    leaves_at: datetime | None
    severity: Severity


class Delivery(NamedTuple):
    """One message to one channel: one notice or several. `key` stays the same over all attempts."""

    id: int
    channel_id: int
    key: str
    attempts: int
    created_at: datetime
    next_attempt_at: datetime


class Backlog(NamedTuple):
    """What has not been told yet. `oldest_seconds` is how long the oldest of it could have left already."""

    notices: float
    deliveries: float
    oldest_seconds: float


# --- bodies ----------------------------------------------------------------------------------------------------------

ChannelName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
Url = Annotated[str, Meta(min_length=1, max_length=2000)]
Template = Annotated[str, Meta(max_length=4000)]
PerMinute = Annotated[int, Meta(ge=1, le=60)]
SigningSecret = Annotated[str, Meta(min_length=16, max_length=256)]
HeaderMap = Annotated[dict[str, Annotated[str, Meta(max_length=1000)]], Meta(max_length=20)]


class NewChannel(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: ChannelName
    url: Url
    type: ChannelType = ChannelType.WEBHOOK
    headers: HeaderMap = {}
    enabled: bool = True
    template: Template | None = None
    quiet_hours: QuietHours | None = None
    max_per_minute: PerMinute = MESSAGES_A_MINUTE
    signing_secret: SigningSecret | None = None


class ChannelChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is left out stays. A masked value that is sent back keeps the stored one; null takes an option away."""

    name: ChannelName | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    type: ChannelType | UnsetType = UNSET
    headers: HeaderMap | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    template: Template | UnsetType | None = UNSET
    quiet_hours: QuietHours | UnsetType | None = UNSET
    max_per_minute: PerMinute | UnsetType = UNSET
    signing_secret: SigningSecret | UnsetType | None = UNSET


class NewRule(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Filters as lists, or as text with commas; `entity` and `group` are globs."""

    source_filter: list[Source] | str | None = None
    severity_filter: list[Severity] | str | None = None
    entity: Annotated[str, Meta(max_length=200)] | None = None
    group: Annotated[str, Meta(max_length=200)] | None = None
    after_minutes: Annotated[int, Meta(ge=0, le=1440)] = 0


# --- answers ---------------------------------------------------------------------------------------------------------


class RuleView(msgspec.Struct, kw_only=True):
    id: int
    channel_id: int
    source_filter: str
    severity_filter: str
    entity: str | None
    group: str | None
    after_minutes: int
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
    template: str | None
    quiet_hours: QuietHours | None
    max_per_minute: int
    has_signing_secret: bool
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


class ChannelFailing(Event, frozen=True, kw_only=True, tag="channel.failing"):
    """It was tried for a while, or refused for good. `error` is a class of failure."""

    id: int
    name: str
    error: str
    response_code: int | None


class ChannelRecovered(Event, frozen=True, kw_only=True, tag="channel.recovered"):
    id: int
    name: str
