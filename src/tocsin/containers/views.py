"""From stored state to what the API and the events show."""

import re
from collections.abc import Iterable

from tocsin.containers.models import (
    LIVE_STATES,
    UNGROUPED,
    Change,
    Container,
    ContainerArchived,
    ContainerGroup,
    ContainerHealthChanged,
    ContainerStateChanged,
    ContainerView,
    GroupSource,
    State,
    TransitionView,
)
from tocsin.containers.store import Transition
from tocsin.core.clock import wire, wire_or_none

_TRAITS = (
    "orchestration_group",
    "orchestration_unit",
    "compose_working_dir",
    "custom_group",
    "is_ignored",
    "alert_severity",
    "restart_threshold",
    "alert_channels",
    "depends_on",
    "controller_kind",
    "swarm_service_id",
    "swarm_service_name",
    "swarm_node_id",
    "swarm_task_slot",
)


def view(container: Container, restart_window_seconds: int) -> ContainerView:
    """Return the API object. *restart_window_seconds* is the setting, for containers whose labels give none."""
    traits = container.traits
    return ContainerView(
        id=container.id,
        host=container.host,
        external_id=container.runtime_id,
        name=container.name,
        image=container.image,
        state=container.state,
        health_status=container.health,
        has_health_check=container.has_health_check,
        restart_window_seconds=traits.restart_window_seconds or restart_window_seconds,
        archived=container.archived_at is not None,
        archived_at=wire_or_none(container.archived_at),
        first_seen_at=wire(container.first_seen_at),
        last_state_change_at=wire(container.last_state_change_at),
        started_at=wire_or_none(container.started_at),
        finished_at=wire_or_none(container.finished_at),
        exit_code=container.exit_code,
        restart_count=container.restart_count,
        restart_loop=container.restart_alert is not None,
        missing_since=wire_or_none(container.missing_since),
        stale_since=wire_or_none(container.stale_since),
        runtime_type="docker",
        error_detail=container.error_detail,
        namespace=None,
        pod_count=1,
        ready_count=1 if container.state is State.RUNNING else 0,
        swarm_service_mode=None,
        swarm_desired_replicas=None,
        security_insight_count=0,
        security_highest_severity=None,
        **{name: getattr(traits, name) for name in _TRAITS},
    )


def group_of(container: Container) -> tuple[str, GroupSource]:
    """Return the group a container is shown in, and where the name comes from."""
    traits = container.traits
    if traits.custom_group:
        return traits.custom_group, GroupSource.LABEL
    if traits.controller_kind:
        return traits.orchestration_group or UNGROUPED, GroupSource.NAMESPACE
    if traits.orchestration_group:
        return traits.orchestration_group, GroupSource.COMPOSE
    return UNGROUPED, GroupSource.DEFAULT


def natural(name: str) -> list[tuple[int, int | str]]:
    """Return a key that sorts `web-2` before `web-10`."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name.casefold()) if part]


def grouped(containers: Iterable[Container], restart_window_seconds: int) -> list[ContainerGroup]:
    """Return *containers* by group, groups in the order of their first container."""
    groups: dict[str, ContainerGroup] = {}
    for container in containers:
        name, source = group_of(container)
        group = groups.setdefault(name, ContainerGroup(name=name, source=source, containers=[]))
        group.containers.append(view(container, restart_window_seconds))
    return list(groups.values())


def transition_view(transition: Transition) -> TransitionView:
    change = transition.change
    return TransitionView(
        id=transition.id,
        container_id=transition.container_id,
        previous_state=change.previous_state,
        new_state=change.new_state,
        previous_health=change.previous_health,
        new_health=change.new_health,
        exit_code=change.exit_code,
        log_snippet=change.log_snippet,
        error_detail=change.error_detail,
        restarts=change.restarts,
        reconciled=change.reconciled,
        timestamp=wire(change.at),
    )


def change_event(container: Container, change: Change) -> ContainerStateChanged | ContainerHealthChanged:
    """Return the fact that a line of the timeline states."""
    if change.about_health:
        return ContainerHealthChanged(
            id=container.id,
            container_id=container.id,
            container_name=container.name,
            health_status=change.new_health,
            previous_health=change.previous_health,
            reconciled=change.reconciled,
            timestamp=wire(change.at),
        )
    return ContainerStateChanged(
        id=container.id,
        container_id=container.id,
        container_name=container.name,
        state=change.new_state,
        previous_state=change.previous_state,
        health_status=change.health,
        exit_code=change.exit_code,
        error_detail=change.error_detail,
        restarts=change.restarts,
        reconciled=change.reconciled,
        timestamp=wire(change.at),
    )


def archived_event(container: Container, timestamp: str, *, deleted: bool) -> ContainerArchived:
    return ContainerArchived(
        id=container.id,
        container_id=container.id,
        container_name=container.name,
        archived_at=None if deleted else wire_or_none(container.archived_at),
        deleted=deleted,
        timestamp=timestamp,
    )


def is_live(container: Container) -> bool:
    return container.state in LIVE_STATES and container.archived_at is None and container.missing_since is None
