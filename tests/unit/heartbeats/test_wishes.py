"""What people may ask for: names, slugs, tags, numbers, schedules, words; alone and together."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.beats import Job, beat
from tocsin.core.errors import Invalid
from tocsin.heartbeats import wishes
from tocsin.heartbeats.models import Heartbeat, Rules
from tocsin.heartbeats.objects import HeartbeatChange, NewHeartbeat
from tocsin.heartbeats.wishes import SLUG

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def new(**wanted: Any) -> Rules:
    return wishes.new(NewHeartbeat(name="backup", **wanted), NOW)


def changed(before: Heartbeat | None = None, **wanted: Any) -> Heartbeat:
    return wishes.changed(before or beat(), HeartbeatChange(**wanted), NOW)


def refused(kind: Any, **wanted: Any) -> str | None:
    with pytest.raises(Invalid) as caught:
        kind(**wanted)
    assert caught.value.code == "invalid_input"
    assert len(str(caught.value)) < 160
    return caught.value.field


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wanted", "name"), [
    ("backup", "backup"), ("  nightly backup \t", "nightly backup"), ("Sauvegarde à 2 h", "Sauvegarde à 2 h"),
    ("x" * 255, "x" * 255), ("é" * 255, "é" * 255), ("🎉", "🎉"),
])  # fmt: skip
def test_a_name_is_trimmed(wanted: str, name: str):
    assert wishes.name_of(wanted) == name
    assert changed(name=wanted).name == name


@pytest.mark.parametrize("wanted", ["", "   ", "x" * 256, "a\nb", "a\0b", "a\x1b[31m", "a\u202eb", "\ud800"])
def test_a_name_is_1_to_255_printable_characters(wanted: str):
    assert refused(lambda name: wishes.name_of(name), name=wanted) == "name"
    assert refused(changed, name=wanted) == "name"


@pytest.mark.parametrize(("name", "slug"), [
    ("backup", "backup"), ("Nightly backup", "nightly-backup"), ("Sauvegarde à 2 h!", "sauvegarde-a-2-h"),
    ("a__b", "a__b"), ("--a--", "a"), ("日本", "heartbeat"), ("🎉", "heartbeat"), ("x" * 255, "x" * 80),
    ("a/b\\c", "a-b-c"), ("ﬁle", "file"),
])  # fmt: skip
def test_a_slug_follows_from_the_name(name: str, slug: str):
    assert wishes.slug_for(name) == slug


@given(st.text(min_size=1, max_size=255))
def test_whatever_the_name_the_slug_is_one(name: str):
    slug = wishes.slug_for(name)
    assert SLUG.fullmatch(slug)
    assert wishes.slug_of(slug) == slug


@pytest.mark.parametrize("slug", ["a", "0", "a-b", "a_b", "a" * 100])
def test_a_given_slug_is_taken_as_it_is(slug: str):
    assert wishes.slug_of(slug) == slug
    assert changed(slug=slug).slug == slug


@pytest.mark.parametrize("slug", ["", "A", "-a", "a-", "_", "a b", "a/b", "é", "a\n", "a" * 101, "a.b"])
def test_a_given_slug_must_be_one(slug: str):
    assert refused(lambda slug: wishes.slug_of(slug), slug=slug) == "slug"
    assert refused(changed, slug=slug) == "slug"


@pytest.mark.parametrize(("wanted", "tags"), [
    ([], ()), (["a", " b "], ("a", "b")), (["b", "a", "b"], ("b", "a")), (["x" * 50], ("x" * 50,)),
    ([str(number) for number in range(20)], tuple(str(number) for number in range(20))),
])  # fmt: skip
def test_tags_are_trimmed_and_distinct(wanted: list[str], tags: tuple[str, ...]):
    assert wishes.tags_of(wanted) == tags


@pytest.mark.parametrize("wanted", [[""], [" "], ["x" * 51], ["a\nb"], [str(number) for number in range(21)]])
def test_tags_are_few_and_short(wanted: list[str]):
    assert refused(lambda tags: wishes.tags_of(tags), tags=wanted) == "tags"


# --- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("interval", "grace"), [(60, 0), (60, 60), (604_800, 604_800), (300, 300)])
def test_grace_is_up_to_the_interval(interval: int, grace: int):
    mine = new(interval_seconds=interval, grace_seconds=grace)
    assert (mine.interval_seconds, mine.grace_seconds, mine.schedule) == (interval, grace, None)


@pytest.mark.parametrize(("wanted", "field"), [
    ({}, "interval_seconds"),
    ({"interval_seconds": 59}, "interval_seconds"),
    ({"interval_seconds": 604_801}, "interval_seconds"),
    ({"interval_seconds": 0}, "interval_seconds"),
    ({"interval_seconds": -60}, "interval_seconds"),
    ({"interval_seconds": 60, "grace_seconds": 61}, "grace_seconds"),
    ({"interval_seconds": 60, "grace_seconds": -1}, "grace_seconds"),
    ({"interval_seconds": 60, "max_duration_seconds": 0}, "max_duration_seconds"),
    ({"interval_seconds": 60, "max_duration_seconds": 604_801}, "max_duration_seconds"),
    ({"interval_seconds": 60, "expected_pings": 0}, "expected_pings"),
    ({"interval_seconds": 60, "expected_pings": 1001}, "expected_pings"),
    ({"interval_seconds": 60, "timezone": "Mars/Olympus"}, "timezone"),
    ({"schedule": ""}, "schedule"),
    ({"schedule": "61 * * * *"}, "schedule"),
    ({"schedule": "2020-01-01"}, "schedule"),
    ({"schedule": "@daily", "timezone": ""}, "timezone"),
    ({"schedule": "@daily", "grace_seconds": -1}, "grace_seconds"),
    ({"schedule": "@daily", "grace_seconds": 604_801}, "grace_seconds"),
    *(({"interval_seconds": 60, f"{kind}_keywords": words}, f"{kind}_keywords")
      for kind in ("start", "success", "failure")
      for words in ([""], [" "], ["x" * 201], [str(number) for number in range(21)])),
])  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_field(wanted: dict[str, Any], field: str):
    assert refused(new, **wanted) == field
    if wanted:
        assert refused(changed, **wanted) == field


@pytest.mark.parametrize(("wanted", "interval"), [
    ({"schedule": "@daily"}, 86_400),
    ({"schedule": " */5 * * * * "}, 300),
    ({"schedule": "*:*:0/10"}, 60),
    ({"schedule": "@yearly"}, 31_536_000),
    ({"schedule": "@daily", "interval_seconds": 300}, 86_400),
    ({"schedule": "@daily", "interval_seconds": -5}, 86_400),
])  # fmt: skip
def test_with_a_schedule_the_interval_is_about_its_own(wanted: dict[str, Any], interval: int):
    mine = new(**wanted)
    assert (mine.interval_seconds, mine.schedule) == (interval, wanted["schedule"].strip())
    assert changed(**wanted).rules.interval_seconds == interval


def test_words_are_trimmed_and_distinct():
    assert new(interval_seconds=60, failure_keywords=[" error ", "ERROR", "error"]).failure_keywords == (
        "error",
        "ERROR",
    )


# --- changes ---------------------------------------------------------------------------------------------------------


def test_what_is_left_out_or_null_stays():
    before = beat()
    assert changed(before) == before
    nothing = dict.fromkeys(
        ["name", "interval_seconds", "grace_seconds", "timezone", "slug", "tags", "expected_pings", "post_only",
         "start_keywords", "success_keywords", "failure_keywords"]
    )  # fmt: skip
    assert changed(before, **nothing) == before


@pytest.mark.parametrize(("wanted", "field"), [
    ({"interval_seconds": 59}, "interval_seconds"),
    ({"grace_seconds": 301}, "grace_seconds"),
    ({"interval_seconds": 600, "grace_seconds": 601}, "grace_seconds"),
])  # fmt: skip
def test_a_change_has_to_fit_what_stays(wanted: dict[str, Any], field: str):
    assert refused(changed, **wanted) == field


def test_an_interval_shorter_than_the_grace_that_stays_is_refused():
    assert refused(changed, before=beat(grace_seconds=300), interval_seconds=60) == "grace_seconds"
    assert changed(beat(grace_seconds=300), interval_seconds=60, grace_seconds=60).rules.grace_seconds == 60


def test_a_schedule_can_come_and_go():
    daily = changed(schedule="@daily", timezone="Europe/Paris")
    assert (daily.rules.schedule, daily.rules.timezone, daily.rules.interval_seconds) == (
        "@daily",
        "Europe/Paris",
        86_400,
    )
    assert changed(daily, grace_seconds=3600).rules.interval_seconds == 86_400
    assert changed(daily, interval_seconds=300).rules.interval_seconds == 86_400
    back = changed(daily, schedule=None)
    assert (back.rules.schedule, back.rules.interval_seconds) == (None, 86_400)
    assert changed(daily, schedule=None, interval_seconds=300).rules.interval_seconds == 300


def test_what_runs_too_seldom_for_an_interval_needs_one_when_its_schedule_goes():
    yearly = changed(schedule="@yearly")
    assert refused(changed, before=yearly, schedule=None) == "interval_seconds"


def test_a_schedule_that_is_over_keeps_nobody_from_another_name():
    """It was due once, and the heartbeat can still be renamed, silenced with tags, or given another schedule."""
    over = beat(schedule="2026-03-01", grace_seconds=60)
    assert changed(over, name="other").name == "other"
    assert changed(over, schedule="@daily").rules.schedule == "@daily"
    assert refused(changed, before=over, schedule="2026-03-02") == "schedule"


def test_the_longest_run_can_be_ended():
    mine = beat(max_duration_seconds=60)
    assert changed(mine).rules.max_duration_seconds == 60
    assert changed(mine, max_duration_seconds=None).rules.max_duration_seconds is None


def test_a_change_does_not_touch_how_it_stands():
    job = Job()
    job.ping(10, "start")
    after = changed(job.beat, interval_seconds=600)
    assert (after.standing, after.uuid, after.created_at) == (job.now, job.beat.uuid, job.beat.created_at)
