"""What is told together, later, or not at all: causes, escalations, quiet hours, flapping, rate limits, templates."""

import asyncio
import hashlib
import hmac
from datetime import timedelta
from typing import Any

import pytest

from conftest import Start
from integration.alerts.conftest import alerts, raised
from integration.alerts.test_routes import clear, error, fire
from integration.channels.test_channels import accepted, add, put
from support.program import Program, until
from support.sink import Sink
from tocsin.alerts.models import Clear, EntityType, Raise, Source, Subject
from tocsin.containers.models import Severity


def subject(name: str, *parents: str) -> Subject:
    return Subject(type=EntityType.CONTAINER, key=name, name=name, host="nas", group="shop", parents=parents)


async def break_down(
    program: Program,
    name: str,
    *parents: str,
    kind: str = "container_down",
    severity: Severity = Severity.WARNING,
) -> None:
    signal = Raise(
        source=Source.CONTAINER,
        alert_type=kind,
        severity=severity,
        subject=subject(name, *parents),
        message=f"{name} stopped",
        details={},
        at=program.tocsin.clock.now(),
    )
    await program.tocsin.db.write(lambda tx: program.tocsin.alert_engine.take(tx, [signal]))


async def recover(program: Program, name: str) -> None:
    signal = Clear(entity_type=EntityType.CONTAINER, entity_key=name, at=program.tocsin.clock.now())
    await program.tocsin.db.write(lambda tx: program.tocsin.alert_engine.take(tx, [signal]))


async def test_consequences_are_told_with_their_cause(sending: Program, receiver: Sink):
    await add(sending, receiver)
    await fire(sending, "nas", Severity.CRITICAL, "host_unreachable")
    await accepted(receiver, 1)
    for number in range(50):
        await break_down(sending, f"web-{number}", "host:nas")
    await asyncio.sleep(1)
    assert len(receiver.accepted) == 1
    cause = (await alerts(sending, "?source=host"))[0]["id"]
    assert {alert["cause_id"] for alert in await alerts(sending, "?source=container&limit=200")} == {cause}

    for number in range(50):
        await recover(sending, f"web-{number}")
    await clear(sending, "nas")
    told = await accepted(receiver, 102)

    assert len(receiver.accepted) == 2
    assert len({number for number, _, _ in told}) == len(told) == 102
    assert [event for _, event, name in told if name == "nas"] == ["alert.fired", "alert.resolved"]


