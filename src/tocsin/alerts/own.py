"""What Tocsin says about itself: a reaction that failed, a channel that takes nothing, a webhook that was paused."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from tocsin.alerts.models import Clear, EntityType, Raise, Resolution, Signal, Source, Subject
from tocsin.channels.models import ChannelDeleted, ChannelFailing, ChannelRecovered, ChannelUpdated
from tocsin.containers.models import Severity
from tocsin.core.events import Event
from tocsin.db.tx import ReactionFailed, ReactionRecovered, Read, reaction_fact
from tocsin.endpoints.models import ConnectivityLost, ConnectivityRecovered
from tocsin.webhooks.models import PAUSED_BY_HAND, Webhook, WebhookDeleted, WebhookDisabled, WebhookUpdated

NAME = "self_health"
FACTS: tuple[type[Event], ...] = (
    ReactionFailed,
    ReactionRecovered,
    ChannelFailing,
    ChannelRecovered,
    ChannelUpdated,
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
        case ChannelUpdated():
            return f"channel:{fact.channel.id}"
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
            return [_paused(key, fact.name, fact.last_error, fact.failure_count, at)]
        case ConnectivityLost():
            details = {"error": fact.error, "endpoint_count": fact.endpoint_count}
            message = f"{REACH[fact.scope]} ({fact.error}): nobody is judged meanwhile"
            return [_raise("connectivity_lost", key, fact.scope, message, details, at, Severity.CRITICAL)]
        case WebhookUpdated():
            return [_clear(key, at)] if fact.webhook.is_active else []
        case ChannelUpdated():
            return [] if fact.channel.enabled else [_clear(key, at, Resolution.PAUSED)]
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


def _of_webhook(webhook: Webhook | None, key: str, at: datetime) -> list[Signal]:
    if webhook is None:
        return [_clear(key, at, Resolution.REMOVED)]
    if webhook.is_active:
        return [_clear(key, at)]
    if webhook.disabled_reason == PAUSED_BY_HAND:
        return []
    return [_paused(key, webhook.name, webhook.disabled_reason or "unknown", webhook.failure_count, at)]


def _paused(key: str, name: str, error: str, failure_count: int, at: datetime) -> Raise:
    message = f"The webhook {name} was paused: {error}"
    details = {"error": error, "failure_count": failure_count}
    return _raise("webhook_disabled", key, name, message, details, at, Severity.WARNING)


class OwnLookups(NamedTuple):
    """What is asked when facts were lost: of channels and webhooks by SQL, in the transaction at hand; of our own
    network as the guard of the checks remembers it."""

    channel: Callable[[Read, int, datetime], Event | None]
    webhook: Callable[[Read, str], Webhook | None]
    connectivity: Callable[[str], ConnectivityLost | ConnectivityRecovered]


class OwnKind:
    """Tocsin itself."""

    name = NAME
    facts = FACTS
    causes: frozenset[str] = frozenset()
    absorbed_by: Mapping[str, str] = {}

    def __init__(self, ask: OwnLookups) -> None:
        self._ask = ask

    def entity_of(self, fact: Event) -> str:
        return entity_of(fact)

    def signals(self, read: Read, fact: Event, now: datetime) -> list[Signal]:
        return signals(fact, now)

    def current(self, read: Read, entity: str, now: datetime) -> list[Signal]:
        kind, _, key = entity.partition(":")
        if kind == "webhook":
            return _of_webhook(self._ask.webhook(read, key), entity, now)
        if kind == "connectivity":
            return signals(self._ask.connectivity(key), now)
        fact = reaction_fact(read, key, now) if kind == "reaction" else self._ask.channel(read, int(key), now)
        return signals(fact, now) if fact is not None else []
