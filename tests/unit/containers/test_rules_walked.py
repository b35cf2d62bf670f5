"""What observations mean: docs/spec/containers.md, line by line."""

from datetime import datetime, timedelta
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from support import factories
from support.factories import T0, said
from tocsin.containers.models import Change, Container, Health, Severity, State, Traits
from tocsin.containers.rules import (
    OUT_OF_MEMORY,
    REQUEST_HOLDS,
    adopt,
    decide,
    discover,
    is_worse,
    reconcile,
    restart_severity,
    take_place,
    was_asked,
)
from tocsin.runtimes.base import (
    Destroyed,
    Details,
    Died,
    HealthChanged,
    Observation,
    Paused,
    Renamed,
    Started,
    StopRequested,
    Unpaused,
)

RUNNING, EXITED, COMPLETED, RESTARTING = State.RUNNING, State.EXITED, State.COMPLETED, State.RESTARTING
PAUSED, CREATED, DEAD = State.PAUSED, State.CREATED, State.DEAD
IDS = {"runtime_id": "c0ffee"}


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def container(**overrides: Any) -> Container:
    """Return a container that has been running since T0, known by its name."""
    since_t0 = dict.fromkeys(("first_seen_at", "last_state_change_at", "accounted_at", "started_at"), T0)
    plain = {"id": 7, "key": "name:web", "name": "web", "state": State.RUNNING, "has_health_check": False}
    return factories.container(**(IDS | since_t0 | plain | overrides))


def details(**overrides: Any) -> Details:
    """Return what an engine says 60 s after T0 of `container()`."""
    times = {"created_at": T0, "started_at": T0, "finished_at": None, "inspected_at": after(60)}
    state = {"status": "running", "exit_code": None, "oom_killed": False, "error": "", "restart_count": 0}
    plain = {"name": "web", "labels": {}, "health": None, "has_health_check": False, "restart_policy": "no"}
    return factories.details(**(IDS | times | state | plain | overrides))


def started(at: datetime) -> Started:
    return Started(at=at, **IDS)


def died(at: datetime, code: int | None = 1, *, oom: bool = False, words: str | None = None) -> Died:
    return Died(at=at, exit_code=code, oom_killed=oom, last_lines=said(words), **IDS)


def signalled(at: datetime, signal: str = "TERM") -> StopRequested:
    return StopRequested(at=at, signal=signal, **IDS)


def health(at: datetime, word: str) -> HealthChanged:
    return HealthChanged(at=at, health=word, **IDS)


def lived(subject: Container, *seen: Observation) -> tuple[Container, list[Change]]:
    """Return what *subject* is after it was observed, and its timeline."""
    changes: list[Change] = []
    for observation in seen:
        decision = decide(subject, observation)
        subject = decision.after
        changes += decision.changes
    return subject, changes


def states(changes: list[Change] | tuple[Change, ...]) -> list[State]:
    return [change.new_state for change in changes]


# --- observation × state ---------------------------------------------------------------------------------------------

AT = after(10)
SEEN: dict[str, Observation] = {
    "started": started(AT),
    "failed": died(AT, 1),
    "done": died(AT, 0),
    "ran out of memory": died(AT, 137, oom=True),
    "killed by nobody we know": died(AT, 137),
    "asked to stop": signalled(AT),
    "asked to reload": signalled(AT, "HUP"),
    "paused": Paused(at=AT, **IDS),
    "unpaused": Unpaused(at=AT, **IDS),
    "healthy": health(AT, "healthy"),
    "renamed": Renamed(at=AT, name="web2", **IDS),
    "destroyed": Destroyed(at=AT, **IDS),
}
BECOMES: dict[str, dict[State, State]] = {
    "started": dict.fromkeys(State, RUNNING),
    "failed": dict.fromkeys(State, EXITED),
    "done": dict.fromkeys(State, COMPLETED),
    "ran out of memory": dict.fromkeys(State, EXITED),
    "killed by nobody we know": dict.fromkeys(State, EXITED),
    "paused": {RUNNING: PAUSED},
    "unpaused": {PAUSED: RUNNING},
}


@pytest.mark.parametrize(("what", "state"), list(product(SEEN, State)))
def test_each_observation_in_each_state(what: str, state: State):
    expected = BECOMES.get(what, {}).get(state, state)

    decision = decide(container(state=state, has_health_check=True), SEEN[what])

    assert decision.after.state is expected
    assert decision.after.last_event_at == AT
    moved = [change for change in decision.changes if not change.about_health]
    assert [(change.previous_state, change.new_state) for change in moved] == (
        [(state, expected)] if expected is not state else []
    )
    assert all(change.at == AT and not change.reconciled for change in decision.changes)


