"""What facts about alerts put into the outbox, in their own transaction.  Source: docs/notifications.md."""

from collections.abc import Callable, Iterable
from datetime import timedelta

import structlog

from tocsin.alerts.models import (
    AlertAcknowledged,
    AlertEvent,
    AlertFired,
    AlertResolved,
    AlertUnsilenced,
    AlertUpdated,
    AlertView,
    Status,
)
from tocsin.channels import outbox, rules, store
from tocsin.channels.models import Beginning, Channel, Kind, Notice
from tocsin.db.tx import Reaction, Read, Tx

log = structlog.get_logger(__name__)

FindAlert = Callable[[Read, int], AlertView | None]


def reaction(find_alert: FindAlert) -> Reaction:
    """Return the row of the reaction table; *find_alert* is how an alert is now, None when it is gone."""

    def rederive(tx: Tx, entity: str) -> None:
        alert = find_alert(tx, int(entity.partition(":")[2]))
        if alert is not None:
            settle(tx, alert)

    facts = (AlertFired, AlertUpdated, AlertUnsilenced, AlertAcknowledged, AlertResolved)
    return Reaction("channels", facts, react, rederive, entity_of)


def react(tx: Tx, fact: AlertEvent) -> None:
    """Queue a notice for every channel that is to be told, and take back what is no longer wanted."""
    match fact:
        case AlertFired():
            tell_beginning(tx, fact.alert)
        case AlertUpdated():
            tell_of_cause(tx, fact.alert)
        case AlertUnsilenced():
            tell_missed(tx, fact.alert)
        case AlertAcknowledged():
            _take_back(tx, fact.alert, outbox.cancel_escalations)
        case AlertResolved():
            tell_end(tx, fact.alert)


def tell_beginning(tx: Tx, alert: AlertView) -> None:
    if alert.silence_id is not None:
        return
    above = _told_of_cause(tx, alert)
    channels = store.list_channels(tx)
    unknown = rules.unknown_names(channels, alert)
    if unknown:
        log.warning("a label names channels that do not exist", names=unknown, entity=alert.entity_name)
    for channel, after in rules.chosen(channels, alert):
        _begin_in(tx, channel, after, alert, above.get(channel.id, []))


def _begin_in(tx: Tx, channel: Channel, after: timedelta, alert: AlertView, above: list[Beginning]) -> None:
    key, now = rules.group_key(alert), tx.clock.now()
    at = rules.not_before(now, outbox.last_begun_at(tx, channel.id, key))
    at = rules.after_quiet_hours(channel.quiet_hours, alert.severity, max(at, now + after))
    was_due = outbox.cancel_escalations(tx, alert.id, channel.id)
    if after and was_due is not None:
        at = min(at, was_due)
    under = rules.listed_under(above, alert.severity, at)
    if under is None:
        outbox.hasten(tx, channel.id, alert.id, key, at)
        place = outbox.Place(key, at, escalation=bool(after))
    else:
        outbox.hold(tx, channel.id, alert.id, alert.cause_id or 0, under)
        place = outbox.Place(under, at, alert.cause_id, escalation=bool(after))
    outbox.add(tx, channel.id, Kind.FIRED, alert, place)


def tell_missed(tx: Tx, alert: AlertView) -> None:
    """Tell of an active alert if it is worse than all that was told of it, and nobody takes care of it."""
    told = outbox.severities_told(tx, alert.id)
    if alert.acknowledged_at is None and all(rules.RANK[alert.severity] > rules.RANK[one] for one in told):
        tell_beginning(tx, alert)


def tell_of_cause(tx: Tx, alert: AlertView) -> None:
    """List under its cause what has not left yet."""
    for channel_id, above in _told_of_cause(tx, alert).items():
        at = outbox.waits_until(tx, channel_id, alert.id)
        under = rules.listed_under(above, alert.severity, at) if at is not None else None
        if under is not None:
            outbox.hold(tx, channel_id, alert.id, alert.cause_id or 0, under)


def _told_of_cause(read: Read, alert: AlertView) -> dict[int, list[Beginning]]:
    """Return what the channels were told, or are about to be, of the open alert above *alert*."""
    if alert.cause_id is None:
        return {}
    ended = outbox.told(read, alert.cause_id, Kind.RESOLVED)
    told = outbox.beginnings(read, alert.cause_id)
    return {channel_id: found for channel_id, found in told.items() if channel_id not in ended}


def tell_end(tx: Tx, alert: AlertView) -> None:
    """An end is told to exactly those who were told of the beginning, whatever routing and silences say by now.

    What a silence has kept back until the end is told to nobody.
    """
    _take_back(tx, alert, outbox.cancel_escalations if alert.silence_id is None else outbox.take_back)
    told = outbox.told(tx, alert.id, Kind.FIRED)
    for channel in _known(tx, told):
        _end_in(tx, channel, alert, told[channel.id])


def _take_back(tx: Tx, alert: AlertView, take: Callable[[Tx, int], object]) -> None:
    """Take back what nobody needs to be told any more; what was to be listed under it then stands for itself."""
    before = outbox.told(tx, alert.id, Kind.FIRED)
    take(tx, alert.id)
    still = outbox.told(tx, alert.id, Kind.FIRED)
    for channel_id, key in before.items():
        if channel_id not in still:
            outbox.release(tx, channel_id, alert.id, key, tx.clock.now() + rules.FIRST_WAIT)


def _known(read: Read, told: dict[int, str]) -> list[Channel]:
    return [channel for channel in store.list_channels(read) if channel.id in told] if told else []


def _end_in(tx: Tx, channel: Channel, alert: AlertView, key: str) -> None:
    now = tx.clock.now()
    held_under = outbox.held_under(tx, channel.id, alert.id)
    at = rules.not_before(now, outbox.last_begun_at(tx, channel.id, key))
    if outbox.has_held(tx, channel.id, alert.id):
        at = max(at, now + rules.RECOVERY_WAIT)
    at = rules.after_quiet_hours(channel.quiet_hours, alert.severity, at)
    at = max(at, outbox.waits_until(tx, channel.id, alert.id) or at)
    outbox.add(tx, channel.id, Kind.RESOLVED, alert, outbox.Place(key, at, held_under))
    outbox.release(tx, channel.id, alert.id, key, at)


def tell_ends_again(tx: Tx, channel: Channel, again: Iterable[Notice], find_alert: FindAlert) -> None:
    """Queue the ends of what a channel is now told of after all, where the end was not told because it had failed."""
    for notice in again:
        alert = find_alert(tx, notice.alert_id) if notice.kind is Kind.FIRED else None
        if alert is None or alert.status is not Status.RESOLVED:
            continue
        if channel.id not in outbox.told(tx, alert.id, Kind.RESOLVED):
            _end_in(tx, channel, alert, notice.group_key)


def settle(tx: Tx, alert: AlertView) -> None:
    """Queue what should have been queued about *alert*, given how it is now."""
    if alert.status is Status.ACTIVE:
        tell_missed(tx, alert)
    elif alert.status is Status.RESOLVED and not outbox.told(tx, alert.id, Kind.RESOLVED):
        tell_end(tx, alert)


def entity_of(fact: AlertEvent) -> str:
    return f"alert:{fact.alert.id}"
