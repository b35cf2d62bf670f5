"""When what waits for a channel may leave, after the channel has changed.  Source: docs/notifications.md."""

from collections.abc import Iterable
from datetime import datetime

from tocsin.channels import outbox, rules
from tocsin.channels.models import Channel, Notice
from tocsin.containers.models import Severity
from tocsin.db.tx import Tx


def hurry(tx: Tx, channel: Channel) -> None:
    """Try again at once what was not accepted, unless the hours are quiet: there is reason to hope."""
    delivery = outbox.pending_delivery(tx, channel.id)
    if delivery is not None:
        severity = worst(outbox.notices_of(tx, delivery.id))
        outbox.hurry(tx, delivery.id, rules.after_quiet_hours(channel.quiet_hours, severity, tx.clock.now()))


def reschedule(tx: Tx, channel: Channel) -> None:
    """Work out again when each notice may leave: the channel has other quiet hours now."""
    now = tx.clock.now()
    last: dict[int, datetime] = {}
    for notice, was_due in outbox.list_waiting(tx, channel.id):
        at = rules.due_again(channel, notice, was_due, now)
        at = max(at, last.get(notice.alert_id, at))  # an end does not overtake its beginning
        last[notice.alert_id] = at
        outbox.move(tx, notice.id, at)


def worst(notices: Iterable[Notice]) -> Severity:
    return max((notice.alert.severity for notice in notices), key=rules.RANK.__getitem__, default=Severity.INFO)
