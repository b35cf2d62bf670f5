"""What a silence keeps back, and what is told when it is over."""

import asyncio
from typing import Any

from integration.alerts.conftest import alerts
from integration.alerts.test_routes import clear, fire
from integration.channels.test_causes import _hurry, break_down
from integration.channels.test_channels import accepted, add
from support.program import Program
from support.sink import Sink
from tocsin.containers.models import Severity


async def silence(program: Program, **filters: Any) -> int:
    answer = await program.client.post("/api/v1/silence", {"duration_seconds": 600, **filters})
    assert answer.status == 201, answer.body
    return int(answer.json["id"])


async def end(program: Program, silence_id: int) -> None:
    assert (await program.client.delete(f"/api/v1/silence/{silence_id}")).status == 204


async def test_what_became_worse_in_a_silence_is_told_when_it_ends(sending: Program, receiver: Sink):
    pager = await add(sending, receiver)
    await sending.client.post(f"/api/v1/channels/{pager['id']}/rules", {"severity_filter": "critical"})
    await fire(sending, "nas")
    number = await silence(sending, source="host")
    await fire(sending, "nas", Severity.CRITICAL)
    await asyncio.sleep(0.5)
    assert receiver.notices() == []

    await end(sending, number)

    assert [(event, name) for _, event, name in await accepted(receiver, 1)] == [("alert.fired", "nas")]
    assert [event["severity"] for event in sending.seen("alert.unsilenced")] == ["critical"]
    await clear(sending, "nas")
    assert [event for _, event, _ in await accepted(receiver, 2)] == ["alert.fired", "alert.resolved"]


async def test_what_was_told_before_a_silence_is_not_told_again_after_it(sending: Program, receiver: Sink):
    await add(sending, receiver)
    await fire(sending, "nas", Severity.CRITICAL)
    await accepted(receiver, 1)
    await end(sending, await silence(sending, source="host"))
    await asyncio.sleep(0.5)
    assert len(receiver.notices()) == 1


async def test_what_somebody_takes_care_of_is_not_told_when_a_silence_ends(sending: Program, receiver: Sink):
    await add(sending, receiver)
    await fire(sending, "nas")
    await accepted(receiver, 1)
    number = await silence(sending, source="host")
    await fire(sending, "nas", Severity.CRITICAL)
    alert = (await alerts(sending))[0]
    assert (await sending.client.post(f"/api/v1/alerts/{alert['id']}/acknowledge", {})).status == 200
    await end(sending, number)
    await asyncio.sleep(0.5)
    assert len(receiver.notices()) == 1


async def test_what_waits_does_not_leave_in_a_silence(sending: Program, receiver: Sink):
    boss = await add(sending, receiver)
    await sending.client.post(f"/api/v1/channels/{boss['id']}/rules", {"after_minutes": 30})
    await fire(sending, "silenced")
    await fire(sending, "other")
    number = await silence(sending, entity_name="silenced")
    await sending.tocsin.db.write(_hurry)
    assert [name for _, _, name in await accepted(receiver, 1)] == ["other"]
    await asyncio.sleep(0.5)
    assert len(receiver.notices()) == 1

    await end(sending, number)
    await sending.tocsin.db.write(_hurry)

    assert [name for _, _, name in await accepted(receiver, 2)] == ["other", "silenced"]


async def test_what_ends_in_a_silence_before_it_was_told_is_told_to_nobody(sending: Program, receiver: Sink):
    await add(sending, receiver, quiet_hours={"start": "00:00", "end": "23:59", "timezone": "UTC"})
    await fire(sending, "nas")
    await fire(sending, "other")
    await silence(sending, entity_name="nas")
    await clear(sending, "nas")
    await sending.tocsin.db.write(_hurry)
    assert [name for _, _, name in await accepted(receiver, 1)] == ["other"]
    await asyncio.sleep(0.5)
    assert len(receiver.notices()) == 1


async def test_what_is_silenced_is_not_listed_under_its_cause(sending: Program, receiver: Sink):
    await add(sending, receiver, quiet_hours={"start": "00:00", "end": "23:59", "timezone": "UTC"})
    await fire(sending, "nas", kind="host_unreachable")
    await break_down(sending, "web", "host:nas")
    await silence(sending, entity_name="web")
    await sending.tocsin.db.write(_hurry)
    assert [name for _, _, name in await accepted(receiver, 1)] == ["nas"]
