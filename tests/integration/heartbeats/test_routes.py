"""Heartbeats over HTTP: every route, what it shows and what it refuses, on each database."""

from datetime import datetime, timedelta
from typing import Any

from integration.heartbeats.conftest import EVERY, LIST, OK, act, add, error, get, passes, ping, put, rows, tell
from support.clock import JumpingClock
from support.program import Program
from tocsin.heartbeats.objects import HeartbeatDetail, HeartbeatView


def keys(kind: type[Any]) -> set[str]:
    return set(kind.__struct_encode_fields__)


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- what is shown ---------------------------------------------------------------------------------------------------


async def test_a_new_one_is_a_bare_object_and_is_expected_at_once(watch: Program):
    made = await add(watch, "  Nightly backup ", grace_seconds=60, tags=["prod"])

    assert made.keys() == keys(HeartbeatView)
    assert (made["name"], made["slug"], made["tags"]) == ("Nightly backup", "nightly-backup", ["prod"])
    assert (made["status"], made["alert_state"], made["problems"], made["active"]) == ("new", "normal", [], True)
    assert (made["interval_seconds"], made["grace_seconds"], made["schedule"]) == (300, 60, None)
    assert (made["consecutive_failures"], made["consecutive_successes"]) == (0, 0)
    for empty in ("last_ping_at", "current_run_started_at", "last_exit_code", "last_duration_ms"):
        assert made[empty] is None, empty
    assert when(made["next_deadline_at"]) == when(made["created_at"]) + timedelta(seconds=360)
    assert when(made["next_expected_at"]) == when(made["created_at"]) + timedelta(seconds=300)
    assert made["ping_url"].endswith(f"/ping/{made['uuid']}")
    assert made["created_at"].endswith("Z")


async def test_one_is_shown_with_texts_that_ping_it(watch: Program):
    made = await add(watch)
    answer = await watch.client.get(f"{LIST}/{made['id']}")
    assert answer.json.keys() == keys(HeartbeatDetail)
    assert answer.json["heartbeat"] == made
    assert {"curl", "wget", "python", "go", "bash", "docker_healthcheck"} <= answer.json["snippets"].keys()
    assert all(made["uuid"] in text for name, text in answer.json["snippets"].items())
    assert answer.headers["cache-control"] == "no-store"


async def test_the_list_is_newest_first_and_paged_and_filtered(watch: Program):
    made = [await add(watch, f"job {number}", tags=["prod"] if number % 2 else ["Prod", "a_b"]) for number in range(5)]
    await tell(watch, made[0], "")
    await act(watch, made[1], "pause")

    answer = (await watch.client.get(LIST)).json
    assert answer.keys() == {"heartbeats", "total", "has_more"}
    assert [one["name"] for one in answer["heartbeats"]] == [f"job {number}" for number in (4, 3, 2, 1, 0)]
    assert (answer["total"], answer["has_more"]) == (5, False)
    page = (await watch.client.get(f"{LIST}?limit=2&offset=1")).json
    assert ([one["name"] for one in page["heartbeats"]], page["total"], page["has_more"]) == (
        ["job 3", "job 2"],
        5,
        True,
    )
    last = (await watch.client.get(f"{LIST}?limit=2&offset=3")).json
    assert (len(last["heartbeats"]), last["has_more"]) == (2, False)
    beyond = (await watch.client.get(f"{LIST}?offset=9")).json
    assert (beyond["heartbeats"], beyond["total"], beyond["has_more"]) == ([], 5, False)
    for query, names in {
        "status=up": ["job 0"],
        "status=paused": ["job 1"],
        "status=new": ["job 4", "job 3", "job 2"],
        "status=down": [],
        "tag=prod": ["job 3", "job 1"],
        "tag=Prod": ["job 4", "job 2", "job 0"],
        "tag=a_b": ["job 4", "job 2", "job 0"],
        "tag=aXb": [],
        "tag=pro": [],
        "tag=%25": [],
        "tag=prod&status=paused": ["job 1"],
    }.items():
        found = (await watch.client.get(f"{LIST}?{query}")).json
        assert ([one["name"] for one in found["heartbeats"]], found["total"]) == (names, len(names)), query


async def test_a_change_answers_the_bare_object_and_moves_the_deadline(watch: Program):
    made = await add(watch, grace_seconds=60)
    before = await tell(watch, made, "")

    answer = await put(watch, made, {"name": " weekly ", "interval_seconds": 600})

    assert answer.status == 200
    assert answer.json.keys() == keys(HeartbeatView)
    assert (answer.json["name"], answer.json["interval_seconds"], answer.json["grace_seconds"]) == ("weekly", 600, 60)
    assert when(answer.json["next_deadline_at"]) == when(before["last_ping_at"]) + timedelta(seconds=660)
    assert (answer.json["status"], answer.json["slug"]) == ("up", "backup")
    assert answer.json == await get(watch, made)
    assert error(await put(watch, made, {"interval_seconds": 60, "grace_seconds": 61})) == (
        400,
        "invalid_input",
        "grace_seconds",
    )
    assert (await put(watch, made, {"grace_seconds": 600})).status == 200
    assert error(await put(watch, made, {"interval_seconds": 300}))[2] == "grace_seconds"
    assert (await put(watch, made, {})).status == 200
    assert (await put(watch, made, {"name": None})).json["name"] == "weekly"