@pytest.mark.parametrize("state", [RUNNING, PAUSED])
def test_health_is_watched_while_the_process_lives(state: State):
    after_, changes = lived(container(state=state), health(AT, "unhealthy"))
    assert after_.health is Health.UNHEALTHY
    assert [(change.previous_health, change.new_health, change.new_state) for change in changes] == [
        (None, Health.UNHEALTHY, state)
    ]
    assert changes[0].about_health


@pytest.mark.parametrize("state", [EXITED, COMPLETED, RESTARTING, CREATED, DEAD])
def test_health_of_what_does_not_run_is_ignored(state: State):
    after_, changes = lived(container(state=state), health(AT, "healthy"))
    assert (after_.health, changes) == (None, [])


def test_the_same_health_again_is_no_change():
    assert decide(container(health=Health.HEALTHY), health(AT, "healthy")).changes == ()


@pytest.mark.parametrize(("has_check", "expected"), [(True, Health.STARTING), (False, None)])
def test_health_starts_anew_with_each_start(has_check: bool, expected: Health | None):
    subject = container(state=EXITED, has_health_check=has_check)
    after_, changes = lived(subject, started(AT))
    assert after_.health is expected
    assert changes[0].health is expected
    assert not changes[0].about_health


def test_health_ends_with_the_process():
    after_, changes = lived(container(health=Health.UNHEALTHY), died(AT))
    assert after_.health is None
    assert (changes[0].health, changes[0].previous_health, changes[0].new_health) == (None, None, None)


def test_health_stays_through_a_pause():
    subject = container(health=Health.HEALTHY)
    after_, changes = lived(subject, Paused(at=AT, **IDS), Unpaused(at=after(20), **IDS))
    assert after_.health is Health.HEALTHY
    assert states(changes) == [PAUSED, RUNNING]
    assert [change.health for change in changes] == [Health.HEALTHY, Health.HEALTHY]


# --- how an end counts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "asked", "oom", "state"),
    [
        (0, False, False, COMPLETED),
        (0, True, False, COMPLETED),
        (1, False, False, EXITED),
        (1, True, False, EXITED),
        (137, False, False, EXITED),
        (137, True, False, COMPLETED),
        (143, False, False, EXITED),
        (143, True, False, COMPLETED),
        (130, True, False, EXITED),
        (255, True, False, EXITED),
        (-1, False, False, EXITED),
        (None, False, False, EXITED),
        (None, True, False, EXITED),
        (137, False, True, EXITED),
        (137, True, True, EXITED),
        (1, False, True, EXITED),
    ],
)
def test_how_an_end_counts(code: int | None, asked: bool, oom: bool, state: State):
    before = container(stop_requested_at=after(5) if asked else None)
    after_, changes = lived(before, died(AT, code, oom=oom))
    assert after_.state is state
    assert (after_.exit_code, changes[0].exit_code) == (code, code)
    assert after_.error_detail == (OUT_OF_MEMORY if oom else None)
    assert changes[0].error_detail == after_.error_detail


def test_an_end_keeps_its_last_words():
    _, changes = lived(container(), died(AT, 1, words="panic: no such table"))
    assert changes[0].log_snippet == "panic: no such table"


@pytest.mark.parametrize("signal", ["TERM", "KILL", "INT", "QUIT", "RTMIN+3"])
@pytest.mark.parametrize("code", [137, 143])
def test_a_requested_stop_is_a_good_end(signal: str, code: int):
    after_, changes = lived(container(), signalled(after(5), signal), died(AT, code))
    assert after_.state is COMPLETED
    assert states(changes) == [COMPLETED]


@pytest.mark.parametrize("signal", ["HUP", "USR1", "USR2", "WINCH", "CONT", "", "99"])
def test_other_signals_ask_for_no_end(signal: str):
    after_, _changes = lived(container(), signalled(after(5), signal), died(AT, 143))
    assert after_.state is EXITED
    assert after_.stop_requested_at is None


def test_a_signal_alone_changes_nothing_to_see():
    before = container()
    decision = decide(before, signalled(AT))
    assert decision.changes == ()
    assert decision.after == replace(before, stop_requested_at=AT, last_event_at=AT)


@pytest.mark.parametrize("state", [EXITED, COMPLETED, RESTARTING, CREATED, DEAD])
def test_what_does_not_run_cannot_be_asked_to_stop(state: State):
    assert decide(container(state=state), signalled(AT)).after.stop_requested_at is None


@pytest.mark.parametrize(
    ("late_s", "state"), [(0, COMPLETED), (599, COMPLETED), (600, COMPLETED), (600.001, EXITED), (86400, EXITED)]
)
def test_a_request_holds_for_ten_minutes(late_s: float, state: State):
    after_, _ = lived(container(), signalled(after(5)), died(after(5 + late_s), 143))
    assert after_.state is state


def test_the_boundary_of_a_request():
    assert not was_asked(None, AT)
    assert was_asked(AT, AT + REQUEST_HOLDS)
    assert not was_asked(AT, AT + REQUEST_HOLDS + timedelta(microseconds=1))


