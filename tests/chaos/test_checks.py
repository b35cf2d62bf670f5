"""kill -9, standing still and clocks that jump, while endpoints are checked: no alert lost, none doubled, none false.

Three rounds and a short stop by default; `TOCSIN_CHAOS_ROUNDS` asks for more of them, and a longer one.
"""

import asyncio
import os
import random
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from support.behaviours import answer
from support.clock import JumpingClock
from support.journal import Journal
from support.long import long
from support.process import Process
from support.program import Program, running, until
from support.targets import Target, serve

pytestmark = pytest.mark.chaos
ROUNDS = int(os.environ.get("TOCSIN_CHAOS_ROUNDS", "3"))
LONG = ROUNDS > 20
STOPPED_S = 90 if LONG else 12
FAST = {"interval": "5s", "timeout": "1s"}
ENDPOINTS = 12
UNTIL_RUNG_S = 40
SLOW_FROM = 30
"""Pages that take their time: some of them are being asked at any moment."""


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        number = int(self.path.strip("/"))
        if number >= SLOW_FROM:
            self.server.asked.set()  # type: ignore[attr-defined]
            time.sleep(0.3)
        self.send_response(503 if number in self.server.broken else 200)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


@dataclass
class Site:
    """`/0` to `/n`, in another thread: each answers 200, or 503 while it is among the broken ones."""

    server: ThreadingHTTPServer
    broken: set[int] = field(default_factory=set)
    asked: threading.Event = field(default_factory=threading.Event)  # for a page that takes its time

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def site() -> Iterator[Site]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.daemon_threads = True
    found = Site(server)
    server.broken, server.asked = found.broken, found.asked  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    found = Process(tmp_path / "data", TOCSIN_EGRESS_ALLOW="127.0.0.0/8")
    yield found.start()
    found.kill()


def add(process: Process, name: str, target: str, **options: Any) -> int:
    body = {"name": name, "endpoint_type": "http", "target": target, **FAST, **options}
    return int(process.post("/api/v1/endpoints", body)["endpoint"]["id"])


def wait_for(condition: Callable[[], bool], timeout_s: float, explain: Callable[[], Any]) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.1)


# --- kill -9 ---------------------------------------------------------------------------------------------------------


def check_pairs(journal: Journal) -> None:
    """Each alert that fired ends before the next one of the same endpoint begins."""
    firing: set[str] = set()
    for event, kind, name in journal.alerts():
        assert kind == "consecutive_failure", (event, kind, name)
        if event == "fired":
            assert name not in firing, f"{name} rang twice"
            firing.add(name)
        elif event == "resolved":
            assert name in firing, f"{name} ended without a beginning"
            firing.remove(name)


def ringing(process: Process) -> set[str]:
    return {alert["entity_name"] for alert in process.get("/api/v1/alerts?status=active&limit=200")["alerts"]}


def is_right(process: Process, wanted: set[str]) -> bool:
    return ringing(process) == wanted


def standing(process: Process) -> dict[str, Any]:
    return {one["name"]: one for one in process.get("/api/v1/endpoints?limit=500")["endpoints"]}


@pytest.mark.timeout(120 + 60 * ROUNDS)
def test_kill_while_checking_loses_no_alert_and_rings_none_twice_or_for_nothing(process: Process, site: Site):
    """Some pages break and mend; after each kill, what rings is what is broken, and nothing else ever rang."""
    chance = random.Random(11)
    numbers = range(ENDPOINTS)
    ids = {
        add(process, f"page {number}", f"{site.base}/{number}", failure_threshold=2 + number % 2): f"page {number}"
        for number in numbers
    }
    journal = Journal(process.data_dir, ids)
    never_broken = {0, 1, 2}
    for _ in range(ROUNDS):
        breaking = set(chance.sample(range(3, ENDPOINTS), 5))
        site.broken.clear()
        site.broken.update(breaking)
        for _ in range(chance.randrange(1, 4)):
            time.sleep(chance.uniform(0.2, 4))
            process.kill()
            process.start()
        wanted = {f"page {number}" for number in breaking}
        wait_for(partial(is_right, process, wanted), UNTIL_RUNG_S, partial(ringing, process))
        for name, one in standing(process).items():
            is_broken = int(name.split()[1]) in breaking
            assert one["status"] == ("down" if is_broken else "up"), one
            assert (one["consecutive_failures"] > 0) is is_broken, one
            assert one["alert_state"] == ("alerting" if is_broken else "normal"), one
    check_pairs(journal)
    for number in never_broken:
        assert [change for change in journal.changes() if change[0] == f"page {number}"] == [
            (f"page {number}", "up", None)
        ], "who was never broken was never anything but up"


