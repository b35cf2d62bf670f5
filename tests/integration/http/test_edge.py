"""The edge over a real socket: who gets in, with what, and what they are told."""

import asyncio
import json
import re
from typing import Any

import pytest

from support.program import Program
from tocsin.http.access import PUBLIC, is_open
from tocsin.http.server import listen


async def raw(program: Program, data: bytes, *, wait_s: float = 3.0, then: bytes = b"") -> bytes:
    """Send *data* as it is and return everything that comes back until the server closes or *wait_s* pass."""
    port = int(program.client.base.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        await writer.drain()
        if then:
            await asyncio.sleep(0.2)
            writer.write(then)
        return await asyncio.wait_for(reader.read(65536), wait_s)
    finally:
        writer.close()


def every_route(program: Program) -> list[tuple[str, str]]:
    """Return (method, path) of every route of the document, ids filled in."""
    return [
        (method.upper(), re.sub(r"\{\w+\}", "1", path))
        for path, operations in program.tocsin.openapi["paths"].items()
        for method in operations
    ]


async def test_every_route_without_credentials_is_refused_except_the_public_ones(program: Program):
    others = [("GET", "/metrics"), ("GET", "/api/docs"), ("GET", "/api/v1/openapi.json"), ("GET", "/api/v1/nothing")]
    for method, path in [*every_route(program), *others]:
        answer = await program.client.request(method, path, token=None)
        if (method, path) in PUBLIC or is_open(path):
            assert answer.status != 401, (method, path)
        else:
            assert (answer.status, answer.code) == (401, "unauthorized"), (method, path)
            wrong = await program.client.request(method, path, token="wrong")
            assert wrong.status in {401, 429}, (method, path)  # who guesses too often waits


async def test_the_public_list_is_short_and_known():
    assert {
        ("GET", "/api/v1/health"),
        ("GET", "/api/v1/auth/setup"),
        ("POST", "/api/v1/auth/setup"),
        ("POST", "/api/v1/auth/login"),
    } == PUBLIC
    assert [path for path in ("/ping", "/ping/1", "/pings", "/api/v1/ping", "/status") if is_open(path)] == [
        "/ping",
        "/ping/1",
    ]


async def test_every_refusal_is_an_envelope_with_its_request_id(program: Program):
    client = program.client
    wrong = [
        (await client.get("/api/v1/containers/7"), 404, "not_found"),
        (await client.get("/api/v1/containers/zero"), 400, "invalid_id"),
        (await client.get("/api/v1/containers/0"), 400, "invalid_id"),
        (await client.get("/api/v1/containers/99999999999999999999"), 400, "invalid_id"),
        (await client.get("/api/v1/containers?limit=501"), 400, "invalid_param"),
        (await client.get("/api/v1/containers?limit=x"), 400, "invalid_param"),
        (await client.get("/api/v1/containers?archived=maybe"), 400, "invalid_param"),
        (await client.get("/api/v1/containers?state=broken"), 400, "invalid_param"),
        (await client.get("/api/v1/containers/1/transitions?since=yesterday"), 400, "invalid_param"),
        (await client.get("/api/v1/containers/1/transitions"), 404, "not_found"),
        (await client.get("/api/v1/containers/1/logs"), 404, "not_found"),
        (await client.get("/api/v1/containers/1/logs?lines=0"), 400, "invalid_param"),
        (await client.get("/api/v1/containers/1/logs/stream"), 404, "not_found"),
        (await client.get("/api/v1/containers/x/logs/stream"), 400, "invalid_id"),
        (await client.get("/api/v1/containers/1/logs/stream?container=../../x"), 400, "invalid_param"),
        (await client.get("/api/v1/containers/events?types=a%20b"), 400, "invalid_param"),
        (await client.get("/api/v1/containers/events?last_event_id=x"), 400, "invalid_param"),
        (await client.get("/api/v1/containers/1/endpoints"), 404, "not_found"),
        (await client.get("/api/v1/nothing"), 404, "route_not_found"),
        (await client.get("/api/nothing"), 404, "route_not_found"),
        (await client.request("PATCH", "/api/v1/containers"), 405, "method_not_allowed"),
        (await client.post("/api/v1/containers/events"), 405, "method_not_allowed"),
        (await client.post("/metrics"), 405, "method_not_allowed"),
        (await client.get("/assets/nothing.js"), 404, "route_not_found"),
    ]
    for answer, status, code in wrong:
        assert (answer.status, answer.code) == (status, code), answer.body
        assert answer.json["error"]["request_id"] == answer.headers["x-request-id"]
        assert answer.headers["content-type"] == "application/json"
        assert len(answer.json["error"]["message"]) > 10


async def test_a_request_id_is_kept_when_it_is_harmless(program: Program):
    kept = await program.client.get("/api/v1/health", headers={"X-Request-ID": "deploy-42"})
    made = await program.client.get("/api/v1/health", headers={"X-Request-ID": "a b" + "c" * 99})
    assert kept.headers["x-request-id"] == "deploy-42"
    assert re.fullmatch(r"[0-9a-f]{16}", made.headers["x-request-id"])


async def test_every_answer_carries_the_security_headers(program: Program):
    for path in ("/api/v1/health", "/", "/api/v1/containers", "/nothing.js"):
        headers = (await program.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
    assert (await program.client.get("/api/v1/health")).headers["cache-control"] == "no-store"


async def test_a_list_is_asked_for_again_by_its_tag(program: Program):
    first = await program.client.get("/api/v1/containers")
    again = await program.client.get("/api/v1/containers", headers={"If-None-Match": first.headers["etag"]})
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Cookie, Authorization"
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", ""])
async def test_a_foreign_host_name_is_refused(program: Program, host: str):
    answer = await program.client.get("/api/v1/health", headers={"Host": host})
    assert (answer.status, answer.code) == (403, "forbidden")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "10.0.0.7"])
