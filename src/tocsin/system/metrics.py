"""`/metrics` in the Prometheus text format."""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from tocsin import __version__
from tocsin.channels.models import Backlog
from tocsin.core.errors import StorageUnavailable
from tocsin.core.events import Frame
from tocsin.core.hub import Hub
from tocsin.core.scheduler import Scheduler
from tocsin.core.supervision import Supervisor
from tocsin.db.database import Database
from tocsin.http.asgi import Receive, Scope, Send, respond
from tocsin.system.service import System

_NUMBER = re.compile(r"/\d+(?=/|$)")
_BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)


class Metrics:
    """Counts what passes, and asks the parts for the rest when somebody looks."""

    def __init__(
        self,
        hub: Hub,
        backlog: Callable[[], Awaitable[Backlog]],
        heartbeats: Callable[[], Awaitable[Mapping[str, int]]],
    ) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Histogram(
            "tocsin_http_request_seconds",
            "Time to answer, by method, route and class of status",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._events = Counter("tocsin_events_total", "Journalled events, by type", ("type",), registry=self.registry)
        info = Gauge("tocsin_info", "Always 1; the label tells the version", ("version",), registry=self.registry)
        info.labels(__version__).set(1)
        self._backlog = (
            Gauge("tocsin_notices_waiting", "Notices that no message holds yet", registry=self.registry),
            Gauge("tocsin_deliveries_pending", "Messages that were not accepted yet", registry=self.registry),
            Gauge(
                "tocsin_notifications_oldest_seconds",
                "For how long the oldest of both has been due",
                registry=self.registry,
            ),
        )
        self._ask_backlog = backlog
        self._heartbeats = Gauge(
            "tocsin_heartbeats", "How many heartbeats stand so", ("status",), registry=self.registry
        )
        self._ask_heartbeats = heartbeats
        hub.tap(self._count_events)

    def observe_request(self, method: str, path: str, status: int, seconds: float) -> None:
        route = _NUMBER.sub("/{id}", path) if path.startswith("/api/v1/") and status != 404 else _kind(path)
        known = method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"
        self._requests.labels(known, route, f"{status // 100}xx").observe(seconds)

    def _count_events(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            self._events.labels(frame.type).inc()

    def watch(self, system: System, db: Database, hub: Hub, scheduler: Scheduler, supervisor: Supervisor) -> None:
        """Add the gauges of the running parts, read at the moment somebody asks."""
        gauges: tuple[tuple[str, str, Callable[[], float]], ...] = (
            ("tocsin_streams_open", "Live event streams", lambda: len(hub)),
            ("tocsin_writes_queued", "Units waiting for the writer", db.queued),
            (
                "tocsin_database_up",
                "1 unless the last write was refused",
                lambda: float(system.database_failure is None),
            ),
            ("tocsin_failed_reactions", "Reactions waiting for a retry", lambda: system.failed_reactions),
            ("tocsin_jobs_scheduled", "Keys in the scheduler", lambda: len(scheduler)),
            ("tocsin_jobs_failed", "Jobs that failed since the start", lambda: scheduler.stats.failures),
            ("tocsin_job_lag_seconds", "How late the last job started", lambda: scheduler.stats.lag_seconds),
            ("tocsin_suspensions", "Times the process stood still", lambda: scheduler.stats.suspensions),
            (
                "tocsin_task_restarts",
                "Restarts of long tasks",
                lambda: sum(t.restarts for t in supervisor.health.values()),
            ),
            (
                "tocsin_engines_connected",
                "Engines with a link",
                lambda: sum(bool(e["connected"]) for e in system.engines()),
            ),
        )
        for name, text, read in gauges:
            Gauge(name, text, registry=self.registry).set_function(read)

    async def _refresh(self) -> None:
        """Look at what is not in memory; while the database cannot be read it is not a number."""
        try:
            found, standing = await self._ask_backlog(), await self._ask_heartbeats()
        except StorageUnavailable:
            found, standing = Backlog(math.nan, math.nan, math.nan), {}
        self._heartbeats.clear()
        for status, count in standing.items():
            self._heartbeats.labels(status).set(count)
        for gauge, value in zip(self._backlog, found, strict=True):
            gauge.set(value)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            await self._refresh()
        # in a thread: the process's own figures are read from files
        body = await asyncio.to_thread(generate_latest, self.registry) if scope["method"] == "GET" else b""
        await respond(send, 200, body, CONTENT_TYPE_PLAIN_0_0_4)


def _kind(path: str) -> str:
    """Return a label of few values for what is no known route: an attacker must not be able to make new series."""
    if path.startswith("/api/"):
        return "/api/(unknown)"
    return "/metrics" if path == "/metrics" else "(pages)"
