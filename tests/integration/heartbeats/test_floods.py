"""Many pings at once, and far too many: every one is a sign of life, whatever else becomes of it."""

import asyncio
import json
import random
import time
from collections import Counter
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from conftest import Start
from support.clock import JumpingClock
from support.heartbeats import alerts, listed, make, pass_time, ping, pinged, shown
from support.postgres import Postgres
from support.program import Program
from tocsin.db.tx import Tx
from tocsin.heartbeats.intake import BURST, Target
from tocsin.heartbeats.models import Ping, PingType

CONNECTIONS = 50
SLOWLY_S = 4.0


@pytest.fixture
def _slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget grows more slowly than any test of ours runs."""
    monkeypatch.setattr("tocsin.heartbeats.intake.SECONDS_EACH", SLOWLY_S)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param == "sqlite":
        return {}
    postgres: Postgres = request.getfixturevalue("postgres")
    return {"TOCSIN_DATABASE_URL": postgres.new_database()}


async def statuses(program: Program, beat: dict[str, Any], *rests: str) -> list[int]:
    answers = await asyncio.gather(*(ping(program, beat, rest) for rest in rests))
    return [one.status for one in answers]


@pytest.mark.usefixtures("_slowly")
async def test_a_run_that_ends_beyond_the_budget_has_ended(start: Start):
    clock = JumpingClock()
    async with start(clock=clock) as program:
        beat = await make(program, interval_seconds=3600, grace_seconds=0, max_duration_seconds=60)
        await pinged(program, beat, *["/log"] * (BURST - 1), "/start", "")
        found = await shown(program, beat)
        assert (found["status"], found["current_run_started_at"]) == ("up", None)
        assert found["last_duration_ms"] is not None
        (run,) = await listed(program, beat, "executions")
        assert (run["outcome"], run["completed_at"] is not None) == ("success", True)
        assert len(await listed(program, beat, "pings")) == BURST

        await pass_time(program, clock, 120)
        assert program.tocsin.deadlines.late_s == 0
        await pinged(program, beat, "/start")
        await pass_time(program, clock, 20)
        assert (await shown(program, beat))["status"] == "started"
        assert await alerts(program) == []


@pytest.mark.usefixtures("_slowly")
async def test_a_flood_of_runs_takes_none_of_them_for_unfinished(start: Start):
    """Pings alternate about the edge of the budget: a start with a row, an end without one."""
    clock = JumpingClock()
    async with start(clock=clock) as program:
        beat = await make(program, max_duration_seconds=60)
        await pinged(program, beat, *["/log"] * BURST)
        for _ in range(30):
            clock.skip(SLOWLY_S)
            await pinged(program, beat, "/start", "")
        runs = await listed(program, beat, "executions")
        assert [one["outcome"] for one in runs if one["outcome"] != "success"] == []
        day = (await program.client.get(f"/api/v1/heartbeats/{beat['id']}/uptime/daily?days=1")).json["days"][0]
        assert day["uptime_percent"] == 100
        assert (await shown(program, beat))["consecutive_successes"] == 30


@pytest.mark.usefixtures("_slowly")
async def test_a_start_beyond_the_budget_is_waited_for_all_the_same(start: Start):
    clock = JumpingClock()
    async with start(clock=clock) as program:
        beat = await make(program, interval_seconds=60, grace_seconds=0, max_duration_seconds=10)
        await pinged(program, beat, *["/log"] * BURST, "/start")
        found = await shown(program, beat)
        assert (found["status"], found["current_run_started_at"]) == ("started", None)
        await pass_time(program, clock, 50)
        assert await alerts(program) == []
        await pass_time(program, clock, 20)
        assert [(one["alert_type"], one["status"]) for one in await alerts(program)] == [("deadline_missed", "active")]
        await pinged(program, beat, "")
        assert [one["status"] for one in await alerts(program)] == ["resolved"]


async def test_a_run_that_stays_open_over_a_pause_does_not_keep_the_watch_busy(start: Start):
    """What is no longer judged is not due either: two hundred of them would hide every other deadline."""
    clock = JumpingClock()
    async with start(clock=clock) as program:
        first = await make(program, "first", interval_seconds=3600, max_duration_seconds=10)
        await pinged(program, first, "/start")
        for what in ("pause", "resume"):
            assert (await program.client.post(f"/api/v1/heartbeats/{first['id']}/{what}")).status == 200
        await pass_time(program, clock, 60)
        assert program.tocsin.deadlines.late_s == 0
        assert (await shown(program, first))["status"] == "up"


# --- many at once ----------------------------------------------------------------------------------------------------


@pytest.mark.timeout(240)
async def test_ten_thousand_pings_at_once_are_all_taken(start: Start, settings: dict[str, str]):
    """A thousand jobs, ten pings each; some fail, and what is said last is what holds."""
    many, each = 1000, 10
    async with start(**settings) as program:
        key = (await program.client.get("/api/v1/heartbeats/ping-key")).json["key"]
        room = asyncio.Semaphore(1000)  # connections: what one client may open

        async def say(number: int, rest: str) -> int:
            async with room:
                return (await program.client.post(f"/ping/{key}/job-{number}{rest}", token=None)).status

        assert set(await asyncio.gather(*(say(number, "?create=1") for number in range(many)))) == {201}
        started = time.monotonic()
        said = [say(number, "") for number in range(many) for _ in range(each)]
        random.Random(3).shuffle(said)
        assert Counter(await asyncio.gather(*said)) == {200: many * each}
        took = time.monotonic() - started
        assert Counter(await asyncio.gather(*(say(number, "/9") for number in range(0, many, 100)))) == {200: 10}
        print(f"{many * each} pings in {took:.1f} s")

        found: dict[str, dict[str, Any]] = {}
        for offset in range(0, many, 500):
            page = (await program.client.get(f"/api/v1/heartbeats?limit=500&offset={offset}")).json["heartbeats"]
            found |= {one["slug"]: one for one in page}
        assert len(found) == many
        for number in range(many):
            one = found[f"job-{number}"]
            if number % 100:
                assert (one["status"], one["consecutive_successes"]) == ("up", each + 1), one
            else:
                assert (one["status"], one["consecutive_failures"], one["last_exit_code"]) == ("down", 1, 9), one
        assert len(await alerts(program)) == many // 100
        sums = await program.tocsin.db.read(
            lambda read: read.run("SELECT heartbeat_id, count(*) FROM heartbeat_pings GROUP BY 1").fetchall()
        )
        assert sum(count for _, count in sums) == many * (each + 1) + 10


async def test_pings_over_fifty_connections_at_once_are_each_counted(start: Start, settings: dict[str, str]):
    async with start(**settings) as program:
        beat = await make(program)
        assert await statuses(program, beat, *[""] * CONNECTIONS) == [200] * CONNECTIONS
        found = await shown(program, beat)
        assert (found["status"], found["consecutive_successes"], found["consecutive_failures"]) == (
            "up",
            CONNECTIONS,
            0,
        )
        assert len(await listed(program, beat, "pings")) == CONNECTIONS
        assert [one["outcome"] for one in await listed(program, beat, "executions")] == ["success"] * CONNECTIONS


async def test_a_flood_is_answered_leaves_few_rows_and_keeps_the_job_alive(start: Start, settings: dict[str, str]):
    clock = JumpingClock()
    async with start(clock=clock, **settings) as program:
        beat = await make(program)
        started = time.monotonic()
        for _ in range(40):
            assert set(await statuses(program, beat, *[""] * CONNECTIONS)) == {200}
        seconds = time.monotonic() - started
        assert BURST <= len(await listed(program, beat, "pings")) <= BURST + seconds + 1
        found = await shown(program, beat)
        assert (found["status"], found["consecutive_failures"]) == ("up", 0)
        assert program.tocsin.intake.limited >= 40 * CONNECTIONS - BURST - seconds - 1

        await pass_time(program, clock, 200)
        clock_at_last = clock.now()
        assert set(await statuses(program, beat, *[""] * 2 * BURST * 4)) == {200}  # the budget is spent once more
        assert set(await statuses(program, beat, *[""] * 5)) == {200}
        last = (await shown(program, beat))["last_ping_at"]
        assert datetime.fromisoformat(last) >= clock_at_last
        await pass_time(program, clock, 350)
        assert await alerts(program) == []
        await pass_time(program, clock, 20)
        assert [one["alert_type"] for one in await alerts(program)] == ["deadline_missed"]

        assert set(await statuses(program, beat, *["/3"] * 3 * BURST * 4)) == {200}  # far beyond it, a failure counts
        assert (await shown(program, beat))["last_exit_code"] == 3


async def test_only_who_guesses_is_told_to_wait(start: Start):
    async with start() as program:
        beat = await make(program)
        key = (await program.client.get("/api/v1/heartbeats/ping-key")).json["key"]

        async def guess(path: str) -> int:
            return (await program.client.get(f"/ping/{path}", token=None)).status

        found = Counter(await asyncio.gather(*(guess(str(uuid4())) for _ in range(300))))
        assert set(found) == {404, 429}
        assert 100 <= found[404] <= 110
        for path in (str(uuid4()), f"{key}/no-such-slug", f"not-the-key/{beat['slug']}"):
            assert await guess(path) == 429
        told = await program.client.get(f"/ping/{uuid4()}", token=None)
        assert int(told.headers["Retry-After"]) >= 1
        assert await statuses(program, beat, *["", "/start", "/0", "/log"] * 40) == [200] * 160
        assert await guess(f"{key}/{beat['slug']}") == 200
        assert await guess(f"{key}/new-one?create=1") == 201


@pytest.mark.usefixtures("_slowly")
async def test_who_knows_a_slug_but_not_the_key_spends_nothing_of_its_budget(program: Program):
    beat = await make(program, slug="nightly-backup")
    key = (await program.client.get("/api/v1/heartbeats/ping-key")).json["key"]
    for _ in range(BURST + 10):
        assert (await program.client.get("/ping/not-the-key/nightly-backup", token=None)).status == 404
    assert (await program.client.get(f"/ping/{key}/nightly-backup", token=None)).status == 200
    assert len(await listed(program, beat, "pings")) == 1


async def test_who_goes_away_does_not_take_the_pings_of_others_along(start: Start, monkeypatch: pytest.MonkeyPatch):
    """Three wait together; one of them cannot be stored, and another hangs up while each is tried by itself."""
    async with start() as program:
        intake = program.tocsin.intake
        beats = [await make(program, name) for name in ("bad", "impatient", "patient")]
        keep, write = intake._keep, program.tocsin.db.write
        tasks: list[asyncio.Task[Any]] = []
        writes = 0

        def keep_or_fail(tx: Tx, order: Any) -> Any:
            if order.target.uuid == beats[0]["uuid"]:
                raise ValueError("cannot be stored")
            return keep(tx, order)

        async def write_slowly(work: Any) -> Any:
            nonlocal writes
            writes += 1
            if writes == 3:  # together, the bad one, and now the impatient one
                tasks[1].cancel()
                await asyncio.sleep(0)
            return await write(work)

        monkeypatch.setattr(intake, "_keep", keep_or_fail)
        monkeypatch.setattr(program.tocsin.db, "write", write_slowly)
        ping_of = Ping(type=PingType.SUCCESS, source_ip="192.0.2.1")
        tasks += [asyncio.create_task(intake.take(Target(uuid=one["uuid"]), ping_of)) for one in beats]
        async with asyncio.timeout(5):
            results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in results[:2]] == [ValueError, asyncio.CancelledError]
        assert results[2] == (False,)
        monkeypatch.undo()
        assert [(await shown(program, one))["status"] for one in beats] == ["new", "up", "up"]


# --- in any order ----------------------------------------------------------------------------------------------------

SAID = ("", "/start", "/fail", "/log", "/0", "/4", "?rid=a", "/start?rid=a", "/5?rid=a", "/start?rid=b", "/0?rid=b")


def check_possible(beat: dict[str, Any], standing: dict[str, Any], runs: list[dict[str, Any]]) -> None:
    """Say what holds of every heartbeat, whatever came before."""
    status, problems = beat["status"], beat["problems"]
    open_runs = [one for one in runs if one["outcome"] == "in_progress"]
    assert {one["id"] for one in open_runs} == {one["id"] for one in standing["open_runs"]}
    assert len({one.get("run_id") for one in open_runs}) == len(open_runs), "two runs of one id are open"
    if status == "up":
        assert (problems, open_runs, beat["consecutive_failures"]) == ([], [], 0)
        assert beat["consecutive_successes"] > 0
    if status == "down":
        assert problems == ["exit_code_failure"]
        assert beat["consecutive_failures"] > 0
    if status == "new":
        assert (problems, runs) == ([], [])
    assert min(beat["consecutive_failures"], beat["consecutive_successes"]) == 0
    assert (beat["alert_state"] == "alerting") is bool(problems)
    assert (beat.get("current_run_started_at") is None) or status in {"started", "down"}
    assert beat.get("next_deadline_at") is not None
    for one in runs:
        assert (one.get("completed_at") is None) is (one["outcome"] == "in_progress")
        assert one.get("duration_ms") is None or one["duration_ms"] >= 0
        assert one["outcome"] != "success" or one.get("exit_code") in (None, 0)
        assert one["outcome"] != "failure" or one.get("exit_code") != 0


@pytest.mark.parametrize("flooded", [False, True], ids=["in its budget", "beyond its budget"])
async def test_pings_at_once_in_any_order_never_make_what_cannot_be(
    start: Start, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, flooded: bool
):
    monkeypatch.setattr("tocsin.heartbeats.intake.BURST", 20 if flooded else 100_000)
    async with start(TOCSIN_FLAP_COUNT="0", **settings) as program:
        for seed in range(25):
            chance = random.Random(seed)
            beat = await make(program, f"job {seed}")
            said: list[str] = []
            for _ in range(chance.randrange(1, 6)):
                burst = [chance.choice(SAID) for _ in range(chance.randrange(1, 16))]
                assert set(await statuses(program, beat, *burst)) == {200}
                said += burst
                one, runs = await shown(program, beat), await listed(program, beat, "executions")
                row = await program.tocsin.db.read(
                    lambda read: read.run("SELECT standing FROM heartbeats WHERE id = ?", (beat["id"],)).fetchone()  # noqa: B023
                )
                check_possible(one, json.loads(row[0]), runs)
                stored = [entry["ping_type"] for entry in await listed(program, beat, "pings")]
                ringing = [entry for entry in await alerts(program) if entry["status"] == "active"]
                assert len([entry for entry in ringing if entry["entity_id"] == beat["id"]]) == len(one["problems"])
                if not flooded:
                    assert len(stored) == len(said)
                    ends = [entry for entry in runs if entry["outcome"] in {"success", "failure"}]
                    assert len(ends) == sum(what in {"success", "fail", "exit_code"} for what in stored)
                    starts = stored.count("start")
                    assert sum(entry.get("started_at") is not None for entry in runs) == starts
