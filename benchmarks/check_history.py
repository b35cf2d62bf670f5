"""The history of checks: what is written and stored for each, and how fast 90 days are read while more comes in.

How:   (a) 2,000 endpoints are checked every 30 s for an hour of simulated time, written as the program does (a hundred
       at once, or after five seconds), packed every ten minutes: bytes passed to write(), checkpoints included, and the
       size of the file. (b) 40 endpoints with 90 days of checks, 10.4 million; while 2,000 rows a second are written,
       the bars of all 40 and the chart of one are read.
Limit: bytes of a row; none for the reading.
Goal:  ≤ 400 written and ≤ 26 stored for a check; p99 ≤ 5 ms.
"""

import asyncio
import gc
import random
import time
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from benchmarks.check_10000 import endpoint
from benchmarks.support import Figure, percentile, run, scratch_folder
from benchmarks.web import Web
from tocsin.core.clock import SystemClock, to_ms
from tocsin.db.database import Database
from tocsin.db.engine import open_engine, sqlite_url
from tocsin.db.migrate import migrate
from tocsin.db.tx import Read, Tx
from tocsin.endpoints import blocks, history_store, store
from tocsin.endpoints.blocks import SLOT_MS
from tocsin.endpoints.checker import LONGEST_WAIT_S, MOST_WAITING
from tocsin.endpoints.monitors import Monitors
from tocsin.endpoints.objects import ResponseRange
from tocsin.endpoints.packer import Packer
from tocsin.endpoints.queries import EndpointQueries
from tocsin.endpoints.totals import Check, sum_of, total_of
from tocsin.probes.base import Phases

GOAL_WRITTEN, GOAL_STORED, GOAL_PAGE_MS = 400.0, 26.0, 5.0
NOWHERE = Web("http://127.0.0.1:1/", "https://localhost:1/", Path("/"))
INTERVAL_MS = 30_000
WARM = 10
PRAGMAS = ("page_count", "freelist_count", "page_size")


class Simulated(SystemClock):
    """Time that is set."""

    def __init__(self, now: datetime) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        """No time passes by itself."""


def measure(quick: bool) -> list[Figure]:
    wrote = asyncio.run(writing(500 if quick else 2000))
    return [*wrote, *asyncio.run(reading(20 if quick else 90, 100 if quick else 400))]


async def writing(count: int) -> list[Figure]:
    hour = datetime.fromisoformat("2026-03-04T10:00:00Z")
    with scratch_folder() as folder:
        clock = Simulated(hour)
        db, monitors = await opened(folder, clock, count)
        packer = Packer(db, clock, monitors, timedelta(days=400))
        first_size, before = await db.read(used), written()
        rows, waiting, since = 0, [], 0
        for quarter in range(4 * 3600):
            waiting += [(number + 1, a_check(to_ms(hour) + quarter * 250)) for number in turn(quarter, count)]
            if len(waiting) >= MOST_WAITING or quarter - since >= LONGEST_WAIT_S * 4:
                rows += len(waiting)
                await db.write(lambda tx, found=waiting: history_store.insert_checks(tx, found))  # type: ignore[misc]
                waiting, since = [], quarter
            if quarter % 2400 == 2399:
                clock.at = hour + timedelta(milliseconds=(quarter + 1) * 250 + 6000)
                await packer.pack(to_ms(hour) + (quarter + 1) * 250)
        stored = await db.read(used) - first_size
        await db.stop()
        done = written() - before
    return [
        Figure(
            "written for a check", done / rows, "bytes", GOAL_WRITTEN, detail=f"{rows:,} checks of {count:,} endpoints"
        ),
        Figure("stored for a check", stored / rows, "bytes", GOAL_STORED, detail="without free pages"),
    ]


