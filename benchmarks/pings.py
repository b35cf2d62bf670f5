"""Pings of heartbeats over HTTP, each answered once it is on disk; and 100,000 heartbeats in one program.

How:   heartbeats are stored before the server starts; connections ask in a closed loop, one heartbeat after the other:
       1, 64 and 256 at once, in turn with the limits; medians of the rounds. Then 10,000 pings at one moment, and a
       second program that waits for 100,000 heartbeats of which 2,000 are missed.
Limit: write + fdatasync of 4 KiB in the same folder (fsync); the same statements in one thread with a commit for each
       ping (commit-each); a bare protocol server that answers without storing anything. With a C compiler at hand both
       databases are measured once more on a disk whose fsync takes 1 ms.
Goal:  with 64 waiting p99 ≤ 4 fsync + 5 ms; ≥ 20 × commit-each at 1 ms an fsync; a page of the list of 100,000 p99
       ≤ 100 ms; a missed deadline is noticed within 2 s.
Told:  Healthchecks under uWSGI takes 211 pings a second on such a machine, 4.7 ms of CPU each; p99 626 ms with 64
       waiting.
"""

import asyncio
import json
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import httptools
import uvloop
from msgspec.structs import replace

from benchmarks.durable_writes import fsync_ms
from benchmarks.support import (
    ROOT,
    Figure,
    Server,
    bare,
    clean_environment,
    cpu_seconds,
    percentile,
    request,
    rss_mb,
    run,
    scratch_folder,
)
from tocsin.core.clock import SystemClock
from tocsin.db.database import Database
from tocsin.db.engine import open_engine
from tocsin.db.tx import Reactions, Tx
from tocsin.heartbeats import keeping, rules, store
from tocsin.heartbeats.models import Heartbeat, Ping, PingType, Rules, Standing, Tally
from tocsin.parts import database_url
from tocsin.process import prepare_database
from tocsin.settings import load as load_settings

HEARTBEATS, MANY, MISSED = 5_000, 100_000, 2_000
AT_ONCE = (1, 64, 256)
BURST, BURST_CONNECTIONS = 10_000, 500
GOAL_FSYNCS, GOAL_MORE_MS, GOAL_TIMES_COMMIT_EACH = 4, 5.0, 20
GOAL_PAGE_MS, GOAL_LATE_S = 100.0, 2.0
SLOW_DISK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
int fsync(int fd) { usleep(1000); return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) { usleep(1000); return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd); }
"""


ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}'


class Loop(NamedTuple):
    """One closed loop: latencies in ms, pings a second, CPU of the server per ping in µs."""

    p50: float
    p99: float
    rate: float
    cpu_us: float


def measure(quick: bool) -> list[Figure]:
    rounds, seconds = (1, 1.0) if quick else (3, 2.0)
    with scratch_folder() as folder:
        uuids = asyncio.run(stored(folder / "data", HEARTBEATS, timedelta(days=1)))
        figures = on_this_disk(folder, uuids, rounds, seconds)
        slow = slow_disk(folder)
        if slow is not None:
            figures += on_a_slow_disk(folder, uuids, seconds, slow)
        return [*figures, *hundred_thousand(folder, quick=quick)]


# --- pings -----------------------------------------------------------------------------------------------------------


def on_this_disk(folder: Path, uuids: list[str], rounds: int, seconds: float) -> list[Figure]:
    found: dict[int, list[Loop]] = {count: [] for count in AT_ONCE}
    floors, fsyncs = [], []
    answer = folder / "answer"
    answer.write_bytes(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n" + b'{"ok":true}'
    )
    with Server(folder / "data") as server, bare("answer", str(answer)) as floor:
        server.wait_until_ready()
        floor_port = floor.hear()
        for _ in range(rounds):
            fsyncs.append(fsync_ms(folder))
            for count in AT_ONCE:
                found[count].append(loop(server.pid, server.port, uuids, count, seconds))
            floors.append(loop(floor.pid, floor_port, uuids, 64, seconds))
        burst = uvloop.run(all_at_once(server.port, uuids))
    each = commit_each(folder / "data", uuids, seconds)
    return tell(
        statistics.median(fsyncs), {count: middle(some) for count, some in found.items()}, middle(floors), each, burst
    )


def tell(fsync: float, found: dict[int, Loop], floor: Loop, each: float, burst: list[float]) -> list[Figure]:
    at_64 = found[64]
    lines = [
        Figure(
            f"{count} waiting, pings a second",
            one.rate,
            "/s",
            detail=f"p50 {one.p50:.2f}, p99 {one.p99:.2f} ms; {one.cpu_us:.0f} µs CPU each",
        )
        for count, one in found.items()
    ]
    return [
        Figure(
            "64 waiting, p99",
            at_64.p99,
            "ms",
            round(GOAL_FSYNCS * fsync + GOAL_MORE_MS, 2),
            detail=f"{at_64.p99 / fsync:.0f} fsync of {fsync * 1e3:.0f} µs",
        ),
        *lines,
        Figure(
            "  64 waiting, against a commit for each",
            at_64.rate / each,
            "× each",
            detail=f"{each:.0f}/s with the same statements in one thread, without HTTP",
        ),
        Figure(
            "  CPU of a ping, against an answer alone",
            at_64.cpu_us / floor.cpu_us,
            "× bare",
            detail=f"{at_64.cpu_us:.0f} µs against {floor.cpu_us:.0f} µs",
        ),
        Figure("  against Healthchecks (4.7 ms of CPU a ping)", 4700 / at_64.cpu_us, "× cheaper"),
        Figure(
            f"{BURST} pings at one moment, p99",
            percentile(burst, 99),
            "ms",
            detail=f"p50 {percentile(burst, 50):.0f}, the last {max(burst):.0f} ms; {BURST_CONNECTIONS} connections",
        ),
    ]


def on_a_slow_disk(folder: Path, uuids: list[str], seconds: float, library: Path) -> list[Figure]:
    with Server(folder / "data", LD_PRELOAD=str(library)) as server:
        server.wait_until_ready()
        at_64 = loop(server.pid, server.port, uuids, 64, seconds)
    command = [sys.executable, "-m", "benchmarks.pings", "commit-each", str(folder / "data"), str(seconds)]
    environment = clean_environment(LD_PRELOAD=str(library))
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True, text=True)
    each = float(told.stdout)
    return [
        Figure(
            "fsync of 1 ms, 64 waiting",
            at_64.rate / each,
            "× each",
            GOAL_TIMES_COMMIT_EACH,
            at_least=True,
            detail=f"{at_64.rate:.0f}/s against {each:.0f}/s; p99 {at_64.p99:.1f} ms",
        ),
        Figure("  the same, p99", at_64.p99, "ms", GOAL_FSYNCS * 1.1 + GOAL_MORE_MS),
    ]


def slow_disk(folder: Path) -> Path | None:
    """Return a library that makes each fsync a millisecond longer; None without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    source, library = folder / "slow.c", folder / "slow.so"
    source.write_text(SLOW_DISK)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return library