async def test_a_cause_claims_what_showed_before_it(sending: Program, receiver: Sink, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tocsin.channels.rules.FIRST_WAIT", timedelta(seconds=0.6))
    await add(sending, receiver, type="slack")
    await break_down(sending, "web", "host:nas")
    await break_down(sending, "db", "host:nas")
    await fire(sending, "nas", Severity.CRITICAL, "host_unreachable")

    async def look() -> list[Any]:
        return receiver.accepted

    found = await until(look, bool)
    await asyncio.sleep(1)
    assert len(receiver.accepted) == 1
    text = found[0].json["blocks"][0]["text"]["text"]
    assert "Alert: nas" in text
    assert "Also affected (2): web, db" in text


async def test_a_consequence_that_outlives_its_cause_is_told_then(sending: Program, receiver: Sink):
    await add(sending, receiver)
    await break_down(sending, "db", "host:nas")
    await accepted(receiver, 1)
    await break_down(sending, "web", "host:nas", "container:db", kind="health_unhealthy")
    await asyncio.sleep(0.5)
    await recover(sending, "db")
    assert [name for _, _, name in await accepted(receiver, 3)] == ["db", "web", "db"]
    await recover(sending, "web")
    told = await accepted(receiver, 4)
    assert told[-1][1:] == ("alert.resolved", "web")


async def test_what_is_worse_than_its_cause_does_not_wait_for_it(sending: Program, receiver: Sink):
    await add(sending, receiver)
    await break_down(sending, "db", "host:nas", kind="health_unhealthy")
    await accepted(receiver, 1)
    await break_down(sending, "web", "host:nas", "container:db", severity=Severity.CRITICAL)
    assert [name for _, _, name in await accepted(receiver, 2)] == ["db", "web"]


async def test_what_becomes_worse_than_its_cause_waits_no_longer(sending: Program, receiver: Sink):
    await add(sending, receiver)
    await break_down(sending, "db", "host:nas", kind="health_unhealthy")
    await accepted(receiver, 1)
    await break_down(sending, "web", "host:nas", "container:db")
    await break_down(sending, "web", "host:nas", "container:db", severity=Severity.CRITICAL)
    assert {name for _, _, name in (await accepted(receiver, 3))[1:]} == {"web"}


@pytest.mark.parametrize("is_quiet", [True, False])
async def test_nobody_waits_for_a_cause_that_is_told_much_later(sending: Program, receiver: Sink, is_quiet: bool):
    quiet = {"start": "00:00", "end": "23:59", "timezone": "UTC"} if is_quiet else None
    made = await add(sending, receiver, quiet_hours=quiet)
    if not is_quiet:
        rules = f"/api/v1/channels/{made['id']}/rules"
        await sending.client.post(rules, {"entity": "db", "after_minutes": 30})
        await sending.client.post(rules, {"entity": "web"})
    await break_down(sending, "db", "host:nas", kind="health_unhealthy")
    await break_down(
        sending, "web", "host:nas", "container:db", severity=Severity.CRITICAL if is_quiet else Severity.WARNING
    )
    assert [name for _, _, name in await accepted(receiver, 1)] == ["web"]


async def test_only_what_nobody_acknowledged_is_an_escalation(sending: Program, receiver: Sink):
    made = await add(sending, receiver)
    rules = f"/api/v1/channels/{made['id']}/rules"
    await sending.client.post(rules, {"severity_filter": "warning", "after_minutes": 30})
    await sending.client.post(rules, {"severity_filter": "critical"})
    await fire(sending, "nas")
    await fire(sending, "nas", Severity.CRITICAL, "host_unreachable")
    await break_down(sending, "web", "host:nas")
    await fire(sending, "nas", Severity.CRITICAL)
    told = await accepted(receiver, 3)
    assert [(event, name) for _, event, name in told] == [("alert.fired", name) for name in ("nas", "web", "nas")]
    assert {alert["escalated_at"] for alert in await alerts(sending)} == {None}
    assert sending.seen("alert.escalated") == []


async def test_a_silenced_cause_silences_what_it_causes(sending: Program, receiver: Sink):
    await add(sending, receiver)
    silence = {"duration_seconds": 60, "entity_type": "host", "entity_name": "nas"}
    made = (await sending.client.post("/api/v1/silence", silence)).json
    await fire(sending, "nas", Severity.CRITICAL, "host_unreachable")
    await break_down(sending, "web", "host:nas")
    assert [alert["status"] for alert in await alerts(sending)] == ["silenced", "silenced"]
    await sending.client.delete(f"/api/v1/silence/{made['id']}")
    assert {name for _, _, name in await accepted(receiver, 2)} == {"nas", "web"}


async def test_what_outlives_its_silenced_cause_is_silenced_no_more(sending: Program, receiver: Sink):
    await add(sending, receiver)
    silence = {"duration_seconds": 60, "entity_type": "host", "entity_name": "nas"}
    assert (await sending.client.post("/api/v1/silence", silence)).status == 201
    await fire(sending, "nas", Severity.CRITICAL, "host_unreachable")
    await break_down(sending, "web", "host:nas")

    await clear(sending, "nas")

    assert [name for _, _, name in await accepted(receiver, 1)] == ["web"]
    found = [(alert["entity_name"], alert["status"], alert["silence_id"]) for alert in await alerts(sending)]
    assert found[0] == ("web", "active", None)


async def test_nobody_is_bothered_twice_when_somebody_takes_care(sending: Program, receiver: Sink):
    boss = await add(sending, receiver, "boss")
    rules = f"/api/v1/channels/{boss['id']}/rules"
    assert (await sending.client.post(rules, {"after_minutes": 5})).json["after_minutes"] == 5
    await fire(sending, "taken")
    taken = (await alerts(sending))[0]
    await sending.client.post(f"/api/v1/alerts/{taken['id']}/acknowledge", {})
    await clear(sending, "taken")
    await fire(sending, "over")
    await clear(sending, "over")
    await fire(sending, "open")
    await sending.tocsin.db.write(_hurry)
    told = await accepted(receiver, 1)
    assert [(event, name) for _, event, name in told] == [("alert.fired", "open")]
    assert (await alerts(sending))[0]["escalated_at"] is not None
    assert sending.seen("alert.escalated")[0]["channel_id"] == boss["id"]
    await clear(sending, "open")
    assert [event for _, event, _ in await accepted(receiver, 2)] == ["alert.fired", "alert.resolved"]


def _hurry(tx: Any) -> None:
    """Let time pass for what waits."""
    from sqlalchemy import update

    from tocsin.channels.tables import notices

    tx.execute(update(notices).values(not_before_ms=0))


async def test_what_comes_in_quiet_hours_is_told_when_they_are_over(sending: Program, receiver: Sink):
    quiet = {"start": "00:00", "end": "23:59", "timezone": "UTC"}
    made = await add(sending, receiver, quiet_hours=quiet)
    assert made["quiet_hours"] == {**quiet, "critical_passes": True}
    await fire(sending, "later")
    await fire(sending, "now", Severity.CRITICAL)
    assert [name for _, _, name in await accepted(receiver, 1)] == ["now"]
    await clear(sending, "later")
    await asyncio.sleep(0.5)
    assert len(receiver.notices()) == 1
    await sending.tocsin.db.write(_hurry)
    told = await accepted(receiver, 3)
    assert [(event, name) for _, event, name in told[1:]] == [("alert.fired", "later"), ("alert.resolved", "later")]


async def test_quiet_hours_that_are_taken_away_keep_nothing_back(sending: Program, receiver: Sink):
    quiet = {"start": "00:00", "end": "23:59", "timezone": "UTC"}
    made = await add(sending, receiver, quiet_hours=quiet)
    await fire(sending, "nas")
    await clear(sending, "nas")
    await put(sending, f"/channels/{made['id']}", {"quiet_hours": None})
    assert [event for _, event, _ in await accepted(receiver, 2)] == ["alert.fired", "alert.resolved"]


async def test_nothing_is_tried_again_in_quiet_hours(sending: Program, receiver: Sink):
    made = await add(sending, receiver)
    receiver.answers = [503] * 20
    await fire(sending, "nas")
    await _attempts(receiver, 1)
    await put(sending, f"/channels/{made['id']}", {"quiet_hours": {"start": "00:00", "end": "23:59"}})
    await asyncio.sleep(0.3)
    before = len(receiver.received)
    await asyncio.sleep(0.7)
    assert len(receiver.received) == before

    receiver.answers = []
    await put(sending, f"/channels/{made['id']}", {"quiet_hours": None})

    assert [name for _, _, name in await accepted(receiver, 1)] == ["nas"]


async def _attempts(receiver: Sink, count: int) -> None:
    async def look() -> int:
        return len(receiver.received)

    await until(look, lambda found: found >= count)


async def test_what_comes_and_goes_is_one_alert(start: Start, quick: None):
    async with start(TOCSIN_FLAP_COUNT="3") as program:
        for _ in range(3):
            await fire(program, "nas")
            await clear(program, "nas")
        await fire(program, "nas")
        found = await alerts(program)
        assert [(alert["status"], alert["flapping"], alert["occurrences"]) for alert in found] == [
            ("active", True, 2),
            ("resolved", False, 1),
            ("resolved", False, 1),
        ]
        assert "3 times within an hour" in program.seen("alert.fired")[-1]["message"]


async def test_a_channel_gets_no_more_than_its_messages_of_a_minute(sending: Program, receiver: Sink):
    await add(sending, receiver, max_per_minute=2)
    for number in range(5):
        await fire(sending, f"host-{number}")
        await asyncio.sleep(0.4)
    await asyncio.sleep(0.5)
    assert len(receiver.accepted) == 2


async def test_a_template_is_what_is_sent_and_a_secret_signs_it(sending: Program, receiver: Sink):
    template = '{"text": "{{ entity }} is {{status}}: {{message}}"}'
    made = await add(sending, receiver, template=template, signing_secret="sixteen-letters-at-least")
    assert (made["template"], made["has_signing_secret"]) == (template, True)
    await fire(sending, 'na"s')

    async def look() -> list[Any]:
        return receiver.accepted

    sent = (await until(look, bool))[0]
    assert sent.json == {"text": 'na"s is firing: na"s is wrong'}
    expected = hmac.new(b"sixteen-letters-at-least", sent.body, hashlib.sha256).hexdigest()
    assert sent.headers["X-Tocsin-Signature"] == f"sha256={expected}"
    plain = await put(sending, f"/channels/{made['id']}", {"template": None, "signing_secret": None})
    assert (plain.json["template"], plain.json["has_signing_secret"]) == (None, False)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"template": "{{ nonsense }}", "type": "slack"}, "template"),
        ({"template": "{{Title}}", "type": "slack"}, "template"),
        ({"template": "{{}}", "type": "slack"}, "template"),
        ({"template": "not json {{entity}}"}, "template"),
        ({"template": '{"a": NaN}'}, "template"),
        ({"template": "[" * 2000}, "template"),
        ({"quiet_hours": {"start": "22:00", "end": "22:00"}}, "quiet_hours"),
        ({"type": "telegram", "url": "https://[x"}, "url"),
        ({"quiet_hours": {"start": "25:00", "end": "07:00"}}, "quiet_hours.start"),
        ({"quiet_hours": {"start": "22:00\n", "end": "07:00"}}, "quiet_hours.start"),
        ({"quiet_hours": {"start": "22:00", "end": "07:00", "timezone": "Mars/Olympus"}}, "quiet_hours"),
        ({"max_per_minute": 0}, "max_per_minute"),
        ({"signing_secret": "short"}, "signing_secret"),
        ({"signing_secret": "sixteen-letters-at-least", "type": "ntfy"}, "signing_secret"),
        ({"type": "telegram"}, "url"),
        ({"type": "pushover", "url": "https://10.1.2.3/?token=x"}, "url"),
    ],
)
async def test_options_that_cannot_be_are_named(sending: Program, body: dict[str, Any], field: str):
    answer = await sending.client.post("/api/v1/channels", {"name": "x", "url": "https://10.1.2.3/x", **body})
    assert error(answer)[2] == field, answer.body
    assert answer.status == 400


