"""Who is told of what, and when; what a message says. Pure."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tocsin.channels.models import Channel, ChannelType, Notice, QuietHours, Rule
from tocsin.channels.rules import after_quiet_hours, chosen, due_again, unknown_names
from tocsin.channels.template import fill, json_text
from tocsin.channels.views import test_notice as sample_notice
from tocsin.containers.models import Severity
from tocsin.core.retries import GIVE_UP_AFTER, next_attempt

NIGHT = QuietHours(start="22:00", end="07:00", timezone="Europe/Paris")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "leaves"),
    [
        ("2026-01-10T20:59:00", "2026-01-10T20:59:00"),  # 21:59 in Paris
        ("2026-01-10T21:00:00", "2026-01-11T06:00:00"),
        ("2026-01-11T02:00:00", "2026-01-11T06:00:00"),
        ("2026-01-11T06:00:00", "2026-01-11T06:00:00"),
        ("2026-07-10T20:30:00", "2026-07-11T05:00:00"),  # summer time
        ("2026-03-28T23:00:00", "2026-03-29T05:00:00"),  # the night that the clocks change
    ],
)
def test_quiet_hours_follow_the_clock_on_the_wall(moment: str, leaves: str):
    assert after_quiet_hours(NIGHT, Severity.WARNING, at(moment)) == at(leaves)
    assert after_quiet_hours(NIGHT, Severity.CRITICAL, at(moment)) == at(moment)


def test_quiet_hours_within_one_day():
    noon = QuietHours(start="12:00", end="13:00", critical_passes=False)
    assert after_quiet_hours(noon, Severity.CRITICAL, at("2026-01-10T12:30:00")) == at("2026-01-10T13:00:00")
    assert after_quiet_hours(noon, Severity.INFO, at("2026-01-10T13:30:00")) == at("2026-01-10T13:30:00")


@pytest.mark.parametrize(
    ("was_due", "leaves"),
    [
        ("2026-01-10T12:00:20", "2026-01-10T12:00:20"),  # soon anyway
        ("2026-01-11T06:00:00", "2026-01-10T12:00:02"),  # only quiet hours can have been the reason
    ],
)
@pytest.mark.parametrize("quiet", [None, NIGHT])
def test_what_waited_for_quiet_hours_that_changed(quiet: QuietHours | None, was_due: str, leaves: str):
    now = at("2026-01-10T12:00:00")
    channel, notice = told(quiet)
    assert due_again(channel, notice, at(was_due), now) == at(leaves)
    assert due_again(channel, notice._replace(escalation=True), at(was_due), now) == min(
        at(was_due), at("2026-01-10T12:20:00")
    )


@pytest.mark.parametrize(
    ("label", "names", "unknown"),
    [
        (None, ["ops", "phone"], []),
        ("Phone", ["phone"], []),
        ("phone, fax", ["phone"], ["fax"]),
        ("fax", ["ops", "phone"], ["fax"]),
        ("off", [], []),
        ("off,phone", ["phone"], []),
    ],
)
def test_a_label_names_who_is_told(label: str | None, names: list[str], unknown: list[str]):
    blank, notice = told(None)
    alert = replace(notice.alert, channels=label)
    channels = [
        replace(blank, id=number, name=name, rules=(), enabled=name != "off")
        for number, name in enumerate(("ops", "phone", "off"), start=1)
    ]
    assert [one.channel.name for one in chosen(channels, alert)] == names
    assert unknown_names(channels, alert) == unknown


def told(quiet: QuietHours | None) -> tuple[Channel, Notice]:
    """A channel that is told after half an hour, and an alert of ten minutes ago."""
    now = at("2026-01-10T11:50:00")
    rule = Rule(id=1, channel_id=1, after_minutes=30, created_at=now)
    channel = Channel(
        id=1,
        name="c",
        type=ChannelType.NTFY,
        url="",
        enabled=True,
        quiet_hours=quiet,
        rules=(rule,),
        created_at=now,
        updated_at=now,
    )
    notice = sample_notice(channel, SimpleNamespace(now=lambda: now))  # type: ignore[arg-type]
    return channel, notice._replace(alert=replace(notice.alert, severity=Severity.WARNING))


@pytest.mark.parametrize(
    "broken",
    [
        QuietHours(start="00:00", end="23:59", timezone="Mars/Olympus"),
        QuietHours(start="00:00", end="23:59", timezone="../etc/passwd"),
        QuietHours(start="00:00\n", end="23:59"),
    ],
)
def test_quiet_hours_that_cannot_be_read_keep_nobody_waiting(broken: QuietHours):
    noon = at("2026-01-10T12:30:00")
    assert after_quiet_hours(broken, Severity.WARNING, noon) == noon


def test_the_schedule_of_retries():
    begun = at("2026-01-10T12:00:00")
    waits = [next_attempt(n, begun, begun, None, 0.5) for n in range(1, 8)]
    assert [int((wait - begun).total_seconds()) for wait in waits if wait] == [5, 30, 120, 600, 1800, 1800, 1800]
    assert next_attempt(9, begun, begun + GIVE_UP_AFTER, None, 0.5) is None
    assert next_attempt(1, begun, begun, 300.0, 0.5) == begun + timedelta(seconds=300)


@given(st.text())
def test_a_value_never_breaks_out_of_its_json(value: str):
    import json

    body = fill('{"a": "{{entity}}", "b": 1}', {"entity": value}, json_text)
    assert json.loads(body) == {"a": value, "b": 1}


def test_what_a_value_holds_is_not_filled_in_again():
    assert fill("{{entity}} {{ message }}", {"entity": "{{message}}", "message": "m"}) == "{{message}} m"
