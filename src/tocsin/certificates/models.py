"""Structs of the slice: what is watched, what a handshake showed, API objects, events."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tocsin.containers.models import Severity
from tocsin.core.clock import Instant
from tocsin.core.errors import Conflict
from tocsin.core.events import Event
from tocsin.probes.inspection import ChainFault
from tocsin.probes.starttls import Protocol

SHORTEST_INTERVAL_SECONDS, DEFAULT_INTERVAL_SECONDS, LONGEST_INTERVAL_SECONDS = 3_600, 43_200, 604_800
DEFAULT_THRESHOLDS = (30, 14, 7, 3, 1)
DEFAULT_LIFETIME_PERCENT = 33
MOST_THRESHOLDS, LARGEST_THRESHOLD = 10, 365
MOST_CERTIFICATES = 5_000


class CertificateSource(StrEnum):
    STANDALONE = "standalone"
    AUTO = "auto"
    LABEL = "label"


class CertificateStatus(StrEnum):
    """`error`: nobody may trust it as it is, or it could not be read; `last_error` says why."""

    UNKNOWN = "unknown"
    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    ERROR = "error"


class Problem(StrEnum):
    """What can be wrong; each is an alert of its own, with its own recovery."""

    UNREACHABLE = "unreachable"
    EXPIRED = "expired"
    EXPIRING = "expiring"
    NOT_YET_VALID = "not_yet_valid"
    HOSTNAME_MISMATCH = "hostname_mismatch"
    CHAIN_INVALID = "chain_invalid"
    WEAK_KEY = "weak_key"


class DuplicateMonitor(Conflict):
    code = "duplicate_monitor"


class AlreadyAutoDetected(Conflict):
    code = "already_auto_detected"


class CannotDeleteAuto(Conflict):
    code = "cannot_delete_auto"


class TooManyCertificates(Conflict):
    pass


class Monitor(msgspec.Struct, frozen=True, kw_only=True):
    """A watched host and port. `alerting` are the problems that ring now; `last_alerted_threshold` in days.

    `warn_at_lifetime_percent`: no warning while a larger share of the lifetime remains. `accept_untrusted`: who signed
    it, and for which name, is no problem. `fingerprint` and times are those of the leaf that was seen last.
    `next_check_at` is None while nobody wants it checked.  Source: docs/spec/certificates.md.
    """

    id: int
    hostname: str
    port: int
    protocol: Protocol = Protocol.TLS
    source: CertificateSource
    endpoint_id: int | None = None
    status: CertificateStatus = CertificateStatus.UNKNOWN
    check_interval_seconds: int = DEFAULT_INTERVAL_SECONDS
    warning_thresholds: tuple[int, ...] = DEFAULT_THRESHOLDS
    warn_at_lifetime_percent: int | None = DEFAULT_LIFETIME_PERCENT
    accept_untrusted: bool = False
    last_alerted_threshold: int | None = None
    alerting: tuple[Problem, ...] = ()
    consecutive_failures: int = 0
    last_check_at: datetime | None = None
    next_check_at: datetime | None = None
    last_error: str | None = None
    fingerprint: str | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    latest_check_id: int | None = None
    created_at: datetime


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A container whose label names a monitor; name and id are copies for showing."""

    certificate_id: int
    container_id: int
    container_name: str
    external_id: str


# --- API objects -----------------------------------------------------------------------------------------------------


class ChainLink(msgspec.Struct, kw_only=True):
    """One certificate that was presented; position 0 is the leaf."""

    id: int
    check_result_id: int
    position: int
    subject_cn: str
    issuer_cn: str
    not_before: Instant
    not_after: Instant


class CertificateCheck(msgspec.Struct, kw_only=True):
    """What one handshake showed. Without a certificate its fields are null and `error_message` says why.

    `days_remaining` is counted down from the moment of the answer, rounded down.
    """

    id: int
    monitor_id: int
    checked_at: Instant
    subject_cn: str | None
    issuer_cn: str | None
    issuer_org: str | None
    sans: list[str]
    serial_number: str | None
    fingerprint_sha256: str | None
    signature_algorithm: str | None
    key_type: Annotated[str | None, Meta(description="Such as EC P-256 or RSA 2048")]
    tls_version: str | None
    weakness: Annotated[str | None, Meta(description="Such as: an RSA key of 1024 bits")]
    not_before: Instant | None
    not_after: Instant | None
    days_remaining: int | None
    chain_valid: bool | None
    chain_fault: ChainFault | None
    chain_error: str | None
    hostname_match: bool | None
    error_message: str | None


class CertificateCheckDetail(CertificateCheck, kw_only=True):
    chain: list[ChainLink]