@pytest.mark.timeout(180)
@long
def test_failures_in_a_row_are_counted_across_a_kill(process: Process, site: Site):
    """What was counted before the kill is not counted anew: two failures before, one after make three."""
    site.broken.add(0)
    endpoint_id = add(process, "page 0", f"{site.base}/0", failure_threshold=4)
    journal = Journal(process.data_dir, {endpoint_id: "page 0"})

    def failures() -> int:
        return int(standing(process)["page 0"]["consecutive_failures"])

    wait_for(lambda: failures() >= 2, 30, failures)
    time.sleep(1)  # the results of checks are written together, a quarter of a second later
    before = failures()
    process.kill()
    process.start()
    assert before <= failures() <= before + 1
    wait_for(lambda: ringing(process) == {"page 0"}, 30, lambda: ringing(process))
    fired = journal.events("alert.fired")
    assert [one["details"]["failures"] for one in fired] == [4]
    assert len(journal.checks()["page 0"]) == 4


# --- standing still --------------------------------------------------------------------------------------------------


@pytest.mark.timeout(120 + 2 * STOPPED_S)
def test_standing_still_judges_nobody_and_everybody_is_checked_again_in_time(process: Process, site: Site):
    ids = {
        add(process, f"page {number}", f"{site.base}/{number}", degraded_after="900ms", failure_threshold=1): (
            f"page {number}"
        )
        for number in range(60)
    }
    journal = Journal(process.data_dir, ids)
    wait_for(lambda: set(journal.statuses().values()) == {"up"}, 30, journal.statuses)
    mark = journal.last_id

    for _ in range(2):
        site.asked.clear()
        assert site.asked.wait(20)
        process.send(signal.SIGSTOP)
        time.sleep(STOPPED_S)
        process.send(signal.SIGCONT)
        woke_ms = time.time_ns() // 1_000_000
        time.sleep(5 + 4)  # an interval, and what a busy machine needs to write it down
        late = [name for name, at in journal.checks().items() if not any(woke_ms - 500 <= one for one in at)]
        assert late == []
    assert journal.changes(mark) == []
    assert journal.alerts(mark) == []


@pytest.mark.timeout(120)
@long
def test_the_time_we_stood_still_is_not_taken_for_slowness(process: Process, site: Site):
    page = f"{site.base}/{SLOW_FROM}"
    ids = {add(process, "slow page", page, timeout="5s", degraded_after="900ms", failure_threshold=1): "slow page"}
    journal = Journal(process.data_dir, ids)
    wait_for(lambda: journal.statuses()["slow page"] == "up", 30, journal.statuses)
    mark = journal.last_id
    for _ in range(2):
        site.asked.clear()
        assert site.asked.wait(20)
        process.send(signal.SIGSTOP)
        time.sleep(3)
        process.send(signal.SIGCONT)
        time.sleep(1)
    assert journal.changes(mark) == []
    assert journal.alerts(mark) == []


@pytest.mark.timeout(120)
@long
def test_who_breaks_while_we_stand_still_rings_all_the_same(process: Process, site: Site):
    ids = {add(process, f"page {number}", f"{site.base}/{number}"): f"page {number}" for number in range(10)}
    journal = Journal(process.data_dir, ids)
    wait_for(lambda: set(journal.statuses().values()) == {"up"}, 30, journal.statuses)
    process.send(signal.SIGSTOP)
    time.sleep(6)
    site.broken.add(3)
    process.send(signal.SIGCONT)
    wait_for(lambda: ringing(process) == {"page 3"}, UNTIL_RUNG_S, lambda: ringing(process))
    assert {change[:2] for change in journal.changes()} == {
        *((name, "up") for name in ids.values()),
        ("page 3", "down"),
    }


# --- clocks that jump ------------------------------------------------------------------------------------------------


