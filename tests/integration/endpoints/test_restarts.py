"""Endpoints outlive the program: in order, by surprise, and with another key."""

import asyncio
from pathlib import Path
from typing import Any

from conftest import Start
from integration.endpoints.conftest import ALLOWED, RARELY, alerts, check, error, make, put, shown, stored
from support.behaviours import answer, in_turn
from support.process import Process
from support.program import until
from support.targets import serve
from tocsin.core.secrets import MASK

COUNTED = (
    "status",
    "alert_state",
    "consecutive_failures",
    "consecutive_successes",
    "last_check_at",
    "last_response_time_ms",
    "last_http_status",
    "last_error",
    "status_since",
)


def counters(endpoint: dict[str, Any]) -> dict[str, Any]:
    return {name: endpoint[name] for name in COUNTED}


async def test_a_restart_keeps_counters_settings_and_history(start: Start, settings: dict[str, str]):
    async with serve(in_turn(*[answer()] * 6, answer(status=500))) as target:
        async with start(**settings) as program:
            good = await make(program, target.base, headers={"Authorization": "secret"}, failure_threshold=3)
            await check(program, good["id"], 5)
            bad = await make(program, target.base, name="bad", failure_threshold=3)
            await check(program, bad["id"])
            paused = await make(program, target.base, name="paused")
            await program.client.post(f"/api/v1/endpoints/{paused['id']}/pause")
            before = [await shown(program, one["id"]) for one in (good, bad, paused)]
            history = [await stored(program, one["id"], count) for one, count in ((good, 6), (bad, 2))]
            lines = (await program.client.get("/api/v1/dashboard/sparklines")).json

        async with start(**settings) as program:
            after = [await shown(program, one["id"]) for one in (good, bad, paused)]
            assert [counters(one) for one in after] == [counters(one) for one in before]
            assert [one["config"] for one in after] == [one["config"] for one in before]
            assert after[2]["paused"] is True
            assert [await stored(program, one["id"], count) for one, count in ((good, 6), (bad, 2))] == history
            assert (await program.client.get("/api/v1/dashboard/sparklines")).json == lines
            bars = (await program.client.get("/api/v1/dashboard/uptime?type=endpoint&days=1")).json["items"]
            assert [item["days"] for item in bars[:2]] == [[100.0], [0.0]]
            assert program.seen("endpoint.discovered") == program.seen("endpoint.alert") == []

            await check(program, bad["id"])  # the third failure in a row, over the restart

            assert [(one["status"], one["details"]["failures"]) for one in await alerts(program)] == [("active", 3)]
            await check(program, good["id"])
            assert target.requests[-1].header("Authorization") == "secret"


async def test_a_restart_neither_repeats_an_alert_nor_forgets_it(start: Start, settings: dict[str, str]):
    async with serve(in_turn(answer(status=500), answer(status=500), answer(status=500), answer())) as target:
        async with start(**settings) as program:
            made = await make(program, target.base, failure_threshold=1, recovery_threshold=1)
            alert = (await alerts(program))[0]
        async with start(**settings) as program:
            await check(program, made["id"])
            assert [(one["id"], one["status"]) for one in await alerts(program)] == [(alert["id"], "active")]
            assert program.seen("alert.fired") == []
            await until(lambda: check(program, made["id"]), lambda found: found["success"])
            assert [(one["id"], one["resolution"]) for one in await alerts(program)] == [(alert["id"], "recovered")]


async def test_endpoints_are_checked_again_after_a_restart(start: Start):
    async with serve(answer()) as target:
        async with start(**ALLOWED) as program:
            made = await make(program, target.base, interval="5s")
            before = (await shown(program, made["id"]))["consecutive_successes"]
        async with start(**ALLOWED) as program:
            await until(lambda: shown(program, made["id"]), lambda found: found["consecutive_successes"] > before)


async def test_after_a_kill_what_is_shown_is_what_was_stored(tmp_path: Path, settings: dict[str, str]):
    """Three times: checks as fast as they go, kill -9 in the middle of it."""
    process = Process(tmp_path / "data", **settings)
    number, known, made_so_far = 0, 0, 0
    async with serve(answer()) as target, serve(answer(status=500)) as broken:
        await asyncio.to_thread(process.start)
        try:
            body = {"name": "a", "target": target.base, "endpoint_type": "http", "interval": RARELY}
            number = (await asyncio.to_thread(process.post, "/api/v1/endpoints", body))["endpoint"]["id"]
            down = {**body, "name": "b", "target": broken.base, "failure_threshold": 1}
            other = (await asyncio.to_thread(process.post, "/api/v1/endpoints", down))["endpoint"]["id"]
            await until(
                lambda: _ask(process, f"/api/v1/endpoints/{other}"), lambda f: f["endpoint"]["status"] == "down"
            )
            for _ in range(3):
                for _ in range(40):
                    found = await asyncio.to_thread(process.post, f"/api/v1/endpoints/{number}/check", {})
                    assert found["success"]
                made_so_far = len(target.requests)
                await asyncio.to_thread(process.kill)
                await asyncio.to_thread(process.start)

                answer_now = await _ask(process, f"/api/v1/endpoints/{number}/checks?limit=500")
                endpoint = (await _ask(process, f"/api/v1/endpoints/{number}"))["endpoint"]
                total = answer_now["total"]
                assert known <= total <= made_so_far
                assert len({one["id"] for one in answer_now["checks"]}) == total
                assert endpoint["consecutive_successes"] >= known
                assert total - 1 <= endpoint["consecutive_successes"] <= total + 1
                known = total
                lost = (await _ask(process, f"/api/v1/endpoints/{other}"))["endpoint"]
                assert (lost["status"], lost["alert_state"]) == ("down", "alerting")  # changes are never lost
                found_alerts = (await _ask(process, "/api/v1/alerts?source=endpoint"))["alerts"]
                assert [one["status"] for one in found_alerts] == ["active"]
        finally:
            await asyncio.to_thread(process.kill)
    assert known > 0


async def _ask(process: Process, path: str) -> Any:
    return await asyncio.to_thread(process.get, path)


async def test_with_another_key_the_program_starts_and_sends_what_it_can_read(start: Start, tmp_path: Path):
    async with serve(answer()) as target:
        async with start(**ALLOWED) as program:
            made = await make(program, target.base, headers={"Authorization": "secret"})
        (tmp_path / "data/secret.key").unlink()
        async with start(**ALLOWED) as program:
            assert (await shown(program, made["id"]))["config"]["headers"] == {"Authorization": MASK}
            await check(program, made["id"])
            assert target.requests[-1].header("Authorization") is None
            refused = await put(program, made["id"], {"headers": {"Authorization": MASK}})
            assert error(refused) == (400, "invalid_input", "headers")
            assert (await put(program, made["id"], {"headers": {"Authorization": "new"}})).status == 200
            await check(program, made["id"])
            assert target.requests[-1].header("Authorization") == "new"
