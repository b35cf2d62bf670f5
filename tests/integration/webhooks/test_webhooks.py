"""Webhooks over HTTP: subscriptions, and signed events that reach a real receiver, each with one id and in order."""

import asyncio
import hashlib
import hmac
import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from conftest import Start
from integration.alerts.conftest import raised
from integration.alerts.test_routes import clear, error, fire
from support.program import Answer, Program, until
from support.sink import Received, Sink

SECRET = "a-secret-of-our-own-choice"


async def subscribe(program: Program, receiver: Sink, **changes: Any) -> dict[str, Any]:
    body = {"name": "ci", "url": receiver.base + "/events?key=hidden-in-query", **changes}
    answer = await program.client.post("/api/v1/webhooks", body)
    assert answer.status == 201, answer.body
    return dict(answer.json)


async def put(program: Program, webhook: dict[str, Any], body: Any) -> Answer:
    return await program.client.request("PUT", f"/api/v1/webhooks/{webhook['id']}", json_body=body)


async def arrived(receiver: Sink, count: int) -> list[Received]:
    async def look() -> list[Received]:
        return receiver.accepted

    return await until(look, lambda found: len(found) >= count, 15)


async def deliveries(program: Program, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    return list((await program.client.get(f"/api/v1/webhooks/{webhook['id']}/deliveries")).json["deliveries"])


def signature(secret: str, body: bytes) -> str:
    """The signature as a receiver computes it, with nothing of ours."""
    return "sha256=" + hmac.new(secret.encode("utf-8"), msg=body, digestmod=hashlib.sha256).hexdigest()


async def test_an_event_leaves_as_it_was_streamed_and_signed(sending: Program, receiver: Sink):
    made = await subscribe(sending, receiver, secret=SECRET, event_types=["alert.fired", "alert.resolved"])
    assert made["url"] == receiver.base + "/events?key=***"
    assert (made["has_secret"], made["is_active"], made["event_types"]) == (
        True,
        True,
        ["alert.fired", "alert.resolved"],
    )
    await fire(sending, "nas")
    await clear(sending, "nas")

    first, second = (await arrived(receiver, 2))[:2]

    streamed = sending.seen("alert.fired")[-1]
    assert first.json["data"] == streamed
    assert [one.json["type"] for one in (first, second)] == ["alert.fired", "alert.resolved"]
    assert first.headers["X-Tocsin-Event"] == "alert.fired"
    assert first.headers["X-Tocsin-Delivery"] == first.json["id"] == str(uuid.UUID(first.json["id"]))
    assert first.headers["X-Tocsin-Timestamp"] == first.json["timestamp"]
    assert first.headers["X-Tocsin-Signature"] == signature(SECRET, first.body)
    age = datetime.now().astimezone() - datetime.fromisoformat(first.json["timestamp"])
    assert abs(age) < timedelta(minutes=1)
    shown = (await sending.client.get(f"/api/v1/webhooks/{made['id']}")).json
    assert (shown["last_delivery_status"], shown["failure_count"]) == ("delivered", 0)
    rows = await deliveries(sending, made)
    assert [(row["event_type"], row["status"], row["attempts"]) for row in rows] == [
        ("alert.resolved", "delivered", 1),
        ("alert.fired", "delivered", 1),
    ]


async def test_the_routes_of_webhooks(sending: Program, receiver: Sink):
    made = await subscribe(sending, receiver)
    path = f"/api/v1/webhooks/{made['id']}"
    listed = (await sending.client.get("/api/v1/webhooks")).json
    assert ([one["id"] for one in listed["webhooks"]], listed["total"]) == ([made["id"]], 1)
    assert (await sending.client.get(path)).json["name"] == "ci"
    kept = await put(sending, made, {"name": "deploy", "url": made["url"], "event_types": ["alert.*"]})
    assert (kept.status, kept.json["name"], kept.json["event_types"]) == (200, "deploy", ["alert.*"])

    tested = await sending.client.post(f"{path}/test")
    assert (tested.status, tested.json) == (200, {"status": "delivered", "http_status": 200})
    assert error(await sending.client.post(f"{path}/test"))[:2] == (429, "rate_limited")
    sent = receiver.received[-1]
    assert (sent.json["type"], sent.headers["X-Tocsin-Event"]) == ("test", "test")
    assert "message" in sent.json["data"]

    assert (await sending.client.delete(path)).status == 204
    missing = (
        await sending.client.get(path),
        await sending.client.delete(path),
        await put(sending, made, {"name": "x"}),
        await sending.client.post(f"{path}/test"),
        await sending.client.get(f"{path}/deliveries"),
        await sending.client.post(f"{path}/deliveries/x/retry"),
    )
    assert [error(answer)[:2] for answer in missing] == [(404, "not_found")] * 6
    types = (await sending.client.get("/api/v1/webhooks/event-types")).json["event_types"]
    assert {"*", "alert.*", "alert.fired", "container.state_changed", "endpoint.status_changed"} <= set(types)


async def test_get_webhooks_shows_the_newest_first_and_hides_what_may_be_secret(sending: Program, receiver: Sink):
    plain = await subscribe(sending, receiver, url=receiver.base + "/hooks/monitor/v2")
    secret = await subscribe(sending, receiver, url=receiver.base + "/api/webhooks/81723/Zx81hQ-token?key=x")
    listed = (await sending.client.get("/api/v1/webhooks")).json["webhooks"]
    assert [one["id"] for one in listed] == [secret["id"], plain["id"]]
    assert [one["url"].removeprefix(receiver.base) for one in listed] == [
        "/api/webhooks/***/***?key=***",
        "/hooks/monitor/v2",
    ]
    kept = await put(sending, secret, {"name": "same", "url": secret["url"]})
    assert (kept.status, kept.json["url"]) == (200, secret["url"])


async def test_the_same_webhook_twice_is_noted(sending: Program, receiver: Sink):
    with capture_logs() as logs:
        first = await subscribe(sending, receiver, secret=SECRET)
        await subscribe(sending, receiver)
        twin = await subscribe(sending, receiver, secret=SECRET)
    said = [(one["webhook_id"], one["other_id"]) for one in logs if one["event"].startswith("two webhooks")]
    assert said == [(twin["id"], first["id"])]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": " "}, "name"),
        ({"url": "https://[x"}, "url"),
        ({"url": ""}, "url"),
        ({"url": "ftp://example.org/x"}, "url"),
        ({"url": "http://8.8.8.8/x"}, "url"),
        ({"url": "https://169.254.169.254/x"}, "url"),
        ({"url": "https://hooks.slack.com/services/T/B/X"}, "url"),
        ({"url": "https://discord.com/api/webhooks/1/x"}, "url"),
        ({"secret": "short"}, "secret"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["alert.exploded"]}, "event_types"),
        ({"event_types": ["alert.fired"] * 21}, "event_types"),
        ({"is_active": False}, "is_active"),
    ],
)
async def test_post_webhooks_names_what_is_wrong(sending: Program, body: dict[str, Any], field: str):
    answer = await sending.client.post("/api/v1/webhooks", {"name": "x", "url": "https://10.1.2.3/x", **body})
    assert (answer.status, answer.json["error"].get("field")) == (400, field), answer.body