def test_a_stop_while_paused_is_a_good_end():
    after_, changes = lived(container(state=PAUSED), signalled(after(5), "KILL"), died(AT, 137))
    assert after_.state is COMPLETED
    assert states(changes) == [COMPLETED]


def test_an_old_request_does_not_excuse_the_next_run():
    after_, changes = lived(
        container(), signalled(after(1)), died(after(2), 143), started(after(3)), died(after(4), 143)
    )
    assert states(changes) == [COMPLETED, RUNNING, EXITED]
    assert after_.state is EXITED


# --- restarts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "policy", "asked", "restarts"),
    [
        (EXITED, "no", False, 1),
        (EXITED, "on-failure", False, 1),
        (EXITED, "always", True, 0),
        (RESTARTING, "always", False, 1),
        (RESTARTING, "always", True, 0),
        (COMPLETED, "always", False, 1),
        (COMPLETED, "unless-stopped", False, 1),
        (COMPLETED, "always", True, 0),
        (COMPLETED, "on-failure", False, 0),
        (COMPLETED, "no", False, 0),
        (CREATED, "always", False, 0),
        (DEAD, "always", False, 0),
        (PAUSED, "always", False, 0),
    ],
)
def test_which_start_is_a_restart(state: State, policy: str, asked: bool, restarts: int):
    before = container(
        state=state, restart_policy=policy, stop_requested_at=T0 if asked else None, restart_count=4, exit_code=1
    )
    after_, changes = lived(before, started(AT))
    assert [change.restarts for change in changes] == [restarts]
    assert after_.restart_count == 4 + restarts
    assert after_.started_at == AT
    assert (after_.exit_code, after_.error_detail, after_.stop_requested_at) == (None, None, None)


def test_a_crash_loop_counts_every_restart():
    seen = [f(after(2 * n + k)) for n in range(1, 4) for k, f in enumerate((died, started))]
    after_, changes = lived(container(restart_policy="always"), *seen)
    assert after_.restart_count == 3
    assert states(changes) == [EXITED, RUNNING] * 3


def test_docker_restart_is_no_unasked_restart():
    after_, _ = lived(container(restart_policy="always"), signalled(after(1)), died(after(2), 143), started(after(3)))
    assert after_.restart_count == 0


def test_a_failure_after_a_stop_was_asked_for_is_followed_by_a_wanted_start():
    after_, changes = lived(container(), signalled(after(1)), died(after(2), 1), started(after(3)))
    assert states(changes) == [EXITED, RUNNING]
    assert after_.restart_count == 0


def test_a_start_that_is_known_only_moves_the_start():
    before = container()
    assert decide(before, started(AT)).after == replace(before, started_at=AT, last_event_at=AT)


@pytest.mark.parametrize(
    ("count", "threshold", "least", "severity"),
    [
        (0, 3, Severity.WARNING, None),
        (2, 3, Severity.CRITICAL, None),
        (3, 3, Severity.WARNING, Severity.WARNING),
        (3, 3, Severity.INFO, Severity.WARNING),
        (3, 3, Severity.CRITICAL, Severity.CRITICAL),
        (8, 3, Severity.WARNING, Severity.WARNING),
        (9, 3, Severity.WARNING, Severity.CRITICAL),
        (9, 3, Severity.INFO, Severity.CRITICAL),
        (1, 1, Severity.WARNING, Severity.WARNING),
        (3, 1, Severity.WARNING, Severity.CRITICAL),
    ],
)
def test_how_bad_a_restart_loop_is(count: int, threshold: int, least: Severity, severity: Severity | None):
    subject = container(traits=Traits(restart_threshold=threshold, alert_severity=least))
    assert restart_severity(subject, count) is severity


@pytest.mark.parametrize(
    ("severity", "than", "worse"),
    [
        (Severity.INFO, None, True),
        (Severity.WARNING, Severity.WARNING, False),
        (Severity.CRITICAL, Severity.WARNING, True),
        (Severity.WARNING, Severity.CRITICAL, False),
    ],
)
def test_what_is_worse(severity: Severity, than: Severity | None, worse: bool):
    assert is_worse(severity, than) is worse


# --- old and repeated observations -----------------------------------------------------------------------------------


@pytest.mark.parametrize("what", SEEN)
def test_an_older_observation_changes_nothing(what: str):
    before = container(last_event_at=AT + timedelta(microseconds=1))
    decision = decide(before, SEEN[what])
    assert (decision.after, decision.changes, decision.amend) == (before, (), None)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("what", SEEN)
def test_the_last_observation_repeated_changes_nothing(what: str, state: State):
    once = decide(container(state=state), SEEN[what]).after
    again = decide(once, SEEN[what])
    assert (again.after, again.changes) == (once, ())


def test_an_end_before_the_start_we_know_of_belongs_to_another_run():
    after_, changes = lived(container(started_at=after(20)), died(AT))
    assert (after_.state, changes) == (RUNNING, [])


