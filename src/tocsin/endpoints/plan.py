"""From an endpoint to what is asked, and from what came back to a verdict. Pure: made once, used for every check.

Source: docs/spec/endpoints.md, verdicts.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from tocsin.core.patterns import Pattern, compile_pattern
from tocsin.core.secrets import MASK
from tocsin.endpoints.config import compile_json_path, parse_statuses
from tocsin.endpoints.models import Config, Endpoint, EndpointStatus, EndpointType
from tocsin.endpoints.targets import parse_host_port
from tocsin.probes.base import Cause, HttpAnswer, Result
from tocsin.probes.dns import DnsSpec
from tocsin.probes.exchange import LARGEST_BODY
from tocsin.probes.icmp import IcmpSpec
from tocsin.probes.kinds import Spec, Unusable
from tocsin.probes.request import HttpSpec, build_request, parse_target
from tocsin.probes.tcp import TcpSpec

SHORTEST_SECRET, MOST_LOOKED_AT = 4, 4096
EXCERPT_CHARACTERS, MOST_HEADERS, LONGEST_HEADER = 600, 20, 200
_NOT_OURS_TO_SAY = frozenset({Cause.OURS, Cause.FORBIDDEN})
_ADDRESS_HEADERS = frozenset({"location", "content-location"})
_USER_INFO = re.compile(r"//[^/@]*@")
_SECRET_HEADERS = frozenset({"set-cookie", "authorization", "proxy-authorization", "www-authenticate"})


class Verdict(NamedTuple):
    """What a check found. `expected` and `got` say why it is not `up`."""

    status: EndpointStatus
    error: str | None = None
    expected: str | None = None
    got: str | None = None


Judge = Callable[[Result, datetime], Verdict]


class Plan(NamedTuple):
    """How one endpoint is checked: what to ask, how long to wait, and how to judge.

    `host` is who is asked; None for the name servers of this machine. `secrets` are what we send and never show.
    """

    spec: Spec
    timeout_s: float
    judge: Judge
    host: str | None
    secrets: tuple[str, ...] = ()


def make_plan(endpoint: Endpoint, headers: Mapping[str, str]) -> Plan:
    """Return the plan for *endpoint*; *headers* are its own, opened."""
    config = endpoint.config
    spec: Spec
    match endpoint.endpoint_type:
        case EndpointType.HTTP:
            statuses = parse_statuses(config.expected_status)
            spec = HttpSpec(
                target=parse_target(endpoint.target),
                method=config.method,
                headers=tuple(headers.items()),
                body=None if config.body is None else config.body.encode(),
                verify=config.tls_verify,
                max_redirects=config.max_redirects,
                body_limit=LARGEST_BODY if _asks_for_body(config) else 0,
                expected=statuses,
                wants_certificate=config.certificate_days is not None,
            )
            spec = spec._replace(request=build_request(spec))
            secrets = _secrets(spec)
            return Plan(spec, config.timeout_seconds, _http_judge(config, statuses), spec.target.host, secrets)
        case EndpointType.TCP:
            host, port = parse_host_port(endpoint.target)
            spec = TcpSpec(host, port, _bytes(config.send), _bytes(config.expect))
            return Plan(spec, config.timeout_seconds, _tcp_judge(config), host)
        case EndpointType.DNS:
            resolver = None if config.resolver is None else parse_host_port(config.resolver, default_port=53)
            spec = DnsSpec(endpoint.target.rstrip("."), config.record_type, resolver)
            return Plan(spec, config.timeout_seconds, _dns_judge(config), resolver and resolver[0])
        case EndpointType.ICMP:
            spec = IcmpSpec(endpoint.target)
            return Plan(spec, config.timeout_seconds, lambda result, _at: _timely(config, result), endpoint.target)


def no_plan(reason: str) -> Plan:
    """Return the plan for what cannot be checked: nothing is known of it."""
    unknown = Verdict(EndpointStatus.UNKNOWN, reason)
    return Plan(Unusable(reason), 1.0, lambda _result, _at: unknown, None)


def _secrets(spec: HttpSpec) -> tuple[str, ...]:
    """Return what a target may send back to us: values of headers, what stands in the query, longest first."""
    query = spec.target.path.partition("?")[2]
    parts = (query, *(pair.partition("=")[2] for pair in query.split("&")), *(value for _, value in spec.headers))
    words = (word for value in parts for word in (value, value.removeprefix("Bearer ").removeprefix("Basic ")))
    return tuple(sorted({word for word in words if len(word) >= SHORTEST_SECRET}, key=len, reverse=True))


def _asks_for_body(config: Config) -> bool:
    asked = (config.body_contains, config.body_not_contains, config.body_matches, config.json_path)
    return any(one is not None for one in asked)


def _bytes(text: str | None) -> bytes | None:
    """Return what goes over the wire; `\\r`, `\\n` and `\\t` are written as people write them."""
    if text is None:
        return None
    return text.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t").encode()


# --- judging ---------------------------------------------------------------------------------------------------------


def _failed(result: Result) -> Verdict | None:
    """Return the verdict on a look that did not get its answer."""
    if result.cause is None:
        return None
    status = EndpointStatus.UNKNOWN if result.cause in _NOT_OURS_TO_SAY else EndpointStatus.DOWN
    return Verdict(status, result.error, "an answer", result.error)


def _down(error: str, expected: str, got: str) -> Verdict:
    return Verdict(EndpointStatus.DOWN, error, expected, got)


def _timely(config: Config, result: Result) -> Verdict:
    failed = _failed(result)
    if failed is not None:
        return failed
    most = config.degraded_after_ms
    if most is not None and result.phases.total > most * 1000:
        took = round(result.phases.total / 1000)
        return Verdict(
            EndpointStatus.DEGRADED, f"slow: {took} ms, expected at most {most} ms", f"at most {most} ms", f"{took} ms"
        )
    return Verdict(EndpointStatus.UP)


def _http_judge(config: Config, statuses: frozenset[int]) -> Judge:
    assertions = _assertions(config)

    def judge(result: Result, at: datetime) -> Verdict:
        failed = _failed(result)
        if failed is not None:
            return failed
        answer = result.http
        assert answer is not None  # no cause: there is an answer  # noqa: S101
        if answer.status not in statuses:
            wanted = config.expected_status
            return _down(f"unexpected status code {answer.status}, expected {wanted}", wanted, str(answer.status))
        for assertion in assertions:
            verdict = assertion(answer)
            if verdict is not None:
                return verdict
        if config.certificate_days is not None:
            verdict = _certificate(config.certificate_days, result.certificate, at)
            if verdict is not None:
                return verdict
        return _timely(config, result)

    return judge


Assertion = Callable[[HttpAnswer], Verdict | None]


def _assertions(config: Config) -> list[Assertion]:
    found: list[Assertion] = []
    if config.header_name is not None:
        found.append(_header(config.header_name, config.header_contains))
    if config.body_contains is not None:
        found.append(_contains(config.body_contains, wanted=True))
    if config.body_not_contains is not None:
        found.append(_contains(config.body_not_contains, wanted=False))
    if config.body_matches is not None:
        found.append(_matches(config.body_matches))
    if config.json_path is not None:
        found.append(_json(config.json_path, config.json_equals))
    return found


def _header(name: str, text: str | None) -> Assertion:
    def check(answer: HttpAnswer) -> Verdict | None:
        value = answer.header(name)
        if value is None:
            return _down(f"the header {name} is missing", f"a header {name}", "none")
        if text is not None and text not in value:
            return _down(
                f"the header {name} does not contain {text!r}", f"{name} with {text!r}", value[:LONGEST_HEADER]
            )
        return None

    return check


def _contains(text: str, *, wanted: bool) -> Assertion:
    needle = text.encode()

    def check(answer: HttpAnswer) -> Verdict | None:
        if (needle in answer.body) is wanted:
            return None
        if wanted:
            where = "the first MB of the body" if answer.truncated else "the body"
            return _down(f"{where} does not contain {text!r}", f"a body with {text!r}", "a body without")
        return _down(f"the body contains {text!r}", f"a body without {text!r}", "a body with it")

    return check


def _matches(pattern: str) -> Assertion:
    compiled: Pattern = compile_pattern(pattern)

    def check(answer: HttpAnswer) -> Verdict | None:
        if compiled.search(answer.body.decode("utf-8", "replace")):
            return None
        return _down(f"the body does not match {pattern!r}", f"a body matching {pattern!r}", "a body that does not")

    return check


def _json(path: str, equals: str | None) -> Assertion:
    from jsonpath_rfc9535.exceptions import JSONPathError

    query = compile_json_path(path)
    wanted = None if equals is None else _as_json(equals)

    def check(answer: HttpAnswer) -> Verdict | None:
        try:
            values = [node.value for node in query.find(msgspec.json.decode(answer.body))]
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _down("the body is not JSON", "JSON", "something else")
        except (RecursionError, JSONPathError):
            return _down("the body is nested too deeply", path, "too much of it")
        if not values:
            return _down(f"{path} is not in the body", path, "nothing there")
        if equals is None or any(_alike(value, wanted) or str(value) == equals for value in values):
            return None
        got = msgspec.json.encode(values[0]).decode()[:100]
        return _down(f"{path} is {got}, expected {equals}", f"{path} = {equals}", got)

    return check


def _alike(value: Any, wanted: Any) -> bool:
    """Say whether two values of JSON are equal; to Python true is 1 as well."""
    return bool(value == wanted) and isinstance(value, bool) is isinstance(wanted, bool)


def _as_json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return text


def _certificate(days: int, certificate: bytes | None, at: datetime) -> Verdict | None:
    from cryptography import x509

    if certificate is None:
        return _down("there is no certificate to look at", f"{days} days of certificate", "no TLS")
    try:
        left = (x509.load_der_x509_certificate(certificate).not_valid_after_utc - at).days
    except ValueError:
        return _down("the certificate cannot be read", f"{days} days of certificate", "something else")
    if left >= days:
        return None
    return _down(f"the certificate ends in {left} days, expected {days}", f"{days} days of certificate", f"{left} days")


def _tcp_judge(config: Config) -> Judge:
    return lambda result, _at: _timely(config, result)


def _dns_judge(config: Config) -> Judge:
    text, kind = config.record_contains, config.record_type

    def judge(result: Result, _at: datetime) -> Verdict:
        failed = _failed(result)
        if failed is not None:
            return failed
        if not result.answers:
            return _down(f"there is no {kind} record", f"a {kind} record", "none")
        if text is not None and not any(text in answer for answer in result.answers):
            got = ", ".join(result.answers)[:LONGEST_HEADER]
            return _down(f"no {kind} record contains {text!r}", f"{kind} with {text!r}", got)
        return _timely(config, result)

    return judge


# --- evidence --------------------------------------------------------------------------------------------------------


def evidence(verdict: Verdict, result: Result, secrets: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a check saw, cut short, without *secrets*: for the alert, and for who tries a check."""
    answer = result.http
    headers = {} if answer is None else _shown_headers(answer)
    body = None if answer is None or not answer.body else answer.body.decode("utf-8", "replace")[:MOST_LOOKED_AT]
    if result.data and body is None:
        body = result.data.decode("utf-8", "replace")[:EXCERPT_CHARACTERS]
    if result.answers and body is None:
        body = "\n".join(result.answers)[:EXCERPT_CHARACTERS]
    return {
        "expected": verdict.expected,
        "got": _without(verdict.got, secrets),
        "address": result.address,
        "http_version": None if answer is None else answer.version,
        "headers": {name: _without(value, secrets) for name, value in headers.items()},
        "body_excerpt": _cut(_without(body, secrets)),
    }


def _cut(text: str | None) -> str | None:
    return None if text is None else text[:EXCERPT_CHARACTERS]


def _without(text: str | None, secrets: Sequence[str]) -> str | None:
    for secret in secrets if text is not None else ():
        text = text.replace(secret, MASK) if text is not None else None
    return text


def _shown_headers(answer: HttpAnswer) -> dict[str, str]:
    return {
        name[:100]: "***" if name.lower() in _SECRET_HEADERS else _shown_value(name, value)[:LONGEST_HEADER]
        for name, value in answer.headers[:MOST_HEADERS]
    }


def _shown_value(name: str, value: str) -> str:
    """Return the value of a header; of an address without what may be secret in it."""
    return _USER_INFO.sub("//", value.partition("?")[0]) if name.lower() in _ADDRESS_HEADERS else value
