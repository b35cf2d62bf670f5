"""What people ask for when they add or change a monitor, checked. Pure."""

from datetime import datetime, timedelta

from msgspec import UNSET
from msgspec.structs import replace

from tocsin.certificates import hosts
from tocsin.certificates.hosts import Place
from tocsin.certificates.models import (
    DEFAULT_LIFETIME_PERCENT,
    DEFAULT_THRESHOLDS,
    LARGEST_THRESHOLD,
    LONGEST_INTERVAL_SECONDS,
    MOST_THRESHOLDS,
    SHORTEST_INTERVAL_SECONDS,
    CertificateChange,
    CertificateSource,
    Monitor,
    NewCertificate,
)
from tocsin.core.errors import Invalid


def new(wanted: NewCertificate, now: datetime) -> Monitor:
    """Raises Invalid."""
    place = _place(wanted)
    given = wanted.warning_thresholds is not UNSET
    percent = wanted.warn_at_lifetime_percent
    if percent is UNSET:
        percent = None if given else DEFAULT_LIFETIME_PERCENT
    return Monitor(
        id=0,
        hostname=place.hostname,
        port=place.port,
        protocol=place.protocol,
        source=CertificateSource.STANDALONE,
        check_interval_seconds=_interval(wanted.check_interval_seconds),
        warning_thresholds=DEFAULT_THRESHOLDS
        if wanted.warning_thresholds is UNSET
        else _thresholds(wanted.warning_thresholds),
        warn_at_lifetime_percent=_percent(percent),
        accept_untrusted=wanted.accept_untrusted,
        next_check_at=now,
        created_at=now,
    )


def changed(before: Monitor, wanted: CertificateChange, now: datetime) -> Monitor:
    """Return *before* as *wanted*: looked at again at once, or when its new interval says.  Raises Invalid."""
    after = before
    if wanted.check_interval_seconds is not UNSET:
        after = replace(after, check_interval_seconds=_interval(wanted.check_interval_seconds))
    if wanted.warning_thresholds is not UNSET and wanted.warning_thresholds:
        after = replace(after, warning_thresholds=_thresholds(wanted.warning_thresholds))
        if before.warn_at_lifetime_percent == DEFAULT_LIFETIME_PERCENT:  # those that are given hold as they are
            after = replace(after, warn_at_lifetime_percent=None)
    if wanted.warn_at_lifetime_percent is not UNSET:
        after = replace(after, warn_at_lifetime_percent=_percent(wanted.warn_at_lifetime_percent))
    if wanted.accept_untrusted is not UNSET:
        after = replace(after, accept_untrusted=wanted.accept_untrusted)
    return replace(after, next_check_at=_next(before, after, now))


def _next(before: Monitor, after: Monitor, now: datetime) -> datetime | None:
    if before.next_check_at is None:
        return None
    interval = after.check_interval_seconds
    if replace(before, check_interval_seconds=interval) != after or before.last_check_at is None:
        return now
    if interval == before.check_interval_seconds:
        return before.next_check_at
    return max(now, before.last_check_at + timedelta(seconds=interval))


def _place(wanted: NewCertificate) -> Place:
    text = wanted.hostname if wanted.hostname is not None else wanted.domain
    if wanted.hostname is not None and wanted.domain not in {None, wanted.hostname}:
        raise Invalid("hostname and domain are two names for one thing; give one of them", field="domain")
    if text is None or not text.strip():
        raise Invalid("hostname is needed", field="hostname")
    try:
        written = hosts.parse(text)
    except ValueError as exc:
        raise Invalid(f"hostname: {exc}", field="hostname") from None
    if wanted.port is not UNSET:
        if not 1 <= wanted.port <= 65535:
            raise Invalid("port must be from 1 to 65535", field="port")
        if written.port not in {None, wanted.port}:
            raise Invalid("port is another one than that in hostname", field="port")
        written = written._replace(port=wanted.port)
    if wanted.protocol is not UNSET:
        written = written._replace(protocol=wanted.protocol)
    return written.place()


def _interval(seconds: int) -> int:
    if not SHORTEST_INTERVAL_SECONDS <= seconds <= LONGEST_INTERVAL_SECONDS:
        allowed = f"{SHORTEST_INTERVAL_SECONDS} to {LONGEST_INTERVAL_SECONDS}"
        raise Invalid(f"check_interval_seconds must be from {allowed}", field="check_interval_seconds")
    return seconds


def _thresholds(days: list[int]) -> tuple[int, ...]:
    distinct = sorted(set(days), reverse=True)
    if not 1 <= len(days) <= MOST_THRESHOLDS or len(distinct) < len(days):
        raise Invalid(f"warning_thresholds must be 1 to {MOST_THRESHOLDS} different values", field="warning_thresholds")
    if not all(0 <= one <= LARGEST_THRESHOLD for one in days):
        raise Invalid(f"warning_thresholds must be days from 0 to {LARGEST_THRESHOLD}", field="warning_thresholds")
    return tuple(distinct)


def _percent(percent: int | None) -> int | None:
    if percent is not None and not 1 <= percent <= 100:
        raise Invalid("warn_at_lifetime_percent must be from 1 to 100, or null", field="warn_at_lifetime_percent")
    return percent