class CertificateView(msgspec.Struct, kw_only=True):
    """A monitor. `problems` is what is wrong now, worst first."""

    id: int
    hostname: str
    port: int
    protocol: Protocol
    source: CertificateSource
    endpoint_id: int | None
    container_names: list[str]
    status: CertificateStatus
    problems: list[Problem]
    check_interval_seconds: int
    warning_thresholds: list[int]
    warn_at_lifetime_percent: Annotated[
        int | None, Meta(description="No warning while a larger share of its lifetime remains")
    ]
    accept_untrusted: Annotated[bool, Meta(description="Who signed it, and for which name, is no problem")]
    last_alerted_threshold: int | None
    last_check_at: Instant | None
    next_check_at: Instant | None
    last_error: str | None
    external_id: str | None
    created_at: Instant
    days_remaining: int | None


class CertificateItem(CertificateView, kw_only=True):
    latest_check: CertificateCheck | None


class CertificateList(msgspec.Struct, kw_only=True):
    """By hostname and port, or with `sort=days` those first that end first."""

    certificates: list[CertificateItem]
    total: int
    has_more: bool


class CertificateCreated(msgspec.Struct, kw_only=True):
    certificate: CertificateView
    latest_check: CertificateCheck | None


class CertificateDetail(msgspec.Struct, kw_only=True):
    certificate: CertificateView
    latest_check: CertificateCheckDetail | None


class CertificateAnswer(msgspec.Struct, kw_only=True):
    certificate: CertificateView


class CertificateChecks(msgspec.Struct, kw_only=True):
    """Newest first. A check that showed nothing new only moves `last_check_at` of the monitor."""

    monitor_id: int
    checks: list[CertificateCheck]
    total: int
    has_more: bool


class NewCertificate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`domain` is another name for `hostname`; one of them is needed. Without `port` it is the usual one (443).

    Thresholds that are given hold as they are; without, no warning comes before a third of the lifetime is left.
    """

    hostname: str | None = None
    domain: str | None = None
    port: int | UnsetType = UNSET
    protocol: Protocol | UnsetType = UNSET
    check_interval_seconds: int = DEFAULT_INTERVAL_SECONDS
    warning_thresholds: list[int] | UnsetType = UNSET
    warn_at_lifetime_percent: int | UnsetType | None = UNSET
    accept_untrusted: bool = False


class CertificateChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays, and so do thresholds when the list is empty."""

    check_interval_seconds: int | UnsetType = UNSET
    warning_thresholds: list[int] | UnsetType = UNSET
    warn_at_lifetime_percent: int | UnsetType | None = UNSET
    accept_untrusted: bool | UnsetType = UNSET


# --- events ----------------------------------------------------------------------------------------------------------


class CertificateEvent(Event, frozen=True, kw_only=True):
    monitor_id: int
    hostname: str


class CertificateMonitorCreated(CertificateEvent, frozen=True, kw_only=True, tag="certificate.created"):
    port: int
    source: CertificateSource


class CertificateMonitorUpdated(CertificateEvent, frozen=True, kw_only=True, tag="certificate.updated"):
    port: int
    source: CertificateSource


class CertificateMonitorDeleted(CertificateEvent, frozen=True, kw_only=True, tag="certificate.deleted"):
    pass


class CertificateCheckCompleted(CertificateEvent, frozen=True, kw_only=True, tag="certificate.check_completed"):
    """A handshake that showed something new; one that showed the same is not journalled."""

    status: CertificateStatus
    checked_at: Instant
    subject_cn: str | None
    issuer_cn: str | None
    not_after: Instant | None
    days_remaining: int | None
    chain_valid: bool | None
    hostname_match: bool | None
    error_message: str | None


class CertificateStatusChanged(CertificateEvent, frozen=True, kw_only=True, tag="certificate.status_changed"):
    previous_status: CertificateStatus
    new_status: CertificateStatus
    days_remaining: int | None


class CertificateAlert(CertificateEvent, frozen=True, kw_only=True, tag="certificate.alert"):
    """One problem that begins, or becomes worse. Fields that do not belong to its `alert_type` are null."""

    port: int
    alert_type: Problem
    severity: Severity
    chain_error: str | None
    chain_fault: ChainFault | None
    not_before: Instant | None
    not_after: Instant | None
    threshold_days: int | None
    days_remaining: int | None
    issuer_org: str | None
    auto_renewable: bool | None
    error: str | None


class CertificateRecovery(CertificateEvent, frozen=True, kw_only=True, tag="certificate.recovery"):
    """One problem that is over; `renewed` when another certificate is shown now."""

    port: int
    previous_alert_type: Problem
    new_not_after: Instant | None
    days_remaining: int | None
    renewed: bool
