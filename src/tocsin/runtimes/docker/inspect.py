"""What `GET /containers/{id}/json` means, read so that a missing or odd field is no surprise."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from tocsin.runtimes.base import Details, RuntimeUnavailable

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")
_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
HEALTH_WORDS = {"healthy": "healthy", "unhealthy": "unhealthy", "starting": "starting", "none": None, "": None}


class OddContainer(RuntimeUnavailable):
    """The engine describes one container in a way we cannot read; the others are not to blame."""


class _Health(msgspec.Struct, rename="pascal"):
    status: str = ""


class _State(msgspec.Struct, rename="pascal"):
    status: str = ""
    started_at: str = ""
    finished_at: str = ""
    exit_code: int = 0
    error: str = ""
    health: _Health | None = None
    oom_killed: bool = msgspec.field(default=False, name="OOMKilled")


class _Healthcheck(msgspec.Struct, rename="pascal"):
    test: list[str] | None = None


class _Config(msgspec.Struct, rename="pascal"):
    image: str = ""
    labels: dict[str, str] | None = None
    tty: bool = False
    healthcheck: _Healthcheck | None = None


class _RestartPolicy(msgspec.Struct, rename="pascal"):
    name: str = ""


class _HostConfig(msgspec.Struct, rename="pascal"):
    restart_policy: _RestartPolicy | None = None


class _Inspect(msgspec.Struct, rename="pascal"):
    id: Annotated[str, Meta(min_length=1)]
    name: str
    created: str
    state: _State
    config: _Config
    host_config: _HostConfig | None = None
    restart_count: int = 0


def read_details(answer: object, inspected_at: datetime) -> Details:
    """Return the details of one container.  Raises OddContainer: the answer is not about a container."""
    try:
        seen = msgspec.convert(answer, _Inspect, strict=False)
    except msgspec.ValidationError as exc:
        raise OddContainer(f"The engine described a container in a way we do not understand: {exc}") from exc
    state, config = seen.state, seen.config
    test = (config.healthcheck.test if config.healthcheck else None) or []
    policy = seen.host_config.restart_policy if seen.host_config else None
    return Details(
        runtime_id=seen.id,
        inspected_at=inspected_at,
        name=seen.name.removeprefix("/") or seen.id[:12],
        image=config.image,
        status=state.status,
        health=read_health(state.health.status) if state.health else None,
        has_health_check=bool(test) and test[0] != "NONE",
        created_at=read_time(seen.created) or _UNKNOWN,
        started_at=read_time(state.started_at),
        finished_at=read_time(state.finished_at),
        exit_code=state.exit_code if state.status in {"exited", "dead", "restarting"} else None,
        oom_killed=state.oom_killed,
        restart_count=seen.restart_count,
        restart_policy=(policy.name if policy else "") or "no",
        tty=config.tty,
        error=state.error,
        labels=config.labels or {},
    )


def is_podman(version: Mapping[str, object]) -> bool:
    """Say whether the answer to `GET /version` comes from Podman, which names its parts there."""
    parts = version.get("Components")
    return isinstance(parts, list) and any(
        isinstance(part, dict) and str(part.get("Name", "")).startswith("Podman") for part in parts
    )


def read_health(word: str) -> str | None:
    """Return our word for the engine's; one we do not know means that the check has not settled."""
    return HEALTH_WORDS.get(word, "starting")


def read_time(text: str) -> datetime | None:
    """Return the time the engine wrote with up to nine digits; its zero (year 1) means never."""
    match = _TIME.fullmatch(text)
    if match is None or text.startswith("0001-"):
        return None
    zone = "+00:00" if match[3] == "Z" else match[3]
    try:
        return datetime.fromisoformat(f"{match[1]}.{(match[2] or '0')[:6]:0<6}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
