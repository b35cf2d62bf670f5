"""Pings by each method and address: one program for all of them, on each database."""

from typing import Any

import pytest

from integration.heartbeats.conftest import add, error, ping, rows, tell
from support.program import Program
from tocsin.heartbeats.objects import PingView

KEY = "/api/v1/heartbeats/ping-key"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(("rest", "body", "kind"), [
    ("", {"ok": True}, "success"),
    ("/", {"ok": True}, "success"),
    ("/start", {"ok": True}, "start"),
    ("/fail", {"ok": True}, "fail"),
    ("/log", {"ok": True}, "log"),
    ("/0", {"ok": True, "exit_code": 0}, "exit_code"),
    ("/007", {"ok": True, "exit_code": 7}, "exit_code"),
    ("/255", {"ok": True, "exit_code": 255}, "exit_code"),
])  # fmt: skip
async def test_a_ping_is_taken_by_each_method(shared: Program, method: str, rest: str, body: Any, kind: str):
    made = await add(shared, "any")
    answer = await ping(shared, made, rest, method)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["access-control-allow-origin"] == "*"
    if method == "HEAD":
        assert answer.body == b""
    else:
        assert answer.json == body
    (row,) = await rows(shared, made, "pings")
    assert row.keys() == set(PingView.__struct_encode_fields__)
    assert (row["ping_type"], row["http_method"], row["exit_code"]) == (kind, method, body.get("exit_code"))
    assert (row["source_ip"], row["payload"], row["payload_truncated"]) == ("127.0.0.1", None, False)
    assert (row["expected_at"], row["grace_deadline"]) == (made["next_expected_at"], made["next_deadline_at"])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused_and_say_which_are_not(shared: Program, method: str):
    made = await add(shared, "any")
    answer = await ping(shared, made, method=method)
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert await rows(shared, made, "pings") == []


@pytest.mark.parametrize("code", ["256", "+5", "-1", "0000", "x", "START", "1.5", "%31%31%31%31"])
async def test_a_bad_exit_code_is_refused_before_anybody_is_looked_up(shared: Program, code: str):
    nobody = {"uuid": "00000000-0000-4000-8000-000000000000"}
    for whom in (nobody, await add(shared, "any")):
        assert error(await ping(shared, whom, f"/{code}")) == (400, "invalid_exit_code", "exit_code")


async def test_who_is_not_there_is_404(shared: Program):
    made = await add(shared, "any")
    for uuid in ("00000000-0000-4000-8000-000000000000", made["uuid"].upper(), made["uuid"][:-1], "x", ""):
        for rest in ("", "/start", "/0"):
            answer = await ping(shared, {"uuid": uuid}, rest)
            assert (answer.status, answer.code) == (404, "not_found"), (uuid, rest)
    assert (await ping(shared, made, "/start/0")).status == 404


async def test_an_encoded_address_is_the_same_address(shared: Program):
    made = await add(shared, "any")
    encoded = "".join(f"%{ord(letter):02x}" for letter in made["uuid"])
    assert (await ping(shared, {"uuid": encoded}, "/%30")).json == {"ok": True, "exit_code": 0}
    assert (await shared.client.get(f"//ping/{made['uuid']}", token=None)).status == 200


async def test_neither_host_nor_origin_nor_a_bad_token_keeps_a_ping_away(shared: Program):
    made = await add(shared, "any")
    for headers in (
        {"Host": "tocsin.somewhere.example"},
        {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"},
        {"Authorization": "Bearer wrong"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json"},
    ):
        for method in ("GET", "POST"):
            assert (await ping(shared, made, "", method, headers=headers)).status == 200, headers
    assert len(await rows(shared, made, "pings")) == 10


async def test_a_body_by_get_is_no_body(shared: Program):
    made = await add(shared, "any")
    await tell(shared, made, "", data=b"hello")
    assert (await rows(shared, made, "pings"))[0]["payload"] is None
