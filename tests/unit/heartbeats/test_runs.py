"""Runs: which one a ping ends, what comes late, what overlaps, what takes too long, what is expected several times."""

from datetime import timedelta

import pytest

from support.beats import DOWN, NEW, STARTED, UP, Job, at, beat, names, ping, run
from tocsin.heartbeats import rules
from tocsin.heartbeats.models import MOST_OPEN_RUNS, HeartbeatAlert, HeartbeatProblem, Outcome, PingType
from tocsin.heartbeats.runs import Ended

D = 360
SUCCESS, FAILURE, TIMEOUT = Outcome.SUCCESS, Outcome.FAILURE, Outcome.TIMEOUT
MISSED, OVERRUN = HeartbeatProblem.DEADLINE_MISSED, HeartbeatProblem.OVERRUN

# --- how long --------------------------------------------------------------------------------------------------------


def test_a_run_is_measured_to_the_millisecond():
    job = Job()
    job.ping(0, "start")
    decision = job.ping(at(427.15), "0")
    assert decision.ended == (Ended(run(0), SUCCESS, 0, 427_150),)
    assert decision.after.last_duration_ms == 427_150


def test_a_run_that_ends_before_it_began_took_no_time():
    """The clock was set back meanwhile."""
    job = Job()
    job.ping(100, "start")
    assert job.ping(40).after.last_duration_ms == 0


def test_a_success_without_a_start_leaves_the_last_duration():
    job = Job()
    job.ping(0, "start")
    job.ping(5)
    assert job.ping(10).ended == (Ended(None, SUCCESS),)
    assert job.now.last_duration_ms == 5000


# --- what comes late -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "outcome", "code", "status"), [
    ("", SUCCESS, None, UP),
    ("0", SUCCESS, 0, UP),
    ("4", FAILURE, 4, DOWN),
    ("fail", FAILURE, None, DOWN),
])  # fmt: skip
def test_a_run_that_was_given_up_is_completed_when_it_ends_late(word: str, outcome: Outcome, code: int, status: object):
    job = Job()
    job.ping(0, "start")
    job.look(D + 1)

    decision = job.ping(1000, word)

    assert decision.ended == (Ended(run(0, given_up=D + 1), outcome, code, 1_000_000, is_late=True),)
    assert (decision.after.status, decision.after.late_run) == (status, None)
    assert decision.after.last_duration_ms == 1_000_000
    assert decision.after.next_deadline_at == at(1000 + D)


def test_a_run_ends_late_once():
    job = Job()
    job.ping(0, "start")
    job.look(D + 1)
    job.ping(1000)
    assert job.ping(1001).ended == (Ended(None, SUCCESS),)


def test_another_start_takes_the_place_of_what_was_given_up():
    job = Job()
    job.ping(0, "start")
    job.look(D + 1)
    job.ping(500, "start")
    assert job.ping(510).ended == (Ended(run(500, number=2), SUCCESS, None, 10_000),)


@pytest.mark.parametrize("between", ["start", "", "5"])
def test_what_other_runs_do_keeps_no_run_from_ending_late(between: str):
    job = Job()
    job.ping(0, "start", "slow")
    job.look(D + 1)
    job.ping(500, between, "other")
    (ended,) = job.ping(600, "0", "slow").ended
    assert (ended.is_late, ended.duration_ms) == (True, 600_000)
    assert ended.run == run(0, "slow", given_up=D + 1)


def test_the_end_of_another_run_is_not_the_late_one():
    job = Job()
    job.ping(0, "start", "a")
    job.look(D + 1)
    assert job.ping(500, "", "b").ended == (Ended(None, SUCCESS),)


# --- what overlaps ---------------------------------------------------------------------------------------------------


def test_runs_with_ids_end_on_their_own():
    job = Job()
    job.ping(0, "start", "a")
    job.ping(10, "start", "b")
    assert [one.run_id for one in job.now.open_runs] == ["a", "b"]

    first = job.ping(30, "0", "a")
    assert first.ended == (Ended(run(0, "a"), SUCCESS, 0, 30_000),)
    assert (first.after.status, names(first.events)) == (STARTED, [])
    assert first.after.current_run_started_at == at(10)

    second = job.ping(70, "0", "b")
    assert second.ended == (Ended(run(10, "b", 2), SUCCESS, 0, 60_000),)
    assert (second.after.status, second.after.current_run_started_at) == (UP, None)


