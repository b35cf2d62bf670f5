"""The history of endpoints: whatever tier it lies in, the answers are the same, nothing is lost, nothing doubled."""

import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from support.clock import FakeClock
from support.postgres import Postgres
from tocsin.core.clock import from_ms, to_ms
from tocsin.core.errors import NotFound
from tocsin.db.database import Database
from tocsin.db.engine import open_engine, sqlite_url
from tocsin.db.migrate import migrate
from tocsin.endpoints import history_store, packer, store, tables
from tocsin.endpoints.models import Endpoint, EndpointSource, EndpointType, Standing
from tocsin.endpoints.monitors import Monitors
from tocsin.endpoints.objects import ResponseRange
from tocsin.endpoints.packer import Packer
from tocsin.endpoints.queries import EndpointQueries
from tocsin.endpoints.totals import BAD, FIRST_BAD, GOOD, SLOW, UNSEEN, Check, total_of
from tocsin.probes.base import Phases

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
FIRST = datetime(2025, 1, 1, tzinfo=UTC)


class Clock(FakeClock):
    """It stands where a test puts it; who sleeps wakes at once."""

    def set(self, moment: datetime) -> None:
        self._elapsed_s = (moment - self._start).total_seconds()

    async def sleep(self, seconds: float) -> None:
        return None


