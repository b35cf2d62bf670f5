"""What the timeline knows about a container at this moment: the evidence that alerts carry."""

from collections.abc import Mapping
from typing import Any

from tocsin.containers import store
from tocsin.containers.models import Container
from tocsin.core.clock import wire, wire_or_none
from tocsin.core.errors import NotFound
from tocsin.db.tx import Read


def find(read: Read, container_id: int) -> Container | None:
    """Return a container, None when there is none (any more)."""
    try:
        return store.get(read, container_id)
    except NotFound:
        return None


def evidence(read: Read, container: Container) -> Mapping[str, Any]:
    """Return how it is, how it ended last, and what it is made of. Keys are always there."""
    last = store.last_end(read, container.id)
    end = last.change if last is not None else None
    return {
        "image": container.image,
        "state": container.state.value,
        "health_status": container.health.value if container.health else None,
        "exit_code": end.exit_code if end is not None else container.exit_code,
        "error_detail": end.error_detail if end is not None else container.error_detail,
        "started_at": wire_or_none(container.started_at),
        "finished_at": wire_or_none(container.finished_at),
        "last_state_change_at": wire(container.last_state_change_at),
        "restarts_since_first_seen": container.restart_count,
        "restart_policy": container.restart_policy,
        "log_excerpt": end.log_snippet if end is not None else None,
        "reconciled": end.reconciled if end is not None else False,
    }
