"""What people may say about how an endpoint is checked: bounds, sentences, what is kept, what is shown."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from tocsin.core.errors import Invalid
from tocsin.core.secrets import MASK
from tocsin.endpoints.config import change, parse_statuses, set_option, view
from tocsin.endpoints.models import METHODS, RECORD_TYPES, Config
from tocsin.endpoints.objects import EndpointChange, EndpointOptions, NewEndpoint, Trial

EVERYTHING: dict[str, Any] = {
    "interval": "1m30s",
    "timeout": "2.5s",
    "failure_threshold": 4,
    "recovery_threshold": 5,
    "degraded_after": "250ms",
    "method": "POST",
    "expected_status": "200,3xx,401-403",
    "tls_verify": False,
    "headers": {"Authorization": "Bearer secret", "X-A": "1"},
    "body": '{"ping": true}',
    "max_redirects": 2,
    "body_contains": "fine",
    "body_not_contains": "error",
    "body_matches": "v[0-9]+",
    "json_path": "$.status",
    "json_equals": "ok",
    "header_name": "X-Up",
    "header_contains": "yes",
    "certificate_days": 14,
    "send": "PING\\r\\n",
    "expect": "PONG",
    "record_type": "MX",
    "record_contains": "mail.",
    "resolver": "10.0.0.2:5353",
}
BOUNDS: list[tuple[str, list[Any], list[Any]]] = [
    ("interval", ["5s", "24h", "1h30m", " 30s "], ["4.999s", "24h0m1s", "0s", "-30s", "30", "1d", "x", "5 s"]),
    ("timeout", ["1s", "30s", "1.5s"], ["999ms", "1m0.001s", "0", "x"]),
    ("failure_threshold", [1, 100], [0, 101, -1]),
    ("recovery_threshold", [1, 100], [0, 101]),
    ("degraded_after", ["1ms", "60s"], ["0s", "61s", "fast", " "]),
    ("method", [*METHODS, *map(str.lower, METHODS), " get "], ["TRACE", "CONNECT", "GETS", "G ET"]),
    ("expected_status", ["200", "2xx", "1XX,599", "100-599", "200,"], ["99", "600", "6xx", "2x", "404-400", ",", "ok"]),
    ("max_redirects", [0, 10], [-1, 11]),
    ("body", ["x" * 4096, ""], ["x" * 4097, "a\x00b"]),
    ("body_contains", ["x" * 4096], ["x" * 4097, "a\x00b"]),
    ("body_not_contains", ["x" * 4096], ["x" * 4097]),
    ("body_matches", ["^ok$", "(?i)fine"], ["(", "x" * 501, "(?=a)", "a\\1"]),
    ("json_path", ["$", "$.a[0]", "$..b", "$.a[?@.b == 1]"], ["a", "$.", "$[", "x" * 501, "$.a[?match(@.b, 'c')]"]),
    ("header_name", ["X-Up", "x" * 100], ["X Up", "x" * 101, "ü", "a:b", "a\n"]),
    ("certificate_days", [0, 365], [-1, 366]),
    ("send", ["x" * 4096], ["x" * 4097]),
    ("expect", ["x" * 4096], ["x" * 4097]),
    ("record_type", [*RECORD_TYPES, "aaaa"], ["ANY", "AXFR", "B"]),
    ("record_contains", ["x" * 4096], ["x" * 4097]),
    ("resolver", ["1.1.1.1", "fd00::1", "[fd00::1]:5353", "ns.test:53"], ["ns:0", "a b", "ns:dns", "[x]"]),
]
GOOD = [(name, value) for name, allowed, _ in BOUNDS for value in allowed]
BAD = [(name, value) for name, _, refused in BOUNDS for value in refused]


def short(value: Any) -> str:
    return repr(value)[:20]


def options(**given: Any) -> EndpointOptions:
    return EndpointOptions(**given)


# --- bounds ----------------------------------------------------------------------------------------------------------


def test_every_option_is_tried_here():
    names = {field.name for field in msgspec.structs.fields(EndpointOptions)}
    assert names == set(EVERYTHING)
    assert names == {name for name, _, _ in BOUNDS} | {"headers", "tls_verify", "json_equals", "header_contains"}


@pytest.mark.parametrize(("name", "value"), GOOD, ids=short)
def test_what_is_within_bounds_is_taken(name: str, value: Any):
    assert isinstance(set_option(Config(), name, value), Config)


@pytest.mark.parametrize(("name", "value"), BAD, ids=short)
def test_what_is_out_of_bounds_is_refused_in_one_sentence_that_names_the_field(name: str, value: Any):
    with pytest.raises(Invalid) as refused:
        set_option(Config(), name, value)
    assert refused.value.field == name
    assert name in refused.value.message
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("given_options", "field"),
    [
        ({"interval": "5s"}, "timeout"),  # the default timeout is ten seconds
        ({"timeout": "31s"}, "timeout"),
        ({"interval": "20s", "timeout": "20.001s"}, "timeout"),
        ({"json_equals": "ok"}, "json_path"),
        ({"header_contains": "ok"}, "header_name"),
    ],
)
def test_what_does_not_go_together_is_refused(given_options: dict[str, Any], field: str):
    with pytest.raises(Invalid) as refused:
        change(Config(), options(**given_options))
    assert refused.value.field == field


def test_a_timeout_may_be_as_long_as_the_interval():
    after = change(Config(), options(interval="20s", timeout="20s"))
    assert (after.interval_seconds, after.timeout_seconds) == (20, 20)


# --- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"": "x"},
        {"X A": "x"},
        {"X-A:": "x"},
        {"X-Ä": "x"},
        {"x" * 101: "x"},
        {"X-A\n": "x"},
        {"X-A": "a\r\nX-Evil: 1"},
        {"X-A": "a\x00"},
        {"X-A": "a\x7f"},
        {"X-A": "x" * 4097},
        {f"X-{number}": "x" for number in range(33)},
        {"X-New": MASK},
    ],
    ids=short,
)
def test_headers_that_cannot_be_sent_are_refused(headers: dict[str, str]):
    with pytest.raises(Invalid) as refused:
        change(Config(headers={"X-Old": "1"}), options(headers=headers))
    assert refused.value.field == "headers"
    assert "Evil" not in refused.value.message


def test_thirty_two_headers_are_taken():
    headers = {f"X-{number}": "x" * 4096 for number in range(32)}
    assert change(Config(), options(headers=headers)).headers == headers


def test_headers_are_replaced_as_a_whole_and_masked_values_stay():
    before = Config(headers={"Authorization": "secret", "X-A": "1", "X-B": "2"})
    after = change(before, options(headers={"Authorization": MASK, "X-B": "3"}))
    assert after.headers == {"Authorization": "secret", "X-B": "3"}


def test_headers_that_are_not_mentioned_stay_and_an_empty_map_removes_them():
    before = Config(headers={"Authorization": "secret"})
    assert change(before, options(interval="1m")).headers == before.headers
    assert change(before, options(headers={})).headers == {}


# --- round trip ------------------------------------------------------------------------------------------------------


def test_every_field_comes_back_as_it_was_given():
    """Shown, and given again as it was shown, it is the same."""
    config = change(Config(), options(**EVERYTHING))
    shown = msgspec.to_builtins(view(config))
    assert shown == {**EVERYTHING, "headers": {"Authorization": MASK, "X-A": MASK}}
    assert change(config, options(**shown)) == config
    assert msgspec.json.decode(msgspec.json.encode(config), type=Config) == config


def test_every_default_comes_back_as_it_was_shown():
    shown = msgspec.to_builtins(view(Config()))
    assert shown == {
        **dict.fromkeys(EVERYTHING),
        "interval": "30s",
        "timeout": "10s",
        "failure_threshold": 3,
        "recovery_threshold": 2,
        "method": "GET",
        "expected_status": "2xx",
        "tls_verify": True,
        "headers": {},
        "max_redirects": 5,
        "record_type": "A",
    }
    assert change(Config(), options(**shown)) == Config()


@pytest.mark.parametrize("name", EVERYTHING)
def test_changing_one_field_leaves_all_others(name: str):
    before = change(Config(), options(**EVERYTHING))
    other: dict[str, Any] = {"interval": "2m0s", "timeout": "3s", "failure_threshold": 9, "recovery_threshold": 9}
    other |= {"degraded_after": "1s", "method": "PUT", "expected_status": "204", "tls_verify": True}
    other |= {"headers": {"X-C": "3"}, "max_redirects": 9, "json_path": "$.b", "header_name": "X-Z"}
    other |= {"certificate_days": 1, "record_type": "TXT", "resolver": "9.9.9.9"}
    value = other.get(name, "something else")

    after = change(before, options(**{name: value}))

    was, shown = msgspec.to_builtins(view(before)), msgspec.to_builtins(view(after))
    differing = {key for key in shown if shown[key] != was[key]}
    assert differing == {name}
    if name != "headers":
        assert shown[name] == value


KEEPS = ("interval", "timeout", "method", "expected_status", "record_type")
CLEARED = sorted(
    name
    for name in EVERYTHING
    if name not in {*KEEPS, "failure_threshold", "recovery_threshold", "tls_verify", "headers", "max_redirects"}
)


@pytest.mark.parametrize("name", KEEPS)
@pytest.mark.parametrize("empty", ["", "  "])
def test_empty_text_keeps_what_cannot_be_without(name: str, empty: str):
    before = change(Config(), options(**EVERYTHING))
    assert change(before, options(**{name: empty})) == before


@pytest.mark.parametrize("name", KEEPS)
def test_empty_text_alone_is_no_value(name: str):
    with pytest.raises(Invalid):
        set_option(Config(), name, "")


@pytest.mark.parametrize(
    ("name", "empty"), [(name, None) for name in CLEARED] + [(n, "") for n in CLEARED if n != "certificate_days"]
)
def test_null_and_empty_text_clear_what_may_be_without(name: str, empty: str | None):
    also = {"json_path": {"json_equals": None}, "header_name": {"header_contains": None}}.get(name, {})
    before = change(Config(), options(**EVERYTHING))
    after = change(before, options(**{name: empty, **also}))
    assert msgspec.to_builtins(view(after))[name] is None


def test_what_others_need_cannot_be_cleared_alone():
    before = change(Config(), options(**EVERYTHING))
    for name in ("json_path", "header_name"):
        with pytest.raises(Invalid) as refused:
            change(before, options(**{name: None}))
        assert refused.value.field == name


def test_bodies_have_every_option_and_nothing_set_by_themselves():
    for kind in (NewEndpoint, EndpointChange, Trial):
        fields = {field.name: field.default for field in msgspec.structs.fields(kind)}
        assert {fields[name] for name in EVERYTHING} == {UNSET}


# --- statuses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("200", {200}),
        ("2xx", set(range(200, 300))),
        ("5XX", set(range(500, 600))),
        ("200, 301 ,404", {200, 301, 404}),
        ("200-202,204", {200, 201, 202, 204}),
        ("200-200", {200}),
        ("2xx,204", set(range(200, 300))),
        (",200,,", {200}),
    ],
)
def test_a_list_of_statuses(text: str, codes: set[int]):
    assert parse_statuses(text) == codes


item = st.one_of(
    st.integers(100, 599).map(lambda code: (str(code), {code})),
    st.integers(1, 5).map(lambda digit: (f"{digit}xx", set(range(digit * 100, digit * 100 + 100)))),
    st.tuples(st.integers(100, 599), st.integers(100, 599))
    .map(sorted)
    .map(lambda ends: (f"{ends[0]}-{ends[1]}", set(range(ends[0], ends[1] + 1)))),
)


@given(st.lists(item, min_size=1, max_size=8))
def test_a_list_means_the_union_of_its_items(items: list[tuple[str, set[int]]]):
    wanted = set().union(*(codes for _, codes in items))
    assert parse_statuses(",".join(text for text, _ in items)) == wanted
    shown = view(change(Config(), options(expected_status=" , ".join(text.upper() for text, _ in items))))
    assert parse_statuses(shown.expected_status) == wanted
