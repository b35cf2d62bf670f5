"""Who is told of what, and when. Pure.  Source: docs/notifications.md."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tocsin.alerts.models import AlertView
from tocsin.channels.models import Beginning, Channel, DeliveryStatus, Notice, QuietHours, Rule
from tocsin.containers.models import Severity

FIRST_WAIT = timedelta(seconds=2)
"""A cause above may claim what is told of containers and their monitors."""
RECOVERY_WAIT = timedelta(seconds=10)
"""What was listed under a cause may recover with it, and is then told in the same message."""
MERGE_FOR = timedelta(seconds=30)
RINGS_AFTER_ATTEMPTS = 4
"""A channel that has not taken a message by then is told of in the others."""
RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class Told(NamedTuple):
    """One who is told, and after how much time without an acknowledgement."""

    channel: Channel
    after: timedelta = timedelta(0)


def matches(rule: Rule, alert: AlertView) -> bool:
    return (
        (not rule.sources or alert.source in rule.sources)
        and (not rule.severities or alert.severity in rule.severities)
        and _fits(rule.entity, alert.entity_name)
        and _fits(rule.group, alert.group or "")
    )


def _fits(pattern: str | None, text: str) -> bool:
    return pattern is None or fnmatchcase(text.casefold(), pattern.casefold())


def chosen(channels: list[Channel], alert: AlertView) -> list[Told]:
    """Return who is told: a channel without rules of all, one with rules if one of them matches.

    A label names channels, which are then told at once, those that are switched off apart; if it names none that exist,
    routing is as without it. No channel is told that it fails itself.
    """
    able = [channel for channel in channels if channel.enabled and alert.entity_key != f"channel:{channel.id}"]
    names = _named(alert)
    if any(channel.name.casefold() in names for channel in channels):
        return [Told(channel) for channel in able if channel.name.casefold() in names]
    return [Told(channel, after) for channel in able if (after := _after(channel, alert)) is not None]


def unknown_names(channels: list[Channel], alert: AlertView) -> list[str]:
    """Return what a label names that is no channel."""
    return sorted(_named(alert) - {channel.name.casefold() for channel in channels})


def _named(alert: AlertView) -> set[str]:
    return {name.strip().casefold() for name in (alert.channels or "").split(",") if name.strip()}


def _after(channel: Channel, alert: AlertView) -> timedelta | None:
    if not channel.rules:
        return timedelta(0)
    waits = [rule.after_minutes for rule in channel.rules if matches(rule, alert)]
    return timedelta(minutes=min(waits)) if waits else None


def rings(status: DeliveryStatus, attempts: int) -> bool:
    """Say whether a delivery in this status is reason to tell that its channel fails."""
    return status is DeliveryStatus.FAILED or (status is DeliveryStatus.PENDING and attempts >= RINGS_AFTER_ATTEMPTS)


def group_key(alert: AlertView) -> str:
    """Return what alerts share that are told together: their host and group."""
    return f"{alert.host or ''}/{alert.group or ''}"


def listed_under(told: Sequence[Beginning], severity: Severity, at: datetime) -> str | None:
    """Return the group of what was told of a cause, if an alert that would leave at *at* may be listed under it.

    None: it must not wait for that, because it is worse, or because the cause itself leaves only later.
    """
    for one in told:
        is_in_time = one.leaves_at is None or one.leaves_at <= at + MERGE_FOR
        if is_in_time and RANK[one.severity] >= RANK[severity]:
            return one.group_key
    return None


def not_before(now: datetime, last_sent_at: datetime | None) -> datetime:
    """Return when a notice may leave: soon, or once the half minute after the last message of its group is over."""
    soon = now + FIRST_WAIT
    return soon if last_sent_at is None else max(soon, last_sent_at + MERGE_FOR)


def due_again(channel: Channel, notice: Notice, was_due: datetime, now: datetime) -> datetime:
    """Return when a notice may leave that had to wait until *was_due* before the quiet hours of *channel* changed."""
    at = was_due if was_due <= now + MERGE_FOR else now + FIRST_WAIT
    if notice.escalation:
        after = _after(channel, notice.alert) or timedelta(0)
        at = min(was_due, max(now, datetime.fromisoformat(notice.alert.last_seen_at) + after))
    return after_quiet_hours(channel.quiet_hours, notice.alert.severity, at)


def after_quiet_hours(quiet: QuietHours | None, severity: Severity, at: datetime) -> datetime:
    """Return *at*, or the end of the quiet hours it falls into.

    Hours that cannot be read (the file of their time zone is gone) are not quiet: one channel must not cost the others
    their notifications.
    """
    if quiet is None or (quiet.critical_passes and severity is Severity.CRITICAL):
        return at
    try:
        zone = ZoneInfo(quiet.timezone)
        start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    except (KeyError, ValueError, OSError):
        return at
    local = at.astimezone(zone)
    of_day = local.time()
    is_quiet = start <= of_day < end if start <= end else of_day >= start or of_day < end
    if not is_quiet:
        return at
    day = local.date() if of_day < end else local.date() + timedelta(days=1)
    return datetime.combine(day, end, zone).astimezone(at.tzinfo)