async def test_a_channel_that_takes_nothing_rings_in_the_others(sending: Program, receiver: Sink):
    await add(sending, receiver)
    broken = await add(sending, receiver, "broken", url="http://127.0.0.1:9/x")
    await fire(sending, "nas")
    ringing = await raised(sending, "channel_failing")
    assert (ringing["entity_name"], ringing["details"]["error"]) == ("broken", "refused")
    told = await accepted(receiver, 2)
    assert {name for _, _, name in told} == {"nas", "broken"}
    await put(sending, f"/channels/{broken['id']}", {"url": receiver.base + "/other"})
    await raised(sending, "channel_failing", "resolved")


async def test_a_failed_message_that_is_sent_again_does_not_hurry_the_next(
    sending: Program, receiver: Sink, monkeypatch: pytest.MonkeyPatch
):
    made = await add(sending, receiver)
    path = f"/api/v1/channels/{made['id']}/deliveries"
    receiver.answers = [404, 404]
    for number, name in enumerate(("a", "b"), start=1):
        await fire(sending, name)
        await until(lambda: sending.client.get(path), lambda found, n=number: _failed(found.json) == n)  # type: ignore[misc]
    monkeypatch.setattr("tocsin.core.retries.WAITS_S", (30.0,))
    receiver.answers = [503] * 50
    before = len(receiver.received)
    for row in reversed((await sending.client.get(path)).json["deliveries"]):
        await sending.client.post(f"{path}/{row['id']}/retry")
        await asyncio.sleep(0.3)
    await asyncio.sleep(0.5)
    assert len(receiver.received) - before == 1


