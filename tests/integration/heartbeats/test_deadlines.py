"""Deadlines: who missed one rings, once; our own absence and clocks that are set are nobody's fault."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import Start
from support.clock import JumpingClock
from support.heartbeats import alerts, make, pass_time, ping, pinged, shown
from support.journal import Journal
from support.postgres import Postgres
from support.process import Process
from support.program import Program, until
from tocsin.core.errors import StorageUnavailable

INTERVAL, GRACE = 300, 60
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a disk of its own")


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of a program; the same ones again are a restart."""
    if request.param == "sqlite":
        return {}
    postgres: Postgres = request.getfixturevalue("postgres")
    return {"TOCSIN_DATABASE_URL": postgres.new_database()}


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


async def rung(program: Program) -> list[tuple[str, str]]:
    """Return (type, status) of all alerts, newest first."""
    return [(one["alert_type"], one["status"]) for one in await alerts(program)]


MISSED, MISSED_AND_OVER = [("deadline_missed", "active")], [("deadline_missed", "resolved")]


# --- missing and coming late -----------------------------------------------------------------------------------------


async def test_a_missed_deadline_rings_once_with_the_reason_and_a_late_ping_ends_it(
    start: Start, settings: dict[str, str], clock: JumpingClock
):
    async with start(clock=clock, **settings) as program:
        beat = await make(program)
        await pinged(program, beat)
        await pass_time(program, clock, INTERVAL + GRACE - 5)
        assert await rung(program) == []
        assert (await shown(program, beat))["status"] == "up"
        await pass_time(program, clock, 10)
        (alert,) = await alerts(program)
        assert (alert["alert_type"], alert["severity"], alert["status"]) == ("deadline_missed", "critical", "active")
        assert alert["message"] == "backup did not report in; the last time was 6 minutes ago"
        assert (alert["entity_type"], alert["entity_id"]) == ("heartbeat", beat["id"])
        assert alert["details"]["schedule"] == "every 5 minutes"
        found = await shown(program, beat)
        assert (found["status"], found["alert_state"], found["consecutive_failures"]) == ("down", "alerting", 1)

        await pass_time(program, clock, 3 * INTERVAL)
        assert await rung(program) == MISSED
        assert len(program.seen("alert.fired")) == len(program.seen("heartbeat.deadline_missed")) == 1

        await pinged(program, beat)
        assert await rung(program) == MISSED_AND_OVER
        found = await shown(program, beat)
        assert (found["status"], found["alert_state"], found["consecutive_failures"]) == ("up", "normal", 0)
        await pass_time(program, clock, INTERVAL + GRACE + 10)
        assert [status for _, status in await rung(program)] == ["active", "resolved"]


async def test_a_job_that_never_reported_in_rings_too(start: Start, settings: dict[str, str], clock: JumpingClock):
    async with start(clock=clock, **settings) as program:
        await make(program)
        await pass_time(program, clock, INTERVAL + GRACE + 5)
        (alert,) = await alerts(program)
        assert alert["message"] == "backup has never reported in since it was made 6 minutes ago"


async def test_a_run_that_does_not_finish_rings_and_its_late_end_completes_it(start: Start, clock: JumpingClock):
    async with start(clock=clock) as program:
        beat = await make(program)
        await pinged(program, beat, "/start")
        await pass_time(program, clock, INTERVAL + GRACE + 5)
        (alert,) = await alerts(program)
        assert alert["message"] == "backup started 6 minutes ago and has not finished"
        await pinged(program, beat)
        assert await rung(program) == MISSED_AND_OVER
        runs = (await program.client.get(f"/api/v1/heartbeats/{beat['id']}/executions")).json["executions"]
        assert [(one["outcome"], one["late"]) for one in runs] == [("success", True)]


async def test_many_missed_deadlines_ring_once_each(start: Start, clock: JumpingClock):
    """More than are judged in one go."""
    many = 450
    async with start(clock=clock) as program:
        await asyncio.gather(*(make(program, f"job {number}") for number in range(many)))
        await pass_time(program, clock, INTERVAL + GRACE + 5)
        assert len(program.seen("heartbeat.deadline_missed")) == many
        assert len({one["heartbeat_id"] for one in program.seen("heartbeat.deadline_missed")}) == many
        assert program.tocsin.deadlines.late_s == 0


# --- our own absence -------------------------------------------------------------------------------------------------


