"""The composition root: every object, the reaction table, the jobs, the order of start and stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cached_property, partial
from typing import Any

import msgspec
import structlog

from tocsin.accounts.administration import ROUTES as ADMINISTRATION_ROUTES
from tocsin.accounts.api import ROUTES as ACCOUNT_ROUTES
from tocsin.accounts.identity import Identity
from tocsin.accounts.models import SignIn
from tocsin.accounts.service import Accounts
from tocsin.alerts import store as alert_store
from tocsin.alerts.api import ROUTES as ALERT_ROUTES
from tocsin.alerts.certificates import CertificateKind
from tocsin.alerts.certificates import Lookups as CertificateLookups
from tocsin.alerts.containers import ContainerKind, Lookups
from tocsin.alerts.endpoints import EndpointKind
from tocsin.alerts.endpoints import Lookups as EndpointLookups
from tocsin.alerts.engine import AlertEngine
from tocsin.alerts.heartbeats import HeartbeatKind
from tocsin.alerts.heartbeats import Lookups as HeartbeatLookups
from tocsin.alerts.own import OwnKind, OwnLookups
from tocsin.alerts.service import Alerts, find_view
from tocsin.certificates import evidence as certificate_evidence
from tocsin.certificates import react as certificate_react
from tocsin.certificates.api import ROUTES as CERTIFICATE_ROUTES
from tocsin.certificates.service import Certificates
from tocsin.certificates.watch import CertificateWatch
from tocsin.channels.api import ROUTES as CHANNEL_ROUTES
from tocsin.channels.condition import channel_fact
from tocsin.channels.mail import Mailer
from tocsin.channels.react import reaction as channel_reaction
from tocsin.channels.service import Channels
from tocsin.containers.api import ROUTES as CONTAINER_ROUTES
from tocsin.containers.evidence import evidence, find, host_fact, parents, residents
from tocsin.containers.hosts import Hosts
from tocsin.containers.queries import ContainerQueries
from tocsin.containers.service import Containers
from tocsin.containers.watch import EngineWatch
from tocsin.core.clock import Clock
from tocsin.core.egress import EgressPolicy
from tocsin.core.hub import Hub
from tocsin.core.scheduler import Scheduler
from tocsin.core.sending import Sender
from tocsin.core.supervision import Supervisor
from tocsin.dashboard.api import ROUTES as DASHBOARD_ROUTES
from tocsin.dashboard.api import Bars
from tocsin.db.database import Database
from tocsin.db.retention import Retention
from tocsin.db.tx import Reaction, Tx
from tocsin.endpoints import store as endpoint_store
from tocsin.endpoints.api import ROUTES as ENDPOINT_ROUTES
from tocsin.endpoints.badges import Badges
from tocsin.endpoints.checker import Checker
from tocsin.endpoints.guard import Guard
from tocsin.endpoints.metrics import EndpointCollector
from tocsin.endpoints.monitors import Monitors
from tocsin.endpoints.packer import Packer
from tocsin.endpoints.queries import EndpointQueries
from tocsin.endpoints.react import reaction as endpoint_reaction
from tocsin.endpoints.service import Endpoints, Headers
from tocsin.heartbeats import ping_operations
from tocsin.heartbeats import store as heartbeat_store
from tocsin.heartbeats.api import ROUTES as HEARTBEAT_ROUTES
from tocsin.heartbeats.evidence import standing_facts
from tocsin.heartbeats.intake import Intake
from tocsin.heartbeats.metrics import HeartbeatCollector
from tocsin.heartbeats.ping import PingRoutes
from tocsin.heartbeats.service import Heartbeats
from tocsin.heartbeats.watch import DeadlineWatch
from tocsin.heartbeats.words import last_words
from tocsin.http import app as http
from tocsin.http import openapi
from tocsin.http.asgi import App, Receive, Scope, Send, respond
from tocsin.http.guards import host_of
from tocsin.http.live import OPERATION as EVENTS_OPERATION
from tocsin.http.live import LiveEvents
from tocsin.http.pages import Pages
from tocsin.http.peer import Peer
from tocsin.http.streams import StreamCaps
from tocsin.logs import store as log_store
from tocsin.logs.api import DOWNLOAD, GROUP_STREAM, STREAM
from tocsin.logs.api import ROUTES as LOG_ROUTES
from tocsin.logs.download import LogDownload
from tocsin.logs.reader import LogReader
from tocsin.logs.stream import LogStream
from tocsin.parts import (
    count_all,
    database_url,
    find_https,
    mail_server,
    make_runtimes,
    open_vault,
    retention_rules,
    was_told,
)
from tocsin.probes.certificate import inspect
from tocsin.probes.kinds import Probes
from tocsin.probes.stalls import Stalls
from tocsin.settings import Settings
from tocsin.silences import store as silence_store
from tocsin.silences.api import ROUTES as SILENCE_ROUTES
from tocsin.silences.service import Silences
from tocsin.system.api import ROUTES as SYSTEM_ROUTES
from tocsin.system.metrics import Metrics
from tocsin.system.service import System
from tocsin.webhooks import store as webhook_store
from tocsin.webhooks.api import ROUTES as WEBHOOK_ROUTES
from tocsin.webhooks.service import Webhooks

log = structlog.get_logger(__name__)

ROUTES = (
    *SYSTEM_ROUTES,
    *ACCOUNT_ROUTES,
    *ADMINISTRATION_ROUTES,
    *CONTAINER_ROUTES,
    *ENDPOINT_ROUTES,
    *HEARTBEAT_ROUTES,
    *CERTIFICATE_ROUTES,
    *LOG_ROUTES,
    *ALERT_ROUTES,
    *SILENCE_ROUTES,
    *CHANNEL_ROUTES,
    *WEBHOOK_ROUTES,
    *DASHBOARD_ROUTES,
)
LONGEST_ENGINE_PAUSE_S = 10.0
LOG_STREAMS, LOG_STREAMS_PER_CLIENT = 20, 5


class Tocsin:
    """The whole program as objects. `running` starts and stops them in order; `asgi` answers requests."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.hub = Hub()
        self.vault = open_vault(settings)
        self.headers = Headers(self.vault)
        certificate_lookups = CertificateLookups(
            certificate_evidence.standing, certificate_evidence.wanted_by, endpoint_store.find, find, parents
        )
        self.alert_engine = AlertEngine(
            (
                ContainerKind(Lookups(find, evidence, parents, residents, host_fact)),
                EndpointKind(EndpointLookups(endpoint_store.find, find, parents)),
                HeartbeatKind(HeartbeatLookups(heartbeat_store.find, standing_facts, last_words)),
                CertificateKind(certificate_lookups),
                OwnKind(OwnLookups(channel_fact, webhook_store.find, lambda scope: self.guard.fact(scope))),
            ),
            silence_store.matching,
            settings.flap_count,
        )
        certificate_sources = certificate_react.Sources(
            certificate_react.Lookups(find, endpoint_store.find, find_https)
        )
        reactions: tuple[Reaction, ...] = (
            endpoint_reaction(find, self.headers),
            *certificate_sources.reactions(),
            *self.alert_engine.reactions(),
            channel_reaction(find_view),
        )
        self.db = Database(database_url(settings), clock, self.hub.publish, reactions)
        self.supervisor = Supervisor(clock)
        self.scheduler = Scheduler(clock)

        self.peer = Peer(settings.trusted_proxies, settings.base_url)
        self.identity = Identity(
            self.db,
            clock,
            self.peer,
            sign_in=SignIn(settings.auth),
            user_header=settings.proxy_user_header,
            admin_user=settings.admin_user,
            api_token=settings.api_token,
        )
        self.accounts = Accounts(self.db, clock, self.identity)
        self.containers = Containers(self.db, clock, settings.restart_window, settings.archive_after, log_store)
        self.hosts = Hosts(
            self.db,
            clock,
            expected=[engine.name for engine in settings.docker_host if engine.address],
            unreachable_after=settings.host_unreachable_after,
        )
        self.container_queries = ContainerQueries(self.db, clock, settings.restart_window)
        self.runtimes = make_runtimes(settings, clock)
        self.watches = [
            EngineWatch(runtime, self.containers, self.hosts, clock, settings.reconcile_interval)
            for runtime in self.runtimes.values()
        ]
        self.log_reader = LogReader(self.container_queries, self.runtimes, self.db, clock)
        self.alerts = Alerts(self.db, clock, self.alert_engine)
        self.egress = EgressPolicy(settings.egress_allow, settings.egress_deny)
        self.sender = Sender(self.egress, clock)
        look = partial(inspect, ca_file=settings.ca_file)
        self.certificate_watch = CertificateWatch(self.db, clock, self.egress, look, lambda: bool(self.guard.lost))
        self.certificates = Certificates(self.db, clock, self.egress, self.certificate_watch, certificate_sources)
        self._make_endpoints()
        self.intake = Intake(self.db, clock, self.hub)
        self.deadlines = DeadlineWatch(self.db, clock)
        self.heartbeats = Heartbeats(self.db, clock, settings.public_url)
        mailer = Mailer(mail_server(settings))
        self.channels = Channels(
            self.db,
            clock,
            self.vault,
            self.sender,
            mailer,
            self.hosts.uncertain,
            alert_store.silenced_among,
            find_view,
            settings.public_url,
        )
        self.webhooks = Webhooks(self.db, clock, self.vault, self.sender)
        self.silences = Silences(self.db, clock, self.alerts.settle_silences)
        self.retention = Retention(self.db, clock, retention_rules(settings))

        self.metrics = Metrics(self.hub, self.channels.backlog, self.heartbeats.counts)
        self.system = System(
            self.db,
            self.supervisor,
            lambda: [watch.status for watch in self.watches],
            settings.organisation_name,
            count_all,
        )
        self.metrics.registry.register(EndpointCollector(self.monitors, self.checker, lambda: len(self.guard.lost)))
        self.metrics.registry.register(HeartbeatCollector(self.intake, self.deadlines))
        self.metrics.watch(self.system, self.db, self.hub, self.scheduler, self.supervisor)
        log_caps = StreamCaps(LOG_STREAMS, LOG_STREAMS_PER_CLIENT)
        self.log_stream = LogStream(self.log_reader, self.identity, log_caps, self.peer.address)
        self.log_download = LogDownload(self.log_reader, log_caps, self.peer.address)
        self.asgi = self._make_asgi()

    def _make_endpoints(self) -> None:
        settings, db, clock = self.settings, self.db, self.clock
        self.probes = Probes(self.egress, clock.monotonic, settings.ca_file)
        self.stalls = Stalls(clock.monotonic)
        self.monitors = Monitors(self.headers.open)
        self.guard = Guard(db, clock, self.probes, self.monitors, settings.connectivity_check, was_told)
        self.checker = Checker(db, clock, self.hub, self.probes, self.stalls, self.monitors, self.guard)
        self.packer = Packer(db, clock, self.monitors, settings.retention_endpoint_days)
        self.endpoints = Endpoints(db, clock, self.headers, self.monitors, self.checker, self.probes.dialer)
        self.endpoint_queries = EndpointQueries(db, clock, self.monitors, find, self.checker.pending)

    def _make_asgi(self) -> App:
        settings = self.settings
        api = http.routes(
            ROUTES,
            {
                "accounts": self.accounts,
                "alerts": self.alerts,
                "certificates": self.certificates,
                "channels": self.channels,
                "clock": self.clock,
                "container_queries": self.container_queries,
                "containers": self.containers,
                "bars": Bars(self.container_queries, self.endpoint_queries, self.heartbeats),
                "db": self.db,
                "endpoint_queries": self.endpoint_queries,
                "endpoints": self.endpoints,
                "heartbeats": self.heartbeats,
                "log_reader": self.log_reader,
                "peer": self.peer,
                "silences": self.silences,
                "system": self.system,
                "webhooks": self.webhooks,
            },
        )
        self._typed_routes = api
        caps = StreamCaps(settings.sse_max_clients, settings.sse_max_per_address)
        self.live_events = LiveEvents(self.hub, self.db, self.identity, caps, self.peer.address)
        raw: dict[str, App] = {
            "/api/v1/containers/events": self.live_events,
            "/api/v1/openapi.json": self._serve_openapi,
            "/badges/": Badges(self.endpoint_queries, self.clock),
            "/metrics": self.metrics,
        }
        raw_of_containers: dict[str, App] = {"/logs/stream": self.log_stream, "/logs/download": self.log_download}
        hosts = [*settings.allowed_hosts, host_of(settings.public_url.partition("://")[2]), settings.addr[0]]
        typed: Any = api  # an ASGI application, by another name
        return http.harden(
            http.Router(typed, Pages(), raw, raw_of_containers),
            self.identity,
            observe=self.metrics.observe_request,
            hosts=hosts,
            base_url=settings.public_url,
            cors_origins=settings.cors_origins,
            max_body_bytes=settings.max_body_bytes,
            metrics_public=settings.metrics_public,
            ping=PingRoutes(self.intake, self.peer.address, settings.ping_body_bytes),
        )

    @cached_property
    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made when somebody asks: a start does not pay for it."""
        streams = {
            "/api/v1/containers/events": EVENTS_OPERATION,
            "/api/v1/containers/{container_id}/logs/stream": STREAM,
            "/api/v1/containers/{container_id}/logs/download": DOWNLOAD,
            "/api/v1/containers/logs/stream": GROUP_STREAM,
            **ping_operations.operations(),
        }
        return openapi.finish(self._typed_routes.openapi_schema.to_schema(), streams)

    async def _serve_openapi(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = msgspec.json.encode(self.openapi) if scope["method"] == "GET" else b""
        await respond(send, 200, body, "application/json")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str | None]:
        """Start everything, database first; yield the set-up code when one is needed; stop in the reverse order."""
        await asyncio.to_thread(self.vault.unlock)
        await self.db.start()
        try:
            code = await self.accounts.prepare(self.settings.admin_user, self.settings.admin_password)
            await self.certificate_watch.spread_overdue()
            await self.guard.begin()
            await self.checker.load()
            await self.deadlines.begin()
            self._start_jobs()
            self.supervisor.start("scheduler", self.scheduler.run)
            self.supervisor.start("stalls", self.stalls.run)
            self.supervisor.start("checks", self.checker.scheduler.run)
            self.supervisor.start("check results", self.checker.write_behind)
            self.supervisor.start("live streams", self.live_events.sweep)
            self.supervisor.start("notifications", self.channels.dispatcher.run)
            self.supervisor.start("webhooks", self.webhooks.dispatcher.run)
            if self.watches:
                await self.hosts.begin(self.runtimes.keys())
            for watch in self.watches:
                self.supervisor.start(f"engine {watch.status.name}", watch.run, LONGEST_ENGINE_PAUSE_S)
            yield code
        finally:
            self.end_streams()
            await self.supervisor.stop()
            await self.scheduler.stop()
            await self.checker.stop()
            self.probes.close()
            await self.certificate_watch.close()
            await self.sender.close()
            for runtime in self.runtimes.values():
                await runtime.close()
            await self.db.stop()

    def _start_jobs(self) -> None:
        every = self.scheduler.every
        every("archive removed containers", timedelta(seconds=5), self.containers.archive_missing)
        every("tell of lost hosts", timedelta(seconds=1), self.hosts.announce)
        every("end restart loops", timedelta(seconds=5), self.containers.end_restart_loops)
        every("fire alerts that waited", timedelta(seconds=1), self.alerts.fire_due)
        every("begin and end silences", timedelta(seconds=1), self.silences.turn)
        every("look at deadlines", timedelta(seconds=1), self.deadlines.look, first_in_s=1)
        every("trim runs of heartbeats", timedelta(hours=1), self.heartbeats.trim, timeout_s=600)
        every("pack checks", timedelta(seconds=10), self.packer.run, timeout_s=600)
        every("look after our own network", timedelta(seconds=5), self.guard.watch)
        every("forget endpoints", timedelta(hours=1), self.endpoints.forget, timeout_s=600)
        every("look at certificates", timedelta(seconds=5), self.certificate_watch.look_at_due, timeout_s=120)
        every("retry reactions", timedelta(seconds=5), self._retry_reactions)
        every("retention", timedelta(hours=1), self.retention.sweep, timeout_s=1800)

    async def _retry_reactions(self) -> None:
        if self.db.failed_reactions():
            await self.db.write(Tx.retry_reactions)

    def end_streams(self) -> None:
        self.hub.close()
        self.log_stream.close()
