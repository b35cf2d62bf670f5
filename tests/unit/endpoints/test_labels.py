"""Endpoints that labels ask for: every label, with and without a number; what cannot be used is told."""

from typing import Any

import pytest

from tocsin.containers.labels import read_traits
from tocsin.endpoints.labels import Declared, read_labels
from tocsin.endpoints.models import METHODS, RECORD_TYPES, Config, EndpointType

URL = "http://web:8080/health"
OPTIONS = [
    ("interval", "15s", {"interval_seconds": 15.0}),
    ("interval", "1m30s", {"interval_seconds": 90.0}),
    ("timeout", "2s", {"timeout_seconds": 2.0}),
    ("failure-threshold", "7", {"failure_threshold": 7}),
    ("recovery-threshold", "4", {"recovery_threshold": 4}),
    ("degraded-after", "250ms", {"degraded_after_ms": 250}),
    *[("http.method", method.lower(), {"method": method}) for method in METHODS],
    ("http.expected-status", "200,3XX, 404", {"expected_status": "200,3xx,404"}),
    ("http.expected-status", "400-404", {"expected_status": "400-404"}),
    *[("http.tls-verify", word, {"tls_verify": True}) for word in ("true", "1", "YES")],
    *[("http.tls-verify", word, {"tls_verify": False}) for word in ("False", "0", "no")],
    ("http.headers", '{"X-A": "1", "X-B": "a,b=c"}', {"headers": {"X-A": "1", "X-B": "a,b=c"}}),
    ("http.headers", "X-A=1, X-B = two=2", {"headers": {"X-A": "1", "X-B": "two=2"}}),
    ("http.body", '{"ping": true}', {"body": '{"ping": true}'}),
    ("http.max-redirects", "0", {"max_redirects": 0}),
    ("http.body-contains", "fine", {"body_contains": "fine"}),
    ("http.body-not-contains", "error", {"body_not_contains": "error"}),
    ("http.body-matches", "v[0-9]+", {"body_matches": "v[0-9]+"}),
    ("http.json-path", "$.status", {"json_path": "$.status"}),
    ("http.header-name", "X-Up", {"header_name": "X-Up"}),
    ("http.certificate-days", "14", {"certificate_days": 14}),
    ("tcp.send", "PING\\r\\n", {"send": "PING\\r\\n"}),
    ("tcp.expect", "PONG", {"expect": "PONG"}),
    *[("dns.record-type", kind.lower(), {"record_type": kind}) for kind in RECORD_TYPES],
    ("dns.contains", "10.0.0.", {"record_contains": "10.0.0."}),
    ("dns.resolver", "10.0.0.2:5353", {"resolver": "10.0.0.2:5353"}),
]
BAD = [
    *[("interval", value) for value in ("", "0s", "-5s", "4s", "25h", "30", "5 s", "1d", "often")],
    *[("timeout", value) for value in ("", "0s", "999ms", "61s", "10")],
    *[("failure-threshold", value) for value in ("0", "101", "-1", "1.5", "three", "", "٣")],
    *[("recovery-threshold", value) for value in ("0", "101", "many")],
    *[("degraded-after", value) for value in ("0s", "61s", "slow")],
    ("http.method", "TRACE"),
    ("http.method", "GET POST"),
    *[("http.expected-status", value) for value in ("ok", "99", "600", "6xx", "404-400")],
    *[("http.tls-verify", value) for value in ("maybe", "", "2")],
    *[("http.headers", value) for value in ("nothing", "{not json", '{"X-A": 1}', "bad name=1", '{"X-A": "a\\nb"}')],
    *[("http.max-redirects", value) for value in ("11", "-1", "few")],
    ("http.body-matches", "(unclosed"),
    ("http.json-path", "status"),
    ("http.header-name", "X Up"),
    *[("http.certificate-days", value) for value in ("366", "-1", "soon")],
    ("dns.record-type", "ANY"),
    ("dns.resolver", "name:port"),
]


def declared(labels: dict[str, str]) -> dict[str, Declared]:
    """Return the endpoints by key; there must be no problem."""
    reading = read_labels(labels.items())
    assert reading.problems == []
    return {one.label_key: one for one in reading.endpoints}


