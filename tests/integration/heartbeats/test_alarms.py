"""What rings and what ends it, what runs leave behind, days, and what is streamed; on each database."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conftest import Start
from integration.alerts.conftest import alerts, raised
from integration.heartbeats.conftest import act, add, get, passes, ping, put, rows, tell
from support.clock import JumpingClock
from support.program import Program, Seen, until
from support.sink import Sink
from tocsin.heartbeats import store
from tocsin.heartbeats.objects import ExecutionView

STREAM = "/api/v1/containers/events"


async def the_only_alert(program: Program) -> dict[str, Any]:
    (alert,) = await alerts(program)
    return alert


# --- alerts ----------------------------------------------------------------------------------------------------------


async def test_what_does_not_come_in_time_rings_and_ends_with_the_next_success(watch: Program, clock: JumpingClock):
    made = await add(watch, interval_seconds=60, grace_seconds=10)
    await tell(watch, made, "", method="POST", data=b"copied 5 files\nbye")
    await passes(watch, clock, 69)
    assert (await get(watch, made))["status"] == "up"

    await passes(watch, clock, 4)

    down = await get(watch, made)
    assert (down["status"], down["alert_state"], down["problems"]) == ("down", "alerting", ["deadline_missed"])
    assert (down["consecutive_failures"], down["consecutive_successes"]) == (1, 0)
    alert = await the_only_alert(watch)
    assert (alert["source"], alert["alert_type"], alert["severity"]) == ("heartbeat", "deadline_missed", "critical")
    assert (alert["entity_type"], alert["entity_id"], alert["entity_name"]) == ("heartbeat", made["id"], "backup")
    assert alert["message"].startswith("backup did not report in; the last time was ")
    assert alert["details"]["log_excerpt"] == "copied 5 files\nbye"
    assert (alert["details"]["schedule"], alert["details"]["grace"]) == ("every 1 minute", "10 seconds")
    (missed,) = watch.seen("heartbeat.deadline_missed")
    assert (missed["name"], missed["alert_type"], missed["previous_status"]) == ("backup", "deadline_missed", "up")
    assert (missed["deadline_at"], missed["details"]) == (down["next_deadline_at"], alert["message"])
    await passes(watch, clock, 200)
    assert len(await alerts(watch)) == 1

    assert (await tell(watch, made, "/start"))["problems"] == ["deadline_missed"]
    assert (await tell(watch, made, "/0"))["problems"] == []
    resolved = await raised(watch, "deadline_missed", "resolved")
    assert (resolved["id"], resolved["resolution"]) == (alert["id"], "recovered")
    assert [event["name"] for event in watch.seen("heartbeat.recovery")] == ["backup"]


async def test_what_never_came_rings_too(watch: Program, clock: JumpingClock):
    made = await add(watch, interval_seconds=60)
    await passes(watch, clock, 64)
    assert (await get(watch, made))["status"] == "down"
    assert "backup has never reported in since it was made" in (await the_only_alert(watch))["message"]


async def test_a_failure_rings_with_its_last_words_and_a_simple_success_ends_it(watch: Program):
    made = await add(watch)
    words = "\n".join(f"line {number}" for number in range(100)).encode()
    down = await tell(watch, made, "/3", method="POST", data=words)
    assert (down["status"], down["problems"], down["last_exit_code"]) == ("down", ["exit_code_failure"], 3)
    alert = await the_only_alert(watch)
    assert (alert["alert_type"], alert["severity"], alert["message"]) == (
        "exit_code_failure",
        "critical",
        "backup failed with exit code 3",
    )
    assert alert["details"]["exit_code"] == 3
    assert alert["details"]["log_excerpt"].splitlines() == [f"line {number}" for number in range(80, 100)]
    (event,) = watch.seen("heartbeat.alert")
    assert (event["alert_type"], event["exit_code"], event["details"]) == ("exit_code_failure", 3, alert["message"])
    await tell(watch, made, "/4")
    assert len(await alerts(watch)) == 1
    assert (await tell(watch, made, ""))["status"] == "up"
    assert (await raised(watch, "exit_code_failure", "resolved"))["resolution"] == "recovered"


async def test_what_a_job_noted_during_the_run_explains_its_failure_and_older_words_do_not(watch: Program):
    made = await add(watch)
    await tell(watch, made, "", method="POST", data=b"all well")
    await tell(watch, made, "/9")
    assert "log_excerpt" not in (await the_only_alert(watch))["details"]
    await tell(watch, made, "")
    await tell(watch, made, "/start")
    await tell(watch, made, "/log", method="POST", data=b"disk is full")
    await tell(watch, made, "/9")
    assert (await alerts(watch))[0]["details"]["log_excerpt"] == "disk is full"


async def test_a_run_that_takes_too_long_warns_and_goes_on(watch: Program, clock: JumpingClock):
    made = await add(watch, max_duration_seconds=10)
    await tell(watch, made, "/start")
    await passes(watch, clock, 14)
    running = await get(watch, made)
    assert (running["status"], running["problems"]) == ("started", ["overrun"])
    alert = await the_only_alert(watch)
    assert (alert["alert_type"], alert["severity"]) == ("overrun", "warning")
    assert alert["message"] == "backup has been running for more than 10 seconds"
    await tell(watch, made, "/0")
    assert (await raised(watch, "overrun", "resolved"))["resolution"] == "recovered"


@pytest.mark.parametrize(("how", "resolution"), [("pause", "entity_paused"), ("delete", "entity_removed")])
async def test_who_is_no_longer_watched_stops_ringing(watch: Program, clock: JumpingClock, how: str, resolution: str):
    made = await add(watch, interval_seconds=60)
    await tell(watch, made, "/1", "/start")
    await passes(watch, clock, 64)
    assert {alert["alert_type"] for alert in await alerts(watch)} == {"exit_code_failure", "deadline_missed"}
    if how == "pause":
        assert (await act(watch, made, "pause")).json["problems"] == []
    else:
        await watch.client.delete(f"/api/v1/heartbeats/{made['id']}")
    for kind in ("exit_code_failure", "deadline_missed"):
        assert (await raised(watch, kind, "resolved"))["resolution"] == resolution


async def test_after_tocsin_was_away_there_is_one_more_grace(
    start: Start, environment: dict[str, str], clock: JumpingClock
):
    async with start(clock=clock, **environment) as program:
        made = await add(program, interval_seconds=60, grace_seconds=60)
        await tell(program, made, "")
    clock.skip(3600)
    async with start(clock=clock, **environment) as program:
        await program.tocsin.deadlines.look()
        shown = await get(program, made)
        assert shown["status"] == "up"
        wait = datetime.fromisoformat(shown["next_deadline_at"]) - clock.now()
        assert timedelta(seconds=40) < wait <= timedelta(seconds=60)
        await passes(program, clock, 66)
        assert (await get(program, made))["status"] == "down"
        assert (await the_only_alert(program))["alert_type"] == "deadline_missed"


async def test_many_that_were_paused_in_the_middle_of_a_run_do_not_keep_the_watch_busy(
    watch: Program, clock: JumpingClock
):
    made = [await add(watch, f"job {number}", max_duration_seconds=5) for number in range(3)]
    for one in made:
        await tell(watch, one, "/start")
        await act(watch, one, "pause")
    clock.skip(60)
    for one in made:
        await act(watch, one, "resume")
    now = clock.now()
    assert await watch.tocsin.db.read(lambda read: store.list_due(read, now, 10)) == []


# --- runs ------------------------------------------------------------------------------------------------------------


async def test_runs_are_shown_newest_first_without_what_is_not_known(watch: Program):
    made = await add(watch)
    await tell(watch, made, "", "/start?rid=a", "/start?rid=b", "/0?rid=a", "/start?rid=c", "/7?rid=c", "/fail")
    answer = (await watch.client.get(f"/api/v1/heartbeats/{made['id']}/executions")).json
    assert answer.keys() == {"executions", "total", "has_more"}
    assert (answer["total"], answer["has_more"]) == (5, False)
    base = {"id", "heartbeat_id", "outcome"}
    expected: list[tuple[str, set[str]]] = [
        ("failure", {"completed_at"}),
        ("failure", {"started_at", "completed_at", "duration_ms", "exit_code", "run_id"}),
        ("in_progress", {"started_at", "run_id"}),
        ("success", {"started_at", "completed_at", "duration_ms", "exit_code", "run_id"}),
        ("success", {"completed_at"}),
    ]
    for run, (outcome, more) in zip(answer["executions"], expected, strict=True):
        assert (run["outcome"], run.keys()) == (outcome, base | more)
        assert run.keys() <= set(ExecutionView.__struct_encode_fields__)
    assert [run.get("run_id") for run in answer["executions"]] == [None, "c", "b", "a", None]
    page = (await watch.client.get(f"/api/v1/heartbeats/{made['id']}/executions?limit=2&offset=1")).json
    assert (page["executions"], page["total"], page["has_more"]) == (answer["executions"][1:3], 5, True)
    for query in ("limit=0", "limit=501", "offset=-1", "limit=x"):
        for kind in ("executions", "pings"):
            refused = await watch.client.get(f"/api/v1/heartbeats/{made['id']}/{kind}?{query}")
            assert (refused.status, refused.code) == (400, "invalid_param")


async def test_a_run_that_ends_late_completes_the_one_that_was_given_up(watch: Program, clock: JumpingClock):
    made = await add(watch, interval_seconds=60)
    await tell(watch, made, "/start")
    await passes(watch, clock, 64)
    (given_up,) = await rows(watch, made, "executions")
    assert (given_up["outcome"], "duration_ms" in given_up) == ("timeout", False)
    assert (await get(watch, made))["current_run_started_at"] is None
    await tell(watch, made, "/0")
    (late,) = await rows(watch, made, "executions")
    assert (late["id"], late["outcome"], late["late"], late["exit_code"]) == (given_up["id"], "success", True, 0)
    assert late["duration_ms"] >= 64_000
    assert (await get(watch, made))["last_duration_ms"] == late["duration_ms"]


async def test_pings_are_shown_newest_first_with_when_they_were_expected(watch: Program):
    made = await add(watch, grace_seconds=60)
    stood = [made, *[await tell(watch, made, rest) for rest in ("", "/start", "/0")]]
    answer = (await watch.client.get(f"/api/v1/heartbeats/{made['id']}/pings")).json
    assert answer.keys() == {"pings", "total", "has_more"}
    shown = list(reversed(answer["pings"]))
    assert [one["ping_type"] for one in shown] == ["success", "start", "exit_code"]
    for one, before in zip(shown, stood, strict=False):
        assert (one["expected_at"], one["grace_deadline"]) == (before["next_expected_at"], before["next_deadline_at"])
    page = (await watch.client.get(f"/api/v1/heartbeats/{made['id']}/pings?limit=1&offset=1")).json
    assert (page["pings"], page["total"], page["has_more"]) == ([shown[1]], 3, True)


# --- days ------------------------------------------------------------------------------------------------------------


async def test_days_show_the_share_of_good_ends_and_incidents(watch: Program, clock: JumpingClock):
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    clock.skip((midnight - clock.now()).total_seconds() + 3600)
    made = await add(watch, interval_seconds=86_400)
    await tell(watch, made, "", "/start", "/0", "/1")
    first = clock.now().astimezone(UTC).date()
    clock.skip(86_400)
    await tell(watch, made, "", "/log", "/start")

    answer = await watch.client.get(f"/api/v1/heartbeats/{made['id']}/uptime/daily?days=3")

    assert answer.json == {
        "monitor_id": made["id"],
        "monitor_type": "heartbeat",
        "days": [
            {"date": (first + timedelta(days=1)).isoformat(), "uptime_percent": 100.0, "incident_count": 0},
            {"date": first.isoformat(), "uptime_percent": 66.67, "incident_count": 1},
            {"date": (first - timedelta(days=1)).isoformat(), "uptime_percent": None, "incident_count": 0},
        ],
    }
    path = f"/api/v1/heartbeats/{made['id']}/uptime/daily"
    assert len((await watch.client.get(path)).json["days"]) == 90
    assert len((await watch.client.get(f"{path}?days=365")).json["days"]) == 365
    for bad in ("0", "366", "x", "-1"):
        refused = await watch.client.get(f"{path}?days={bad}")
        assert (refused.status, refused.code) == (400, "invalid_param")
    bars = (await watch.client.get("/api/v1/dashboard/uptime?type=heartbeat&days=2")).json
    assert bars == {
        "days": 2,
        "to": (first + timedelta(days=1)).isoformat(),
        "items": [{"id": made["id"], "days": [66.67, 100.0]}],
    }


# --- what is streamed ------------------------------------------------------------------------------------------------


async def until_type(events: Any, wanted: str) -> list[Seen]:
    found: list[Seen] = []
    async with asyncio.timeout(10):
        async for event in events:
            found.append(event)
            if event.type == wanted:
                break
    return found


async def test_pings_are_streamed_without_a_number_and_changes_with_one(watch: Program):
    async with watch.client.stream(f"{STREAM}?types=heartbeat.*") as events:
        made = await add(watch)
        await tell(watch, made, "/4")
        pinged = (await until_type(events, "heartbeat.pinged"))[-1]
        after = await tell(watch, made, "")
        second = (await until_type(events, "heartbeat.pinged"))[-1]
        await watch.client.delete(f"/api/v1/heartbeats/{made['id']}")
        await until_type(events, "heartbeat.deleted")
    assert (pinged.id, second.id) == (None, None)
    assert pinged.data.keys() == {
        "type", "timestamp", "heartbeat_id", "ping_type", "status", "exit_code", "last_ping_at", "next_deadline_at",
    }  # fmt: skip
    assert (pinged.data["heartbeat_id"], pinged.data["ping_type"]) == (made["id"], "exit_code")
    assert (pinged.data["status"], pinged.data["exit_code"]) == ("down", 4)
    assert (second.data["ping_type"], second.data["status"], second.data["exit_code"]) == ("success", "up", None)
    assert second.data["next_deadline_at"] == after["next_deadline_at"]
    journalled = [event for event in watch.events if str(event.type).startswith("heartbeat.") and event.id is not None]
    assert [event.type for event in journalled] == [
        f"heartbeat.{name}" for name in ("created", "status_changed", "alert", "status_changed", "recovery", "deleted")
    ]
    fields = {event.type: event.data.keys() - {"type", "timestamp", "heartbeat_id"} for event in journalled}
    assert fields["heartbeat.created"] == {"name", "status"}
    assert fields["heartbeat.status_changed"] == {"old_status", "new_status"}
    assert fields["heartbeat.recovery"] == {"name"}
    assert fields["heartbeat.deleted"] == set()
    assert fields["heartbeat.alert"] == {"name", "alert_type", "details", "exit_code", "evidence"}
    listed = (await watch.client.get("/api/v1/events?types=heartbeat.*")).json["events"]
    assert [event["id"] for event in reversed(listed)] == [event.id for event in journalled]


@pytest.mark.usefixtures("quick")
async def test_webhooks_are_told_and_never_the_secret(start: Start, environment: dict[str, str], receiver: Sink):
    async with start(TOCSIN_EGRESS_ALLOW="127.0.0.0/8", **environment) as program:
        hook = {"name": "ci", "url": receiver.base + "/events"}
        assert (await program.client.post("/api/v1/webhooks", hook)).status == 201
        made = await add(program)
        await tell(program, made, "/5", "/0")
        await put(program, made, {"name": "other"})
        await act(program, made, "rotate")
        await ping(program, made)
        await program.client.delete(f"/api/v1/heartbeats/{made['id']}")

        async def look() -> str:
            return " ".join(one.body.decode() for one in receiver.accepted)

        told = await until(look, lambda text: "heartbeat.deleted" in text)
    for name in ("created", "status_changed", "alert", "recovery", "updated", "deleted"):
        assert f"heartbeat.{name}" in told
    assert made["uuid"] not in told
    assert json.loads(receiver.accepted[0].body)
