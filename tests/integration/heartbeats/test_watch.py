"""Clocks that jump, many pings at once, what retention takes, and how jobs are told to reach Tocsin."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from conftest import Start
from integration.heartbeats.conftest import act, add, get, passes, ping, rows, tell
from support.clock import JumpingClock
from support.program import Program
from tocsin.core.clock import to_ms
from tocsin.heartbeats import history_store


def left(beat: dict[str, Any], clock: JumpingClock) -> timedelta:
    return datetime.fromisoformat(beat["next_deadline_at"]) - clock.now()


async def test_a_clock_set_back_makes_nobody_wait_longer(watch: Program, clock: JumpingClock):
    made = await add(watch, interval_seconds=60, grace_seconds=10)
    clock.turn(7 * 86_400)
    await watch.tocsin.deadlines.look()
    await tell(watch, made, "")
    clock.turn(-7 * 86_400)
    await watch.tocsin.deadlines.look()
    assert timedelta(seconds=60) < left(await get(watch, made), clock) <= timedelta(seconds=70)
    await passes(watch, clock, 74)
    assert (await get(watch, made))["status"] == "down"


async def test_a_clock_set_forward_is_no_fault_of_the_job(watch: Program, clock: JumpingClock):
    made = await add(watch, interval_seconds=60, grace_seconds=45)
    await tell(watch, made, "")
    clock.turn(86_400)
    await watch.tocsin.deadlines.look()
    shown = await get(watch, made)
    assert shown["status"] == "up"
    assert timedelta(seconds=90) < left(shown, clock) <= timedelta(seconds=105)  # an interval is real time


async def test_no_ping_is_lost_among_many_at_once(watch: Program):
    made = await add(watch)
    await asyncio.gather(*(ping(watch, made, rest) for rest in ["/start?rid=a", "/start?rid=b", *[""] * 40]))
    await asyncio.gather(*(ping(watch, made, rest) for rest in ["/0?rid=a", "/0?rid=b"]))
    shown = await get(watch, made)
    assert (shown["status"], shown["consecutive_successes"]) == ("up", 42)
    runs = await rows(watch, made, "executions", "?limit=100")
    assert len(runs) == 42
    assert {run["outcome"] for run in runs} == {"success"}


async def test_a_ping_at_the_same_time_as_its_deadline_is_one_or_the_other(watch: Program, clock: JumpingClock):
    made = [await add(watch, f"job {number}", interval_seconds=60) for number in range(10)]
    await passes(watch, clock, 56)
    clock.skip(4.9)
    await asyncio.gather(watch.tocsin.deadlines.look(), *(ping(watch, one) for one in made))
    for one in made:
        shown = await get(watch, one)
        assert (shown["status"], shown["problems"]) == ("up", [])
        missed = watch.seen("heartbeat.deadline_missed", heartbeat_id=one["id"])
        assert len(missed) == len(watch.seen("heartbeat.recovery", heartbeat_id=one["id"]))


async def test_retention_takes_runs_that_never_ended_too(watch: Program):
    made = await add(watch)
    await tell(watch, made, "/start?rid=a", "/start?rid=b", "", "/1")
    cutoff = to_ms(watch.tocsin.clock.now() + timedelta(days=1))
    assert await watch.tocsin.db.write(lambda tx: history_store.sweep_executions(tx, cutoff, 3)) == 3
    assert await watch.tocsin.db.write(lambda tx: history_store.sweep_executions(tx, cutoff, 3)) == 1
    assert await watch.tocsin.db.write(lambda tx: history_store.sweep_pings(tx, cutoff, 100)) == 4
    assert await rows(watch, made, "executions") == []
    assert await rows(watch, made, "pings") == []
    assert (await tell(watch, made, "/0?rid=a"))["last_exit_code"] == 0


@pytest.mark.parametrize(("base", "url"), [
    ("https://tocsin.example/", "https://tocsin.example/ping/"),
    ("https://tocsin.example", "https://tocsin.example/ping/"),
])  # fmt: skip
async def test_the_address_for_jobs_follows_from_the_base_url(start: Start, base: str, url: str):
    async with start(TOCSIN_BASE_URL=base) as program:
        made = await add(program)
        texts = (await program.client.get(f"/api/v1/heartbeats/{made['id']}")).json["snippets"]
        assert made["ping_url"] == url + made["uuid"]
        assert f"{url}{made['uuid']}" in texts["curl"]
        assert not any("//ping" in text for text in texts.values())


async def test_a_restart_changes_nothing_of_how_it_stands(
    start: Start, environment: dict[str, str], clock: JumpingClock
):
    async with start(clock=clock, **environment) as program:
        made = await add(program, max_duration_seconds=600, expected_pings=3, tags=["a"])
        before = await tell(program, made, "", "/start?rid=a", "/log")
        paused = await add(program, "paused")
        await act(program, paused, "pause")
        asleep = await get(program, paused)
    async with start(clock=clock, **environment) as program:
        assert await get(program, made) == {**before, "ping_url": (await get(program, made))["ping_url"]}
        assert (await get(program, paused))["status"] == asleep["status"] == "paused"
        await tell(program, made, "/0?rid=a")
        assert (await rows(program, made, "executions"))[0]["run_id"] == "a"