def problems(labels: dict[str, str]) -> list[str]:
    return [problem.label_key for problem in read_labels(labels.items()).problems]


# --- targets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["", "0.", "7.", "9999."])
@pytest.mark.parametrize(
    ("word", "value", "endpoint_type"),
    [
        ("http", URL, EndpointType.HTTP),
        ("http", "  https://web/  ", EndpointType.HTTP),
        ("tcp", "db:5432", EndpointType.TCP),
        ("tcp", "[fd00::5]:5432", EndpointType.TCP),
        ("dns", "web.test", EndpointType.DNS),
        ("icmp", "router.lan", EndpointType.ICMP),
    ],
)
def test_a_target_with_nothing_else_has_the_defaults(number: str, word: str, value: str, endpoint_type: EndpointType):
    key = f"endpoint.{number}{word}"
    assert declared({key: value}) == {key: Declared(key, endpoint_type, value.strip(), Config())}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("http", "web:8080"),
        ("http", "/health"),
        ("http", "ftp://web/"),
        ("http", "http://"),
        ("http", "http://user:secret@web/"),
        ("http", "http://web:99999/"),
        ("http", ""),
        ("tcp", "db"),
        ("tcp", ":5432"),
        ("tcp", "db:0"),
        ("tcp", "db:65536"),
        ("tcp", "db:http"),
        ("tcp", "fd00::5:5432"),
        ("dns", "not a name"),
        ("icmp", "http://web/"),
    ],
)
def test_a_target_that_cannot_be_checked_is_told_and_the_others_stay(word: str, value: str):
    reading = read_labels({"endpoint.1.http": URL, f"endpoint.2.{word}": value}.items())
    assert [one.label_key for one in reading.endpoints] == ["endpoint.1.http"]
    assert [problem.label_key for problem in reading.problems] == [f"endpoint.2.{word}"]
    assert reading.problems[0].error
    assert "secret" not in reading.problems[0].error


@pytest.mark.parametrize(
    "labels",
    [
        {"endpoint.http": URL, "endpoint.tcp": "db:1"},
        {"endpoint.1.http": URL, "endpoint.1.tcp": "db:1"},
        {"endpoint.http": URL, "endpoint.0.http": URL},
        {"endpoint.1.http": URL, "endpoint.01.http": URL},
    ],
)
def test_two_targets_with_one_number_are_both_watched(labels: dict[str, str]):
    assert set(declared(labels)) == set(labels)


def test_words_nobody_knows_are_no_problem():
    assert declared(
        {"endpoint.1.http": URL, "endpoint.1.colour": "red", "endpoint.grpc": "x", "group": "lab"}
    ).keys() == {"endpoint.1.http"}
    assert declared({"endpoint.http.typo": URL, "endpoint.x.http": URL, "endpoint.12345.http": URL}) == {}


def test_options_without_a_target_ask_for_nothing():
    assert read_labels({"endpoint.interval": "never", "endpoint.3.timeout": "1s"}.items()) == ([], [])


def test_there_are_at_most_fifty():
    labels = {f"endpoint.{number}.http": URL for number in range(60)}
    assert len(read_labels(labels.items()).endpoints) == 50


# --- options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "value", "expected"), OPTIONS)
def test_an_option_without_a_number_holds_for_all(word: str, value: str, expected: dict[str, Any]):
    labels = {"endpoint.http": URL, "endpoint.3.tcp": "db:1", f"endpoint.{word}": f" {value} "}
    assert [one.config for one in declared(labels).values()] == [Config(**expected)] * 2


@pytest.mark.parametrize(("word", "value", "expected"), OPTIONS)
def test_an_option_with_a_number_holds_for_that_one_only(word: str, value: str, expected: dict[str, Any]):
    labels = {"endpoint.http": URL, "endpoint.2.http": URL, "endpoint.3.http": URL, f"endpoint.3.{word}": value}
    found = declared(labels)
    assert found["endpoint.3.http"].config == Config(**expected)
    assert found["endpoint.2.http"].config == found["endpoint.http"].config == Config()


