"""What facts about containers and hosts mean for alerting: the table that each kind of monitor adds its rows to."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from tocsin.alerts.models import RANK, Clear, EntityType, Raise, Resolution, Signal, Source, Subject
from tocsin.containers.models import (
    LIVE_STATES,
    UNGROUPED,
    Container,
    ContainerArchived,
    ContainerEvent,
    ContainerHealthChanged,
    ContainerRestartAlert,
    ContainerRestartRecovery,
    ContainerStateChanged,
    Health,
    HostRecovered,
    HostUnreachable,
    Severity,
    State,
)
from tocsin.core.events import Event
from tocsin.db.tx import Read

RESTARTING_POLICIES = frozenset({"always", "unless-stopped", "on-failure"})
RESTART_WAIT_SECONDS = 10
"""A container that will be restarted in a moment is not down; one that keeps being restarted is a restart loop."""
DOWN, LOOP, UNHEALTHY, UNREACHABLE = "container_down", "restart_loop", "health_unhealthy", "host_unreachable"

CAUSES = frozenset({DOWN, LOOP, UNHEALTHY, UNREACHABLE})
"""What else goes wrong while one of these is open on something it needs is told as its consequence."""

ABSORBED_BY = {DOWN: LOOP}
"""A container that its policy gave up on is still the same trouble: what has waited joins the alert there is."""

Evidence = Mapping[str, Any]


def subject_of(container: Container) -> Subject:
    traits = container.traits
    group = traits.custom_group or traits.orchestration_group
    return Subject(
        type=EntityType.CONTAINER,
        key=str(container.id),
        id=container.id,
        name=container.name,
        host=container.host,
        group=None if group == UNGROUPED else group,
        channels=traits.alert_channels,
        parents=(f"host:{container.host}",),
    )


def host_subject(name: str) -> Subject:
    return Subject(type=EntityType.HOST, key=name, name=name, host=name)


def on_container(fact: ContainerEvent, container: Container | None, at: datetime, evidence: Evidence) -> list[Signal]:
    """Return what *fact* raises and clears. *container* is as stored after it, None when it was deleted.

    *evidence* is what the timeline knows of the moment: exit code, reason, last words, what changed before.
    """
    key = str(fact.container_id)
    if container is None or isinstance(fact, ContainerArchived):
        return [_clear(key, at, resolution=Resolution.REMOVED)]
    if container.traits.is_ignored:
        return [_clear(key, at, resolution=Resolution.REMOVED)]
    match fact:
        case ContainerStateChanged():
            return _on_state(fact, container, at, evidence)
        case ContainerHealthChanged(health_status=Health.UNHEALTHY):
            return [_raise(container, UNHEALTHY, f"{container.name} is unhealthy", at, evidence)]
        case ContainerHealthChanged(health_status=Health.HEALTHY):
            return [_clear(key, at, UNHEALTHY)]
        case ContainerRestartAlert():
            message = f"{container.name} keeps restarting: {fact.restart_count} times"
            details = {"restart_count": fact.restart_count, "threshold": fact.threshold, **evidence}
            return [_raise(container, LOOP, message, at, details, least=fact.severity)]
        case ContainerRestartRecovery():
            return [_clear(key, at, LOOP), *_still_down(container, at, evidence)]
    return []


def _on_state(fact: ContainerStateChanged, container: Container, at: datetime, evidence: Evidence) -> list[Signal]:
    key = str(container.id)
    if fact.state in LIVE_STATES:
        return [_clear(key, at, DOWN)]
    signals: list[Signal] = [_clear(key, at, UNHEALTHY, resolution=Resolution.STOPPED)]
    if fact.state in {State.EXITED, State.DEAD}:
        will_restart = container.restart_policy in RESTARTING_POLICIES
        wait = RESTART_WAIT_SECONDS if will_restart else 0
        signals.append(_raise(container, DOWN, _down_message(container), at, evidence, wait_seconds=wait))
    else:
        signals.append(_clear(key, at, DOWN, resolution=Resolution.STOPPED))
    return signals


def _still_down(container: Container, at: datetime, evidence: Evidence) -> list[Signal]:
    """Return what rings when no more restarts are counted because there are none any more."""
    if container.state not in {State.EXITED, State.DEAD}:
        return []
    return [_raise(container, DOWN, _down_message(container), at, evidence)]


def _down_message(container: Container) -> str:
    if container.error_detail:
        return f"{container.name} stopped: {container.error_detail}"
    if container.exit_code is not None:
        return f"{container.name} stopped with exit code {container.exit_code}"
    return f"{container.name} is {container.state}"


def _raise(
    container: Container,
    alert_type: str,
    message: str,
    at: datetime,
    details: Evidence,
    *,
    least: Severity | None = None,
    wait_seconds: int = 0,
) -> Raise:
    severity = container.traits.alert_severity
    if least is not None and RANK[least] > RANK[severity]:
        severity = least
    return Raise(
        source=Source.CONTAINER,
        alert_type=alert_type,
        severity=severity,
        subject=subject_of(container),
        message=message,
        details=dict(details),
        at=at,
        wait_seconds=wait_seconds,
    )


def _clear(key: str, at: datetime, *types: str, resolution: Resolution = Resolution.RECOVERED) -> Clear:
    return Clear(entity_type=EntityType.CONTAINER, entity_key=key, at=at, alert_types=types, resolution=resolution)


def on_host(fact: HostUnreachable | HostRecovered, at: datetime, residents: Evidence) -> list[Signal]:
    """Return what the loss or the return of a host raises and clears. *residents* says what lives there."""
    if isinstance(fact, HostRecovered):
        resolution = Resolution.RECOVERED if fact.reason == "connected" else Resolution.REMOVED
        return [Clear(entity_type=EntityType.HOST, entity_key=fact.host, at=at, resolution=resolution)]
    return [
        Raise(
            source=Source.HOST,
            alert_type=UNREACHABLE,
            severity=Severity.CRITICAL,
            subject=host_subject(fact.host),
            message=f"The engine on {fact.host} cannot be reached: {fact.error}",
            details={"error": fact.error, "since": fact.since, **residents},
            at=at,
        )
    ]


def current(container: Container | None, at: datetime, evidence: Evidence) -> list[Signal]:
    """Return what must hold for a container whose facts were not dealt with, from how it is now."""
    if container is None:
        return []
    state = ContainerStateChanged(
        id=container.id,
        container_id=container.id,
        container_name=container.name,
        state=container.state,
        previous_state=container.state,
        health_status=container.health,
        exit_code=container.exit_code,
        error_detail=container.error_detail,
        restarts=0,
        reconciled=True,
        timestamp="",
    )
    signals = on_container(state, container, at, evidence)
    key = str(container.id)
    if container.health is Health.UNHEALTHY and container.state is State.RUNNING:
        signals.append(_raise(container, UNHEALTHY, f"{container.name} is unhealthy", at, evidence))
    elif container.health is Health.HEALTHY:
        signals.append(_clear(key, at, UNHEALTHY))
    if container.restart_alert is None:
        signals.append(_clear(key, at, LOOP))
    else:
        message, least = f"{container.name} keeps restarting", container.restart_alert
        signals.append(_raise(container, LOOP, message, at, evidence, least=least))
    return signals


CONTAINER_FACTS: tuple[type[Event], ...] = (
    ContainerStateChanged,
    ContainerHealthChanged,
    ContainerRestartAlert,
    ContainerRestartRecovery,
    ContainerArchived,
)
HOST_FACTS: tuple[type[Event], ...] = (HostUnreachable, HostRecovered)


class Lookups(NamedTuple):
    """What is asked of the containers: SQL only, in the transaction at hand."""

    container: Callable[[Read, int], Container | None]
    evidence: Callable[[Read, Container], Evidence]
    parents: Callable[[Read, Container], tuple[str, ...]]
    residents: Callable[[Read, str], Evidence]
    host: Callable[[Read, str, datetime], HostUnreachable | HostRecovered]


class ContainerKind:
    """Containers, and the hosts they run on."""

    name = "alerts"
    facts = (*CONTAINER_FACTS, *HOST_FACTS)
    causes = CAUSES
    absorbed_by = ABSORBED_BY

    def __init__(self, ask: Lookups) -> None:
        self._ask = ask

    def entity_of(self, fact: Event) -> str:
        if isinstance(fact, HostUnreachable | HostRecovered):
            return f"host:{fact.host}"
        return f"container:{getattr(fact, 'container_id', 0)}"

    def signals(self, read: Read, fact: Event, now: datetime) -> list[Signal]:
        if isinstance(fact, HostUnreachable | HostRecovered):
            return on_host(fact, now, self._ask.residents(read, fact.host))
        assert isinstance(fact, ContainerEvent)  # the reaction table holds no others  # noqa: S101
        container = self._ask.container(read, fact.container_id)
        if container is None:
            return on_container(fact, None, now, {})
        return self._placed(read, container, on_container(fact, container, now, self._ask.evidence(read, container)))

    def current(self, read: Read, entity: str, now: datetime) -> list[Signal]:
        kind, _, key = entity.partition(":")
        if kind == EntityType.HOST:
            return self.signals(read, self._ask.host(read, key, now), now)
        container = self._ask.container(read, int(key))
        if container is None or container.archived_at is not None:
            return [_clear(key, now)]
        return self._placed(read, container, current(container, now, self._ask.evidence(read, container)))

    def _placed(self, read: Read, container: Container, signals: list[Signal]) -> list[Signal]:
        """Return *signals* with what the container cannot do without."""
        if not any(isinstance(signal, Raise) for signal in signals):
            return signals
        parents = self._ask.parents(read, container)
        return [
            replace(signal, subject=replace(signal.subject, parents=parents)) if isinstance(signal, Raise) else signal
            for signal in signals
        ]
