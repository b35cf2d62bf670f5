"""The unit of work on both databases: grouped, apart, durable, told only after the commit."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text

from tocsin.core.clock import SystemClock, from_ms, wire
from tocsin.core.errors import NotFound, StorageUnavailable
from tocsin.core.events import Event, Frame
from tocsin.db import tables
from tocsin.db.database import Database
from tocsin.db.retention import Retention, Rule, sweep_journal
from tocsin.db.tx import Actor, Reaction, Read, Tx, journal_after, journal_bounds

Open = Callable[..., AbstractAsyncContextManager[Database]]

NOW = wire(from_ms(1_700_000_000_000))


class Rang(Event, frozen=True, kw_only=True, tag="test.rang"):
    bell: str


class Echoed(Event, frozen=True, kw_only=True, tag="test.echoed"):
    bell: str


def ring(bell: str) -> Any:
    return lambda tx: tx.emit(Rang(bell=bell, timestamp=NOW))


def count_events(read: Read) -> int:
    return int(read.execute(select(func.count()).select_from(tables.events)).scalar_one())


async def test_a_fact_is_published_after_its_commit_with_its_number(db: Database, published: list[Frame]):
    number = await db.write(ring("a"))

    assert [(frame.id, frame.type) for frame in published] == [(number, "test.rang")]
    assert b'"type":"test.rang"' in published[0].data
    assert await db.read(lambda read: journal_after(read, 0, 10)) == published


async def test_a_unit_that_raises_changes_nothing_and_spares_its_neighbours(db: Database, published: list[Frame]):
    def fail(tx: Tx) -> None:
        tx.emit(Rang(bell="lost", timestamp=NOW))
        raise NotFound("no such bell")

    writes = [db.write(ring(str(n))) for n in range(20)]
    writes.insert(10, db.write(fail))
    results = await asyncio.gather(*writes, return_exceptions=True)

    assert isinstance(results[10], NotFound)
    assert sum(isinstance(result, int) for result in results) == 20
    assert await db.read(count_events) == 20
    assert len(published) == 20
    assert [frame.id for frame in published] == sorted(frame.id for frame in published if frame.id)


async def test_a_bug_in_one_unit_is_raised_to_its_caller_only(db: Database):
    def broken(tx: Tx) -> None:
        tx.execute(text("SELECT no_such_column FROM events"))

    results = await asyncio.gather(db.write(ring("a")), db.write(broken), db.write(ring("b")), return_exceptions=True)

    assert [isinstance(result, int) for result in results] == [True, False, True]
    assert await db.read(count_events) == 2


async def test_versions_move_with_commits_that_touch(db: Database):
    before = db.version("bells")
    await db.write(lambda tx: tx.touch("bells"))
    assert db.version("bells") == before + 1

    def undone(tx: Tx) -> None:
        tx.touch("bells")
        raise NotFound("never mind")

    with pytest.raises(NotFound):
        await db.write(undone)
    assert db.version("bells") == before + 1


async def test_a_caller_that_goes_away_does_not_undo_its_write(db: Database):
    task = asyncio.create_task(db.write(ring("kept")))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    await db.write(ring("next"))
    assert await db.read(count_events) == 2


async def test_numbers_are_never_used_twice(open_db: Open):
    async with open_db() as db:
        last = [await db.write(ring("x")) for _ in range(3)][-1]
        await db.write(lambda tx: tx.execute(tables.events.delete()).rowcount)
    async with open_db() as db:
        assert await db.write(ring("y")) > last


async def test_readers_see_one_snapshot_and_do_not_wait(db: Database):
    await db.write(ring("a"))

    def slow_look(read: Read) -> tuple[int, int]:
        first = count_events(read)
        asyncio.run_coroutine_threadsafe(db.write(ring("b")), loop).result(5)
        return first, count_events(read)

    loop = asyncio.get_running_loop()
    assert await db.read(slow_look) == (1, 1)
    assert await db.read(count_events) == 2


async def test_many_writers_and_readers_at_once(db: Database):
    async def one(number: int) -> None:
        await db.write(ring(str(number)))
        await db.read(journal_bounds)

    await asyncio.gather(*(one(number) for number in range(300)))
    assert await db.read(count_events) == 300


async def test_a_connection_that_was_cut_is_replaced(db: Database, url: str):
    if url.startswith("sqlite"):
        pytest.skip("SQLite has no connection to cut")

    def cut(tx: Tx) -> None:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        tx.execute(text(others + " AND datname = current_database()"))

    await db.read(count_events)
    await db.write(cut)
    with pytest.raises(StorageUnavailable):
        await db.write(lambda tx: tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())")).all())
    await db.write(ring("again"))
    results = await asyncio.gather(*(db.read(count_events) for _ in range(8)), return_exceptions=True)
    assert all(r == 1 or isinstance(r, StorageUnavailable) for r in results)
    assert await db.read(count_events) == 1


# --- reactions -------------------------------------------------------------------------------------------------------


def echo(tx: Tx, fact: Rang) -> None:
    tx.emit(Echoed(bell=fact.bell, timestamp=NOW))


def reaction(name: str, react: Any, rederive: Any = lambda tx, entity: None, events: Any = (Rang,)) -> Reaction:
    return Reaction(name, events, react, rederive, lambda fact: fact.bell)


async def test_a_reaction_commits_with_its_fact(open_db: Open, published: list[Frame]):
    async with open_db(reaction("echo", echo)) as db:
        await db.write(ring("a"))
    assert [frame.type for frame in published] == ["test.rang", "test.echoed"]


async def test_a_reaction_that_raises_loses_only_its_own_work(open_db: Open, published: list[Frame]):
    def broken(tx: Tx, fact: Rang) -> None:
        tx.emit(Echoed(bell="never", timestamp=NOW))
        raise ValueError("a bug")

    async with open_db(reaction("broken", broken), reaction("echo", echo)) as db:
        await db.write(ring("a"))
        assert [frame.type for frame in published] == ["test.rang", "self_health.reaction_failed", "test.echoed"]
        assert db.failed_reactions() == 1

        await db.write(ring("a"))  # the same entity: it waits for its retry and is not tried out of order
        await db.write(ring("b"))  # another one fails by itself
        assert db.failed_reactions() == 2


async def test_a_failed_reaction_is_settled_from_the_current_state_also_after_a_restart(open_db: Open):
    settled: list[str] = []

    def broken(tx: Tx, fact: Rang) -> None:
        raise ValueError("a bug")

    async with open_db(reaction("broken", broken)) as db:
        await db.write(ring("a"))

    async with open_db(reaction("broken", echo, lambda tx, entity: settled.append(entity))) as db:
        assert db.failed_reactions() == 1
        await db.write(lambda tx: tx.execute(tables.failed_reactions.update().values(next_attempt_at_ms=0)).rowcount)
        await db.write(Tx.retry_reactions)
        assert settled == ["a"]
        assert db.failed_reactions() == 0
        before = await db.read(count_events)
        await db.write(ring("a"))
        assert await db.read(count_events) == before + 2  # the fact and its echo: it reacts again


async def test_a_retry_that_fails_waits_longer_each_time(open_db: Open):
    def broken(tx: Tx, _: Any) -> None:
        raise ValueError("a bug")

    async with open_db(reaction("broken", broken, broken)) as db:
        await db.write(ring("a"))
        await db.write(lambda tx: tx.execute(tables.failed_reactions.update().values(next_attempt_at_ms=0)).rowcount)
        assert await db.write(Tx.retry_reactions) == 1
        row = await db.read(lambda read: read.execute(select(tables.failed_reactions)).one())
        assert row.attempts == 2
        assert row.next_attempt_at_ms > row.failed_at_ms + 5000


async def test_reactions_to_reactions_end_at_a_depth(open_db: Open, published: list[Frame]):
    def again(tx: Tx, fact: Rang) -> None:
        tx.emit(Rang(bell=fact.bell + "x", timestamp=NOW))

    async with open_db(reaction("endless", again)) as db:
        await db.write(ring("a"))
    assert [frame.type for frame in published].count("test.rang") == 6
    assert [frame.type for frame in published].count("self_health.reaction_failed") == 1


# --- retention -------------------------------------------------------------------------------------------------------


async def test_retention_deletes_in_batches_and_keeps_the_newest_event(db: Database):
    rows = [{"type": "test.rang", "at_ms": 1000, "data": "{}"} for _ in range(2500)]
    await db.write(lambda tx: tx.execute(insert(tables.events), rows).rowcount)

    deleted = await Retention(db, SystemClock(), [Rule("events", timedelta(days=7), sweep_journal)]).sweep()

    assert deleted == {"events": 2499}
    oldest, newest = await db.read(journal_bounds)
    assert oldest == newest == 2500


async def test_the_audit_keeps_who_did_what(db: Database):
    ada = Actor("user:ada", "127.0.0.1")
    await db.write(lambda tx: tx.audit(ada, "container.delete", "container:1", {"name": "web"}))
    row = await db.read(lambda read: read.execute(select(tables.audit)).one())
    assert (row.actor, row.action, row.entity, row.change) == (
        "user:ada",
        "container.delete",
        "container:1",
        '{"name":"web"}',
    )