@pytest.mark.parametrize("stranger", [None, "c"])
def test_an_end_of_no_known_run_ends_none(stranger: str | None):
    job = Job()
    job.ping(0, "start", "a")
    decision = job.ping(10, "", stranger)
    assert decision.ended == (Ended(None, SUCCESS),)
    assert (decision.after.status, len(decision.after.open_runs)) == (STARTED, 1)


@pytest.mark.parametrize("rid", [None, "a"])
def test_a_second_start_of_the_same_run_gives_up_the_first(rid: str | None):
    job = Job()
    job.ping(0, "start", "other")
    job.ping(1, "start", rid)
    decision = job.ping(2, "start", rid)
    assert decision.ended == (Ended(run(1, rid, 2), TIMEOUT, by_ping=False),)
    assert [one.started_at for one in decision.after.open_runs] == [at(0), at(2)]


def test_a_failure_is_down_although_another_run_is_open():
    job = Job()
    job.ping(0, "start", "a")
    job.ping(1, "start", "b")
    assert job.ping(2, "1", "a").after.status is DOWN
    assert [one.run_id for one in job.now.open_runs] == ["b"]
    assert job.ping(3, "0", "b").after.status is UP


def test_after_the_deadline_every_open_run_is_given_up():
    job = Job()
    for number, rid in enumerate(["a", "b", "c"]):
        job.ping(number, "start", rid)
    decision = job.look(3 + D)
    assert decision is not None
    assert [(one.outcome, one.run and one.run.run_id) for one in decision.ended] == [
        (TIMEOUT, "a"),
        (TIMEOUT, "b"),
        (TIMEOUT, "c"),
    ]
    assert names(decision.events) == ["status_changed", "deadline_missed"]


def test_a_run_that_hangs_is_given_up_while_others_go_on():
    job = Job()
    job.ping(0, "start", "hangs")
    for second in (200, 400):
        job.ping(second, "", "other")
    assert job.now.status is UP
    (given_up, mine) = job.decisions[-1].ended
    assert given_up == Ended(run(0, "hangs"), TIMEOUT, by_ping=False)
    assert mine == Ended(None, SUCCESS)


def test_far_too_many_open_runs_give_up_the_oldest():
    job = Job()
    for number in range(MOST_OPEN_RUNS):
        assert job.ping(number, "start", f"r{number}").ended == ()
    decision = job.ping(MOST_OPEN_RUNS, "start", "one more")
    assert decision.ended == (Ended(run(0, "r0"), TIMEOUT, by_ping=False),)
    assert len(decision.after.open_runs) == MOST_OPEN_RUNS


# --- what takes too long ---------------------------------------------------------------------------------------------


def test_a_run_that_takes_too_long_rings_once_and_goes_on():
    job = Job(max_duration_seconds=30)
    job.ping(0, "start")
    assert job.look(30) is None

    decision = job.look(at(30.001))

    assert decision is not None
    assert (decision.after.status, decision.after.problems) == (STARTED, (OVERRUN,))
    assert (decision.ended, decision.after.next_deadline_at) == ((), at(D))
    (alert,) = decision.events
    assert isinstance(alert, HeartbeatAlert)
    assert (alert.alert_type, alert.details) == (OVERRUN, "backup has been running for more than 30 seconds")
    assert job.look(31) is None

    over = job.ping(40, "0")
    assert (over.after.status, over.after.problems, over.after.overrun_at) == (UP, (), None)
    assert names(over.events) == ["status_changed", "recovery"]


def test_a_run_that_takes_too_long_may_miss_its_deadline_too():
    job = Job(max_duration_seconds=30)
    job.ping(0, "start")
    job.look(31)
    decision = job.look(D + 1)
    assert decision is not None
    assert decision.after.problems == (OVERRUN, MISSED)
    assert job.ping(D + 2).after.problems == ()


def test_a_run_that_is_done_in_time_does_not_ring():
    job = Job(max_duration_seconds=30)
    job.ping(0, "start")
    job.ping(30)
    assert job.look(31) is None


def test_when_the_oldest_run_ends_the_next_one_is_watched():
    job = Job(max_duration_seconds=30)
    job.ping(0, "start", "a")
    job.ping(20, "start", "b")
    assert job.now.overrun_at == at(30)
    assert job.ping(25, "0", "a").after.overrun_at == at(50)


