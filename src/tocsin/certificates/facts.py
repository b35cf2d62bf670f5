"""What is said about a monitor: the events, built from how it stands and what was seen. Pure."""

from datetime import datetime

from tocsin.certificates.models import (
    CertificateAlert,
    CertificateCheckCompleted,
    CertificateRecovery,
    CertificateStatusChanged,
    Monitor,
    Problem,
)
from tocsin.certificates.times import days_remaining
from tocsin.containers.models import Severity
from tocsin.core.clock import wire, wire_or_none
from tocsin.probes.inspection import Inspection

RENEWED_BY_MACHINES = ("let's encrypt", "zerossl", "buypass", "google trust services")
_SEVERITIES = {Problem.UNREACHABLE: Severity.WARNING, Problem.WEAK_KEY: Severity.WARNING}


def severity(problem: Problem, days: int | None, *, auto_renewable: bool) -> Severity:
    """Return how bad it is; what machines renew is late later.  Source: docs/spec/certificates.md, severity."""
    if problem is not Problem.EXPIRING:
        return _SEVERITIES.get(problem, Severity.CRITICAL)
    critical, warning = (3, 7) if auto_renewable else (7, 14)
    if days is None or days > warning:
        return Severity.INFO
    return Severity.CRITICAL if days <= critical else Severity.WARNING


def is_renewed_by_machines(issuer_org: str | None) -> bool:
    return any(name in (issuer_org or "").lower() for name in RENEWED_BY_MACHINES)


def alert(monitor: Monitor, problem: Problem, seen: Inspection, now: datetime) -> CertificateAlert:
    issuer_org = seen.leaf.issuer_org if seen.leaf is not None else None
    by_machines = is_renewed_by_machines(issuer_org)
    days = _days(monitor, now)
    is_chain, is_expiring = problem is Problem.CHAIN_INVALID, problem is Problem.EXPIRING
    is_time = is_expiring or problem in {Problem.EXPIRED, Problem.NOT_YET_VALID}
    return CertificateAlert(
        monitor_id=monitor.id,
        hostname=monitor.hostname,
        port=monitor.port,
        alert_type=problem,
        severity=severity(problem, days, auto_renewable=by_machines),
        chain_error=seen.chain_error if is_chain else None,
        chain_fault=seen.chain_fault if is_chain else None,
        not_before=wire_or_none(monitor.not_before) if is_time else None,
        not_after=wire_or_none(monitor.not_after) if is_time else None,
        threshold_days=monitor.last_alerted_threshold if is_expiring else None,
        days_remaining=days if is_time else None,
        issuer_org=issuer_org if is_time else None,
        auto_renewable=by_machines if is_expiring else None,
        error=None if is_time or is_chain else sentence(monitor, problem, seen),
        timestamp=wire(now),
    )


def standing(monitor: Monitor, known: Inspection | None, now: datetime) -> list[CertificateAlert]:
    """Return what rings, told anew: for whoever has missed it."""
    return [alert(monitor, problem, known or Inspection(), now) for problem in monitor.alerting]


def recovery(after: Monitor, problem: Problem, now: datetime, *, renewed: bool) -> CertificateRecovery:
    return CertificateRecovery(
        monitor_id=after.id,
        hostname=after.hostname,
        port=after.port,
        previous_alert_type=problem,
        new_not_after=wire_or_none(after.not_after),
        days_remaining=_days(after, now),
        renewed=renewed,
        timestamp=wire(now),
    )


def _days(monitor: Monitor, now: datetime) -> int | None:
    return None if monitor.not_after is None else days_remaining(monitor.not_after, now)


def completed(after: Monitor, seen: Inspection, now: datetime) -> CertificateCheckCompleted:
    leaf = seen.leaf
    return CertificateCheckCompleted(
        monitor_id=after.id,
        hostname=after.hostname,
        status=after.status,
        checked_at=wire(now),
        subject_cn=leaf.subject_cn if leaf is not None else None,
        issuer_cn=leaf.issuer_cn if leaf is not None else None,
        not_after=wire(leaf.not_after) if leaf is not None else None,
        days_remaining=days_remaining(leaf.not_after, now) if leaf is not None else None,
        chain_valid=seen.chain_fault is None if leaf is not None else None,
        hostname_match=seen.hostname_match,
        error_message=seen.error_message,
        timestamp=wire(now),
    )


def status_changed(before: Monitor, after: Monitor, now: datetime) -> CertificateStatusChanged:
    return CertificateStatusChanged(
        monitor_id=after.id,
        hostname=after.hostname,
        previous_status=before.status,
        new_status=after.status,
        days_remaining=_days(after, now),
        timestamp=wire(now),
    )


def sentence(monitor: Monitor, problem: Problem, seen: Inspection) -> str | None:
    match problem:
        case Problem.UNREACHABLE:
            return seen.error_message or monitor.last_error
        case Problem.CHAIN_INVALID:
            return seen.chain_error
        case Problem.WEAK_KEY:
            return seen.weakness
        case Problem.HOSTNAME_MISMATCH:
            names = seen.leaf.sans if seen.leaf is not None else ()
            return f"it is for {', '.join(names[:5]) or 'no name at all'}, not for {monitor.hostname}"
        case Problem.NOT_YET_VALID if monitor.not_before is not None:
            return f"it is not valid before {wire(monitor.not_before)}"
    return None
