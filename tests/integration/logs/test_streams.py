"""Streams of several containers, streams that are filtered, and containers that never stop talking."""

import asyncio
import resource
import time
from datetime import timedelta
from typing import Any

import pytest

from conftest import Start
from integration.logs.conftest import collect, known
from support.engine import Engine
from support.flavours import on_every_engine
from support.program import Program, until

pytestmark = on_every_engine
GROUP = ("--label", "tocsin.group=shop")
COUNT = "n=0; while :; do echo {name} $n; n=$((n+1)); sleep 0.05; done"


async def test_a_group_is_read_together_in_order_of_time_and_resumes(engine: Engine, watching: Program):
    for name in ("one", "two"):
        engine.run(name, *GROUP, command=("sh", "-c", COUNT.format(name=name)))
    ids = {await known(watching, name): name for name in ("one", "two")}
    await asyncio.sleep(0.5)
    seen: dict[str, list[str]] = {"one": [], "two": []}
    path, last_id, backlog = "/api/v1/containers/logs/stream?group=shop&lines=10", "", []

    for part in range(3):
        headers = {"Last-Event-ID": last_id} if last_id else {}
        async with watching.client.stream(path, **headers) as events, asyncio.timeout(20):
            wanted = 40 * (part + 1)
            async for event in events:
                if event.type is None:
                    last_id = str(event.id)
                    if sum(map(len, seen.values())) >= wanted:
                        break  # at a checkpoint: what a browser has taken in when its connection breaks
                else:
                    seen[ids[event.data["container_id"]]].append(event.data["line"])
                    backlog.append(event.data["timestamp"])

    for name, lines in seen.items():
        once = lines if engine.traits.stamps_nanoseconds else list(dict.fromkeys(lines))
        first = int(lines[0].split()[1])
        assert once == [f"{name} {n}" for n in range(first, first + len(once))], "nothing twice, nothing lost"
    assert backlog[:10] == sorted(backlog[:10])


async def test_a_stream_holds_only_what_is_asked_for(engine: Engine, watching: Program):
    script = "while :; do echo INFO a; echo ERROR b >&2; echo '  at c' >&2; sleep 0.1; done"
    engine.run("mixed", command=("sh", "-c", script))
    number = await known(watching, "mixed")
    path = f"/api/v1/containers/{number}/logs/stream"
    async with watching.client.stream(f"{path}?level=error&lines=3") as events:
        found = await collect(events, 8)
    assert {(e.data["line"], e.data["level"]) for e in found} == {("ERROR b", "error"), ("  at c", "error")}
    assert all(event.data["continues"] == (event.data["line"] == "  at c") for event in found[1:])
    for query in ("regex=(", "level=loud", "stream=x", "lines=0", "last_event_id=junk"):
        assert (await watching.client.get(f"{path}?{query}")).status == 400
    assert (await watching.client.get("/api/v1/containers/logs/stream?group=none")).status == 404
    assert (await watching.client.get(f"/api/v1/containers/logs/stream?ids={number},9999")).status == 404
    assert (await watching.client.get("/api/v1/containers/logs/stream")).status == 400


async def test_each_container_of_several_ends_by_itself(engine: Engine, watching: Program):
    engine.run("short", *GROUP, command=("sh", "-c", "echo a; sleep 1.5; echo z"))
    engine.run("long", *GROUP, command=("sh", "-c", "echo b; sleep 3"))
    numbers = [await known(watching, name) for name in ("short", "long")]
    query = ",".join(map(str, numbers))
    async with watching.client.stream(f"/api/v1/containers/logs/stream?ids={query}") as events:
        found = [event async for event in events if event.type is not None]
    ends = [event.data["container_id"] for event in found if event.type == "container.log_error"]
    assert ends == numbers
    assert {event.data["line"] for event in found if event.type == "container.log_line"} == {"a", "b", "z"}


BOMB = "yes 'a line of a log bomb that goes on and on without any sense, about one hundred bytes of it in each line'"


