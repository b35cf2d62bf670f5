"""What an observation means: every state, every end, and properties that hold for any sequence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from support.factories import T0, at, container, details, said
from tocsin.containers.models import Change, Container, Health, Severity, State, Traits
from tocsin.containers.rules import (
    OUT_OF_MEMORY,
    Decision,
    adopt,
    decide,
    discover,
    is_worse,
    reconcile,
    restart_severity,
    take_place,
)
from tocsin.runtimes.base import (
    Destroyed,
    Died,
    HealthChanged,
    Observation,
    Paused,
    Renamed,
    Started,
    StopRequested,
    Unpaused,
)

ID = "a" * 64
EVERY_STATE = list(State)


def died(code: int | None, seconds: float = 10, *, oom: bool = False, excerpt: str | None = None) -> Died:
    return Died(runtime_id=ID, at=at(seconds), exit_code=code, oom_killed=oom, last_lines=said(excerpt))


def seen(kind: Any, seconds: float = 10, **fields: Any) -> Observation:
    observation: Observation = kind(runtime_id=ID, at=at(seconds), **fields)
    return observation


def the_change(decision: Decision) -> Change:
    (change,) = decision.changes
    return change


# --- ends ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "asked", "oom", "state"),
    [
        (0, False, False, State.COMPLETED),
        (0, True, False, State.COMPLETED),
        (137, True, False, State.COMPLETED),
        (143, True, False, State.COMPLETED),
        (137, False, False, State.EXITED),
        (143, False, False, State.EXITED),
        (137, True, True, State.EXITED),
        (137, False, True, State.EXITED),
        (0, False, True, State.EXITED),
        (1, False, False, State.EXITED),
        (1, True, False, State.EXITED),
        (139, True, False, State.EXITED),
        (None, False, False, State.EXITED),
        (None, True, False, State.EXITED),
    ],
)
def test_a_good_end_is_told_from_a_bad_one(code: int | None, asked: bool, oom: bool, state: State):
    before = container(stop_requested_at=at(5) if asked else None)
    decision = decide(before, died(code, oom=oom, excerpt="last words"))
    change = the_change(decision)
    assert (decision.after.state, change.new_state, change.exit_code) == (state, state, code)
    assert (change.previous_state, change.log_snippet, change.at) == (State.RUNNING, "last words", at(10))
    assert decision.after.error_detail == (OUT_OF_MEMORY if oom else None)
    assert decision.after.finished_at == at(10)


@pytest.mark.parametrize("signal", ["TERM", "KILL", "INT", "QUIT", "RTMIN+3"])
def test_a_stop_signal_asks_for_the_end(signal: str):
    asked = decide(container(), seen(StopRequested, 5, signal=signal))
    assert asked.changes == ()
    assert decide(asked.after, died(143)).after.state is State.COMPLETED


@pytest.mark.parametrize("signal", ["HUP", "USR1", "USR2", "WINCH", "CONT", "64", ""])
def test_other_signals_ask_for_nothing(signal: str):
    told = decide(container(), seen(StopRequested, 5, signal=signal))
    assert told.changes == ()
    assert told.after.state is State.RUNNING
    assert decide(told.after, died(143)).after.state is State.EXITED


def test_a_request_is_forgotten_after_ten_minutes():
    before = container(stop_requested_at=T0)
    assert decide(before, died(137, 600)).after.state is State.COMPLETED
    assert decide(before, died(137, 601)).after.state is State.EXITED


def test_a_paused_container_can_be_stopped():
    before = decide(container(state=State.PAUSED), seen(StopRequested, 5, signal="KILL")).after
    assert decide(before, died(137)).after.state is State.COMPLETED


# --- starts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "policy", "asked", "restarts"),
    [
        (State.EXITED, "no", False, 1),
        (State.EXITED, "always", False, 1),
        (State.EXITED, "always", True, 0),
        (State.RESTARTING, "always", False, 1),
        (State.COMPLETED, "no", False, 0),
        (State.COMPLETED, "on-failure", False, 0),
        (State.COMPLETED, "always", False, 1),
        (State.COMPLETED, "unless-stopped", False, 1),
        (State.COMPLETED, "always", True, 0),
        (State.CREATED, "always", False, 0),
        (State.DEAD, "no", False, 0),
        (State.PAUSED, "no", False, 0),
    ],
)
def test_a_start_counts_as_a_restart_when_nobody_asked_for_the_end(
    state: State, policy: str, asked: bool, restarts: int
):
    before = container(state=state, restart_policy=policy, stop_requested_at=at(1) if asked else None, exit_code=7)
    decision = decide(before, seen(Started))
    change = the_change(decision)
    assert (change.new_state, change.restarts) == (State.RUNNING, restarts)
    assert decision.after.restart_count == restarts
    assert (decision.after.exit_code, decision.after.stop_requested_at) == (None, None)


def test_a_start_with_a_health_check_begins_as_starting():
    decision = decide(container(state=State.CREATED, has_health_check=True), seen(Started))
    assert decision.after.health is Health.STARTING
    assert the_change(decision).health is Health.STARTING


# --- the rest of the machine -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", EVERY_STATE)
def test_pause_and_unpause_mean_something_in_one_state_each(state: State):
    before = container(state=state)
    paused = decide(before, seen(Paused)).after.state
    resumed = decide(before, seen(Unpaused)).after.state
    assert paused is (State.PAUSED if state is State.RUNNING else state)
    assert resumed is (State.RUNNING if state is State.PAUSED else state)


@pytest.mark.parametrize("state", EVERY_STATE)
@pytest.mark.parametrize("health", list(Health))
def test_health_changes_only_what_runs(state: State, health: Health):
    decision = decide(container(state=state), seen(HealthChanged, health=health.value))
    if state not in {State.RUNNING, State.PAUSED}:
        assert decision.changes == ()
        return
    change = the_change(decision)
    assert change.about_health
    assert (change.previous_state, change.new_state) == (state, state)
    assert (change.previous_health, change.new_health, decision.after.health) == (None, health, health)


def test_the_same_health_again_is_no_change():
    before = container(health=Health.HEALTHY)
    assert decide(before, seen(HealthChanged, health="healthy")).changes == ()


def test_health_is_carried_through_a_pause_and_forgotten_at_an_end():
    sick = container(health=Health.UNHEALTHY)
    assert decide(sick, seen(Paused)).after.health is Health.UNHEALTHY
    assert decide(sick, died(1)).after.health is None


def test_a_rename_moves_the_key_of_a_container_that_goes_by_its_name():
    assert decide(container(), seen(Renamed, name="api")).after.key == "name:api"
    composed = decide(container(key="compose:shop/api/1"), seen(Renamed, name="shop-api-1")).after
    assert (composed.key, composed.name) == ("compose:shop/api/1", "shop-api-1")


def test_a_destroyed_container_is_missing_and_keeps_its_state():
    decision = decide(container(state=State.EXITED), seen(Destroyed))
    assert (decision.after.missing_since, decision.after.state, decision.changes) == (at(10), State.EXITED, ())


def test_an_old_observation_is_a_repetition():
    before = container(last_event_at=at(20))
    assert decide(before, died(1, 10)) == Decision(before)


def test_an_end_before_the_start_belongs_to_the_run_before():
    before = container(started_at=at(20), last_event_at=None)
    assert decide(before, died(1, 10)).changes == ()


def test_an_end_that_was_inferred_is_completed_by_its_event():
    inferred = container(state=State.EXITED, finished_at=at(10), last_event_at=at(50))
    decision = decide(inferred, died(3, 10.4, excerpt="words"))
    assert decision.changes == ()
    assert decision.amend is not None
    assert decision.amend.log_excerpt == "words"
    assert decide(inferred, died(3, 12)).amend is None


def test_times_never_run_backwards():
    before = container(accounted_at=at(30), last_event_at=None, started_at=T0)
    assert the_change(decide(before, died(1, 10))).at == at(30)


# --- discovery and comparison ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "oom", "state"),
    [
        ("running", None, False, State.RUNNING),
        ("paused", None, False, State.PAUSED),
        ("restarting", 1, False, State.RESTARTING),
        ("exited", 0, False, State.COMPLETED),
        ("exited", 137, False, State.COMPLETED),
        ("exited", 143, False, State.COMPLETED),
        ("exited", 137, True, State.EXITED),
        ("exited", 1, False, State.EXITED),
        ("dead", 1, False, State.DEAD),
    ],
)
def test_a_container_is_discovered_as_it_is(status: str, code: int | None, oom: bool, state: State):
    decision = discover(details(status=status, exit_code=code, oom_killed=oom), "local", at(200), live=False)
    change = the_change(decision)
    assert (change.previous_state, change.new_state, change.reconciled) == (State.CREATED, state, True)
    assert (decision.after.state, decision.after.first_seen_at, change.at) == (state, at(200), at(200))


def test_a_container_that_is_created_before_our_eyes_starts_later():
    decision = discover(details(status="running"), "local", at(0), live=True)
    assert (decision.after.state, decision.changes) == (State.CREATED, ())
    unknown = discover(details(status="created", started_at=None), "local", at(0), live=False)
    assert (unknown.after.state, unknown.changes) == (State.CREATED, ())


@pytest.mark.parametrize("state", EVERY_STATE)
@pytest.mark.parametrize("status", ["running", "paused", "restarting", "exited", "created", "dead", "removing", "odd"])
def test_a_comparison_settles_at_once_and_is_marked(state: State, status: str):
    said = details(status=status, exit_code=1 if status == "exited" else None, finished_at=at(50))
    first = reconcile(container(state=state), said, at(100))
    again = reconcile(first.after, said, at(200))
    assert again.changes == ()
    assert all(change.reconciled for change in first.changes)
    expected = {"running": State.RUNNING, "paused": State.PAUSED, "dead": State.DEAD, "created": State.CREATED}
    if status in expected:
        assert first.after.state is expected[status]
    elif status == "exited" and state not in {State.EXITED}:
        assert first.after.state is State.EXITED
    elif status in {"removing", "odd"}:
        assert first.after.state is state


def test_an_end_nobody_saw_is_dated_by_the_engine():
    decision = reconcile(container(), details(status="exited", exit_code=3, finished_at=at(40)), at(100))
    change = the_change(decision)
    assert (change.at, change.exit_code, change.new_state) == (at(40), 3, State.EXITED)


def test_restarts_nobody_saw_are_counted_in_one_step():
    said = details(started_at=at(60), finished_at=at(50), restart_count=5)
    decision = reconcile(container(engine_restart_count=2), said, at(100))
    ended, started = decision.changes
    assert (ended.new_state, ended.at) == (State.EXITED, at(50))
    assert (started.new_state, started.at, started.restarts) == (State.RUNNING, at(60), 3)
    assert (decision.after.restart_count, decision.after.engine_restart_count) == (3, 5)


def test_a_restart_by_hand_nobody_saw_is_a_good_end():
    decision = reconcile(container(), details(started_at=at(60), finished_at=at(50)), at(100))
    assert [(c.new_state, c.restarts) for c in decision.changes] == [(State.COMPLETED, 0), (State.RUNNING, 0)]


def test_an_engine_that_counts_anew_is_believed():
    said = details(started_at=at(60), finished_at=at(50), restart_count=1)
    assert reconcile(container(engine_restart_count=4), said, at(100)).after.restart_count == 1


def test_a_run_nobody_saw_between_two_ends():
    said = details(status="exited", started_at=at(60), finished_at=at(70), exit_code=9)
    decision = reconcile(container(state=State.EXITED), said, at(100))
    assert [(c.new_state, c.at) for c in decision.changes] == [(State.RUNNING, at(60)), (State.EXITED, at(70))]


def test_waiting_for_the_policy_is_still_an_end():
    said = details(status="restarting", exit_code=1, finished_at=at(20))
    assert reconcile(container(state=State.EXITED), said, at(100)).changes == ()


def test_everything_but_the_state_is_refreshed():
    said = details(name="api", image="api:2", labels={"tocsin.group": "red"}, has_health_check=True)
    after = reconcile(container(), said, at(100)).after
    assert (after.name, after.image, after.key, after.traits.custom_group) == ("api", "api:2", "name:api", "red")
    assert after.has_health_check


def test_what_comes_back_is_no_longer_missing_or_archived():
    gone = container(state=State.EXITED, missing_since=at(20), archived_at=at(20))
    after = reconcile(gone, details(started_at=at(90)), at(100)).after
    assert (after.missing_since, after.archived_at, after.state) == (None, None, State.RUNNING)


def test_a_container_made_anew_is_not_restarted():
    crashed = container(state=State.EXITED)
    after = decide(adopt(crashed, details(runtime_id="b" * 64)), seen(Started))
    assert the_change(after).restarts == 0
    assert after.after.runtime_id == "b" * 64


def test_a_name_that_passes_to_another_container_carries_its_history_on():
    old = container(id=1, state=State.EXITED, missing_since=at(5))
    new = container(id=2, runtime_id="b" * 64, name="web", started_at=at(8))
    decision = take_place(old, new, at(10))
    assert (decision.after.id, decision.after.runtime_id, decision.after.state) == (1, "b" * 64, State.RUNNING)
    assert decision.after.missing_since is None


# --- restart loops ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "floor", "severity"),
    [
        (0, Severity.WARNING, None),
        (2, Severity.CRITICAL, None),
        (3, Severity.INFO, Severity.WARNING),
        (3, Severity.WARNING, Severity.WARNING),
        (3, Severity.CRITICAL, Severity.CRITICAL),
        (8, Severity.WARNING, Severity.WARNING),
        (9, Severity.WARNING, Severity.CRITICAL),
    ],
)
def test_how_bad_a_restart_loop_is(count: int, floor: Severity, severity: Severity | None):
    assert restart_severity(container(traits=Traits(alert_severity=floor)), count) is severity


def test_only_worse_rings_again():
    assert is_worse(Severity.WARNING, None)
    assert is_worse(Severity.CRITICAL, Severity.WARNING)
    assert not is_worse(Severity.WARNING, Severity.WARNING)
    assert not is_worse(Severity.WARNING, Severity.CRITICAL)


# --- any sequence at all ---------------------------------------------------------------------------------------------

observations = st.one_of(
    st.just((Started, {})),
    st.tuples(
        st.just(Died),
        st.fixed_dictionaries(
            {
                "exit_code": st.sampled_from([0, 1, 7, 137, 143, None]),
                "oom_killed": st.booleans(),
                "last_lines": st.just(()),
            }
        ),
    ),
    st.tuples(st.just(StopRequested), st.fixed_dictionaries({"signal": st.sampled_from(["TERM", "KILL", "HUP"])})),
    st.just((Paused, {})),
    st.just((Unpaused, {})),
    st.tuples(st.just(HealthChanged), st.fixed_dictionaries({"health": st.sampled_from([h.value for h in Health])})),
    st.just((Destroyed, {})),
)
sequences = st.lists(st.tuples(st.integers(-30, 900), observations), max_size=30)


def play(before: Container, sequence: list[Any]) -> tuple[Container, list[Change]]:
    changes: list[Change] = []
    for seconds, (kind, fields) in sequence:
        decision = decide(before, seen(kind, seconds, **fields))
        before = decision.after
        changes.extend(decision.changes)
    return before, changes


@given(sequences, st.sampled_from(EVERY_STATE), st.sampled_from(["no", "always", "on-failure"]))
def test_any_sequence_makes_a_timeline_without_gaps(sequence: list[Any], state: State, policy: str):
    start = container(state=state, restart_policy=policy)
    after, changes = play(start, sequence)
    last_state, last_at, restarts = start.state, start.accounted_at, 0
    for change in changes:
        assert change.previous_state is last_state
        assert change.at >= last_at
        assert change.previous_state is not change.new_state or change.previous_health is not change.new_health
        last_state, last_at, restarts = change.new_state, change.at, restarts + change.restarts
    assert (after.state, after.restart_count) == (last_state, restarts)
    assert after.health is None or after.state in {State.RUNNING, State.PAUSED}


@given(sequences)
def test_hearing_everything_twice_changes_nothing(sequence: list[Any]):
    ordered = sorted(sequence, key=lambda item: item[0])
    unique = [(seconds + index / 1000, observation) for index, (seconds, observation) in enumerate(ordered)]
    once, _ = play(container(last_event_at=None), unique)
    twice, changes = play(once, unique[:-1])
    assert changes == []
    assert replace(twice, last_event_at=once.last_event_at) == once


@given(sequences, st.sampled_from(["running", "paused", "exited", "restarting", "dead", "created"]), st.integers(0, 5))
def test_comparing_twice_is_comparing_once(sequence: list[Any], status: str, restarts: int):
    known, _ = play(container(), sequence)
    said = details(
        status=status,
        started_at=at(950),
        finished_at=at(960) if status == "exited" else None,
        exit_code=1,
        restart_count=restarts,
        inspected_at=at(1000),
    )
    first = reconcile(known, said, at(1000))
    assert reconcile(first.after, said, at(1001)).changes == ()
