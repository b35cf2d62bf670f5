"""The guards as small ASGI calls in memory: what gets through, and what is said to the rest."""

import json
from typing import Any

import pytest

from tocsin.core.errors import Invalid, InvalidJson, UnsupportedMediaType
from tocsin.http.guards import DEEPEST_JSON, BodyGate, HostGuard, OriginGuard, check_body, host_of

Headers = dict[str, str]


class Inner:
    """The application behind a guard: it remembers what reached it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"inner"})


class Answer:
    def __init__(self, messages: list[Any]) -> None:
        self.status = messages[0]["status"]
        self.headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        self.body = b"".join(message.get("body", b"") for message in messages[1:])

    @property
    def error(self) -> Any:
        return json.loads(self.body)["error"]


async def call(app: Any, method: str = "GET", headers: Headers | None = None, *chunks: bytes) -> Answer:
    pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": method, "path": "/api/v1/x", "headers": pairs, "state": {}}
    waiting = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Any] = []

    async def receive() -> Any:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return Answer(sent)


# --- hosts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("netloc", "host"),
    [
        ("tocsin.example.org", "tocsin.example.org"),
        ("Tocsin.Example.ORG.:8443", "tocsin.example.org"),
        ("localhost:", "localhost"),
        ("127.0.0.1:8080", "127.0.0.1"),
        ("[2001:DB8::1]:443", "[2001:db8::1]"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("a:b", "a:b"),
    ],
)
def test_the_host_without_port_and_case(netloc: str, host: str):
    assert host_of(netloc) == host


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("tocsin.example.org", 200),
        ("TOCSIN.example.org.:8080", 200),
        ("localhost:8080", 200),
        ("app.localhost", 200),
        ("192.0.2.7:8080", 200),
        ("[::1]:8080", 200),
        ("evil.example", 403),
        ("tocsin.example.org.evil.example", 403),
        ("eviltocsin.example.org", 403),
        ("notlocalhost", 403),
        ("1.2.3.4.evil.example", 403),
        ("", 403),
    ],
)
async def test_only_our_own_names_are_answered(host: str, status: int):
    inner = Inner()
    answer = await call(HostGuard(inner, ["Tocsin.Example.org"]), "GET", {"Host": host})
    assert answer.status == status
    assert len(inner.bodies) == (1 if status == 200 else 0)


async def test_a_request_without_a_host_is_refused():
    answer = await call(HostGuard(Inner(), []))
    assert (answer.status, answer.error["field"]) == (403, "Host")


# --- origins ---------------------------------------------------------------------------------------------------------

OWN = "https://tocsin.example.org"
APP = "https://app.example"
TOKEN = {"Authorization": "Bearer x"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": OWN}, 200),
        ({"Origin": "http://box:8080"}, 200),
        ({"Origin": "http://BOX:8080"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": OWN}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://evil.example", **TOKEN}, 403),
        ({"Origin": OWN + ".evil.example"}, 403),
        ({"Origin": "http://box:9090"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": APP}, 403),
        ({"Origin": APP, **TOKEN}, 200),
        ({"Origin": APP, "Sec-Fetch-Site": "cross-site", **TOKEN}, 200),
    ],
)
async def test_which_pages_may_ask_for_changes(method: str, headers: Headers, status: int):
    inner = Inner()
    answer = await call(OriginGuard(inner, OWN, [APP]), method, {"Host": "box:8080", **headers})
    assert answer.status == status
    assert len(inner.bodies) == (1 if status == 200 else 0)


@pytest.mark.parametrize("origin", ["null", "https://evil.example"])
async def test_reading_is_left_to_the_browser_to_refuse(origin: str):
    answer = await call(OriginGuard(Inner(), OWN, [APP]), "GET", {"Origin": origin})
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(("allowed", "value"), [([APP], APP), (["*"], "*")])
async def test_a_site_that_is_allowed_may_read(allowed: list[str], value: str):
    answer = await call(OriginGuard(Inner(), OWN, allowed), "GET", {"Origin": APP})
    assert answer.headers["access-control-allow-origin"] == value
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


async def test_nothing_is_said_about_origins_when_none_is_allowed():
    assert (await call(OriginGuard(Inner(), OWN, []), "GET", {"Origin": APP})).headers == {}


@pytest.mark.parametrize(("origin", "allowed"), [(APP, True), ("https://evil.example", False), ("null", False)])
async def test_a_preflight_is_answered_here(origin: str, allowed: bool):
    inner = Inner()
    headers = {"Origin": origin, "Access-Control-Request-Method": "DELETE"}
    answer = await call(OriginGuard(inner, OWN, [APP]), "OPTIONS", headers)
    assert (answer.status, inner.bodies) == (204, [])
    assert ("access-control-allow-origin" in answer.headers) is allowed
    assert ("access-control-allow-headers" in answer.headers) is allowed


# --- bodies ----------------------------------------------------------------------------------------------------------

JSON = {"Content-Type": "application/json"}


def sized(*chunks: bytes, **more: str) -> Headers:
    return {**JSON, "Content-Length": str(sum(map(len, chunks))), **more}


@pytest.mark.parametrize("chunks", [(b'{"a": 1}',), (b'{"a"', b": 1}"), (b"", b'{"a": 1}', b"")])
async def test_a_body_in_pieces_arrives_whole(chunks: tuple[bytes, ...]):
    inner = Inner()
    answer = await call(BodyGate(inner, 100), "POST", sized(*chunks), *chunks)
    assert (answer.status, inner.bodies) == (200, [b'{"a": 1}'])


async def test_a_request_without_a_body_needs_no_form():
    inner = Inner()
    assert (await call(BodyGate(inner, 100), "POST", {"Content-Length": "0"})).status == 200
    assert inner.bodies == [b""]


@pytest.mark.parametrize(
    ("headers", "chunks", "status", "code"),
    [
        ({**JSON, "Content-Length": "101"}, (), 413, "payload_too_large"),
        ({**JSON, "Content-Length": "9" * 30}, (), 413, "payload_too_large"),
        ({**JSON, "Transfer-Encoding": "chunked"}, (b" " * 60, b" " * 60), 413, "payload_too_large"),
        ({"Content-Type": "text/plain", "Content-Length": "2"}, (b"{}",), 415, "unsupported_media_type"),
        ({"Content-Length": "2"}, (b"{}",), 415, "unsupported_media_type"),
        ({**JSON, "Content-Length": "1"}, (b"\xff",), 400, "invalid_json"),
    ],
)
async def test_a_body_that_cannot_be_right_ends_the_connection(
    headers: Headers, chunks: tuple[bytes, ...], status: int, code: str
):
    inner = Inner()
    answer = await call(BodyGate(inner, 100), "POST", headers, *chunks)
    assert (answer.status, answer.error["code"], inner.bodies) == (status, code, [])
    assert answer.headers["connection"] == "close"


async def test_a_body_of_exactly_the_limit_is_let_through():
    body = b'"' + b"x" * 98 + b'"'
    assert (await call(BodyGate(Inner(), 100), "POST", sized(body), body)).status == 200


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "APPLICATION/JSON", "application/json;charset=utf-8", 'application/json ; charset="UTF-8"'],
)
def test_forms_of_json(content_type: str):
    check_body(b"{}", content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        None, "", "text/json", "application/json, text/plain", "application/problem+json", "application/jsonp",
        "application/json; charset=iso-8859-1", "application/json; charset=utf-8; x=1", "text/plain;application/json",
    ],
)  # fmt: skip
def test_what_is_not_called_json_is_refused(content_type: str | None):
    with pytest.raises(UnsupportedMediaType) as caught:
        check_body(b"{}", content_type)
    assert caught.value.field == "Content-Type"


@pytest.mark.parametrize("body", [rb'"\u0000"', rb'{"a": "x\\\u0000"}', rb'{"\u0000": 1}', rb'"\\\\\u0000"'])
def test_text_with_nul_is_refused(body: bytes):
    with pytest.raises(Invalid, match="NUL"):
        check_body(body, "application/json")


@pytest.mark.parametrize("body", [rb'"\\u0000"', rb'"\\\\u0000"', rb'"u0000"', rb'"\u0001"', b'"\xc3\xa9"'])
def test_text_that_only_looks_like_nul_is_let_through(body: bytes):
    check_body(body, "application/json")


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_depth_has_a_limit(opening: bytes):
    closing = b"]" if opening == b"[" else b"}"
    check_body(opening * DEEPEST_JSON + b"1" + closing * DEEPEST_JSON, "application/json")
    with pytest.raises(InvalidJson):
        check_body(opening * (DEEPEST_JSON + 1) + b"1" + closing * (DEEPEST_JSON + 1), "application/json")


@pytest.mark.parametrize("body", [b"[" + b"[]," * 500 + b"[]]", b'"' + b"[" * 500 + b'"', rb'"\"' + b"{" * 99 + b'"'])
def test_width_and_text_are_not_depth(body: bytes):
    check_body(body, "application/json")
