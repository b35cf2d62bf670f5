"""Days: good and bad ends of runs, misses, incidents, what is counted anew, what midnight does."""

from datetime import UTC, date, datetime, timedelta

import pytest

from support.beats import Job, at
from tocsin.heartbeats import views
from tocsin.heartbeats.book import Correction
from tocsin.heartbeats.models import Tally

DAY, NEXT = date(2026, 3, 4), date(2026, 3, 5)
MIDNIGHT = datetime(2026, 3, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def sums(job: Job) -> tuple[int, int, int]:
    tally = job.now.tally
    return tally.good, tally.bad, tally.incidents


@pytest.mark.parametrize(("words", "expected"), [
    ([], (0, 0, 0)),
    (["", "", "0"], (3, 0, 0)),
    (["", "1"], (1, 1, 1)),
    (["1", "fail"], (0, 2, 0)),
    (["", "1", "2", "", "fail"], (2, 3, 2)),
    (["start", ""], (1, 0, 0)),
    (["start", "start", ""], (1, 1, 0)),
    (["start", "log", "log"], (0, 0, 0)),
    (["", "start", "start"], (1, 1, 1)),
])  # fmt: skip
def test_ends_of_runs_are_counted_and_starts_and_notes_are_not(words: list[str], expected: tuple[int, int, int]):
    job = Job()
    for second, word in enumerate(words):
        job.ping(second, word)
    assert sums(job) == expected
    assert job.now.tally.day == DAY


def test_a_miss_is_bad_and_so_is_each_run_it_gives_up():
    job = Job()
    job.ping(0)
    job.look(361)
    assert sums(job) == (1, 1, 1)
    job.ping(400, "start", "a")
    job.ping(401, "start", "b")
    job.look(1000)
    assert sums(job) == (1, 4, 1)


def test_a_run_that_hangs_beside_others_is_bad_when_it_is_given_up():
    job = Job()
    job.ping(0, "start", "hangs")
    job.ping(200, "", "other")
    job.ping(400, "", "other")
    assert sums(job) == (2, 1, 1)
    assert job.now.last_good is True


def test_a_run_that_hangs_is_bad_beside_a_failure_too():
    job = Job()
    job.ping(0, "start", "hangs")
    job.ping(200, "", "other")
    job.ping(400, "1", "other")
    assert sums(job) == (1, 2, 1)


@pytest.mark.parametrize(("word", "expected"), [("0", (1, 1, 0)), ("1", (0, 2, 0))])
def test_a_run_that_ends_late_is_counted_as_it_ended_and_the_miss_stays(word: str, expected: tuple[int, int, int]):
    job = Job()
    job.ping(0, "start")
    job.look(361)
    assert sums(job) == (0, 2, 0)
    decision = job.ping(400, word)
    assert sums(job) == expected
    assert decision.correction is None


def test_what_happens_while_it_is_paused_is_not_counted():
    job = Job()
    job.pause(0)
    for second, word in enumerate(["", "1", "start"]):
        job.ping(second, word)
    job.resume(10)
    assert sums(job) == (0, 0, 0)


# --- midnight --------------------------------------------------------------------------------------------------------


def test_a_day_is_closed_with_its_sums_by_the_first_end_of_another():
    job = Job(MIDNIGHT - 10 * SECOND)
    job.ping(MIDNIGHT - 2 * SECOND)
    job.ping(MIDNIGHT - SECOND, "1")
    decision = job.ping(MIDNIGHT)
    assert decision.closed_days == (Tally(DAY, 1, 1, 1),)
    assert decision.after.tally == Tally(NEXT, 1, 0, 0)
    assert job.ping(MIDNIGHT + SECOND).closed_days == ()


def test_a_day_without_ends_is_not_closed():
    job = Job()
    assert job.ping(MIDNIGHT).closed_days == ()


def test_bad_after_midnight_is_an_incident_of_the_day_it_is_on():
    job = Job(MIDNIGHT - 10 * SECOND)
    job.ping(MIDNIGHT - SECOND)
    assert job.ping(MIDNIGHT + SECOND, "1").after.tally == Tally(NEXT, 0, 1, 1)


def test_bad_on_both_sides_of_midnight_is_one_incident():
    job = Job(MIDNIGHT - 10 * SECOND)
    job.ping(MIDNIGHT - 3 * SECOND)
    job.ping(MIDNIGHT - 2 * SECOND, "1")
    decision = job.ping(MIDNIGHT + SECOND, "1")
    assert decision.closed_days == (Tally(DAY, 1, 1, 1),)
    assert decision.after.tally == Tally(NEXT, 0, 1, 0)


def test_a_start_after_midnight_counts_nothing_and_loses_nothing():
    job = Job(MIDNIGHT - 10 * SECOND)
    job.ping(MIDNIGHT - SECOND)
    begun = job.ping(MIDNIGHT + SECOND, "start")
    ended = job.ping(MIDNIGHT + 2 * SECOND)
    closed = [*begun.closed_days, *ended.closed_days]
    assert closed == [Tally(DAY, 1, 0, 0)]
    assert ended.after.tally == Tally(NEXT, 1, 0, 0)


def test_a_run_given_up_before_midnight_corrects_that_day():
    job = Job(MIDNIGHT - 1000 * SECOND)
    job.ping(MIDNIGHT - 500 * SECOND, "start")
    job.look(MIDNIGHT - SECOND)
    decision = job.ping(MIDNIGHT + SECOND)
    assert decision.closed_days == (Tally(DAY, 0, 2, 0),)
    assert decision.correction == Correction(DAY, bad=-1)
    assert decision.after.tally == Tally(NEXT, 1, 0, 0)


def test_a_run_over_midnight_belongs_to_the_day_it_ended_on():
    job = Job(MIDNIGHT - 1000 * SECOND)
    job.ping(MIDNIGHT - SECOND, "start")
    assert job.ping(MIDNIGHT + SECOND).after.tally == Tally(NEXT, 1, 0, 0)


def test_a_clock_set_back_over_midnight_loses_no_sum():
    job = Job(MIDNIGHT)
    job.ping(MIDNIGHT + SECOND)
    decision = job.ping(MIDNIGHT - SECOND)
    assert decision.closed_days == (Tally(NEXT, 1, 0, 0),)
    assert decision.after.tally == Tally(DAY, 1, 0, 0)


# --- percentages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("good", "bad", "percent"), [
    (0, 0, None), (1, 0, 100.0), (0, 1, 0.0), (1, 2, 33.33), (2, 1, 66.67), (999_999, 1, 100.0), (0, -1, None),
])  # fmt: skip
def test_uptime_is_the_share_of_good_ends(good: int, bad: int, percent: float | None):
    assert views.uptime_percent(Tally(DAY, good, bad)) == percent


def test_there_is_one_entry_for_each_day_asked_for_the_newest_first():
    found = {DAY: Tally(DAY, 1, 1, 1), date(2020, 1, 1): Tally(date(2020, 1, 1), 1)}
    shown = views.day_views(found, NEXT, 3)
    assert [(one.date, one.uptime_percent, one.incident_count) for one in shown] == [
        ("2026-03-05", None, 0),
        ("2026-03-04", 50.0, 1),
        ("2026-03-03", None, 0),
    ]
    assert at(0).date() == DAY
