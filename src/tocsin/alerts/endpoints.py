"""What facts about endpoints mean for alerting."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from tocsin.alerts.models import Clear, EntityType, Raise, Resolution, Signal, Source, Subject
from tocsin.containers.models import Container, Severity
from tocsin.core.clock import wire_or_none
from tocsin.core.events import Event
from tocsin.db.tx import Read
from tocsin.endpoints.models import (
    AlertState,
    Endpoint,
    EndpointAlert,
    EndpointEvent,
    EndpointRecovery,
    EndpointRemoved,
    EndpointSlow,
    EndpointSlowRecovery,
    EndpointUpdated,
)

DOWN, SLOW = "consecutive_failure", "slow_response"


class Lookups(NamedTuple):
    """What is asked of others: SQL only, in the transaction at hand."""

    endpoint: Callable[[Read, int], Endpoint | None]
    container: Callable[[Read, int], Container | None]
    parents: Callable[[Read, Container], tuple[str, ...]]


class EndpointKind:
    """Endpoints: down, or slower than they may be."""

    name = "endpoint_alerts"
    facts: tuple[type[Event], ...] = (
        EndpointAlert,
        EndpointRecovery,
        EndpointSlow,
        EndpointSlowRecovery,
        EndpointUpdated,
        EndpointRemoved,
    )
    causes = frozenset({DOWN})
    absorbed_by: Mapping[str, str] = {}

    def __init__(self, ask: Lookups) -> None:
        self._ask = ask

    def entity_of(self, fact: Event) -> str:
        assert isinstance(fact, EndpointEvent)  # the reaction table holds no others  # noqa: S101
        return f"endpoint:{fact.endpoint_id}"

    def signals(self, read: Read, fact: Event, now: datetime) -> list[Signal]:
        assert isinstance(fact, EndpointEvent)  # as above  # noqa: S101
        key = str(fact.endpoint_id)
        match fact:
            case EndpointRecovery():
                return [_clear(key, now, DOWN)]
            case EndpointSlowRecovery():
                return [_clear(key, now, SLOW)]
            case EndpointRemoved():
                return [_clear(key, now, resolution=Resolution.REMOVED)]
            case EndpointUpdated(paused=True):
                return [_clear(key, now, resolution=Resolution.PAUSED)]
            case EndpointUpdated(suspended=True):
                return [_clear(key, now, resolution=Resolution.STOPPED)]
        endpoint = self._ask.endpoint(read, fact.endpoint_id)
        if endpoint is None:
            return [_clear(key, now, resolution=Resolution.REMOVED)]
        match fact:
            case EndpointAlert():
                return [self._down(read, endpoint, fact, now), _clear(key, now, SLOW)]
            case EndpointSlow():
                return [self._slow(read, endpoint, fact, now)]
        return []

    def current(self, read: Read, entity: str, now: datetime) -> list[Signal]:
        key = entity.partition(":")[2]
        endpoint = self._ask.endpoint(read, int(key))
        if endpoint is None or not endpoint.active:
            return [_clear(key, now, resolution=Resolution.REMOVED)]
        if not endpoint.is_checked:
            paused = endpoint.paused_at is not None
            return [_clear(key, now, resolution=Resolution.PAUSED if paused else Resolution.STOPPED)]
        standing = endpoint.standing
        found: list[Signal] = []
        if standing.alert_state is AlertState.ALERTING:
            details = {
                "target": endpoint.target.partition("?")[0],
                "failures": standing.consecutive_failures,
                "threshold": endpoint.config.failure_threshold,
                "last_error": standing.last_error,
                "since": wire_or_none(standing.since),
            }
            message = _message(endpoint, standing.last_error or "no answer", standing.consecutive_failures)
            found.append(self._raise(read, endpoint, DOWN, Severity.CRITICAL, message, details, now))
        else:
            found.append(_clear(key, now, DOWN))
        if standing.slow_alerting:
            took, most = standing.last_response_time_ms or 0, endpoint.config.degraded_after_ms or 0
            details = {"target": endpoint.target.partition("?")[0], "response_time_ms": took, "degraded_after_ms": most}
            message = _slow_message(endpoint, took, most)
            found.append(self._raise(read, endpoint, SLOW, Severity.WARNING, message, details, now))
        else:
            found.append(_clear(key, now, SLOW))
        return found

    def _down(self, read: Read, endpoint: Endpoint, fact: EndpointAlert, now: datetime) -> Raise:
        details = {
            "target": fact.target,
            "failures": fact.consecutive_failures,
            "threshold": fact.threshold,
            "last_error": fact.last_error,
            "since": fact.since,
            "http_status": endpoint.standing.last_http_status,
            **fact.evidence,
        }
        message = _message(endpoint, fact.last_error, fact.consecutive_failures)
        return self._raise(read, endpoint, DOWN, Severity.CRITICAL, message, details, now)

    def _slow(self, read: Read, endpoint: Endpoint, fact: EndpointSlow, now: datetime) -> Raise:
        details = {
            "target": fact.target,
            "slow": fact.consecutive_slow,
            "threshold": fact.threshold,
            "response_time_ms": fact.response_time_ms,
            "degraded_after_ms": fact.degraded_after_ms,
        }
        message = _slow_message(endpoint, fact.response_time_ms, fact.degraded_after_ms)
        return self._raise(read, endpoint, SLOW, Severity.WARNING, message, details, now)

    def _raise(
        self,
        read: Read,
        endpoint: Endpoint,
        alert_type: str,
        severity: Severity,
        message: str,
        details: dict[str, Any],
        now: datetime,
    ) -> Raise:
        return Raise(
            source=Source.ENDPOINT,
            alert_type=alert_type,
            severity=severity,
            subject=self._subject(read, endpoint),
            message=message,
            details=details,
            at=now,
        )

    def _subject(self, read: Read, endpoint: Endpoint) -> Subject:
        """Return who it is about. It cannot do without its container, nor without what that needs."""
        container = None if endpoint.container_id is None else self._ask.container(read, endpoint.container_id)
        parents: tuple[str, ...] = ()
        if container is not None:
            parents = (*self._ask.parents(read, container), f"container:{container.id}")
        return Subject(
            type=EntityType.ENDPOINT,
            key=str(endpoint.id),
            id=endpoint.id,
            name=endpoint.container_name or endpoint.shown_name,
            host=endpoint.host,
            group=endpoint.group,
            channels=endpoint.alert_channels,
            parents=parents,
        )


def _message(endpoint: Endpoint, error: str, failures: int) -> str:
    target = endpoint.target.partition("?")[0]
    name = f"{endpoint.name} ({target})" if endpoint.name else target
    return f"Endpoint {name} is down: {error} ({failures} consecutive {'failure' if failures == 1 else 'failures'})"


def _slow_message(endpoint: Endpoint, took_ms: int, most_ms: int) -> str:
    return f"{endpoint.shown_name} is slow: {took_ms} ms, expected {most_ms} ms"


def _clear(key: str, at: datetime, *types: str, resolution: Resolution = Resolution.RECOVERED) -> Clear:
    return Clear(entity_type=EntityType.ENDPOINT, entity_key=key, at=at, alert_types=types, resolution=resolution)