async def test_a_log_bomb_harms_nobody(engine: Engine, watching: Program, monkeypatch: pytest.MonkeyPatch):
    """As fast as the engine takes it: what is shown stays recent, memory bounded, and others get their answers."""
    monkeypatch.setattr("tocsin.logs.follow.FURTHEST_BEHIND", timedelta(seconds=1.5))
    engine.run("bomb", "--log-opt", "max-size=20m", "--log-opt", "max-file=2", command=("sh", "-c", BOMB))
    number = await known(watching, "bomb")
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    waits: list[float] = []
    skipped: list[Any] = []
    lines = 0

    async def others() -> None:
        while True:
            asked = time.monotonic()
            assert (await watching.client.get("/api/v1/containers")).status == 200
            waits.append(time.monotonic() - asked)
            await asyncio.sleep(0.05)

    asking = asyncio.create_task(others())
    try:
        async with watching.client.stream(f"/api/v1/containers/{number}/logs/stream") as events:
            async with asyncio.timeout(60):
                async for event in events:
                    lines += event.type == "container.log_line"
                    if event.type == "container.log_skipped":
                        skipped.append(event.data)
                    if len(skipped) == 2:
                        break
    finally:
        asking.cancel()
        engine.docker("kill", "bomb")

    assert lines > 1000
    assert all(skip["from"] < skip["to"] and skip["reason"] == "too_fast" for skip in skipped)
    assert len(waits) > 5
    grown_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before_mb
    assert grown_mb < 60, f"{grown_mb:.0f} MB more"


async def test_streams_are_counted_and_let_go(engine: Engine, watching: Program):
    engine.run("quiet", command=("sleep", "1000"))
    number = await known(watching, "quiet")
    path = f"/api/v1/containers/{number}/logs/stream"
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(20):
        opened = asyncio.Event()

        async def hold() -> None:
            async with watching.client.stream(path):
                await opened.wait()

        for _ in range(5):
            tasks.create_task(hold())
        while watching.tocsin.log_stream._caps.count < 5:
            await asyncio.sleep(0.05)
        refused = await watching.client.get(path)
        assert (refused.status, refused.code) == (429, "too_many_streams")
        opened.set()
    async with asyncio.timeout(10):
        while watching.tocsin.log_stream._caps.count:
            await asyncio.sleep(0.05)
    assert watching.tocsin.log_stream._pace.followers == 0


async def test_a_burst_of_ten_thousand_lines_comes_whole(engine: Engine, watching: Program):
    script = "while [ ! -e /tmp/go ]; do sleep 0.05; done; seq 1 10000; sleep 1000"
    engine.run("burst", command=("sh", "-c", script))
    number = await known(watching, "burst")
    async with watching.client.stream(f"/api/v1/containers/{number}/logs/stream") as events:
        engine.docker("exec", "burst", "touch", "/tmp/go")
        found = await collect(events, 10_000, 60)
    assert [event.data["line"] for event in found] == [str(n) for n in range(1, 10_001)]


async def test_two_hundred_listeners_and_one_that_sleeps(engine: Engine, start: Start):
    """Everybody hears everything, and who does not read holds up nobody."""
    many = {"TOCSIN_SSE_MAX_PER_ADDRESS": "1000", "TOCSIN_RUNTIME": "docker", "TOCSIN_DOCKER_HOST": engine.url}
    async with start(**many) as program:
        await until(lambda: program.client.get("/api/v1/runtime/status"), lambda status: status.json["connected"])
        port = int(program.client.base.rpartition(":")[2])
        _, sleeper = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        sleeper.write(
            b"GET /api/v1/containers/events HTTP/1.1\r\nHost: localhost\r\n"
            b"Authorization: Bearer a-token-for-the-tests-only\r\n\r\n"
        )
        heard: list[int] = []
        ready = asyncio.Semaphore(0)

        async def listen() -> None:
            async with program.client.stream("/api/v1/containers/events?types=container.state_changed") as events:
                ready.release()
                heard.append(len(await collect(events, 20, 60)))

        async with asyncio.TaskGroup() as tasks:
            for _ in range(200):
                tasks.create_task(listen())
            for _ in range(200):
                await ready.acquire()
            for number in range(10):  # a start and an end each
                engine.run(f"quick-{number}", command=("true",))
            asked = time.monotonic()
            assert (await program.client.get("/api/v1/containers")).status == 200
            assert time.monotonic() - asked < 5
        assert heard == [20] * 200
        sleeper.close()
        await sleeper.wait_closed()
