"""Endpoints that labels ask for follow their container, in the transaction that changes it.

Source: docs/spec/endpoints.md, endpoints of containers.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from msgspec.structs import replace

from tocsin.containers.models import (
    UNGROUPED,
    Container,
    ContainerArchived,
    ContainerDiscovered,
    ContainerEvent,
    ContainerStateChanged,
    ContainerUpdated,
    State,
)
from tocsin.core.clock import wire
from tocsin.db.tx import Reaction, Read, Tx
from tocsin.endpoints import rules, store, views
from tocsin.endpoints.labels import Declared, read_labels
from tocsin.endpoints.models import Config, Endpoint, EndpointConfigError, EndpointSource, RemovalReason

FACTS = (ContainerDiscovered, ContainerUpdated, ContainerStateChanged, ContainerArchived)
RUNNING = frozenset({State.RUNNING})
STOPPED = "container stopped"
BADGE_BYTES = 16

FindContainer = Callable[[Read, int], Container | None]


class Sealer(Protocol):
    """Encrypts the values of headers, and returns those of an endpoint in clear."""

    def seal(self, headers: Mapping[str, str]) -> dict[str, str]: ...
    def open(self, endpoint: Endpoint) -> Mapping[str, str]: ...


def reaction(find_container: FindContainer, sealer: Sealer) -> Reaction:
    """Return the row of the reaction table."""

    def react(tx: Tx, fact: ContainerEvent) -> None:
        follow(tx, fact.container_id, find_container(tx, fact.container_id), sealer, tell=_is_news(fact))

    def rederive(tx: Tx, entity: str) -> None:
        container_id = int(entity.partition(":")[2])
        follow(tx, container_id, find_container(tx, container_id), sealer, tell=False)

    return Reaction("endpoints", FACTS, react, rederive, lambda fact: f"container:{fact.container_id}")


def _is_news(fact: ContainerEvent) -> bool:
    return isinstance(fact, ContainerDiscovered | ContainerUpdated)


def follow(tx: Tx, container_id: int, container: Container | None, sealer: Sealer, *, tell: bool) -> None:
    """Bring the endpoints of a container in line with its labels and its state; *tell* of labels nobody can use."""
    now = tx.clock.now()
    if container is None:
        for endpoint in store.list_left_behind(tx):
            deactivate(tx, endpoint, RemovalReason.CONTAINER_DESTROYED, now)
        return
    known = {endpoint.label_key: endpoint for endpoint in store.list_of_container(tx, container_id)}
    if container.archived_at is not None:
        for endpoint in known.values():
            deactivate(tx, endpoint, RemovalReason.CONTAINER_DESTROYED, now)
        return
    reading = read_labels(() if container.traits.is_ignored else container.traits.monitors)
    wanted = {declared.label_key: declared for declared in reading.endpoints}
    for key, endpoint in known.items():
        if key not in wanted:
            deactivate(tx, endpoint, RemovalReason.LABEL_REMOVED, now)
    for key, declared in wanted.items():
        _sync(tx, container, declared, known.get(key), sealer, now)
    if tell:
        for problem in reading.problems:
            tx.emit(
                EndpointConfigError(
                    endpoint_id=None,
                    container_id=container.id,
                    container_name=container.name,
                    label_key=f"tocsin.{problem.label_key}",
                    error=problem.error,
                    timestamp=wire(now),
                )
            )


def _sync(
    tx: Tx, container: Container, declared: Declared, known: Endpoint | None, sealer: Sealer, now: datetime
) -> None:
    is_stopped = container.state not in RUNNING or container.missing_since is not None
    if known is None:
        fresh = Endpoint(
            id=0,
            source=EndpointSource.LABEL,
            endpoint_type=declared.endpoint_type,
            target=declared.target,
            name=None,
            container_id=container.id,
            label_key=declared.label_key,
            config=_sealed(declared.config, sealer),
            badge_key=secrets.token_urlsafe(BADGE_BYTES),
            suspended_at=now if is_stopped else None,
            first_seen_at=now,
            last_seen_at=now,
        )
        tx.emit(views.discovered(store.create(tx, _placed(fresh, container)), now))
        return
    after = _placed(known, container)
    if not after.active:
        after = replace(after, active=True, deactivated_at=None, generation=after.generation + 1, last_seen_at=now)
    if _differs(after, declared, sealer):
        after = replace(
            after,
            endpoint_type=declared.endpoint_type,
            target=declared.target,
            config=_sealed(declared.config, sealer),
            generation=after.generation + 1,
            last_seen_at=now,
        )
    if is_stopped and after.suspended_at is None:
        put_aside(tx, known, replace(after, suspended_at=now), STOPPED, now)
        return
    if not is_stopped and after.suspended_at is not None:
        after = replace(after, suspended_at=None, generation=after.generation + 1)
    if after != known:
        store.save(tx, known, after)
        tx.emit(views.updated(after, now) if known.active else views.discovered(after, now))


def put_aside(tx: Tx, before: Endpoint, after: Endpoint, reason: str, now: datetime) -> None:
    """Store an endpoint that is not checked for now: nothing is known of it, and nothing rings."""
    decision = rules.put_aside(before, reason, now)
    after = replace(after, generation=before.generation + 1, standing=decision.after)
    store.save(tx, before, after)
    for event in decision.events:
        tx.emit(event)
    tx.emit(views.updated(after, now) if before.active else views.discovered(after, now))


def deactivate(tx: Tx, endpoint: Endpoint, reason: RemovalReason, now: datetime) -> None:
    """Let an endpoint go, with its history for a while: the same container and label bring it back."""
    if not endpoint.active:
        return
    aside = rules.put_aside(endpoint, "not watched any more", now)
    after = replace(
        endpoint, active=False, deactivated_at=now, generation=endpoint.generation + 1, standing=aside.after
    )
    store.save(tx, endpoint, after)
    tx.emit(views.removed(after, reason, now))


def _placed(endpoint: Endpoint, container: Container) -> Endpoint:
    """Return *endpoint* with the facts about its container as they are now."""
    traits = container.traits
    group = traits.custom_group or traits.orchestration_group
    return replace(
        endpoint,
        container_name=container.name,
        host=container.host,
        external_id=container.runtime_id,
        orchestration_group=traits.orchestration_group,
        orchestration_unit=traits.orchestration_unit,
        group=None if group == UNGROUPED else group,
        alert_severity=traits.alert_severity.value,
        alert_channels=traits.alert_channels,
    )


def _differs(endpoint: Endpoint, declared: Declared, sealer: Sealer) -> bool:
    """Say whether labels ask for something else than before."""
    plain = replace(endpoint.config, headers=dict(sealer.open(endpoint)))
    return (endpoint.endpoint_type, endpoint.target, plain) != (
        declared.endpoint_type,
        declared.target,
        declared.config,
    )


def _sealed(config: Config, sealer: Sealer) -> Config:
    return replace(config, headers=sealer.seal(config.headers)) if config.headers else config
