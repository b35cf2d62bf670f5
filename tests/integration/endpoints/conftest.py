"""A program that may look at this machine, on each database, and what people do with endpoints."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from conftest import Start
from support.postgres import Postgres
from support.program import Answer, Program, until

ALLOWED = {"TOCSIN_EGRESS_ALLOW": "127.0.0.1,localhost,::1"}
RARELY = "24h"
"""The interval of endpoints that are checked when they are made, and then only when a test says so."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits in fractions of what they are."""
    monkeypatch.setattr("tocsin.endpoints.checker.CONFIRM_AFTER_S", 0.02)
    monkeypatch.setattr("tocsin.endpoints.checker.TELL_S", 0.02)
    monkeypatch.setattr("tocsin.endpoints.checker.LONGEST_WAIT_S", 0.0)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of a program that may look at this machine; the same ones again are a restart."""
    if request.param == "sqlite":
        return ALLOWED
    postgres: Postgres = request.getfixturevalue("postgres")
    return {**ALLOWED, "TOCSIN_DATABASE_URL": postgres.new_database()}


@pytest.fixture
async def looking(start: Start, settings: dict[str, str]) -> AsyncIterator[Program]:
    """The program on each database."""
    async with start(**settings) as program:
        yield program


@pytest.fixture
async def plain(start: Start) -> AsyncIterator[Program]:
    """The program on SQLite, for what has nothing to do with storage."""
    async with start(**ALLOWED) as program:
        yield program


def error(answer: Answer) -> tuple[int, str, Any]:
    found = answer.json["error"]
    assert found["message"]
    return answer.status, found["code"], found.get("field")


async def put(program: Program, endpoint_id: int, body: dict[str, Any]) -> Answer:
    return await program.client.request("PUT", f"/api/v1/endpoints/{endpoint_id}", json_body=body)


async def post(program: Program, target: str, **body: Any) -> Answer:
    kind = "http" if target.startswith("http") else "tcp"
    known = {"name": "web", "target": target, "endpoint_type": kind, "interval": RARELY, "timeout": "2s"}
    return await program.client.post("/api/v1/endpoints", {**known, **body})


async def shown(program: Program, endpoint_id: int) -> dict[str, Any]:
    answer = await program.client.get(f"/api/v1/endpoints/{endpoint_id}")
    assert answer.status == 200, answer.body
    return dict(answer.json["endpoint"])


async def make(program: Program, target: str, **body: Any) -> dict[str, Any]:
    """Add an endpoint and return it as it is after its first check."""
    answer = await post(program, target, **body)
    assert answer.status == 201, answer.body
    number = answer.json["endpoint"]["id"]
    return await until(lambda: shown(program, number), lambda found: found["last_check_at"] is not None)


async def check(program: Program, endpoint_id: int, times: int = 1) -> dict[str, Any]:
    """Look now, so many times, and return what the last look found."""
    for _ in range(times):
        answer = await program.client.post(f"/api/v1/endpoints/{endpoint_id}/check")
        assert answer.status == 200, answer.body
    return dict(answer.json)


async def checks(program: Program, endpoint_id: int, query: str = "") -> dict[str, Any]:
    answer = await program.client.get(f"/api/v1/endpoints/{endpoint_id}/checks{query}")
    assert answer.status == 200, answer.body
    return dict(answer.json)


async def stored(program: Program, endpoint_id: int, count: int) -> list[dict[str, Any]]:
    """Wait until so many checks are stored; return them, newest first."""
    found = await until(lambda: checks(program, endpoint_id), lambda answer: answer["total"] >= count)
    assert found["total"] == count
    return list(found["checks"])


async def alerts(program: Program, query: str = "") -> list[dict[str, Any]]:
    """Return the alerts about endpoints, newest first."""
    answer = await program.client.get(f"/api/v1/alerts?source=endpoint{query}")
    assert answer.status == 200, answer.body
    return list(answer.json["alerts"])