def test_after_a_run_took_too_long_the_next_one_is_watched_too():
    job = Job(max_duration_seconds=30)
    job.ping(0, "start", "a")
    job.ping(20, "start", "b")
    job.look(31)
    assert job.ping(35, "0", "a").after.overrun_at == at(50)
    decision = job.look(51)
    assert decision is not None
    assert decision.after.problems == (OVERRUN,)


def test_what_has_rung_for_taking_too_long_does_not_ring_with_every_success_of_others():
    job = Job(max_duration_seconds=30)
    job.ping(0, "start", "hangs")
    job.look(31)
    for second in (40, 50, 60):
        assert job.ping(second, "", "quick").after.overrun_at is None
        assert job.look(second + 1) is None


def test_another_longest_time_holds_for_the_run_that_is_open():
    job = Job()
    job.ping(0, "start")
    assert job.change(max_duration_seconds=20).overrun_at == at(20)
    assert job.change(max_duration_seconds=None).overrun_at is None


# --- what is expected several times ----------------------------------------------------------------------------------


def test_the_deadline_moves_with_the_last_of_those_expected():
    job = Job(expected_pings=3)
    job.ping(10)
    assert (job.now.window_pings, job.now.next_deadline_at) == (1, at(10 + D))
    job.ping(100)
    assert (job.now.window_pings, job.now.next_deadline_at) == (2, at(10 + D))
    job.ping(200)
    assert (job.now.window_pings, job.now.next_deadline_at) == (0, at(200 + D))


def test_too_few_of_those_expected_are_missed_and_counted():
    job = Job(expected_pings=3)
    job.ping(10)
    job.ping(100)
    decision = job.look(10 + D + 1)
    assert decision is not None
    assert [event.details for event in decision.events if hasattr(event, "details")] == [
        "backup reported in 2 of 3 times"
    ]
    assert job.ping(400).after.window_pings == 1
    assert job.now.next_deadline_at == at(400 + D)


def test_starts_and_notes_do_not_count_and_a_failure_counts_anew():
    job = Job(expected_pings=2)
    job.ping(10, "start")
    job.ping(20)
    assert job.now.window_pings == 1
    job.ping(30, "start")
    job.ping(40, "log")
    assert (job.now.window_pings, job.now.next_deadline_at) == (1, at(20 + D))
    job.ping(50, "1")
    assert (job.now.window_pings, job.now.next_deadline_at) == (0, at(50 + D))


def test_fewer_expected_hold_at_once():
    job = Job(expected_pings=5)
    for second in (1, 2, 3, 4):
        job.ping(second)
    assert job.change(expected_pings=2).window_pings == 1
    assert job.ping(5).after.window_pings == 0
    assert job.change(expected_pings=1).window_pings == 0


# --- methods and words -----------------------------------------------------------------------------------------------

WORDS = {"start_keywords": ("BEGIN",), "success_keywords": ("done", "OK"), "failure_keywords": ("error",)}


@pytest.mark.parametrize(("body", "said"), [
    ("BEGIN of it", PingType.START),
    ("all done", PingType.SUCCESS),
    ("OK", PingType.SUCCESS),
    ("an error", PingType.FAIL),
    ("done, with an error", PingType.FAIL),
    ("BEGIN, done", PingType.SUCCESS),
    ("begin", PingType.IGNORED),
    ("ok Done ERROR", PingType.IGNORED),
    ("", PingType.IGNORED),
    (None, PingType.IGNORED),
])  # fmt: skip
def test_words_in_the_body_say_what_a_ping_is(body: str | None, said: PingType):
    assert rules.meaning(beat(**WORDS).rules, ping(method="POST", body=body)) is said


@pytest.mark.parametrize("word", ["start", "fail", "log", "0", "9"])
def test_what_the_address_says_counts_more_than_words(word: str):
    assert rules.meaning(beat(**WORDS).rules, ping(word, body="error done")) is ping(word).type


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("word", ["", "start", "fail", "log", "0", "9"])
def test_where_only_post_counts_other_methods_change_nothing(method: str, word: str):
    job = Job(post_only=True)
    known = job.now
    decision = job.ping(10, word, method=method)
    assert (decision.after, decision.said, decision.ended, decision.events) == (known, PingType.IGNORED, (), ())
    assert job.ping(20, word, method="POST").said is ping(word).type


def test_a_ping_without_its_words_changes_nothing():
    job = Job(**WORDS)
    known = job.now
    assert job.ping(10, body="hello", method="POST").after is known
    assert known.status is NEW
    assert job.look(at(D) + timedelta(seconds=1)) is not None