def turn(quarter: int, count: int) -> range:
    """Return which endpoints are checked in a quarter of a second: all of them within 30 s."""
    part = quarter % 120
    return range(part * count // 120, (part + 1) * count // 120)


async def reading(days: int, reads: int) -> list[Figure]:
    now = datetime.now().astimezone()
    with scratch_folder() as folder:
        clock = Simulated(now)
        db, monitors = await opened(folder, clock, 40)
        await fill(db, now, days)
        queries = EndpointQueries(db, clock, monitors, lambda _read, _id: object(), lambda _id: [])
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 1000)  # as the program does
        stop = asyncio.Event()
        load = asyncio.create_task(keep_writing(db, now, stop))
        pages, charts, details = [], [], []
        for _ in range(WARM + reads):
            pages.append(await timed(queries.bars(90)))
            charts.append(await timed(queries.response_times(random.randint(1, 40), ResponseRange.QUARTER)))
            details.append(await timed(queries.checks(random.randint(1, 40), None, 50, 0)))
            await asyncio.sleep(0.02)
        pages, charts, details = pages[WARM:], charts[WARM:], details[WARM:]
        stop.set()
        await load
        await db.stop()
    rows = f"{days * 40 * 2880 / 1e6:.1f} million checks, 2,000 more a second"
    return [
        Figure("bars of 90 days of 40 endpoints, p99", percentile(pages, 99), "ms", GOAL_PAGE_MS, detail=rows),
        Figure("chart of 90 days of one, p99", percentile(charts, 99), "ms", GOAL_PAGE_MS, detail=median(charts)),
        Figure("its last 50 checks, p99", percentile(details, 99), "ms", detail=median(details)),
        Figure("  bars, median", percentile(pages, 50), "ms"),
    ]


def median(values: list[float]) -> str:
    return f"median {percentile(values, 50):.2f} ms"


async def timed(work: object) -> float:
    began = time.perf_counter()
    await work  # type: ignore[misc]
    return (time.perf_counter() - began) * 1000


async def opened(folder: Path, clock: Simulated, count: int) -> tuple[Database, Monitors]:
    url = sqlite_url(folder / "tocsin.db")
    engine = open_engine(url)
    migrate(engine, folder / "backups", clock.now())
    engine.dispose()
    db = Database(url, clock, lambda _frames: None)
    await db.start()

    def work(tx: Tx) -> None:
        for number in range(count):
            store.create(tx, endpoint(number, NOWHERE, clock.now() - timedelta(days=100)))

    await db.write(work)
    monitors = Monitors(lambda _endpoint: {})
    stored = await db.read(store.list_active)
    monitors.refresh([one.id for one in stored], stored)
    return db, monitors


async def fill(db: Database, now: datetime, count: int) -> None:
    """Write *count* days of checks: of each endpoint one day is made, and laid down again and again."""
    today = now.date()
    for endpoint_id in range(1, 41):
        slots = [[a_check(slot * SLOT_MS + at) for at in range(0, SLOT_MS, INTERVAL_MS)] for slot in range(144)]
        packed = [blocks.pack(slot, checks) for slot, checks in enumerate(slots)]
        per_hour = [total_of(check for slot in slots[6 * hour : 6 * hour + 6] for check in slot) for hour in range(24)]
        for back in range(1, count + 1):
            day = today - timedelta(days=back)
            first = (day - date(1970, 1, 1)).days
            await db.write(lambda tx, first=first, day=day: lay(tx, endpoint_id, first, day, packed, per_hour))  # type: ignore[misc] # noqa: B023


def lay(tx: Tx, endpoint_id: int, first: int, day: date, packed: list[bytes], per_hour: list[object]) -> None:
    history_store.put_blocks(tx, {(first * 144 + slot, endpoint_id): data for slot, data in enumerate(packed)})
    history_store.put_hours(tx, {(first * 24 + hour, endpoint_id): one for hour, one in enumerate(per_hour)})  # type: ignore[misc]
    history_store.put_day(tx, day, {endpoint_id: sum_of(per_hour)}, date(2000, 1, 1))  # type: ignore[arg-type]


async def keep_writing(db: Database, now: datetime, stop: asyncio.Event) -> None:
    at_ms = to_ms(now)
    while not stop.is_set():
        at_ms += 50
        found = [(random.randint(1, 40), a_check(at_ms)) for _ in range(100)]
        await db.write(lambda tx, found=found: history_store.insert_checks(tx, found))  # type: ignore[misc]
        if at_ms % 5000 < 50:  # as packing would
            newest = await db.read(history_store.newest_id)
            await db.write(lambda tx, newest=newest: history_store.delete_new(tx, history_store.New(newest)))  # type: ignore[misc]
        await asyncio.sleep(0.05)


def a_check(at_ms: int) -> Check:
    connect, tls, first = random.randint(300, 2_000), random.randint(2_000, 9_000), random.randint(1_000, 40_000)
    return Check(at_ms + random.randint(0, 200), 0, Phases(10 + connect + tls + first, 10, connect, tls, first), 200)


def written() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("wchar:")))


def used(read: Read) -> int:
    """Return the bytes of the database that hold something; free pages are used again."""
    pages = (
        read.execute(text("PRAGMA page_count")).scalar_one() - read.execute(text("PRAGMA freelist_count")).scalar_one()
    )
    return int(pages * read.execute(text("PRAGMA page_size")).scalar_one())


if __name__ == "__main__":
    run(measure)
