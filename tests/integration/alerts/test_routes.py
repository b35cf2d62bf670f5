"""The routes of alerts and silences: `GET /alerts`, `/alerts/active`, `/alerts/{id}`, acknowledge; `/silence`."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from integration.alerts.conftest import alerts, raised
from support.program import Answer, Program
from tocsin.alerts.containers import host_subject
from tocsin.alerts.models import Clear, EntityType, Raise, Source
from tocsin.containers.models import Severity


async def fire(program: Program, name: str, severity: Severity = Severity.WARNING, kind: str = "test_type") -> None:
    """Raise an alert about a host that nobody watches."""
    signal = Raise(
        source=Source.HOST,
        alert_type=kind,
        severity=severity,
        subject=host_subject(name),
        message=f"{name} is wrong",
        details={},
        at=program.tocsin.clock.now(),
    )
    await program.tocsin.db.write(lambda tx: program.tocsin.alert_engine.take(tx, [signal]))


async def clear(program: Program, name: str) -> None:
    signal = Clear(entity_type=EntityType.HOST, entity_key=name, at=program.tocsin.clock.now())
    await program.tocsin.db.write(lambda tx: program.tocsin.alert_engine.take(tx, [signal]))


def error(answer: Answer) -> tuple[int, str, Any]:
    found = answer.json["error"]
    return answer.status, found["code"], found.get("field")


async def test_get_alerts_pages_by_cursor_and_skips_nothing(program: Program):
    for number in range(7):
        await fire(program, f"host-{number}")  # several in the same millisecond
    seen: list[str] = []
    query = "?limit=3"
    for _ in range(3):
        page = (await program.client.get(f"/api/v1/alerts{query}")).json
        seen += [alert["entity_name"] for alert in page["alerts"]]
        assert page["total"] == 7
        query = f"?limit=3&before_id={page['next_before_id']}"
    assert seen == [f"host-{number}" for number in reversed(range(7))]
    assert page["has_more"] is False
    skipped = (await program.client.get("/api/v1/alerts?limit=3&offset=2")).json
    assert [alert["entity_name"] for alert in skipped["alerts"]] == ["host-4", "host-3", "host-2"]
    assert (skipped["total"], skipped["has_more"]) == (7, True)


async def test_get_alerts_filters(program: Program):
    await fire(program, "a", Severity.CRITICAL)
    await fire(program, "b")
    await clear(program, "b")
    assert [alert["entity_name"] for alert in await alerts(program, "?severity=critical")] == ["a"]
    assert [alert["entity_name"] for alert in await alerts(program, "?status=resolved")] == ["b"]
    assert [alert["entity_name"] for alert in await alerts(program, "?source=host&entity_type=host")] == ["b", "a"]
    assert await alerts(program, "?source=endpoint") == []
    assert await alerts(program, "?acknowledged=true") == []
    assert await alerts(program, "?until=2001-01-01T00:00:00Z") == []
    for query, field in (
        ("source=x", "source"),
        ("severity=bad", "severity"),
        ("status=pending", "status"),
        ("entity_type=x", "entity_type"),
        ("before=x", "before"),
        ("limit=501", "limit"),
        ("offset=-1", "offset"),
        ("limit=x", "limit"),
        ("before_id=999", "before_id"),
    ):
        assert error(await program.client.get(f"/api/v1/alerts?{query}")) == (400, "invalid_param", field), query


async def test_get_active_alerts_and_acknowledge(program: Program):
    await fire(program, "a", Severity.CRITICAL)
    await fire(program, "b", Severity.INFO)
    active = (await program.client.get("/api/v1/alerts/active")).json
    assert ([alert["entity_name"] for alert in active["critical"]], active["warning"], active["total"]) == (
        ["a"],
        [],
        2,
    )
    number = active["critical"][0]["id"]
    path = f"/api/v1/alerts/{number}/acknowledge"

    answers = await asyncio.gather(*(program.client.post(path, {"acknowledged_by": "on it"}) for _ in range(5)))

    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409, 409]
    done = next(answer.json for answer in answers if answer.status == 200)
    assert (done["acknowledged_by"], done["acknowledged_note"], done["status"]) == ("environment", "on it", "active")
    assert {answer.code for answer in answers if answer.status == 409} == {"already_acknowledged"}
    assert (await program.client.get("/api/v1/alerts/active")).json["critical"] == []
    shown = (await program.client.get("/api/v1/alerts/active?include_acknowledged=true")).json
    assert len(shown["critical"]) == 1
    assert len(program.seen("alert.acknowledged")) == 1

    await clear(program, "a")
    assert error(await program.client.post(path, {})) == (409, "alert_not_active", None)
    assert error(await program.client.post("/api/v1/alerts/999/acknowledge", {})) == (404, "not_found", None)
    assert error(await program.client.post(path, {"acknowledged_by": ""})) == (400, "invalid_input", "acknowledged_by")
    assert (await program.client.get(f"/api/v1/alerts/{number}")).json["resolution"] == "recovered"
    assert error(await program.client.get("/api/v1/alerts/999")) == (404, "not_found", None)
    assert error(await program.client.get("/api/v1/alerts/x")) == (400, "invalid_id", "alert_id")


async def test_one_row_for_each_episode(program: Program):
    for _ in range(3):
        await fire(program, "a")
    await clear(program, "a")
    await clear(program, "a")
    await fire(program, "a")
    found = await alerts(program)
    assert [(alert["status"], alert["occurrences"]) for alert in found] == [("active", 1), ("resolved", 3)]
    assert len(program.seen("alert.fired")) == 2


async def test_what_becomes_worse_fires_again(program: Program):
    await fire(program, "a")
    await fire(program, "a", Severity.CRITICAL)
    await fire(program, "a", Severity.INFO)
    assert [fired["severity"] for fired in program.seen("alert.fired")] == ["warning", "critical"]
    assert [event["severity"] for event in program.seen("alert.updated")] == ["info"]


async def silence(program: Program, **body: Any) -> Answer:
    return await program.client.post("/api/v1/silence", {"duration_seconds": 3600, **body})


async def test_post_silence_keeps_alerts_quiet_until_it_ends(program: Program):
    made = await silence(program, entity_name="shop-*", source="host", reason="deploy")
    assert (made.status, made.json["is_active"], made.json["created_by"]) == (201, True, "environment")
    await fire(program, "shop-1")
    await fire(program, "other")
    quiet = (await alerts(program, "?status=silenced"))[0]
    assert (quiet["entity_name"], quiet["silence_id"]) == ("shop-1", made.json["id"])
    assert [fired["entity_name"] for fired in program.seen("alert.fired")] == ["other"]

    assert (await program.client.delete(f"/api/v1/silence/{made.json['id']}")).status == 204

    assert [fired["entity_name"] for fired in program.seen("alert.fired")] == ["other", "shop-1"]
    assert (await program.client.delete(f"/api/v1/silence/{made.json['id']}")).status == 204  # unchanged
    assert len(program.seen("silence.cancelled")) == 1
    ended = (await program.client.get("/api/v1/silence?active=false")).json
    assert [rule["is_active"] for rule in ended["rules"]] == [False]
    assert (await program.client.get("/api/v1/silence")).json["rules"] == []


async def test_a_silenced_alert_that_recovers_is_resolved_quietly(program: Program):
    await silence(program, group="none", entity_type="host", entity_name="a")
    await silence(program, entity_name="a")
    await fire(program, "a")
    await clear(program, "a")
    assert (await alerts(program))[0]["status"] == "resolved"
    assert program.seen("alert.fired") == []


async def test_a_silence_ends_by_itself_and_what_is_still_wrong_fires(program: Program):
    made = await silence(program, entity_name="a", duration_seconds=1)
    await fire(program, "a")
    alert = await raised(program, "test_type", "active", 10)
    assert (alert["entity_name"], alert["silence_id"]) == ("a", None)
    assert [event["id"] for event in program.seen("silence.expired")] == [made.json["id"]]


async def test_a_silence_in_the_future_begins_by_itself(program: Program):
    soon = (program.tocsin.clock.now() + timedelta(seconds=1.5)).isoformat().replace("+00:00", "Z")
    made = await silence(program, entity_name="a", starts_at=soon)
    assert made.json["is_active"] is False
    await fire(program, "a")
    assert len(program.seen("alert.fired")) == 1
    async with asyncio.timeout(10):
        while (await alerts(program))[0]["silence_id"] is None:
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"duration_seconds": 0}, "duration_seconds"),
        ({"duration_seconds": 2_592_001}, "duration_seconds"),
        ({"duration_seconds": "60"}, "duration_seconds"),
        ({}, "global"),
        ({"entity_id": 3, "source": "host"}, "entity_type"),
        ({"entity_id": 2**63, "entity_type": "container"}, "entity_id"),
        ({"entity_type": "pod"}, "entity_type"),
        ({"source": "x"}, "source"),
        ({"reason": "x" * 501, "source": "host"}, "reason"),
        ({"starts_at": "soon", "source": "host"}, "starts_at"),
        ({"starts_at": "2001-01-01T00:00:00Z", "source": "host"}, "starts_at"),
        ({"until": "x", "source": "host"}, "until"),
    ],
)
async def test_post_silence_names_what_is_wrong(program: Program, body: dict[str, Any], field: str):
    assert error(await silence(program, **body)) == (400, "invalid_input", field)


async def test_a_global_silence_has_to_be_meant(program: Program):
    assert (await silence(program, **{"global": True})).status == 201
    assert error(await program.client.delete("/api/v1/silence/999")) == (404, "not_found", None)
    entries = (await program.client.get("/api/v1/audit?action=silence.create")).json["entries"]
    assert (len(entries), entries[0]["change"]["global"]) == (1, True)


async def test_the_audit_says_what_was_silenced(program: Program):
    await silence(program, source="host", entity_name="shop-*", reason="deploy")
    change = (await program.client.get("/api/v1/audit?action=silence.create")).json["entries"][0]["change"]
    assert {**change, "from": "", "until": ""} == {
        "from": "",
        "until": "",
        "reason": "deploy",
        "global": False,
        "source": "host",
        "entity_name": "shop-*",
    }


async def test_there_is_a_limit_to_silences(program: Program, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tocsin.silences.service.MOST_SILENCES", 1)
    made = await silence(program, source="host")
    assert error(await silence(program, source="host")) == (409, "conflict", None)
    await program.client.delete(f"/api/v1/silence/{made.json['id']}")
    assert (await silence(program, source="host")).status == 201


@pytest.mark.parametrize(
    ("active", "shown"), [("1", [2]), ("yes", [2]), ("TRUE", [2]), ("0", [1]), ("no", [1]), ("all", [2, 1])]
)
async def test_get_silence_takes_every_word_for_yes_and_no(program: Program, active: str, shown: list[int]):
    ended = await silence(program, source="host")
    await program.client.delete(f"/api/v1/silence/{ended.json['id']}")
    await silence(program, source="host")
    found = (await program.client.get(f"/api/v1/silence?active={active}")).json["rules"]
    assert [rule["id"] for rule in found] == shown
    assert error(await program.client.get("/api/v1/silence?active=maybe")) == (400, "invalid_param", "active")
