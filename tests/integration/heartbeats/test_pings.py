"""Pings as jobs send them: by any method, from anywhere, with a body; and what is kept of them."""

import asyncio

import pytest
from structlog.testing import capture_logs

from conftest import Start
from integration.accounts.conftest import signed_in
from integration.heartbeats.conftest import act, add, get, ping, put, rows, tell
from support.program import Program
from tocsin.accounts.models import RoleName

KEY = "/api/v1/heartbeats/ping-key"


# --- methods and addresses -------------------------------------------------------------------------------------------


async def test_a_flood_is_counted_as_alive_and_leaves_no_rows(watch: Program):
    made = await add(watch, interval_seconds=60)
    answers = await asyncio.gather(*(ping(watch, made) for _ in range(150)))
    assert {answer.status for answer in answers} == {200}
    assert 60 <= len(await rows(watch, made, "pings", "?limit=500")) <= 90
    assert (await get(watch, made))["status"] == "up"
    assert (await tell(watch, made, "/9"))["status"] == "down"


async def test_guessing_is_slowed_down_and_nobody_else_is(watch: Program):
    made = await add(watch)
    guesses = [{"uuid": f"00000000-0000-4000-8000-{number:012}"} for number in range(150)]
    answers = await asyncio.gather(*(ping(watch, guess) for guess in guesses))
    assert {answer.status for answer in answers} == {404, 429}
    assert (await ping(watch, made)).status == 200
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.code == "rate_limited"
    assert int(refused.headers["retry-after"]) >= 1


# --- bodies ----------------------------------------------------------------------------------------------------------


async def test_a_body_is_kept_with_the_ping_and_with_the_run_it_ended(watch: Program):
    made = await add(watch)
    await tell(watch, made, "/start", method="POST", data=b"begun")
    await tell(watch, made, "/3", method="POST", data="größer\0€".encode())
    pings = await rows(watch, made, "pings")
    assert [one["payload"] for one in pings] == ["größer\ufffd€", "begun"]
    (run,) = await rows(watch, made, "executions")
    assert (run["payload"], run["outcome"], run["exit_code"]) == ("größer\ufffd€", "failure", 3)


async def test_a_long_body_is_cut_between_characters_and_says_so(start: Start, environment: dict[str, str]):
    async with start(TOCSIN_PING_BODY_BYTES="1000", **environment) as program:
        made = await add(program)
        whole = await ping(program, made, method="POST", data=b"x" * 1000)
        assert whole.headers["ping-body-limit"] == "1000"
        await tell(program, made, "", method="POST", data="€".encode() * 400)
        await tell(program, made, "", method="POST", data=b"\xff" * 2000)
        await tell(program, made, "", method="POST", data=b"y" * 900_000)
        cut = [(one["payload"], one["payload_truncated"]) for one in await rows(program, made, "pings")]
    assert cut == [("y" * 1000, True), ("\ufffd" * 1000, True), ("€" * 333, True), ("x" * 1000, False)]


async def test_words_and_methods_decide_where_that_is_asked_for(watch: Program):
    made = await add(watch, failure_keywords=["ERROR"], success_keywords=["done"], start_keywords=["begin"])
    for body, kind, status in (
        (b"begin", "start", "started"),
        (b"all done", "success", "up"),
        (b"hm", "ignored", "up"),
        (b"ERROR, done", "fail", "down"),
    ):
        assert (await tell(watch, made, "", method="POST", data=body))["status"] == status
        assert (await rows(watch, made, "pings"))[0]["ping_type"] == kind
    only = await add(watch, "only", post_only=True)
    assert (await tell(watch, only, "", "/0", "/start"))["status"] == "new"
    assert (await tell(watch, only, "", method="HEAD"))["status"] == "new"
    assert (await tell(watch, only, "", method="POST"))["status"] == "up"


# --- where it comes from ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("trusted", "forwarded", "expected"), [
    ("127.0.0.0/8", "203.0.113.9", "203.0.113.9"),
    ("127.0.0.0/8", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
    ("127.0.0.0/8", "2001:db8::1", "2001:db8::1"),
    ("127.0.0.0/8", "nonsense", "127.0.0.1"),
    ("", "203.0.113.9", "127.0.0.1"),
    ("10.0.0.0/8", "203.0.113.9", "127.0.0.1"),
])  # fmt: skip
async def test_the_address_is_what_a_trusted_proxy_says(start: Start, trusted: str, forwarded: str, expected: str):
    async with start(TOCSIN_TRUSTED_PROXIES=trusted) as program:
        made = await add(program)
        await tell(program, made, "", headers={"X-Forwarded-For": forwarded, "User-Agent": "u" * 300})
        (row,) = await rows(program, made, "pings")
    assert (row["source_ip"], row["user_agent"]) == (expected, "u" * 200)