async def test_what_was_due_while_we_were_away_gets_one_more_grace_and_only_one(
    start: Start, settings: dict[str, str], clock: JumpingClock
):
    async with start(clock=clock, **settings) as program:
        due, not_due = await make(program), await make(program, "later", interval_seconds=86_400)
        await pinged(program, due)
        await pinged(program, not_due)
        before = await shown(program, not_due)
    clock.skip(3600)
    started = clock.now()
    async with start(clock=clock, **settings) as program:
        assert (await shown(program, not_due))["next_deadline_at"] == before["next_deadline_at"]
        found = await shown(program, due)
        assert found["status"] == "up"
        deadline = datetime.fromisoformat(found["next_deadline_at"])
        assert GRACE <= (deadline - started).total_seconds() < GRACE + 10
        await pass_time(program, clock, GRACE - 15)
        assert await rung(program) == []
    clock.skip(600)
    async with start(clock=clock, **settings) as program:  # away once more: no second grace
        await until(lambda: rung(program), lambda found: found == MISSED, 10)
        await pass_time(program, clock, 10)
        await pinged(program, due)
        assert await rung(program) == MISSED_AND_OVER
    clock.skip(3600)
    async with start(clock=clock, **settings) as program:  # it reported in since: a grace again
        await asyncio.sleep(1.5)
        assert await rung(program) == MISSED_AND_OVER
        await pass_time(program, clock, GRACE + 10)
        assert await rung(program) == [*MISSED, *MISSED_AND_OVER]


async def test_a_restart_neither_repeats_a_miss_nor_forgets_it(
    start: Start, settings: dict[str, str], clock: JumpingClock
):
    async with start(clock=clock, **settings) as program:
        beat = await make(program)
        await pass_time(program, clock, INTERVAL + GRACE + 5)
        assert await rung(program) == MISSED
    clock.skip(7200)
    async with start(clock=clock, **settings) as program:
        await pass_time(program, clock, 60)
        assert await rung(program) == MISSED
        assert program.seen("alert.fired") == []
        await pinged(program, beat)
        assert await rung(program) == MISSED_AND_OVER


# --- clocks that are set ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [1, -1, 26, -26])
async def test_setting_the_clock_makes_nobody_miss_anything(
    start: Start, settings: dict[str, str], clock: JumpingClock, hours: int
):
    """A job reports in every five minutes of real time, before and after; whatever the wall clock says."""
    async with start(clock=clock, **settings) as program:
        beat, daily = await make(program), await make(program, "daily", interval_seconds=86_400, grace_seconds=3600)
        await pinged(program, daily)
        await pinged(program, beat)
        await pass_time(program, clock, 10)
        clock.off = timedelta(hours=hours)
        await pass_time(program, clock, INTERVAL - 10)
        assert await rung(program) == []
        for _ in range(3):
            await pinged(program, beat)
            await pass_time(program, clock, INTERVAL)
        assert await rung(program) == []
        assert (await shown(program, daily))["status"] == "up"


@pytest.mark.parametrize("hours", [1, -1])
@pytest.mark.parametrize("before_s", [10, 290])
async def test_who_stops_when_the_clock_is_set_is_found_in_time(
    start: Start, clock: JumpingClock, hours: int, before_s: int
):
    async with start(clock=clock) as program:
        beat = await make(program)
        await pinged(program, beat)
        await pass_time(program, clock, before_s)
        clock.off = timedelta(hours=hours)
        await pass_time(program, clock, INTERVAL + GRACE - before_s - 5)
        assert await rung(program) == []
        await pass_time(program, clock, 10)
        assert await rung(program) == MISSED


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_that_was_set_while_we_were_away_is_no_fault_either(
    start: Start, settings: dict[str, str], clock: JumpingClock, hours: int
):
    async with start(clock=clock, **settings) as program:
        beat = await make(program)
        await pinged(program, beat)
    clock.off = timedelta(hours=hours)
    async with start(clock=clock, **settings) as program:
        await asyncio.sleep(1.2)
        assert await rung(program) == []
        await pass_time(program, clock, GRACE - 10)
        assert await rung(program) == []
        await pass_time(program, clock, INTERVAL + 30)
        assert await rung(program) == MISSED


async def test_a_run_that_takes_too_long_is_found_in_time_when_the_clock_is_set(start: Start, clock: JumpingClock):
    async with start(clock=clock) as program:
        beats = [await make(program, name, max_duration_seconds=100) for name in ("forward", "back")]
        for beat, hours in zip(beats, (2, 1), strict=True):
            await pinged(program, beat, "/start")
            await pass_time(program, clock, 50)
            clock.off = timedelta(hours=hours)
            await pass_time(program, clock, 40)
            assert [one["entity_name"] for one in await alerts(program) if one["entity_id"] == beat["id"]] == []
            await pass_time(program, clock, 20)
            mine = [one["alert_type"] for one in await alerts(program) if one["entity_id"] == beat["id"]]
            assert mine == ["overrun"]
            await pinged(program, beat)


# --- a database that refuses -----------------------------------------------------------------------------------------


