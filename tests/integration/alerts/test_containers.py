"""A real engine, broken on purpose: exactly one good alert, with the reason in it."""

import asyncio

from conftest import Start
from integration.alerts.conftest import alerts, raised
from support.engine import Engine
from support.program import Program, until


async def test_a_crash_is_one_alert_with_its_evidence(engine: Engine, watching: Program):
    engine.run("shop", "--label", "tocsin.group=web", command=("sh", "-c", "sleep 1; echo no database >&2; exit 3"))

    alert = await raised(watching, "container_down")

    assert alert["message"] == "shop stopped with exit code 3"
    assert (alert["source"], alert["severity"], alert["entity_type"]) == ("container", "warning", "container")
    assert (alert["entity_name"], alert["host"], alert["group"], alert["occurrences"]) == ("shop", "local", "web", 1)
    details = alert["details"]
    assert (details["exit_code"], details["log_excerpt"], details["image"]) == (3, "no database", "busybox:1.0")
    assert [fired["id"] for fired in watching.seen("alert.fired")] == [alert["id"]]

    engine.docker("start", "shop")
    resolved = await raised(watching, "container_down", "resolved")
    assert (resolved["id"], resolved["resolution"], resolved["resolved_by_id"]) == (alert["id"], "recovered", None)
    assert [event["id"] for event in watching.seen("alert.resolved")] == [alert["id"]]


async def test_a_stop_that_was_asked_for_is_no_alert(engine: Engine, watching: Program):
    engine.run("calm", command=("sleep", "1000"))
    await until(watching.client.containers, lambda found: found.get("calm", {}).get("state") == "running")
    engine.docker("stop", "-t", "0", "calm")
    await until(watching.client.containers, lambda found: found["calm"]["state"] == "completed")
    assert await alerts(watching) == []


async def test_a_crash_loop_is_one_alert_and_not_many(engine: Engine, watching: Program):
    engine.run("loop", "--restart", "always", command=("sh", "-c", "echo boom; sleep 0.3; exit 1"))

    alert = await raised(watching, "restart_loop", timeout_s=40)

    assert alert["message"].startswith("loop keeps restarting: 3 times")
    assert alert["details"]["log_excerpt"] == "boom"
    assert [found["alert_type"] for found in await alerts(watching)] == ["restart_loop"]
    engine.docker("rm", "-f", "loop")
    gone = await raised(watching, "restart_loop", "resolved")
    assert gone["resolution"] == "entity_removed"


async def test_a_policy_that_gives_up_leaves_it_down(engine: Engine, watching: Program):
    engine.run("given-up", "--restart", "on-failure:1", command=("sh", "-c", "exit 2"))
    alert = await raised(watching, "container_down", timeout_s=25)
    assert alert["details"]["exit_code"] == 2
    assert len(await alerts(watching)) == 1


async def test_a_loop_that_is_given_up_stays_one_alert_until_it_is_only_down(engine: Engine, watching: Program):
    window = ("--label", "tocsin.alert.restart_window=20s")
    engine.run("mailer", "--restart", "on-failure:4", *window, command=("sh", "-c", "echo no route; exit 1"))
    loop = await raised(watching, "restart_loop")
    await until(lambda: alerts(watching), lambda found: found[0]["message"] == "mailer stopped with exit code 1")
    assert [(found["alert_type"], found["id"]) for found in await alerts(watching)] == [("restart_loop", loop["id"])]

    down = await raised(watching, "container_down", timeout_s=40)

    assert (down["message"], down["details"]["log_excerpt"]) == ("mailer stopped with exit code 1", "no route")
    assert (await raised(watching, "restart_loop", "resolved"))["id"] == loop["id"]


async def test_unhealthy_and_healthy_again(engine: Engine, watching: Program):
    engine.run("web", image="web:1.0")
    await until(watching.client.containers, lambda found: found.get("web", {}).get("health_status") == "healthy")
    engine.docker("exec", "web", "mv", "/www/index.html", "/www/away")
    alert = await raised(watching, "health_unhealthy")
    assert alert["message"] == "web is unhealthy"
    engine.docker("exec", "web", "mv", "/www/away", "/www/index.html")
    assert (await raised(watching, "health_unhealthy", "resolved"))["id"] == alert["id"]


async def test_labels_raise_the_severity(engine: Engine, watching: Program):
    engine.run("vital", "--label", "tocsin.alert.severity=critical", command=("sh", "-c", "exit 1"))
    assert (await raised(watching, "container_down"))["severity"] == "critical"


async def test_a_restart_of_tocsin_neither_repeats_nor_forgets(engine: Engine, start: Start):
    settings = {"TOCSIN_RUNTIME": "docker", "TOCSIN_DOCKER_HOST": engine.url}
    async with start(**settings) as program:
        script = "[ -e /tmp/die ] && sleep 1000; while [ ! -e /tmp/die ]; do sleep 0.1; done; exit 3"
        engine.run("shop", command=("sh", "-c", script))
        await until(program.client.containers, lambda found: found.get("shop", {}).get("state") == "running")
        engine.docker("exec", "shop", "touch", "/tmp/die")
        alert = await raised(program, "container_down")
    async with start(**settings) as program:
        await until(lambda: program.client.get("/api/v1/runtime/status"), lambda status: status.json["connected"])
        await asyncio.sleep(1)
        assert [(found["id"], found["status"]) for found in await alerts(program)] == [(alert["id"], "active")]
        assert program.seen("alert.fired") == []
    engine.docker("start", "shop")  # while nobody looks
    async with start(**settings) as program:
        resolved = await raised(program, "container_down", "resolved")
        assert resolved["id"] == alert["id"]


async def test_a_host_that_is_lost_is_the_only_alert(start: Start):
    async with start() as program:
        program.tocsin.hosts._unreachable_after = program.tocsin.hosts._unreachable_after * 0
        await program.tocsin.hosts.changed("nas", connected=True, error=None)
        await program.tocsin.hosts.changed("nas", connected=False, error="No Docker engine answers")
        alert = await raised(program, "host_unreachable")
        assert (alert["entity_type"], alert["entity_key"], alert["entity_id"]) == ("host", "nas", 0)
        assert (alert["severity"], alert["details"]["error"]) == ("critical", "No Docker engine answers")
        await program.tocsin.hosts.changed("nas", connected=True, error=None)
        assert (await raised(program, "host_unreachable", "resolved"))["id"] == alert["id"]
