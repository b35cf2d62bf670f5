"""Endpoints declared by labels: `tocsin.endpoint.http`, several with a number: `tocsin.endpoint.1.tcp`.

Source: docs/labels.md, endpoints.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from tocsin.core.errors import Invalid
from tocsin.endpoints.config import check_target, parse_statuses, set_option
from tocsin.endpoints.models import Config, EndpointType

TYPES = {"http": EndpointType.HTTP, "tcp": EndpointType.TCP, "dns": EndpointType.DNS, "icmp": EndpointType.ICMP}
_NAME = re.compile(r"endpoint\.(?:(\d{1,4})\.)?(.+)", re.ASCII)
_YES, _NO = {"true", "1", "yes"}, {"false", "0", "no"}
MOST_ENDPOINTS = 50


class Declared(NamedTuple):
    """An endpoint that labels ask for. `label_key` is its identity within the container."""

    label_key: str
    endpoint_type: EndpointType
    target: str
    config: Config


class Problem(NamedTuple):
    """A label that cannot be used, and why."""

    label_key: str
    error: str


class Reading(NamedTuple):
    endpoints: list[Declared]
    problems: list[Problem]


def read_labels(labels: Iterable[tuple[str, str]]) -> Reading:
    """Return what *labels* (without the prefix) ask for. What cannot be used is left out, and told.

    An option without a number holds for all; one with a number only for the endpoint of that number.
    """
    targets: dict[str, tuple[int | None, EndpointType, str]] = {}
    options: dict[int | None, dict[str, str]] = {}
    for name, value in labels:
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        number = None if match[1] is None else int(match[1])
        if match[2] in TYPES:
            targets[name] = (number, TYPES[match[2]], value)
        elif match[2] in _OPTIONS:
            options.setdefault(number, {})[match[2]] = value
    problems = [Problem(key, f"more than {MOST_ENDPOINTS} endpoints") for key in list(targets)[MOST_ENDPOINTS:]]
    found = []
    for key, (number, endpoint_type, value) in list(targets.items())[:MOST_ENDPOINTS]:
        try:
            target = check_target(endpoint_type, value)
        except Invalid as exc:
            problems.append(Problem(key, exc.message))
            continue
        common = _configured(Config(), options.get(None, {}), "endpoint", problems)
        own = {} if number is None else options.get(number, {})
        config = _configured(common, own, f"endpoint.{number}", problems)
        for word, needed in _PAIRS.items():
            if getattr(config, _OPTIONS[word][0]) is not None and getattr(config, _OPTIONS[needed][0]) is None:
                prefix = f"endpoint.{number}" if word in own else "endpoint"
                problems.append(Problem(f"{prefix}.{word}", f"{word} needs {needed}"))
        found.append(Declared(key, endpoint_type, target, _fitted(config)))
    return Reading(found, list(dict.fromkeys(problems)))


def _fitted(config: Config) -> Config:
    """Return *config* with a timeout no longer than its interval."""
    return replace(config, timeout_seconds=min(config.timeout_seconds, config.interval_seconds))


def _configured(config: Config, given: Mapping[str, str], prefix: str, problems: list[Problem]) -> Config:
    for word, text in given.items():
        option, parse = _OPTIONS[word]
        try:
            if option == "expected_status":
                text = _usable_statuses(text, f"{prefix}.{word}", problems)
            config = set_option(config, option, parse(option, text.strip()))
        except Invalid as exc:
            problems.append(Problem(f"{prefix}.{word}", exc.message))
    return config


def _usable_statuses(text: str, key: str, problems: list[Problem]) -> str:
    """Return the items that can be used; nothing left is `2xx`."""
    usable = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        try:
            parse_statuses(item)
            usable.append(item)
        except Invalid as exc:
            problems.append(Problem(key, exc.message))
    return ",".join(usable) or "2xx"


def _as_text(_option: str, text: str) -> str:
    return text


def _as_number(option: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Invalid(f"{option} must be a whole number", field=option)
    return int(text)


def _as_switch(option: str, text: str) -> bool:
    word = text.lower()
    if word not in _YES | _NO:
        raise Invalid(f"{option} must be true or false", field=option)
    return word in _YES


def _as_headers(option: str, text: str) -> dict[str, str]:
    """Return the headers of a JSON object, or of a list such as `X-A=1,X-B=2`."""
    if text.startswith("{"):
        try:
            return msgspec.json.decode(text, type=dict[str, str])
        except (msgspec.DecodeError, msgspec.ValidationError):
            pass
    pairs = [part.partition("=") for part in text.split(",")]
    found = {name.strip(): value.strip() for name, sign, value in pairs if sign and name.strip()}
    if not found or text.startswith("{"):
        raise Invalid(f"{option} must be a JSON object of texts, or name=value, separated by commas", field=option)
    return found


_OPTIONS: Mapping[str, tuple[str, Callable[[str, str], Any]]] = {
    "interval": ("interval", _as_text),
    "timeout": ("timeout", _as_text),
    "failure-threshold": ("failure_threshold", _as_number),
    "recovery-threshold": ("recovery_threshold", _as_number),
    "degraded-after": ("degraded_after", _as_text),
    "http.method": ("method", _as_text),
    "http.expected-status": ("expected_status", _as_text),
    "http.tls-verify": ("tls_verify", _as_switch),
    "http.headers": ("headers", _as_headers),
    "http.body": ("body", _as_text),
    "http.max-redirects": ("max_redirects", _as_number),
    "http.body-contains": ("body_contains", _as_text),
    "http.body-not-contains": ("body_not_contains", _as_text),
    "http.body-matches": ("body_matches", _as_text),
    "http.json-path": ("json_path", _as_text),
    "http.json-equals": ("json_equals", _as_text),
    "http.header-name": ("header_name", _as_text),
    "http.header-contains": ("header_contains", _as_text),
    "http.certificate-days": ("certificate_days", _as_number),
    "tcp.send": ("send", _as_text),
    "tcp.expect": ("expect", _as_text),
    "dns.record-type": ("record_type", _as_text),
    "dns.contains": ("record_contains", _as_text),
    "dns.resolver": ("resolver", _as_text),
}
_PAIRS = {"http.json-equals": "http.json-path", "http.header-contains": "http.header-name"}
"""What says nothing without the other."""