def loop(pid: int, port: int, uuids: list[str], count: int, seconds: float) -> Loop:
    before = cpu_seconds(pid)
    took, passed = uvloop.run(closed_loop(port, uuids, count, seconds))
    cpu = cpu_seconds(pid) - before
    return Loop(percentile(took, 50), percentile(took, 99), len(took) / passed, cpu / len(took) * 1e6)


async def closed_loop(port: int, uuids: list[str], count: int, seconds: float) -> tuple[list[float], float]:
    took: list[float] = []
    began = time.perf_counter()
    pinging = await connect(port, cycle(uuids), count, began + seconds, took)
    await asyncio.gather(*(one.done for one in pinging))
    return took, time.perf_counter() - began


async def all_at_once(port: int, uuids: list[str]) -> list[float]:
    """Send BURST pings as fast as BURST_CONNECTIONS carry them; return how long each had waited since the moment."""
    took: list[float] = []
    moment = time.perf_counter()
    urls = iter((uuids * (BURST // len(uuids) + 1))[:BURST])
    pinging = await connect(port, urls, BURST_CONNECTIONS, float("inf"), took, moment)
    await asyncio.gather(*(one.done for one in pinging))
    return took


async def connect(
    port: int, uuids: Iterator[str], count: int, until: float, took: list[float], moment: float | None = None
) -> list["Pinging"]:
    running = asyncio.get_running_loop()
    opened = [
        running.create_connection(lambda: Pinging(port, uuids, until, took, moment), "127.0.0.1", port)
        for _ in range(count)
    ]
    return [protocol for _, protocol in await asyncio.gather(*opened)]


class Pinging(asyncio.Protocol):
    """Pings the next heartbeat as soon as it was answered. Times count from asking, or all from one *moment*."""

    def __init__(self, port: int, uuids: Iterator[str], until: float, took: list[float], moment: float | None) -> None:
        self._host = f"127.0.0.1:{port}"
        self._uuids = uuids
        self._until = until
        self._took = took
        self._moment = moment
        self._asked = 0.0
        self._parser = httptools.HttpResponseParser(self)
        self._transport: Any = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() != 200:
            self.done.set_exception(RuntimeError(f"answered with {self._parser.get_status_code()}"))
            return
        self._took.append((time.perf_counter() - (self._moment or self._asked)) * 1e3)
        self._ask()

    def _ask(self) -> None:
        target = next(self._uuids, None)
        self._asked = time.perf_counter()
        if target is None or self._asked > self._until:
            self._transport.close()
            self.done.set_result(None)
            return
        self._transport.write(f"GET /ping/{target} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(f"the server closed the connection: {exc}"))


def commit_each(data_dir: Path, uuids: list[str], seconds: float) -> float:
    """Return how many pings a second one thread stores that commits each."""
    clock, count, ping = SystemClock(), 0, Ping(type=PingType.SUCCESS, source_ip="127.0.0.1")
    engine = open_engine(database_url(load_settings({"TOCSIN_DATA_DIR": str(data_dir)})))
    with engine.connect() as connection:
        began = time.perf_counter()
        while time.perf_counter() < began + seconds:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            tx, now = Tx(connection, clock, Reactions()), clock.now()
            beat = store.find_by_uuid(tx, uuids[count % len(uuids)])
            assert beat is not None
            keeping.keep(tx, beat, rules.on_ping(beat, ping, now), now, ping)
            connection.exec_driver_sql("COMMIT")
            count += 1
        return count / (time.perf_counter() - began)


def middle(loops: list[Loop]) -> Loop:
    return Loop(*(statistics.median(values) for values in zip(*loops, strict=True)))


# --- many ------------------------------------------------------------------------------------------------------------


def hundred_thousand(folder: Path, *, quick: bool) -> list[Figure]:
    data = folder / "many"
    asyncio.run(stored(data, MANY, timedelta(days=3)))
    overdue_at = datetime.now(UTC) + timedelta(seconds=20)
    asyncio.run(make_due(data, MISSED, overdue_at))
    with Server(data) as server:
        server.wait_until_ready()
        before = cpu_seconds(server.pid)
        time.sleep(5)
        idle_percent = (cpu_seconds(server.pid) - before) / 5 * 100
        pages = [timed_page(server, offset) for offset in (0, MANY // 2, MANY - 100) for _ in range(5 if quick else 20)]
        time.sleep(max(0.0, (overdue_at - datetime.now(UTC)).total_seconds() + 6))
        memory = rss_mb(server.pid)
    late = lateness(data / "tocsin.db")
    return [
        Figure(
            f"{MANY} heartbeats, {MISSED} missed in a second: noticed after, p99",
            percentile(late, 99),
            "s",
            GOAL_LATE_S,
            detail=f"p50 {percentile(late, 50):.2f}, {len(late)} of {MISSED}",
        ),
        Figure(
            "  a page of 100 of the list, p99",
            percentile(pages, 99),
            "ms",
            GOAL_PAGE_MS,
            detail=f"p50 {percentile(pages, 50):.1f}",
        ),
        Figure("  memory", memory, "MB"),
        Figure("  CPU while nothing happens", idle_percent, "% of a core"),
    ]


def timed_page(server: Server, offset: int) -> float:
    began = time.perf_counter()
    request(server.port, "GET", f"/api/v1/heartbeats?limit=100&offset={offset}")
    return (time.perf_counter() - began) * 1e3


def lateness(database: Path) -> list[float]:
    """Return how long after its deadline each was noticed, in seconds."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT data FROM events WHERE type = 'heartbeat.deadline_missed'").fetchall()
    told = [json.loads(row[0]) for row in rows]
    return [
        (datetime.fromisoformat(one["timestamp"]) - datetime.fromisoformat(one["deadline_at"])).total_seconds()
        for one in told
    ]


# --- what is there before --------------------------------------------------------------------------------------------


async def stored(data_dir: Path, count: int, deadline_in: timedelta) -> list[str]:
    """Write heartbeats that are up; return their uuids."""
    settings = load_settings({"TOCSIN_DATA_DIR": str(data_dir)})
    data_dir.mkdir(parents=True, mode=0o700)
    prepare_database(settings)
    clock = SystemClock()
    now = clock.now()
    wanted = Rules(interval_seconds=86_400, grace_seconds=3_600)
    standing = Standing(counted_from=now, next_deadline_at=now + deadline_in, tally=Tally(now.date()))
    beats = [
        Heartbeat(
            id=0,
            uuid=str(uuid.uuid4()),
            name=f"job {number}",
            slug=f"job-{number}",
            rules=wanted,
            standing=standing,
            created_at=now,
            updated_at=now,
        )
        for number in range(count)
    ]
    db = Database(database_url(settings), clock, lambda _frames: None)
    await db.start()
    for first in range(0, count, 1000):
        await db.write(partial(insert_all, beats=beats[first : first + 1000]))
    await db.stop()
    return [beat.uuid for beat in beats]


def insert_all(tx: Tx, beats: list[Heartbeat]) -> None:
    for beat in beats:
        store.insert_heartbeat(tx, beat)


async def make_due(data_dir: Path, count: int, at: datetime) -> None:
    """Let the deadline of some pass at the same moment."""
    settings = load_settings({"TOCSIN_DATA_DIR": str(data_dir)})
    db = Database(database_url(settings), SystemClock(), lambda _frames: None)
    await db.start()

    def work(tx: Tx) -> None:
        for number in range(1, count + 1):
            beat = store.get(tx, number)
            store.save(tx, beat_due(beat, at))

    await db.write(work)
    await db.stop()


def beat_due(beat: Heartbeat, at: datetime) -> Heartbeat:
    wanted = Rules(interval_seconds=86_400, grace_seconds=0)
    return replace(beat, rules=wanted, standing=replace(beat.standing, next_deadline_at=at))


if __name__ == "__main__":
    if sys.argv[1:2] == ["commit-each"]:
        path, length = Path(sys.argv[2]), float(sys.argv[3])
        with sqlite3.connect(path / "tocsin.db") as reading:
            known = [row[0] for row in reading.execute("SELECT uuid FROM heartbeats LIMIT 5000")]
        print(commit_each(path, known, length))
    else:
        run(measure)
