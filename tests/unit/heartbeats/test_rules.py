"""Every status against every event: what it is afterwards, what rings, what is told."""

from typing import NamedTuple

import pytest
from msgspec.structs import replace

from support.beats import DOWN, INTERVAL, NEW, PAUSED, STARTED, UP, Job, at, names, ping, run
from tocsin.core.events import name_of
from tocsin.heartbeats import rules
from tocsin.heartbeats.models import (
    HeartbeatAlert,
    HeartbeatAlertState,
    HeartbeatMissed,
    HeartbeatProblem,
    HeartbeatStatus,
    HeartbeatStatusChanged,
    Outcome,
    PingType,
    Standing,
)

D = 360
"""Interval and grace."""
NOW = 100.0
MISSED, FAILED, OVERRUN = (
    HeartbeatProblem.DEADLINE_MISSED,
    HeartbeatProblem.EXIT_CODE_FAILURE,
    HeartbeatProblem.OVERRUN,
)


def standing(status: HeartbeatStatus) -> Standing:
    """How a heartbeat stands that got into *status* on an ordinary way, a little before NOW."""
    job = Job()
    if status is NEW:
        return job.now
    job.ping(-900)
    job.ping(-600)
    if status is DOWN:
        job.look(50)
    elif status is STARTED:
        job.ping(40, "start")
    elif status is PAUSED:
        job.pause(50)
    else:
        job.ping(60)
    assert job.now.status is status
    return job.now


def job_in(status: HeartbeatStatus) -> Job:
    job = Job()
    job.set(standing(status))
    return job


class Row(NamedTuple):
    """What is expected. `deadline` is counted from T0; `counters` are failures and successes."""

    status: HeartbeatStatus
    deadline: float | None
    problems: tuple[HeartbeatProblem, ...] = ()
    ended: tuple[tuple[Outcome, int | None, int | None], ...] = ()
    counters: tuple[int, int] = (0, 0)
    told: tuple[str, ...] = ()


def good(code: int | None, before: HeartbeatStatus) -> Row:
    """After a run that ended well."""
    duration = 60_000 if before is STARTED else None
    successes = {NEW: 1, UP: 4, STARTED: 3, DOWN: 1}[before]
    told = () if before is UP else ("status_changed",)
    if before is DOWN:
        told = ("status_changed", "recovery")
    return Row(UP, NOW + D, (), ((Outcome.SUCCESS, code, duration),), (0, successes), told)


def bad(code: int | None, before: HeartbeatStatus) -> Row:
    """After a run that ended badly."""
    duration = 60_000 if before is STARTED else None
    problems = (MISSED, FAILED) if before is DOWN else (FAILED,)
    failures = 2 if before is DOWN else 1
    told = ("alert",) if before is DOWN else ("status_changed", "alert")
    return Row(DOWN, NOW + D, problems, ((Outcome.FAILURE, code, duration),), (failures, 0), told)


def begun(before: HeartbeatStatus) -> Row:
    counters = {NEW: (0, 0), UP: (0, 3), STARTED: (0, 2), DOWN: (1, 0)}[before]
    ended = ((Outcome.TIMEOUT, None, None),) if before is STARTED else ()
    told = () if before is STARTED else ("status_changed",)
    return Row(STARTED, NOW + D, (MISSED,) if before is DOWN else (), ended, counters, told)


WAITED_FOR = (NEW, UP, STARTED, DOWN)
PINGS = [
    *((status, "", good(None, status)) for status in WAITED_FOR),
    *((status, "0", good(0, status)) for status in WAITED_FOR),
    *((status, "7", bad(7, status)) for status in WAITED_FOR),
    *((status, "255", bad(255, status)) for status in WAITED_FOR),
    *((status, "fail", bad(None, status)) for status in WAITED_FOR),
    *((status, "start", begun(status)) for status in WAITED_FOR),
]


@pytest.mark.parametrize(("before", "word", "row"), PINGS)
def test_a_ping_does_to_each_status_what_the_table_says(before: HeartbeatStatus, word: str, row: Row):
    job = job_in(before)
    known = job.now

    decision = job.ping(NOW, word)

    after = decision.after
    assert (after.status, after.next_deadline_at) == (row.status, None if row.deadline is None else at(row.deadline))
    assert after.problems == row.problems
    assert [(one.outcome, one.exit_code, one.duration_ms) for one in decision.ended] == list(row.ended)
    assert (after.consecutive_failures, after.consecutive_successes) == row.counters
    assert names(decision.events) == list(row.told)
    assert decision.said is ping(word).type
    assert after.alert_state is (HeartbeatAlertState.ALERTING if row.problems else HeartbeatAlertState.NORMAL)
    assert after.counted_from == at(NOW)
    assert [one.started_at for one in after.open_runs] == ([at(NOW)] if word == "start" else [])
    assert after.current_run_started_at == (at(NOW) if word == "start" else None)
    assert after.last_ping_at == (known.last_ping_at if word == "start" else at(NOW))
    assert after.last_exit_code == (int(word) if word.isdigit() else None)
    for event in decision.events:
        if isinstance(event, HeartbeatStatusChanged):
            assert (event.old_status, event.new_status) == (before, row.status)
        assert event.timestamp == "2026-03-04T09:01:40.000Z"


