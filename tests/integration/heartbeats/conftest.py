"""The program on each database, with a clock that can be moved on."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Start
from integration.channels.conftest import quick, receiver  # noqa: F401 -- fixtures
from support.clock import JumpingClock
from support.program import Answer, Program, running

DATABASES = ["sqlite", "postgresql"]
STEP_S = 2.0


def environment_of(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param == "sqlite":
        return {}
    return {"TOCSIN_DATABASE_URL": request.getfixturevalue("postgres").new_database()}


@pytest.fixture(params=DATABASES)
def environment(request: pytest.FixtureRequest) -> dict[str, str]:
    return environment_of(request)


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
async def watch(start: Start, environment: dict[str, str], clock: JumpingClock) -> AsyncIterator[Program]:
    """The program, with nothing in it."""
    async with start(clock=clock, **environment) as program:
        yield program


@pytest.fixture(scope="module", params=DATABASES)
async def shared(request: pytest.FixtureRequest) -> AsyncIterator[Program]:
    """One program for many tests that leave nothing behind that others mind."""
    with tempfile.TemporaryDirectory(prefix="tocsin-test-") as folder:
        async with running(Path(folder) / "data", **environment_of(request)) as program:
            yield program


# --- the API ---------------------------------------------------------------------------------------------------------


async def add(program: Program, name: str = "backup", **more: Any) -> dict[str, Any]:
    answer = await program.client.post("/api/v1/heartbeats", {"name": name, "interval_seconds": 300, **more})
    assert answer.status == 201, answer.body
    return dict(answer.json)


async def get(program: Program, beat: dict[str, Any]) -> dict[str, Any]:
    answer = await program.client.get(f"/api/v1/heartbeats/{beat['id']}")
    assert answer.status == 200, answer.body
    return dict(answer.json["heartbeat"])


async def put(program: Program, beat: dict[str, Any], body: Any) -> Answer:
    return await program.client.request("PUT", f"/api/v1/heartbeats/{beat['id']}", json_body=body)


async def act(program: Program, beat: dict[str, Any], action: str) -> Answer:
    return await program.client.post(f"/api/v1/heartbeats/{beat['id']}/{action}")


async def ping(program: Program, beat: dict[str, Any], rest: str = "", method: str = "GET", **options: Any) -> Answer:
    """Say something as a job does: without credentials."""
    return await program.client.request(method, f"/ping/{beat['uuid']}{rest}", token=None, **options)


async def tell(program: Program, beat: dict[str, Any], *rests: str, **options: Any) -> dict[str, Any]:
    """Ping, each time well taken, and return how the heartbeat stands."""
    for rest in rests:
        answer = await ping(program, beat, rest, **options)
        assert answer.status == 200, answer.body
    return await get(program, beat)


async def rows(program: Program, beat: dict[str, Any], kind: str, query: str = "") -> list[dict[str, Any]]:
    """Return pings or executions, newest first."""
    answer = await program.client.get(f"/api/v1/heartbeats/{beat['id']}/{kind}{query}")
    assert answer.status == 200, answer.body
    return list(answer.json[kind])


async def passes(program: Program, clock: JumpingClock, seconds: float) -> None:
    """Let time go by in steps that are no absence, with a look at deadlines after each."""
    while seconds > 0:
        clock.skip(min(STEP_S, seconds))
        seconds -= STEP_S
        await program.tocsin.deadlines.look()


def error(answer: Answer) -> tuple[int, str, Any]:
    found = answer.json["error"]
    return answer.status, found["code"], found.get("field")


LIST = "/api/v1/heartbeats"
OK = {"name": "a", "interval_seconds": 60}
EVERY = [
    ("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/rotate"),
    ("GET", "/executions"), ("GET", "/pings"), ("GET", "/uptime/daily"),
]  # fmt: skip
