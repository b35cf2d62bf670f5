"""The live stream: ids, replay without a gap or a double, filters, back-pressure, limits, an orderly end."""

import asyncio
import json
from typing import Any

import pytest

from conftest import Start
from support.program import TOKEN, Program, Seen
from tocsin.containers.models import RuntimeStatusChanged
from tocsin.core.events import volatile
from tocsin.db import tables
from tocsin.db.tx import journal_bounds

PATH = "/api/v1/containers/events"


def status(name: str) -> RuntimeStatusChanged:
    return RuntimeStatusChanged(
        connected=True, name=name, label="Containers", error=None, timestamp="2026-01-01T00:00:00.000Z"
    )


async def tell(program: Program, *names: str) -> int:
    """Journal one event for each name, in one commit, and return the last number."""
    return await program.tocsin.db.write(lambda tx: [tx.emit(status(name)) for name in names][-1])


async def collect(events: Any, until_name: str, timeout_s: float = 10) -> list[Seen]:
    found: list[Seen] = []
    async with asyncio.timeout(timeout_s):
        async for event in events:
            found.append(event)
            if event.data and event.data.get("name") == until_name:
                break
    return found


async def test_events_come_numbered_and_say_their_type_twice(program: Program):
    async with program.client.stream(PATH) as events:
        number = await tell(program, "a")
        seen = (await collect(events, "a"))[0]
    assert (seen.id, seen.type, seen.data["type"]) == (number, "runtime.status", "runtime.status")


async def test_the_first_bytes_come_at_once(program: Program):
    session = program.client._session
    async with session.get(program.client.base + PATH, headers={"Authorization": f"Bearer {TOKEN}"}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        first = await asyncio.wait_for(response.content.readany(), 2)
    assert first.startswith(b": ")
    assert b"retry: 3000" in first


async def test_a_client_that_comes_back_misses_nothing_and_sees_nothing_twice(program: Program):
    """Events go on all the time, while the client leaves and comes back with its last id."""
    done = asyncio.Event()

    async def storm() -> None:
        for number in range(300):
            await tell(program, f"n{number}", f"m{number}")
            await asyncio.sleep(0.002)
        done.set()

    first = await tell(program, "start")
    storming = asyncio.create_task(storm())
    seen: list[int] = []
    last = first
    while not (done.is_set() and last >= await tell_nothing(program)):
        async with program.client.stream(PATH, **{"Last-Event-ID": str(last)}) as events:
            try:
                async with asyncio.timeout(0.15):
                    async for event in events:
                        seen.append(event.id)
                        last = event.id
            except TimeoutError:
                pass
    await storming
    assert seen == list(range(first + 1, first + 601))


async def tell_nothing(program: Program) -> int:

    return (await program.tocsin.db.read(journal_bounds))[1]


async def test_a_filter_leaves_checkpoints(program: Program):
    async with program.client.stream(PATH + "?types=container.*") as events:
        number = await tell(program, "a")
        async with asyncio.timeout(5):
            seen = await anext(events)
    assert (seen.id, seen.type, seen.data) == (number, None, None)


@pytest.mark.parametrize("types", ["runtime.status", "runtime.*", "*", "container.*,runtime.status"])
async def test_a_filter_lets_through_what_it_names(program: Program, types: str):
    async with program.client.stream(f"{PATH}?types={types}") as events:
        await tell(program, "a")
        assert (await collect(events, "a"))[-1].type == "runtime.status"


async def test_a_gap_or_a_number_from_the_future_asks_for_a_sync(program: Program):
    last = await tell(program, *[f"n{n}" for n in range(20)])
    await program.tocsin.db.write(
        lambda tx: tx.execute(tables.events.delete().where(tables.events.c.id < last)).rowcount
    )
    for claimed in (3, last + 100):
        async with program.client.stream(f"{PATH}?last_event_id={claimed}") as events:
            async with asyncio.timeout(5):
                assert (await anext(events)).type == "sync.required"
            await tell(program, "after")
            assert (await collect(events, "after"))[-1].type == "runtime.status"


async def test_volatile_events_have_no_number(program: Program):
    async with program.client.stream(PATH) as events:
        program.tocsin.hub.publish([volatile(status("passing"))])
        seen = (await collect(events, "passing"))[-1]
    assert seen.id is None


async def test_a_client_that_does_not_read_is_let_go_and_can_come_back(start: Start, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tocsin.http.streams.WRITE_DEADLINE_S", 0.5)
    monkeypatch.setattr("tocsin.http.live.SWEEP_EVERY_S", 0.1)
    async with start() as program:
        port = int(program.client.base.rpartition(":")[2])
        _reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        head = f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        writer.write(head.encode())
        await writer.drain()
        await asyncio.sleep(0.2)
        assert len(program.tocsin.hub) == 1
        big = "x" * 100_000
        async with program.client.stream(PATH) as events:
            for number in range(120):
                await tell(program, f"{number}{big}")
                await asyncio.wait_for(anext(events), 5)  # the one that reads is not held up
            await asyncio.sleep(1)
            assert len(program.tocsin.hub) == 1
        writer.close()


async def test_streams_are_capped_for_each_address_and_in_all(start: Start):
    async with (
        start(TOCSIN_SSE_MAX_PER_ADDRESS="2") as program,
        program.client.stream(PATH),
        program.client.stream(PATH),
    ):
        answer = await program.client.get(PATH)
        assert (answer.status, answer.code) == (429, "too_many_streams")
        assert answer.headers["retry-after"]
        assert (await program.client.request("HEAD", PATH)).status == 200


async def test_a_stop_ends_the_streams_first(start: Start):
    async with start() as program:
        stream = program.client.stream(PATH)
        events = await stream.__aenter__()
        started = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - started < 3
    assert events is not None


async def test_the_feed_lists_what_was_streamed(program: Program):
    last = await tell(program, "a", "b", "c")
    page = (await program.client.get("/api/v1/events?limit=2")).json
    assert [event["id"] for event in page["events"]] == [last, last - 1]
    assert page["events"][0]["data"]["name"] == "c"
    assert (page["total"], page["has_more"]) == (3, True)
    assert (await program.client.get("/api/v1/events?types=container.*")).json["events"] == []
    assert json.dumps(page)
