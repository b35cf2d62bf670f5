"""From what came back to a verdict: statuses, every assertion both ways, slowness, and whose fault it is."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.pki import Authority
from tocsin.endpoints.models import Config, Endpoint, EndpointSource, EndpointStatus, EndpointType
from tocsin.endpoints.plan import Plan, Verdict, evidence, make_plan
from tocsin.probes.base import Cause, HttpAnswer, Phases, Result
from tocsin.probes.dns import DnsSpec
from tocsin.probes.icmp import IcmpSpec
from tocsin.probes.request import HttpSpec
from tocsin.probes.tcp import TcpSpec

T0 = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
UP, DEGRADED, DOWN, UNKNOWN = (
    EndpointStatus.UP,
    EndpointStatus.DEGRADED,
    EndpointStatus.DOWN,
    EndpointStatus.UNKNOWN,
)
TARGETS = {
    EndpointType.HTTP: "https://web.test/health",
    EndpointType.TCP: "db.test:5432",
    EndpointType.DNS: "web.test",
    EndpointType.ICMP: "router.test",
}


def plan(
    kind: EndpointType = EndpointType.HTTP, target: str = "", headers: dict[str, str] | None = None, **config: Any
) -> Plan:
    endpoint = Endpoint(
        id=1,
        source=EndpointSource.STANDALONE,
        endpoint_type=kind,
        target=target or TARGETS[kind],
        name="web",
        config=Config(**config),
        first_seen_at=T0,
        last_seen_at=T0,
    )
    return make_plan(endpoint, headers or {})


def answer(
    body: bytes | str = b"", status: int = 200, headers: list[tuple[str, str]] | None = None, **more: Any
) -> Result:
    content = body.encode() if isinstance(body, str) else body
    lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in headers or []), "", ""]
    took = more.pop("took_ms", 12)
    truncated = more.pop("truncated", False)
    http = HttpAnswer(status=status, head="\r\n".join(lines).encode("latin-1"), body=content, truncated=truncated)
    return Result(phases=Phases(took * 1000), address="192.0.2.1", http=http, **more)


def verdict(result: Result, at: datetime = T0, **config: Any) -> Verdict:
    return plan(**config).judge(result, at)


# --- what is asked ---------------------------------------------------------------------------------------------------


def test_an_http_endpoint_is_asked_as_configured():
    made = plan(
        headers={"Authorization": "Bearer secret"},
        method="POST",
        body="ü",
        tls_verify=False,
        max_redirects=2,
        expected_status="200,3xx",
        timeout_seconds=3.0,
    )
    spec = made.spec
    assert isinstance(spec, HttpSpec)
    assert (spec.method, spec.body, spec.verify, spec.max_redirects) == ("POST", "ü".encode(), False, 2)
    assert spec.headers == (("Authorization", "Bearer secret"),)
    assert spec.expected == {200, *range(300, 400)}
    assert (made.host, made.timeout_s, spec.body_limit, spec.wants_certificate) == ("web.test", 3.0, 0, False)
    assert spec.request.startswith(b"POST /health HTTP/1.1\r\n")
    assert b"Authorization: Bearer secret\r\n" in spec.request


@pytest.mark.parametrize("name", ["body_contains", "body_not_contains", "body_matches"])
def test_the_body_is_read_only_for_who_asks_about_it(name: str):
    spec = plan(**{name: "x"}).spec
    assert isinstance(spec, HttpSpec)
    assert spec.body_limit == 1 << 20


def test_other_endpoints_are_asked_as_configured():
    tcp = plan(EndpointType.TCP, send="PING\\r\\n\\t", expect="\\nPONG").spec
    assert tcp == TcpSpec("db.test", 5432, b"PING\r\n\t", b"\nPONG")
    assert plan(EndpointType.TCP, "[fd00::5]:80").spec == TcpSpec("fd00::5", 80)
    dns = plan(EndpointType.DNS, "web.test.", record_type="MX", resolver="[fd00::1]:5353").spec
    assert dns == DnsSpec("web.test", "MX", ("fd00::1", 5353))
    assert plan(EndpointType.DNS, resolver="10.0.0.1").spec == DnsSpec("web.test", "A", ("10.0.0.1", 53))
    assert plan(EndpointType.ICMP).spec == IcmpSpec("router.test")


# --- no answer -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EndpointType)
@pytest.mark.parametrize("cause", Cause)
def test_without_an_answer_it_is_down_unless_we_did_not_look(kind: EndpointType, cause: Cause):
    found = plan(kind).judge(Result(cause=cause, error="a sentence"), T0)
    wanted = UNKNOWN if cause in {Cause.OURS, Cause.FORBIDDEN} else DOWN
    assert (found.status, found.error, found.expected, found.got) == (wanted, "a sentence", "an answer", "a sentence")


# --- statuses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "good", "bad"),
    [
        ("2xx", [200, 204, 299], [199, 300, 404, 500]),
        ("200", [200], [201, 404]),
        ("2xx,3xx", [200, 301, 399], [400]),
        ("401-403,500", [401, 402, 403, 500], [200, 404, 501]),
    ],
)
def test_the_status_must_be_one_of_those_expected(expected: str, good: list[int], bad: list[int]):
    for status in good:
        assert verdict(answer(status=status), expected_status=expected) == Verdict(UP)
    for status in bad:
        found = verdict(answer(status=status), expected_status=expected)
        assert (found.status, found.expected, found.got) == (DOWN, expected, str(status))
        assert found.error == f"unexpected status code {status}, expected {expected}"


def test_an_unexpected_status_is_told_before_anything_about_the_body():
    found = verdict(answer("broken", 500), body_contains="fine")
    assert found.got == "500"


# --- assertions ------------------------------------------------------------------------------------------------------

DOCUMENT = {
    "status": "ok",
    "count": 3,
    "ratio": 1.5,
    "ready": True,
    "off": False,
    "nothing": None,
    "one": 1,
    "list": [{"id": 1}, {"id": 2}],
    "nested": {"a": {"b": "ü"}},
}


@pytest.mark.parametrize(
    ("config", "result", "is_up"),
    [
        ({"body_contains": "fine"}, answer("all fine here"), True),
        ({"body_contains": "fine"}, answer("all bad here"), False),
        ({"body_contains": "Fine"}, answer("all fine here"), False),
        ({"body_contains": "ü"}, answer("grün"), True),
        ({"body_not_contains": "error"}, answer("fine"), True),
        ({"body_not_contains": "error"}, answer("an error"), False),
        ({"body_matches": r"v\d+\.\d+"}, answer("now v2.10"), True),
        ({"body_matches": r"^v\d+$"}, answer("now v2"), False),
        ({"body_matches": "(?i)FINE"}, answer("all fine"), True),
        ({"body_matches": "."}, answer(b"\xff\xfe"), True),
        ({"header_name": "X-Up"}, answer(headers=[("x-up", "")]), True),
        ({"header_name": "X-Up"}, answer(headers=[("x-down", "")]), False),
        ({"header_name": "X-Up", "header_contains": "yes"}, answer(headers=[("X-Up", "oh yes")]), True),
        ({"header_name": "X-Up", "header_contains": "yes"}, answer(headers=[("X-Up", "no")]), False),
        ({"header_name": "X-Up", "header_contains": "b"}, answer(headers=[("X-Up", "a"), ("X-Up", "b")]), True),
        ({"json_path": "$.status"}, answer(json.dumps(DOCUMENT)), True),
        ({"json_path": "$.absent"}, answer(json.dumps(DOCUMENT)), False),
        ({"json_path": "$.nothing"}, answer(json.dumps(DOCUMENT)), True),
        ({"json_path": "$.status"}, answer("<html>"), False),
        ({"json_path": "$.status"}, answer(b"\xff"), False),
        ({"json_path": "$.status"}, answer("[" * 5000), False),
        ({"json_path": "$"}, answer("1"), True),
    ],
)
def test_what_is_asserted_holds_or_it_is_down(config: dict[str, Any], result: Result, is_up: bool):
    found = verdict(result, **config)
    if is_up:
        assert found == Verdict(UP)
    else:
        assert found.status is DOWN
        assert found.error
        assert found.expected
        assert found.got


@pytest.mark.parametrize(
    ("path", "equals", "is_up"),
    [
        ("$.status", "ok", True),
        ("$.status", '"ok"', True),
        ("$.status", "OK", False),
        ("$.count", "3", True),
        ("$.count", "3.0", True),
        ("$.count", "4", False),
        ("$.ratio", "1.5", True),
        ("$.ready", "true", True),
        ("$.ready", "false", False),
        ("$.ready", "1", False),  # yes is not one
        ("$.off", "false", True),
        ("$.off", "0", False),
        ("$.one", "true", False),
        ("$.nothing", "null", True),
        ("$.nothing", "0", False),
        ("$.list[0]", '{"id": 1}', True),
        ("$.list[*].id", "2", True),  # one of them is enough
        ("$.list[*].id", "3", False),
        ("$.nested.a.b", "ü", True),
        ("$.list[?@.id == 2].id", "2", True),
        ("$.absent", "null", False),
    ],
)
def test_a_value_in_json_is_compared_with_what_is_expected(path: str, equals: str, is_up: bool):
    found = verdict(answer(json.dumps(DOCUMENT)), json_path=path, json_equals=equals)
    assert (found.status is UP) is is_up, found


def test_what_json_says_instead_is_told():
    found = verdict(answer(json.dumps(DOCUMENT)), json_path="$.status", json_equals="broken")
    assert found.error == '$.status is "ok", expected broken'
    assert (found.expected, found.got) == ("$.status = broken", '"ok"')


def test_a_body_that_was_cut_off_is_told_to_be():
    found = verdict(answer("x" * 100, truncated=True), body_contains="fine")
    assert found.error == "the first MB of the body does not contain 'fine'"


def test_all_assertions_must_hold():
    config = {"body_contains": "fine", "body_not_contains": "error", "header_name": "X-Up"}
    up = [("X-Up", "1")]
    assert verdict(answer("fine", headers=up), **config).status is UP
    assert verdict(answer("fine", headers=[]), **config).status is DOWN
    assert verdict(answer("bad", headers=up), **config).status is DOWN
    assert verdict(answer("fine error", headers=up), **config).status is DOWN


# --- certificates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days_left", "wanted", "is_up"), [(30, 14, True), (14.5, 14, True), (13.9, 14, False)])
def test_a_certificate_must_last_so_many_days(days_left: float, wanted: int, is_up: bool):
    now = datetime.now(UTC)
    leaf = Authority().expires_in(days_left, "web.test")
    found = verdict(answer(certificate=leaf.der), now, certificate_days=wanted)
    assert (found.status is UP) is is_up, found
    if not is_up:
        assert found.error == "the certificate ends in 13 days, expected 14"


def test_a_certificate_that_has_ended_is_down_even_when_nought_days_are_asked_for():
    leaf = Authority().expired("web.test", days_ago=2)
    assert verdict(answer(certificate=leaf.der), datetime.now(UTC), certificate_days=0).status is DOWN


def test_without_tls_there_is_no_certificate_to_look_at():
    found = verdict(answer(), target="http://web.test/", certificate_days=1)
    assert (found.status, found.error) == (DOWN, "there is no certificate to look at")


# --- slowness --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EndpointType)
@pytest.mark.parametrize(("took_ms", "wanted"), [(99, UP), (100, UP), (101, DEGRADED)])
def test_what_answers_too_slowly_is_degraded(kind: EndpointType, took_ms: int, wanted: EndpointStatus):
    found = plan(kind, degraded_after_ms=100).judge(answer(took_ms=took_ms, answers=("192.0.2.1",)), T0)
    assert found.status is wanted
    if wanted is DEGRADED:
        assert (found.error, found.expected, found.got) == (
            "slow: 101 ms, expected at most 100 ms",
            "at most 100 ms",
            "101 ms",
        )


def test_what_is_wrong_is_down_however_slow_it_is():
    assert verdict(answer("bad", took_ms=500), degraded_after_ms=100, body_contains="fine").status is DOWN


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "contains", "is_up"),
    [
        (("192.0.2.1",), None, True),
        ((), None, False),
        (("192.0.2.1", "192.0.2.2"), "2.2", True),
        (("192.0.2.1",), "198.", False),
        ((), "198.", False),
    ],
)
def test_a_name_must_have_a_record_with_what_is_expected(answers: tuple[str, ...], contains: str | None, is_up: bool):
    found = plan(EndpointType.DNS, record_contains=contains).judge(Result(answers=answers), T0)
    assert (found.status is UP) is is_up, found


# --- evidence --------------------------------------------------------------------------------------------------------


def test_evidence_is_cut_short_and_holds_no_secrets_of_the_answer():
    headers = [("Set-Cookie", "session=secret"), ("WWW-Authenticate", "secret"), ("X-Long", "y" * 500)]
    headers += [(f"X-{number}", "z") for number in range(30)]
    result = answer("b" * 5000, 500, headers)

    found = evidence(verdict(result), result)

    assert found["headers"] == {
        "Set-Cookie": "***",
        "WWW-Authenticate": "***",
        "X-Long": "y" * 200,
        **{f"X-{number}": "z" for number in range(17)},
    }
    assert (found["expected"], found["got"], found["address"]) == ("2xx", "500", "192.0.2.1")
    assert (found["http_version"], found["body_excerpt"]) == ("1.1", "b" * 600)
    assert "secret" not in json.dumps(found)


def test_evidence_of_other_endpoints_is_what_they_said():
    tcp = Result(data=b"220 hello\xff", cause=Cause.TIMEOUT, error="late")
    assert evidence(plan(EndpointType.TCP).judge(tcp, T0), tcp)["body_excerpt"] == "220 hello\N{REPLACEMENT CHARACTER}"
    dns = Result(answers=("192.0.2.1", "192.0.2.2"))
    assert evidence(Verdict(DOWN), dns)["body_excerpt"] == "192.0.2.1\n192.0.2.2"
    assert evidence(Verdict(DOWN), Result())["body_excerpt"] is None


def test_a_certificate_is_judged_by_when_the_check_was():
    leaf = Authority().expires_in(30, "web.test")
    later = datetime.now(UTC) + timedelta(days=29)
    assert verdict(answer(certificate=leaf.der), later, certificate_days=7).status is DOWN
