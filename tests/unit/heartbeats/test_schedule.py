"""Schedules: what is understood, what is refused, early pings, and clocks that are moved twice a year."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.beats import DOWN, Job
from tocsin.heartbeats import schedule
from tocsin.heartbeats.schedule import ScheduleKind

NOW = datetime(2026, 3, 4, 9, 0, 30, tzinfo=UTC)  # a Wednesday
SECOND = timedelta(seconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- what is understood ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "kind", "expected"), [
    ("* * * * *", "cron", "2026-03-04T09:01:00"),
    ("*/5 * * * *", "cron", "2026-03-04T09:05:00"),
    ("30 2 * * *", "cron", "2026-03-05T02:30:00"),
    ("0 9 * * 1-5", "cron", "2026-03-05T09:00:00"),
    ("0 9 * * SUN", "cron", "2026-03-08T09:00:00"),
    ("0 0 29 2 *", "cron", "2028-02-29T00:00:00"),
    ("0 0 L * *", "cron", "2026-03-31T00:00:00"),
    ("0 0 13 * 5", "cron", "2026-03-06T00:00:00"),
    ("  0   0 1 * * ", "cron", "2026-04-01T00:00:00"),
    ("@hourly", "cron", "2026-03-04T10:00:00"),
    ("@daily", "cron", "2026-03-05T00:00:00"),
    ("@midnight", "cron", "2026-03-05T00:00:00"),
    ("@weekly", "cron", "2026-03-08T00:00:00"),
    ("@monthly", "cron", "2026-04-01T00:00:00"),
    ("@yearly", "cron", "2027-01-01T00:00:00"),
    ("@annually", "cron", "2027-01-01T00:00:00"),
    ("hourly", "oncalendar", "2026-03-04T10:00:00"),
    ("daily", "oncalendar", "2026-03-05T00:00:00"),
    ("weekly", "oncalendar", "2026-03-09T00:00:00"),
    ("quarterly", "oncalendar", "2026-04-01T00:00:00"),
    ("Mon..Fri 10:00", "oncalendar", "2026-03-04T10:00:00"),
    ("*:0/15", "oncalendar", "2026-03-04T09:15:00"),
    ("*-*-* 02:30", "oncalendar", "2026-03-05T02:30:00"),
    ("*-*~1 12:00", "oncalendar", "2026-03-31T12:00:00"),
    ("2027-01-01", "oncalendar", "2027-01-01T00:00:00"),
    ("*-*-* 12:00 Europe/Paris", "oncalendar", "2026-03-04T11:00:00"),
    ("Mon 10:00\nTue 12:00", "oncalendar", "2026-03-09T10:00:00"),
    ("Mon *-*-* 10:00\nTue 12:00", "oncalendar", "2026-03-09T10:00:00"),
])  # fmt: skip
def test_a_schedule_is_understood(text: str, kind: str, expected: str):
    schedule.check(text, "UTC", NOW)
    assert schedule.kind_of(text) is ScheduleKind(kind)
    assert schedule.next_expected(text, "UTC", NOW) == utc(expected)


@pytest.mark.parametrize(("text", "words"), [
    ("", "wrong number of fields"),
    ("hello", "bad day-of-week"),
    ("61 * * * *", "bad minute"),
    ("*/0 * * * *", "bad minute"),
    ("٣ * * * *", "bad minute"),
    ("5-1 * * * *", "bad minute"),
    ("* 24 * * *", "bad hour"),
    ("* * 0 * *", "bad day-of-month"),
    ("* * 32 * *", "bad day-of-month"),
    ("0 0 31 2 *", "bad day-of-month"),
    ("* * * 13 *", "bad month"),
    ("* * * * 8", "bad day-of-week"),
    ("* * * * * *", "bad day-of-week"),
    ("@reboot", "bad day-of-week"),
    ("25:00", "bad hour"),
    ("*:61", "bad minute"),
    ("2026-13-01", "bad month"),
    ("*-*-32", "bad day-of-month"),
    ("Foo *-*-*", "bad day-of-week"),
    ("*-02-30", "is never due"),
    ("2020-01-01", "is never due"),
    ("* " * 101, "may have 200 characters at most"),
])  # fmt: skip
def test_what_cannot_be_understood_is_refused_in_a_few_words(text: str, words: str):
    with pytest.raises(ValueError, match=f"^{words}") as caught:
        schedule.check(text, "UTC", NOW)
    assert len(str(caught.value)) < 100
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [
    "", "Mars/Olympus", "europe/paris", "../etc/passwd", "/etc/passwd", "Europe", ".", "UTC\0", "+01:00", "a" * 5000,
])  # fmt: skip
def test_what_is_no_time_zone_says_so(name: str):
    with pytest.raises(ValueError, match="is no IANA time zone, such as Europe/Paris"):
        schedule.zone_of(name)
    with pytest.raises(ValueError, match="is no IANA time zone"):
        schedule.check("@daily", name, NOW)


@given(st.text(max_size=40) | st.text("*/-,0123456789 :@~.", max_size=30))
def test_no_text_is_more_than_a_value_error(text: str):
    try:
        schedule.check(text, "Europe/Paris", NOW)
    except ValueError as exc:
        assert str(exc)  # noqa: PT017 -- any text is fine, no other error is


def test_what_is_over_is_expected_no_more():
    assert schedule.upcoming("2026-03-05", "UTC", NOW, 3) == [utc("2026-03-05T00:00:00")]
    assert schedule.upcoming("2026-03-05", "UTC", utc("2026-03-05T00:00:00"), 3) == []
    assert schedule.next_expected("2026-03-05", "UTC", utc("2026-03-06T00:00:00")).year == 2199


@pytest.mark.parametrize(("text", "seconds"), [
    ("* * * * *", 60), ("*:*:0/10", 60), ("*/5 * * * *", 300), ("@daily", 86_400), ("2026-03-05", 60),
])  # fmt: skip
def test_about_how_often_it_runs(text: str, seconds: int):
    assert schedule.nominal_interval(text, "UTC", NOW) == seconds


@pytest.mark.parametrize("day", ["2026-03-28T22:30:00", "2026-10-24T22:30:00"])
def test_about_how_often_it_runs_is_meant_in_real_time(day: str):
    """From the hour before the clock moves on: an hour later it is an hour more, or none."""
    before_the_change = utc(day) + timedelta(hours=1)
    assert schedule.nominal_interval("@hourly", "Europe/Paris", before_the_change) == 3600


# --- early -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "ping", "expected"), [
    ("0 * * * *", "09:59:30", "11:00:00"),
    ("0 * * * *", "09:59:29", "10:00:00"),
    ("0 * * * *", "10:00:00", "11:00:00"),
    ("* * * * *", "09:59:45", "10:01:00"),
    ("* * * * *", "09:59:44", "10:00:00"),
])  # fmt: skip
def test_a_ping_a_little_early_is_for_the_run_about_to_be_due(text: str, ping: str, expected: str):
    after = schedule.next_expected(text, "UTC", utc(f"2026-03-04T{ping}"))
    assert after == utc(f"2026-03-04T{expected}")


@pytest.mark.parametrize("minute", range(0, 60, 5))
def test_a_little_early_is_meant_in_real_time_when_the_clock_goes_back(minute: int):
    """Between 02:55 in summer and 02:00 in winter, which comes next, five minutes pass."""
    due = utc("2026-10-25T00:00:00") + timedelta(minutes=minute)
    expected = schedule.next_expected("*/5 * * * *", "Europe/Paris", due - 10 * SECOND)
    assert expected == due + timedelta(minutes=5)


@pytest.mark.parametrize("text", ["*-*-* *:0/10", "hourly", "*:0/10 Europe/Paris", "*/10 * * * *", "@hourly"])
@pytest.mark.parametrize("minute", range(-90, 150, 10))
def test_what_is_expected_is_never_over_already_while_the_clock_goes_back(text: str, minute: int):
    ping = utc("2026-10-25T01:00:00") + timedelta(minutes=minute, seconds=5)
    expected = schedule.next_expected(text, "Europe/Paris", ping)
    assert ping < expected <= ping + timedelta(hours=2)


# --- clocks that are moved -------------------------------------------------------------------------------------------

ZONES = ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca"]
CHANGES = {
    "Europe/Paris": ["2026-03-29T01:00:00", "2026-10-25T01:00:00"],
    "America/New_York": ["2026-03-08T07:00:00", "2026-11-01T06:00:00"],
    "Australia/Lord_Howe": ["2026-04-04T15:00:00", "2026-10-03T15:30:00"],
    "America/Santiago": ["2026-04-05T03:00:00", "2026-09-06T04:00:00"],
    "Africa/Casablanca": ["2026-02-15T02:00:00", "2026-03-22T02:00:00"],
}
SCHEDULES = [
    "*/5 * * * *", "7,37 * * * *", "0 * * * *", "30 */2 * * *", "0 0 * * *", "15 0 * * *", "30 1 * * *", "45 1 * * *",
    "0 2 * * *", "15 2 * * *", "30 2 * * *", "30 23 * * *", "0 3 * * *", "0 1,2,3 * * *", "30 2 * * 0",
    "hourly", "daily", "*-*-* 02:30", "*-*-* *:0/10", "*-*-* 00..03:15", "Sun *-*-* 02:00",
]  # fmt: skip


def around(text: str, zone: str, change: str) -> list[datetime]:
    """Return times from a while before the clock is moved until a while after."""
    middle = utc(change)
    times: list[datetime] = []
    for before, after in ((timedelta(hours=5), timedelta(hours=5)), (timedelta(days=9), timedelta(days=16))):
        found = schedule.upcoming(text, zone, middle - before, 400)
        times = [at.astimezone(UTC) for at in found if at.astimezone(UTC) <= middle + after]
        if len(times) >= 4:
            break
    return times


cases = st.tuples(st.sampled_from(ZONES), st.integers(0, 1), st.sampled_from(SCHEDULES))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("text", SCHEDULES)
def test_times_go_on_one_after_the_other_when_the_clock_is_moved(zone: str, text: str):
    for change in CHANGES[zone]:
        times = around(text, zone, change)
        assert len(times) >= 3
        assert all(first < second for first, second in pairwise(times)), times
        for first, second in pairwise(times):
            assert schedule.next_expected(text, zone, first) == second, (first, second)


@settings(max_examples=100, deadline=None)
@given(case=cases, grace=st.integers(1, 3600), share=st.floats(0, 1, exclude_max=True), with_start=st.booleans())
@example(case=("Europe/Paris", 0, "30 2 * * *"), grace=60, share=0.5, with_start=True)
@example(case=("Europe/Paris", 1, "30 2 * * *"), grace=60, share=0.5, with_start=True)
@example(case=("Australia/Lord_Howe", 1, "15 2 * * *"), grace=60, share=0.5, with_start=False)
def test_a_job_that_runs_when_it_should_is_never_missed(
    case: tuple[str, int, str], grace: int, share: float, with_start: bool
):
    """It begins at each of its times, and is done before its grace and before its next time."""
    zone, which, text = case
    times = around(text, zone, CHANGES[zone][which])
    job = Job(times[0] - SECOND, schedule=text, timezone=zone, grace_seconds=grace)
    for due, following in pairwise(times):
        assert job.look(due) is None
        if with_start:
            job.ping(due, "start")
        done = due + min(timedelta(seconds=grace), following - due) * share
        assert job.look(done) is None
        job.ping(done, "0")
        assert job.look(done) is None


@settings(max_examples=100, deadline=None)
@given(case=cases, grace=st.integers(1, 3600), share=st.floats(0, 0.7), last=st.integers(0, 1000))
def test_a_job_that_stops_is_missed_after_its_next_time_and_grace(
    case: tuple[str, int, str], grace: int, share: float, last: int
):
    """Done long enough before its next time that it cannot be taken for the one after."""
    zone, which, text = case
    times = around(text, zone, CHANGES[zone][which])
    stops = last % (len(times) - 1)
    job = Job(times[0] - SECOND, schedule=text, timezone=zone, grace_seconds=grace)
    for due, following in pairwise(times[: stops + 2]):
        done = due + min(timedelta(seconds=grace), following - due) * share
        job.ping(due, "start")
        job.ping(done, "0")
    deadline = times[stops + 1] + timedelta(seconds=grace)
    assert job.look(deadline) is None
    assert job.look(deadline + SECOND) is not None
    assert job.now.status is DOWN


@pytest.mark.parametrize(("zone", "which", "text", "expected"), [
    ("Europe/Paris", 0, "30 2 * * *", "2026-03-29T01:00:00"),  # skipped: right after
    ("Europe/Paris", 1, "30 2 * * *", "2026-10-25T00:30:00"),  # there twice: once
    ("America/New_York", 0, "30 2 * * *", "2026-03-08T07:00:00"),
    ("America/New_York", 1, "30 1 * * *", "2026-11-01T05:30:00"),
    ("Australia/Lord_Howe", 1, "15 2 * * *", "2026-10-03T15:30:00"),
    ("America/Santiago", 1, "15 0 * * *", "2026-09-06T04:00:00"),
])  # fmt: skip
def test_a_time_that_is_skipped_or_there_twice_is_expected_once(zone: str, which: int, text: str, expected: str):
    change = utc(CHANGES[zone][which])
    times = [at.astimezone(UTC) for at in schedule.upcoming(text, zone, change - timedelta(hours=3), 2)]
    assert times[0] == utc(expected)
    assert times[1] - times[0] > timedelta(hours=20)
