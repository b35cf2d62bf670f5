"""What facts about certificates mean for alerting."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from tocsin.alerts.models import Clear, EntityType, Raise, Resolution, Signal, Source, Subject
from tocsin.certificates.models import (
    CertificateAlert,
    CertificateEvent,
    CertificateMonitorDeleted,
    CertificateRecovery,
    Problem,
)
from tocsin.containers.models import UNGROUPED, Container
from tocsin.core.events import Event
from tocsin.db.tx import Read
from tocsin.endpoints.models import Endpoint

USUAL_PORT = 443


class Lookups(NamedTuple):
    """What is asked of others: SQL only, in the transaction at hand.

    `standing` is what rings about a monitor, None when there is none; `wanted_by` its endpoint and containers.
    """

    standing: Callable[[Read, int, datetime], list[CertificateAlert] | None]
    wanted_by: Callable[[Read, int], tuple[int | None, list[int]]]
    endpoint: Callable[[Read, int], Endpoint | None]
    container: Callable[[Read, int], Container | None]
    parents: Callable[[Read, Container], tuple[str, ...]]


class CertificateKind:
    """Certificates. What is wrong with one is told apart: each problem is an alert of its own."""

    name = "certificate_alerts"
    facts: tuple[type[Event], ...] = (CertificateAlert, CertificateRecovery, CertificateMonitorDeleted)
    causes: frozenset[str] = frozenset()
    absorbed_by: Mapping[str, str] = {}

    def __init__(self, ask: Lookups) -> None:
        self._ask = ask

    def entity_of(self, fact: Event) -> str:
        assert isinstance(fact, CertificateEvent)  # the reaction table holds no others  # noqa: S101
        return f"certificate:{fact.monitor_id}"

    def signals(self, read: Read, fact: Event, now: datetime) -> list[Signal]:
        match fact:
            case CertificateAlert():
                return [self._raise(read, fact, now)]
            case CertificateRecovery():
                return [_clear(fact.monitor_id, now, fact.previous_alert_type)]
            case CertificateMonitorDeleted():
                return [_clear(fact.monitor_id, now, resolution=Resolution.REMOVED)]
        return []

    def current(self, read: Read, entity: str, now: datetime) -> list[Signal]:
        number = int(entity.partition(":")[2])
        standing = self._ask.standing(read, number, now)
        if standing is None:
            return [_clear(number, now, resolution=Resolution.REMOVED)]
        wrong = {fact.alert_type for fact in standing}
        over = [problem for problem in Problem if problem not in wrong]
        return [_clear(number, now, *over), *(self._raise(read, fact, now) for fact in standing)]

    def _raise(self, read: Read, fact: CertificateAlert, now: datetime) -> Raise:
        return Raise(
            source=Source.CERTIFICATE,
            alert_type=fact.alert_type.value,
            severity=fact.severity,
            subject=self._subject(read, fact),
            message=message(fact),
            details=msgspec.to_builtins(fact),
            at=now,
        )

    def _subject(self, read: Read, fact: CertificateAlert) -> Subject:
        """Group and channels are those of the endpoint or of the first container that names it.

        Only what cannot be reached may be so because of something else.
        """
        endpoint_id, container_ids = self._ask.wanted_by(read, fact.monitor_id)
        endpoint = None if endpoint_id is None else self._ask.endpoint(read, endpoint_id)
        if endpoint is not None and endpoint.container_id is not None:
            container_ids = [*container_ids, endpoint.container_id]
        containers = [found for one in container_ids if (found := self._ask.container(read, one)) is not None]
        parents: list[str] = [] if endpoint is None else [f"endpoint:{endpoint.id}"]
        for container in containers:
            parents += [f"container:{container.id}", *self._ask.parents(read, container)]
        first = containers[0] if containers else None
        return Subject(
            type=EntityType.CERTIFICATE,
            key=str(fact.monitor_id),
            id=fact.monitor_id,
            name=shown(fact.hostname, fact.port),
            host=None if first is None else first.host,
            group=_group(endpoint, first),
            channels=_channels(endpoint, first),
            parents=tuple(dict.fromkeys(parents)) if fact.alert_type is Problem.UNREACHABLE else (),
        )


def message(fact: CertificateAlert) -> str:
    """Return one sentence for people."""
    name = shown(fact.hostname, fact.port)
    end = (fact.not_after or "")[:10]
    match fact.alert_type:
        case Problem.EXPIRED:
            return f"The certificate of {name} expired on {end}"
        case Problem.EXPIRING:
            return f"The certificate of {name} expires {_in_days(fact.days_remaining)}, on {end}"
        case Problem.NOT_YET_VALID:
            return f"The certificate of {name} is not valid before {(fact.not_before or '')[:10]}"
        case Problem.CHAIN_INVALID:
            return f"The certificate of {name} cannot be trusted: {fact.chain_error}"
        case Problem.HOSTNAME_MISMATCH:
            return f"The certificate of {name} is for another name: {fact.error}"
        case Problem.WEAK_KEY:
            return f"The certificate of {name} is too weak: {fact.error}"
        case Problem.UNREACHABLE:
            return f"The certificate of {name} cannot be checked: {fact.error}"


def _in_days(days: int | None) -> str:
    match days:
        case None | 0:
            return "within a day"
        case 1:
            return "in 1 day"
    return f"in {days} days"


def shown(hostname: str, port: int) -> str:
    host = f"[{hostname}]" if ":" in hostname else hostname
    return host if port == USUAL_PORT else f"{host}:{port}"


def _group(endpoint: Endpoint | None, container: Container | None) -> str | None:
    if endpoint is not None and endpoint.group is not None:
        return endpoint.group
    if container is None:
        return None
    group = container.traits.custom_group or container.traits.orchestration_group
    return None if group == UNGROUPED else group


def _channels(endpoint: Endpoint | None, container: Container | None) -> str | None:
    if endpoint is not None and endpoint.alert_channels is not None:
        return endpoint.alert_channels
    return None if container is None else container.traits.alert_channels


def _clear(monitor_id: int, at: datetime, *problems: Problem, resolution: Resolution = Resolution.RECOVERED) -> Clear:
    return Clear(
        entity_type=EntityType.CERTIFICATE,
        entity_key=str(monitor_id),
        at=at,
        alert_types=tuple(problem.value for problem in problems),
        resolution=resolution,
    )
