"""Engines of other makes and ages: odd fields, odd times, lines in several messages."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tocsin.runtimes.docker.events import events_query, signal_name
from tocsin.runtimes.docker.inspect import read_details, read_time
from tocsin.runtimes.docker.logs import Demultiplexer

ASKED_AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LEAST: dict[str, Any] = {"Id": "c0ffee" * 10, "Name": "/web", "Created": "", "State": {}, "Config": {}}


def test_what_is_missing_has_a_sensible_value():
    found = read_details(LEAST, ASKED_AT)
    assert (found.name, found.image, found.status, found.restart_policy, found.labels) == ("web", "", "", "no", {})
    assert (found.started_at, found.finished_at, found.exit_code, found.health) == (None, None, None, None)
    assert (found.restart_count, found.oom_killed, found.tty, found.has_health_check) == (0, False, False, False)
    assert (found.inspected_at, found.created_at.year) == (ASKED_AT, 1970)


def test_a_container_without_a_name_goes_by_its_id():
    assert read_details({**LEAST, "Name": "/"}, ASKED_AT).name == "c0ffeec0ffee"


@pytest.mark.parametrize(
    ("status", "code"),
    [("exited", 3), ("dead", 3), ("restarting", 3), ("running", None), ("paused", None), ("created", None)],
)
def test_an_exit_code_is_one_only_after_an_end(status: str, code: int | None):
    assert read_details({**LEAST, "State": {"Status": status, "ExitCode": 3}}, ASKED_AT).exit_code == code


@pytest.mark.parametrize(
    ("health", "word"),
    [
        (None, None), ({}, None), ({"Status": "none"}, None), ({"Status": "healthy"}, "healthy"),
        ({"Status": "unhealthy"}, "unhealthy"), ({"Status": "starting"}, "starting"), ({"Status": "?"}, "starting"),
    ],
)  # fmt: skip
def test_words_for_health(health: Any, word: str | None):
    assert read_details({**LEAST, "State": {"Health": health}}, ASKED_AT).health == word


@pytest.mark.parametrize(
    ("test", "has"), [(None, False), ([], False), (["NONE"], False), (["CMD", "true"], True), (["CMD-SHELL"], True)]
)
def test_what_is_a_health_check(test: Any, has: bool):
    config = {"Healthcheck": {"Test": test}}
    assert read_details({**LEAST, "Config": config}, ASKED_AT).has_health_check is has


def test_unknown_fields_are_no_surprise():
    answer = {**LEAST, "Future": [1], "State": {"Status": "running", "Pid": 1, "Checkpointed": False}}
    assert read_details(answer, ASKED_AT).status == "running"


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("2026-03-04T09:15:00Z", 0),
        ("2026-03-04T09:15:00.1Z", 100_000),
        ("2026-03-04T09:15:00.123456789Z", 123_456),
        ("2026-03-04T10:15:00.000001+01:00", 1),
    ],
)
def test_times_with_any_number_of_digits(text: str, micros: int):
    assert read_time(text) == datetime(2026, 3, 4, 9, 15, 0, micros, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "0001-01-01T00:00:00Z", "2026-03-04", "2026-03-04T09:15:00", "now", "1772615700"])
def test_what_is_no_time_is_never(text: str):
    assert read_time(text) is None


@pytest.mark.parametrize(
    "text",
    ["2026-13-45T00:00:00Z", "2026-01-01T25:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"],
)
def test_an_impossible_time_is_never(text: str):
    assert read_time(text) is None


def test_events_are_asked_for_from_an_instant_on():
    assert "since" not in events_query(None)
    query = events_query(datetime(2026, 3, 4, 9, 15, 0, 7_999, tzinfo=UTC))
    assert query["since"] == "1772615700.007000000"
    assert '"die"' in query["filters"]


@pytest.mark.parametrize(
    ("text", "name"),
    [("3", "QUIT"), ("10", "USR1"), ("sigkill", "KILL"), ("SIGRTMIN+3", "RTMIN+3"), ("rtmin+3", "RTMIN+3"),
     ("99", "99"), ("", "")],
)  # fmt: skip
def test_signals_have_one_name_each(text: str, name: str):
    assert signal_name(text) == name


# --- long lines ------------------------------------------------------------------------------------------------------

STAMP = b"2026-03-04T09:15:00.123456789Z "


def frame(payload: bytes) -> bytes:
    return b"\1\0\0\0" + len(payload).to_bytes(4, "big") + payload


def texts(*chunks: bytes) -> list[str]:
    demultiplexer = Demultiplexer(tty=False)
    lines = [line for chunk in chunks for line in demultiplexer.feed(chunk)]
    return [line.text for line in [*lines, *demultiplexer.end()]]


def test_a_line_that_looks_like_a_timestamp_keeps_its_text():
    assert texts(frame(STAMP + STAMP + b"x\n")) == [STAMP.decode() + "x"]


def test_a_line_in_several_messages_has_no_timestamps_in_the_middle():
    pieces = [b"x" * 16_384, b"y" * 16_384, b"z\n"]
    assert "".join(texts(*(frame(STAMP + piece) for piece in pieces))) == "x" * 16_384 + "y" * 16_384 + "z"
