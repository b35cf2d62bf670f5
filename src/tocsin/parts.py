"""Parts of the program that follow from the settings alone, and small questions that slices ask each other."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from tocsin.accounts.store import sweep_sessions
from tocsin.alerts import store as alert_store
from tocsin.alerts.models import EntityType
from tocsin.certificates import store as certificate_store
from tocsin.channels import delivery_store
from tocsin.channels.mail import MailServer
from tocsin.containers import store as container_store
from tocsin.core.clock import Clock
from tocsin.core.vault import Vault, load_key
from tocsin.db.engine import sqlite_url
from tocsin.db.retention import Rule, sweep_audit, sweep_journal
from tocsin.db.tx import Read
from tocsin.endpoints import history_store
from tocsin.endpoints import store as endpoint_store
from tocsin.endpoints.models import Endpoint
from tocsin.heartbeats import history_store as heartbeat_history
from tocsin.heartbeats import store as heartbeat_store
from tocsin.logs import store as log_store
from tocsin.probes.request import parse_target
from tocsin.runtimes.base import Runtime
from tocsin.runtimes.docker import DockerRuntime
from tocsin.runtimes.docker.client import LOCAL_SOCKET
from tocsin.settings import EngineAddress, Settings
from tocsin.silences import store as silence_store
from tocsin.webhooks import store as webhook_store


def find_https(read: Read, host: str, port: int) -> Endpoint | None:
    """Return an active endpoint that is checked by https at this host and port."""
    for endpoint in endpoint_store.find_https(read, {host, _as_typed(host)}):
        target = parse_target(endpoint.target)
        if (target.host, target.port) == (host, port):
            return endpoint
    return None


def _as_typed(host: str) -> str:
    """Return a host name as people may have written it: in letters of their own."""
    try:
        return host.encode("ascii").decode("idna")
    except UnicodeError:
        return host


def was_told(read: Read, scope: str) -> bool:
    """Say whether an alert about our own network is open."""
    return bool(alert_store.list_open_of(read, EntityType.SYSTEM, f"connectivity:{scope}"))


def count_all(read: Read) -> Mapping[str, int]:
    """Return how many there are of what other programs have a limit for; 0 of what is still to come."""
    return {
        "endpoints": endpoint_store.count_active(read),
        "heartbeats": heartbeat_store.count(read),
        "certificates": certificate_store.count(read),
        "status_components": 0,
    }


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
        Rule("endpoint_checks", settings.retention_checks, history_store.sweep_blocks),
        Rule("endpoint_hours", settings.retention_endpoint_hours, history_store.sweep_hours),
        Rule("certificate_checks", settings.retention_certificate_checks, certificate_store.sweep),
        Rule("heartbeat_pings", settings.retention_pings, heartbeat_history.sweep_pings),
        Rule("heartbeat_runs", settings.retention_executions, heartbeat_history.sweep_executions),
        Rule("heartbeat_days", settings.retention_executions, heartbeat_history.sweep_days),
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
