"""Monitors and looks as answers show them. Pure."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from tocsin.certificates import rules, times
from tocsin.certificates.models import (
    CertificateCheck,
    CertificateCheckDetail,
    CertificateItem,
    CertificateSource,
    CertificateView,
    ChainLink,
    Monitor,
    Reference,
)
from tocsin.certificates.store import Check
from tocsin.core.clock import wire, wire_or_none
from tocsin.probes.inspection import LONGEST_CHAIN


def view(monitor: Monitor, named_by: Sequence[Reference], now: datetime) -> CertificateView:
    is_label = monitor.source is CertificateSource.LABEL
    return CertificateView(
        id=monitor.id,
        hostname=monitor.hostname,
        port=monitor.port,
        protocol=monitor.protocol,
        source=monitor.source,
        endpoint_id=monitor.endpoint_id,
        container_names=[reference.container_name for reference in named_by],
        status=monitor.status,
        problems=rules.problems_shown(monitor),
        check_interval_seconds=monitor.check_interval_seconds,
        warning_thresholds=list(monitor.warning_thresholds),
        warn_at_lifetime_percent=monitor.warn_at_lifetime_percent,
        accept_untrusted=monitor.accept_untrusted,
        last_alerted_threshold=monitor.last_alerted_threshold,
        last_check_at=wire_or_none(monitor.last_check_at),
        next_check_at=wire_or_none(monitor.next_check_at),
        last_error=monitor.last_error,
        external_id=named_by[0].external_id if is_label and named_by else None,
        created_at=wire(monitor.created_at),
        days_remaining=None if monitor.not_after is None else times.days_remaining(monitor.not_after, now),
    )


def item(monitor: Monitor, check: Check | None, named_by: Sequence[Reference], now: datetime) -> CertificateItem:
    shown = msgspec.structs.asdict(view(monitor, named_by, now))
    return CertificateItem(**shown, latest_check=None if check is None else check_view(check, now))


def check_view(check: Check, now: datetime) -> CertificateCheck:
    seen, leaf = check.seen, check.seen.leaf
    return CertificateCheck(
        id=check.id,
        monitor_id=check.certificate_id,
        checked_at=wire(check.at),
        subject_cn=leaf.subject_cn if leaf else None,
        issuer_cn=leaf.issuer_cn if leaf else None,
        issuer_org=leaf.issuer_org if leaf else None,
        sans=list(leaf.sans) if leaf else [],
        serial_number=leaf.serial_number if leaf else None,
        fingerprint_sha256=leaf.fingerprint_sha256 if leaf else None,
        signature_algorithm=leaf.signature_algorithm if leaf else None,
        key_type=leaf.key_type if leaf else None,
        tls_version=seen.tls_version,
        weakness=seen.weakness,
        not_before=wire(leaf.not_before) if leaf else None,
        not_after=wire(leaf.not_after) if leaf else None,
        days_remaining=times.days_remaining(leaf.not_after, now) if leaf else None,
        chain_valid=seen.chain_fault is None if leaf else None,
        chain_fault=seen.chain_fault,
        chain_error=seen.chain_error,
        hostname_match=seen.hostname_match,
        error_message=seen.error_message,
    )


def check_detail(check: Check, now: datetime) -> CertificateCheckDetail:
    shown = msgspec.structs.asdict(check_view(check, now))
    return CertificateCheckDetail(**shown, chain=_chain(check))


def _chain(check: Check) -> list[ChainLink]:
    """Links have no rows of their own: their ids follow from the look's."""
    return [
        ChainLink(
            id=check.id * LONGEST_CHAIN + position,
            check_result_id=check.id,
            position=position,
            subject_cn=link.subject_cn,
            issuer_cn=link.issuer_cn,
            not_before=wire(link.not_before),
            not_after=wire(link.not_after),
        )
        for position, link in enumerate(check.seen.chain)
    ]
