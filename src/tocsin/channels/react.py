"""What facts about alerts put into the outbox, in their own transaction."""

from collections.abc import Callable

from tocsin.alerts.models import AlertFired, AlertResolved, AlertView, Status
from tocsin.channels import outbox, rules, store
from tocsin.channels.models import Kind
from tocsin.db.tx import Reaction, Read, Tx

FindAlert = Callable[[Read, int], AlertView | None]


def reaction(find_alert: FindAlert) -> Reaction:
    """Return the row of the reaction table; *find_alert* is how an alert is now, None when it is gone."""

    def rederive(tx: Tx, entity: str) -> None:
        alert = find_alert(tx, int(entity.partition(":")[2]))
        if alert is not None:
            settle(tx, alert)

    return Reaction("channels", (AlertFired, AlertResolved), react, rederive, entity_of)


def react(tx: Tx, fact: AlertFired | AlertResolved) -> None:
    """Queue a notice for every channel that is to be told."""
    if isinstance(fact, AlertResolved):
        tell_end(tx, fact.alert)
    else:
        tell_beginning(tx, fact.alert)


def tell_beginning(tx: Tx, alert: AlertView) -> None:
    if alert.silence_id is not None:
        return
    key, now = rules.group_key(alert), tx.clock.now()
    for channel in rules.chosen(store.list_channels(tx), alert, alert.channels):
        at = rules.not_before(now, outbox.last_begun_at(tx, channel.id, key))
        outbox.add(tx, channel.id, Kind.FIRED, alert, key, at)


def tell_end(tx: Tx, alert: AlertView) -> None:
    """An end is told to exactly those who were told of the beginning, whatever routing and silences say by now."""
    now = tx.clock.now()
    for channel_id, key in outbox.told(tx, alert.id, Kind.FIRED).items():
        at = rules.not_before(now, outbox.last_begun_at(tx, channel_id, key))
        outbox.add(tx, channel_id, Kind.RESOLVED, alert, key, at)


def settle(tx: Tx, alert: AlertView) -> None:
    """Queue what should have been queued about *alert*, given how it is now."""
    if alert.status is Status.ACTIVE and not outbox.told(tx, alert.id, Kind.FIRED):
        tell_beginning(tx, alert)
    elif alert.status is Status.RESOLVED and not outbox.told(tx, alert.id, Kind.RESOLVED):
        tell_end(tx, alert)


def entity_of(fact: AlertFired | AlertResolved) -> str:
    return f"alert:{fact.alert.id}"