def test_a_time_before_the_last_line_is_moved_up_to_it():
    before = container(accounted_at=after(30), last_state_change_at=after(30))
    after_, changes = lived(before, died(AT))
    assert changes[0].at == after(30)
    assert (after_.last_state_change_at, after_.accounted_at) == (after(30), after(30))
    assert after_.finished_at == AT


def test_a_health_time_before_the_last_line_is_moved_up_to_it():
    _, changes = lived(container(accounted_at=after(30)), health(AT, "healthy"))
    assert changes[0].at == after(30)


@pytest.mark.parametrize("apart_s", [-0.9, 0, 0.9])
@pytest.mark.parametrize("state", [EXITED, COMPLETED, DEAD])
def test_the_event_of_an_end_that_was_inferred_completes_it(state: State, apart_s: float):
    before = container(state=state, finished_at=AT, last_event_at=after(60))
    seen = died(AT + timedelta(seconds=apart_s), 143, words="bye")
    decision = decide(before, seen)
    assert decision.amend == seen
    assert (decision.after, decision.changes) == (before, ())


@pytest.mark.parametrize("apart_s", [-1, 1, 5])
def test_another_end_completes_nothing(apart_s: float):
    before = container(state=EXITED, finished_at=AT)
    assert decide(before, died(AT + timedelta(seconds=apart_s))).amend is None


def test_an_end_completes_nothing_while_it_runs():
    decision = decide(container(finished_at=AT), died(AT))
    assert decision.amend is None
    assert decision.after.state is EXITED


def test_the_event_of_the_run_before_does_not_complete_an_inferred_end():
    before = container(state=EXITED, started_at=after(10.1), finished_at=after(10.5), last_event_at=after(60))
    assert decide(before, died(after(10.0), 2, words="of the run before")).amend is None


# --- names and removal -----------------------------------------------------------------------------------------------


def test_a_rename_moves_the_key_of_what_goes_by_name():
    after_, changes = lived(container(), Renamed(at=AT, name="api", **IDS))
    assert (after_.name, after_.key, changes) == ("api", "name:api", [])


def test_a_rename_leaves_the_key_of_compose_alone():
    after_, _ = lived(container(key="compose:shop/web/1"), Renamed(at=AT, name="api", **IDS))
    assert (after_.name, after_.key) == ("api", "compose:shop/web/1")


def test_a_rename_to_nothing_is_ignored():
    assert decide(container(), Renamed(at=AT, name="", **IDS)).after.name == "web"


def test_what_is_destroyed_is_missing_from_then_on():
    after_, changes = lived(container(state=EXITED), Destroyed(at=AT, **IDS), Destroyed(at=after(20), **IDS))
    assert (after_.missing_since, after_.state, changes) == (AT, EXITED, [])


# --- discovery -------------------------------------------------------------------------------------------------------


def test_a_container_seen_being_made_waits_for_its_start():
    decision = discover(details(status="running"), "local", AT, live=True)
    assert (decision.after.state, decision.changes) == (CREATED, ())
    assert decision.after.started_at is None
    assert decision.after.last_event_at is None


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        ({"status": "running"}, RUNNING),
        ({"status": "paused"}, PAUSED),
        ({"status": "restarting"}, RESTARTING),
        ({"status": "created"}, CREATED),
        ({"status": "dead"}, DEAD),
        ({"status": "exited", "exit_code": 0}, COMPLETED),
        ({"status": "exited", "exit_code": 1}, EXITED),
        ({"status": "exited", "exit_code": 143}, COMPLETED),
        ({"status": "exited", "exit_code": 137, "oom_killed": True}, EXITED),
        ({"status": "removing"}, CREATED),
        ({"status": ""}, CREATED),
    ],
)
def test_a_container_found_is_as_the_engine_says(seen: dict[str, Any], state: State):
    decision = discover(details(**seen), "nas", AT, live=False)
    after_ = decision.after
    assert (after_.state, after_.host, after_.key) == (state, "nas", "name:web")
    assert (after_.first_seen_at, after_.accounted_at, after_.restart_count) == (AT, AT, 0)
    assert states(decision.changes) == ([state] if state is not CREATED else [])
    assert all(change.at == AT and change.reconciled for change in decision.changes)


def test_health_is_found_with_the_container():
    found = details(health="unhealthy", has_health_check=True)
    assert discover(found, "local", AT, live=False).after.health is Health.UNHEALTHY


def test_the_first_line_of_a_container_that_was_found_says_its_health():
    found = details(health="unhealthy", has_health_check=True)
    assert discover(found, "local", AT, live=False).changes[0].health is Health.UNHEALTHY


