"""What the timeline knows about a container at this moment: the evidence that alerts carry."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tocsin.containers import host_store, store
from tocsin.containers.models import Container, HostRecovered, HostUnreachable
from tocsin.core.clock import wire, wire_or_none
from tocsin.core.errors import NotFound
from tocsin.db.tx import Read

MOST_NAMES = 100


def find(read: Read, container_id: int) -> Container | None:
    """Return a container, None when there is none (any more)."""
    try:
        return store.get(read, container_id)
    except NotFound:
        return None


def parents(read: Read, container: Container) -> tuple[str, ...]:
    """Return what a container cannot do without, such as `host:nas` or `container:7`; what it runs on comes first."""
    project = container.traits.orchestration_group
    needed = [number for name in container.traits.depends_on for number in _named(read, container, project, name)]
    return (f"host:{container.host}", *(f"container:{number}" for number in dict.fromkeys(needed)))


def _named(read: Read, container: Container, project: str | None, name: str) -> list[int]:
    return [number for number in store.find_named(read, container.host, project, name) if number != container.id]


def residents(read: Read, host: str) -> Mapping[str, Any]:
    """Return what lives on a host: the names (the first hundred) and how many there are."""
    names, count = store.list_names(read, host, MOST_NAMES)
    return {"containers": names, "container_count": count}


def host_fact(read: Read, name: str, at: datetime) -> HostUnreachable | HostRecovered:
    """Return what is to be told of a host as it is now: that it is lost, once that was announced, or that it is not."""
    host = host_store.find(read, name)
    if host is not None and host.announced:
        return HostUnreachable(host=name, error=host.error or "", since=wire(host.lost_at or at), timestamp=wire(at))
    reason = "removed" if host is None else "connected"
    return HostRecovered(host=name, down_seconds=0, reason=reason, timestamp=wire(at))


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
