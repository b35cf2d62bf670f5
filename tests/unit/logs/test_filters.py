"""What a filter lets through, and what is no filter."""

from typing import Any

import pytest

from tocsin.core.errors import InvalidParam
from tocsin.logs.filters import LogFilter, read_filter
from tocsin.logs.models import Level, Marked
from tocsin.logs.places import decode_places, encode_places
from tocsin.logs.query import before, read_query, unix_of_stamp
from tocsin.logs.reader import Position
from tocsin.logs.request import read_request

LINE = Marked(
    "2026-03-04T09:00:00.1Z", 0, "stderr", "\x1b[31mGET\x1b[0m /Health 500 in 12 ms", False, Level.ERROR, False
)


def wanted(**values: str) -> LogFilter:
    return read_filter(values.get)


@pytest.mark.parametrize(
    ("values", "passes"),
    [
        ({}, True),
        ({"search": "get /health"}, True),  # whatever the case, colours apart
        ({"search": "/ready"}, False),
        ({"regex": r"\b5\d\d\b"}, True),
        ({"regex": r"^\d"}, False),
        ({"regex": "(?i)HEALTH"}, True),
        ({"exclude": "Health"}, False),
        ({"exclude": "Ready"}, True),
        ({"search": "health", "exclude": "500"}, False),
        ({"stream": "stderr"}, True),
        ({"stream": "stdout"}, False),
        ({"level": "error"}, True),
        ({"level": "warn, fatal"}, False),
        ({"search": "[31m"}, False),
    ],
)
def test_all_that_is_given_must_hold(values: dict[str, str], passes: bool):
    assert wanted(**values).matches(LINE) is passes
    assert wanted(**values).is_open is (not values)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"regex": "("}, "regex"),
        ({"regex": r"(a)\1"}, "regex"),  # RE2 has no back references
        ({"regex": "x{1001}"}, "regex"),
        ({"regex": "x" * 501}, "regex"),
        ({"exclude": "["}, "exclude"),
        ({"search": "x" * 501}, "search"),
        ({"stream": "both"}, "stream"),
        ({"level": "loud"}, "level"),
        ({"lines": "0"}, "lines"),
        ({"lines": "-1"}, "lines"),
        ({"lines": "ten"}, "lines"),
        ({"since": "yesterday"}, "since"),
        ({"until": "2026-13-01T00:00:00Z"}, "until"),
        ({"timestamps": "maybe"}, "timestamps"),
        ({"container": "../../x"}, "container"),
    ],
)
def test_what_cannot_be_understood_names_its_field(values: dict[str, str], field: str):
    with pytest.raises(InvalidParam) as caught:
        read_query(values.get)
    assert caught.value.field == field
    assert "\n" not in caught.value.message


def test_a_pattern_that_would_take_for_ever_elsewhere_is_quick():
    slow = wanted(regex="(a+)+$").matches
    assert slow(LINE._replace(text="a" * 60_000 + "b")) is False


def test_instants():
    assert unix_of_stamp("2026-03-04T09:00:00.12Z") == "1772614800.120000000"
    assert unix_of_stamp("2026-03-04T09:00:00Z") == "1772614800.000000000"
    assert unix_of_stamp("2026-02-30T09:00:00Z") is None
    assert before("2026-03-04T09:00:00.12Z", "2026-03-04T09:00:00.123Z")
    assert not before("2026-03-04T09:00:00.123Z", "2026-03-04T09:00:00.12Z")
    assert read_query({"since": "1772614800"}.get).since == "1772614800.000000000"
    assert read_query({"since": "2026-03-04T09:00:00.123456789Z"}.get).since == "1772614800.123456789"
    assert read_query({"lines": "9999"}.get).lines == 500


def test_places_are_read_as_they_were_written():
    places = {3: Position("2026-03-04T09:00:00.1Z", 2), 12: Position("2026-03-04T09:00:01Z", 0)}
    assert decode_places(encode_places(places), (3, 12)) == places
    assert decode_places("2026-03-04T09:00:00.1Z/2", (3,)) == {3: places[3]}
    assert decode_places("2026-03-04T09:00:00.1Z", (3,)) == {3: Position("2026-03-04T09:00:00.1Z", 0)}
    for junk in ("", "x", "3=", "3=2026-03-04T09:00:00.1Z/2;", "../..", "2026-02-30T09:00:00Z", "9" * 5000):
        with pytest.raises(InvalidParam):
            decode_places(junk, (3,))


def asked(path: str, query: str = "", **headers: str) -> Any:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return read_request({"path": f"/api/v1/containers/{path}", "query_string": query.encode(), "headers": given})


def test_which_containers_are_asked_for():
    assert (asked("3/logs/stream").ids, asked("3/logs/stream").is_single) == ((3,), True)
    assert asked("logs/stream", "ids=3,5,3").ids == (3, 5)
    assert asked("logs/stream", "group=shop").group == "shop"
    assert asked("3/logs/stream", last_event_id="2026-03-04T09:00:00.1Z/2").places[3].number == 2
    for path, query in (
        ("x/logs/stream", ""),
        ("0/logs/stream", ""),
        ("..%2f/logs/stream", ""),
        ("1/2/logs/stream", ""),
        ("logs/stream", ""),
        ("logs/stream", "ids=1,,2"),
        ("logs/stream", "ids=" + ",".join(map(str, range(1, 22)))),
    ):
        with pytest.raises(Exception, match=r"must be|Say which"):
            asked(path, query)