def test_an_option_with_a_number_wins_over_one_without_and_that_over_the_default():
    labels = {
        "endpoint.1.http": URL,
        "endpoint.2.http": URL,
        "endpoint.interval": "1m",
        "endpoint.failure-threshold": "5",
        "endpoint.2.interval": "2m",
    }
    found = declared(labels)
    assert found["endpoint.1.http"].config == Config(interval_seconds=60, failure_threshold=5)
    assert found["endpoint.2.http"].config == Config(interval_seconds=120, failure_threshold=5)


def test_an_option_for_number_nought_is_not_one_for_the_endpoint_without_a_number():
    found = declared({"endpoint.http": URL, "endpoint.0.tcp": "db:1", "endpoint.0.failure-threshold": "9"})
    assert found["endpoint.http"].config.failure_threshold == 3
    assert found["endpoint.0.tcp"].config.failure_threshold == 9


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"interval": "5s"}, 5),  # the default timeout of ten seconds is too long for it
        ({"interval": "20s", "timeout": "45s"}, 20),
        ({"interval": "45s", "timeout": "30s"}, 30),
    ],
)
def test_a_timeout_is_lowered_to_the_interval(labels: dict[str, str], expected: float):
    found = declared({"endpoint.http": URL, **{f"endpoint.{word}": value for word, value in labels.items()}})
    assert found["endpoint.http"].config.timeout_seconds == expected


def test_a_number_of_its_own_interval_lowers_the_timeout_that_holds_for_all():
    found = declared(
        {"endpoint.1.http": URL, "endpoint.2.http": URL, "endpoint.timeout": "30s", "endpoint.2.interval": "10s"}
    )
    assert [one.config.timeout_seconds for one in found.values()] == [30, 10]


@pytest.mark.parametrize("prefix", ["endpoint", "endpoint.4"])
@pytest.mark.parametrize(("word", "value"), BAD)
def test_an_option_that_cannot_be_used_is_told_and_the_default_kept(prefix: str, word: str, value: str):
    reading = read_labels({"endpoint.4.http": URL, f"{prefix}.{word}": value}.items())
    assert [problem.label_key for problem in reading.problems] == [f"{prefix}.{word}"]
    assert "\n" not in reading.problems[0].error
    assert [one.config for one in reading.endpoints] == [Config()]


def test_every_bad_label_is_told_and_each_once():
    labels = {
        "endpoint.http": URL,
        "endpoint.1.http": URL,
        "endpoint.2.tcp": "db",
        "endpoint.interval": "often",
        "endpoint.http.method": "LOOK",
        "endpoint.1.timeout": "late",
        "endpoint.1.http.tls-verify": "perhaps",
    }
    assert sorted(problems(labels)) == [
        "endpoint.1.http.tls-verify",
        "endpoint.1.timeout",
        "endpoint.2.tcp",
        "endpoint.http.method",
        "endpoint.interval",
    ]


def test_bad_items_of_a_status_list_are_told_and_the_others_hold():
    reading = read_labels({"endpoint.http": URL, "endpoint.http.expected-status": "200,nine,4xx,700"}.items())
    assert reading.endpoints[0].config.expected_status == "200,4xx"
    assert [problem.label_key for problem in reading.problems] == ["endpoint.http.expected-status"] * 2
    assert "'nine'" in reading.problems[0].error
    assert "'700'" in reading.problems[1].error


@pytest.mark.parametrize(("word", "value"), [("http.json-equals", "ok"), ("http.header-contains", "nginx")])
def test_an_expectation_about_nothing_is_told(word: str, value: str):
    """Silently it would look as if it held."""
    reading = read_labels({"endpoint.http": URL, f"endpoint.{word}": value}.items())
    assert [problem.label_key for problem in reading.problems] == [f"endpoint.{word}"]
    assert len(reading.endpoints) == 1


# --- prefixes --------------------------------------------------------------------------------------------------------


def test_the_alias_is_as_good_as_our_own_prefix_which_wins():
    labels = {
        "maintenant.endpoint.http": "http://old/",
        "maintenant.endpoint.interval": "1m",
        "tocsin.endpoint.http": "http://new/",
        "endpoint.tcp": "db:1",
        "other.endpoint.tcp": "db:1",
    }
    reading = read_labels(read_traits(labels).monitors)
    config = Config(interval_seconds=60)
    assert reading == ([Declared("endpoint.http", EndpointType.HTTP, "http://new/", config)], [])
