"""Who is told of what, and when; what a message says. Pure."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.channels.models import QuietHours
from tocsin.channels.rules import after_quiet_hours
from tocsin.channels.template import fill, json_text
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