FOUND: list[dict[str, Any]] = [
    {"status": "running"},
    {"status": "running", "health": "healthy", "has_health_check": True},
    {"status": "paused"},
    {"status": "restarting", "exit_code": 1, "restart_count": 3},
    {"status": "created", "started_at": None},
    {"status": "exited", "exit_code": 0, "finished_at": after(5)},
    {"status": "exited", "exit_code": 137, "finished_at": after(5)},
    {"status": "exited", "exit_code": 137, "oom_killed": True, "finished_at": after(5)},
    {"status": "dead", "exit_code": 1, "finished_at": after(5)},
    {"status": "removing", "finished_at": after(5)},
]


@pytest.mark.parametrize(
    "seen",
    [
        *FOUND,
        pytest.param({"status": "paused", "health": "healthy", "has_health_check": True}),
    ],
)
def test_what_was_just_found_needs_no_second_look(seen: dict[str, Any]):
    found = discover(details(**seen), "local", AT, live=False).after
    assert reconcile(found, details(**seen), after(60)).changes == ()


def test_memory_that_ran_out_is_told_when_found():
    found = details(status="exited", exit_code=137, oom_killed=True)
    decision = discover(found, "local", AT, live=False)
    assert (decision.after.error_detail, decision.changes[0].exit_code) == (OUT_OF_MEMORY, 137)


# --- comparison with the engine --------------------------------------------------------------------------------------

ENDED_AT, NOW = after(40), after(60)
ENGINE: dict[str, dict[str, Any]] = {
    "running": {"status": "running"},
    "paused": {"status": "paused"},
    "restarting": {"status": "restarting", "exit_code": 1, "finished_at": ENDED_AT},
    "done": {"status": "exited", "exit_code": 0, "finished_at": ENDED_AT},
    "failed": {"status": "exited", "exit_code": 2, "finished_at": ENDED_AT},
    "ended by a signal": {"status": "exited", "exit_code": 143, "finished_at": ENDED_AT},
    "out of memory": {"status": "exited", "exit_code": 137, "oom_killed": True, "finished_at": ENDED_AT},
    "dead": {"status": "dead", "exit_code": 255, "finished_at": ENDED_AT},
    "created": {"status": "created", "started_at": None},
    "removing": {"status": "removing"},
    "an odd word": {"status": "dreaming"},
}
SAYS = {
    "running": RUNNING,
    "paused": PAUSED,
    "restarting": RESTARTING,
    "done": COMPLETED,
    "failed": EXITED,
    "ended by a signal": COMPLETED,
    "out of memory": EXITED,
    "dead": DEAD,
    "created": CREATED,
}
EXIT_CODES = {EXITED: 1, COMPLETED: 0, DEAD: 1}


def stored(state: State, **overrides: Any) -> Container:
    return container(state=state, exit_code=EXIT_CODES.get(state), **overrides)


@pytest.mark.parametrize(("state", "word"), list(product(State, ENGINE)))
def test_the_same_run_compared_with_each_word_of_the_engine(state: State, word: str):
    expected = SAYS.get(word, state)
    if state is EXITED and word == "restarting":
        expected = EXITED  # the policy waits before it starts again: still a bad end

    decision = reconcile(stored(state), details(**ENGINE[word]), NOW)

    assert decision.after.state is expected
    assert decision.after.restart_count == 0
    assert states(decision.changes) == ([expected] if expected is not state else [])
    ends = expected in {EXITED, COMPLETED, DEAD}
    assert [change.at for change in decision.changes] == [ENDED_AT if ends else NOW] * len(decision.changes)
    assert all(change.reconciled for change in decision.changes)


@pytest.mark.parametrize(("state", "word"), [(s, w) for s, w in product(State, ENGINE) if w != "created"])
def test_a_run_that_was_missed_compared_with_each_word_of_the_engine(state: State, word: str):
    seen = details(**(ENGINE[word] | {"started_at": after(20)}))

    decision = reconcile(stored(state), seen, NOW)

    first_ends = [COMPLETED] if state in {RUNNING, PAUSED} else []
    last = [SAYS[word]] if SAYS.get(word, RUNNING) is not RUNNING else []
    assert states(decision.changes) == [*first_ends, RUNNING, *last]
    assert decision.after.started_at == after(20)
    assert decision.after.restart_count == 0


@pytest.mark.parametrize("word", ENGINE)
@pytest.mark.parametrize("state", State)
def test_comparing_twice_is_comparing_once(state: State, word: str):
    once = reconcile(stored(state), details(**ENGINE[word]), NOW).after
    again = reconcile(once, details(**ENGINE[word]), after(400))
    assert (again.after, again.changes) == (once, ())


@pytest.mark.parametrize("code", [137, 143])
def test_a_crash_that_was_seen_stays_one_when_compared(code: int):
    crashed, _ = lived(container(), died(ENDED_AT, code, words="killed"))
    assert crashed.state is EXITED

    decision = reconcile(crashed, details(status="exited", exit_code=code, finished_at=ENDED_AT), NOW)

    assert (decision.after.state, decision.changes) == (EXITED, ())


