"""An engine that is cut, slow or lying blocks nothing else, and is asked for nothing but to read."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Start
from support.engine import Engine
from support.program import Program, until
from support.proxy import EngineProxy


@pytest.fixture
async def proxy(engine: Engine, tmp_path: Path) -> AsyncIterator[EngineProxy]:
    found = EngineProxy(tmp_path / "proxy.sock", engine.socket)
    await found.start()
    yield found
    await found.stop()


def watching(start: Start, proxy: EngineProxy) -> Any:
    return start(TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST=proxy.url, TOCSIN_RECONCILE_INTERVAL="1s")


async def has(program: Program, name: str, state: str, timeout_s: float = 20) -> dict[str, Any]:
    found = await until(program.client.containers, lambda c: name in c and c[name]["state"] == state, timeout_s)
    return dict(found[name])


def ended_twice(containers: dict[str, Any]) -> bool:
    subject = containers.get("subject", {"state": None})
    return subject["state"] == "exited" and subject["restart_count"] == 1


async def engine_error(program: Program) -> str | None:
    status = (await program.client.get("/api/v1/runtime/status")).json
    error: str | None = status["hosts"][0]["error"]
    return error


async def test_the_engine_is_only_ever_read(engine: Engine, proxy: EngineProxy, start: Start):
    """Everything Tocsin can do to a container, from its discovery to its deletion, over a line that is listened to."""
    async with watching(start, proxy) as program:
        await until(lambda: engine_error(program), lambda e: e is None and program.tocsin.watches[0].status.connected)
        engine.run("subject", "--restart", "on-failure:1", command=("sh", "-c", "echo hello; sleep 1; exit 1"))
        engine.run("web", image="web:1.0")
        found = (await until(program.client.containers, ended_twice))["subject"]
        path = f"/api/v1/containers/{found['id']}"
        for what in ("", "/logs", "/transitions", "/endpoints"):
            assert (await program.client.get(path + what)).status == 200
        async with program.client.stream(path + "/logs/stream") as events:
            assert (await anext(events)).data["line"] == "hello"
        assert (await program.client.delete(path)).status == 204
        proxy.cut()
        await has(program, "web", "running")
        await asyncio.sleep(2)
    assert len(proxy.asked) > 15
    assert {method for method, _ in proxy.asked} <= {"GET", "HEAD"}
    kinds = {path.partition("?")[0].rpartition("/")[2] for _, path in proxy.asked}
    assert kinds <= {"version", "info", "events", "json", "logs"}


async def test_a_link_that_is_cut_again_and_again_loses_nothing(engine: Engine, proxy: EngineProxy, start: Start):
    async with watching(start, proxy) as program:
        engine.run("steady", command=("sh", "-c", "while :; do sleep 0.1; done"))
        found = await has(program, "steady", "running")
        for _ in range(3):
            proxy.cut()
            engine.docker("pause", "steady")
            await asyncio.sleep(0.3)
            engine.docker("unpause", "steady")
            await asyncio.sleep(1.2)
        await until(lambda: program.client.transitions(found["id"]), lambda t: len(t) == 7)
        await has(program, "steady", "running")
        changes = await program.client.transitions(found["id"])
        assert [c["new_state"] for c in changes][1:] == ["paused", "running"] * 3
        assert not any(c["reconciled"] for c in changes[1:])  # the engine remembered all of it


async def test_a_silent_engine_blocks_nothing_else(engine: Engine, proxy: EngineProxy, start: Start, monkeypatch):
    monkeypatch.setattr("tocsin.runtimes.docker.client.CALL_TIMEOUT_S", 1.0)
    engine.run("known", command=("sleep", "1000"))
    async with watching(start, proxy) as program:
        found = await has(program, "known", "running")
        proxy.silent = True
        proxy.cut()
        error = await until(lambda: engine_error(program), lambda e: e is not None)
        assert error
        started = asyncio.get_running_loop().time()
        assert (await program.client.get("/api/v1/containers")).status == 200
        assert (await program.client.get("/api/v1/health")).json["runtime"] == "disconnected"
        assert asyncio.get_running_loop().time() - started < 0.5
        logs = await program.client.get(f"/api/v1/containers/{found['id']}/logs")
        assert (logs.status, logs.code) == (502, "runtime_unavailable")
        proxy.silent = False
        proxy.cut()
        await until(lambda: engine_error(program), lambda e: e is None, 40)


LIES = {
    "no JSON": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "another shape": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1, 2, 3]",
    "an error": b'HTTP/1.1 500 Oh\r\nContent-Length: 23\r\n\r\n{"message": "no space"}',
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "half an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lying_engine_is_reported_in_a_sentence(engine: Engine, proxy: EngineProxy, start: Start, lie: str):
    proxy.answer = LIES[lie]
    async with watching(start, proxy) as program:
        error = await until(lambda: engine_error(program), lambda e: e is not None)
        assert error
        assert "Traceback" not in error
        assert (await program.client.get("/api/v1/containers")).json["groups"] == []
        proxy.answer = None
        engine.run("real", command=("sleep", "1000"))
        await has(program, "real", "running", 40)


async def test_the_whole_program_on_postgresql(engine: Engine, postgres, start: Start):
    url = postgres.new_database()
    options = {"TOCSIN_RUNTIME": "docker", "TOCSIN_DOCKER_HOST": engine.url, "TOCSIN_DATABASE_URL": url}
    async with start(**options) as program:
        await until(lambda: engine_error(program), lambda e: program.tocsin.watches[0].status.connected)
        engine.run("crash", "--restart", "on-failure:3", command=("sh", "-c", "echo boom; exit 7"))
        found = await until(
            program.client.containers,
            lambda c: "crash" in c and (c["crash"]["state"], c["crash"]["restart_count"]) == ("exited", 3),
        )
        detail = (await program.client.get(f"/api/v1/containers/{found['crash']['id']}")).json
        assert detail["uptime"]["24h"] is not None
        bars = (await program.client.get("/api/v1/dashboard/uptime")).json
        assert [item["id"] for item in bars["items"]] == [detail["id"]]
        assert (await program.client.get("/api/v1/events")).json["total"] >= 2
        before = len(await program.client.transitions(detail["id"]))
    async with start(**options) as program:
        await until(lambda: engine_error(program), lambda e: program.tocsin.watches[0].status.connected)
        assert len(await program.client.transitions(detail["id"])) == before
