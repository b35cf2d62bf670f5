"""The program on each database, allowed to look at this machine, and trusting an authority of the tests."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Start
from support.factories import details
from support.pki import Authority
from support.postgres import Postgres
from support.program import Answer, Program
from tocsin.containers import store as container_store
from tocsin.core.clock import SystemClock
from tocsin.db.tx import Read
from tocsin.endpoints import store as endpoint_store
from tocsin.endpoints.models import (
    Config,
    Endpoint,
    EndpointDiscovered,
    EndpointRemoved,
    EndpointSource,
    EndpointType,
    EndpointUpdated,
    RemovalReason,
)
from tocsin.runtimes.base import Created, Destroyed

HERE = {"TOCSIN_EGRESS_ALLOW": "127.0.0.0/8,::1", "TOCSIN_ARCHIVE_AFTER": "0s"}


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(params=["sqlite", "postgresql"])
def environment(request: pytest.FixtureRequest, authority: Authority, tmp_path: Path) -> dict[str, str]:
    found = {**HERE, "TOCSIN_CA_FILE": str(authority.write(tmp_path))}
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        found["TOCSIN_DATABASE_URL"] = postgres.new_database()
    return found


@pytest.fixture
async def watch(start: Start, environment: dict[str, str]) -> AsyncIterator[Program]:
    async with start(**environment) as program:
        yield program


# --- the API ---------------------------------------------------------------------------------------------------------


async def add(program: Program, port: int, hostname: str = "localhost", **more: Any) -> dict[str, Any]:
    answer = await program.client.post("/api/v1/certificates", {"hostname": hostname, "port": port, **more})
    assert answer.status == 201, answer.body
    return dict(answer.json)


async def get(program: Program, certificate_id: int) -> dict[str, Any]:
    answer = await program.client.get(f"/api/v1/certificates/{certificate_id}")
    assert answer.status == 200, answer.body
    return dict(answer.json)


async def put(program: Program, certificate_id: int, body: Any) -> Answer:
    return await program.client.request("PUT", f"/api/v1/certificates/{certificate_id}", json_body=body)


async def listed(program: Program, query: str = "") -> list[dict[str, Any]]:
    answer = await program.client.get(f"/api/v1/certificates{query}")
    assert answer.status == 200, answer.body
    return list(answer.json["certificates"])


async def look(program: Program, certificate_id: int, times: int = 1) -> dict[str, Any]:
    """Look at a certificate now, whatever its schedule, and return it."""
    for _ in range(times):
        await program.tocsin.certificate_watch.look_within_budget(certificate_id)
    return dict((await get(program, certificate_id))["certificate"])


# --- who else wants monitors -----------------------------------------------------------------------------------------


async def run(program: Program, name: str, label: str | None, **more: str) -> int:
    """Let a container appear, or come back with other labels, and return its id."""
    labels = {**({"tocsin.tls.certificates": label} if label is not None else {}), **more}
    runtime_id, now = f"{name}-{len(program.events)}".ljust(64, "0"), SystemClock().now()
    found = details(name=name, runtime_id=runtime_id, labels=labels, inspected_at=now)
    await program.tocsin.containers.observe("local", Created(runtime_id=runtime_id, at=now, details=found))
    return await program.tocsin.db.read(lambda read: _container_id(read, runtime_id))


def _container_id(read: Read, runtime_id: str) -> int:
    found = container_store.find_by_runtime_id(read, "local", runtime_id)
    assert found is not None
    return found.id


async def remove(program: Program, name: str) -> None:
    """Let the engine lose a container for good."""
    found = (await program.client.containers())[name]
    now = SystemClock().now()
    await program.tocsin.containers.observe("local", Destroyed(runtime_id=found["external_id"], at=now))
    await asyncio.sleep(0.01)
    await program.tocsin.containers.archive_missing()


async def check_by_https(program: Program, target: str, **more: Any) -> Endpoint:
    """Let an endpoint be there."""
    now = SystemClock().now()
    endpoint = Endpoint(
        id=0,
        source=EndpointSource.STANDALONE,
        endpoint_type=EndpointType.HTTP,
        target=target,
        name="shop",
        badge_key=f"badge-{len(program.events)}-{target}",
        first_seen_at=now,
        last_seen_at=now,
        config=Config(tls_verify=more.pop("tls_verify", True)),
        **more,
    )

    def work(tx: Any) -> Endpoint:
        made = endpoint_store.create(tx, endpoint)
        tx.emit(EndpointDiscovered(**_event(made), endpoint_type=made.endpoint_type, source=made.source, name="shop"))
        return made

    return await program.tocsin.db.write(work)


async def change(program: Program, before: Endpoint, after: Endpoint) -> Endpoint:
    def work(tx: Any) -> Endpoint:
        endpoint_store.save(tx, before, after)
        tx.emit(
            EndpointUpdated(
                **_event(after),
                endpoint_type=after.endpoint_type,
                source=after.source,
                name=after.name,
                paused=after.paused_at is not None,
                suspended=after.suspended_at is not None,
            )
        )
        return after

    return await program.tocsin.db.write(work)


async def no_longer(program: Program, endpoint: Endpoint) -> None:
    def work(tx: Any) -> None:
        endpoint_store.remove(tx, endpoint.id)
        tx.emit(EndpointRemoved(**_event(endpoint), reason=RemovalReason.USER_DELETED))

    await program.tocsin.db.write(work)


def _event(endpoint: Endpoint) -> dict[str, Any]:
    timestamp = "2026-03-04T09:00:00.000Z"
    return {
        "endpoint_id": endpoint.id,
        "container_name": "",
        "target": endpoint.target,
        "timestamp": timestamp,
    }
