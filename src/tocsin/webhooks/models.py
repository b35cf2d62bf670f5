"""Structs of the slice: subscriptions, deliveries, events."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tocsin.core.clock import Instant
from tocsin.core.errors import Conflict
from tocsin.core.events import Event

MOST_WEBHOOKS = 100
EVERYTHING = "*"
PAUSED_BY_HAND = "paused by hand"


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class TooManyWebhooks(Conflict):
    pass


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription. `url` and the secrets are sealed as stored, until the service opens them.

    `cursor` is the number of the last event that was looked at; `previous_secret` signs too until `overlap_until`.
    """

    id: str
    name: str
    url: str
    secret: str = ""
    previous_secret: str = ""
    overlap_until: datetime | None = None
    event_types: tuple[str, ...] = (EVERYTHING,)
    is_active: bool = True
    disabled_reason: str | None = None
    failure_count: int = 0
    last_status: DeliveryState | None = None
    last_delivery_at: datetime | None = None
    cursor: int = 0
    created_at: datetime
    updated_at: datetime


class WebhookDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one subscription. `id` is the same over all attempts, whatever happens to this process."""

    id: str
    webhook_id: str
    event_id: int
    event_type: str
    data: str
    status: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    http_status: int | None = None
    error: str | None = None
    created_at: datetime
    next_attempt_at: datetime | None = None
    finished_at: datetime | None = None


# --- bodies ----------------------------------------------------------------------------------------------------------

WebhookName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
WebhookUrl = Annotated[str, Meta(min_length=1, max_length=2000)]
WebhookSecret = Annotated[str, Meta(min_length=16, max_length=256)]
EventTypes = Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(min_length=1, max_length=20)]


class NewWebhook(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Without a secret nothing is signed; without event types everything is sent."""

    name: WebhookName
    url: WebhookUrl
    secret: WebhookSecret | None = None
    event_types: EventTypes = msgspec.field(default_factory=lambda: [EVERYTHING])


class WebhookChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is left out stays. After a new secret the old one signs too for a day; null takes the secret away."""

    name: WebhookName | UnsetType = UNSET
    url: WebhookUrl | UnsetType = UNSET
    secret: WebhookSecret | UnsetType | None = UNSET
    event_types: EventTypes | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


# --- answers ---------------------------------------------------------------------------------------------------------


class WebhookView(msgspec.Struct, kw_only=True):
    """The secret is never shown; of the URL what may be one shows as `***`."""

    id: str
    name: str
    url: str
    has_secret: bool
    secret_overlap_until: Instant | None
    event_types: list[str]
    is_active: bool
    disabled_reason: str | None
    last_delivery_status: DeliveryState | None
    last_delivery_at: Instant | None
    failure_count: Annotated[int, Meta(description="Deliveries given up in a row; at 10 it is paused")]
    created_at: Instant
    updated_at: Instant


class WebhookList(msgspec.Struct, kw_only=True):
    webhooks: list[WebhookView]
    total: int
    has_more: bool


class WebhookTestResult(msgspec.Struct, kw_only=True, omit_defaults=True):
    status: DeliveryState
    http_status: int | None = None
    error: str | None = None


class EventTypeList(msgspec.Struct, kw_only=True):
    event_types: list[str]


class WebhookDeliveryView(msgspec.Struct, kw_only=True):
    id: Annotated[str, Meta(description="The same over all attempts, sent as `X-Tocsin-Delivery` and in the body")]
    event_id: int
    event_type: str
    status: DeliveryState
    attempts: int
    http_status: int | None
    error: str | None
    created_at: Instant
    next_attempt_at: Instant | None
    finished_at: Instant | None


class WebhookDeliveryList(msgspec.Struct, kw_only=True):
    deliveries: list[WebhookDeliveryView]
    total: int
    has_more: bool


# --- events ----------------------------------------------------------------------------------------------------------


class WebhookEvent(Event, frozen=True, kw_only=True):
    spread: ClassVar[str | None] = "webhook"
    webhook: WebhookView


class WebhookCreated(WebhookEvent, frozen=True, kw_only=True, tag="webhook.created"):
    pass


class WebhookUpdated(WebhookEvent, frozen=True, kw_only=True, tag="webhook.updated"):
    pass


class WebhookDeleted(Event, frozen=True, kw_only=True, tag="webhook.deleted"):
    id: str


class WebhookDisabled(Event, frozen=True, kw_only=True, tag="webhook.disabled"):
    id: str
    name: str
    failure_count: int
    last_error: str
