"""Writes that are acknowledged once they are on disk: `Database.write` with 1 and with 64 waiters, on both databases.

How:   each waiter writes one row and waits for it, again and again; the fsync of the same folder, both numbers of
       waiters and the writer without groups take turns; medians of the rounds. The same with a journalled event
       (`tx.emit`) instead of the row is told beside it.
Limit: one fsync for each group of writes, measured as write + fdatasync of 4 KiB in the same folder; and a commit for
       each row on a connection like the writer's, in one thread with no event loop (commit-each).
Goal:  with 64 waiters p99 ≤ 4 fsync + 5 ms, and ≥ 5 × the rows of commit-each.
"""

import asyncio
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
import uvloop
from sqlalchemy import insert

from benchmarks.support import Figure, free_port, percentile, run, scratch_folder
from tocsin.containers.models import RuntimeStatusChanged
from tocsin.core.clock import SystemClock, wire
from tocsin.db import tables
from tocsin.db.database import Database
from tocsin.db.engine import is_sqlite, open_engine
from tocsin.db.tx import Reactions, Tx
from tocsin.parts import database_url
from tocsin.process import prepare_database
from tocsin.settings import load as load_settings

WAITERS = 64
GOAL_FSYNCS, GOAL_MORE_MS = 4, 5.0
GOAL_TIMES_COMMIT_EACH = 5.0
FSYNCS = 200
BLOCK = b"\xa5" * 4096

_INSERT = insert(tables.audit)
_ROW = {"at_ms": 1, "actor": "benchmark", "action": "write", "entity": "row", "change": "{}"}


def one_row(tx: Tx) -> None:
    tx.execute(_INSERT, _ROW)


def one_event(tx: Tx) -> None:
    now = wire(tx.clock.now())
    tx.emit(RuntimeStatusChanged(connected=True, name="local", label="Containers", error=None, timestamp=now))


class Round(NamedTuple):
    """Latencies in ms of one closed loop, and how many writes a second it made."""

    p50: float
    p99: float
    rate: float


def measure(quick: bool) -> list[Figure]:
    rounds, seconds = (2, 0.7) if quick else (5, 1.5)
    figures = []
    with scratch_folder() as folder:
        figures += on("SQLite", folder / "sqlite", "", rounds, seconds)
        if postgres_programs() is not None:
            with postgres(folder / "postgres") as url:
                figures += on("PostgreSQL", folder / "postgres", url, rounds, seconds)
    return figures


