"""What a real engine does, and what Tocsin makes of it."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from conftest import Start
from support.engine import Engine
from support.flavours import on_every_engine
from support.program import Program, until

pytestmark = on_every_engine


async def settled(program: Program, name: str, state: str, timeout_s: float = 20, **wanted: Any) -> dict[str, Any]:
    """Wait until a container is as wanted, and return it."""

    def is_right(found: dict[str, Any]) -> bool:
        container = found.get(name)
        return (
            container is not None
            and container["state"] == state
            and all(container[key] == value for key, value in wanted.items())
        )

    return (await until(program.client.containers, is_right, timeout_s))[name]


async def steps(program: Program, container: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the timeline as (previous, new, exit code, restarts, reconciled)."""
    found = await program.client.transitions(container["id"])
    return [(t["previous_state"], t["new_state"], t["exit_code"], t["restarts"], t["reconciled"]) for t in found]


def told(program: Program, container: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the state changes that were streamed about a container."""
    changes = program.seen("container.state_changed", container_id=container["id"])
    return [(change["previous_state"], change["state"]) for change in changes]


async def test_containers_that_run_already_are_there_at_once(engine: Engine, start: Start):
    engine.run("first", command=("sleep", "1000"))
    engine.run("second", "--label", "tocsin.group=lab", command=("sleep", "1000"))

    async with start(TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST=engine.url) as program:
        found = await settled(program, "first", "running")

        assert found["host"] == "local"
        assert found["image"] == engine.traits.image_prefix + "busybox:1.0"
        assert await steps(program, found) == [("created", "running", None, 0, True)]
        groups = (await program.client.get("/api/v1/containers")).json["groups"]
        assert [(group["name"], group["source"]) for group in groups] == [("Ungrouped", "default"), ("lab", "label")]
        status = (await program.client.get("/api/v1/runtime/status")).json
        assert (status["runtime"], status["connected"], status["hosts"][0]["error"]) == ("docker", True, None)
        assert status["hosts"][0]["version"].startswith(engine.traits.version)


async def test_a_crash_loop_is_counted_and_rings_once(engine: Engine, watching: Program):
    engine.run("crash", "--restart", "on-failure:4", command=("sh", "-c", "echo boom >&2; exit 7"))

    found = await settled(watching, "crash", "exited", restart_count=4)

    assert found["exit_code"] == 7
    assert found["restart_loop"] is True
    crash, again = ("running", "exited", 7, 0, False), ("exited", "running", None, 1, False)
    assert await steps(watching, found) == [("created", "running", None, 0, False), crash, *([again, crash] * 4)]
    assert len(told(watching, found)) == 10
    alerts = watching.seen("container.restart_alert")
    assert [(a["restart_count"], a["threshold"], a["severity"]) for a in alerts] == [(3, 3, "warning")]
    ends = [t for t in await watching.client.transitions(found["id"]) if t["new_state"] == "exited"]
    assert [end["log_snippet"] for end in ends] == ["boom"] * 5
    uptime = (await watching.client.get(f"/api/v1/containers/{found['id']}")).json["uptime"]
    assert uptime["24h"] < 100


async def test_a_restart_loop_recovers_when_its_window_empties(engine: Engine, watching: Program):
    engine.run(
        "loop",
        "--restart",
        "on-failure:3",
        "--label",
        "tocsin.alert.restart_window=10s",
        "--label",
        "tocsin.alert.severity=critical",
        command=("sh", "-c", "exit 1"),
    )
    found = await settled(watching, "loop", "exited", restart_loop=True)
    assert watching.seen("container.restart_alert")[0]["severity"] == "critical"

    await settled(watching, "loop", "exited", timeout_s=30, restart_loop=False)

    assert [event["container_id"] for event in watching.seen("container.restart_recovery")] == [found["id"]]


async def test_running_out_of_memory_is_a_crash_with_its_reason(engine: Engine, watching: Program):
    command = ("sh", "-c", "x=a; while true; do x=$x$x; done")
    engine.run("hungry", "-m", "16m", "--memory-swap", "16m", command=command)

    found = await settled(watching, "hungry", "exited")

    assert found["exit_code"] == 137
    assert ("memory" in (found["error_detail"] or "")) is engine.traits.tells_of_memory
    assert await steps(watching, found) == [
        ("created", "running", None, 0, False),
        ("running", "exited", 137, 0, False),
    ]


TIDY = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")


OBEDIENT = ("sh", "-c", "trap 'exit 143' TERM; while :; do sleep 0.1; done")


@pytest.mark.parametrize(
    ("command", "code"),
    [(("sleep", "1000"), 137), (OBEDIENT, 143), (TIDY, 0)],
    ids=["killed at last", "ended by the signal", "ended well"],
)
async def test_a_requested_stop_is_a_good_end(engine: Engine, watching: Program, command: tuple[str, ...], code: int):
    engine.run("calm", command=command)
    await settled(watching, "calm", "running")

    engine.docker("stop", "-t", "1", "calm")

    ends = {"completed"} if engine.traits.tells_of_stops or code != 137 else {"completed", "exited"}
    found = (await until(watching.client.containers, lambda c: c["calm"]["state"] in ends))["calm"]
    assert found["exit_code"] == code
    assert told(watching, found) == [("created", "running"), ("running", found["state"])]

    engine.docker("start", "calm")
    again = await settled(watching, "calm", "running")
    assert again["restart_count"] == (found["state"] == "exited")


async def test_a_stop_that_fails_keeps_its_exit_code_and_last_words(engine: Engine, watching: Program):
    script = "trap 'echo cannot save; exit 3' TERM; while :; do sleep 0.1; done"
    engine.run("clumsy", command=("sh", "-c", script))
    await settled(watching, "clumsy", "running")

    engine.docker("stop", "-t", "10", "clumsy")

    found = await settled(watching, "clumsy", "exited")
    last = (await watching.client.transitions(found["id"]))[-1]
    assert (last["exit_code"], last["log_snippet"]) == (3, "cannot save")


async def test_a_reload_signal_changes_nothing(engine: Engine, watching: Program):
    engine.run("server", command=("sh", "-c", "trap 'echo reload' HUP; while :; do sleep 0.1; done"))
    found = await settled(watching, "server", "running")

    engine.docker("kill", "-s", "HUP", "server")
    engine.docker("pause", "server")  # an event that comes after the signal, so that it has been seen
    await settled(watching, "server", "paused")
    engine.docker("unpause", "server")
    await settled(watching, "server", "running")

    assert told(watching, found) == [("created", "running"), ("running", "paused"), ("paused", "running")]


async def test_paused_time_counts_neither_way(engine: Engine, watching: Program):
    engine.run("sleeper", command=("sleep", "1000"))
    found = await settled(watching, "sleeper", "running")

    engine.docker("pause", "sleeper")
    await settled(watching, "sleeper", "paused")
    await asyncio.sleep(1)

    uptime = (await watching.client.get(f"/api/v1/containers/{found['id']}")).json["uptime"]
    assert uptime["24h"] > 50  # a little `created` time before its start, and no paused second


async def checked(engine: Engine, program: Program, name: str, health: str) -> dict[str, Any]:
    """Wait until the health check of a running container has come to *health*."""

    async def look() -> dict[str, Any]:
        await asyncio.to_thread(engine.check_health, name)
        return (await program.client.containers()).get(name, {"state": None, "health_status": None})

    return await until(look, lambda c: (c["state"], c["health_status"]) == ("running", health))


async def test_an_unhealthy_container_is_told_apart(engine: Engine, watching: Program):
    engine.run("web", image="web:1.0")
    found = await checked(engine, watching, "web", "healthy")
    assert found["has_health_check"] is True

    engine.docker("exec", "web", "rm", "/www/index.html")

    found = await checked(engine, watching, "web", "unhealthy")
    changes = watching.seen("container.health_changed", container_id=found["id"])
    assert [(c["previous_health"], c["health_status"]) for c in changes] == [
        ("starting", "healthy"),
        ("healthy", "unhealthy"),
    ]
    assert told(watching, found) == [("created", "running")]


async def test_a_renamed_container_keeps_its_history(engine: Engine, watching: Program):
    engine.run("before", command=("sleep", "1000"))
    found = await settled(watching, "before", "running")

    engine.docker("rename", "before", "after")

    renamed = await settled(watching, "after", "running")
    assert renamed["id"] == found["id"]
    assert list(await watching.client.containers()) == ["after"]


async def test_a_container_made_anew_under_its_name_keeps_its_history(engine: Engine, watching: Program):
    engine.run("web", command=("sleep", "1000"))
    found = await settled(watching, "web", "running")

    engine.docker("rm", "-f", "web")
    new_id = engine.run("web", command=("sleep", "2000"))

    again = await settled(watching, "web", "running", missing_since=None, external_id=new_id)
    assert again["id"] == found["id"]
    assert again["restart_count"] == 0
    assert watching.seen("container.archived") == []


SERVICE = """version: '2.4'
services:
  api:
    image: busybox:1.0
    network_mode: none
    command: sleep {seconds}
"""


def compose_up(engine: Engine, folder: Path, text: str) -> None:
    (folder / "docker-compose.yml").write_text(text)
    engine.compose(folder, "shop")


async def test_compose_makes_containers_anew_and_they_stay_the_same(engine: Engine, watching: Program, tmp_path: Path):
    name = engine.traits.compose_names.format(project="shop", service="api")
    await asyncio.to_thread(compose_up, engine, tmp_path, SERVICE.format(seconds=1000))
    found = await settled(watching, name, "running")
    assert (found["orchestration_group"], found["orchestration_unit"]) == ("shop", "api")

    await asyncio.to_thread(compose_up, engine, tmp_path, SERVICE.format(seconds=2000))

    def is_made_anew(containers: dict[str, Any]) -> bool:
        api = containers.get(name, found)
        return api["external_id"] != found["external_id"] and api["state"] == "running"

    again = await until(watching.client.containers, is_made_anew)
    assert list(again) == [name]
    assert again[name]["id"] == found["id"]
    assert again[name]["restart_count"] == 0
    assert watching.seen("container.archived") == []
    assert len(watching.seen("container.discovered")) == 1


async def test_a_removed_container_is_archived_after_its_grace(engine: Engine, watching: Program):
    engine.run("gone", command=("sleep", "1000"))
    found = await settled(watching, "gone", "running")

    engine.docker("rm", "-f", "gone")

    await until(watching.client.containers, lambda c: "gone" not in c)
    archived = (await watching.client.containers("?archived=true"))["gone"]
    assert archived["id"] == found["id"]
    assert archived["archived"] is True
    assert watching.seen("container.archived")[0]["archived_at"] == archived["archived_at"]
    assert (await watching.client.get("/api/v1/containers")).json["archived_count"] == 1


async def test_fifty_containers_started_at_once_are_all_right(engine: Engine, watching: Program):
    async def one(number: int) -> None:
        await asyncio.to_thread(engine.run, f"many-{number}", command=("sleep", "1000"))

    await asyncio.gather(*(one(number) for number in range(50)))

    found = await until(
        watching.client.containers,
        lambda c: len(c) == 50 and all(x["state"] == "running" for x in c.values()),
    )
    for container in found.values():
        assert await steps(watching, container) == [("created", "running", None, 0, False)]
        assert told(watching, container) == [("created", "running")]
    assert len(watching.seen("container.discovered")) == 50


async def test_a_deleted_container_stays_forgotten_until_it_starts(engine: Engine, watching: Program):
    engine.run("once", command=("true",))
    found = await settled(watching, "once", "completed")

    assert (await watching.client.delete(f"/api/v1/containers/{found['id']}")).status == 204
    assert (await watching.client.get(f"/api/v1/containers/{found['id']}")).status == 404
    details = await watching.tocsin.runtimes["local"].containers()
    await watching.tocsin.containers.reconcile("local", details)
    assert await watching.client.containers() == {}

    engine.docker("start", "once")
    await until(watching.client.containers, lambda c: "once" in c)


async def test_a_live_container_cannot_be_deleted(engine: Engine, watching: Program):
    engine.run("busy", command=("sleep", "1000"))
    found = await settled(watching, "busy", "running")

    answer = await watching.client.delete(f"/api/v1/containers/{found['id']}")

    assert (answer.status, answer.code) == (409, "container_running")


async def test_ignored_containers_are_known_but_not_listed(engine: Engine, watching: Program):
    engine.run("quiet", "--label", "maintenant.ignore=true", command=("sleep", "1000"))
    engine.run("loud", command=("sleep", "1000"))
    await settled(watching, "loud", "running")

    assert list(await watching.client.containers()) == ["loud"]
    quiet = watching.seen("container.discovered", container_name="quiet")[0]
    assert (await watching.client.get(f"/api/v1/containers/{quiet['id']}")).json["is_ignored"] is True


# --- what was not seen ------------------------------------------------------------------------------------------------


async def test_what_happened_while_tocsin_was_down_is_replayed_or_inferred(engine: Engine, start: Start):
    options = {"TOCSIN_RUNTIME": "docker", "TOCSIN_DOCKER_HOST": engine.url}
    # an engine that tells of no stop cannot say that this one was killed because somebody asked for its end
    engine.run("stopped", command=("sleep", "1000") if engine.traits.tells_of_stops else TIDY)
    engine.run("crashed", command=("sh", "-c", "while [ ! -e /tmp/die ]; do sleep 0.05; done; echo dying; exit 9"))
    async with start(**options) as program:
        await settled(program, "stopped", "running")
        before = await settled(program, "crashed", "running")

    engine.docker("stop", "-t", "1", "stopped")
    engine.docker("exec", "crashed", "touch", "/tmp/die")
    engine.docker("wait", "crashed")

    async with start(**options) as program:
        await settled(program, "stopped", "completed")
        after = await settled(program, "crashed", "exited", exit_code=9)
        assert after["id"] == before["id"]
        last = (await program.client.transitions(after["id"]))[-1]
        # the engine still knew the event, so nothing had to be guessed
        assert (last["exit_code"], last["log_snippet"], last["reconciled"]) == (9, "dying", False)


async def test_an_engine_that_is_killed_and_comes_back(fresh_engine: Engine, start: Start):
    """The engine dies while its containers do: what nobody saw is inferred, marked so, and stands there once."""
    engine = fresh_engine
    engine.start()
    engine.build_images()
    engine.run("kept", "--restart", "always", command=TIDY)
    engine.run("lost", command=TIDY)
    engine.run("done", command=("true",))
    async with start(TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST=engine.url) as program:
        await settled(program, "lost", "running")
        kept = await settled(program, "kept", "running")
        await settled(program, "done", "completed")

        process = int(engine.docker("inspect", "-f", "{{.State.Pid}}", "lost"))
        await asyncio.to_thread(engine.stop, how=signal.SIGKILL)
        os.kill(process, signal.SIGKILL)

        stale = await settled(program, "kept", "running")
        stale = (await until(program.client.containers, lambda c: c["kept"]["stale_since"] is not None))["kept"]
        assert stale["state"] == "running"  # the last known state, not "down"
        assert program.seen("runtime.status")[-1]["connected"] is False

        await asyncio.to_thread(engine.start)
        back = await until(
            program.client.containers,
            lambda c: c["kept"]["stale_since"] is None and c["lost"]["state"] in {"exited", "completed"},
        )

        assert back["kept"]["state"] == "running"
        assert back["kept"]["id"] == kept["id"]
        assert back["done"]["state"] == "completed"
        state, exit_code, inferred = engine.traits.end_while_it_was_dead
        assert await steps(program, back["lost"]) == [
            ("created", "running", None, 0, True),
            ("running", state, exit_code, 0, inferred),
        ]
        moments = await times(program, back["kept"])
        assert len(moments) == len(set(moments))  # nothing doubled
        done = await steps(program, back["done"])
        assert [step[:4] for step in done] == [("created", "completed", 0, 0)]
        assert done[0][4] or not inferred  # an engine that still has its events may confirm what was inferred
        assert len(program.seen("container.discovered")) == 3


async def times(program: Program, container: dict[str, Any]) -> list[tuple[str, str]]:
    found = await program.client.transitions(container["id"])
    return [(t["timestamp"], t["new_state"]) for t in found]


async def test_an_engine_that_appears_later_is_found(fresh_engine: Engine, start: Start):
    engine = fresh_engine
    async with start(TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST=engine.url) as program:

        async def status() -> Any:
            return (await program.client.get("/api/v1/runtime/status")).json

        found = await until(status, lambda s: s["hosts"][0]["error"] is not None)
        assert "does not exist" in found["hosts"][0]["error"]
        assert (await program.client.get("/api/v1/containers")).json["groups"] == []

        await asyncio.to_thread(engine.start)
        await asyncio.to_thread(engine.build_images)
        await asyncio.to_thread(engine.run, "hello", command=("sleep", "1000"))

        await settled(program, "hello", "running", timeout_s=40)


async def test_a_container_made_and_removed_again_and_again_is_missing_each_time(engine: Engine, watching: Program):
    for _ in range(3):
        engine.run("again", command=("sh", "-c", "exit 0"))
        await settled(watching, "again", "completed", missing_since=None)
        engine.docker("rm", "again")
        await until(watching.client.containers, lambda found: "again" not in found or found["again"]["missing_since"])
