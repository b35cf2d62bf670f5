"""Channels over HTTP, and notifications that reach a real receiver: each once, in order, whatever it answers."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from conftest import Start
from integration.alerts.test_routes import clear, fire
from support.program import Answer, Program, until
from support.sink import Sink
from tocsin.containers.models import Severity

SECRET_PATH = "/hook?key=super-secret-token"


async def add(program: Program, receiver: Sink, name: str = "ops", **changes: Any) -> dict[str, Any]:
    body = {"name": name, "url": receiver.base + SECRET_PATH, **changes}
    answer = await program.client.post("/api/v1/channels", body)
    assert answer.status == 201, answer.body
    return dict(answer.json)


async def put(program: Program, path: str, body: Any) -> Answer:
    return await program.client.request("PUT", f"/api/v1{path}", json_body=body)


def error(answer: Answer) -> tuple[int, str, Any]:
    found = answer.json["error"]
    return answer.status, found["code"], found.get("field")


async def accepted(receiver: Sink, count: int) -> list[tuple[str, str, str]]:
    async def look() -> list[tuple[str, str, str]]:
        return receiver.notices()

    return await until(look, lambda found: len(found) >= count, 15)


async def test_a_channel_hides_its_secrets_everywhere(sending: Program, receiver: Sink):
    made = await add(sending, receiver, headers={"X-Key": "hunter2-header"})
    assert made["url"] == f"{receiver.base}/***oken"
    assert (made["headers"], made["has_secret"], made["health"]) == ({"X-Key": "***"}, True, "healthy")
    kept = await put(
        sending, f"/channels/{made['id']}", {"name": "ops2", "url": made["url"], "headers": made["headers"]}
    )
    assert kept.json["name"] == "ops2"

    result = await sending.client.post(f"/api/v1/channels/{made['id']}/test")

    assert (result.json["status"], result.json["response_code"], result.json["error"]) == ("delivered", 200, None)
    assert receiver.received[0].path == "/hook"
    assert receiver.received[0].headers["X-Key"] == "hunter2-header"
    listed = await sending.client.get("/api/v1/channels")
    audit = await sending.client.get("/api/v1/audit")
    events = await sending.client.get("/api/v1/events")
    stored = b"".join(path.read_bytes() for path in sending.tocsin.settings.data_dir.glob("tocsin.db*"))
    for text in (listed.body, audit.body, events.body, result.body, stored):
        assert b"super-secret-token" not in text
        assert b"hunter2" not in text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": " "}, "name"),
        ({"url": "https://[x"}, "url"),
        ({"type": "carrier-pigeon"}, "type"),
        ({"url": "ftp://example.org/x"}, "url"),
        ({"url": "https://user:pw@example.org/x"}, "url"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "url"),
        ({"url": "http://[::ffff:169.254.169.254]/"}, "url"),
        ({"url": "http://[::]/"}, "url"),
        ({"url": "http://0.0.0.0/"}, "url"),
        ({"url": "https://224.0.0.1/"}, "url"),
        ({"url": "http://2852039166/"}, "url"),  # 169.254.169.254 as one number
        ({"url": "http://0xa9fea9fe/"}, "url"),
        ({"url": "http://8.8.8.8/"}, "url"),  # the internet wants https
        ({"url": "https://exa mple.org/"}, "url"),
        ({"url": "https://example.org\\@127.0.0.1/"}, "url"),
        ({"headers": {"Host": "x"}}, "headers"),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "headers"),
        ({"headers": {"X A": "a"}}, "headers"),
        ({"type": "email", "url": "ada@example.org"}, "type"),  # no mail server is set
        ({"type": "email", "url": "ada"}, "url"),
        ({"enabled": "yes"}, "enabled"),
        ({"secret": "x"}, "secret"),
    ],
)
async def test_post_channels_names_what_is_wrong(sending: Program, body: dict[str, Any], field: str):
    answer = await sending.client.post("/api/v1/channels", {"name": "x", "url": "https://10.1.2.3/x", **body})
    assert (answer.status, answer.json["error"].get("field")) == (400, field), answer.body


async def test_this_machine_is_no_target_unless_allowed(program: Program, receiver: Sink):
    answer = await program.client.post("/api/v1/channels", {"name": "x", "url": receiver.base})
    assert error(answer) == (400, "target_forbidden", "url")


async def test_the_routes_of_channels_and_rules(sending: Program, receiver: Sink):
    made = await add(sending, receiver)
    again = await sending.client.post("/api/v1/channels", {"name": "OPS", "url": receiver.base})
    assert error(again) == (409, "duplicate_name", "name")
    other = await add(sending, receiver, "other", enabled=False)
    assert error(await put(sending, f"/channels/{other['id']}", {"name": "ops"})) == (409, "duplicate_name", "name")
    assert error(await put(sending, "/channels/999", {"name": "z"})) == (404, "not_found", None)
    bad = await put(sending, f"/channels/{other['id']}", {"url": "http://169.254.169.254/"})
    assert error(bad) == (400, "target_forbidden", "url")

    rules = f"/api/v1/channels/{made['id']}/rules"
    rule = await sending.client.post(rules, {"source_filter": "endpoint, heartbeat", "severity_filter": ["critical"]})
    assert (rule.status, rule.json["source_filter"], rule.json["severity_filter"]) == (
        201,
        "endpoint,heartbeat",
        "critical",
    )
    assert error(await sending.client.post(rules, {"source_filter": "moon"})) == (400, "invalid_input", "source_filter")
    assert error(await sending.client.post("/api/v1/channels/999/rules", {})) == (404, "not_found", None)
    wrong = f"/api/v1/channels/{other['id']}/rules/{rule.json['id']}"
    assert error(await sending.client.delete(wrong)) == (404, "not_found", None)
    assert (await sending.client.delete(f"{rules}/{rule.json['id']}")).status == 204
    assert error(await sending.client.delete(f"{rules}/{rule.json['id']}")) == (404, "not_found", None)

    assert (await sending.client.post(f"/api/v1/channels/{made['id']}/test")).status == 200
    assert error(await sending.client.post(f"/api/v1/channels/{made['id']}/test"))[:2] == (429, "rate_limited")
    assert error(await sending.client.post("/api/v1/channels/999/test")) == (404, "not_found", None)
    assert (await sending.client.delete(f"/api/v1/channels/{other['id']}")).status == 204
    assert error(await sending.client.delete(f"/api/v1/channels/{other['id']}")) == (404, "not_found", None)
    listed = (await sending.client.get("/api/v1/channels")).json
    assert ([channel["name"] for channel in listed["channels"]], listed["total"]) == (["ops"], 1)
    assert [event["id"] for event in sending.seen("channel.deleted")] == [other["id"]]


async def test_secrets_do_not_follow_to_another_host(sending: Program, receiver: Sink):
    secret = {"headers": {"Authorization": "Bearer hunter2"}, "signing_secret": "sixteen-letters-at-least"}
    made = await add(sending, receiver, **secret)
    path, elsewhere = f"/channels/{made['id']}", receiver.base.replace("127.0.0.1", "127.0.0.2") + "/hook"
    for change, field in (
        ({"url": elsewhere}, "headers"),
        ({"url": elsewhere, "headers": made["headers"]}, "headers"),
        ({"url": elsewhere, "headers": {}}, "signing_secret"),
        ({"headers": {"X-New": "***"}}, "headers"),
    ):
        assert error(await put(sending, path, change)) == (400, "invalid_input", field), change
    moved = await put(sending, path, {"url": elsewhere, "headers": {"X-New": "x"}, "signing_secret": None})
    assert (moved.status, moved.json["headers"], moved.json["has_signing_secret"]) == (200, {"X-New": "***"}, False)
    assert (await put(sending, path, {"url": elsewhere + "-2"})).status == 200


async def test_changes_at_the_same_time_do_not_undo_each_other(sending: Program, receiver: Sink):
    made = await add(sending, receiver)
    path = f"/channels/{made['id']}"
    for number in range(5):
        await put(sending, path, {"max_per_minute": 10, "enabled": True})
        changes = ({"max_per_minute": 11}, {"enabled": False}, {"url": f"{receiver.base}/hook-{number}"})
        answers = await asyncio.gather(*(put(sending, path, change) for change in changes))
        assert [answer.status for answer in answers] == [200, 200, 200]
        shown = (await sending.client.get("/api/v1/channels")).json["channels"][0]
        assert (shown["max_per_minute"], shown["enabled"], shown["url"][-1]) == (11, False, str(number))


async def test_a_test_says_what_came_of_it_and_nothing_of_what_was_answered(sending: Program, receiver: Sink):
    made = await add(sending, receiver)
    receiver.answers = [404]
    failed = await sending.client.post(f"/api/v1/channels/{made['id']}/test")
    assert (failed.json["status"], failed.json["response_code"], failed.json["error"]) == ("failed", 404, "http_status")
    assert b"hunter2" not in failed.body


async def test_firing_and_end_are_told_once_each_and_in_order(sending: Program, receiver: Sink):
    await add(sending, receiver)
    await fire(sending, "nas", Severity.CRITICAL)
    await accepted(receiver, 1)
    await clear(sending, "nas")
    told = await accepted(receiver, 2)

    assert [(event, name) for _, event, name in told] == [("alert.fired", "nas"), ("alert.resolved", "nas")]
    body = receiver.accepted[0].json
    assert (body["event"], body["alert"]["severity"], body["alert"]["status"]) == ("alert.fired", "critical", "active")
    assert receiver.accepted[0].headers["X-Tocsin-Delivery"] == body["delivery"]
    unknown = await sending.client.get("/api/v1/alerts/999/deliveries")
    assert error(unknown) == (404, "not_found", None)
    rows = (await sending.client.get(f"/api/v1/alerts/{body['alert']['id']}/deliveries")).json["deliveries"]
    assert [(row["status"], row["attempts"]) for row in rows] == [("delivered", 1)] * 2


@pytest.mark.parametrize("bad", [500, 429, "reset", (503, {"Retry-After": "0"})])
async def test_what_is_not_accepted_is_sent_again_with_the_same_key(sending: Program, receiver: Sink, bad: Any):
    await add(sending, receiver)
    receiver.answers = [bad, bad]
    await fire(sending, "nas")
    await clear(sending, "nas")

    told = await accepted(receiver, 2)

    assert [event for _, event, _ in told] == ["alert.fired", "alert.resolved"]
    keys = [one.headers["X-Tocsin-Delivery"] for one in receiver.received]
    assert keys[0] == keys[1] == keys[2]
    await asyncio.sleep(0.3)
    assert len({number for number, _, _ in receiver.notices()}) == len(receiver.notices()) == 2


async def test_what_is_refused_for_good_is_not_tried_again_and_shows(sending: Program, receiver: Sink):
    made = await add(sending, receiver)
    receiver.answers = [403]
    await fire(sending, "nas")

    async def rows() -> list[dict[str, Any]]:
        return list((await sending.client.get(f"/api/v1/channels/{made['id']}/deliveries")).json["deliveries"])

    found = await until(rows, lambda found: bool(found) and found[0]["status"] == "failed")
    assert (found[0]["error"], found[0]["response_code"], found[0]["attempts"]) == ("http_status", 403, 1)
    assert (await sending.client.get("/api/v1/channels")).json["channels"][0]["health"] == "failing"
    again = f"/api/v1/channels/{made['id']}/deliveries/{found[0]['id']}/retry"
    assert (await sending.client.post(again)).status == 204
    assert [event for _, event, _ in await accepted(receiver, 1)] == ["alert.fired"]
    assert error(await sending.client.post(again))[:2] == (409, "conflict")


async def test_the_end_of_what_never_arrived_is_not_told(sending: Program, receiver: Sink):
    made = await add(sending, receiver)
    receiver.answers = [400]
    await fire(sending, "lost")
    await until(lambda: delivered(sending, made), lambda rows: [row["status"] for row in rows] == ["failed"])
    await clear(sending, "lost")
    await fire(sending, "told")
    assert [name for _, _, name in await accepted(receiver, 1)] == ["told"]

    failed = (await delivered(sending, made))[-1]
    await sending.client.post(f"/api/v1/channels/{made['id']}/deliveries/{failed['id']}/retry")

    told = await accepted(receiver, 3)
    assert [(event, name) for _, event, name in told[1:]] == [("alert.fired", "lost"), ("alert.resolved", "lost")]


async def test_an_end_that_waits_behind_a_refusal_is_taken_back(sending: Program, receiver: Sink):
    made = await add(sending, receiver)
    receiver.answers = [503, 400]
    await fire(sending, "lost")
    await until(lambda: _tries(receiver), bool)
    await clear(sending, "lost")
    await until(lambda: delivered(sending, made), lambda rows: [row["status"] for row in rows] == ["failed"])
    await fire(sending, "told")
    assert [name for _, _, name in await accepted(receiver, 1)] == ["told"]


async def _tries(receiver: Sink) -> int:
    return len(receiver.received)


async def test_what_a_channel_missed_while_it_was_off_has_no_end_either(sending: Program, receiver: Sink):
    made = await add(sending, receiver)
    await fire(sending, "missed")
    await put(sending, f"/channels/{made['id']}", {"enabled": False})
    await until(lambda: delivered(sending, made), lambda rows: [row["error"] for row in rows] == ["channel_disabled"])
    await put(sending, f"/channels/{made['id']}", {"enabled": True})
    await clear(sending, "missed")
    await fire(sending, "told")
    assert [name for _, _, name in await accepted(receiver, 1)] == ["told"]


async def test_many_at_once_are_one_message_and_a_crowd_a_digest(
    sending: Program, receiver: Sink, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tocsin.channels.rules.FIRST_WAIT", timedelta(seconds=1))
    await add(sending, receiver)
    for number in range(30):
        await fire(sending, f"host-{number}")
    told = await accepted(receiver, 30)
    assert len({number for number, _, _ in told}) == 30
    assert len(receiver.accepted) <= 3


async def test_rules_choose_and_ends_follow_beginnings(sending: Program, receiver: Sink):
    made = await add(sending, receiver)
    await sending.client.post(f"/api/v1/channels/{made['id']}/rules", {"severity_filter": "critical"})
    await fire(sending, "quiet")
    await fire(sending, "loud", Severity.CRITICAL)
    await accepted(receiver, 1)
    await sending.client.post("/api/v1/silence", {"duration_seconds": 60, "source": "host"})
    await clear(sending, "quiet")
    await clear(sending, "loud")
    await accepted(receiver, 2)
    await asyncio.sleep(0.5)
    assert [(event, name) for _, event, name in receiver.notices()] == [
        ("alert.fired", "loud"),
        ("alert.resolved", "loud"),
    ]


async def test_what_waits_shows_in_the_metrics(sending: Program, receiver: Sink):
    await add(sending, receiver)
    receiver.answers = [500] * 50
    await fire(sending, "nas")
    await until(lambda: gauges(sending), lambda found: found["tocsin_deliveries_pending"] == 1)
    await clear(sending, "nas")
    found = await until(lambda: gauges(sending), lambda found: found["tocsin_notifications_oldest_seconds"] > 0.1)
    assert (found["tocsin_deliveries_pending"], found["tocsin_notices_waiting"]) == (1, 1)
    receiver.answers = []
    await accepted(receiver, 2)
    await until(lambda: gauges(sending), lambda found: set(found.values()) == {0})


async def gauges(program: Program) -> dict[str, float]:
    """Return what /metrics says of notifications that wait."""
    text = (await program.client.get("/metrics")).body.decode()
    names = ("tocsin_deliveries_pending", "tocsin_notices_waiting", "tocsin_notifications_oldest_seconds")
    lines = (line.split() for line in text.splitlines())
    return {line[0]: float(line[1]) for line in lines if line[0] in names}


async def test_what_waits_survives_a_restart(start: Start, receiver: Sink, quick: None):
    settings = {"TOCSIN_EGRESS_ALLOW": "127.0.0.0/8"}
    async with start(**settings) as program:
        await add(program, receiver)
        receiver.answers = [500] * 50
        await fire(program, "nas")
        await until(lambda: program.client.get("/api/v1/channels/1/deliveries"), lambda found: found.json["total"] == 1)
        await clear(program, "nas")
    receiver.answers = []
    async with start(**settings):
        told = await accepted(receiver, 2)
    assert [event for _, event, _ in told] == ["alert.fired", "alert.resolved"]


async def test_the_end_of_an_old_alert_is_told_to_who_was_told_of_its_beginning(sending: Program, receiver: Sink):
    made = await add(sending, receiver)
    await fire(sending, "old")
    await fire(sending, "over")
    await accepted(receiver, 2)
    await clear(sending, "over")
    await accepted(receiver, 3)
    await until(lambda: delivered(sending, made), lambda rows: {row["status"] for row in rows} == {"delivered"})
    await sending.tocsin.db.write(_age)

    await sending.tocsin.retention.sweep()

    kept = await delivered(sending, made)
    assert len(kept) == 1
    await clear(sending, "old")
    assert (await accepted(receiver, 4))[-1][1:] == ("alert.resolved", "old")


async def delivered(program: Program, channel: dict[str, Any]) -> list[dict[str, Any]]:
    return list((await program.client.get(f"/api/v1/channels/{channel['id']}/deliveries")).json["deliveries"])


def _age(tx: Any) -> None:
    """Let a lifetime pass for what was sent."""
    from sqlalchemy import update

    from tocsin.channels.tables import deliveries

    tx.execute(update(deliveries).values(finished_at_ms=1000, created_at_ms=1000))


@pytest.mark.parametrize("kind", ["slack", "discord", "teams", "ntfy"])
async def test_each_provider_gets_its_own_form(sending: Program, receiver: Sink, kind: str):
    await add(sending, receiver, type=kind)
    await fire(sending, "<!channel> @everyone *nas*", Severity.CRITICAL)

    async def look() -> int:
        return len(receiver.accepted)

    await until(look, bool)
    one = receiver.accepted[0]
    if kind == "slack":
        assert "&lt;!channel&gt;" in one.json["text"]
        assert all(len(block["text"]["text"]) <= 3000 for block in one.json["blocks"] if block["type"] == "section")
    elif kind == "discord":
        assert one.json["allowed_mentions"] == {"parse": []}
        embed = one.json["embeds"][0]
        assert (embed["color"], len(embed["title"]) <= 256, "\\@everyone" in embed["title"]) == (0xEF4444, True, True)
    elif kind == "teams":
        card = one.json["attachments"][0]
        assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
        assert card["content"]["body"][0]["color"] == "attention"
        assert len(one.body) < 28 * 1024
    else:
        assert one.headers["X-Priority"] == "5"
        assert "is wrong" in one.body.decode()
