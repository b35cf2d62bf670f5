"""The engine: signals become alerts, in the transaction of the facts that caused them.

It knows no monitor: what facts mean is the matter of each kind (`kinds.py`).  Source: docs/spec/alerts.md.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from tocsin.alerts import rules, store, views
from tocsin.alerts.kinds import Kind
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
from tocsin.core.clock import wire
from tocsin.core.events import Event
from tocsin.db.tx import Reaction, Read, Tx

CLAIMED_WITHIN = timedelta(minutes=2)
"""A cause that shows later than its consequences claims those that are younger than this."""

FindSilence = Callable[[Read, Alert, datetime], int | None]


class AlertEngine:
    """Takes in signals. It holds no state: what is open stands in the database.

    *flap_count* episodes within an hour make an alert one that flaps; 0: never.
    """

    def __init__(self, kinds: Sequence[Kind], find_silence: FindSilence, flap_count: int = 0) -> None:
        self._kinds = kinds
        self._find_silence = find_silence
        self._flap_count = flap_count
        self._causes = frozenset().union(*(kind.causes for kind in kinds))
        self._absorbed_by = {word: by for kind in kinds for word, by in kind.absorbed_by.items()}

    def reactions(self) -> tuple[Reaction, ...]:
        """Return a row for each kind of monitor, and one that notes escalations."""
        escalations = Reaction("escalations", (AlertEscalated,), _note_escalation, _nothing_to_settle, _escalated)
        return (*map(self._reaction, self._kinds), escalations)

    def _reaction(self, kind: Kind) -> Reaction:
        def react(tx: Tx, fact: Event) -> None:
            self.take(tx, kind.signals(tx, fact, tx.clock.now()))

        def rederive(tx: Tx, entity: str) -> None:
            self.take(tx, kind.current(tx, entity, tx.clock.now()))

        return Reaction(kind.name, kind.facts, react, rederive, kind.entity_of)

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
        own_silence = self._find_silence(tx, alert, tx.clock.now())
        if own_silence is not None or alert.cause_id is None:
            return own_silence
        cause = store.find(tx, alert.cause_id)
        return cause.silence_id if cause is not None and cause.resolved_at is None else None

    def _cause(self, tx: Tx, alert: Alert) -> Alert | None:
        """Return the open alert above *alert*, the topmost that is known."""
        for parent in alert.subject.parents:
            kind, _, key = parent.partition(":")
            for found in store.list_open_of(tx, EntityType(kind), key):
                if found.alert_type in self._causes and found.status is not Status.PENDING:
                    above = store.find(tx, found.cause_id) if found.cause_id is not None else None
                    return above if above is not None and above.resolved_at is None else found
        return None

    def _claim(self, tx: Tx, cause: Alert) -> None:
        """Make *cause* the cause of what has just gone wrong below it."""
        if cause.alert_type not in self._causes:
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
        by = self._absorbed_by.get(waited.alert_type)
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
        if after.status is Status.RESOLVED:
            self._let_go(tx, after)
        return after

    def _let_go(self, tx: Tx, cause: Alert) -> None:
        """Look again at what was silenced by the silence of *cause*, which has ended."""
        for below in store.list_caused_by(tx, cause.id):
            self._apply(tx, rules.settle_silence(below, self._silence(tx, below)))


def say(tx: Tx, kind: type[AlertEvent], alert: Alert) -> None:
    tx.emit(kind(alert=views.view(alert), timestamp=wire(tx.clock.now())))


def _note_escalation(tx: Tx, fact: AlertEscalated) -> None:
    alert = store.find(tx, fact.alert_id)
    if alert is not None and alert.escalated_at is None:
        store.save(tx, replace(alert, escalated_at=tx.clock.now()))


def _escalated(fact: AlertEscalated) -> str:
    return f"alert:{fact.alert_id}"


def _nothing_to_settle(_tx: Tx, _entity: str) -> None:
    """What was missed shows again by itself: the next failure rings, the next success clears."""