def test_the_memory_flag_means_nothing_with_exit_code_0_when_found():
    found = details(status="exited", exit_code=0, oom_killed=True, finished_at=ENDED_AT)
    assert discover(found, "local", NOW, live=False).after.state is COMPLETED


def test_a_good_end_that_was_seen_stays_one_when_compared():
    done, _ = lived(container(), died(ENDED_AT, 0))
    found = details(status="exited", exit_code=0, oom_killed=True, finished_at=ENDED_AT)
    assert reconcile(done, found, NOW).changes == ()


@pytest.mark.parametrize("code", [0, 1, 2, 255])
def test_an_end_that_was_seen_is_not_told_again(code: int):
    ended, _ = lived(container(), died(ENDED_AT, code))
    seen = details(status="exited", exit_code=code, finished_at=ENDED_AT - timedelta(milliseconds=3))
    assert reconcile(ended, seen, NOW).changes == ()


def test_a_requested_stop_that_was_seen_is_not_told_again():
    ended, _ = lived(container(), signalled(after(39)), died(ENDED_AT, 137))
    assert reconcile(ended, details(status="exited", exit_code=137, finished_at=ENDED_AT), NOW).changes == ()


@pytest.mark.parametrize("came_s", [0, -0.001, -1])
def test_a_start_a_little_before_its_event_is_the_same_run(came_s: float):
    seen = details(started_at=T0 + timedelta(seconds=came_s), restart_count=0)
    assert reconcile(container(), seen, NOW).changes == ()


def test_an_exit_that_was_missed_stands_at_the_time_of_the_engine():
    seen = details(status="exited", exit_code=2, finished_at=ENDED_AT)
    decision = reconcile(container(), seen, NOW)
    change = decision.changes[0]
    assert (change.new_state, change.at, change.exit_code, change.restarts) == (EXITED, ENDED_AT, 2, 0)
    assert (decision.after.exit_code, decision.after.finished_at) == (2, ENDED_AT)
    assert decision.after.last_event_at == after(60)


def test_an_end_without_a_time_stands_at_now():
    assert reconcile(container(), details(status="exited", exit_code=2), NOW).changes[0].at == NOW


def test_what_the_engine_says_about_a_failed_start_is_kept():
    seen = details(status="exited", exit_code=127, error="exec: not found", finished_at=ENDED_AT)
    decision = reconcile(stored(CREATED), seen, NOW)
    assert decision.after.error_detail == "exec: not found"
    assert decision.changes[-1].error_detail == "exec: not found"


@pytest.mark.parametrize(
    ("before", "counted", "restarts", "ended_as"),
    [(0, 1, 1, EXITED), (2, 5, 3, EXITED), (2, 2, 0, COMPLETED), (5, 0, 0, COMPLETED), (5, 2, 2, EXITED)],
)
def test_restarts_that_were_missed_are_counted(before: int, counted: int, restarts: int, ended_as: State):
    seen = details(started_at=after(30), finished_at=after(29), restart_count=counted)

    decision = reconcile(container(engine_restart_count=before, restart_count=4), seen, NOW)

    assert [(change.new_state, change.at, change.restarts) for change in decision.changes] == [
        (ended_as, after(29), 0),
        (RUNNING, after(30), restarts),
    ]
    assert decision.after.restart_count == 4 + restarts
    assert decision.after.engine_restart_count == counted


@pytest.mark.parametrize("finished_at", [None, after(31)])
def test_a_missed_end_without_a_time_of_its_own_stands_at_the_next_start(finished_at: datetime | None):
    seen = details(started_at=after(30), finished_at=finished_at, restart_count=1)
    assert [change.at for change in reconcile(container(), seen, NOW).changes] == [after(30), after(30)]


def test_a_missed_start_of_what_had_ended():
    seen = details(started_at=after(30), finished_at=after(10), restart_count=1)
    decision = reconcile(stored(EXITED), seen, NOW)
    assert [(change.new_state, change.at, change.restarts) for change in decision.changes] == [(RUNNING, after(30), 1)]
    assert (decision.after.exit_code, decision.after.stop_requested_at) == (None, None)


def test_the_first_start_that_was_missed():
    decision = reconcile(container(state=CREATED, started_at=None), details(started_at=after(30)), NOW)
    assert [(change.new_state, change.at) for change in decision.changes] == [(RUNNING, after(30))]


def test_a_run_that_came_and_went_unseen():
    seen = details(status="exited", exit_code=2, started_at=after(30), finished_at=after(35))
    decision = reconcile(container(), seen, NOW)
    assert [(change.new_state, change.at) for change in decision.changes] == [
        (COMPLETED, after(30)),
        (RUNNING, after(30)),
        (EXITED, after(35)),
    ]


def test_health_that_changed_unseen():
    decision = reconcile(container(health=Health.HEALTHY), details(health="unhealthy"), NOW)
    change = decision.changes[0]
    assert (change.previous_health, change.new_health, change.at) == (Health.HEALTHY, Health.UNHEALTHY, NOW)
    assert change.reconciled
    assert change.about_health


