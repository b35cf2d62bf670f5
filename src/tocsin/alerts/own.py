"""What Tocsin says about itself: a reaction that failed, a channel that takes nothing, a webhook that was paused."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tocsin.alerts.models import Clear, EntityType, Raise, Resolution, Signal, Source, Subject
from tocsin.channels.models import ChannelDeleted, ChannelFailing, ChannelRecovered
from tocsin.containers.models import Severity
from tocsin.core.events import Event
from tocsin.db.tx import ReactionFailed, ReactionRecovered, Read
from tocsin.endpoints.models import ConnectivityLost, ConnectivityRecovered
from tocsin.webhooks.models import WebhookDeleted, WebhookDisabled, WebhookUpdated

NAME = "self_health"
FACTS: tuple[type[Event], ...] = (
    ReactionFailed,
    ReactionRecovered,
    ChannelFailing,
    ChannelRecovered,
    ChannelDeleted,
    WebhookDisabled,
    WebhookUpdated,
    WebhookDeleted,
    ConnectivityLost,
    ConnectivityRecovered,
)
REACH = {
    "internet": "Tocsin reaches nothing on the internet",
    "local": "Tocsin reaches nothing in the local network",
    "dns": "No name server answers Tocsin",
}


def entity_of(fact: Event) -> str:
    match fact:
        case ReactionFailed() | ReactionRecovered():
            return f"reaction:{fact.reaction}"
        case ChannelFailing() | ChannelRecovered() | ChannelDeleted():
            return f"channel:{fact.id}"
        case WebhookUpdated():
            return f"webhook:{fact.webhook.id}"
        case ConnectivityLost() | ConnectivityRecovered():
            return f"connectivity:{fact.scope}"
        case WebhookDisabled() | WebhookDeleted():
            return f"webhook:{fact.id}"
    raise TypeError(f"{fact} is no fact about Tocsin itself")


def signals(fact: Event, at: datetime) -> list[Signal]:
    """Return what *fact* raises and clears."""
    key = entity_of(fact)
    details: dict[str, Any]
    match fact:
        case ReactionFailed(reaction=name):
            if name == NAME:  # telling of it would fail the same way
                return []
            details = {"entity": fact.entity, "error": fact.error}
            message = f"Tocsin could not finish its work on {fact.entity} ({name}); it tries again by itself"
            return [_raise("reaction_failed", key, name, message, details, at, Severity.WARNING)]
        case ChannelFailing():
            message = f"Notifications do not get through to {fact.name}: {fact.error}"
            details = {"error": fact.error, "response_code": fact.response_code, "channel_id": fact.id}
            return [_raise("channel_failing", key, fact.name, message, details, at, Severity.CRITICAL)]
        case WebhookDisabled():
            message = f"The webhook {fact.name} was paused: {fact.last_error}"
            details = {"error": fact.last_error, "failure_count": fact.failure_count}
            return [_raise("webhook_disabled", key, fact.name, message, details, at, Severity.WARNING)]
        case ConnectivityLost():
            details = {"error": fact.error, "endpoint_count": fact.endpoint_count}
            message = f"{REACH[fact.scope]} ({fact.error}): nobody is judged meanwhile"
            return [_raise("connectivity_lost", key, fact.scope, message, details, at, Severity.CRITICAL)]
        case WebhookUpdated():
            return [_clear(key, at)] if fact.webhook.is_active else []
        case ChannelDeleted() | WebhookDeleted():
            return [_clear(key, at, Resolution.REMOVED)]
    return [_clear(key, at)]


def _raise(
    alert_type: str, key: str, name: str, message: str, details: dict[str, Any], at: datetime, severity: Severity
) -> Raise:
    return Raise(
        source=Source.SYSTEM,
        alert_type=alert_type,
        severity=severity,
        subject=Subject(type=EntityType.SYSTEM, key=key, name=name),
        message=message,
        details=details,
        at=at,
    )


def _clear(key: str, at: datetime, resolution: Resolution = Resolution.RECOVERED) -> Clear:
    return Clear(entity_type=EntityType.SYSTEM, entity_key=key, at=at, resolution=resolution)


class OwnKind:
    """Tocsin itself."""

    name = NAME
    facts = FACTS
    causes: frozenset[str] = frozenset()
    absorbed_by: Mapping[str, str] = {}

    def entity_of(self, fact: Event) -> str:
        return entity_of(fact)

    def signals(self, read: Read, fact: Event, now: datetime) -> list[Signal]:
        return signals(fact, now)

    def current(self, read: Read, entity: str, now: datetime) -> list[Signal]:
        """What was missed shows again by itself: the next failure rings, the next success clears."""
        return []
