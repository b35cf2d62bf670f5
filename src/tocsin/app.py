"""The composition root: every object, the reaction table, the jobs, the order of start and stop."""

import asyncio
import contextlib
import fcntl
import gc
import os
import resource
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import IO, Any

import msgspec
import structlog

from tocsin.accounts.administration import ROUTES as ADMINISTRATION_ROUTES
from tocsin.accounts.api import ROUTES as ACCOUNT_ROUTES
from tocsin.accounts.identity import Identity
from tocsin.accounts.models import SignIn
from tocsin.accounts.service import Accounts
from tocsin.accounts.store import sweep_sessions
from tocsin.alerts import store as alert_store
from tocsin.alerts.api import ROUTES as ALERT_ROUTES
from tocsin.alerts.containers import ContainerKind, Lookups
from tocsin.alerts.engine import AlertEngine
from tocsin.alerts.own import OwnKind, OwnLookups
from tocsin.alerts.service import Alerts, find_view
from tocsin.channels import delivery_store
from tocsin.channels.api import ROUTES as CHANNEL_ROUTES
from tocsin.channels.condition import channel_fact
from tocsin.channels.mail import Mailer, MailServer
from tocsin.channels.react import reaction as channel_reaction
from tocsin.channels.service import Channels
from tocsin.containers import store as container_store
from tocsin.containers.api import ROUTES as CONTAINER_ROUTES
from tocsin.containers.evidence import evidence, find, host_fact, parents, residents
from tocsin.containers.hosts import Hosts
from tocsin.containers.queries import ContainerQueries
from tocsin.containers.service import Containers
from tocsin.containers.watch import EngineWatch
from tocsin.core.clock import Clock, SystemClock
from tocsin.core.egress import EgressPolicy
from tocsin.core.hub import Hub
from tocsin.core.scheduler import Scheduler
from tocsin.core.sending import Sender
from tocsin.core.supervision import Supervisor
from tocsin.core.vault import Vault, VaultError, load_key
from tocsin.dashboard.api import ROUTES as DASHBOARD_ROUTES
from tocsin.db.database import Database
from tocsin.db.engine import open_engine, sqlite_url
from tocsin.db.migrate import SchemaProblem, damaged, migrate
from tocsin.db.retention import Retention, Rule, sweep_audit, sweep_journal
from tocsin.db.tx import Reaction, Read, Tx
from tocsin.http import app as http
from tocsin.http import openapi
from tocsin.http.asgi import App, Receive, Scope, Send, respond
from tocsin.http.guards import host_of
from tocsin.http.live import OPERATION as EVENTS_OPERATION
from tocsin.http.live import LiveEvents
from tocsin.http.pages import Pages
from tocsin.http.peer import Peer
from tocsin.http.server import Server, listen
from tocsin.http.streams import StreamCaps
from tocsin.keys import check_key
from tocsin.logs import store as log_store
from tocsin.logs.api import DOWNLOAD, GROUP_STREAM, STREAM
from tocsin.logs.api import ROUTES as LOG_ROUTES
from tocsin.logs.download import LogDownload
from tocsin.logs.reader import LogReader
from tocsin.logs.stream import LogStream
from tocsin.runtimes.base import Runtime
from tocsin.runtimes.docker import DockerRuntime
from tocsin.runtimes.docker.client import LOCAL_SOCKET
from tocsin.settings import EngineAddress, Settings
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
    *LOG_ROUTES,
    *ALERT_ROUTES,
    *SILENCE_ROUTES,
    *CHANNEL_ROUTES,
    *WEBHOOK_ROUTES,
    *DASHBOARD_ROUTES,
)
ANNOUNCE_AFTER_S = 1.0  # what the first moments log comes before the link, not after it
LONGEST_ENGINE_PAUSE_S = 10.0
LOG_STREAMS, LOG_STREAMS_PER_CLIENT = 20, 5


class StartProblem(Exception):
    """Tocsin cannot start; the message is one sentence for a person."""