def _failed(found: Any) -> int:
    return len([row for row in found["deliveries"] if row["status"] == "failed"])


async def test_a_channel_that_is_switched_off_fails_no_more(sending: Program, receiver: Sink):
    broken = await add(sending, receiver, "broken", url="http://127.0.0.1:9/x")
    await fire(sending, "nas")
    await raised(sending, "channel_failing")
    await put(sending, f"/channels/{broken['id']}", {"enabled": False})
    assert (await raised(sending, "channel_failing", "resolved"))["resolution"] == "entity_paused"


async def test_a_test_that_gets_through_ends_the_failing(sending: Program, receiver: Sink):
    made = await add(sending, receiver)
    receiver.answers = [404]
    await fire(sending, "nas")
    await raised(sending, "channel_failing")
    assert (await sending.client.post(f"/api/v1/channels/{made['id']}/test")).json["status"] == "delivered"
    await raised(sending, "channel_failing", "resolved")
    assert (await sending.client.get("/api/v1/channels")).json["channels"][0]["health"] == "healthy"


async def test_a_channel_that_is_gone_does_not_fail(sending: Program, receiver: Sink, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tocsin.core.sending.TIMEOUT_S", 1.0)
    monkeypatch.setattr("tocsin.channels.rules.RINGS_AFTER_ATTEMPTS", 1)
    made = await add(sending, receiver)
    receiver.answers = ["hang"]
    await fire(sending, "nas")

    async def look() -> int:
        return len(receiver.received)

    await until(look, bool)
    await sending.client.delete(f"/api/v1/channels/{made['id']}")
    await asyncio.sleep(1.5)
    assert [alert["alert_type"] for alert in await alerts(sending)] == ["test_type"]
    assert sending.seen("channel.failing") == []
