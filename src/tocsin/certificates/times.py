"""When a certificate is warned of, and when to look at it again. Pure.  Source: docs/spec/certificates.md, times."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tocsin.certificates.models import Monitor
from tocsin.probes.inspection import Link

FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=5), timedelta(hours=1)
A_MOMENT = timedelta(seconds=1)
DAY = timedelta(days=1)
LARGEST_JITTER = 0.05
"""Of the interval: what was made together is not looked at together for ever."""


def days_remaining(not_after: datetime, now: datetime) -> int:
    """Return whole days, rounded down: -1 from the moment it ends."""
    return (not_after - now) // DAY


def thresholds(monitor: Monitor, lifetime: timedelta) -> tuple[int, ...]:
    """Return the days at which a certificate of that *lifetime* is warned of, largest first.

    None is beyond the share of the lifetime that `warn_at_lifetime_percent` allows; there is always one.
    """
    days = set(monitor.warning_thresholds)
    if monitor.warn_at_lifetime_percent is not None:
        most = max(0, lifetime * monitor.warn_at_lifetime_percent // 100 // DAY)
        days = {min(one, most) for one in days}
    return tuple(sorted(days, reverse=True))


def crossed_threshold(monitor: Monitor, leaf: Link, now: datetime) -> int | None:
    """Return the smallest threshold that so many days are below or at; None when there is more time."""
    days = days_remaining(leaf.not_after, now)
    return min((one for one in thresholds(monitor, leaf.not_after - leaf.not_before) if days <= one), default=None)


def next_check(monitor: Monitor, now: datetime, jitter_s: float = 0.0) -> datetime:
    """Return when to look again: after the interval, sooner when its status will change, or after a failure."""
    interval = timedelta(seconds=monitor.check_interval_seconds)
    if monitor.consecutive_failures:
        doubled = FIRST_RETRY * (1 << min(monitor.consecutive_failures - 1, 10))
        return now + min(interval, doubled, LONGEST_RETRY)
    return now + min([interval + timedelta(seconds=jitter_s), *_turning_points(monitor, now)])


def _turning_points(monitor: Monitor, now: datetime) -> Iterator[timedelta]:
    """Yield in how long its status may change by itself. Differences, for there are certificates until 9999."""
    if monitor.not_before is None or monitor.not_after is None:
        return
    left = monitor.not_after - now
    days = thresholds(monitor, monitor.not_after - monitor.not_before)
    for wait in (monitor.not_before - now, left, *(left - DAY * (one + 1) for one in days)):
        if wait >= timedelta(0):
            yield wait + A_MOMENT
