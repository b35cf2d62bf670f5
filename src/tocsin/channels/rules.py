"""Who is told of what, when, and when to try again. Pure.  Source: docs/notifications.md."""

from datetime import datetime, timedelta

from tocsin.alerts.models import AlertView
from tocsin.channels.models import Channel, Rule
from tocsin.containers.models import Severity

WAITS_S = (5.0, 30.0, 120.0, 600.0)
LATER_S = 1800.0
GIVE_UP_AFTER = timedelta(hours=24)
SPREAD = 0.2
FIRST_WAIT = timedelta(seconds=2)
"""A cause above may claim what is told of containers and their monitors."""
MERGE_FOR = timedelta(seconds=30)
RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


def wants(channel: Channel, alert: AlertView) -> bool:
    """Say whether *channel* is told of *alert*: without rules of all, with rules if one of them matches."""
    return channel.enabled and (not channel.rules or any(matches(rule, alert) for rule in channel.rules))


def matches(rule: Rule, alert: AlertView) -> bool:
    return (
        (not rule.sources or alert.source in rule.sources)
        and (not rule.severities or alert.severity in rule.severities)
        and (rule.group is None or rule.group == alert.group)
    )


def chosen(channels: list[Channel], alert: AlertView, labelled: str | None) -> list[Channel]:
    """Return who is told. A label names channels; if it names none that exist, routing is as without it."""
    names = {name.strip().casefold() for name in (labelled or "").split(",") if name.strip()}
    named = [channel for channel in channels if channel.enabled and channel.name.casefold() in names]
    return named or [channel for channel in channels if wants(channel, alert)]


def group_key(alert: AlertView) -> str:
    """Return what alerts share that are told together: their host and group."""
    return f"{alert.host or ''}/{alert.group or ''}"


def not_before(now: datetime, last_sent_at: datetime | None) -> datetime:
    """Return when a notice may leave: soon, or once the half minute after the last message of its group is over."""
    soon = now + FIRST_WAIT
    return soon if last_sent_at is None else max(soon, last_sent_at + MERGE_FOR)


def next_attempt(
    attempts: int, created_at: datetime, now: datetime, wait_s: float | None, chance: float
) -> datetime | None:
    """Return when to try again after *attempts* failures, None when it is time to give up.

    *wait_s* is what the other side asked for; *chance*, from 0 to 1, spreads the waits by a fifth either way.
    """
    if now - created_at >= GIVE_UP_AFTER:
        return None
    planned = WAITS_S[attempts - 1] if attempts <= len(WAITS_S) else LATER_S
    spread = planned * (1 - SPREAD + 2 * SPREAD * chance)
    return now + timedelta(seconds=max(spread, wait_s or 0.0))
