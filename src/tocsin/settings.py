"""Every setting in one table. This file alone reads the environment; docs/configuration.md is written from it."""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from tocsin.core.durations import parse_duration
from tocsin.core.egress import Network, Rules, parse_rules
from tocsin.core.patterns import Pattern, compile_pattern
from tocsin.core.secrets import Secret


class SettingsError(Exception):
    """A variable has a value we cannot use: one sentence with its name, its value and what is allowed."""


@dataclass(frozen=True)
class Setting:
    """One variable. `parse` raises ValueError with what is allowed; a secret is never shown and has a `_FILE` form."""

    name: str
    default: str
    parse: Callable[[str], Any]
    help: str
    secret: bool = False

    @property
    def attribute(self) -> str:
        return self.name.removeprefix("TOCSIN_").lower()


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError(f"allowed: {', '.join(allowed)}")
        return text.lower()

    return parse


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > 18 or not low <= int(text) <= high:
            raise ValueError(f"allowed: a whole number from {low} to {high}")
        return int(text)

    return parse


def _duration(low: str, high: str) -> Callable[[str], timedelta]:
    def parse(text: str) -> timedelta:
        sentence = f"allowed: a duration such as 30s, 10m, 12h or 7d, from {low} to {high}"
        try:
            value = parse_duration(text, days=True)
        except ValueError:
            raise ValueError(sentence) from None
        if not parse_duration(low, days=True) <= value <= parse_duration(high, days=True):
            raise ValueError(sentence)
        return value

    return parse


def _flag(text: str) -> bool:
    if text.lower() in {"true", "1", "yes", "on"}:
        return True
    if text.lower() in {"false", "0", "no", "off"}:
        return False
    raise ValueError("allowed: true or false")


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isascii() or not port.isdigit() or len(port) > 5 or int(port) > 65535:
        raise ValueError("allowed: address:port, such as 127.0.0.1:8080 or 0.0.0.0:8080")
    return host or "0.0.0.0", int(port)  # noqa: S104 -- ":8080" is how people write "every address"


def _split(text: str) -> SplitResult:
    """Return the parts of a URL, none of them for what is no URL: the library's own complaint would show a password."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 -- looks at it, and complains
    except ValueError:
        return urlsplit("")
    return parts


def _base_url(text: str) -> str:
    parts = _split(text)
    if text and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.path.strip("/")):
        raise ValueError("allowed: http:// or https:// with a host and no path, such as https://tocsin.example.org")
    return text.rstrip("/")


def _database_url(text: str) -> str:
    parts = _split(text)
    if text and (parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/")):
        raise ValueError("allowed: postgresql://user:password@host:port/database, or empty for SQLite")
    return "postgresql" + text.removeprefix(parts.scheme) if text else ""


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part, strict=False) for part in _names(text))
    except ValueError:
        raise ValueError("allowed: addresses and networks, such as 10.0.0.0/8, separated by commas") from None


def _rules(text: str) -> Rules:
    try:
        return parse_rules(text)
    except ValueError:
        raise ValueError("allowed: host names, addresses and networks, separated by commas") from None


def _origins(text: str) -> tuple[str, ...]:
    origins = _names(text)
    for origin in origins:
        parts = _split(origin)
        beyond = parts.path or parts.query or parts.fragment
        if origin != "*" and (parts.scheme not in {"http", "https"} or not parts.hostname or beyond):
            raise ValueError("allowed: origins such as https://app.example.org separated by commas, or *")
    return origins


class EngineAddress(NamedTuple):
    """One engine. The address is `unix://…`, `tcp://…` or `tcp+tls://…`, empty for the local socket."""

    name: str
    address: str


_ENGINE = re.compile(r"(?:([A-Za-z0-9][A-Za-z0-9_.-]{0,62})=)?((?:unix|tcp|http|https|tcp\+tls)://[^\s,=]+)")


def _docker_host(text: str) -> tuple[EngineAddress, ...]:
    """Return the engines to watch; a single one may go without a name."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    engines = []
    for part in parts:
        match = _ENGINE.fullmatch(part)
        if match is None or (match[1] is None and len(parts) > 1) or _split(match[2]) == _split(""):
            raise ValueError(
                "allowed: unix:///path/to/docker.sock, tcp://host:port or tcp+tls://host:port; "
                "several with a name each, separated by commas (here=unix:///…,nas=tcp://…)"
            )
        engines.append(EngineAddress(match[1] or "local", match[2].replace("https://", "tcp+tls://", 1)))
    if len({engine.name for engine in engines}) < len(engines):
        raise ValueError("allowed: each name once")
    return tuple(engines) or (EngineAddress("local", ""),)