class History:
    """A database with endpoints in it, and everything that reads and packs their history."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock
        self.monitors = Monitors(lambda _endpoint: {})
        self.packer = Packer(db, clock, self.monitors, timedelta(days=400))
        self.kept: dict[int, list[Check]] = {}
        self.pending: dict[int, list[Check]] = {}
        self.queries = EndpointQueries(
            db, clock, self.monitors, lambda _read, _number: None, lambda number: self.pending.get(number, [])
        )

    async def add(self, name: str = "web") -> int:
        endpoint = Endpoint(
            id=0,
            source=EndpointSource.STANDALONE,
            endpoint_type=EndpointType.TCP,
            target="db.test:5432",
            name=name,
            label_key=name,
            badge_key=name,
            first_seen_at=FIRST,
            last_seen_at=FIRST,
        )
        made = await self.db.write(lambda tx: store.create(tx, endpoint))
        self.monitors.refresh([made.id], [made])
        self.kept[made.id] = []
        return made.id

    async def insert(self, number: int, checks: Sequence[Check]) -> None:
        await self.db.write(lambda tx: history_store.insert_checks(tx, [(number, check) for check in checks]))
        self.kept[number] = sorted([*self.kept[number], *checks])

    async def pack(self, until: datetime | None = None) -> None:
        await self.packer.pack(to_ms(until or self.clock.now()) // packer.SLOT_MS * packer.SLOT_MS)

    async def rows(self, table: Any) -> int:
        return await self.db.read(lambda read: read.execute(select(func.count()).select_from(table)).scalar_one())

    async def everything(self, number: int) -> dict[str, Any]:
        """Return every answer there is about an endpoint."""
        return {
            "checks": await self.queries.checks(number, None, 500, 0),
            "page": await self.queries.checks(number, None, 50, 75),
            "since": await self.queries.checks(number, self.clock.now() - timedelta(hours=5, minutes=17), 500, 0),
            "days": await self.queries.days(number, 30),
            "uptime": (await self.queries.detail(number)).uptime,
            **{length: await self.queries.response_times(number, length) for length in ResponseRange},
        }


@pytest.fixture(params=["sqlite", "postgresql"])
async def history(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[History]:
    if request.param == "sqlite":
        url = sqlite_url(tmp_path / "tocsin.db")
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.new_database()
    clock = Clock()
    engine = open_engine(url)
    migrate(engine, tmp_path / "backups", clock.now())
    engine.dispose()
    db = Database(url, clock, lambda _frames: None, ())
    await db.start()
    yield History(db, clock)
    await db.stop()


def some_checks(first: datetime, last: datetime, every_ms: int, seed: int = 1) -> list[Check]:
    """Return checks as they come: mostly good, now and then bad for a while, seldom unseen."""
    chance = random.Random(seed)
    found: list[Check] = []
    was_good = False
    for at_ms in range(to_ms(first), to_ms(last), every_ms):
        bad = chance.random() < (0.1 if was_good else 0.6)
        code = (FIRST_BAD if was_good else BAD) if bad else chance.choice([GOOD] * 8 + [SLOW])
        if chance.random() < 0.03:
            found.append(Check(at_ms + 7, UNSEEN, Phases(0), None, "no descriptors"))
            continue
        total = chance.randrange(1_000, 900_000) // 10 * 10
        phases = Phases(total, None, total // 100 * 10, None, total // 20 * 10)
        found.append(Check(at_ms + 7, code, phases, 503 if bad else 200, "bad" if bad else None))
        was_good = not bad
    return found


def exact_days(checks: Sequence[Check], today: date, count: int) -> list[tuple[str, float | None, int]]:
    """Return daily uptime the plainest way."""
    found = []
    for back in range(count):
        day = today - timedelta(days=back)
        mine = total_of(check for check in checks if from_ms(check.at_ms).date() == day)
        found.append((day.isoformat(), mine.uptime_percent, mine.incidents))
    return found


# --- the same answers ------------------------------------------------------------------------------------------------


async def test_packing_changes_no_answer(history: History):
    number, other = await history.add(), await history.add("other")
    now = history.clock.now()
    await history.insert(number, some_checks(now - timedelta(hours=30), now, 3 * MINUTE_MS))
    await history.insert(other, some_checks(now - timedelta(hours=2), now, MINUTE_MS, 2))
    before = [await history.everything(one) for one in (number, other)]

    for until in (now - timedelta(hours=20), now - timedelta(minutes=35), now):
        await history.pack(until)
        for one, known in zip((number, other), before, strict=True):
            found = await history.everything(one)
            assert {name: found[name] for name in known if found[name] != known[name]} == {}, until

    assert await history.rows(tables.checks) == 0
    assert await history.rows(tables.blocks) > 0
    await history.packer.close_days()
    assert await history.rows(tables.days) > 0
    assert [await history.everything(one) for one in (number, other)] == before


async def test_answers_are_what_counting_by_hand_finds(history: History):
    number = await history.add()
    now = history.clock.now()
    every = some_checks(now - timedelta(days=6), now, 30 * MINUTE_MS)
    await history.insert(number, every)
    await history.pack(now - timedelta(hours=1))

    page = await history.queries.checks(number, None, 500, 0)
    assert [check.id for check in page.checks] == [check.at_ms for check in reversed(every)]
    assert (page.total, page.has_more) == (len(every), False)
    found = (await history.queries.days(number, 10)).days
    wanted = exact_days(every, now.date(), 10)
    assert [(day.date, day.uptime_percent, day.incident_count) for day in found] == wanted
    uptime = (await history.queries.detail(number)).uptime
    assert uptime.hour == total_of(c for c in every if c.at_ms >= to_ms(now) - HOUR_MS).uptime_percent
    assert uptime.month == uptime.quarter == total_of(every).uptime_percent
    points = (await history.queries.response_times(number, ResponseRange.WEEK)).points
    hours = {check.at_ms // HOUR_MS for check in every if check.code != UNSEEN}
    assert [point.timestamp for point in points if point.checks] == [
        f"{from_ms(hour * HOUR_MS):%Y-%m-%dT%H:%M:%S.000Z}" for hour in sorted(hours)
    ]
    overall = (await history.queries.response_times(number, ResponseRange.QUARTER)).overall
    whole = total_of(every)
    assert overall is not None
    assert (overall.checks, overall.failures) == (whole.checks, whole.failures)


@pytest.mark.parametrize("count", [1, 7, 90, 365])
async def test_days_are_exactly_those_asked_for_and_kept_when_their_checks_are_gone(history: History, count: int):
    number = await history.add()
    history.clock.set(datetime(2026, 3, 4, 0, 0, 30, tzinfo=UTC))
    today = history.clock.now().date()
    for back in range(12, -1, -1):  # each day as it comes, closed the morning after
        moment = datetime(2026, 3, 4, tzinfo=UTC) - timedelta(days=back)
        history.clock.set(moment + timedelta(seconds=30))
        await history.packer.run()
        await history.insert(number, some_checks(moment, moment + timedelta(days=1), 2 * HOUR_MS, back))
    history.clock.set(datetime(2026, 3, 4, 23, 59, tzinfo=UTC))
    await history.packer.run()
    cutoff = to_ms(datetime(2026, 3, 4, tzinfo=UTC))
    while await history.db.write(lambda tx: history_store.sweep_blocks(tx, cutoff, 100)):
        pass
    while await history.db.write(lambda tx: history_store.sweep_hours(tx, cutoff, 100)):
        pass

    found = (await history.queries.days(number, count)).days

    wanted = exact_days(history.kept[number], today, count)
    assert [(day.date, day.uptime_percent, day.incident_count) for day in found] == wanted


async def test_midnight_divides_days_to_the_millisecond(history: History):
    number = await history.add()
    midnight = to_ms(datetime(2026, 3, 4, tzinfo=UTC))
    await history.insert(
        number, [Check(midnight - 1, FIRST_BAD, Phases(1000)), Check(midnight, GOOD, Phases(1000), 200)]
    )
    for _ in range(2):
        found = (await history.queries.days(number, 2)).days
        assert [(day.date, day.uptime_percent, day.incident_count) for day in found] == [
            ("2026-03-04", 100, 0),
            ("2026-03-03", 0, 1),
        ]
        await history.pack()


async def test_pages_go_through_all_tiers_without_a_gap_or_a_double(history: History):
    number = await history.add()
    now = history.clock.now()
    every = some_checks(now - timedelta(hours=9), now, 4 * MINUTE_MS)
    await history.insert(number, every)
    await history.pack(now - timedelta(hours=2))
    wanted = [check.at_ms for check in reversed(every)]
    for limit in (1, 7, 50, 500):
        seen: list[int] = []
        while True:
            page = await history.queries.checks(number, None, limit, len(seen))
            seen += [check.id for check in page.checks]
            assert page.total == len(every)
            assert page.has_more is (len(seen) < len(every))
            if not page.has_more:
                break
            assert page.checks
        assert seen == wanted


@pytest.mark.parametrize("minutes", [0, 1, 61, 125, 333, 100_000])
async def test_since_cuts_to_the_check(history: History, minutes: int):
    number = await history.add()
    now = history.clock.now()
    every = some_checks(now - timedelta(hours=9), now, 4 * MINUTE_MS)
    await history.insert(number, every)
    await history.pack(now - timedelta(hours=2))
    since = now - timedelta(minutes=minutes)
    page = await history.queries.checks(number, since, 500, 0)
    wanted = [check.at_ms for check in reversed(every) if check.at_ms >= to_ms(since)]
    assert [check.id for check in page.checks] == wanted
    assert (page.total, page.has_more) == (len(wanted), False)


async def test_pages_end_where_the_kept_checks_end(history: History):
    """The sums of hours are kept longer than the checks: they must not promise pages that are not there."""
    number = await history.add()
    now = history.clock.now()
    every = some_checks(now - timedelta(hours=6), now, 5 * MINUTE_MS)
    await history.insert(number, every)
    await history.pack()
    cutoff = to_ms(now - timedelta(hours=2))
    while await history.db.write(lambda tx: history_store.sweep_blocks(tx, cutoff, 100)):
        pass

    page = await history.queries.checks(number, None, 500, 0)

    assert (page.total, page.has_more) == (len(page.checks), False)
    assert [check.id for check in page.checks] == [check.at_ms for check in reversed(every) if check.at_ms >= cutoff]
    while await history.db.write(lambda tx: history_store.sweep_blocks(tx, to_ms(now) + DAY_MS, 100)):
        pass
    page = await history.queries.checks(number, None, 500, 0)
    assert (page.checks, page.total, page.has_more) == ([], 0, False)


async def test_checks_that_wait_to_be_written_are_in_every_answer_already(history: History):
    number = await history.add()
    now = history.clock.now()
    every = some_checks(now - timedelta(hours=5), now, 3 * MINUTE_MS)
    await history.insert(number, every[:-3])
    history.pending[number] = every[-4:]  # one of them has just been written
    before = await history.everything(number)
    history.pending.clear()
    await history.insert(number, every[-3:])
    assert await history.everything(number) == before
    assert before["checks"].total == len(every)


# --- packing ---------------------------------------------------------------------------------------------------------


async def test_rows_that_come_late_are_merged(history: History):
    number = await history.add()
    now = history.clock.now()
    every = some_checks(now - timedelta(hours=3), now, MINUTE_MS)
    early, late = every[::2], every[1::2]
    await history.insert(number, early)
    await history.pack()
    await history.insert(number, late)
    await history.pack()
    await history.pack()  # once more is nothing more
    assert await history.rows(tables.checks) == 0
    page = await history.queries.checks(number, None, 500, 0)
    assert [check.id for check in page.checks] == [check.at_ms for check in reversed(every)]
    hours = await history.db.read(
        lambda read: history_store.read_hours(read, number, history_store.hours_between(0, to_ms(now))[-5:])
    )
    for hour, found in hours.items():
        assert found == total_of(check for check in every if check.at_ms // HOUR_MS == hour)


@pytest.mark.parametrize("step", ["put_blocks", "put_hours", "delete_new"])
async def test_a_crash_while_packing_leaves_either_rows_or_blocks(
    history: History, monkeypatch: pytest.MonkeyPatch, step: str
):
    number = await history.add()
    now = history.clock.now()
    await history.insert(number, some_checks(now - timedelta(hours=2), now, MINUTE_MS))
    before = await history.everything(number)
    rows = await history.rows(tables.checks)
    real = getattr(history_store, step)

    def crash(*arguments: Any) -> None:
        real(*arguments)
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(history_store, step, crash)
        with pytest.raises(RuntimeError):
            await history.pack()

    assert (await history.rows(tables.checks), await history.rows(tables.blocks)) == (rows, 0)
    assert await history.rows(tables.hours) == 0
    assert await history.everything(number) == before
    await history.pack()
    assert await history.rows(tables.checks) == 0
    assert await history.everything(number) == before


async def test_checks_written_while_packing_stay(history: History, monkeypatch: pytest.MonkeyPatch):
    number = await history.add()
    now = history.clock.now()
    await history.insert(number, some_checks(now - timedelta(hours=1), now, MINUTE_MS))
    late = Check(to_ms(now) - HOUR_MS + 1, GOOD, Phases(1000), 200)
    write = history.db.write

    async def late_first(work: Any) -> Any:
        monkeypatch.setattr(history.db, "write", write)
        await history.insert(number, [late])  # between the reading and the writing
        return await write(work)

    monkeypatch.setattr(history.db, "write", late_first)
    await history.pack()

    assert await history.rows(tables.checks) == 1
    page = await history.queries.checks(number, None, 500, 0)
    assert page.total == len(history.kept[number])
    await history.pack()
    page = await history.queries.checks(number, None, 500, 0)
    assert [check.id for check in page.checks] == [check.at_ms for check in reversed(history.kept[number])]


async def test_a_slot_is_packed_only_when_it_has_been_over_for_a_moment(history: History):
    number = await history.add()
    slot = datetime(2026, 3, 4, 9, 10, tzinfo=UTC)
    await history.insert(number, some_checks(slot - timedelta(minutes=10), slot, MINUTE_MS))
    for seconds, left in ((-1, 10), (4, 10), (5, 0)):
        history.clock.set(slot + timedelta(seconds=seconds))
        await history.packer.run()
        assert await history.rows(tables.checks) == left, seconds


async def test_packing_writes_the_standing_so_that_a_start_need_not_count(history: History):
    number = await history.add()
    monitor = history.monitors.find(number)
    assert monitor is not None
    now = history.clock.now()
    monitor.standing = Standing(consecutive_successes=41, last_check_at=now - timedelta(minutes=1))
    monitor.unsaved = True
    await history.insert(number, some_checks(now - timedelta(hours=1), now, MINUTE_MS))
    await history.pack()
    stored = await history.db.read(lambda read: store.get(read, number))
    assert stored.standing == monitor.standing
    assert monitor.unsaved is False


async def test_many_endpoints_are_packed_in_parts(history: History, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(packer, "AT_ONCE", 3)
    now = history.clock.now()
    numbers = [await history.add(f"web-{index}") for index in range(8)]
    for number in numbers:
        await history.insert(number, some_checks(now - timedelta(hours=1), now, 5 * MINUTE_MS, number))
    await history.pack()
    assert await history.rows(tables.checks) == 0
    for number in numbers:
        assert (await history.queries.checks(number, None, 500, 0)).total == len(history.kept[number])


# --- days and retention ----------------------------------------------------------------------------------------------


async def test_a_day_is_closed_once_and_days_missed_while_away_are_made_up_for(history: History):
    number = await history.add()
    start = datetime(2026, 3, 1, tzinfo=UTC)
    await history.insert(number, some_checks(start, start + timedelta(days=3), HOUR_MS))
    history.clock.set(start + timedelta(days=3, minutes=1))
    await history.packer.run()
    assert await history.rows(tables.days) == 2  # a check of the third may still be on its way
    history.clock.set(start + timedelta(days=3, minutes=21))
    await history.packer.run()
    assert await history.rows(tables.days) == 3
    await history.packer.run()
    assert await history.rows(tables.days) == 3
    found = await history.db.read(lambda read: history_store.read_days(read, number, start.date()))
    for day, totals in found.items():
        assert totals == total_of(c for c in history.kept[number] if from_ms(c.at_ms).date() == day)


async def test_old_slots_and_hours_are_swept_whole(history: History):
    number = await history.add()
    now = history.clock.now()
    await history.insert(number, some_checks(now - timedelta(hours=5), now, MINUTE_MS))
    await history.pack()
    cutoff = to_ms(now - timedelta(hours=2, minutes=5))
    for sweep in (history_store.sweep_blocks, history_store.sweep_hours):
        while await history.db.write(lambda tx, sweep=sweep: sweep(tx, cutoff, 100)):
            pass
    slots = await history.db.read(lambda read: list(read.execute(select(tables.blocks.c.slot)).scalars()))
    hours = await history.db.read(lambda read: list(read.execute(select(tables.hours.c.hour)).scalars()))
    assert min(slots) == cutoff // packer.SLOT_MS
    assert min(hours) == cutoff // HOUR_MS


async def test_the_history_of_one_says_nothing_of_another(history: History):
    number, other = await history.add(), await history.add("other")
    now = history.clock.now()
    await history.insert(number, some_checks(now - timedelta(hours=2), now, MINUTE_MS))
    for _ in range(2):
        assert (await history.queries.checks(other, None, 50, 0)).total == 0
        assert (await history.queries.detail(other)).uptime.month is None
        assert {day.uptime_percent for day in (await history.queries.days(other, 3)).days} == {None}
        assert (await history.queries.response_times(other, ResponseRange.DAY)).points == []
        assert (await history.queries.response_times(other, ResponseRange.DAY)).overall is None
        await history.pack()


async def test_who_does_not_exist_has_no_history(history: History):
    for ask in (
        history.queries.checks(99, None, 50, 0),
        history.queries.days(99, 3),
        history.queries.detail(99),
        history.queries.response_times(99, ResponseRange.DAY),
    ):
        with pytest.raises(NotFound):
            await ask


async def test_uptime_bars_have_the_oldest_day_first_and_today_last(history: History):
    number = await history.add()
    start = datetime(2026, 3, 1, tzinfo=UTC)
    await history.insert(number, some_checks(start, start + timedelta(days=3), HOUR_MS))
    history.clock.set(start + timedelta(days=3, hours=1))
    await history.packer.run()
    monitor = history.monitors.find(number)
    assert monitor is not None
    for code in (GOOD, BAD):
        monitor.count(Check(to_ms(history.clock.now()), code, Phases(1000)), history.clock.now().date())
    bars = await history.queries.bars(5)
    (item,) = bars.items
    exact = exact_days(history.kept[number], date(2026, 3, 3), 3)
    assert item.days == [None, *(percent for _, percent, _ in reversed(exact)), 50.0]
    assert bars.to == "2026-03-04"
