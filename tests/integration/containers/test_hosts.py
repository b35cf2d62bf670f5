"""Several hosts: one that is lost is told of once, says nothing false, and comes back."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

from conftest import Start
from support.engine import Engine
from support.program import Program, until
from support.proxy import EngineProxy

BOTH = "near={near},far={far}"


async def _connected(program: Program, name: str) -> dict[str, object]:
    async def look() -> dict[str, object]:
        hosts = (await program.client.get("/api/v1/runtime/status")).json["hosts"]
        return {host["name"]: host for host in hosts}

    return (await until(look, lambda hosts: hosts[name]["connected"]))[name]  # type: ignore[index]


async def test_a_host_that_is_lost_rings_once_and_recovers_once(engine: Engine, start: Start, tmp_path: Path):
    proxy = EngineProxy(tmp_path / "far.sock", engine.socket)
    await proxy.start()
    try:
        engine.run("here", command=("sleep", "1000"))
        where = BOTH.format(near=engine.url, far=proxy.url)
        async with start(
            TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST=where, TOCSIN_HOST_UNREACHABLE_AFTER="1s"
        ) as program:
            for name in ("near", "far"):
                await _connected(program, name)
            groups = (await program.client.get("/api/v1/containers")).json["groups"]
            assert sorted(found["host"] for group in groups for found in group["containers"]) == ["far", "near"]
            assert set(await program.client.containers("?host=far")) == {"here"}
            assert (await program.client.get("/api/v1/containers?host=none")).json["total"] == 0

            await proxy.stop()
            await until(lambda: _told(program, "host.unreachable"), lambda told: len(told) == 1)
            far = (await program.client.containers("?host=far"))["here"]
            near = (await program.client.containers("?host=near"))["here"]
            assert (far["state"], far["stale_since"] is None) == ("running", False)
            assert (near["state"], near["stale_since"]) == ("running", None)
            await asyncio.sleep(2.5)

            await proxy.start()
            await until(lambda: _told(program, "host.recovered"), lambda told: len(told) == 1)
            assert (await program.client.containers("?host=far"))["here"]["stale_since"] is None
            (lost,), (found,) = program.seen("host.unreachable"), program.seen("host.recovered")
            assert (lost["host"], bool(lost["error"])) == ("far", True)
            assert (found["host"], found["reason"], found["down_seconds"] >= 2) == ("far", "connected", True)
            assert program.seen("container.state_changed") == []
    finally:
        await proxy.stop()


async def _told(program: Program, what: str) -> list[object]:
    return program.seen(what)


async def test_a_short_loss_rings_not_at_all(start: Start):
    async with start() as program:
        hosts = program.tocsin.hosts
        await hosts.changed("far", connected=True, error=None)
        await hosts.changed("far", connected=False, error="gone")
        assert await hosts.announce() == 0
        await hosts.changed("far", connected=True, error=None)
        assert program.seen("host.unreachable") == program.seen("host.recovered") == []


async def test_no_engine_where_none_was_ever_asked_for_is_no_alarm(start: Start):
    async with start() as program:
        hosts = program.tocsin.hosts
        hosts._unreachable_after = timedelta(0)
        await hosts.changed("local", connected=False, error="The Docker socket does not exist")
        assert await hosts.announce() == 0
        await hosts.changed("local", connected=True, error=None)
        await hosts.changed("local", connected=False, error="gone")
        assert await hosts.announce() == 1
        assert await hosts.announce() == 0


async def test_a_restart_neither_rings_again_nor_forgets(start: Start):
    async with start() as program:
        program.tocsin.hosts._unreachable_after = timedelta(0)
        for name in ("told", "untold"):
            await program.tocsin.hosts.changed(name, connected=True, error=None)
        await program.tocsin.hosts.changed("told", connected=False, error="gone")
        assert await program.tocsin.hosts.announce() == 1
        await program.tocsin.hosts.changed("untold", connected=False, error="gone")
    async with start() as program:
        hosts = program.tocsin.hosts
        hosts._unreachable_after = timedelta(0)
        await hosts.begin({"told", "untold"})
        assert await hosts.announce() == 0  # one was told, of the other this process knows nothing yet
        await hosts.changed("told", connected=True, error=None)
        assert len(program.seen("host.recovered", host="told")) == 1


async def test_containers_of_a_host_that_left_the_settings_are_archived(engine: Engine, start: Start):
    engine.run("here", command=("sleep", "1000"))
    fast = {"TOCSIN_RUNTIME": "docker", "TOCSIN_ARCHIVE_AFTER": "0s"}
    async with start(**fast, TOCSIN_DOCKER_HOST=f"old={engine.url}") as program:
        await until(program.client.containers, lambda found: "here" in found)
    async with start(**fast, TOCSIN_DOCKER_HOST=f"new={engine.url}") as program:
        await until(lambda: program.client.containers("?host=new"), lambda found: "here" in found)
        await until(lambda: program.client.containers("?host=old"), lambda found: not found, 15)
        archived = await program.client.containers("?host=old&archived=true")
        assert archived["here"]["archived"] is True
    async with start(**fast, TOCSIN_DOCKER_HOST=f"old={engine.url}") as program:
        back = await until(lambda: program.client.containers("?host=old"), lambda found: "here" in found)
        assert (back["here"]["archived"], back["here"]["id"]) == (False, archived["here"]["id"])


DOCUMENTED = re.compile(r"/(_ping|version|info|events|containers/json|containers/[^/]+/(json|logs))")


async def test_a_socket_proxy_that_allows_what_the_docs_list_is_enough(engine: Engine, start: Start, tmp_path: Path):
    proxy = EngineProxy(tmp_path / "proxy.sock", engine.socket)
    proxy.allowed = DOCUMENTED
    await proxy.start()
    try:
        async with start(TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST=proxy.url) as program:
            await _connected(program, "local")
            engine.run("seen", command=("sh", "-c", "echo words; sleep 1; exit 3"))
            found = await until(program.client.containers, lambda found: found.get("seen", {}).get("state") == "exited")
            logs = await program.client.get(f"/api/v1/containers/{found['seen']['id']}/logs")
            assert logs.json["lines"] == ["words"]
            (end,) = [t for t in await program.client.transitions(found["seen"]["id"]) if t["new_state"] == "exited"]
            assert end["log_snippet"] == "words"
    finally:
        await proxy.stop()
    assert proxy.refused == []
    assert {method for method, _ in proxy.asked} == {"GET"}