# --- the key of URLs with slugs --------------------------------------------------------------------------------------


async def test_a_slug_pings_with_the_key_and_makes_what_is_not_there(watch: Program):
    made = await add(watch, "Nightly backup")
    key = (await watch.client.get(KEY)).json
    assert key["url"].endswith(f"/ping/{key['key']}")
    assert (await watch.client.get(KEY)).json == key
    client, base = watch.client, f"/ping/{key['key']}"
    assert (await client.get(f"{base}/nightly-backup/0", token=None)).json == {"ok": True, "exit_code": 0}
    assert (await get(watch, made))["status"] == "up"
    assert (await client.get(f"{base}/other", token=None)).status == 404
    assert (await client.get(f"{base}/other?create=0", token=None)).status == 404
    assert (await client.get(f"{base}/other/start?create=1", token=None)).status == 201
    assert (await client.get(f"{base}/other?create=1", token=None)).status == 200
    other = (await client.get("/api/v1/heartbeats")).json["heartbeats"][0]
    assert (other["name"], other["slug"], other["status"]) == ("other", "other", "up")
    assert (other["interval_seconds"], other["grace_seconds"]) == (86_400, 3600)
    for wrong in ("x", key["key"].upper(), key["key"][:-1]):
        assert (await client.get(f"/ping/{wrong}/nightly-backup?create=1", token=None)).status == 404

    fresh = (await client.post(f"{KEY}/rotate")).json
    assert fresh["key"] != key["key"]
    assert (await client.get(f"{base}/nightly-backup", token=None)).status == 404
    assert (await client.get(f"/ping/{fresh['key']}/nightly-backup", token=None)).status == 200


async def test_who_may_only_read_does_not_see_the_key_and_changes_nothing(watch: Program):
    made = await add(watch)
    viewer, editor = await signed_in(watch, "vera", RoleName.VIEWER), await signed_in(watch, "ed", RoleName.EDITOR)
    for method, path in (
        ("GET", "/heartbeats/ping-key"), ("POST", "/heartbeats/ping-key/rotate"), ("POST", "/heartbeats"),
        *(("POST", f"/heartbeats/{made['id']}/{action}") for action in ("pause", "resume", "rotate")),
        ("DELETE", f"/heartbeats/{made['id']}"), ("PUT", f"/heartbeats/{made['id']}"),
    ):  # fmt: skip
        answer = await viewer(method, path, {"name": "x", "interval_seconds": 60} if method == "PUT" else None)
        assert (answer.status, answer.code) == (403, "forbidden"), path
    for rest in (
        "",
        f"/{made['id']}",
        f"/{made['id']}/pings",
        f"/{made['id']}/executions",
        f"/{made['id']}/uptime/daily",
    ):
        assert (await viewer("GET", f"/heartbeats{rest}")).status == 200
    assert (await watch.client.get(KEY, token=None)).status == 401
    assert (await editor("GET", "/heartbeats/ping-key")).status == 200
    assert (await editor("POST", f"/heartbeats/{made['id']}/pause")).status == 200


# --- the secret ------------------------------------------------------------------------------------------------------


async def test_the_secret_is_in_no_event_and_no_log(watch: Program, capsys: pytest.CaptureFixture[str]):
    with capture_logs() as logs:
        made = await add(watch)
        key = (await watch.client.get(KEY)).json["key"]
        await tell(watch, made, "/start", "/0", "/4", "")
        await watch.client.get(f"/ping/{key}/backup?create=1", token=None)
        await ping(watch, made, "/999")
        await put(watch, made, {"name": "other"})
        fresh = (await act(watch, made, "rotate")).json
        await ping(watch, made)
        await act(watch, fresh, "pause")
        await watch.client.delete(f"/api/v1/heartbeats/{made['id']}")
    journal = (await watch.client.get("/api/v1/events?limit=500")).json["events"]
    assert {event["type"] for event in journal} >= {
        "heartbeat.created", "heartbeat.updated", "heartbeat.deleted", "heartbeat.status_changed", "heartbeat.alert",
        "heartbeat.recovery",
    }  # fmt: skip
    shown = [str(journal), str(watch.events), str(logs), str(capsys.readouterr())]
    alerts, audit = await watch.client.get("/api/v1/alerts"), await watch.client.get("/api/v1/audit?limit=500")
    shown += [alerts.body.decode(), audit.body.decode()]
    for text in shown:
        for secret in (made["uuid"], fresh["uuid"], key):
            assert secret not in text