@contextmanager
def refusing(data_dir: Path) -> Iterator[None]:
    """Somebody else holds the database, longer than we wait."""
    with sqlite3.connect(data_dir / "tocsin.db", isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")


async def test_pings_that_the_database_refused_make_nobody_miss_anything(
    start: Start, clock: JumpingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tocsin.db.engine.BUSY_TIMEOUT_MS", 50)
    async with start(clock=clock) as program:
        beat = await make(program)
        stopped = await make(program, "stopped")
        await pinged(program, beat)
        await pinged(program, stopped)
        await pass_time(program, clock, INTERVAL - 2)
        with refusing(tmp_path / "data"):
            answers = [await ping(program, beat) for _ in range(3)]
            assert [one.status for one in answers] == [503] * 3
            assert answers[0].code == "storage_unavailable"
            clock.skip(4)
            with suppress(StorageUnavailable):
                await program.tocsin.deadlines.look()
        clock.skip(4)
        await until(lambda: ping(program, stopped, "/log"), lambda answer: answer.status == 200)
        await pass_time(program, clock, GRACE - 20)
        assert await rung(program) == []
        await pinged(program, beat)
        await pass_time(program, clock, GRACE + 10)
        assert [one["entity_name"] for one in await alerts(program)] == ["stopped"]
        assert (await shown(program, beat))["status"] == "up"


# --- a process of its own --------------------------------------------------------------------------------------------


def sent(process: Process, uuid: str, timeout_s: float = 60) -> int:
    try:
        with urllib.request.urlopen(f"{process.base}/ping/{uuid}", timeout=timeout_s) as response:
            return int(response.status)
    except urllib.error.HTTPError as exc:
        return exc.code


class Brisk(Process):
    program = ("-m", "support.brisk")


@pytest.fixture
def brisk(tmp_path: Path) -> Iterator[Process]:
    found = Brisk(tmp_path / "data", PYTHONPATH=str(Path(__file__).parents[2]))
    yield found.start()
    found.kill()


def missed(process: Process) -> list[str]:
    return [one["name"] for one in Journal(process.data_dir, {}).events("heartbeat.deadline_missed")]


def add(process: Process, name: str) -> str:
    body = {"name": name, "interval_seconds": 4, "grace_seconds": 2}
    return str(process.post("/api/v1/heartbeats", body)["uuid"])


def wait_for(condition: Callable[[], bool], timeout_s: float, explain: Callable[[], Any]) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.1)


def test_standing_still_makes_only_those_miss_who_do_not_report_in_afterwards(brisk: Process):
    uuids = {name: add(brisk, name) for name in ("meanwhile", "afterwards", "stopped")}
    for uuid in uuids.values():
        assert sent(brisk, uuid) == 200
    brisk.send(signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(sent, brisk, uuids["meanwhile"])
        time.sleep(8)
        assert not waiting.done()
        brisk.send(signal.SIGCONT)
        assert waiting.result(10) == 200
    assert sent(brisk, uuids["afterwards"]) == 200
    assert missed(brisk) == []
    for _ in range(10):
        time.sleep(1)
        assert sent(brisk, uuids["meanwhile"]) == sent(brisk, uuids["afterwards"]) == 200
    assert missed(brisk) == ["stopped"]
    assert "deadlines are put off" in brisk.log


def test_deadlines_are_kept_in_real_time_and_over_a_kill(brisk: Process):
    uuid = add(brisk, "backup")
    assert sent(brisk, uuid) == 200
    at = time.monotonic()
    wait_for(lambda: missed(brisk) == ["backup"], 30, lambda: missed(brisk))
    assert time.monotonic() - at >= 6
    assert sent(brisk, uuid) == 200
    brisk.kill()
    time.sleep(7)
    brisk.start()
    assert missed(brisk) == ["backup"]
    at = time.monotonic()
    wait_for(lambda: missed(brisk) == ["backup", "backup"], 30, lambda: missed(brisk))
    assert time.monotonic() - at > 1


@ROOT_ONLY
def test_a_full_disk_refuses_pings_and_makes_nobody_miss_anything(tmp_path: Path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True)
    process = Brisk(disk / "data", PYTHONPATH=str(Path(__file__).parents[2]))
    process._log = tmp_path / "full.log"
    try:
        process.start()
        alive, stopped = add(process, "alive"), add(process, "stopped")
        assert sent(process, alive) == sent(process, stopped) == 200
        with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(b"x" * 4096)
        wait_for(lambda: sent(process, alive) == 503, 10, lambda: "never refused")
        time.sleep(7)
        assert sent(process, alive) == 503
        (disk / "filler").unlink()
        wait_for(lambda: sent(process, alive) == 200, 10, lambda: process.log)
        for _ in range(10):
            time.sleep(1)
            assert sent(process, alive) == 200
        assert missed(process) == ["stopped"]
    finally:
        process.kill()
        subprocess.run(["umount", "-l", str(disk)], check=True)