async def test_a_new_secret_signs_beside_the_old_one(sending: Program, receiver: Sink):
    made = await subscribe(sending, receiver, secret=SECRET)
    rotated = await put(sending, made, {"secret": "another-secret-entirely"})
    assert rotated.json["secret_overlap_until"] is not None
    await sending.client.post(f"/api/v1/webhooks/{made['id']}/test")
    sent = next(one for one in receiver.received if one.json["type"] == "test")
    assert sent.headers["X-Tocsin-Signature"].split(",") == [
        signature("another-secret-entirely", sent.body),
        signature(SECRET, sent.body),
    ]
    unsigned = await put(sending, made, {"secret": None})
    assert (unsigned.json["has_secret"], unsigned.json["secret_overlap_until"]) == (False, None)


@pytest.mark.parametrize("bad", [500, 429, "reset"])
async def test_an_event_is_sent_again_with_its_id_and_the_next_one_waits(sending: Program, receiver: Sink, bad: Any):
    await subscribe(sending, receiver, event_types=["alert.*"])
    receiver.answers = [bad, bad]
    await fire(sending, "nas")
    await clear(sending, "nas")
    await arrived(receiver, 2)
    assert [one.json["type"] for one in receiver.received] == ["alert.fired"] * 3 + ["alert.resolved"]
    assert len({one.json["id"] for one in receiver.received[:3]}) == 1


