"""The only SQL about certificates."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Select, and_, delete, exists, func, insert, or_, select, update

from tocsin.certificates.models import CertificateSource, CertificateStatus, Monitor, Problem, Reference
from tocsin.certificates.tables import certificate_checks, certificate_references, certificates
from tocsin.core.clock import from_ms, from_ms_or_none, to_ms, to_ms_or_none
from tocsin.core.errors import NotFound
from tocsin.db.tx import Read, Tx
from tocsin.probes.inspection import Inspection
from tocsin.probes.starttls import Protocol

TOUCHED = "certificates"
_inspection = msgspec.json.Decoder(Inspection)

FURTHEST_LOOK = timedelta(days=8)
"""The longest interval is a week."""


class Sort(StrEnum):
    HOSTNAME = "hostname"
    DAYS = "days"


class Wanted(NamedTuple):
    """What a list is to hold."""

    status: CertificateStatus | None = None
    source: CertificateSource | None = None
    sort: Sort = Sort.HOSTNAME


class Check(NamedTuple):
    """A look that was kept."""

    id: int
    certificate_id: int
    at: datetime
    seen: Inspection


# --- looking ---------------------------------------------------------------------------------------------------------


def get(read: Read, certificate_id: int) -> Monitor:
    """Raises NotFound."""
    found = find(read, certificate_id)
    if found is None:
        raise NotFound("Certificate not found")
    return found


def find(read: Read, certificate_id: int) -> Monitor | None:
    row = read.execute(select(certificates).where(certificates.c.id == certificate_id)).one_or_none()
    return None if row is None else _monitor(row)


def find_at(read: Read, hostname: str, port: int) -> Monitor | None:
    here = (certificates.c.hostname == hostname, certificates.c.port == port)
    row = read.execute(select(certificates).where(*here)).one_or_none()
    return None if row is None else _monitor(row)


def list_page(read: Read, wanted: Wanted, limit: int, offset: int) -> tuple[list[tuple[Monitor, Check | None]], int]:
    """Return one page, each with its latest check, and how many there are."""
    total = int(read.execute(_filtered(select(func.count()).select_from(certificates), wanted)).scalar_one())
    name = (certificates.c.hostname, certificates.c.port)
    order = (certificates.c.not_after_ms.is_(None), certificates.c.not_after_ms, *name)
    statement = (
        _filtered(select(certificates, *_CHECK), wanted)
        .outerjoin(certificate_checks, certificate_checks.c.id == certificates.c.latest_check_id)
        .order_by(*(order if wanted.sort is Sort.DAYS else name))
        .limit(limit)
        .offset(offset)
    )
    return [(_monitor(row), _check(row)) for row in read.execute(statement)], total


_CHECK = (
    certificate_checks.c.id.label("check_id"),
    certificate_checks.c.certificate_id,
    certificate_checks.c.at_ms,
    certificate_checks.c.seen,
)


def _filtered(statement: Select[Any], wanted: Wanted) -> Select[Any]:
    if wanted.status is not None:
        statement = statement.where(certificates.c.status == wanted.status.value)
    if wanted.source is not None:
        statement = statement.where(certificates.c.source == wanted.source.value)
    return statement


def latest(read: Read, monitor: Monitor) -> Check | None:
    if monitor.latest_check_id is None:
        return None
    row = read.execute(select(*_CHECK).where(certificate_checks.c.id == monitor.latest_check_id)).one_or_none()
    return None if row is None else _check(row)


def list_checks(read: Read, certificate_id: int, limit: int, offset: int) -> tuple[list[Check], int]:
    """Return kept looks, newest first, and how many there are."""
    mine = certificate_checks.c.certificate_id == certificate_id
    total = int(read.execute(select(func.count()).select_from(certificate_checks).where(mine)).scalar_one())
    page = select(*_CHECK).where(mine).order_by(certificate_checks.c.id.desc()).limit(limit).offset(offset)
    found = [_check(row) for row in read.execute(page)]
    return [check for check in found if check is not None], total


def list_due(read: Read, now: datetime, limit: int) -> list[int]:
    """Return who is to be looked at, the longest overdue first.

    A moment further away than any interval was written by a clock that was ahead.
    """
    when = certificates.c.next_check_at_ms
    is_due = or_(when <= to_ms(now), when > to_ms(now + FURTHEST_LOOK))
    due = select(certificates.c.id).where(is_due).order_by(when, certificates.c.id).limit(limit)
    return list(read.execute(due).scalars())


def list_of_endpoint(read: Read, endpoint_id: int) -> list[Monitor]:
    found = select(certificates).where(certificates.c.endpoint_id == endpoint_id).order_by(certificates.c.id)
    return [_monitor(row) for row in read.execute(found)]


def list_unwanted(read: Read) -> list[Monitor]:
    """Return monitors of labels that no container names any more, and of endpoints whose row is gone."""
    named = exists().where(certificate_references.c.certificate_id == certificates.c.id)
    source = certificates.c.source
    unnamed = and_(source == CertificateSource.LABEL.value, ~named)
    lost = and_(source == CertificateSource.AUTO.value, certificates.c.endpoint_id.is_(None))
    return [
        _monitor(row) for row in read.execute(select(certificates).where(unnamed | lost).order_by(certificates.c.id))
    ]


def count(read: Read) -> int:
    return int(read.execute(select(func.count()).select_from(certificates)).scalar_one())


# --- references ------------------------------------------------------------------------------------------------------


def references(read: Read, ids: Iterable[int]) -> dict[int, list[Reference]]:
    """Return which containers name these monitors, by name."""
    mine = certificate_references.c.certificate_id.in_(list(ids))
    order = (certificate_references.c.container_name, certificate_references.c.container_id)
    found: dict[int, list[Reference]] = {}
    for row in read.execute(select(certificate_references).where(mine).order_by(*order)):
        found.setdefault(row.certificate_id, []).append(Reference(**row._mapping))
    return found


def list_named_by(read: Read, container_id: int) -> list[Monitor]:
    found = (
        select(certificates)
        .join(certificate_references, certificate_references.c.certificate_id == certificates.c.id)
        .where(certificate_references.c.container_id == container_id)
        .order_by(certificates.c.id)
    )
    return [_monitor(row) for row in read.execute(found)]


def refer(tx: Tx, reference: Reference) -> None:
    """Say that a container names a monitor; again is no harm."""
    unrefer(tx, reference.certificate_id, reference.container_id)
    tx.execute(insert(certificate_references), msgspec.structs.asdict(reference))


def unrefer(tx: Tx, certificate_id: int, container_id: int) -> None:
    mine = (
        certificate_references.c.certificate_id == certificate_id,
        certificate_references.c.container_id == container_id,
    )
    tx.execute(delete(certificate_references).where(*mine))


# --- writing ---------------------------------------------------------------------------------------------------------


def create(tx: Tx, monitor: Monitor) -> Monitor:
    row = {
        "hostname": monitor.hostname,
        "port": monitor.port,
        "protocol": monitor.protocol.value,
        "created_at_ms": to_ms(monitor.created_at),
        "source": monitor.source.value,
        "endpoint_id": monitor.endpoint_id,
        **_wishes(monitor),
        **_standing(monitor),
    }
    number = int(tx.execute(insert(certificates).returning(certificates.c.id), row).scalar_one())
    tx.touch(TOUCHED)
    return msgspec.structs.replace(monitor, id=number)


def save_wishes(tx: Tx, monitor: Monitor) -> None:
    """Write what people decide, and when the next look is."""
    changes = {**_wishes(monitor), "next_check_at_ms": to_ms_or_none(monitor.next_check_at)}
    tx.execute(update(certificates).where(certificates.c.id == monitor.id).values(**changes))
    tx.touch(TOUCHED)


def save_standing(tx: Tx, monitor: Monitor) -> None:
    """Write what looks decide."""
    tx.execute(update(certificates).where(certificates.c.id == monitor.id).values(**_standing(monitor)))
    tx.touch(TOUCHED)


def save_source(tx: Tx, monitor: Monitor) -> None:
    """Write who wants it watched, and how TLS begins there."""
    changes = {
        "source": monitor.source.value,
        "endpoint_id": monitor.endpoint_id,
        "protocol": monitor.protocol.value,
        "next_check_at_ms": to_ms_or_none(monitor.next_check_at),
    }
    tx.execute(update(certificates).where(certificates.c.id == monitor.id).values(**changes))
    tx.touch(TOUCHED)


def spread(tx: Tx, moments: Sequence[tuple[int, datetime]]) -> None:
    """Move the next looks of those that are looked at at all."""
    for number, moment in moments:
        mine = (certificates.c.id == number, certificates.c.next_check_at_ms.is_not(None))
        tx.execute(update(certificates).where(*mine).values(next_check_at_ms=to_ms(moment)))


def keep(tx: Tx, certificate_id: int, at: datetime, seen: Inspection) -> int:
    """Keep a look, and return its number."""
    row = {"certificate_id": certificate_id, "at_ms": to_ms(at), "seen": msgspec.json.encode(seen).decode()}
    return int(tx.execute(insert(certificate_checks).returning(certificate_checks.c.id), row).scalar_one())


def remove(tx: Tx, certificate_id: int) -> None:
    """Delete a monitor with its history and references (by cascade)."""
    tx.execute(delete(certificates).where(certificates.c.id == certificate_id))
    tx.touch(TOUCHED)


def sweep(tx: Tx, cutoff_ms: int, limit: int) -> int:
    """Delete old looks. The latest of each monitor stays: it still holds."""
    holds = exists().where(certificates.c.latest_check_id == certificate_checks.c.id)
    old = (
        select(certificate_checks.c.id)
        .where(certificate_checks.c.at_ms < cutoff_ms, ~holds)
        .order_by(certificate_checks.c.id)
        .limit(limit)
    )
    gone = delete(certificate_checks).where(certificate_checks.c.id.in_(old.scalar_subquery()))
    return tx.execute(gone).rowcount


def _wishes(monitor: Monitor) -> dict[str, Any]:
    return {
        "check_interval_seconds": monitor.check_interval_seconds,
        "warning_thresholds": ",".join(map(str, monitor.warning_thresholds)),
        "warn_at_lifetime_percent": monitor.warn_at_lifetime_percent,
        "accept_untrusted": monitor.accept_untrusted,
    }


def _standing(monitor: Monitor) -> dict[str, Any]:
    return {
        "status": monitor.status.value,
        "last_error": monitor.last_error,
        "alerting": ",".join(monitor.alerting),
        "last_alerted_threshold": monitor.last_alerted_threshold,
        "consecutive_failures": monitor.consecutive_failures,
        "last_check_at_ms": to_ms_or_none(monitor.last_check_at),
        "next_check_at_ms": to_ms_or_none(monitor.next_check_at),
        "fingerprint": monitor.fingerprint,
        "not_before_ms": to_ms_or_none(monitor.not_before),
        "not_after_ms": to_ms_or_none(monitor.not_after),
        "latest_check_id": monitor.latest_check_id,
    }


def _monitor(row: Any) -> Monitor:
    return Monitor(
        id=row.id,
        hostname=row.hostname,
        port=row.port,
        protocol=Protocol(row.protocol),
        source=CertificateSource(row.source),
        endpoint_id=row.endpoint_id,
        status=CertificateStatus(row.status),
        check_interval_seconds=row.check_interval_seconds,
        warning_thresholds=tuple(int(word) for word in row.warning_thresholds.split(",") if word),
        warn_at_lifetime_percent=row.warn_at_lifetime_percent,
        accept_untrusted=row.accept_untrusted,
        last_alerted_threshold=row.last_alerted_threshold,
        alerting=tuple(Problem(word) for word in row.alerting.split(",") if word),
        consecutive_failures=row.consecutive_failures,
        last_check_at=from_ms_or_none(row.last_check_at_ms),
        next_check_at=from_ms_or_none(row.next_check_at_ms),
        last_error=row.last_error,
        fingerprint=row.fingerprint,
        not_before=from_ms_or_none(row.not_before_ms),
        not_after=from_ms_or_none(row.not_after_ms),
        latest_check_id=row.latest_check_id,
        created_at=from_ms(row.created_at_ms),
    )


def _check(row: Any) -> Check | None:
    if row.check_id is None:
        return None
    return Check(row.check_id, row.certificate_id, from_ms(row.at_ms), _inspection.decode(row.seen))
