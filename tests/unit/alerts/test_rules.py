"""The machine of one alert, every state with every signal."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.factories import T0, container
from tocsin.alerts import rules
from tocsin.alerts.containers import subject_of
from tocsin.alerts.models import (
    Alert,
    AlertFired,
    AlertResolved,
    AlertSilenced,
    AlertUnsilenced,
    AlertUpdated,
    Clear,
    EntityType,
    Raise,
    Resolution,
    Source,
    Status,
)
from tocsin.containers.models import Severity

SUBJECT = subject_of(container())
LATER = T0 + timedelta(minutes=5)


def seen(severity: Severity = Severity.WARNING, wait_seconds: int = 0, **changes: object) -> Raise:
    return Raise(
        source=Source.CONTAINER,
        alert_type="container_down",
        severity=severity,
        subject=SUBJECT,
        message="web stopped",
        details={"exit_code": 1, **changes},
        at=T0,
        wait_seconds=wait_seconds,
    )


def cleared(resolution: Resolution = Resolution.RECOVERED) -> Clear:
    return Clear(entity_type=EntityType.CONTAINER, entity_key="1", at=LATER, resolution=resolution)


def alert(status: Status = Status.ACTIVE, **changes: object) -> Alert:
    known: dict[str, object] = {
        "id": 7,
        "source": Source.CONTAINER,
        "alert_type": "container_down",
        "severity": Severity.WARNING,
        "status": status,
        "message": "web stopped",
        "details": {},
        "subject": SUBJECT,
        "fired_at": T0,
        "last_seen_at": T0,
        "silence_id": 3 if status is Status.SILENCED else None,
    }
    return Alert(**{**known, **changes})  # type: ignore[arg-type]


def test_it_begins():
    after, says = rules.on_raise(None, seen(), None, T0)
    assert after is not None
    assert (after.status, says, after.fired_at) == (Status.ACTIVE, AlertFired, T0)
    after, says = rules.on_raise(None, seen(), 3, T0)
    assert after is not None
    assert (after.status, says, after.silence_id) == (Status.SILENCED, AlertSilenced, 3)
    after, says = rules.on_raise(None, seen(wait_seconds=10), 3, T0)
    assert after is not None
    assert (after.status, says, after.due_at) == (Status.PENDING, None, T0 + timedelta(seconds=10))


@pytest.mark.parametrize(
    ("status", "severity", "silence_id", "after", "says"),
    [
        (Status.PENDING, Severity.CRITICAL, None, Status.PENDING, None),
        (Status.SILENCED, Severity.CRITICAL, 3, Status.SILENCED, None),
        (Status.SILENCED, Severity.WARNING, None, Status.ACTIVE, AlertFired),
        (Status.ACTIVE, Severity.WARNING, None, Status.ACTIVE, None),
        (Status.ACTIVE, Severity.CRITICAL, None, Status.ACTIVE, AlertFired),
        (Status.ACTIVE, Severity.CRITICAL, 3, Status.ACTIVE, AlertFired),
        (Status.ACTIVE, Severity.INFO, None, Status.ACTIVE, AlertUpdated),
    ],
)
def test_it_happens_again(status: Status, severity: Severity, silence_id: int | None, after: Status, says: object):
    decision = rules.on_raise(alert(status), seen(severity, exit_code=2), silence_id, LATER)
    assert decision.after is not None
    assert (decision.after.status, decision.says) == (after, says)
    assert (decision.after.occurrences, decision.after.details, decision.after.id) == (2, {"exit_code": 2}, 7)
    assert decision.after.silence_id == silence_id


def test_what_becomes_worse_is_nobodys_any_more():
    known = alert(acknowledged_at=T0, acknowledged_by="ada", acknowledged_note="on it")
    same = rules.on_raise(known, seen(), None, LATER).after
    worse = rules.on_raise(known, seen(Severity.CRITICAL), None, LATER).after
    assert same is not None
    assert worse is not None
    assert (same.acknowledged_by, worse.acknowledged_by, worse.acknowledged_at) == ("ada", None, None)


def test_what_was_only_waiting_is_forgotten():
    assert rules.on_clear(alert(Status.PENDING), cleared()) == (None, None)


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.SILENCED])
@pytest.mark.parametrize("resolution", list(Resolution))
def test_it_ends(status: Status, resolution: Resolution):
    after, says = rules.on_clear(alert(status), cleared(resolution))
    assert after is not None
    assert (after.status, after.resolved_at, after.resolution) == (Status.RESOLVED, LATER, resolution)
    assert says is AlertResolved


def test_it_never_ends_before_it_began():
    after, _ = rules.on_clear(alert(fired_at=LATER + timedelta(hours=1)), cleared())
    assert after is not None
    assert after.resolved_at == after.fired_at


def test_the_wait_is_over():
    assert rules.on_due(alert(Status.PENDING, due_at=T0), None)[1] is AlertFired
    after, says = rules.on_due(alert(Status.PENDING, due_at=T0), 3)
    assert after is not None
    assert (after.status, after.due_at, says) == (Status.SILENCED, None, AlertSilenced)


def test_a_silence_that_begins_keeps_an_active_alert_active_and_quiet():
    after, says = rules.settle_silence(alert(), 3)
    assert after is not None
    assert (after.status, after.silence_id, says) == (Status.ACTIVE, 3, None)
    after, says = rules.settle_silence(after, None)
    assert after is not None
    assert (after.status, after.silence_id, says) == (Status.ACTIVE, None, AlertUnsilenced)


def test_a_silence_that_ended_unnoticed_shows_when_it_happens_again():
    after, says = rules.on_raise(alert(silence_id=3), seen(), None, LATER)
    assert after is not None
    assert (after.status, after.silence_id, says) == (Status.ACTIVE, None, AlertUnsilenced)


signals = st.one_of(
    st.builds(seen, st.sampled_from(Severity), st.sampled_from([0, 10])),
    st.builds(cleared, st.sampled_from(Resolution)),
    st.sampled_from(["due", "settle"]),
)


@given(st.lists(st.tuples(signals, st.sampled_from([None, 3])), max_size=30))
def test_whatever_happens_each_firing_is_resolved_before_the_next(steps: list[tuple[object, int | None]]):
    known: Alert | None = None
    open_firing = False
    for signal, silence_id in steps:
        if isinstance(signal, Raise):
            decision = rules.on_raise(known, signal, silence_id, LATER)
        elif known is None:
            continue
        elif isinstance(signal, Clear):
            decision = rules.on_clear(known, signal)
        elif known.status is Status.PENDING:
            decision = rules.on_due(known, silence_id)
        else:
            decision = rules.settle_silence(known, silence_id)
        known = decision.after
        if decision.says is AlertFired:
            open_firing = True
        if decision.says is AlertResolved:
            assert known is not None
            open_firing = False
            known = None
        assert not (open_firing and known is None)
        if known is not None:
            assert (known.status is Status.SILENCED) <= (known.silence_id is not None)
            assert (known.status is Status.PENDING) == (known.due_at is not None)


def test_what_flaps_ends_only_after_a_calm_time():
    flapping = rules.as_flapping(alert(), 5)
    assert (flapping.flapping, flapping.details["episodes"]) == (True, 5)
    calm, says = rules.on_clear(flapping, cleared())
    assert calm is not None
    assert (calm.status, calm.due_at, says) == (Status.ACTIVE, LATER + rules.CALM_FOR, None)
    assert rules.on_clear(calm, cleared()).after == calm
    again = rules.on_raise(calm, seen(), None, LATER).after
    assert again is not None
    assert again.due_at is None
    ended, says = rules.on_calm(calm)
    assert ended is not None
    assert (ended.status, ended.resolved_at, says) == (Status.RESOLVED, LATER, AlertResolved)
    removed, says = rules.on_clear(flapping, cleared(Resolution.REMOVED))
    assert removed is not None
    assert (removed.status, says) == (Status.RESOLVED, AlertResolved)
