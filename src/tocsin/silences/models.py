"""Structs of the slice."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from tocsin.alerts.models import EntityType, Source
from tocsin.containers.models import Severity
from tocsin.core.clock import Instant
from tocsin.core.errors import Conflict
from tocsin.core.events import Event
from tocsin.http.params import LARGEST_ID

MOST_SILENCES = 500
"""So many hold or are to come; what is over does not count."""
LONGEST_SECONDS = 30 * 24 * 3600
Filter = Annotated[str, Meta(min_length=1, max_length=200)]


class TooManySilences(Conflict):
    pass


class Shown(StrEnum):
    """Which silences a list shows: those of now, those that are over, or all."""

    ACTIVE = "true"
    ENDED = "false"
    ALL = "all"


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """All given filters must match; `entity_name` is a glob such as `shop-*`. Without any it silences everything."""

    id: int
    starts_at: datetime
    duration_seconds: int
    entity_type: EntityType | None = None
    entity_id: int | None = None
    source: Source | None = None
    severity: Severity | None = None
    entity_name: str | None = None
    group: str | None = None
    reason: str | None = None
    created_by: str | None = None
    created_at: datetime
    cancelled_at: datetime | None = None
    announced_end: bool = False


class NewSilence(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A silence without any filter needs `global: true`: it silences everything."""

    duration_seconds: Annotated[int, Meta(ge=1, le=LONGEST_SECONDS)]
    starts_at: Instant | None = None
    entity_type: EntityType | None = None
    entity_id: Annotated[int, Meta(ge=1, le=LARGEST_ID)] | None = None
    source: Source | None = None
    severity: Severity | None = None
    entity_name: Filter | None = None
    group: Filter | None = None
    reason: Annotated[str, Meta(max_length=500)] | None = None
    is_global: bool = msgspec.field(default=False, name="global")


class SilenceView(msgspec.Struct, kw_only=True):
    id: int
    entity_type: EntityType | None
    entity_id: int | None
    source: Source | None
    severity: Severity | None
    entity_name: str | None
    group: str | None
    reason: str | None
    created_by: str | None
    starts_at: Instant
    duration_seconds: int
    expires_at: Instant
    is_active: bool
    cancelled_at: Instant | None
    created_at: Instant


class SilenceList(msgspec.Struct, kw_only=True):
    rules: list[SilenceView]
    total: int
    has_more: bool


class SilenceCreated(Event, frozen=True, kw_only=True, tag="silence.created"):
    spread: ClassVar[str | None] = "rule"
    rule: SilenceView


class SilenceCancelled(Event, frozen=True, kw_only=True, tag="silence.cancelled"):
    id: int


class SilenceExpired(Event, frozen=True, kw_only=True, tag="silence.expired"):
    id: int