def _folder(text: str) -> Path | None:
    if text and not Path(text).is_dir():
        raise ValueError("allowed: a folder that exists")
    return Path(text) if text else None


def _references(text: str) -> tuple[tuple[str, int], ...]:
    found = []
    for part in _names(text):
        try:
            found.append(_address(part))
        except ValueError:
            raise ValueError("allowed: addresses with a port, such as 1.1.1.1:53, separated by commas") from None
    return tuple(found)


def _certificate_file(text: str) -> Path | None:
    sentence = "allowed: a file with certificates in PEM form"
    try:
        if text and "-----BEGIN CERTIFICATE-----" not in Path(text).read_text(encoding="utf-8"):
            raise ValueError(sentence)
    except (OSError, UnicodeDecodeError):
        raise ValueError(sentence) from None
    return Path(text) if text else None


def _header_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", text):
        raise ValueError("allowed: the name of a header, such as Remote-User")
    return text


def _text(text: str) -> str:
    return text


def _secret(least: int) -> Callable[[str], Secret | None]:
    def parse(text: str) -> Secret | None:
        if text and len(text) < least:
            raise ValueError(f"allowed: at least {least} characters")
        return Secret(text) if text else None

    return parse


def _redaction(text: str) -> Pattern | None:
    try:
        return compile_pattern(text) if text else None
    except ValueError as exc:
        raise ValueError(f"allowed: an RE2 pattern ({exc})") from None


_KEEP = _duration("1h", "3650d")