async def test_our_own_host_names_are_answered(program: Program, host: str):
    assert (await program.client.get("/api/v1/health", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_changes_asked_for_by_another_site_are_refused(program: Program, headers: dict[str, str]):
    login = {"name": "a", "password": "b"}
    for answer in (
        await program.client.post("/api/v1/auth/login", login, token=None, headers=headers),
        await program.client.delete("/api/v1/containers/1", headers=headers),
    ):
        assert (answer.status, answer.code) == (403, "forbidden")


async def test_preflights_are_answered_without_giving_anything_away(program: Program):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}
    answer = await program.client.request("OPTIONS", "/api/v1/containers/1", headers=headers, token=None)
    assert answer.status == 204
    assert "access-control-allow-origin" not in answer.headers


async def test_an_allowed_origin_may_call_with_a_token_only(start):
    async with start(TOCSIN_CORS_ORIGINS="https://app.example") as program:
        origin = {"Origin": "https://app.example"}
        answer = await program.client.delete("/api/v1/containers/1", headers=origin)
        assert answer.status == 404
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        cookie = {**origin, "Cookie": "tocsin_session=x"}
        assert (await program.client.delete("/api/v1/containers/1", token=None, headers=cookie)).status == 403


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{" * 10_000, JSON, 400, "invalid_json"),
        (b'{"a":' * 50 + b"1" + b"}" * 50, JSON, 400, "invalid_json"),
        (b'{"name": "\xff\xfe", "password": "x"}', JSON, 400, "invalid_json"),
        (b'{"name": "a\\u0000b", "password": "x"}', JSON, 400, "invalid_input"),
        (b'{"name": "a", "password": "b"} trailing', JSON, 400, "invalid_json"),
        (b'{"name": "a", "password": "b", "admin": true}', JSON, 400, "invalid_input"),
        (b'{"name": 5, "password": "b"}', JSON, 400, "invalid_input"),
        (b'{"name": "a"}', JSON, 400, "invalid_input"),
        (b"", JSON, 400, "invalid_json"),
        (b"[]", JSON, 400, "invalid_input"),
        (b'{"name": "a", "password": "b"}', {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"name=a&password=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        (b'{"name": "' + b"x" * (1 << 20) + b'"}', JSON, 413, "payload_too_large"),
    ],
)
async def test_bad_bodies_are_refused_with_a_reason(
    program: Program, body: bytes, headers: Any, status: int, code: str
):
    answer = await program.client.request("POST", "/api/v1/auth/login", token=None, data=body, headers=headers)
    assert (answer.status, answer.code) == (status, code), answer.body


async def test_a_bad_body_names_its_field(program: Program):
    answer = await program.client.post("/api/v1/auth/login", {"name": 5, "password": "b"}, token=None)
    assert answer.json["error"]["field"] == "name"


async def test_a_body_without_a_length_is_limited_too(program: Program):
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    head = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    answer = await raw(program, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 20)
    assert answer.startswith(b"HTTP/1.1 413")


async def test_an_oversized_body_is_refused_on_every_method(program: Program):
    for method in ("GET", "DELETE", "PUT", "POST"):
        answer = await program.client.request(method, "/api/v1/containers/1", data=b"x" * (2 << 20))
        assert answer.status in {405, 413}, method


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/assets/../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/docs/..%2f..%2fapp.py"],
)
async def test_no_path_leads_out_of_the_pages(program: Program, path: str):
    answer = await raw(program, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert b"root:" not in answer
    assert b"import " not in answer


async def test_a_slow_head_is_cut_off(program: Program):
    start = asyncio.get_running_loop().time()
    assert await raw(program, b"GET / HTTP/1.1\r\nHost: loc", wait_s=9) == b""
    assert asyncio.get_running_loop().time() - start < 8


async def test_a_slow_body_is_cut_off(program: Program):
    head = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    assert await raw(program, head + b"Content-Length: 50\r\n\r\n{", wait_s=9) == b""


async def test_what_is_no_http_gets_an_envelope(program: Program):
    answer = await raw(program, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "invalid_input"


async def test_a_huge_head_is_refused(program: Program):
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 1000) for n in range(1000))
    answer = await raw(program, head + b"\r\n")
    assert b"HTTP/1.1 2" not in answer[:12] or len(answer) < 65536
    assert (await program.client.get("/api/v1/health")).status == 200


async def test_a_bug_is_told_in_one_word_and_logged(program: Program, monkeypatch: pytest.MonkeyPatch):
    async def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(program.tocsin.container_queries, "detail", broken)
    answer = await program.client.get("/api/v1/containers/1")
    assert (answer.status, answer.code) == (500, "internal_error")
    assert b"secret" not in answer.body


async def test_an_answer_that_takes_too_long_is_given_up(program: Program, monkeypatch: pytest.MonkeyPatch):
    async def slow(*_: Any) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr("tocsin.http.edge.BUDGET_S", 0.2)
    monkeypatch.setattr(program.tocsin.container_queries, "detail", slow)
    answer = await program.client.get("/api/v1/containers/1")
    assert (answer.status, answer.code) == (503, "timeout")


async def test_system_routes_tell_the_truth(program: Program):
    health = (await program.client.get("/api/v1/health", token=None)).json
    assert health["status"] == "ok"
    assert health["runtime"] == "none"
    status = (await program.client.get("/api/v1/runtime/status")).json
    assert (status["runtime"], status["connected"], status["hosts"]) == ("none", False, [])
    edition = (await program.client.get("/api/v1/edition")).json
    assert edition["edition"] == "community"
    assert len(edition["features"]) == 17
    assert {quota["limit"] for quota in edition["quotas"].values()} == {-1}
    metrics = (await program.client.get("/metrics")).body.decode()
    assert "tocsin_http_request_seconds_bucket" in metrics
    assert 'route="/api/v1/health"' in metrics


async def test_head_is_get_without_a_body(program: Program):
    for path in ("/", "/api/v1/openapi.json", "/metrics", "/api/v1/containers/events", "/api/v1/containers"):
        answer = await program.client.request("HEAD", path)
        assert (answer.status, answer.body) == (200, b"")


async def test_the_address_in_use_is_reported(program: Program):

    port = int(program.client.base.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"), listen("127.0.0.1", port):
        pass