class Tocsin:
    """The whole program as objects. `running` starts and stops them in order; `asgi` answers requests."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.hub = Hub()
        self.alert_engine = AlertEngine(
            (
                ContainerKind(Lookups(find, evidence, parents, residents, host_fact)),
                OwnKind(OwnLookups(channel_fact, webhook_store.find)),
            ),
            silence_store.matching,
            settings.flap_count,
        )
        reactions: tuple[Reaction, ...] = (*self.alert_engine.reactions(), channel_reaction(find_view))
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
        self.vault = open_vault(settings)
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

        self.metrics = Metrics(self.hub, self.channels.backlog)
        self.system = System(
            self.db, self.supervisor, lambda: [watch.status for watch in self.watches], settings.organisation_name
        )
        self.metrics.watch(self.system, self.db, self.hub, self.scheduler, self.supervisor)
        log_caps = StreamCaps(LOG_STREAMS, LOG_STREAMS_PER_CLIENT)
        self.log_stream = LogStream(self.log_reader, self.identity, log_caps, self.peer.address)
        self.log_download = LogDownload(self.log_reader, log_caps, self.peer.address)
        self.asgi = self._make_asgi()

    def _make_asgi(self) -> App:
        settings = self.settings
        api = http.routes(
            ROUTES,
            {
                "accounts": self.accounts,
                "alerts": self.alerts,
                "channels": self.channels,
                "clock": self.clock,
                "container_queries": self.container_queries,
                "containers": self.containers,
                "daily_uptimes": self.container_queries,
                "db": self.db,
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
        )

    @cached_property
    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made when somebody asks: a start does not pay for it."""
        streams = {
            "/api/v1/containers/events": EVENTS_OPERATION,
            "/api/v1/containers/{container_id}/logs/stream": STREAM,
            "/api/v1/containers/{container_id}/logs/download": DOWNLOAD,
            "/api/v1/containers/logs/stream": GROUP_STREAM,
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
            self._start_jobs()
            self.supervisor.start("scheduler", self.scheduler.run)
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
        every("retry reactions", timedelta(seconds=5), self._retry_reactions)
        every("retention", timedelta(hours=1), self.retention.sweep, timeout_s=1800)

    async def _retry_reactions(self) -> None:
        if self.db.failed_reactions():
            await self.db.write(Tx.retry_reactions)

    def end_streams(self) -> None:
        self.hub.close()
        self.log_stream.close()


def make_runtimes(settings: Settings, clock: Clock) -> Mapping[str, Runtime]:
    """Return the engines to watch, by name. Whether they can be reached shows later: never a reason not to start."""
    if settings.runtime == "none":
        return {}
    return {engine.name: _docker(engine, settings, clock) for engine in settings.docker_host}


def _docker(engine: EngineAddress, settings: Settings, clock: Clock) -> Runtime:
    certificates = settings.docker_cert_path
    own = certificates / engine.name if certificates is not None else None
    folder = own if own is not None and own.is_dir() else certificates
    return DockerRuntime(engine.name, engine.address or f"unix://{LOCAL_SOCKET}", clock, folder, settings.log_redact)


def retention_rules(settings: Settings) -> list[Rule]:
    transitions = settings.retention_transitions
    return [
        Rule("events", settings.retention_events, sweep_journal),
        Rule("transitions", transitions, container_store.sweep_transitions),
        Rule("container_days", transitions, container_store.sweep_days),
        Rule("archived_containers", settings.retention_archived, container_store.sweep_archived),
        Rule("short_lived_containers", timedelta(days=7), container_store.sweep_short_lived),
        Rule("alerts", settings.retention_alerts, alert_store.sweep),
        Rule(
            "deliveries",
            settings.retention_deliveries,
            partial(delivery_store.sweep, open_alerts=alert_store.open_ids()),
        ),
        Rule("webhook_deliveries", settings.retention_deliveries, webhook_store.sweep),
        Rule("silences", timedelta(days=90), silence_store.sweep),
        Rule("log_tails", settings.retention_archived, log_store.sweep),
        Rule("sessions", timedelta(days=7), sweep_sessions),
        Rule("audit", settings.retention_audit, sweep_audit),
    ]


def open_vault(settings: Settings) -> Vault:
    given = settings.secret_key.reveal() if settings.secret_key is not None else None
    return Vault(lambda: load_key(given, settings.data_dir / "secret.key"))


def mail_server(settings: Settings) -> MailServer:
    return MailServer(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_username,
        settings.smtp_password,
        settings.smtp_from,
        settings.smtp_tls,
    )


def database_url(settings: Settings) -> str:
    return settings.database_url or sqlite_url(settings.data_dir / "tocsin.db")


# --- starting and stopping the process -------------------------------------------------------------------------------


def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.  Raises StartProblem."""
    import uvloop

    raise_file_limit()
    host, port = settings.addr
    try:
        sock = listen(host, port)
    except OSError as exc:
        raise StartProblem(f"TOCSIN_ADDR='{host}:{port}' cannot be used: {exc.strerror or exc}") from exc
    with sock, locked(settings.data_dir):
        prepare_database(settings)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, sock))


async def _serve(settings: Settings, sock: socket.socket) -> None:
    tocsin = Tocsin(settings, SystemClock())
    async with tocsin.running() as code:

        async def before_stop() -> None:
            log.info("stopping")
            tocsin.end_streams()

        server = Server(tocsin.asgi, sock, before_stop)
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 1000)
        loop = asyncio.get_running_loop()
        await server.run_until_stopped(lambda: loop.call_later(ANNOUNCE_AFTER_S, announce, settings, code))
    log.info("stopped")


def announce(settings: Settings, code: str | None) -> None:
    """Say where to go; the last thing the log shows at a first start is the link to the set-up page."""
    host, port = settings.addr
    log.info("listening", address=f"{host}:{port}")
    url = f"{settings.public_url}/setup?code={code}" if code else settings.public_url
    text = "Set Tocsin up here (the link works once)" if code else "Tocsin is ready"
    print(f"\n  {text}:\n\n    {url}\n", file=sys.stderr, flush=True)  # noqa: T201 -- for the person at the terminal


@contextlib.contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Hold the data folder: two programs on one database would each believe to be alone.

    Raises StartProblem: it is in use, or cannot be written.
    """
    path = data_dir / "tocsin.lock"
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        file: IO[str] = path.open("a", encoding="ascii")
    except OSError as exc:
        raise StartProblem(f"The data folder {data_dir} cannot be written: {exc.strerror}") from exc
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartProblem(f"Another Tocsin uses the data folder {data_dir}; stop it first") from None
        yield


def prepare_database(settings: Settings, *, needs_key: bool = True) -> None:
    """Check and migrate the database.  Raises StartProblem: it cannot be reached, written or understood.

    With *needs_key* also: the key does not open what is stored.
    """
    url = database_url(settings)
    where = "TOCSIN_DATABASE_URL" if settings.database_url else str(settings.data_dir / "tocsin.db")
    engine = open_engine(url)
    try:
        os.umask(0o077)
        migrate(engine, settings.data_dir / "backups", SystemClock().now())
        vault = open_vault(settings)
        vault.unlock()
        if needs_key:
            with engine.connect() as connection:
                check_key(Read(connection), vault)
    except (SchemaProblem, VaultError) as exc:
        raise StartProblem(str(exc)) from exc
    except Exception as exc:  # broad on purpose: whatever a driver raises, the person gets one sentence
        reason = str(getattr(exc, "orig", exc)).strip().splitlines()[0]
        if "malformed" in reason or "not a database" in reason:
            raise StartProblem(damaged(settings.data_dir / "tocsin.db", reason)) from exc
        raise StartProblem(f"The database ({where}) cannot be used: {reason}") from exc
    finally:
        engine.dispose()


def raise_file_limit() -> None:
    """Use as many file handles as the system lets us: each listener and each probe takes one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1 << 20), hard))
