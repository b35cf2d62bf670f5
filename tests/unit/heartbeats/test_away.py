"""What nobody could hear, clocks that move, and pings beyond the budget."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from support.beats import DOWN, PAUSED, STARTED, T0, Job, at, beat, ping
from tocsin.heartbeats import rules
from tocsin.heartbeats.models import Heartbeat, PingType

D = 360


def away(job: Job, now: float) -> None:
    job.set(rules.extended(job.beat, at(now)))


def beyond(one: Heartbeat, word: str, now: float) -> rules.Decision:
    """Decide about a ping beyond the budget."""
    return rules.without_rows(rules.on_ping(one, ping(word), at(now)))


# --- away ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("now", "deadline"), [
    (299, D),  # it is not expected yet
    (300, 360),  # expected just now: a whole grace
    (330, 390),
    (361, 421),
    (5000, 5060),
])  # fmt: skip
def test_what_was_expected_meanwhile_gets_one_more_grace(now: float, deadline: float):
    job = Job()
    away(job, now)
    assert job.now.next_deadline_at == at(deadline)
    assert job.now.is_extended is (now >= 300)
    assert job.look(at(deadline)) is None
    assert job.look(at(deadline + 0.001)) is not None


def test_it_is_put_off_once():
    job = Job()
    away(job, 1000)
    away(job, 1050)
    assert job.now.next_deadline_at == at(1060)


@pytest.mark.parametrize("word", ["", "start", "0", "3", "fail"])
def test_after_a_sign_of_life_it_may_be_put_off_again(word: str):
    job = Job()
    away(job, 1000)
    job.ping(1010, word)
    assert job.now.is_extended is False
    job.ping(1020)
    away(job, 5000)
    assert job.now.next_deadline_at == at(5060)


def test_without_grace_there_is_half_a_minute():
    job = Job(grace_seconds=0)
    away(job, 1000)
    assert job.now.next_deadline_at == at(1030)


def test_a_long_grace_is_not_cut_short():
    job = Job(grace_seconds=300)
    away(job, 301)
    assert job.now.next_deadline_at == at(601)


def test_a_run_that_went_on_meanwhile_may_have_ended_unheard():
    job = Job(max_duration_seconds=30)
    job.ping(0, "start")
    away(job, 100)
    assert (job.now.overrun_at, job.now.next_deadline_at) == (at(160), at(D))
    assert job.look(160) is None
    assert job.look(161) is not None


@pytest.mark.parametrize("status", [DOWN, PAUSED])
def test_what_nobody_waits_for_is_not_put_off(status: object):
    job = Job()
    job.ping(0)
    if status is PAUSED:
        job.pause(1)
    else:
        job.look(1000)
    known = job.now
    assert rules.extended(job.beat, at(5000)) is known


# --- the clock was set back ------------------------------------------------------------------------------------------


def back(job: Job, now: float) -> None:
    job.set(rules.set_back(job.beat, at(now)))


def test_nothing_is_waited_for_longer_than_the_rules_say():
    job = Job()
    job.ping(86_400)
    back(job, 100)
    assert (job.now.counted_from, job.now.next_deadline_at) == (at(100), at(100 + D))


def test_a_deadline_put_off_by_a_wrong_clock_comes_back():
    job = Job()
    away(job, 86_400)
    back(job, 100)
    assert job.now.next_deadline_at == at(100 + D)


def test_a_run_is_not_let_go_on_longer_than_the_rules_say():
    job = Job(max_duration_seconds=30)
    job.ping(86_400, "start")
    back(job, 100)
    assert job.now.overrun_at == at(130)


@pytest.mark.parametrize("seconds", [0, 1, 100, 359])
def test_what_is_right_already_stays(seconds: float):
    job = Job(max_duration_seconds=30)
    job.ping(0, "start")
    known = job.now
    assert rules.set_back(job.beat, at(seconds)) is known


def test_what_is_paused_stays():
    job = Job()
    job.ping(86_400)
    job.pause(86_401)
    known = job.now
    assert rules.set_back(job.beat, T0) is known


# --- beyond the budget -----------------------------------------------------------------------------------------------


def test_a_ping_beyond_the_budget_is_a_sign_of_life_that_gets_no_run_of_its_own():
    job = Job(max_duration_seconds=30)
    job.ping(0, "start", "a")
    for second in (10, 20, 30):
        decision = beyond(job.beat, "", second)
        job.set(decision.after)
        assert (decision.after.status, decision.ended) == (STARTED, ())
        assert decision.after.next_deadline_at == at(second + D)
        assert [one.run_id for one in decision.after.open_runs] == ["a"]
    assert (job.now.tally.good, job.now.tally.bad) == (3, 0)


def test_a_ping_beyond_the_budget_ends_the_run_it_is_about():
    job = Job()
    job.ping(0, "start", "a")
    decision = rules.without_rows(rules.on_ping(job.beat, ping("3", "a"), at(20)))
    assert (decision.after.status, decision.after.open_runs) == (DOWN, ())
    assert [(one.duration_ms, one.exit_code) for one in decision.ended] == [(20_000, 3)]


def test_a_late_run_is_counted_anew_by_the_first_ping_beyond_the_budget_only():
    job = Job()
    job.ping(0, "start")
    job.look(D + 1)
    for second in range(5):
        job.set(beyond(job.beat, "", 400 + second).after)
    assert (job.now.tally.good, job.now.tally.bad) == (5, 1)
    assert job.now.late_run is None


@pytest.mark.parametrize(("word", "status"), [("start", STARTED), ("1", DOWN), ("fail", DOWN)])
def test_whatever_it_says_it_counts(word: str, status: object):
    decision = beyond(beat(), word, 1)
    assert (decision.after.status, decision.after.open_runs) == (status, ())


def test_a_note_beyond_the_budget_changes_nothing():
    job = Job()
    job.ping(0, "start")
    decision = beyond(job.beat, "log", 1)
    assert decision.after is job.now
    assert decision.said is PingType.LOG


def test_a_second_without_grace_is_as_long_as_it_is():
    job = Job(interval_seconds=60, grace_seconds=0)
    job.set(replace(job.now, counted_from=at(0)))
    assert job.look(T0 + timedelta(seconds=60)) is None
    assert job.look(T0 + timedelta(seconds=60, milliseconds=1)) is not None
