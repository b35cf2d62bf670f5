"""The engine: signals become alerts, in the transaction of the facts that caused them.

It knows no monitor. `react` is the entry of the reaction table; which facts mean what is in the table of each kind of
monitor (`containers.py`).  Source: docs/spec/alerts.md.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from tocsin.alerts import containers as container_signals
from tocsin.alerts import rules, store, views
from tocsin.alerts.models import Alert, AlertEvent, AlertUpdated, Clear, EntityType, Raise, Signal, Status
from tocsin.alerts.rules import Decision
from tocsin.containers.models import Container, ContainerEvent, HostRecovered, HostUnreachable
from tocsin.core.clock import wire
from tocsin.core.events import Event
from tocsin.db.tx import Reaction, Read, Tx


class Lookups(NamedTuple):
    """What the engine asks of other slices: SQL only, in the transaction at hand."""

    container: Callable[[Read, int], Container | None]
    evidence: Callable[[Read, Container], Mapping[str, Any]]
    silence: Callable[[Read, Alert, datetime], int | None]


class AlertEngine:
    """Takes in signals. It holds no state: what is open stands in the database."""

    def __init__(self, lookups: Lookups) -> None:
        self._ask = lookups

    def reaction(self) -> Reaction:
        facts = (*container_signals.CONTAINER_FACTS, *container_signals.HOST_FACTS)
        return Reaction("alerts", facts, self.react, self.rederive, entity_of)

    def react(self, tx: Tx, fact: Event) -> None:
        """Raise and clear what *fact* says."""
        self.take(tx, self._signals(tx, fact))

    def _signals(self, tx: Tx, fact: Event) -> list[Signal]:
        now = tx.clock.now()
        if isinstance(fact, HostUnreachable | HostRecovered):
            return container_signals.on_host(fact, now)
        assert isinstance(fact, ContainerEvent)  # the reaction table holds no others  # noqa: S101
        container = self._ask.container(tx, fact.container_id)
        evidence = self._ask.evidence(tx, container) if container is not None else {}
        return container_signals.on_container(fact, container, now, evidence)

    def rederive(self, tx: Tx, entity: str) -> None:
        """Bring the alerts of one entity in line with how it is now."""
        kind, _, key = entity.partition(":")
        now = tx.clock.now()
        if kind != EntityType.CONTAINER:
            return
        container = self._ask.container(tx, int(key))
        if container is None or container.archived_at is not None:
            self.take(tx, [Clear(entity_type=EntityType.CONTAINER, entity_key=key, at=now)])
            return
        self.take(tx, container_signals.current(container, now, self._ask.evidence(tx, container)))

    def take(self, tx: Tx, signals: Iterable[Signal]) -> None:
        """Apply *signals* in order."""
        for signal in signals:
            if isinstance(signal, Raise):
                self._raise(tx, signal)
            else:
                self._clear(tx, signal)

    def _raise(self, tx: Tx, seen: Raise) -> None:
        key = f"{seen.source}|{seen.alert_type}|{seen.subject.type}|{seen.subject.key}"
        known, now = store.find_open(tx, key), tx.clock.now()
        blank = rules.on_raise(None, seen, None, now).after
        assert blank is not None  # a raise always begins something  # noqa: S101
        silence_id = self._ask.silence(tx, blank, now)
        self._apply(tx, rules.on_raise(known, seen, silence_id, now))

    def _clear(self, tx: Tx, seen: Clear) -> None:
        for alert in store.list_open_of(tx, seen.entity_type, seen.entity_key):
            if not seen.alert_types or alert.alert_type in seen.alert_types:
                decision = rules.on_clear(alert, seen)
                if decision.after is None:
                    store.forget(tx, alert.id)
                else:
                    self._apply(tx, decision)

    def settle(self, tx: Tx, alert: Alert) -> None:
        """Apply what silences say about an open alert now."""
        silence_id = self._ask.silence(tx, alert, tx.clock.now())
        pending = alert.status is Status.PENDING
        if pending and self._absorb(tx, alert):
            return
        self._apply(tx, rules.on_due(alert, silence_id) if pending else rules.settle_silence(alert, silence_id))

    def _absorb(self, tx: Tx, waited: Alert) -> bool:
        """Let what has waited join an open alert that is about the same trouble; say whether there is one."""
        by = container_signals.ABSORBED_BY.get(waited.alert_type)
        for alert in store.list_open_of(tx, waited.subject.type, waited.subject.key):
            if alert.alert_type == by and alert.status is not Status.PENDING:
                store.forget(tx, waited.id)
                details = {**alert.details, **waited.details}
                self._apply(tx, Decision(replace(alert, message=waited.message, details=details), AlertUpdated))
                return True
        return False

    def _apply(self, tx: Tx, decision: Decision) -> None:
        after = decision.after
        if after is None:
            return
        if after.id:
            store.save(tx, after)
        else:
            after = store.insert_alert(tx, after)
        if decision.says is not None:
            say(tx, decision.says, after)


def say(tx: Tx, kind: type[AlertEvent], alert: Alert) -> None:
    tx.emit(kind(alert=views.view(alert), timestamp=wire(tx.clock.now())))


def entity_of(fact: Event) -> str:
    """Return whose alerts *fact* concerns, such as `container:12`."""
    if isinstance(fact, HostUnreachable | HostRecovered):
        return f"host:{fact.host}"
    return f"container:{getattr(fact, 'container_id', 0)}"