@dataclass
class Jumping:
    program: Program
    clock: JumpingClock
    target: Target
    endpoint_id: int

    async def check(self, times: int = 1) -> list[dict[str, Any]]:
        answers = [await self.program.client.post(f"/api/v1/endpoints/{self.endpoint_id}/check") for _ in range(times)]
        assert [one.status for one in answers] == [200] * times
        return [one.json for one in answers]

    async def get(self, rest: str = "") -> Any:
        found = await self.program.client.get(f"/api/v1/endpoints/{self.endpoint_id}{rest}")
        assert found.status == 200, found.body
        return found.json

    async def is_readable(self) -> None:
        """Everything that shows history answers, and says only what can be."""
        await self.program.tocsin.checker.flush()
        await self.program.tocsin.packer.run()
        assert (await self.get())["endpoint"]["status"] == "up"
        checks = (await self.get("/checks?limit=500"))["checks"]
        assert checks
        assert all(one["success"] for one in checks)
        for day in (await self.get("/uptime/daily"))["days"]:
            assert day["uptime_percent"] in (None, 100.0), day
        for span in ("1h", "24h", "7d", "30d"):
            await self.get(f"/response-times?range={span}")
        assert (await self.program.client.get("/api/v1/dashboard/sparklines")).status == 200


@asynccontextmanager
async def jumping(folder: Path) -> AsyncIterator[Jumping]:
    clock = JumpingClock()
    async with (
        serve(answer()) as target,
        running(folder / "data", clock=clock, TOCSIN_EGRESS_ALLOW="127.0.0.0/8") as program,
    ):
        body = {"name": "page", "endpoint_type": "http", "target": target.base, "failure_threshold": 1, **FAST}
        made = await program.client.post("/api/v1/endpoints", body)
        yield Jumping(program, clock, target, made.json["endpoint"]["id"])


@pytest.mark.parametrize(
    "jump",
    [
        timedelta(minutes=11),
        timedelta(hours=1),
        timedelta(days=3),
        timedelta(days=800),
        -timedelta(seconds=2),
        -timedelta(minutes=11),
        -timedelta(hours=25),
        -timedelta(days=400),
    ],
    ids=str,
)
async def test_a_clock_that_jumps_and_comes_back_judges_nobody(tmp_path: Path, jump: timedelta):
    async with jumping(tmp_path) as found:
        await found.check(3)
        await found.is_readable()
        found.clock.off = jump
        await found.check(3)
        await found.is_readable()
        found.clock.off = timedelta()
        await found.check(3)
        await found.is_readable()
        changes = found.program.seen("endpoint.status_changed")
        assert [one["new_status"] for one in changes] == ["up"]
        assert found.program.seen("alert.fired") == []
        assert (
            len((await found.get("/checks?limit=500"))["checks"]) >= 6
        )  # those of a time before it was added are not shown


@pytest.mark.parametrize("jump", [timedelta(days=3), -timedelta(hours=25)], ids=str)
async def test_a_clock_that_jumped_does_not_stop_the_checks_nor_the_alerts(tmp_path: Path, jump: timedelta):
    async with jumping(tmp_path) as found:
        await found.check()
        found.clock.off = jump
        asked = len(found.target.requests)

        async def requests() -> int:
            return len(found.target.requests)

        await until(requests, lambda count: count > asked + 1, 20)

        found.target.script = answer(b"broken", 503)
        await found.check()

        async def fired() -> list[Any]:
            return found.program.seen("alert.fired")

        assert [one["entity_name"] for one in await until(fired, bool, 10)] == ["page"]
        found.clock.off = timedelta()
        found.target.script = answer()
        await found.check()

        async def resolved() -> list[Any]:
            return found.program.seen("alert.resolved")

        assert [one["entity_name"] for one in await until(resolved, bool, 10)] == ["page"]


async def test_a_restart_after_the_clock_was_set_back_keeps_what_was_known(tmp_path: Path):
    async with jumping(tmp_path) as found:
        found.clock.off = timedelta(hours=2)
        await found.check(3)
        await asyncio.sleep(0.5)
    async with running(tmp_path / "data", TOCSIN_EGRESS_ALLOW="127.0.0.0/8") as program:
        shown = (await program.client.get(f"/api/v1/endpoints/{found.endpoint_id}")).json["endpoint"]
        assert shown["status"] == "up"
        checks = (await program.client.get(f"/api/v1/endpoints/{found.endpoint_id}/checks")).json["checks"]
        assert len(checks) >= 3
