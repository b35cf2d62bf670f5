"""One change of one container, written whole in one transaction: its row, its timeline, its days, its facts."""

from datetime import timedelta

from msgspec.structs import replace

from tocsin.containers import rules, store, uptime, views
from tocsin.containers.models import (
    Container,
    ContainerDiscovered,
    ContainerRestartAlert,
    ContainerRestartRecovery,
    ContainerUpdated,
    State,
)
from tocsin.containers.rules import Decision
from tocsin.core.clock import wire
from tocsin.db.tx import Tx

_SHOWN = ("name", "image", "traits", "has_health_check", "missing_since", "archived_at", "runtime_id")


def insert(tx: Tx, decision: Decision, restart_window: timedelta) -> Container:
    """Store a container seen for the first time, and say so."""
    decided, blank = decision.after, replace(decision.after, state=State.CREATED, health=None)
    container = store.create(tx, decided)
    store.attach(tx, container.host, container.runtime_id, container.id)
    store.record(tx, replace(blank, id=container.id), decision.changes)
    tx.emit(
        ContainerDiscovered(
            id=container.id,
            container_id=container.id,
            container_name=container.name,
            container=views.view(container, int(restart_window.total_seconds())),
            timestamp=wire(tx.clock.now()),
        )
    )
    return container


def apply(tx: Tx, before: Container, decision: Decision, restart_window: timedelta) -> Container:
    """Write what was decided about *before*, and say what changed."""
    if decision.amend is not None:
        store.amend(tx, before.id, decision.amend)
    after = decision.after
    if after.key != before.key:
        other = store.find_by_key(tx, after.host, after.key)
        if other is not None and other.id != before.id:
            return _yield_to(tx, before, decision, other, restart_window)
    store.record(tx, _resumed(tx, before, after), decision.changes)
    after = _check_restart_loop(tx, after, decision, restart_window)
    store.save(tx, before, after)
    for change in decision.changes:
        tx.emit(views.change_event(after, change))
    if any(getattr(before, name) != getattr(after, name) for name in _SHOWN):
        emit_updated(tx, after, restart_window)
    return after


def emit_updated(tx: Tx, container: Container, restart_window: timedelta) -> None:
    tx.emit(
        ContainerUpdated(
            id=container.id,
            container_id=container.id,
            container_name=container.name,
            container=views.view(container, int(restart_window.total_seconds())),
            timestamp=wire(tx.clock.now()),
        )
    )


def _resumed(tx: Tx, before: Container, after: Container) -> Container:
    """Close the books on a container that comes back: what it was until it was removed, and nothing for the gap."""
    came_back = (before.missing_since or before.archived_at) and not (after.missing_since or after.archived_at)
    if not came_back:
        return before
    store.add_days(tx, before.id, uptime.open_span(before, tx.clock.now()))
    return replace(before, accounted_at=max(before.accounted_at, after.accounted_at))


def _yield_to(tx: Tx, before: Container, decision: Decision, other: Container, restart_window: timedelta) -> Container:
    """Let the row that goes by the new name carry on with this runtime container; the old row is missing now."""
    now = tx.clock.now()
    store.attach(tx, other.host, decision.after.runtime_id, other.id)
    rest = store.list_runtime_ids(tx, before.id)
    left = replace(before, missing_since=before.missing_since or now, runtime_id=rest[0] if rest else before.runtime_id)
    apply(tx, before, Decision(left), restart_window)
    return apply(tx, other, rules.take_place(other, decision.after, now), restart_window)


def _check_restart_loop(tx: Tx, container: Container, decision: Decision, restart_window: timedelta) -> Container:
    """Ring once when restarts in the window reach the threshold, and once more when they become critical."""
    if not any(change.restarts for change in decision.changes):
        return container
    now = tx.clock.now()
    count = store.count_restarts(tx, container.id, now - window_of(container, restart_window))
    severity = rules.restart_severity(container, count)
    if severity is None or not rules.is_worse(severity, container.restart_alert):
        return container
    tx.emit(
        ContainerRestartAlert(
            id=container.id,
            container_id=container.id,
            container_name=container.name,
            restart_count=count,
            threshold=container.traits.restart_threshold,
            severity=severity,
            channels=container.traits.alert_channels,
            timestamp=wire(now),
        )
    )
    return replace(container, restart_alert=severity)


def end_restart_loop(tx: Tx, container: Container, restart_window: timedelta) -> bool:
    """Take back the restart alert once the window holds no restart any more; return whether it did."""
    now = tx.clock.now()
    if store.count_restarts(tx, container.id, now - window_of(container, restart_window)) > 0:
        return False
    store.save(tx, container, replace(container, restart_alert=None))
    tx.emit(
        ContainerRestartRecovery(
            id=container.id, container_id=container.id, container_name=container.name, timestamp=wire(now)
        )
    )
    return True


def window_of(container: Container, restart_window: timedelta) -> timedelta:
    seconds = container.traits.restart_window_seconds
    return timedelta(seconds=seconds) if seconds else restart_window
