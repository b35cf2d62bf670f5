"""What is told of endpoints, live and in the feed, and what rings."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from integration.endpoints.conftest import alerts, check, make, put, shown, stored
from support.behaviours import answer, in_turn, late
from support.program import Program, Seen, until
from support.targets import refusing_port, serve

EVENTS = "/api/v1/containers/events?types=endpoint.*"


async def heard(events: Any, is_last: Callable[[Seen], bool]) -> list[Seen]:
    """Return what comes up to the last one, without checkpoints."""
    found: list[Seen] = []
    async with asyncio.timeout(10):
        async for event in events:
            if event.type is not None:
                found.append(event)
                if is_last(event):
                    break
    return found


def of_type(event_type: str) -> Callable[[Seen], bool]:
    return lambda event: event.type == event_type


async def test_every_check_is_streamed_without_a_number_and_not_kept(looking: Program):
    async with (
        serve(in_turn(answer(), answer(), answer(status=500))) as target,
        looking.client.stream(EVENTS) as events,
    ):
        made = await make(looking, target.base + "/?token=secret")
        await check(looking, made["id"])
        last = await check(looking, made["id"])
        seen = await heard(events, lambda e: e.type == "endpoint.check_result" and not e.data["success"])
    results = [event for event in seen if event.type == "endpoint.check_result"]
    assert [(event.id, event.data["success"], event.data["status"]) for event in results] == [
        (None, True, "up"),
        (None, True, "up"),
        (None, False, "down"),
    ]
    assert results[-1].data == {
        "type": "endpoint.check_result",
        "endpoint_id": made["id"],
        "container_name": "",
        "target": target.base + "/",
        "success": False,
        "status": "down",
        "response_time_ms": last["response_time_ms"],
        "http_status": 500,
        "error": "unexpected status code 500, expected 2xx",
        "timestamp": last["timestamp"],
    }
    kept = (await looking.client.get("/api/v1/events?types=endpoint.*")).json["events"]
    assert "endpoint.check_result" not in {event["type"] for event in kept}


async def test_the_life_of_an_endpoint_is_told_in_order(looking: Program):
    script = in_turn(answer(), *[answer(status=500)] * 3, answer())
    async with serve(script) as target, looking.client.stream(EVENTS) as events:
        made = await make(looking, target.base, failure_threshold=2, recovery_threshold=2)
        await check(looking, made["id"], 4)
        await put(looking, made["id"], {"name": "new"})
        await looking.client.delete(f"/api/v1/endpoints/{made['id']}")
        seen = await heard(events, of_type("endpoint.removed"))
    told = [event for event in seen if event.type != "endpoint.check_result"]
    assert [event.type for event in told] == [
        "endpoint.discovered",
        "endpoint.status_changed",
        "endpoint.status_changed",
        "endpoint.alert",
        "endpoint.status_changed",
        "endpoint.recovery",
        "endpoint.updated",
        "endpoint.removed",
    ]
    numbers = [event.id for event in told]
    assert numbers == sorted(numbers)
    by_type = {event.type: event.data for event in told}
    changes = [event.data for event in told if event.type == "endpoint.status_changed"]
    assert [(change["previous_status"], change["new_status"], change["http_status"]) for change in changes] == [
        ("unknown", "up", 200),
        ("up", "down", 500),
        ("down", "up", 200),
    ]
    assert (changes[0]["error"], changes[1]["error"]) == (None, "unexpected status code 500, expected 2xx")
    alert = by_type["endpoint.alert"]
    assert (alert["endpoint_id"], alert["consecutive_failures"], alert["threshold"]) == (made["id"], 2, 2)
    assert (alert["last_error"], alert["since"]) == (changes[1]["error"], changes[1]["timestamp"])
    recovery = by_type["endpoint.recovery"]
    assert (recovery["consecutive_successes"], recovery["threshold"]) == (2, 2)
    assert all(event.data["timestamp"].endswith("Z") for event in told)
    kept = (await looking.client.get("/api/v1/events?types=endpoint.*&limit=500")).json["events"]
    assert [event["type"] for event in reversed(kept)] == [event.type for event in told]


async def test_checks_that_change_nothing_are_journalled_nowhere(looking: Program):
    async with serve(answer()) as target:
        made = await make(looking, target.base)
        before = (await looking.client.get("/api/v1/events")).json["total"]
        await check(looking, made["id"], 10)
        await stored(looking, made["id"], 11)
        assert (await looking.client.get("/api/v1/events")).json["total"] == before


# --- alerts ----------------------------------------------------------------------------------------------------------


async def test_so_many_failures_ring_critically_and_so_many_successes_end_it(looking: Program):
    script = in_turn(answer(), *[answer(b"broken", 503, {"X-Node": "a"})] * 5, answer())
    async with serve(script) as target:
        made = await make(looking, target.base, name="Shop", failure_threshold=3, recovery_threshold=2)
        await check(looking, made["id"], 2)
        assert await alerts(looking) == []
        assert (await shown(looking, made["id"]))["alert_state"] == "normal"

        await check(looking, made["id"])

        alert = (await alerts(looking))[0]
        assert (alert["source"], alert["alert_type"], alert["severity"], alert["status"]) == (
            "endpoint",
            "consecutive_failure",
            "critical",
            "active",
        )
        assert (alert["entity_type"], alert["entity_id"], alert["entity_name"]) == ("endpoint", made["id"], "Shop")
        assert alert["message"] == (
            f"Endpoint Shop ({target.base}) is down: unexpected status code 503, expected 2xx (3 consecutive failures)"
        )
        details = alert["details"]
        assert (details["failures"], details["threshold"], details["http_status"]) == (3, 3, 503)
        assert (details["expected"], details["got"], details["body_excerpt"]) == ("2xx", "503", "broken")
        assert details["headers"]["X-Node"] == "a"
        assert (await shown(looking, made["id"]))["alert_state"] == "alerting"
        await check(looking, made["id"], 2)  # one more failure, and the first success
        assert [one["status"] for one in await alerts(looking)] == ["active"]
        assert len(looking.seen("endpoint.alert")) == 1

        await check(looking, made["id"])

        assert [(one["status"], one["resolution"]) for one in await alerts(looking)] == [("resolved", "recovered")]
        assert len(looking.seen("alert.fired")) == len(looking.seen("alert.resolved")) == 1


async def test_so_many_slow_answers_are_a_warning(looking: Program):
    slow = late(0.06, answer())
    async with serve(in_turn(slow, slow, answer())) as target:
        made = await make(looking, target.base, degraded_after="50ms", failure_threshold=2, recovery_threshold=2)
        assert (made["status"], made["consecutive_failures"], made["last_http_status"]) == ("degraded", 0, 200)
        assert await alerts(looking) == []

        found = await check(looking, made["id"])

        assert (found["success"], found["status"]) == (True, "degraded")
        alert = (await alerts(looking))[0]
        assert (alert["alert_type"], alert["severity"], alert["status"]) == ("slow_response", "warning", "active")
        assert (alert["details"]["slow"], alert["details"]["degraded_after_ms"]) == (2, 50)
        assert len(looking.seen("endpoint.slow")) == 1
        assert (await shown(looking, made["id"]))["alert_state"] == "normal"
        await put(looking, made["id"], {"degraded_after": "2s"})  # quick from now on, whatever the machine does
        await until(lambda: alerts(looking), lambda some: some[0]["status"] == "active")
        await check(looking, made["id"], 2)

        assert [(one["status"], one["resolution"]) for one in await alerts(looking)] == [("resolved", "recovered")]
        assert len(looking.seen("endpoint.slow_recovery")) == 1


async def test_being_down_takes_the_place_of_being_slow(looking: Program):
    async with serve(in_turn(late(0.06, answer()), answer(status=500))) as target:
        made = await make(looking, target.base, degraded_after="50ms", failure_threshold=1)
        await check(looking, made["id"])
        found = {alert["alert_type"]: alert["status"] for alert in await alerts(looking)}
    assert found == {"slow_response": "resolved", "consecutive_failure": "active"}


async def test_a_refused_connection_rings_with_its_reason(looking: Program):
    with refusing_port() as port:
        made = await make(looking, f"127.0.0.1:{port}", name="Database", failure_threshold=1)
        alert = (await alerts(looking))[0]
    assert made["last_error"] == f"connection refused by 127.0.0.1:{port}"
    assert alert["details"]["last_error"] == made["last_error"]


async def test_what_is_told_of_an_alert_holds_no_secret_of_the_target(looking: Program):
    async with serve(answer(status=500)) as target:
        await make(looking, target.base + "/?token=secret", failure_threshold=1)
        alert = await looking.client.get("/api/v1/alerts")
        events = await looking.client.get("/api/v1/events")
    assert alert.json["alerts"][0]["status"] == "active"
    assert b"secret" not in alert.body
    assert b"secret" not in events.body


@pytest.mark.parametrize(("action", "resolution"), [("pause", "entity_paused"), ("delete", "entity_removed")])
async def test_what_is_not_watched_any_more_rings_no_more(looking: Program, action: str, resolution: str):
    slow = late(0.06, answer())
    async with serve(slow) as target, serve(answer(status=500)) as broken:
        made = await make(looking, target.base, degraded_after="50ms", failure_threshold=1)
        down = await make(looking, broken.base, name="down", failure_threshold=1)
        assert [alert["status"] for alert in await alerts(looking)] == ["active"] * 2
        for one in (made, down):
            path = f"/api/v1/endpoints/{one['id']}"
            done = await (looking.client.post(f"{path}/pause") if action == "pause" else looking.client.delete(path))
            assert done.status in {200, 204}
        assert [(alert["status"], alert["resolution"]) for alert in await alerts(looking)] == [
            ("resolved", resolution)
        ] * 2
