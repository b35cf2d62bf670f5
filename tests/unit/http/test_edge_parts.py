"""Pieces of the edge that decide without I/O."""

import ipaddress
from typing import Annotated

import msgspec
import pytest

from tocsin.core import errors
from tocsin.core.errors import AppError, Invalid, InvalidJson, InvalidParam, TooManyStreams, UnsupportedMediaType
from tocsin.http.access import Role, is_public, needed_role
from tocsin.http.asgi import client_address
from tocsin.http.edge import is_stream
from tocsin.http.errors import status_of
from tocsin.http.guards import check_body, host_of
from tocsin.http.params import moment, switch
from tocsin.http.streams import StreamCaps
from tocsin.http.strict import decode

PROXIES = (ipaddress.ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_only_trusted_proxies_say_who_is_calling(peer: str, forwarded: str | None, address: str):
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded is not None else []
    assert client_address({"client": (peer, 1), "headers": headers}, PROXIES) == address


@pytest.mark.parametrize(
    ("netloc", "host"),
    [("a.example:80", "a.example"), ("A.Example.", "a.example"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("", "")],
)
def test_hosts_without_their_ports(netloc: str, host: str):
    assert host_of(netloc) == host


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_let_through(content_type: str):
    check_body(b'{"a": [1, {"b": "\\\\u0000 \\" [[[["}]}', content_type)


@pytest.mark.parametrize(
    ("body", "content_type", "refusal"),
    [
        (b"{}", None, UnsupportedMediaType),
        (b"{}", "text/plain", UnsupportedMediaType),
        (b"{}", "application/json; charset=latin-1", UnsupportedMediaType),
        (b"\xff", "application/json", InvalidJson),
        (b'"\\u0000"', "application/json", Invalid),
        (b"[" * 33 + b"]" * 33, "application/json", InvalidJson),
    ],
)
def test_what_cannot_be_right_is_refused(body: bytes, content_type: str | None, refusal: type[AppError]):
    with pytest.raises(refusal):
        check_body(body, content_type)


class Thing(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=3)]
    size: int = 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"name": 5}', "name"),
        (b'{"name": "long"}', "name"),
        (b'{"name": "a", "size": "60"}', "size"),
        (b'{"name": "a", "size": 1.5}', "size"),
        (b'{"size": 1}', "name"),
        (b'{"name": "a", "colour": 1}', "colour"),
        (b"[]", None),
    ],
)
def test_a_wrong_field_is_named(body: bytes, field: str | None):
    with pytest.raises(Invalid) as caught:
        decode(msgspec.json.Decoder(Thing), body)
    assert caught.value.field == field


@pytest.mark.parametrize("body", [b"", b"{", b'{"name": "a"} x', b"nul"])
def test_what_is_no_json_is_said_to_be_none(body: bytes):
    with pytest.raises(InvalidJson):
        decode(msgspec.json.Decoder(Thing), body)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("YES", True), ("1", True), ("no", False), (None, False)])
def test_switches(text: str | None, value: bool):
    assert switch("x", text) is value


@pytest.mark.parametrize("text", ["", "on", "2", "maybe"])
def test_what_is_no_switch(text: str):
    with pytest.raises(InvalidParam):
        switch("x", text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-04T09:00:00Z", "2026-03-04t09:00:00z", "2026-03-04T10:00:00+01:00", "2026-03-04T10:00:00 01:00",
        "1772614800", "1772614800.0", "2026-03-04T09:00Z",
    ],
)  # fmt: skip
def test_moments_in_both_forms(text: str):
    found = moment("since", text)
    assert found is not None
    assert found.isoformat() == "2026-03-04T09:00:00+00:00"


NO_MOMENTS = ("", "yesterday", "2026-03-04", "2026-13-04T09:00:00Z", "2026-03-04T09:00:00", "1e9", "9" * 13)


@pytest.mark.parametrize("text", NO_MOMENTS)
def test_what_is_no_moment(text: str):
    with pytest.raises(InvalidParam):
        moment("since", text)


def every_error(kind: type[AppError] = AppError) -> list[type[AppError]]:
    return [found for child in kind.__subclasses__() for found in (child, *every_error(child))]


def test_every_error_has_a_status_and_a_code():
    import tocsin.app  # noqa: F401 -- every module, so that every error is known

    for kind in every_error():
        assert 400 <= status_of(kind.__new__(kind)) < 504, kind
        assert kind.code.replace("_", "").isalpha(), kind
        assert kind.code == kind.code.lower(), kind
    assert status_of(AppError("bug")) == 500
    assert status_of(errors.InvalidParam("x")) == 400


@pytest.mark.parametrize(
    ("method", "path", "public"),
    [
        ("GET", "/", True), ("HEAD", "/", True), ("GET", "/containers/7", True), ("GET", "/assets/x.js", True),
        ("POST", "/", False), ("GET", "/api", False), ("GET", "/api/v1/containers", False), ("GET", "/metrics", False),
        ("GET", "/api/docs", False), ("GET", "/api/v1/health", True), ("DELETE", "/api/v1/health", False),
        ("GET", "/api/v1/health/", False), ("GET", "/api/v1/healthy", False), ("GET", "/apis", True),
        ("POST", "/api/v1/auth/login", True), ("GET", "/api/v1/auth/login", False), ("GET", "/API/v1/containers", True),
    ],
)  # fmt: skip
def test_what_answers_without_credentials(method: str, path: str, public: bool):
    assert is_public(method, path) is public


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("GET", "/api/v1/containers", Role.VIEWER),
        ("DELETE", "/api/v1/containers/1", Role.EDITOR),
        ("POST", "/api/v1/auth/logout", Role.VIEWER),
        ("GET", "/api/v1/users", Role.ADMIN),
        ("GET", "/api/v1/tokens/7", Role.ADMIN),
        ("GET", "/api/v1/audit", Role.ADMIN),
        ("POST", "/api/v1/anything/new", Role.EDITOR),
    ],
)
def test_who_may_call_what(method: str, path: str, role: Role):
    assert needed_role(method, path) is role


def test_streams_have_no_time_budget():
    assert is_stream("/api/v1/containers/events")
    assert is_stream("/api/v1/containers/7/logs/stream")
    assert not is_stream("/api/v1/containers/7/logs")
    assert not is_stream("/api/v1/containers/a/b/logs/stream")


def test_caps_count_down_again():
    caps = StreamCaps(total=3, per_client=2)
    caps.enter("a")
    caps.enter("a")
    for client in ("a",):
        with pytest.raises(TooManyStreams):
            caps.enter(client)
    caps.enter("b")
    with pytest.raises(TooManyStreams):
        caps.enter("c")
    caps.leave("a")
    caps.enter("c")
    assert caps.count == 3
