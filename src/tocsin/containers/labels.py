"""What labels say: our own (`tocsin.…`, with `maintenant.…` as an alias), Compose's and Swarm's.

Source: docs/labels.md.
"""

from collections.abc import Mapping
from datetime import timedelta

from tocsin.containers.models import Severity, Traits
from tocsin.core.durations import parse_duration

PREFIX, ALIAS = "tocsin.", "maintenant."
COMPOSE, SWARM = "com.docker.compose.", "com.docker.swarm."
SHORTEST_WINDOW, LONGEST_WINDOW = timedelta(seconds=10), timedelta(days=7)
LONGEST_TEXT = 255
MOST_DEPENDENCIES = 20
MONITORS = ("endpoint.", "tls.")
MOST_MONITOR_LABELS, LONGEST_MONITOR_LABEL = 200, 4096


def own(labels: Mapping[str, str], name: str) -> str | None:
    """Return the trimmed value of our label *name*; None when it is absent or empty."""
    value = labels.get(PREFIX + name, labels.get(ALIAS + name, "")).strip()
    return value[:LONGEST_TEXT] or None


def read_traits(labels: Mapping[str, str]) -> Traits:
    """Return the traits. A value we cannot use counts as absent: a typing error must not hide a container."""
    service = labels.get(f"{SWARM}service.name") or None
    return Traits(
        orchestration_group=labels.get(f"{COMPOSE}project") or labels.get("com.docker.stack.namespace") or None,
        orchestration_unit=labels.get(f"{COMPOSE}service") or service,
        compose_working_dir=labels.get(f"{COMPOSE}project.working_dir") or None,
        custom_group=own(labels, "group"),
        is_ignored=own(labels, "ignore") in {"true", "1"},
        alert_severity=_severity(own(labels, "alert.severity")),
        restart_threshold=_threshold(own(labels, "alert.restart_threshold")),
        restart_window_seconds=_window(own(labels, "alert.restart_window")),
        alert_channels=own(labels, "alert.channels"),
        depends_on=_dependencies(labels),
        controller_kind="swarm-service" if service else None,
        swarm_service_id=labels.get(f"{SWARM}service.id") or None,
        swarm_service_name=service,
        swarm_node_id=labels.get(f"{SWARM}node.id") or None,
        swarm_task_slot=_slot(labels),
        monitors=_monitors(labels),
    )


def _monitors(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the labels that ask for endpoints and certificates, by name; ours win over those of the alias."""
    found: dict[str, str] = {}
    for prefix in (ALIAS, PREFIX):
        for label, value in labels.items():
            name = label.removeprefix(prefix)
            if label.startswith(prefix) and name.startswith(MONITORS):
                found[name] = value.strip()[:LONGEST_MONITOR_LABEL]
    return tuple(sorted(found.items()))[:MOST_MONITOR_LABELS]


def _dependencies(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of what a container cannot do without: our label's, then what Compose was told.

    Compose writes `db:service_healthy:true,redis:service_started:false`.
    """
    own_words = (own(labels, "depends_on") or "").split(",")
    compose = [word.partition(":")[0] for word in labels.get(f"{COMPOSE}depends_on", "").split(",")]
    names = [word.strip() for word in (*own_words, *compose)]
    return tuple(dict.fromkeys(name[:LONGEST_TEXT] for name in names if name))[:MOST_DEPENDENCIES]


def identity_key(name: str, labels: Mapping[str, str]) -> str:
    """Return what stays the same when a container is made anew; together with the host it is its identity.

    Source: docs/spec/containers.md, identity.
    """
    project, service = labels.get(f"{COMPOSE}project"), labels.get(f"{COMPOSE}service")
    if labels.get(f"{COMPOSE}oneoff", "").lower() != "true":
        if project and service:
            return f"compose:{project}/{service}/{labels.get(f'{COMPOSE}container-number') or 1}"
        if swarm_service := labels.get(f"{SWARM}service.name"):
            slot = _slot(labels) or labels.get(f"{SWARM}node.id") or name
            return f"swarm:{swarm_service}/{slot}"
    return f"name:{name}"


def keyed_by_name(key: str) -> bool:
    return key.startswith("name:")


def _severity(text: str | None) -> Severity:
    return Severity(text) if text in set(Severity) else Severity.WARNING


def _threshold(text: str | None) -> int:
    return int(text) if text and _is_number(text) and 1 <= int(text) <= 10_000 else 3


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _window(text: str | None) -> int | None:
    try:
        window = parse_duration(text or "", days=True)
    except ValueError:
        return None
    return int(window.total_seconds()) if SHORTEST_WINDOW <= window <= LONGEST_WINDOW else None


def _slot(labels: Mapping[str, str]) -> int | None:
    """Return the slot in a task name such as `web.3.k2j…`; global services have a node id there instead."""
    service, task = labels.get(f"{SWARM}service.name", ""), labels.get(f"{SWARM}task.name", "")
    slot = task.removeprefix(f"{service}.").partition(".")[0]
    return int(slot) if service and _is_number(slot) else None
