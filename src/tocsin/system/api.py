"""Routes of the slice."""

from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.di import NamedDependency
from msgspec import Meta

from tocsin import __version__
from tocsin.core.clock import Instant
from tocsin.system.service import System

FEATURES = (
    "cve_enrichment",
    "risk_scoring",
    "changelog",
    "incidents",
    "maintenance_windows",
    "subscribers",
    "smtp",
    "slack",
    "teams",
    "resource_history",
    "alert_escalation",
    "alert_routing",
    "alert_entity_routing",
    "security_posture",
    "swarm_dashboard",
    "k8s_cluster",
    "personalization",
)
AVAILABLE: frozenset[str] = frozenset()
"""The features that are really there. Each comes in with the change that builds it."""


class HealthView(msgspec.Struct, kw_only=True):
    """`status` is `ok` while the process lives; the rest says how ready it is, without secrets."""

    status: str
    version: str
    database: Annotated[str, Meta(description="`ok` or `failing`")]
    runtime: Annotated[str, Meta(description="`connected`, `disconnected` or `none`")]
    tasks: Annotated[str, Meta(description="`ok`, or `restarting` while a part comes back after a failure")]
    failed_reactions: int


class HostView(msgspec.Struct, kw_only=True):
    """One engine. `error` is one sentence, null when connected; `since` is when the link came up or broke."""

    name: str
    address: str
    connected: bool
    since: Instant | None
    error: str | None
    version: str | None


class RuntimeStatus(msgspec.Struct, kw_only=True):
    runtime: str
    context: str
    connected: bool
    label: str
    detected_at: Instant | None
    metadata: dict[str, Any]
    hosts: list[HostView]


class Quota(msgspec.Struct):
    used: int
    limit: Annotated[int, Meta(description="-1: as many as you like")]


class Edition(msgspec.Struct, kw_only=True):
    edition: str
    organisation_name: str
    features: dict[str, bool]
    quotas: dict[str, Quota]


@get("/api/v1/health", operation_id="getHealth", tags=["System"])
async def get_health(system: NamedDependency[System]) -> HealthView:
    """Say that the process lives, and how ready it is. Needs no credentials."""
    return HealthView(
        status="ok",
        version=__version__,
        database="ok" if system.database_failure is None else "failing",
        runtime=system.runtime_word,
        tasks="restarting" if system.waiting_tasks else "ok",
        failed_reactions=system.failed_reactions,
    )


@get("/api/v1/runtime/status", operation_id="getRuntimeStatus", tags=["System"])
async def get_runtime_status(system: NamedDependency[System]) -> RuntimeStatus:
    """Say what runs the containers, and how the link to it is."""
    hosts = [HostView(**fields) for fields in system.engines()]
    connected = [host for host in hosts if host.connected]
    return RuntimeStatus(
        runtime="docker" if hosts else "none",
        context="docker" if hosts else "none",
        connected=bool(hosts) and len(connected) == len(hosts),
        label="Containers",
        detected_at=min((host.since for host in connected if host.since), default=None),
        metadata={},
        hosts=hosts,
    )


@get("/api/v1/edition", operation_id="getEdition", tags=["System"])
async def get_edition(system: NamedDependency[System]) -> Edition:
    """Say what is available. There is one edition, and it has no limits."""
    return Edition(
        edition="community",
        organisation_name=system.organisation_name,
        features={name: name in AVAILABLE for name in FEATURES},
        quotas={name: Quota(used, -1) for name, used in (await system.used()).items()},
    )


ROUTES = (get_health, get_runtime_status, get_edition)
