"""What tests do with heartbeats: make them, ping them, look at them, and let time pass for them."""

from typing import Any
from zoneinfo import ZoneInfo

from support.clock import JumpingClock
from support.program import Answer, Program

ZoneInfo("UTC")  # read before anybody watches for blocking calls: it is kept from then on
STEP_S = 4.0
"""Less than what is taken for an absence."""


async def make(program: Program, name: str = "backup", **body: Any) -> dict[str, Any]:
    wanted = {"name": name, "interval_seconds": 300, "grace_seconds": 60, **body}
    made = await program.client.post("/api/v1/heartbeats", wanted)
    assert made.status == 201, made.body
    found: dict[str, Any] = made.json
    return found


async def ping(program: Program, beat: dict[str, Any], rest: str = "", **options: Any) -> Answer:
    return await program.client.post(f"/ping/{beat['uuid']}{rest}", token=None, **options)


async def pinged(program: Program, beat: dict[str, Any], *rests: str) -> None:
    for rest in rests or ("",):
        answer = await ping(program, beat, rest)
        assert answer.status == 200, answer.body


async def shown(program: Program, beat: dict[str, Any]) -> dict[str, Any]:
    found = await program.client.get(f"/api/v1/heartbeats/{beat['id']}")
    assert found.status == 200, found.body
    one: dict[str, Any] = found.json["heartbeat"]
    return one


async def listed(program: Program, beat: dict[str, Any], what: str) -> list[dict[str, Any]]:
    """Return the newest `pings` or `executions` of *beat*."""
    found = await program.client.get(f"/api/v1/heartbeats/{beat['id']}/{what}?limit=500")
    assert found.status == 200, found.body
    some: list[dict[str, Any]] = found.json[what]
    return some


async def alerts(program: Program) -> list[dict[str, Any]]:
    """Return all alerts, newest first."""
    found = await program.client.get("/api/v1/alerts?limit=200")
    assert found.status == 200, found.body
    some: list[dict[str, Any]] = found.json["alerts"]
    return some


async def pass_time(program: Program, clock: JumpingClock, seconds: float) -> None:
    """Let *seconds* pass; from now on it is only here that somebody looks at the deadlines, all the while."""
    program.tocsin.scheduler.cancel("look at deadlines")
    while seconds > 0:
        clock.skip(min(seconds, STEP_S))
        seconds -= STEP_S
        await program.tocsin.deadlines.look()