@pytest.mark.parametrize("before", HeartbeatStatus)
def test_a_note_changes_nothing(before: HeartbeatStatus):
    known = standing(before)
    decision = rules.on_ping(replace(Job().beat, standing=known), ping("log", body="half way"), at(NOW))
    assert (decision.after, decision.said) == (known, PingType.LOG)
    assert (decision.ended, decision.events, decision.closed_days) == ((), (), ())


@pytest.mark.parametrize("word", ["", "0", "7", "fail", "start", "log"])
def test_a_ping_while_it_is_paused_is_noted_and_no_more(word: str):
    known = standing(PAUSED)
    decision = rules.on_ping(replace(Job().beat, standing=known), ping(word), at(NOW))
    assert decision.after is known
    assert decision.said is ping(word).type
    assert (decision.ended, decision.events, decision.closed_days) == ((), (), ())


# --- time ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [NEW, UP, STARTED])
def test_the_deadline_itself_is_still_in_time(before: HeartbeatStatus):
    job = job_in(before)
    deadline = job.now.next_deadline_at
    assert deadline is not None
    assert job.look(deadline) is None
    assert job.look(deadline.replace(microsecond=1000)) is not None


@pytest.mark.parametrize("before", [NEW, UP, STARTED])
def test_after_the_deadline_it_is_down_and_rings(before: HeartbeatStatus):
    job = job_in(before)
    deadline = job.now.next_deadline_at
    late = at(1000)

    decision = job.look(late)

    assert decision is not None
    after = decision.after
    assert (after.status, after.problems, after.next_deadline_at) == (DOWN, (MISSED,), deadline)
    assert (after.consecutive_failures, after.consecutive_successes) == (1, 0)
    assert [(one.outcome, one.duration_ms, one.is_late, one.by_ping) for one in decision.ended] == (
        [(Outcome.TIMEOUT, None, False, False)] if before is STARTED else []
    )
    assert (after.open_runs, after.current_run_started_at, after.overrun_at) == ((), None, None)
    assert after.late_run == (replace(run(40), given_up_at=late) if before is STARTED else None)
    assert names(decision.events) == ["status_changed", "deadline_missed"]
    event = decision.events[1]
    assert isinstance(event, HeartbeatMissed)
    assert (event.previous_status, event.alert_type, event.heartbeat_id) == (before, MISSED, 3)
    assert deadline is not None
    assert event.deadline_at == f"{deadline:%Y-%m-%dT%H:%M:%S}.000Z"
    assert event.details == {
        NEW: "backup has never reported in since it was made 16 minutes ago",
        UP: "backup did not report in; the last time was 15 minutes ago",
        STARTED: "backup started 16 minutes ago and has not finished",
    }[before]  # fmt: skip
    assert event.evidence["schedule"] == "every 5 minutes"
    assert event.evidence["grace"] == "1 minute"
    assert job.look(at(2000)) is None, "it rings once"


@pytest.mark.parametrize("before", [DOWN, PAUSED])
@pytest.mark.parametrize("moment", [0.0, 361.0, 1e6])
def test_nothing_is_missed_of_what_nobody_waits_for(before: HeartbeatStatus, moment: float):
    assert job_in(before).look(moment) is None


# --- by hand ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [NEW, UP, STARTED, DOWN])
def test_a_pause_ends_waiting_and_ringing_and_keeps_the_rest(before: HeartbeatStatus):
    job = job_in(before)
    known = job.now

    decision = job.pause(NOW)

    assert decision.after == replace(known, status=PAUSED, problems=(), next_deadline_at=None)
    assert decision.after.open_runs == known.open_runs
    assert (names(decision.events), decision.ended) == (["status_changed"], ())


def test_a_pause_of_what_is_paused_tells_nothing():
    assert job_in(PAUSED).pause(NOW).events == ()


@pytest.mark.parametrize("before", [NEW, UP, STARTED, DOWN])
def test_after_a_pause_it_is_waited_for_from_then_on(before: HeartbeatStatus):
    job = job_in(before)
    known = job.now
    job.pause(NOW)

    decision = job.resume(500)

    after = decision.after
    assert after.status is (NEW if before is NEW else UP)
    assert (after.next_deadline_at, after.counted_from) == (at(500 + D), at(500))
    assert (after.problems, after.open_runs) == ((), known.open_runs)
    assert (after.consecutive_failures, after.consecutive_successes) == (
        known.consecutive_failures,
        known.consecutive_successes,
    )
    assert (names(decision.events), decision.ended) == (["status_changed"], ())