TABLE = (
    Setting("TOCSIN_ADDR", "127.0.0.1:8080", _address, "Where to listen. `0.0.0.0:8080` listens on every address."),
    Setting("TOCSIN_DATA_DIR", "./data", Path, "The folder for the database and everything else that must survive."),
    Setting("TOCSIN_DATABASE_URL", "", _database_url, "PostgreSQL instead of SQLite: `postgresql://…`.", secret=True),
    Setting(
        "TOCSIN_BASE_URL",
        "",
        _base_url,
        "How people reach Tocsin from outside, for links; from the address when empty.",
    ),
    Setting("TOCSIN_ALLOWED_HOSTS", "", _names, "More host names Tocsin answers to, separated by commas."),
    Setting(
        "TOCSIN_TRUSTED_PROXIES", "", _networks, "Networks of reverse proxies whose `X-Forwarded-…` headers count."
    ),
    Setting("TOCSIN_CORS_ORIGINS", "", _origins, "Other sites whose pages may call the API with a token; `*` for all."),
    Setting("TOCSIN_MAX_BODY_BYTES", "1048576", _integer(1024, 1 << 30), "The largest request body."),
    Setting(
        "TOCSIN_RUNTIME", "auto", _choice("auto", "docker", "none"), "What runs the containers; `none` watches none."
    ),
    Setting(
        "TOCSIN_DOCKER_HOST",
        "",
        _docker_host,
        "The Docker engine, or several with a name each (`here=unix:///…,nas=tcp+tls://…`); "
        "`DOCKER_HOST`, then the local socket when empty.",
    ),
    Setting(
        "TOCSIN_DOCKER_CERT_PATH",
        "",
        _folder,
        "The folder with `ca.pem`, `cert.pem` and `key.pem` for `tcp+tls://`, or with such a folder for each name; "
        "`DOCKER_CERT_PATH` when empty.",
    ),
    Setting(
        "TOCSIN_HOST_UNREACHABLE_AFTER",
        "30s",
        _duration("1s", "1d"),
        "How long an engine may be out of reach before it rings.",
    ),
    Setting(
        "TOCSIN_RECONCILE_INTERVAL", "5m", _duration("1s", "1d"), "How often everything is compared with the engine."
    ),
    Setting(
        "TOCSIN_FLAP_COUNT",
        "5",
        _integer(0, 1000),
        "So many alerts about one thing in an hour are one that ends after ten calm minutes; 0: never.",
    ),
    Setting(
        "TOCSIN_RESTART_WINDOW",
        "10m",
        _duration("10s", "7d"),
        "The time in which restarts are counted for a restart loop.",
    ),
    Setting(
        "TOCSIN_ARCHIVE_AFTER", "60s", _duration("0s", "1d"), "How long a removed container may take to come back."
    ),
    Setting(
        "TOCSIN_AUTH",
        "password",
        _choice("password", "proxy", "none"),
        "`proxy` believes the user header of a trusted reverse proxy; `none` asks nobody to sign in, on loopback only.",
    ),
    Setting(
        "TOCSIN_PROXY_USER_HEADER",
        "Remote-User",
        _header_name,
        "The header in which the proxy says who is there; the proxy must remove it from what clients send.",
    ),
    Setting("TOCSIN_ALLOW_INSECURE", "false", _flag, "Lets `TOCSIN_AUTH=none` leave loopback."),
    Setting(
        "TOCSIN_ADMIN_USER",
        "",
        _text,
        "The first admin, made at start when there is no user yet; with `TOCSIN_AUTH=proxy` the name that is an admin.",
    ),
    Setting("TOCSIN_ADMIN_PASSWORD", "", _secret(10), "The first admin's password.", secret=True),
    Setting("TOCSIN_API_TOKEN", "", _secret(16), "An API token with scope `admin`, for automation.", secret=True),
    Setting("TOCSIN_METRICS_PUBLIC", "false", _flag, "Lets anybody read `/metrics`."),
    Setting("TOCSIN_SSE_MAX_CLIENTS", "1000", _integer(1, 100_000), "Live event streams in all."),
    Setting("TOCSIN_SSE_MAX_PER_ADDRESS", "20", _integer(1, 100_000), "Live event streams for one address."),
    Setting(
        "TOCSIN_LOG_REDACT",
        "",
        _redaction,
        "An RE2 pattern; what it matches in container logs is shown and kept as `***`, such as "
        "`(?i)(password|token)=\\S+`.",
    ),
    Setting("TOCSIN_EGRESS_ALLOW", "", _rules, "Hosts and networks Tocsin may contact although they are local."),
    Setting("TOCSIN_EGRESS_DENY", "", _rules, "Hosts and networks Tocsin must never contact."),
    Setting(
        "TOCSIN_CONNECTIVITY_CHECK",
        "",
        _references,
        "Addresses beyond your network (`1.1.1.1:53`), asked before many endpoints are believed to be down at once.",
    ),
    Setting(
        "TOCSIN_CA_FILE",
        "",
        _certificate_file,
        "A file of certificates (PEM) that are trusted beside the system's in checks of endpoints and certificates.",
    ),
    Setting(
        "TOCSIN_SECRET_KEY",
        "",
        _secret(40),
        "Encrypts stored secrets: 32 bytes in base64; `secret.key` when empty.",
        secret=True,
    ),
    Setting(
        "TOCSIN_PING_BODY_BYTES",
        "10240",
        _integer(0, 1 << 20),
        "How much is kept of what a job says in a ping; the rest is cut off.",
    ),
    Setting("TOCSIN_SMTP_HOST", "", _text, "The mail server for e-mail channels; none when empty."),
    Setting("TOCSIN_SMTP_PORT", "587", _integer(1, 65535), "Its port: 465 is TLS from the start, others STARTTLS."),
    Setting("TOCSIN_SMTP_USERNAME", "", _text, "Who Tocsin is at the mail server."),
    Setting("TOCSIN_SMTP_PASSWORD", "", _secret(1), "Its password there; never sent without TLS.", secret=True),
    Setting("TOCSIN_SMTP_FROM", "tocsin@localhost", _text, "The sender of its mail."),
    Setting("TOCSIN_SMTP_TLS", "true", _flag, "`false` allows a mail server without TLS, but never with a password."),
    Setting("TOCSIN_RETENTION_DELIVERIES", "90d", _KEEP, "How long the record of notifications is kept."),
    Setting("TOCSIN_RETENTION_EVENTS", "7d", _KEEP, "How long events are kept for replay and the feed."),
    Setting("TOCSIN_RETENTION_TRANSITIONS", "400d", _KEEP, "How long state transitions are kept."),
    Setting("TOCSIN_RETENTION_ARCHIVED", "30d", _KEEP, "How long archived containers are kept."),
    Setting("TOCSIN_RETENTION_ALERTS", "400d", _KEEP, "How long alerts are kept after they ended."),
    Setting("TOCSIN_RETENTION_CHECKS", "30d", _KEEP, "How long each check of an endpoint is kept."),
    Setting("TOCSIN_RETENTION_ENDPOINT_HOURS", "90d", _KEEP, "How long the hourly sums of checks are kept."),
    Setting("TOCSIN_RETENTION_ENDPOINT_DAYS", "400d", _KEEP, "How long the daily sums of checks are kept."),
    Setting("TOCSIN_RETENTION_CERTIFICATE_CHECKS", "90d", _KEEP, "How long it is kept what certificates were shown."),
    Setting("TOCSIN_RETENTION_PINGS", "30d", _KEEP, "How long each ping of a heartbeat is kept, with what it said."),
    Setting("TOCSIN_RETENTION_EXECUTIONS", "400d", _KEEP, "How long runs and daily sums of heartbeats are kept."),
    Setting("TOCSIN_RETENTION_AUDIT", "400d", _KEEP, "How long the record of who changed what is kept."),
    Setting("TOCSIN_ORGANISATION_NAME", "Tocsin", _text, "The name shown to visitors."),
    Setting("TOCSIN_LOG_LEVEL", "info", _choice("debug", "info", "warning", "error"), "How much is logged."),
    Setting("TOCSIN_LOG_FORMAT", "auto", _choice("auto", "json", "console"), "`auto` is `console` on a terminal."),
)