def on(name: str, folder: Path, url: str, rounds: int, seconds: float) -> list[Figure]:
    """Measure one database. *folder* is where it lives, for the fsync beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = load_settings({"TOCSIN_DATA_DIR": str(folder / "tocsin"), "TOCSIN_DATABASE_URL": url})
    settings.data_dir.mkdir()
    prepare_database(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_on(name, folder, database_url(settings), rounds, seconds))


async def _on(name: str, folder: Path, url: str, rounds: int, seconds: float) -> list[Figure]:
    fsyncs, alone, together, events, each = [], [], [], [], []
    db = Database(url, SystemClock(), lambda _frames: None)
    await db.start()
    try:
        for _ in range(rounds):
            fsyncs.append(fsync_ms(folder))
            alone.append(await closed_loop(db, one_row, 1, seconds))
            together.append(await closed_loop(db, one_row, WAITERS, seconds))
            events.append(await closed_loop(db, one_event, WAITERS, seconds))
            each.append(commit_each(url, seconds))
            fsyncs.append(fsync_ms(folder))
    finally:
        await db.stop()
    return tell(name, statistics.median(fsyncs), [middle(alone), middle(together), middle(events)], each)


def tell(name: str, fsync: float, found: list[Round], each: list[float]) -> list[Figure]:
    alone, together, events = found
    commit_each_rate = statistics.median(each)
    goal_ms = round(GOAL_FSYNCS * fsync + GOAL_MORE_MS, 2)
    return [
        Figure(
            f"{name}: {WAITERS} waiters, p99",
            together.p99,
            "ms",
            goal_ms,
            detail=f"{together.p99 / fsync:.0f} fsync; p50 {together.p50:.2f} ms = {together.p50 / fsync:.0f} fsync",
        ),
        Figure(
            f"{name}: {WAITERS} waiters, rows a second",
            together.rate / commit_each_rate,
            "× each",
            GOAL_TIMES_COMMIT_EACH,
            at_least=True,
            detail=f"{together.rate:.0f}/s against {commit_each_rate:.0f}/s with a commit for each",
        ),
        Figure(
            "  1 waiter, p50",
            alone.p50 / fsync,
            "fsync",
            detail=f"p50 {alone.p50:.2f}, p99 {alone.p99:.2f} ms, {alone.rate:.0f}/s; an fsync is {fsync * 1e3:.0f} µs",
        ),
        Figure(
            f"  {WAITERS} waiters that journal an event, p99",
            events.p99,
            "ms",
            detail=f"p50 {events.p50:.2f} ms, {events.rate:.0f}/s = {events.rate / commit_each_rate:.1f} × each",
        ),
    ]


def middle(rounds: list[Round]) -> Round:
    return Round(*(statistics.median(values) for values in zip(*rounds, strict=True)))


async def closed_loop(db: Database, work: Callable[[Tx], None], waiters: int, seconds: float) -> Round:
    """Let each of *waiters* write, wait until that is on disk, and write again."""
    latencies: list[float] = []
    began = time.perf_counter()

    async def one() -> None:
        while (asked := time.perf_counter()) < began + seconds:
            await db.write(work)
            latencies.append((time.perf_counter() - asked) * 1e3)

    waiting: list[Awaitable[None]] = [one() for _ in range(waiters)]
    await asyncio.gather(*waiting)
    rate = len(latencies) / (time.perf_counter() - began)
    return Round(percentile(latencies, 50), percentile(latencies, 99), rate)


def commit_each(url: str, seconds: float) -> float:
    """Return how many rows a second one thread writes that commits each."""
    engine, clock, count = open_engine(url), SystemClock(), 0
    begin = "BEGIN IMMEDIATE" if is_sqlite(engine) else "BEGIN"
    with engine.connect() as connection:
        began = time.perf_counter()
        while time.perf_counter() < began + seconds:
            connection.exec_driver_sql(begin)
            one_row(Tx(connection, clock, Reactions()))
            connection.exec_driver_sql("COMMIT")
            count += 1
        rate = count / (time.perf_counter() - began)
    engine.dispose()
    return rate


def fsync_ms(folder: Path) -> float:
    """Return the median time to write 4 KiB over existing ones and have them on disk, as a log that is reused does."""
    times = []
    file = os.open(folder / "fsync", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.pwrite(file, BLOCK * FSYNCS, 0)
        os.fsync(file)
        for number in range(FSYNCS):
            began = time.perf_counter()
            os.pwrite(file, BLOCK, number * len(BLOCK))
            os.fdatasync(file)
            times.append((time.perf_counter() - began) * 1e3)
    finally:
        os.close(file)
    return statistics.median(times)


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def postgres_programs() -> Path | None:
    """Return the folder of the newest installed server, None when there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return found[-1] if found and shutil.which("runuser") and os.geteuid() == 0 else None


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a private cluster, as user postgres and as durable as it comes, and yield the address of a database."""
    folder.mkdir(parents=True)
    shutil.chown(folder, "postgres")
    password, port = folder / "password", free_port()
    password.write_text("secret")
    shutil.chown(password, "postgres")
    login = ("-U", "postgres", "-A", "scram-sha-256", "--pwfile=password")
    control(folder, "initdb", "-D", "data", *login, "-E", "UTF8", "--locale=C.UTF-8")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=on"
    control(folder, "pg_ctl", "-D", "data", "-s", "-w", "-t", "30", "-l", "log", "-o", options, "start")
    try:
        address = f"postgresql://postgres:secret@127.0.0.1:{port}"
        with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE tocsin")
        yield f"{address}/tocsin"
    finally:
        control(folder, "pg_ctl", "-D", "data", "-s", "-m", "fast", "-w", "stop")


def control(folder: Path, program: str, *arguments: str) -> None:
    programs = postgres_programs()
    assert programs is not None
    command = ["runuser", "-u", "postgres", "--", str(programs / program), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=90)
    if done.returncode != 0:
        raise RuntimeError(f"{program}: {done.stderr.decode()}{done.stdout.decode()}")


if __name__ == "__main__":
    run(measure)