@pytest.mark.parametrize("word", ["", "0", "7", "fail", "start"])
def test_what_was_ever_pinged_is_not_new_after_a_pause(word: str):
    job = Job()
    job.ping(10, word)
    job.pause(20)
    assert job.resume(30).after.status is UP


@pytest.mark.parametrize("word", ["", "0", "7", "fail", "start", "log"])
def test_what_was_pinged_only_while_paused_is_new_after_it(word: str):
    job = Job()
    job.pause(10)
    job.ping(20, word)
    assert job.resume(30).after.status is NEW


@pytest.mark.parametrize("before", [NEW, UP, STARTED, DOWN])
def test_other_rules_count_the_deadline_anew_from_the_last_sign_of_life(before: HeartbeatStatus):
    job = job_in(before)
    known = job.now
    after = job.change(interval_seconds=3600, grace_seconds=600)
    counted_from = {NEW: 0, UP: 60, STARTED: 40, DOWN: -600}[before]
    assert after == replace(known, next_deadline_at=at(counted_from + 4200))


def test_other_rules_of_what_is_paused_hold_when_it_goes_on():
    job = job_in(PAUSED)
    assert job.change(interval_seconds=3600).next_deadline_at is None
    assert job.resume(NOW).after.next_deadline_at == at(NOW + 3660)


def test_a_shorter_interval_can_make_it_late_at_once():
    job = Job(interval_seconds=86_400)
    job.ping(0)
    job.change(interval_seconds=60)
    assert job.look(121) is not None


# --- what rings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "code", "sentence"), [
    ("7", 7, "backup failed with exit code 7"),
    ("fail", None, "backup reported a failure"),
])  # fmt: skip
def test_a_failure_rings_once_until_it_goes_well_again(word: str, code: int | None, sentence: str):
    job = Job()
    first = job.ping(10, word)
    again = [job.ping(20 + number, word) for number in range(3)]
    (alert,) = (event for event in first.events if isinstance(event, HeartbeatAlert))
    assert (alert.alert_type, alert.exit_code, alert.details) == (FAILED, code, sentence)
    assert (alert.name, alert.evidence["exit_code"]) == ("backup", code)
    assert [decision.events for decision in again] == [(), (), ()]
    assert job.now.consecutive_failures == 4
    job.ping(30)
    assert "alert" in names(job.ping(40, word).events)


@pytest.mark.parametrize("word", ["", "0"])
@pytest.mark.parametrize("before", ["up", "started", "down"])
def test_any_success_ends_all_that_rings(word: str, before: str):
    job = Job()
    job.ping(0, "3")
    if before == "started":
        job.ping(10, "start")
    elif before == "up":
        job.set(replace(job.now, status=UP))
    decision = job.ping(20, word)
    assert (decision.after.status, decision.after.problems) == (UP, ())
    assert names(decision.events)[-1] == "recovery"


def test_a_start_ends_no_alert():
    job = job_in(DOWN)
    assert job.ping(NOW, "start").after.problems == (MISSED,)
    assert names(job.ping(NOW + 1).events) == ["status_changed", "recovery"]


def test_what_failed_and_then_never_came_rings_for_both():
    job = Job()
    job.ping(0, "3")
    job.ping(10, "start")
    decision = job.look(10 + D + 1)
    assert decision is not None
    assert decision.after.problems == (FAILED, MISSED)
    assert names(decision.events) == ["status_changed", "deadline_missed"]


def test_what_was_missed_is_told_again_when_it_was_begun_and_missed_again():
    job = job_in(DOWN)
    job.ping(NOW, "start")
    decision = job.look(NOW + D + 1)
    assert decision is not None
    assert decision.after.problems == (MISSED,)
    assert "deadline_missed" in names(decision.events)


def test_it_is_expected_from_the_moment_it_was_made():
    job = Job()
    assert (job.now.status, job.now.next_deadline_at) == (NEW, at(D))
    assert job.look(at(D)) is None
    assert job.look(at(D + 0.001)) is not None


@pytest.mark.parametrize("before", HeartbeatStatus)
def test_what_is_told_never_holds_the_secret(before: HeartbeatStatus):
    job = job_in(before)
    for decision in (job.ping(NOW, "9"), job.ping(NOW, "0"), job.look(1e6), job.pause(1e6), job.resume(1e6)):
        for event in decision.events if decision else ():
            assert job.beat.uuid not in repr(event), name_of(event)


def test_it_is_looked_at_only_when_something_follows_from_it():
    """What is due and never settled would be looked at again and again."""
    job = Job(max_duration_seconds=30)
    job.ping(0, "start")
    assert job.now.due_at == at(30)
    job.pause(10)
    job.resume(100)
    assert (job.now.status, job.now.due_at) == (UP, at(100 + D))
    job.change(interval_seconds=INTERVAL * 2)
    assert job.now.due_at == at(100 + D + INTERVAL)