def test_health_after_a_start_that_was_missed():
    seen = details(started_at=after(30), finished_at=after(29), health="healthy", has_health_check=True)
    decision = reconcile(container(health=Health.UNHEALTHY), seen, NOW)
    assert states(decision.changes) == [COMPLETED, RUNNING, RUNNING]
    assert decision.after.health is Health.HEALTHY
    assert [change.health for change in decision.changes] == [None, None, Health.HEALTHY]


def test_a_comparison_never_writes_into_the_past():
    before = container(accounted_at=after(50), last_state_change_at=after(50))
    decision = reconcile(before, details(status="exited", exit_code=1, finished_at=ENDED_AT), NOW)
    assert decision.changes[0].at == after(50)
    assert decision.after.finished_at == ENDED_AT


@pytest.mark.parametrize("gone", ["missing_since", "archived_at"])
def test_what_comes_back_goes_on_from_now(gone: str):
    before = stored(EXITED, **{gone: after(5)})
    decision = reconcile(before, details(started_at=after(30), finished_at=after(2)), NOW)
    assert (decision.after.missing_since, decision.after.archived_at) == (None, None)
    assert [(change.new_state, change.at) for change in decision.changes] == [(RUNNING, NOW)]
    assert decision.after.accounted_at == NOW


def test_what_comes_back_unchanged_has_no_gap_in_its_books():
    decision = reconcile(container(missing_since=after(5)), details(), NOW)
    assert decision.changes == ()
    assert (decision.after.missing_since, decision.after.accounted_at) == (None, NOW)


def test_what_comes_back_never_writes_into_the_past():
    last = NOW + timedelta(seconds=3)
    before = stored(EXITED, missing_since=last, accounted_at=last, last_state_change_at=last)
    decision = reconcile(before, details(started_at=after(30)), NOW)
    assert all(change.at >= last for change in decision.changes)


def test_everything_that_is_not_state_is_refreshed():
    seen = details(
        name="api", image="nginx:2", labels={"tocsin.group": "edge"}, restart_policy="always", has_health_check=True
    )
    after_ = reconcile(container(), seen, NOW).after
    assert (after_.name, after_.key, after_.image) == ("api", "name:api", "nginx:2")
    assert (after_.traits.custom_group, after_.restart_policy, after_.has_health_check) == ("edge", "always", True)


def test_the_newest_event_stays_the_newest():
    after_ = reconcile(container(last_event_at=after(70)), details(), NOW).after
    assert after_.last_event_at == after(70)


# --- the next incarnation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [EXITED, RESTARTING, COMPLETED])
def test_being_made_anew_is_no_restart(state: State):
    before = stored(state, restart_policy="always", engine_restart_count=5)
    made = adopt(before, details(runtime_id="beef", restart_policy="always"))
    assert (made.runtime_id, made.id, made.engine_restart_count) == ("beef", before.id, 0)

    after_, changes = lived(made, Started(runtime_id="beef", at=after(61)))

    assert states(changes) == [RUNNING]
    assert after_.restart_count == 0


def test_the_events_of_the_next_incarnation_are_not_taken_for_old_ones():
    before = stored(EXITED, last_event_at=after(100))
    assert decide(adopt(before, details(runtime_id="beef")), started(after(61))).after.state is RUNNING


@pytest.mark.parametrize("gone", [None, "missing_since", "archived_at"])
def test_who_takes_a_name_carries_on_its_history(gone: str | None):
    row = stored(EXITED, **({gone: after(1)} if gone else {}))
    other = container(id=8, runtime_id="beef", key="name:tmp", name="web", image="nginx:2", restart_count=3)

    decision = take_place(row, other, NOW)

    after_ = decision.after
    assert (after_.id, after_.key, after_.runtime_id, after_.image) == (7, "name:web", "beef", "nginx:2")
    assert (after_.missing_since, after_.archived_at, after_.restart_count) == (None, None, 0)
    assert [(change.previous_state, change.new_state, change.at) for change in decision.changes] == [
        (EXITED, RUNNING, NOW)
    ]


@pytest.mark.parametrize("state", [RUNNING, EXITED])
def test_who_takes_a_name_brings_its_health(state: State):
    row = stored(state, health=Health.HEALTHY if state is RUNNING else None)
    decision = take_place(row, container(id=8, health=Health.UNHEALTHY), NOW)
    assert decision.after.health is Health.UNHEALTHY
    assert [change.health for change in decision.changes][-1:] == [Health.UNHEALTHY]


# --- what holds for whatever happens ---------------------------------------------------------------------------------

