"""Endpoints that labels ask for follow their container on a real engine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from conftest import Start
from integration.endpoints.conftest import ALLOWED, alerts, check, checks, error, put, shown
from support.behaviours import answer, in_turn
from support.engine import Engine
from support.program import Program, until
from support.targets import Target, refusing_port, serve

SLEEP = ("sleep", "1000")
Watch = Callable[..., AbstractAsyncContextManager[Program]]


@pytest.fixture
def watch(start: Start, engine: Engine) -> Watch:
    """Start the program on the engine; again is a restart."""

    def begin(**more: str) -> AbstractAsyncContextManager[Program]:
        return start(**ALLOWED, TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST=engine.url, **more)

    return begin


@pytest.fixture
async def watching(watch: Watch) -> AsyncIterator[Program]:
    async with watch() as program:
        await connected(program)
        yield program


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    async with serve(answer()) as found:
        yield found


async def connected(program: Program) -> None:
    await until(lambda: program.client.get("/api/v1/runtime/status"), lambda found: found.json["connected"])


def labels(**endpoint: str) -> list[str]:
    """Return what asks for endpoints: `_` is a dot, `__` a hyphen."""
    words = {name.replace("__", "-").replace("_", "."): value for name, value in endpoint.items()}
    return [part for name, value in words.items() for part in ("--label", f"tocsin.endpoint.{name}={value}")]


async def run(engine: Engine, name: str, *arguments: str) -> str:
    return await asyncio.to_thread(engine.run, name, *arguments, command=SLEEP)


async def docker(engine: Engine, *arguments: str) -> str:
    return await asyncio.to_thread(engine.docker, *arguments)


async def listed(program: Program, query: str = "") -> list[dict[str, Any]]:
    return list((await program.client.get(f"/api/v1/endpoints{query}")).json["endpoints"])


async def found(
    program: Program, is_right: Callable[[list[dict[str, Any]]], bool], query: str = ""
) -> list[dict[str, Any]]:
    return await until(lambda: listed(program, query), is_right)


async def only(program: Program, **wanted: Any) -> dict[str, Any]:
    """Wait until there is one active endpoint, with these values; return it."""

    def is_right(some: list[dict[str, Any]]) -> bool:
        return len(some) == 1 and all(some[0][key] == value for key, value in wanted.items())

    return (await found(program, is_right))[0]


# --- discovery -------------------------------------------------------------------------------------------------------


async def test_labels_are_discovered_with_their_container(engine: Engine, watching: Program, target: Target):
    compose = ("com.docker.compose.project=shop", "com.docker.compose.service=web")
    more = [part for label in compose for part in ("--label", label)]
    options = labels(http=target.base + "/?token=secret", interval="1m", http_expected__status="200")
    external = await run(engine, "web", *options, *more)

    one = await only(watching, status="up")

    container = (await watching.client.containers())["web"]
    assert (one["source"], one["label_key"], one["external_id"]) == ("label", "endpoint.http", external)
    assert (one["container_id"], one["container_name"], one["host"]) == (container["id"], "web", "local")
    assert (one["orchestration_group"], one["orchestration_unit"]) == ("shop", "web")
    assert (one["config"]["interval"], one["config"]["expected_status"], one["suspended"]) == ("1m0s", "200", False)
    told = watching.seen("endpoint.discovered")
    assert [(event["endpoint_id"], event["container_name"], event["source"]) for event in told] == [
        (one["id"], "web", "label")
    ]
    assert told[0]["target"] == target.base + "/"
    for query, count in (
        ("container=web", 1),
        ("container=we", 0),
        ("orchestration_group=shop", 1),
        ("orchestration_group=other", 0),
        ("source=label", 1),
        ("source=standalone", 0),
    ):
        assert len(await listed(watching, f"?{query}")) == count, query
    mine = (await watching.client.get(f"/api/v1/containers/{container['id']}/endpoints")).json
    assert mine["endpoints"] == [
        {
            name: one[name]
            for name in ("id", "endpoint_type", "target", "status", "last_response_time_ms", "last_check_at")
        }
    ]
    assert (mine["container_id"], mine["total"], mine["has_more"]) == (container["id"], 1, False)


async def test_several_endpoints_of_one_container(engine: Engine, watching: Program, target: Target):
    await run(
        engine,
        "web",
        *labels(**{"http": target.base, "tcp": target.address, "1_http": target.base, "1_tcp": target.address}),
        *labels(**{"1_failure__threshold": "9"}),
    )
    some = await found(watching, lambda every: [one["status"] for one in every] == ["up"] * 4)
    assert [(one["label_key"], one["config"]["failure_threshold"]) for one in some] == [
        ("endpoint.1.http", 9),
        ("endpoint.1.tcp", 9),
        ("endpoint.http", 3),
        ("endpoint.tcp", 3),
    ]
    number = some[0]["container_id"]
    page = (await watching.client.get(f"/api/v1/containers/{number}/endpoints?limit=3&offset=2")).json
    assert ([one["id"] for one in page["endpoints"]], page["total"]) == ([some[2]["id"], some[3]["id"]], 4)


async def test_the_alias_of_labels_is_understood(engine: Engine, watching: Program, target: Target):
    await run(engine, "web", "--label", f"maintenant.endpoint.http={target.base}")
    assert (await only(watching, status="up"))["label_key"] == "endpoint.http"


async def test_a_label_that_cannot_be_used_is_told_and_the_rest_is_watched(
    engine: Engine, watching: Program, target: Target
):
    await run(
        engine,
        "web",
        *labels(**{"http": target.base, "interval": "often", "2_tcp": "nowhere", "http_method": "", "timeout": "1h"}),
    )
    one = await only(watching, status="up")
    assert (one["config"]["interval"], one["config"]["timeout"]) == ("30s", "10s")
    number = one["container_id"]
    problems = {event["label_key"]: event for event in watching.seen("endpoint.config_error")}
    assert sorted(problems) == [
        "tocsin.endpoint.2.tcp",
        "tocsin.endpoint.http.method",
        "tocsin.endpoint.interval",
        "tocsin.endpoint.timeout",
    ]
    event = problems["tocsin.endpoint.2.tcp"]
    assert (event["container_id"], event["container_name"], event["endpoint_id"]) == (number, "web", None)
    assert event["error"].startswith("target must be host:port")
    assert len(watching.seen("endpoint.config_error")) == 4


async def test_an_ignored_container_has_no_endpoints(engine: Engine, watching: Program, target: Target):
    await run(engine, "quiet", *labels(http=target.base), "--label", "tocsin.ignore=true")
    await run(engine, "web", *labels(http=target.base))
    assert (await only(watching, status="up"))["container_name"] == "web"
    assert len(await listed(watching, "?include_inactive=true")) == 1


async def test_a_container_that_is_made_anew_to_be_ignored_loses_its_endpoints(
    engine: Engine, watching: Program, target: Target
):
    await run(engine, "web", *labels(http=target.base))
    one = await only(watching, status="up")
    await docker(engine, "rm", "-f", "web")
    await run(engine, "web", *labels(http=target.base), "--label", "tocsin.ignore=1")
    await found(watching, lambda some: some == [])
    told = watching.seen("endpoint.removed")
    assert [(event["endpoint_id"], event["reason"]) for event in told] == [(one["id"], "label_removed")]


async def test_a_label_cannot_lead_where_nobody_may_go(engine: Engine, watching: Program):
    await run(engine, "web", *labels(http="http://169.254.169.254/"))
    one = await only(watching, status="unknown")
    await until(lambda: shown(watching, one["id"]), lambda now: now["last_error"] is not None)
    after = await check(watching, one["id"])
    assert (after["status"], after["http_status"]) == ("unknown", None)


# --- what labels own belongs to labels -------------------------------------------------------------------------------


async def test_an_endpoint_of_labels_is_changed_by_its_labels_only(engine: Engine, watching: Program, target: Target):
    await run(engine, "web", *labels(http=target.base))
    one = await only(watching, status="up")
    assert error(await put(watching, one["id"], {"name": "x"})) == (409, "not_standalone", None)
    assert error(await watching.client.delete(f"/api/v1/endpoints/{one['id']}")) == (409, "not_standalone", None)


async def test_it_can_be_paused_though_and_stays_so_when_its_container_starts_again(
    engine: Engine, watching: Program, target: Target
):
    await run(engine, "web", *labels(http=target.base))
    one = await only(watching, status="up")
    assert (await watching.client.post(f"/api/v1/endpoints/{one['id']}/pause")).status == 200
    await docker(engine, "restart", "-t", "0", "web")
    await until(
        lambda: shown(watching, one["id"]), lambda now: watching.seen("container.state_changed", state="running")[1:]
    )
    asked = len(target.requests)
    now = await only(watching, suspended=False)
    assert (now["paused"], now["status"], len(target.requests)) == (True, "unknown", asked)
    assert error(await watching.client.post(f"/api/v1/endpoints/{one['id']}/check"))[1] == "invalid_input"


def _has_started_again(program: Program) -> bool:
    """Say whether the endpoint was suspended after it was paused, and goes on."""
    told = [event["suspended"] for event in program.seen("endpoint.updated", paused=True)]
    return True in told and told[-1] is False


# --- stopping and starting -------------------------------------------------------------------------------------------


async def test_a_stopped_container_is_not_asked_and_its_alert_ends(engine: Engine, watching: Program):
    async with serve(answer(status=500)) as target:
        await run(engine, "web", *labels(http=target.base, failure__threshold="1"))
        one = await only(watching, status="down", alert_state="alerting")

        await docker(engine, "stop", "-t", "0", "web")

        after = await only(watching, suspended=True)
        assert (after["id"], after["status"], after["alert_state"]) == (one["id"], "unknown", "normal")
        assert (after["last_error"], after["next_check_at"], after["active"]) == ("container stopped", None, True)
        assert [(alert["status"], alert["resolution"]) for alert in await alerts(watching)] == [
            ("resolved", "entity_stopped")
        ]
        assert error(await watching.client.post(f"/api/v1/endpoints/{one['id']}/check")) == (400, "invalid_input", None)
        changes = watching.seen("endpoint.status_changed", endpoint_id=one["id"])
        assert [(event["new_status"], event["error"]) for event in changes][-1] == ("unknown", "container stopped")
        assert watching.seen("endpoint.updated")[-1]["suspended"] is True
        asked = len(target.requests)

        await docker(engine, "start", "web")

        again = await only(watching, status="down", suspended=False)
        assert again["id"] == one["id"]
        assert len(target.requests) > asked
        assert [alert["status"] for alert in await alerts(watching)] == ["active", "resolved"]
        assert len(watching.seen("endpoint.discovered")) == 1


async def test_a_signal_that_ends_nothing_changes_nothing(engine: Engine, watching: Program, target: Target):
    script = ("sh", "-c", "trap 'echo reload' HUP; while :; do sleep 0.1; done")
    await asyncio.to_thread(engine.run, "web", *labels(http=target.base), command=script)
    one = await only(watching, status="up")
    before = watching.seen("endpoint.updated", endpoint_id=one["id"])
    await docker(engine, "kill", "-s", "HUP", "web")
    await run(engine, "later", *labels(http=target.base))  # an event that comes after the signal
    await found(watching, lambda some: [other["status"] for other in some] == ["up", "up"])
    assert (await shown(watching, one["id"]))["status"] == "up"
    assert watching.seen("endpoint.updated", endpoint_id=one["id"]) == before


async def test_containers_that_do_not_run_at_a_start_are_not_asked(engine: Engine, watch: Watch, target: Target):
    await run(engine, "web", *labels(http=target.base))
    await docker(engine, "stop", "-t", "0", "web")
    async with watch() as program:
        one = await only(program, suspended=True)
        assert (one["status"], one["last_check_at"]) == ("unknown", None)
        await asyncio.sleep(0.3)  # it would have been asked by now
        assert target.requests == []
    async with watch() as program:
        await connected(program)
        assert (await only(program, suspended=True))["id"] == one["id"]
        assert target.requests == []
        await docker(engine, "start", "web")
        assert (await only(program, status="up"))["id"] == one["id"]


async def test_what_happens_while_nobody_looks_is_made_up_for(engine: Engine, watch: Watch, target: Target):
    await run(engine, "stays", *labels(http=target.base))
    await run(engine, "stops", *labels(http=target.base))
    async with watch() as program:
        before = await found(program, lambda some: [one["status"] for one in some] == ["up", "up"])
    await docker(engine, "stop", "-t", "0", "stops")
    async with watch() as program:
        after = await found(program, lambda some: [one["suspended"] for one in some] == [False, True])
        assert [one["id"] for one in after] == [one["id"] for one in before]
        assert program.seen("endpoint.discovered") == []


# --- made anew -------------------------------------------------------------------------------------------------------


async def test_a_container_that_is_made_anew_keeps_id_and_history(engine: Engine, watching: Program, target: Target):
    first = await run(engine, "web", *labels(http=target.base))
    one = await only(watching, status="up", external_id=first)
    await check(watching, one["id"], 4)
    await until(lambda: checks(watching, one["id"]), lambda page: page["total"] == 5)

    await docker(engine, "rm", "-f", "web")
    await only(watching, suspended=True)
    second = await run(engine, "web", *labels(http=target.base))

    again = await only(watching, status="up", external_id=second)
    assert (again["id"], again["first_seen_at"], again["badge_key"]) == (
        one["id"],
        one["first_seen_at"],
        one["badge_key"],
    )
    assert (await checks(watching, one["id"]))["total"] >= 6
    assert watching.seen("endpoint.removed") == []


async def test_other_labels_hold_once_a_container_is_made_anew(engine: Engine, watching: Program, target: Target):
    await run(engine, "web", *labels(http=target.base + "/a", http_headers="X-Token=first"))
    one = await only(watching, status="up")
    assert target.requests[-1].header("X-Token") == "first"
    await docker(engine, "rm", "-f", "web")
    await run(engine, "web", *labels(http=target.base + "/b", http_headers="X-Token=second", interval="45s"))
    again = await only(watching, status="up", target=target.base + "/b")
    assert (again["id"], again["config"]["interval"]) == (one["id"], "45s")
    await check(watching, one["id"])
    assert (target.requests[-1].path, target.requests[-1].header("X-Token")) == ("/b", "second")


async def test_another_value_of_a_header_holds_once_a_container_is_made_anew(
    engine: Engine, watching: Program, target: Target
):
    await run(engine, "web", *labels(http=target.base, http_headers="X-Token=first"))
    one = await only(watching, status="up")
    await docker(engine, "rm", "-f", "web")
    await run(engine, "web", *labels(http=target.base, http_headers="X-Token=second"))
    await until(lambda: only(watching), lambda now: now["external_id"] != one["external_id"] and not now["suspended"])
    await check(watching, one["id"])
    assert target.requests[-1].header("X-Token") == "second"


async def test_a_restart_of_the_program_changes_nothing(engine: Engine, watch: Watch, target: Target):
    await run(engine, "web", *labels(http=target.base, http_headers="X-Token=secret"))
    async with watch() as program:
        one = await only(program, status="up")
    async with watch() as program:
        await connected(program)
        await check(program, one["id"])
        assert target.requests[-1].header("X-Token") == "secret"
        for event in ("endpoint.discovered", "endpoint.updated", "endpoint.status_changed", "endpoint.removed"):
            assert program.seen(event) == [], event


# --- gone ------------------------------------------------------------------------------------------------------------


async def test_an_endpoint_whose_label_is_gone_is_put_away_and_comes_back_with_it(engine: Engine, watching: Program):
    async with serve(in_turn(answer(status=500))) as target:
        await run(engine, "web", *labels(http=target.base, failure__threshold="1"))
        one = await only(watching, alert_state="alerting")
        await docker(engine, "rm", "-f", "web")
        await run(engine, "web")

        await found(watching, lambda some: some == [])

        told = watching.seen("endpoint.removed")
        assert [(event["endpoint_id"], event["reason"]) for event in told] == [(one["id"], "label_removed")]
        away = (await listed(watching, "?include_inactive=true"))[0]
        assert (away["id"], away["active"], away["status"], away["alert_state"]) == (
            one["id"],
            False,
            "unknown",
            "normal",
        )
        assert {alert["status"] for alert in await alerts(watching)} == {"resolved"}
        assert (await checks(watching, one["id"]))["total"] > 0
        for action in ("pause", "resume", "check"):
            refused = await watching.client.post(f"/api/v1/endpoints/{one['id']}/{action}")
            assert error(refused) == (404, "not_found", None)
        assert (await watching.client.get("/api/v1/dashboard/sparklines")).json == {}

        await docker(engine, "rm", "-f", "web")
        await run(engine, "web", *labels(http=target.base, failure__threshold="1"))

        assert (await only(watching, status="down"))["id"] == one["id"]
        assert [event["endpoint_id"] for event in watching.seen("endpoint.discovered")] == [one["id"]] * 2


async def test_an_endpoint_goes_with_its_container(engine: Engine, watch: Watch):
    async with watch(TOCSIN_ARCHIVE_AFTER="1s") as program, serve(answer(status=500)) as target:
        await connected(program)
        await run(engine, "web", *labels(http=target.base, failure__threshold="1"))
        one = await only(program, alert_state="alerting")
        await docker(engine, "rm", "-f", "web")
        await found(program, lambda some: some == [])
        told = program.seen("endpoint.removed")
        assert [(event["endpoint_id"], event["reason"]) for event in told] == [(one["id"], "container_destroyed")]
        assert {alert["status"] for alert in await alerts(program)} == {"resolved"}


async def test_an_endpoint_goes_when_its_stopped_container_is_deleted_here(
    engine: Engine, watching: Program, target: Target
):
    await run(engine, "web", *labels(http=target.base))
    one = await only(watching, status="up")
    await docker(engine, "stop", "-t", "0", "web")
    await only(watching, suspended=True)
    assert (await watching.client.delete(f"/api/v1/containers/{one['container_id']}")).status == 204
    await found(watching, lambda some: some == [])
    told = watching.seen("endpoint.removed")
    assert [(event["endpoint_id"], event["reason"]) for event in told] == [(one["id"], "container_destroyed")]
    assert (await shown(watching, one["id"]))["active"] is False


# --- alerts ----------------------------------------------------------------------------------------------------------


async def test_alerts_carry_the_container_its_group_and_its_channels(engine: Engine, watching: Program):
    with refusing_port() as port:
        own = ("--label", "tocsin.group=lab", "--label", "tocsin.alert.channels=ops, pager")
        await run(engine, "web", *labels(tcp=f"127.0.0.1:{port}", failure__threshold="1"), *own)
        one = await only(watching, alert_state="alerting")
    alert = (await alerts(watching))[0]
    assert (alert["entity_name"], alert["entity_id"], alert["group"]) == ("web", one["id"], "lab")
    stored = await watching.tocsin.db.read(lambda read: _subject(read, alert["id"]))
    assert stored.channels == "ops, pager"
    assert stored.parents[-1] == f"container:{one['container_id']}"


def _subject(read: Any, number: int) -> Any:
    from tocsin.alerts import store

    found_alert = store.find(read, number)
    assert found_alert is not None
    return found_alert.subject
