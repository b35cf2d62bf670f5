"""What is changed, paused or deleted while it is being checked: what that check finds counts no more."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from conftest import Start
from support.behaviours import answer, late, redirect, silent
from support.program import Program, until
from support.targets import Target, refusing_port, serve


@dataclass
class Watched:
    program: Program
    target: Target
    id: int

    async def get(self) -> dict[str, Any]:
        return (await self.program.client.get(f"/api/v1/endpoints/{self.id}")).json["endpoint"]

    async def asked(self, times: int) -> None:
        async def look() -> int:
            return len(self.target.requests)

        await until(look, lambda count: count >= times)

    def statuses(self) -> list[str]:
        return [one["new_status"] for one in self.program.seen("endpoint.status_changed")]


@pytest.fixture
async def program(start: Start) -> AsyncIterator[Program]:
    async with start(TOCSIN_EGRESS_ALLOW="127.0.0.0/8") as found:
        yield found


async def add(program: Program, target: Target, path: str = "/", **options: Any) -> Watched:
    body = {"name": "page", "endpoint_type": "http", "target": target.base + path, "interval": "5s", "timeout": "5s"}
    made = await program.client.post("/api/v1/endpoints", {**body, "failure_threshold": 1, **options})
    assert made.status == 201, made.body
    return Watched(program, target, made.json["endpoint"]["id"])


async def test_a_result_for_the_old_target_is_not_taken_for_the_new_one(program: Program):
    async with serve(late(1, answer(b"?", 503))) as old, serve(answer()) as new:
        watched = await add(program, old)
        await watched.asked(1)
        await program.client.request("PUT", f"/api/v1/endpoints/{watched.id}", json_body={"target": new.base})
        await until(watched.get, lambda found: found["status"] == "up")
        await asyncio.sleep(2.5)  # the old check, and its second look, are over
        assert watched.statuses() == ["up"]
        assert program.seen("alert.fired") == []


@pytest.mark.parametrize("how", ["pause", "delete"])
async def test_who_is_paused_or_deleted_meanwhile_does_not_ring(program: Program, how: str):
    async with serve(late(1, answer(b"?", 503))) as target:
        watched = await add(program, target)
        await watched.asked(1)
        if how == "pause":
            await program.client.post(f"/api/v1/endpoints/{watched.id}/pause")
        else:
            await program.client.delete(f"/api/v1/endpoints/{watched.id}")
        await asyncio.sleep(3)
        assert watched.statuses() == []
        assert program.seen("alert.fired") == []
        assert len(target.requests) <= 2


async def test_a_failure_is_looked_at_twice_before_it_counts(program: Program):
    async with serve(answer()) as target:
        watched = await add(program, target)
        await until(watched.get, lambda found: found["status"] == "up")
        scripts = [answer(b"?", 503), answer()]

        async def once_broken(connection: Any) -> None:
            await (scripts.pop(0) if len(scripts) > 1 else scripts[0])(connection)

        target.script = once_broken
        done = await program.client.post(f"/api/v1/endpoints/{watched.id}/check")
        assert done.json["success"] is True
        assert watched.statuses() == ["up"]


async def test_the_program_stops_in_time_while_probes_are_on_their_way(start: Start):
    async with serve(silent()) as target:
        async with start(TOCSIN_EGRESS_ALLOW="127.0.0.0/8") as program:
            for _ in range(20):
                await add(program, target, timeout="5s")

            async def connections() -> int:
                return target.open

            await until(connections, lambda count: count >= 10)
            stopping = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - stopping < 4
        await until(connections, lambda count: count == 0, 5)


@pytest.mark.parametrize("kind", ["status", "redirect", "refused"])
async def test_no_secret_of_a_target_is_in_what_is_told(program: Program, kind: str):
    """Neither the query nor what a server sends back of it gets into events, alerts and errors."""
    query = "/?token=hunter2"
    async with serve(answer(b"?", 503)) as target:
        if kind == "redirect":
            target.script = redirect("ftp://hunter2:hunter2@inner.test/?token=hunter2")
        if kind == "refused":
            with refusing_port() as port:
                target.port, real = port, target.port
                watched = await add(program, target, query)
                target.port = real
                await until(watched.get, lambda found: found["status"] == "down")
        else:
            watched = await add(program, target, query)
            await until(watched.get, lambda found: found["status"] == "down")

    async def fired() -> list[Any]:
        return program.seen("alert.fired")

    (alert,) = await until(fired, bool)
    told = {
        "error": (await watched.get())["last_error"],
        "changes": program.seen("endpoint.status_changed"),
        "results": program.seen("endpoint.check_result"),
        "alert": {key: value for key, value in alert.items() if key != "details"},
        "details": alert["details"],
    }
    assert [name for name, one in told.items() if "hunter2" in str(one)] == []
