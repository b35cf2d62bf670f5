"""An engine over TLS on another host, whose cable is pulled: right states, one fact, nothing false."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from conftest import Start
from support.engine import Engine
from support.namespaces import network
from support.program import Program, until
from support.remote import Remote


@pytest.fixture(scope="module")
def far_engine(big_folder: Path) -> Iterator[Remote]:
    with network("far") as lan:
        engine = Remote(big_folder / "far", lan["far"])
        engine.start()
        engine.build_images()
        yield engine
        engine.destroy()


@pytest.fixture
def far(far_engine: Remote) -> Iterator[Remote]:
    far_engine.remove_all()
    yield far_engine
    far_engine.host.mend()
    far_engine.remove_all()


async def host(program: Program, name: str) -> dict[str, Any]:
    hosts = (await program.client.get("/api/v1/runtime/status")).json["hosts"]
    return next(found for found in hosts if found["name"] == name)


async def test_a_cable_is_pulled_and_comes_back(
    engine: Engine, far: Remote, start: Start, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tocsin.runtimes.docker.PING_EVERY_S", 1.0)
    monkeypatch.setattr("tocsin.runtimes.docker.client.CALL_TIMEOUT_S", 2.0)
    engine.run("here", command=("sleep", "1000"))
    far.run("there", command=("sh", "-c", "while [ ! -e /tmp/die ]; do sleep 0.05; done; echo dying; exit 9"))
    far.run("steady", command=("sleep", "1000"))
    settings = {
        "TOCSIN_RUNTIME": "docker",
        "TOCSIN_DOCKER_HOST": f"near={engine.url},far={far.address}",
        "TOCSIN_DOCKER_CERT_PATH": str(far.certificates),
        "TOCSIN_HOST_UNREACHABLE_AFTER": "1s",
    }
    async with start(**settings) as program:
        await until(lambda: host(program, "far"), lambda found: found["connected"])
        await until(lambda: host(program, "near"), lambda found: found["connected"])
        found = await until(program.client.containers, lambda found: {"here", "there", "steady"} <= found.keys())
        assert {name: container["host"] for name, container in found.items()} == {
            "here": "near",
            "there": "far",
            "steady": "far",
        }
        logs = await program.client.get(f"/api/v1/containers/{found['there']['id']}/logs")
        assert logs.status == 200

        far.host.cut()
        far.docker("exec", "there", "touch", "/tmp/die")
        far.docker("wait", "there")
        await until(lambda: _seen(program, "host.unreachable"), bool, 40)

        lost = await program.client.containers()
        assert {name: (c["state"], c["stale_since"] is None) for name, c in lost.items()} == {
            "here": ("running", True),
            "there": ("running", False),
            "steady": ("running", False),
        }
        status = await host(program, "far")
        assert (status["connected"], bool(status["error"])) == (False, True)
        engine.run("later", command=("sleep", "1000"))
        await until(program.client.containers, lambda found: "later" in found)

        far.host.mend()
        await until(lambda: _seen(program, "host.recovered"), bool, 40)
        back = await until(program.client.containers, lambda found: found["there"]["state"] == "exited")
        assert (back["there"]["exit_code"], back["there"]["stale_since"], back["steady"]["state"]) == (
            9,
            None,
            "running",
        )
        assert [event["host"] for event in program.seen("host.unreachable")] == ["far"]
        assert [event["host"] for event in program.seen("host.recovered")] == ["far"]
        changed = [(event["container_name"], event["state"]) for event in program.seen("container.state_changed")]
        assert [change for change in changed if change[0] in {"there", "steady"}] == [("there", "exited")]
        alerts = (await program.client.get("/api/v1/alerts")).json["alerts"]
        assert sorted(alert["alert_type"] for alert in alerts) == ["container_down", "host_unreachable"]


async def _seen(program: Program, what: str) -> list[Any]:
    return program.seen(what)


async def test_certificates_that_do_not_fit_are_said_to_be_the_reason(far: Remote, start: Start, tmp_path: Path):
    stranger = far.make_certificates(tmp_path / "stranger", trustme.CA())
    elsewhere = far.make_certificates(tmp_path / "elsewhere", trustme.CA())
    trustme.CA().cert_pem.write_to_path(elsewhere / "ca.pem")
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder, words in ((stranger, "certificate"), (elsewhere, "not trusted"), (empty, "is missing")):
        settings = {
            "TOCSIN_RUNTIME": "docker",
            "TOCSIN_DOCKER_HOST": f"far={far.address}",
            "TOCSIN_DOCKER_CERT_PATH": str(folder),
        }
        async with start(**settings) as program:
            status = await until(lambda program=program: host(program, "far"), lambda found: found["error"])  # type: ignore[misc]
            assert words in status["error"], (folder.name, status["error"])
