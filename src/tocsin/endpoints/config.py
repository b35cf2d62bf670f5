"""One validator for what people say about endpoints: by API, in the pages, in labels.

Source: docs/spec/endpoints.md, configuration.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from tocsin.core.durations import format_duration, parse_duration
from tocsin.core.errors import Invalid
from tocsin.core.patterns import compile_pattern
from tocsin.core.secrets import MASK
from tocsin.endpoints.models import METHODS, RECORD_TYPES, Config, EndpointType
from tocsin.endpoints.objects import ConfigView, EndpointOptions
from tocsin.endpoints.targets import is_address, parse_host_port
from tocsin.probes.request import parse_target

SHORTEST_INTERVAL_S, LONGEST_INTERVAL_S = 5.0, 86_400.0
SHORTEST_TIMEOUT_S, LONGEST_TIMEOUT_S = 1.0, 60.0
MOST_HEADERS, LONGEST_VALUE, LONGEST_TEXT = 32, 4096, 4096
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")
_STATUS = re.compile(r"([1-5])xx|([1-5]\d\d)(?:-([1-5]\d\d))?", re.IGNORECASE | re.ASCII)
_MICROSECOND = timedelta(microseconds=1)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z", re.ASCII)


def change(before: Config, options: EndpointOptions) -> Config:
    """Return *before* with what *options* say.  Raises Invalid: one sentence that names the field."""
    after = before
    for field in msgspec.structs.fields(EndpointOptions):
        value = getattr(options, field.name)
        if value is not UNSET and not (isinstance(value, str) and not value.strip() and field.name in _KEEPS):
            after = set_option(after, field.name, value)
    if after.timeout_seconds > after.interval_seconds:
        shown, most = _shown(after.timeout_seconds), _shown(after.interval_seconds)
        raise Invalid(f"timeout {shown} must not be longer than interval {most}", field="timeout")
    if after.json_equals is not None and after.json_path is None:
        raise Invalid("json_equals needs json_path", field="json_path")
    if after.header_contains is not None and after.header_name is None:
        raise Invalid("header_contains needs header_name", field="header_name")
    return after


_KEEPS = {"interval", "timeout", "method", "expected_status", "record_type"}
"""Empty text in a change keeps what holds."""


def set_option(config: Config, name: str, value: Any) -> Config:
    """Return *config* with one option, given as in the API.  Raises Invalid."""
    if name == "headers":
        return replace(config, headers=_headers(value, config.headers))
    attribute, parse = _OPTIONS[name]
    if value is None or (isinstance(value, str) and not value and name not in _KEEPS):
        return replace(config, **{attribute: None})
    return replace(config, **{attribute: parse(name, value)})


def check_target(endpoint_type: EndpointType, text: str) -> str:
    """Return *text* trimmed, as it is stored.  Raises Invalid: nothing that can be checked."""
    target = text.strip()
    if not target or len(target) > LONGEST_TEXT:
        raise Invalid("target must not be empty" if not target else "target is too long", field="target")
    match endpoint_type:
        case EndpointType.HTTP:
            parse_target(target)
        case EndpointType.TCP:
            parse_host_port(target)
        case EndpointType.DNS | EndpointType.ICMP:
            check_host(target)
    return target


def check_host(text: str) -> str:
    """Raises Invalid: neither a host name nor an address."""
    host = text.rstrip(".").lower()
    if is_address(host):
        return host
    try:
        written = host.encode("idna").decode("ascii")
    except UnicodeError:
        written = ""
    labels = written.split(".")
    if len(written) > 253 or not all(_LABEL.match(label) for label in labels):
        raise Invalid("target must be a host name or an address", field="target")
    return host


@lru_cache(maxsize=1000)
def parse_statuses(text: str) -> frozenset[int]:
    """Return the codes of a list such as `2xx,301,400-404`.  Raises Invalid."""
    codes: set[int] = set()
    for item in filter(None, (part.strip() for part in text.split(","))):
        match = _STATUS.fullmatch(item)
        if match is None or (match[3] and int(match[3]) < int(match[2])):
            raise Invalid(
                f"expected_status: {item[:20]!r} is neither a code from 100 to 599 nor a class such as 2xx",
                field="expected_status",
            )
        if match[1]:
            codes |= set(range(int(match[1]) * 100, int(match[1]) * 100 + 100))
        else:
            codes |= set(range(int(match[2]), int(match[3] or match[2]) + 1))
    if not codes:
        raise Invalid("expected_status must name at least one code or class, such as 2xx", field="expected_status")
    return frozenset(codes)


def _duration(shortest_s: float, longest_s: float) -> Callable[[str, Any], float]:
    def parse(name: str, value: str) -> float:
        sentence = f"{name} must be a duration such as 30s, from {_shown(shortest_s)} to {_shown(longest_s)}"
        try:
            seconds = parse_duration(value.strip()).total_seconds()
        except ValueError:
            raise Invalid(sentence, field=name) from None
        if not shortest_s <= seconds <= longest_s:
            raise Invalid(sentence, field=name)
        return seconds

    return parse


def _milliseconds(name: str, value: str) -> int:
    return round(_duration(0.001, LONGEST_TIMEOUT_S)(name, value) * 1000)


def _integer(low: int, high: int) -> Callable[[str, Any], int]:
    def parse(name: str, value: int) -> int:
        if not low <= value <= high:
            raise Invalid(f"{name} must be a whole number from {low} to {high}", field=name)
        return value

    return parse


def _choice(allowed: tuple[str, ...]) -> Callable[[str, Any], str]:
    def parse(name: str, value: str) -> str:
        word = value.strip().upper()
        if word not in allowed:
            raise Invalid(f"{name} must be one of {', '.join(allowed)}", field=name)
        return word

    return parse


def _text(name: str, value: str) -> str:
    if len(value) > LONGEST_TEXT or "\x00" in value:
        raise Invalid(f"{name} must have at most {LONGEST_TEXT} characters, none of them NUL", field=name)
    return value


def _statuses(_name: str, value: str) -> str:
    parse_statuses(value)
    return ",".join(item.strip().lower() for item in value.split(",") if item.strip())


def _pattern(name: str, value: str) -> str:
    try:
        compile_pattern(value)
    except ValueError as exc:
        raise Invalid(f"{name}: {exc}", field=name) from None
    return value


def _json_path(name: str, value: str) -> str:
    try:
        compile_json_path(value)
    except ValueError as exc:
        raise Invalid(f"{name}: {exc}", field=name) from None
    return value


def _header_name(name: str, value: str) -> str:
    if not _NAME.match(value):
        raise Invalid(f"{name} must be the name of a header", field=name)
    return value


def _resolver(name: str, value: str) -> str:
    try:
        parse_host_port(value, default_port=53)
    except Invalid:
        raise Invalid(f"{name} must be a name server such as 1.1.1.1 or 10.0.0.2:5353", field=name) from None
    return value.strip()


def _same(_name: str, value: bool) -> bool:
    return value


_OPTIONS: Mapping[str, tuple[str, Callable[[str, Any], Any]]] = {
    "interval": ("interval_seconds", _duration(SHORTEST_INTERVAL_S, LONGEST_INTERVAL_S)),
    "timeout": ("timeout_seconds", _duration(SHORTEST_TIMEOUT_S, LONGEST_TIMEOUT_S)),
    "failure_threshold": ("failure_threshold", _integer(1, 100)),
    "recovery_threshold": ("recovery_threshold", _integer(1, 100)),
    "degraded_after": ("degraded_after_ms", _milliseconds),
    "method": ("method", _choice(METHODS)),
    "expected_status": ("expected_status", _statuses),
    "tls_verify": ("tls_verify", _same),
    "body": ("body", _text),
    "max_redirects": ("max_redirects", _integer(0, 10)),
    "body_contains": ("body_contains", _text),
    "body_not_contains": ("body_not_contains", _text),
    "body_matches": ("body_matches", _pattern),
    "json_path": ("json_path", _json_path),
    "json_equals": ("json_equals", _text),
    "header_name": ("header_name", _header_name),
    "header_contains": ("header_contains", _text),
    "certificate_days": ("certificate_days", _integer(0, 365)),
    "send": ("send", _text),
    "expect": ("expect", _text),
    "record_type": ("record_type", _choice(RECORD_TYPES)),
    "record_contains": ("record_contains", _text),
    "resolver": ("resolver", _resolver),
}


def _headers(given: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """Return *given*; a masked value stays what it was."""
    if len(given) > MOST_HEADERS:
        raise Invalid(f"headers must be at most {MOST_HEADERS}", field="headers")
    found = {}
    for name, value in given.items():
        if not _NAME.match(name):
            raise Invalid(f"headers: {name[:40]!r} is not the name of a header", field="headers")
        if len(value) > LONGEST_VALUE or any(ord(char) < 32 or ord(char) == 127 for char in value):
            raise Invalid(f"headers: the value of {name} is too long or holds control characters", field="headers")
        if value == MASK and name not in before:
            raise Invalid(f"headers: the value of {name} is not known here; send it in full", field="headers")
        found[name] = before[name] if value == MASK else value
    return found


def compile_json_path(text: str) -> Any:
    """Return the compiled query.  Raises ValueError: one sentence.

    Patterns inside of it (`match`, `search`) are refused: they would not run in linear time.  Source: RFC 9535.
    """
    from jsonpath_rfc9535 import JSONPathEnvironment
    from jsonpath_rfc9535.exceptions import JSONPathError

    if len(text) > 500:
        raise ValueError("a JSONPath has at most 500 characters")
    if text.count("..") > (0 if "?" in text else 1):
        raise ValueError("a JSONPath has at most one .. and none beside a filter: more takes too long")
    environment = JSONPathEnvironment()
    for name in ("match", "search"):
        environment.function_extensions.pop(name, None)
    try:
        return environment.compile(text)
    except (JSONPathError, RecursionError) as exc:
        raise ValueError(f"not a JSONPath such as $.status ({str(exc).splitlines()[0][:100]})") from None


def view(config: Config) -> ConfigView:
    """Return the API object; the values of headers are masked."""
    shown = {name: getattr(config, attribute) for name, (attribute, _) in _OPTIONS.items()}
    slow = config.degraded_after_ms
    return ConfigView(
        **{
            **shown,
            "interval": _shown(config.interval_seconds),
            "timeout": _shown(config.timeout_seconds),
            "degraded_after": None if slow is None else _shown(slow / 1000),
            "headers": dict.fromkeys(config.headers, MASK),
        }
    )


def _shown(seconds: float) -> str:
    return format_duration(round(seconds * 1_000_000) * _MICROSECOND)