Step = tuple[str, Any]
CODES = st.sampled_from([0, 1, 137, 143, None])
observations = st.one_of(
    st.just(("started", None)),
    st.tuples(st.just("died"), st.tuples(CODES, st.booleans())),
    st.tuples(st.just("signal"), st.sampled_from(["TERM", "KILL", "HUP"])),
    st.just(("paused", None)),
    st.just(("unpaused", None)),
    st.tuples(st.just("health"), st.sampled_from(list(Health))),
    st.tuples(st.just("renamed"), st.sampled_from(["web", "api"])),
    st.just(("destroyed", None)),
)
descriptions = st.tuples(
    st.just("compared"),
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(["running", "paused", "restarting", "exited", "dead", "created", "removing", ""]),
            "health": st.sampled_from([None, "healthy", "unhealthy", "starting"]),
            "exit_code": CODES,
            "oom_killed": st.booleans(),
            "restart_count": st.integers(0, 5),
            "started_ago": st.one_of(st.none(), st.integers(0, 900)),
            "finished_ago": st.one_of(st.none(), st.integers(0, 900)),
        }
    ),
)
gaps_ms = st.integers(1, 700_000)


def observe(step: Step, at: datetime) -> Observation:
    kind, value = step
    match kind:
        case "died":
            return died(at, value[0], oom=value[1] and value[0] != 0)
        case "signal":
            return signalled(at, value)
        case "health":
            return health(at, value)
        case "renamed":
            return Renamed(at=at, name=value, **IDS)
    kinds = {"started": Started, "paused": Paused, "unpaused": Unpaused, "destroyed": Destroyed}
    return kinds[kind](at=at, **IDS)


def describe(values: dict[str, Any], now: datetime) -> Details:
    def ago(name: str) -> datetime | None:
        return None if values[name] is None else now - timedelta(seconds=values[name])

    fields = {name: value for name, value in values.items() if not name.endswith("_ago")}
    return details(**fields, inspected_at=now, started_at=ago("started_ago"), finished_at=ago("finished_ago"))


def play(subject: Container, steps: list[tuple[Step, int]]) -> tuple[Container, list[Change]]:
    """Return what *subject* is after all *steps*, each some milliseconds after the one before, and its timeline."""
    changes: list[Change] = []
    now = T0
    for step, gap_ms in steps:
        now += timedelta(milliseconds=gap_ms)
        if step[0] == "compared":
            decision = reconcile(subject, describe(step[1], now), now)
        else:
            decision = decide(subject, observe(step, now))
        subject = decision.after
        changes += decision.changes
    return subject, changes


anything = st.lists(st.tuples(st.one_of(observations, descriptions), gaps_ms), max_size=25)
beginnings = st.builds(
    container,
    state=st.sampled_from(list(State)),
    has_health_check=st.booleans(),
    restart_policy=st.sampled_from(["no", "always", "on-failure"]),
)


@settings(deadline=None)
@given(beginnings, anything)
def test_a_timeline_is_in_order_and_without_gaps(before: Container, steps: list[tuple[Step, int]]):
    after_, changes = play(before, steps)

    assert [change.at for change in changes] == sorted(change.at for change in changes)
    assert all(change.at >= before.accounted_at for change in changes)
    assert all(earlier.new_state is later.previous_state for earlier, later in pairwise(changes))
    if changes:
        assert changes[0].previous_state is before.state
        assert (changes[-1].new_state, changes[-1].health) == (after_.state, after_.health)
        assert after_.last_state_change_at == changes[-1].at
    else:
        assert (after_.state, after_.health) == (before.state, before.health)


@settings(deadline=None)
@given(beginnings, anything)
def test_every_line_says_something_and_every_restart_is_counted(before: Container, steps: list[tuple[Step, int]]):
    after_, changes = play(before, steps)

    for change in changes:
        assert change.previous_state is not change.new_state or change.previous_health != change.new_health
        assert change.restarts == 0 or change.new_state is RUNNING
        assert change.health is None or change.new_state in {RUNNING, PAUSED}
    assert after_.restart_count == sum(change.restarts for change in changes)
    assert after_.health is None or after_.state in {RUNNING, PAUSED}


@settings(deadline=None)
@given(beginnings, st.lists(st.tuples(observations, gaps_ms), max_size=25))
def test_the_same_observations_again_change_nothing(before: Container, steps: list[tuple[Step, int]]):
    once, _ = play(before, steps)
    again, changes = play(once, steps)
    assert (again, changes) == (once, [])


@settings(deadline=None)
@given(beginnings, anything, descriptions, gaps_ms, gaps_ms)
def test_whatever_happened_comparing_twice_is_comparing_once(
    before: Container, steps: list[tuple[Step, int]], description: Step, gap_ms: int, wait_ms: int
):
    subject, _ = play(before, steps)
    now = T0 + timedelta(milliseconds=sum(gap for _, gap in steps) + gap_ms)
    seen = describe(description[1], now)

    once = reconcile(subject, seen, now).after
    again = reconcile(once, seen, now + timedelta(milliseconds=wait_ms))

    assert (again.after, again.changes) == (once, ())