async def test_a_schedule_says_when_it_is_expected(watch: Program):
    made = await add(watch, interval_seconds=None, schedule="30 2 * * *", timezone="Europe/Paris", grace_seconds=600)
    assert made["interval_seconds"] == 86_400
    expected = when(made["next_expected_at"])
    assert expected > watch.tocsin.clock.now()
    assert when(made["next_deadline_at"]) == expected + timedelta(seconds=600)
    back = (await put(watch, made, {"schedule": None, "interval_seconds": 300, "grace_seconds": 60})).json
    assert (back["schedule"], back["interval_seconds"]) == (None, 300)


async def test_a_slug_is_taken_once(watch: Program):
    first = await add(watch, "backup")
    second = await add(watch, "backup")
    assert first["slug"] == "backup"
    assert second["slug"].startswith("backup-")
    answer = await watch.client.post(LIST, {**OK, "slug": "backup"})
    assert error(answer) == (409, "duplicate_slug", "slug")
    assert error(await put(watch, second, {"slug": "backup"})) == (409, "duplicate_slug", "slug")
    assert (await put(watch, first, {"slug": "backup"})).status == 200
    assert (await put(watch, second, {"slug": "other"})).json["slug"] == "other"


# --- by hand ---------------------------------------------------------------------------------------------------------


async def test_a_pause_ends_waiting_and_can_be_asked_for_again(watch: Program, clock: JumpingClock):
    made = await add(watch, interval_seconds=60)
    await tell(watch, made, "")

    answer = await act(watch, made, "pause")

    assert (answer.status, answer.json.keys()) == (200, keys(HeartbeatView))
    assert (answer.json["status"], answer.json["next_deadline_at"], answer.json["next_expected_at"]) == (
        "paused",
        None,
        None,
    )
    assert (await act(watch, made, "pause")).json == answer.json
    await passes(watch, clock, 70)
    after = await tell(watch, made, "", "/start", "/7", "/fail", "/log")
    assert {**after} == {**answer.json}
    assert [one["ping_type"] for one in await rows(watch, made, "pings")] == [
        "log", "fail", "exit_code", "start", "success", "success",
    ]  # fmt: skip
    newest = (await rows(watch, made, "pings"))[0]
    assert (newest["expected_at"], newest["grace_deadline"]) == (None, None)
    assert len(await rows(watch, made, "executions")) == 1
    assert watch.seen("heartbeat.deadline_missed") == []


async def test_after_a_pause_it_is_waited_for_from_then_on(watch: Program, clock: JumpingClock):
    made, never = await add(watch), await add(watch, "never")
    await tell(watch, made, "")
    for one, status in ((made, "up"), (never, "new")):
        await act(watch, one, "pause")
        clock.skip(3600)
        answer = await act(watch, one, "resume")
        assert (answer.status, answer.json.keys(), answer.json["status"]) == (200, keys(HeartbeatView), status)
        wait = when(answer.json["next_deadline_at"]) - clock.now()
        assert timedelta(seconds=290) < wait <= timedelta(seconds=300)
        assert error(await act(watch, one, "resume"))[:2] == (400, "invalid_input")


async def test_another_url_ends_the_one_before_at_once(watch: Program):
    made = await add(watch)
    await tell(watch, made, "")
    answer = await act(watch, made, "rotate")
    assert (answer.status, answer.json.keys()) == (200, keys(HeartbeatView))
    assert answer.json["uuid"] != made["uuid"]
    assert error(await ping(watch, made))[:2] == (404, "not_found")
    assert (await tell(watch, answer.json, ""))["consecutive_successes"] == 2


async def test_what_is_deleted_is_gone_for_good(watch: Program):
    made = await add(watch)
    await tell(watch, made, "/start", "/0")
    answer = await watch.client.delete(f"{LIST}/{made['id']}")
    assert (answer.status, answer.body) == (204, b"")
    for method, rest in EVERY:
        body = {} if method == "PUT" else None
        again = await watch.client.request(method, f"{LIST}/{made['id']}{rest}", json_body=body)
        assert (again.status, again.code) == (404, "not_found"), (method, rest)
    assert (await ping(watch, made)).status == 404
    assert (await watch.client.get(LIST)).json["total"] == 0
    (event,) = watch.seen("heartbeat.deleted")
    assert event == {"type": "heartbeat.deleted", "heartbeat_id": made["id"], "timestamp": event["timestamp"]}
    assert (await add(watch))["id"] > made["id"]


async def test_who_changed_what_is_written_down(watch: Program):
    made = await add(watch)
    await put(watch, made, {"interval_seconds": 600})
    for action in ("pause", "resume", "rotate"):
        await act(watch, made, action)
    await watch.client.delete(f"{LIST}/{made['id']}")
    entries = (await watch.client.get("/api/v1/audit?entity=heartbeat:")).json["entries"]
    assert [entry["action"] for entry in reversed(entries)] == [
        f"heartbeat.{action}" for action in ("create", "update", "pause", "resume", "rotate", "delete")
    ]
    assert entries[-2]["change"] == {"interval_seconds": {"before": 300, "after": 600}}
    assert made["uuid"] not in str(entries)


# --- numbers of others -----------------------------------------------------------------------------------------------


async def test_others_know_how_many_there_are(watch: Program):
    made = [await add(watch, f"job {number}") for number in range(3)]
    await tell(watch, made[0], "")
    edition = (await watch.client.get("/api/v1/edition")).json
    assert edition["quotas"]["heartbeats"] == {"used": 3, "limit": -1}
    metrics = (await watch.client.get("/metrics")).body.decode()
    assert 'tocsin_heartbeats{status="new"} 2.0' in metrics
    assert "tocsin_pings_total 1.0" in metrics
    assert made[0]["uuid"] not in metrics