@dataclass(frozen=True)
class Settings:
    """The parsed values, one attribute for each variable of TABLE, in lower case and without the prefix."""

    addr: tuple[str, int]
    data_dir: Path
    database_url: str = field(repr=False)  # it may hold a password
    base_url: str
    allowed_hosts: tuple[str, ...]
    trusted_proxies: tuple[Network, ...]
    cors_origins: tuple[str, ...]
    max_body_bytes: int
    runtime: str
    docker_host: tuple[EngineAddress, ...]
    docker_cert_path: Path | None
    host_unreachable_after: timedelta
    reconcile_interval: timedelta
    restart_window: timedelta
    flap_count: int
    archive_after: timedelta
    auth: str
    proxy_user_header: str
    allow_insecure: bool
    admin_user: str
    admin_password: Secret | None
    api_token: Secret | None
    metrics_public: bool
    sse_max_clients: int
    sse_max_per_address: int
    log_redact: Pattern | None
    egress_allow: Rules
    egress_deny: Rules
    connectivity_check: tuple[tuple[str, int], ...]
    ca_file: Path | None
    secret_key: Secret | None
    ping_body_bytes: int
    smtp_host: str
    smtp_port: int
    smtp_username: str
    smtp_password: Secret | None
    smtp_from: str
    smtp_tls: bool
    retention_deliveries: timedelta
    retention_events: timedelta
    retention_transitions: timedelta
    retention_archived: timedelta
    retention_alerts: timedelta
    retention_checks: timedelta
    retention_endpoint_hours: timedelta
    retention_endpoint_days: timedelta
    retention_certificate_checks: timedelta
    retention_pings: timedelta
    retention_executions: timedelta
    retention_audit: timedelta
    organisation_name: str
    log_level: str
    log_format: str

    @property
    def public_url(self) -> str:
        """Return the base URL, or the one that follows from the bind address."""
        host, port = self.addr
        shown = "localhost" if host in {"0.0.0.0", "::"} else f"[{host}]" if ":" in host else host  # noqa: S104
        return self.base_url or f"http://{shown}:{port}"

    @property
    def on_loopback(self) -> bool:
        host = self.addr[0]
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


