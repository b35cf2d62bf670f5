"""The engine: signals become alerts, in the transaction of the facts that caused them.

It knows no monitor. `react` is the entry of the reaction table; which facts mean what is in the table of each kind of
monitor (`containers.py`, `own.py`).  Source: docs/spec/alerts.md.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec.structs import replace

from tocsin.alerts import containers as container_signals
from tocsin.alerts import own, rules, store, views
from tocsin.alerts.models import (
    Alert,
    AlertEscalated,
    AlertEvent,
    AlertUpdated,
    Clear,
    EntityType,
    Raise,
    Signal,
    Status,
)
from tocsin.alerts.rules import Decision
from tocsin.containers.models import Container, ContainerEvent, HostRecovered, HostUnreachable
from tocsin.core.clock import wire
from tocsin.core.events import Event
from tocsin.db.tx import Reaction, Read, Tx

CLAIMED_WITHIN = timedelta(minutes=2)
"""A cause that shows later than its consequences claims those that are younger than this."""


class Lookups(NamedTuple):
    """What the engine asks of other slices: SQL only, in the transaction at hand."""

    container: Callable[[Read, int], Container | None]
    evidence: Callable[[Read, Container], Mapping[str, Any]]
    parents: Callable[[Read, Container], tuple[str, ...]]
    residents: Callable[[Read, str], Mapping[str, Any]]
    silence: Callable[[Read, Alert, datetime], int | None]


class AlertEngine:
    """Takes in signals. It holds no state: what is open stands in the database.

    *flap_count* episodes within an hour make an alert one that flaps; 0: never.
    """

    def __init__(self, lookups: Lookups, flap_count: int = 0) -> None:
        self._ask = lookups
        self._flap_count = flap_count

    def reactions(self) -> tuple[Reaction, ...]:
        facts = (*container_signals.CONTAINER_FACTS, *container_signals.HOST_FACTS)
        return (
            Reaction("alerts", facts, self.react, self.rederive, entity_of),
            Reaction(own.NAME, own.FACTS, self.react_to_self, _nothing_to_settle, own.entity_of),
            Reaction("escalations", (AlertEscalated,), _note_escalation, _nothing_to_settle, _escalated),
        )

    def react(self, tx: Tx, fact: Event) -> None:
        """Raise and clear what *fact* says."""
        self.take(tx, self._signals(tx, fact))

    def react_to_self(self, tx: Tx, fact: Event) -> None:
        self.take(tx, own.signals(fact, tx.clock.now()))

    def _signals(self, tx: Tx, fact: Event) -> list[Signal]:
        now = tx.clock.now()
        if isinstance(fact, HostUnreachable | HostRecovered):
            return container_signals.on_host(fact, now, self._ask.residents(tx, fact.host))
        assert isinstance(fact, ContainerEvent)  # the reaction table holds no others  # noqa: S101
        container = self._ask.container(tx, fact.container_id)
        if container is None:
            return container_signals.on_container(fact, None, now, {})
        found = container_signals.on_container(fact, container, now, self._ask.evidence(tx, container))
        return self._placed(tx, container, found)

    def _placed(self, tx: Tx, container: Container, signals: list[Signal]) -> list[Signal]:
        """Return *signals* with what the container cannot do without."""
        if not any(isinstance(signal, Raise) for signal in signals):
            return signals
        parents = self._ask.parents(tx, container)
        return [
            replace(signal, subject=replace(signal.subject, parents=parents)) if isinstance(signal, Raise) else signal
            for signal in signals
        ]

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
        found = container_signals.current(container, now, self._ask.evidence(tx, container))
        self.take(tx, self._placed(tx, container, found))

    # --- taking in -------------------------------------------------------------------------------------------------

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
        if known is not None:
            silence_id = self._silence(tx, replace(blank, cause_id=known.cause_id))
            self._apply(tx, rules.on_raise(known, seen, silence_id, now))
        elif blank.status is Status.PENDING:
            self._apply(tx, Decision(blank))
        else:
            self._fire(tx, blank)

    def _fire(self, tx: Tx, alert: Alert) -> None:
        """Begin an episode: under a cause if there is one, silenced or not, and as the cause of what came before."""
        cause = self._cause(tx, alert)
        alert = replace(alert, cause_id=cause.id if cause is not None else None)
        episodes = store.count_episodes(tx, alert, tx.clock.now() - rules.FLAPPING_WITHIN) + 1
        if 0 < self._flap_count <= episodes:
            alert = rules.as_flapping(alert, episodes)
        after = self._apply(tx, rules.on_due(alert, self._silence(tx, alert)))
        if after is not None and after.status is Status.ACTIVE:
            self._claim(tx, after)

    def _silence(self, tx: Tx, alert: Alert) -> int | None:
        """Return the silence that keeps *alert* quiet: its own, or that of the open alert above it."""
        own_silence = self._ask.silence(tx, alert, tx.clock.now())
        if own_silence is not None or alert.cause_id is None:
            return own_silence
        cause = store.find(tx, alert.cause_id)
        return cause.silence_id if cause is not None and cause.resolved_at is None else None

    def _cause(self, tx: Tx, alert: Alert) -> Alert | None:
        """Return the open alert above *alert*, the topmost that is known."""
        for parent in alert.subject.parents:
            kind, _, key = parent.partition(":")
            for found in store.list_open_of(tx, EntityType(kind), key):
                if found.alert_type in container_signals.CAUSES and found.status is not Status.PENDING:
                    above = store.find(tx, found.cause_id) if found.cause_id is not None else None
                    return above if above is not None and above.resolved_at is None else found
        return None

    def _claim(self, tx: Tx, cause: Alert) -> None:
        """Make *cause* the cause of what has just gone wrong below it."""
        if cause.alert_type not in container_signals.CAUSES:
            return
        me = f"{cause.subject.type}:{cause.subject.key}"
        for below in store.list_below(tx, me, tx.clock.now() - CLAIMED_WITHIN):
            if below.cause_id is None and below.status is Status.ACTIVE and below.id != cause.cause_id:
                self._apply(tx, Decision(replace(below, cause_id=cause.cause_id or cause.id), AlertUpdated))

    def _clear(self, tx: Tx, seen: Clear) -> None:
        for alert in store.list_open_of(tx, seen.entity_type, seen.entity_key):
            if not seen.alert_types or alert.alert_type in seen.alert_types:
                decision = rules.on_clear(alert, seen)
                if decision.after is None:
                    store.forget(tx, alert.id)
                else:
                    self._apply(tx, decision)

    def settle(self, tx: Tx, alert: Alert) -> None:
        """Apply what time and silences say about an open alert now."""
        is_due = alert.due_at is not None and alert.due_at <= tx.clock.now()
        if alert.status is not Status.PENDING:
            silence_id = self._silence(tx, alert)
            self._apply(tx, rules.on_calm(alert) if is_due else rules.settle_silence(alert, silence_id))
        elif not self._absorb(tx, alert):
            self._fire(tx, alert)

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

    def _apply(self, tx: Tx, decision: Decision) -> Alert | None:
        after = decision.after
        if after is None:
            return None
        if after.id:
            store.save(tx, after)
        else:
            after = store.insert_alert(tx, after)
        if decision.says is not None:
            say(tx, decision.says, after)
        return after


def say(tx: Tx, kind: type[AlertEvent], alert: Alert) -> None:
    tx.emit(kind(alert=views.view(alert), timestamp=wire(tx.clock.now())))


def entity_of(fact: Event) -> str:
    """Return whose alerts *fact* concerns, such as `container:12`."""
    if isinstance(fact, HostUnreachable | HostRecovered):
        return f"host:{fact.host}"
    return f"container:{getattr(fact, 'container_id', 0)}"


def _note_escalation(tx: Tx, fact: AlertEscalated) -> None:
    alert = store.find(tx, fact.alert_id)
    if alert is not None and alert.escalated_at is None:
        store.save(tx, replace(alert, escalated_at=tx.clock.now()))


def _escalated(fact: AlertEscalated) -> str:
    return f"alert:{fact.alert_id}"


def _nothing_to_settle(_tx: Tx, _entity: str) -> None:
    """What was missed shows again by itself: the next failure rings, the next success clears."""