async def test_after_ten_refusals_in_a_row_it_is_paused_and_rings(sending: Program, receiver: Sink):
    made = await subscribe(sending, receiver, event_types=["alert.fired", "alert.resolved"])
    receiver.answers = [410] * 100
    for number in range(10):
        await fire(sending, f"host-{number}")
    ringing = await raised(sending, "webhook_disabled")
    assert (ringing["source"], ringing["entity_name"]) == ("system", "ci")
    shown = (await sending.client.get(f"/api/v1/webhooks/{made['id']}")).json
    assert (shown["is_active"], shown["failure_count"], shown["last_delivery_status"]) == (False, 10, "failed")
    assert "10 events" in shown["disabled_reason"]
    assert sending.seen("webhook.disabled")[0]["name"] == "ci"
    sent = len(receiver.received)
    await fire(sending, "later")
    await asyncio.sleep(0.3)
    assert len(receiver.received) == sent == 10

    receiver.answers = []
    assert (await sending.client.post(f"/api/v1/webhooks/{made['id']}/test")).json["status"] == "delivered"
    shown = (await sending.client.get(f"/api/v1/webhooks/{made['id']}")).json
    assert (shown["is_active"], shown["failure_count"], shown["disabled_reason"]) == (True, 0, None)
    await raised(sending, "webhook_disabled", "resolved")
    failed = (await deliveries(sending, made))[-1]
    again = f"/api/v1/webhooks/{made['id']}/deliveries/{failed['id']}/retry"
    assert (await sending.client.post(again)).status == 204
    await until(lambda: deliveries(sending, made), lambda rows: rows[-1]["status"] == "delivered")
    assert error(await sending.client.post(again))[:2] == (409, "conflict")


async def test_what_happens_while_it_cannot_be_sent_survives_a_restart(start: Start, receiver: Sink, quick: None):
    settings = {"TOCSIN_EGRESS_ALLOW": "127.0.0.0/8"}
    async with start(**settings) as program:
        await subscribe(program, receiver, event_types=["alert.fired", "alert.resolved"])
        receiver.answers = [503] * 100
        await fire(program, "nas")
        await until(lambda: _tries(receiver), lambda count: count > 1)
        await clear(program, "nas")
    receiver.answers = []
    async with start(**settings):
        found = await arrived(receiver, 2)
    assert [one.json["type"] for one in found] == ["alert.fired", "alert.resolved"]
    assert {one.json["id"] for one in receiver.received if one.json["type"] == "alert.fired"} == {found[0].json["id"]}


async def _tries(receiver: Sink) -> int:
    return len(receiver.received)


async def test_no_secret_is_shown_or_stored_in_clear(sending: Program, receiver: Sink):
    made = await subscribe(sending, receiver, secret=SECRET)
    await put(sending, made, {"secret": "another-secret-entirely"})
    await fire(sending, "nas")
    await arrived(receiver, 1)
    answers = [
        await sending.client.get(path)
        for path in ("/api/v1/webhooks", f"/api/v1/webhooks/{made['id']}", "/api/v1/audit", "/api/v1/events")
    ]
    stored = b"".join(path.read_bytes() for path in sending.tocsin.settings.data_dir.glob("tocsin.db*"))
    for text in (*(answer.body for answer in answers), stored, json.dumps(made).encode()):
        for secret in (SECRET, "another-secret-entirely", "hidden-in-query"):
            assert secret.encode() not in text