DOCKERS_OWN = {"TOCSIN_DOCKER_HOST": "DOCKER_HOST", "TOCSIN_DOCKER_CERT_PATH": "DOCKER_CERT_PATH"}
"""What Docker's own client reads, for when ours is empty."""


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of *environment*.  Raises SettingsError: the first variable that cannot be used."""
    given = os.environ if environment is None else environment
    settings = Settings(**{setting.attribute: _value(setting, given) for setting in TABLE})
    _check_together(settings)
    return settings


def unknown_names(environment: Mapping[str, str] | None = None) -> list[str]:
    """Return variables that look like ours and are not: a typing error worth a warning.

    No start error: Kubernetes gives `TOCSIN_PORT` and the like to every pod beside a service named tocsin.
    """
    names = {setting.name for setting in TABLE} | {f"{setting.name}_FILE" for setting in TABLE if setting.secret}
    given = os.environ if environment is None else environment
    return sorted(name for name in given if name.startswith("TOCSIN_") and name not in names)


def _value(setting: Setting, given: Mapping[str, str]) -> Any:
    source = setting.name
    if setting.name in DOCKERS_OWN and not given.get(source):
        source = DOCKERS_OWN[setting.name]
    text = given.get(source, "").strip()
    if source == "DOCKER_HOST" and given.get("DOCKER_TLS_VERIFY"):
        text = text.replace("tcp://", "tcp+tls://", 1)
    file = given.get(f"{setting.name}_FILE", "") if setting.secret else ""
    if file:
        if text:
            raise SettingsError(f"{setting.name} and {setting.name}_FILE are both set; keep one of them")
        source = f"{setting.name}_FILE"
        try:
            text = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as exc:
            reason = getattr(exc, "strerror", None) or "not UTF-8 text"
            raise SettingsError(f"{source}={file!r} cannot be read: {reason}") from None
    try:
        return setting.parse(text or setting.default)
    except ValueError as exc:
        shown = "***" if setting.secret else repr(text[:200])
        raise SettingsError(f"{source}={shown} cannot be used; {exc}") from None


def _check_together(settings: Settings) -> None:
    if settings.auth == "none" and not settings.on_loopback and not settings.allow_insecure:
        raise SettingsError(
            "TOCSIN_AUTH='none' cannot leave loopback; allowed: a loopback TOCSIN_ADDR, or TOCSIN_ALLOW_INSECURE=true"
        )
    if settings.auth == "proxy" and not settings.trusted_proxies:
        raise SettingsError(
            "TOCSIN_AUTH='proxy' believes no one without TOCSIN_TRUSTED_PROXIES; allowed: the networks of your proxy"
        )
    if settings.auth != "proxy" and bool(settings.admin_user) != bool(settings.admin_password):
        raise SettingsError("TOCSIN_ADMIN_USER and TOCSIN_ADMIN_PASSWORD belong together; set both or neither")
    _check_certificates(settings)
    if "*" in settings.cors_origins and settings.auth == "none":
        raise SettingsError("TOCSIN_CORS_ORIGINS='*' is not allowed with TOCSIN_AUTH='none'; name the origins")


def _check_certificates(settings: Settings) -> None:
    tls = [engine for engine in settings.docker_host if engine.address.startswith("tcp+tls://")]
    if tls and settings.docker_cert_path is None:
        raise SettingsError(
            f"TOCSIN_DOCKER_HOST has tcp+tls:// for {tls[0].name}; "
            "set TOCSIN_DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem"
        )
