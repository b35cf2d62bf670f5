"""The routes of endpoints: what they answer when all is well, and each way in which it is not."""

import asyncio
import itertools
from typing import Any

import pytest

from conftest import Start
from integration.endpoints.conftest import ALLOWED, alerts, check, checks, error, make, post, put, shown, stored
from support.behaviours import answer, banner, in_turn, redirect, redirects, routes
from support.nameserver import nameserver
from support.pki import Authority
from support.program import Program, until
from support.targets import refusing_port, serve
from tocsin.core.clock import to_ms
from tocsin.core.secrets import MASK

ROUTES = [
    ("GET", ""),
    ("PUT", ""),
    ("DELETE", ""),
    ("POST", "/pause"),
    ("POST", "/resume"),
    ("POST", "/check"),
    ("GET", "/checks"),
    ("GET", "/uptime/daily"),
    ("GET", "/response-times"),
]
BAD_QUERIES = [
    ("?status=fine", "status"),
    ("?type=ftp", "type"),
    ("?source=api", "source"),
    ("?include_inactive=perhaps", "include_inactive"),
    ("?limit=0", "limit"),
    ("?limit=501", "limit"),
    ("?limit=x", "limit"),
    ("?offset=-1", "offset"),
    ("/1/checks?since=yesterday", "since"),
    ("/1/checks?limit=501", "limit"),
    ("/1/checks?offset=x", "offset"),
    ("/1/uptime/daily?days=0", "days"),
    ("/1/uptime/daily?days=366", "days"),
    ("/1/uptime/daily?days=x", "days"),
    ("/1/response-times?range=2h", "range"),
]
NO_ENDPOINTS: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": "   "}, "name"),
    ({"name": "x" * 256}, "name"),
    ({"name": "a\nb"}, "name"),
    ({"name": 3}, "name"),
    ({"target": ""}, "target"),
    ({"target": "/health"}, "target"),
    ({"target": "ftp://web.test/"}, "target"),
    ({"target": "http://user:pw@web.test/"}, "target"),
    ({"target": "db.test", "endpoint_type": "tcp"}, "target"),
    ({"target": "db.test:0", "endpoint_type": "tcp"}, "target"),
    ({"target": "db.test:65536", "endpoint_type": "tcp"}, "target"),
    ({"endpoint_type": "ftp"}, "endpoint_type"),
    ({"interval": "4s"}, "interval"),
    ({"interval": "25h"}, "interval"),
    ({"interval": 30}, "interval"),
    ({"interval": "5s", "timeout": "10s"}, "timeout"),
    ({"timeout": "500ms"}, "timeout"),
    ({"timeout": "61s"}, "timeout"),
    ({"method": "TRACE"}, "method"),
    ({"failure_threshold": 0}, "failure_threshold"),
    ({"failure_threshold": "3"}, "failure_threshold"),
    ({"recovery_threshold": 101}, "recovery_threshold"),
    ({"expected_status": "ok"}, "expected_status"),
    ({"max_redirects": 11}, "max_redirects"),
    ({"tls_verify": "yes"}, "tls_verify"),
    ({"headers": {"X A": "1"}}, "headers"),
    ({"headers": {"X-A": "1\r\nX-B: 2"}}, "headers"),
    ({"headers": {"X-A": MASK}}, "headers"),
    ({"headers": None}, "headers"),
    ({"body_matches": "("}, "body_matches"),
    ({"json_equals": "ok"}, "json_path"),
    ({"certificate_days": -1}, "certificate_days"),
    ({"colour": "red"}, "colour"),
    ({"id": 3}, "id"),
]
NO_CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"name": "x" * 256}, "name"),
    ({"target": "/health"}, "target"),
    ({"endpoint_type": "tcp"}, "target"),
    ({"interval": "1s"}, "interval"),
    ({"interval": "1m", "timeout": "1m1s"}, "timeout"),
    ({"timeout": "61s"}, "timeout"),
    ({"expected_status": "nine"}, "expected_status"),
    ({"method": "LOOK"}, "method"),
    ({"colour": "red"}, "colour"),
    ({"source": "label"}, "source"),
]
NO_TRIALS: list[tuple[dict[str, Any], tuple[int, str, Any]]] = [
    ({"target": "web"}, (400, "invalid_input", "target")),
    ({"endpoint_type": "x"}, (400, "invalid_input", "endpoint_type")),
    ({"timeout": "2m"}, (400, "invalid_input", "timeout")),
    ({"headers": {"X-A": MASK}}, (400, "invalid_input", "headers")),
    ({"endpoint_id": 999}, (400, "invalid_input", "endpoint_id")),
    ({"name": "x"}, (400, "invalid_input", "name")),
]
FORBIDDEN = [
    "http://127.0.0.1/",
    "http://localhost/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://0.0.0.0/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::7f00:1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    "http://224.0.0.1/",
]


async def listed(program: Program, query: str = "") -> list[Any]:
    found = await program.client.get(f"/api/v1/endpoints{query}")
    assert found.status == 200, found.body
    return [endpoint["name"] for endpoint in found.json["endpoints"]]


# --- all of them -----------------------------------------------------------------------------------------------------


async def test_an_endpoint_that_does_not_exist_is_not_found(plain: Program):
    for method, path in ROUTES:
        body = {"name": "x"} if method == "PUT" else None
        found = await plain.client.request(method, f"/api/v1/endpoints/999{path}", json_body=body)
        assert error(found) == (404, "not_found", None), path


async def test_an_id_that_is_none_is_refused(plain: Program):
    for (method, path), number in itertools.product(ROUTES, ("x", "0", "-1", "1.5", "9223372036854775808")):
        body = {"name": "x"} if method == "PUT" else None
        found = await plain.client.request(method, f"/api/v1/endpoints/{number}{path}", json_body=body)
        assert error(found) == (400, "invalid_id", "endpoint_id"), (path, number)


async def test_without_credentials_there_is_no_answer(plain: Program):
    several = [("GET", ""), ("POST", ""), ("POST", "/try")]
    for method, path in [*((method, f"/1{path}") for method, path in ROUTES), *several]:
        found = await plain.client.request(method, f"/api/v1/endpoints{path}", token=None)
        assert error(found)[:2] == (401, "unauthorized"), path


async def test_a_query_value_that_cannot_be_understood_is_refused(plain: Program):
    for query, field in BAD_QUERIES:
        assert error(await plain.client.get(f"/api/v1/endpoints{query}")) == (400, "invalid_param", field), query


# --- creating --------------------------------------------------------------------------------------------------------


async def test_a_new_endpoint_is_shown_whole_and_checked_at_once(looking: Program):
    async with serve(answer()) as target:
        made = await post(looking, target.base + "/health?token=1", name="  Shop ", interval="1m", timeout="10s")

        assert made.status == 201
        assert made.json.keys() == {"endpoint"}
        found = made.json["endpoint"]
        key = found["label_key"]
        assert (found["name"], found["source"], found["container_name"], found["external_id"]) == (
            "Shop",
            "standalone",
            "",
            key,
        )
        assert (found["status"], found["alert_state"], found["active"]) == ("unknown", "normal", True)
        assert (found["consecutive_failures"], found["consecutive_successes"]) == (0, 0)
        assert (found["config"]["interval"], found["config"]["expected_status"]) == ("1m0s", "2xx")
        assert looking.seen("endpoint.discovered")[0] == {
            "type": "endpoint.discovered",
            "endpoint_id": found["id"],
            "container_name": "",
            "target": target.base + "/health",
            "endpoint_type": "http",
            "source": "standalone",
            "name": "Shop",
            "timestamp": found["first_seen_at"],
        }
        up = await until(lambda: shown(looking, found["id"]), lambda now: now["status"] == "up")
        assert (up["last_http_status"], up["last_error"], up["consecutive_successes"]) == (200, None, 1)
        assert up["next_check_at"] is not None
        assert target.requests[0].path == "/health?token=1"
        assert target.requests[0].method == "GET"


async def test_every_setting_comes_back_as_it_was_given_and_is_used(looking: Program):
    async with serve(answer(b'{"status": "ok"} fine v1', 201, {"X-Up": "yes"})) as target:
        given: dict[str, Any] = {
            "interval": "2m0s",
            "timeout": "3s",
            "failure_threshold": 4,
            "recovery_threshold": 5,
            "degraded_after": "30s",
            "method": "POST",
            "expected_status": "201",
            "tls_verify": False,
            "headers": {"Authorization": "Bearer secret", "X-A": "1"},
            "body": '{"ping": true}',
            "max_redirects": 0,
            "body_contains": "fine",
            "body_not_contains": "error",
            "body_matches": "v[0-9]",
            "header_name": "X-Up",
            "header_contains": "yes",
            "record_type": "MX",
            "resolver": "10.0.0.1",
        }
        made = await make(looking, target.base, **given)

        assert {name: made["config"][name] for name in given} == {
            **given,
            "headers": dict.fromkeys(given["headers"], MASK),
        }
        assert (made["status"], made["last_error"]) == ("up", None)
        request = target.requests[0]
        assert (request.method, request.body, request.header("Authorization")) == (
            "POST",
            b'{"ping": true}',
            "Bearer secret",
        )
        everything = (await looking.client.get("/api/v1/endpoints")).body
        everything += (await looking.client.get("/api/v1/audit")).body
        everything += (await looking.client.get("/api/v1/events")).body
        assert b"secret" not in everything


async def test_other_kinds_of_endpoints_are_checked(looking: Program):
    records = {("web.test", "A"): ["192.0.2.7"]}
    greeting = banner(b"hello\r\n", {b"PING\r\n": b"PONG\r\n"})
    async with serve(greeting) as target, nameserver(records) as names:
        tcp = await make(looking, target.address, name="tcp", send="PING\\r\\n", expect="PONG")
        dns = await make(
            looking, "web.test", name="dns", endpoint_type="dns", resolver=names.address, record_contains="192.0.2."
        )
        ping = await make(looking, "127.0.0.1", name="ping", endpoint_type="icmp")
    assert [(one["status"], one["last_http_status"]) for one in (tcp, dns)] == [("up", None)] * 2
    assert ping["status"] in {"up", "unknown"}  # not every machine lets people ping


async def test_what_cannot_be_an_endpoint_is_refused_with_its_field(plain: Program):
    for body, field in NO_ENDPOINTS:
        known = {"name": "web", "target": "http://web.test/", "endpoint_type": "http"}
        found = await plain.client.post("/api/v1/endpoints", {**known, **body})
        assert error(found) == (400, "invalid_input", field), body
    assert await listed(plain) == []


@pytest.mark.parametrize("missing", ["name", "target", "endpoint_type"])
async def test_what_must_be_said_is_asked_for(plain: Program, missing: str):
    body = {"name": "web", "target": "http://web.test/", "endpoint_type": "http"}
    del body[missing]
    assert error(await plain.client.post("/api/v1/endpoints", body)) == (400, "invalid_input", missing)


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_body_that_is_no_json_is_refused(plain: Program, method: str):
    path = "/api/v1/endpoints" + ("/1" if method == "PUT" else "")
    headers = {"Content-Type": "application/json"}
    for data in ("{", "", b"\xff"):
        assert error(await plain.client.request(method, path, data=data, headers=headers)) == (
            400,
            "invalid_json",
            None,
        )
    found = await plain.client.request(method, path, data="{}", headers={"Content-Type": "text/plain"})
    assert error(found)[:2] == (415, "unsupported_media_type")


async def test_targets_that_nobody_may_reach_through_us_are_forbidden(program: Program):
    for target in FORBIDDEN:
        assert error(await post(program, target)) == (400, "target_forbidden", "target"), target
        trial = {"target": target, "endpoint_type": "http"}
        tried = await program.client.post("/api/v1/endpoints/try", trial)
        assert error(tried) == (400, "target_forbidden", "target"), target
    assert await listed(program) == []


async def test_what_is_allowed_by_name_does_not_allow_the_rest(plain: Program):
    for target in ("http://169.254.169.254/", "http://127.0.0.2/", "http://[::ffff:127.0.0.2]/"):
        assert error(await post(plain, target)) == (400, "target_forbidden", "target")
    for target in ("127.0.0.2:80", "[::ffff:169.254.169.254]:80"):
        assert error(await post(plain, target)) == (400, "target_forbidden", "target")
    for kind in ("dns", "icmp"):
        found = await post(plain, "169.254.169.254", endpoint_type=kind)
        if kind == "icmp":
            assert error(found) == (400, "target_forbidden", "target")


async def test_a_redirect_to_where_nobody_may_go_is_not_followed(plain: Program):
    async with serve(redirect("http://169.254.169.254/latest/meta-data/")) as target:
        made = await make(plain, target.base)
    assert made["status"] == "unknown"
    assert made["last_error"]
    assert made["consecutive_failures"] == 0


async def test_a_name_that_does_not_exist_yet_is_taken_and_down(plain: Program):
    found = await post(plain, "http://nowhere.invalid/")
    assert found.status == 201


# --- listing ---------------------------------------------------------------------------------------------------------


async def test_the_list_filters(looking: Program):
    async with serve(answer()) as target:
        with refusing_port() as port:
            await make(looking, target.base, name="shop")
            await make(looking, target.address, name="database")
            await make(looking, f"127.0.0.1:{port}", name="cache")

            assert await listed(looking) == ["cache", "database", "shop"]
            for query, names in (
                ("status=up", ["database", "shop"]),
                ("status=down", ["cache"]),
                ("status=degraded", []),
                ("status=unknown", []),
                ("type=http", ["shop"]),
                ("type=tcp", ["cache", "database"]),
                ("type=tcp&status=up", ["database"]),
                ("source=standalone", ["cache", "database", "shop"]),
                ("source=label", []),
                ("container=shop", []),
                ("orchestration_group=shop", []),
                ("include_inactive=true", ["cache", "database", "shop"]),
                ("search=SHO", ["shop"]),
                (f"search={port}", ["cache"]),
            ):
                assert await listed(looking, f"?{query}") == names, query


async def test_the_list_pages(looking: Program):
    async with serve(answer()) as target:
        for number in range(5):
            await make(looking, target.base, name=f"web-{number}")
    seen: list[str] = []
    for offset, more in ((0, True), (2, True), (4, False), (6, False)):
        page = (await looking.client.get(f"/api/v1/endpoints?limit=2&offset={offset}")).json
        assert (page["total"], page["has_more"]) == (5, more)
        seen += [endpoint["name"] for endpoint in page["endpoints"]]
    assert seen == [f"web-{number}" for number in range(5)]


async def test_an_empty_list_is_a_list(looking: Program):
    assert (await looking.client.get("/api/v1/endpoints")).json == {"endpoints": [], "total": 0, "has_more": False}
    assert (await looking.client.get("/api/v1/dashboard/sparklines")).json == {}


async def test_one_endpoint_has_its_uptime(looking: Program):
    async with serve(in_turn(answer(), answer(), answer(status=500))) as target:
        made = await make(looking, target.base)
        await check(looking, made["id"], 2)
        await stored(looking, made["id"], 3)
        found = (await looking.client.get(f"/api/v1/endpoints/{made['id']}")).json
    assert found.keys() == {"endpoint", "uptime"}
    assert found["uptime"] == dict.fromkeys(("1h", "24h", "7d", "30d", "90d"), 66.67)


async def test_an_endpoint_without_checks_has_no_uptime(looking: Program):
    async with serve(answer()) as target:
        made = await make(looking, target.base)
        number = made["id"]
        await stored(looking, number, 1)
        await looking.tocsin.db.write(lambda tx: _forget_checks(tx, number))
    found = (await looking.client.get(f"/api/v1/endpoints/{number}")).json
    assert found["uptime"] == dict.fromkeys(("1h", "24h", "7d", "30d", "90d"))


def _forget_checks(tx: Any, number: int) -> None:
    from tocsin.endpoints import history_store

    history_store.delete_history(tx, number, [])


# --- changing --------------------------------------------------------------------------------------------------------


async def test_a_change_keeps_what_it_does_not_mention(looking: Program):
    async with serve(answer()) as target:
        made = await make(looking, target.base, failure_threshold=7, headers={"X-A": "secret"}, body_contains="")

        found = await put(looking, made["id"], {"name": "new", "interval": "", "method": " ", "target": ""})

        assert found.status == 200
        after = found.json["endpoint"]
        changing = {"name", "last_seen_at", "next_check_at"}
        now = {key: value for key, value in after.items() if key not in changing}
        assert now == {key: value for key, value in made.items() if key not in changing}
        assert after["name"] == "new"
        told = looking.seen("endpoint.updated", endpoint_id=made["id"])
        assert [(event["name"], event["paused"], event["suspended"]) for event in told] == [("new", False, False)]


async def test_a_change_that_changes_nothing_says_nothing(looking: Program):
    async with serve(answer()) as target:
        made = await make(looking, target.base, headers={"X-A": "secret"})
        same = {"name": "web", "interval": "24h0m0s", "headers": {"X-A": MASK}, "method": "get"}
        assert (await put(looking, made["id"], same)).status == 200
        assert looking.seen("endpoint.updated") == []


async def test_masked_headers_stay_and_others_are_replaced(looking: Program):
    async with serve(answer()) as target:
        made = await make(looking, target.base, headers={"Authorization": "first", "X-A": "1", "X-B": "2"})
        after = await put(looking, made["id"], {"headers": {"Authorization": MASK, "X-B": "3"}})
        assert after.json["endpoint"]["config"]["headers"] == {"Authorization": MASK, "X-B": MASK}
        await check(looking, made["id"])
        request = target.requests[-1]
        assert [request.header(name) for name in ("Authorization", "X-A", "X-B")] == ["first", None, "3"]
        assert error(await put(looking, made["id"], {"headers": {"X-New": MASK}})) == (400, "invalid_input", "headers")


async def test_changed_settings_hold_at_once(looking: Program):
    async with serve(routes({"/a": answer(), "/b": answer(status=204)})) as target:
        made = await make(looking, target.base + "/a")
        await put(looking, made["id"], {"target": target.base + "/b", "expected_status": "204", "method": "HEAD"})
        await until(lambda: shown(looking, made["id"]), lambda found: found["last_http_status"] == 204)
        assert (target.requests[-1].method, target.requests[-1].path) == ("HEAD", "/b")
        assert (await shown(looking, made["id"]))["status"] == "up"


async def test_a_change_is_held_to_the_same_rules(plain: Program):
    async with serve(answer()) as target:
        made = await make(plain, target.base)
        for body, field in NO_CHANGES:
            assert error(await put(plain, made["id"], body)) == (400, "invalid_input", field), body
        assert (await shown(plain, made["id"]))["config"] == made["config"]


async def test_a_change_cannot_lead_to_a_forbidden_target(plain: Program):
    async with serve(answer()) as target:
        made = await make(plain, target.base)
        found = await put(plain, made["id"], {"target": "http://169.254.169.254/"})
        assert error(found) == (400, "target_forbidden", "target")
        assert (await shown(plain, made["id"]))["target"] == target.base


async def test_changes_at_the_same_time_all_hold(looking: Program):
    async with serve(answer()) as target:
        made = await make(looking, target.base)
        changes = [{"failure_threshold": 9}, {"recovery_threshold": 8}, {"max_redirects": 7}, {"interval": "1h"}]
        answers = await asyncio.gather(*(put(looking, made["id"], change) for change in changes))
        assert {found.status for found in answers} == {200}
        config = (await shown(looking, made["id"]))["config"]
        wanted = (9, 8, 7, "1h0m0s")
        names = ("failure_threshold", "recovery_threshold", "max_redirects", "interval")
        assert tuple(config[name] for name in names) == wanted


async def test_the_newest_change_holds_however_slowly_an_older_one_is_read(
    plain: Program, monkeypatch: pytest.MonkeyPatch
):
    db = plain.tocsin.db
    read, is_slow = db.read, True

    async def first_is_slow(work: Any) -> Any:
        nonlocal is_slow
        found = await read(work)
        if is_slow and isinstance(found, list):  # what was stored after a change
            is_slow = False
            await asyncio.sleep(0.3)
        return found

    async with serve(answer()) as target:
        made = await make(plain, target.base)
        monkeypatch.setattr(db, "read", first_is_slow)
        slow = asyncio.create_task(put(plain, made["id"], {"name": "older"}))
        await until(_names(plain, "endpoint.updated"), lambda names: names == ["older"])
        await put(plain, made["id"], {"name": "newer"})
        await slow
        assert is_slow is False
        assert await listed(plain) == ["newer"]


def _names(program: Program, event_type: str) -> Any:
    async def look() -> list[Any]:
        return [event["name"] for event in program.seen(event_type)]

    return look


# --- deleting --------------------------------------------------------------------------------------------------------


async def test_a_deleted_endpoint_is_gone_with_its_history_and_its_alert(looking: Program):
    async with serve(answer(status=500)) as target:
        made = await make(looking, target.base, failure_threshold=1)
        assert [alert["status"] for alert in await alerts(looking)] == ["active"]
        other = await make(looking, target.base, name="other")

        assert (await looking.client.delete(f"/api/v1/endpoints/{made['id']}")).status == 204

        for path in ("", "/checks", "/uptime/daily", "/response-times"):
            assert error(await looking.client.get(f"/api/v1/endpoints/{made['id']}{path}")) == (404, "not_found", None)
        assert error(await looking.client.delete(f"/api/v1/endpoints/{made['id']}")) == (404, "not_found", None)
        assert await listed(looking, "?include_inactive=true") == ["other"]
        assert [(alert["status"], alert["resolution"]) for alert in await alerts(looking)] == [
            ("resolved", "entity_removed")
        ]
        told = looking.seen("endpoint.removed")
        assert [(event["endpoint_id"], event["reason"]) for event in told] == [(made["id"], "user_deleted")]
        await stored(looking, other["id"], 1)
        rows = await looking.tocsin.db.read(_endpoints_with_history)
        assert rows == {other["id"]}


async def test_checks_that_wait_to_be_written_go_with_their_endpoint(looking: Program, monkeypatch: pytest.MonkeyPatch):
    async with serve(answer()) as target:
        made = await make(looking, target.base)
        await check(looking, made["id"], 3)
        assert (await looking.client.delete(f"/api/v1/endpoints/{made['id']}")).status == 204
        await looking.tocsin.checker.flush()
    assert await looking.tocsin.db.read(_endpoints_with_history) == set()


def _endpoints_with_history(read: Any) -> set[int]:
    from sqlalchemy import select

    from tocsin.endpoints import tables

    found: set[int] = set()
    for table in (tables.checks, tables.blocks, tables.hours, tables.days):
        found |= set(read.execute(select(table.c.endpoint_id)).scalars())
    return found


async def test_an_automatic_certificate_goes_with_its_endpoint(start: Start, tmp_path: Any):
    authority = Authority()
    file = authority.write(tmp_path)
    async with (
        serve(answer(), tls=authority.good("localhost", "127.0.0.1")) as target,
        start(**ALLOWED, TOCSIN_CA_FILE=str(file)) as program,
    ):
        made = await make(program, target.base)
        assert made["status"] == "up"

        async def certificates() -> list[Any]:
            found = (await program.client.get("/api/v1/certificates")).json["certificates"]
            return [(one["port"], one["source"]) for one in found]

        await until(certificates, lambda found: found == [(target.port, "auto")])
        await program.client.delete(f"/api/v1/endpoints/{made['id']}")
        await until(certificates, lambda found: found == [])


# --- pausing ---------------------------------------------------------------------------------------------------------


async def test_a_paused_endpoint_is_not_checked_and_rings_no_more(looking: Program):
    async with serve(answer(status=500)) as target:
        made = await make(looking, target.base, failure_threshold=1)
        path = f"/api/v1/endpoints/{made['id']}"

        paused = await looking.client.post(f"{path}/pause")

        found = paused.json["endpoint"]
        assert (paused.status, found["paused"], found["status"]) == (200, True, "unknown")
        assert (found["alert_state"], found["consecutive_failures"], found["next_check_at"]) == ("normal", 0, None)
        assert found["paused_at"] is not None
        assert [(alert["status"], alert["resolution"]) for alert in await alerts(looking)] == [
            ("resolved", "entity_paused")
        ]
        assert error(await looking.client.post(f"{path}/check")) == (400, "invalid_input", None)
        again = await looking.client.post(f"{path}/pause")
        assert (again.status, again.json["endpoint"]["paused_at"]) == (200, found["paused_at"])
        assert len(looking.seen("endpoint.updated", paused=True)) == 1
        asked = len(target.requests)

        resumed = await looking.client.post(f"{path}/resume")

        assert (resumed.status, resumed.json["endpoint"]["paused"]) == (200, False)
        await until(lambda: shown(looking, made["id"]), lambda now: now["status"] == "down")
        assert len(target.requests) > asked
        assert (await looking.client.post(f"{path}/resume")).status == 200
        assert len(looking.seen("endpoint.updated", paused=False)) == 1
        assert [alert["status"] for alert in await alerts(looking)] == ["active", "resolved"]


# --- looking now -----------------------------------------------------------------------------------------------------


async def test_checking_now_answers_what_was_found_and_keeps_it(looking: Program):
    async with serve(in_turn(answer(), answer(status=503))) as target:
        made = await make(looking, target.base)
        found = await check(looking, made["id"])
        assert (found["success"], found["status"], found["http_status"]) == (False, "down", 503)
        assert found["error_message"] == "unexpected status code 503, expected 2xx"
        assert found["phases"]["total_ms"] >= found["phases"]["connect_ms"] >= 0
        assert (await stored(looking, made["id"], 2))[0] == found
        now = await shown(looking, made["id"])
        assert (now["status"], now["last_check_at"]) == ("down", found["timestamp"])


async def test_a_failure_counts_only_if_it_is_still_there_a_moment_later(plain: Program):
    async with serve(in_turn(answer(), answer(status=500), answer())) as target:
        made = await make(plain, target.base)
        found = await check(plain, made["id"])
        assert (found["success"], len(target.requests)) == (True, 3)


async def test_checks_asked_for_at_once_come_one_after_the_other(looking: Program):
    async with serve(answer()) as target:
        made = await make(looking, target.base)
        await asyncio.gather(*(check(looking, made["id"]) for _ in range(8)))
        found = await stored(looking, made["id"], 9)
        assert len({one["id"] for one in found}) == 9
        assert (await shown(looking, made["id"]))["consecutive_successes"] == 9


# --- trying ----------------------------------------------------------------------------------------------------------


async def test_trying_keeps_nothing(plain: Program):
    async with serve(answer(b"all broken", 500, {"X-Kind": "test", "Set-Cookie": "session=secret"})) as target:
        body = {"target": target.base, "endpoint_type": "http", "headers": {"Authorization": "mine"}}

        found = await plain.client.post("/api/v1/endpoints/try", body)

        assert (found.status, found.json["success"], found.json["status"]) == (200, False, "down")
        assert (found.json["http_status"], len(target.requests)) == (500, 1)
        evidence = found.json["evidence"]
        assert (evidence["expected"], evidence["got"], evidence["address"]) == ("2xx", "500", "127.0.0.1")
        assert (evidence["body_excerpt"], evidence["headers"]["X-Kind"]) == ("all broken", "test")
        assert b"secret" not in found.body
        assert target.requests[0].header("Authorization") == "mine"
    assert await listed(plain) == []
    assert plain.seen("endpoint.discovered") == []


async def test_trying_uses_the_stored_headers_for_those_sent_back_masked(plain: Program):
    async with serve(answer()) as target:
        made = await make(plain, target.base, headers={"Authorization": "secret"})
        body = {"target": target.base, "endpoint_type": "http", "endpoint_id": made["id"]}
        found = await plain.client.post("/api/v1/endpoints/try", {**body, "headers": {"Authorization": MASK}})
        assert (found.status, found.json["success"]) == (200, True)
        assert target.requests[-1].header("Authorization") == "secret"
        await plain.client.post("/api/v1/endpoints/try", body)
        assert target.requests[-1].header("Authorization") is None


async def test_what_cannot_be_tried_is_refused(plain: Program):
    for body, wanted in NO_TRIALS:
        trial = {"target": "http://web.test/", "endpoint_type": "http", **body}
        assert error(await plain.client.post("/api/v1/endpoints/try", trial)) == wanted, body


# --- checks ----------------------------------------------------------------------------------------------------------


async def test_checks_page_newest_first(looking: Program):
    async with serve(answer()) as target:
        made = await make(looking, target.base)
        await check(looking, made["id"], 6)
    everything = await stored(looking, made["id"], 7)
    assert [one["id"] for one in everything] == sorted((one["id"] for one in everything), reverse=True)
    seen: list[Any] = []
    for offset in itertools.count(0, 3):
        page = await checks(looking, made["id"], f"?limit=3&offset={offset}")
        assert (page["endpoint_id"], page["total"]) == (made["id"], 7)
        assert page["has_more"] is (offset + len(page["checks"]) < 7)
        seen += page["checks"]
        if not page["has_more"]:
            break
    assert seen == everything
    assert (await checks(looking, made["id"], "?offset=50"))["checks"] == []


async def test_checks_since_a_moment_are_those_from_it_on(looking: Program):
    async with serve(answer()) as target:
        made = await make(looking, target.base)
        await check(looking, made["id"], 4)
    everything = await stored(looking, made["id"], 5)
    third = everything[2]
    for since in (third["timestamp"], f"{third['id'] / 1000:.3f}"):
        page = await checks(looking, made["id"], f"?since={since}")
        assert ([one["id"] for one in page["checks"]], page["total"], page["has_more"]) == (
            [one["id"] for one in everything[:3]],
            3,
            False,
        )
    assert (await checks(looking, made["id"], "?since=0"))["total"] == 5
    assert (await checks(looking, made["id"], "?since=2100-01-01T00:00:00Z"))["total"] == 0


# --- charts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [1, 2, 90, 365])
async def test_daily_uptime_has_exactly_the_days_asked_for(looking: Program, days: int):
    async with serve(in_turn(answer(), answer(status=500))) as target:
        made = await make(looking, target.base)
        await check(looking, made["id"], 2)
        await stored(looking, made["id"], 3)
    found = (await looking.client.get(f"/api/v1/endpoints/{made['id']}/uptime/daily?days={days}")).json
    assert (found["monitor_id"], found["monitor_type"], len(found["days"])) == (made["id"], "endpoint", days)
    dates = [day["date"] for day in found["days"]]
    assert dates == sorted(set(dates), reverse=True)
    assert found["days"][0] == {
        "date": looking.tocsin.clock.now().date().isoformat(),
        "uptime_percent": 33.33,
        "incident_count": 1,
    }
    assert {(day["uptime_percent"], day["incident_count"]) for day in found["days"][1:]} <= {(None, 0)}


@pytest.mark.parametrize(("length", "step"), [("1h", 60), ("24h", 300), ("7d", 3600), ("30d", 14_400), ("90d", 86_400)])
async def test_response_times_of_each_range(looking: Program, length: str, step: int):
    async with serve(in_turn(answer(), answer(), answer(status=500))) as target:
        made = await make(looking, target.base)
        await check(looking, made["id"], 2)
        await stored(looking, made["id"], 3)
    found = (await looking.client.get(f"/api/v1/endpoints/{made['id']}/response-times?range={length}")).json
    assert (found["endpoint_id"], found["range"], found["step_seconds"]) == (made["id"], length, step)
    assert sum(point["checks"] for point in found["points"]) == 3
    overall = found["overall"]
    assert (overall["checks"], overall["failures"]) == (3, 1)
    assert 0 < overall["p50_ms"] <= overall["p99_ms"] <= overall["max_ms"]


async def test_response_times_are_of_a_day_unless_told_otherwise(plain: Program):
    async with serve(answer()) as target:
        made = await make(plain, target.base)
    assert (await plain.client.get(f"/api/v1/endpoints/{made['id']}/response-times")).json["range"] == "24h"


async def test_sparklines_have_the_newest_twenty_and_null_for_failures(looking: Program):
    async with serve(in_turn(*[answer()] * 24, answer(status=500))) as target:
        made = await make(looking, target.base)
        other = await make(looking, target.base, name="other")
        await check(looking, made["id"], 24)
    found = (await looking.client.get("/api/v1/dashboard/sparklines")).json
    assert found.keys() == {f"endpoint:{made['id']}", f"endpoint:{other['id']}"}
    line = found[f"endpoint:{made['id']}"]
    assert len(line) == 20
    assert line[-2:] == [None, None]
    assert all(isinstance(took, int) for took in line[:18])
    page = (await looking.client.get("/api/v1/dashboard/sparklines?limit=1&offset=1")).json
    assert page.keys() == {f"endpoint:{other['id']}"}
    assert error(await looking.client.get("/api/v1/dashboard/sparklines?limit=0")) == (400, "invalid_param", "limit")


async def test_uptime_bars_are_of_endpoints_when_asked(looking: Program):
    async with serve(in_turn(answer(), answer(status=500))) as target:
        made = await make(looking, target.base)
        await check(looking, made["id"], 1)
    found = (await looking.client.get("/api/v1/dashboard/uptime?type=endpoint&days=3")).json
    today = looking.tocsin.clock.now().date().isoformat()
    assert (found["days"], found["to"]) == (3, today)
    assert found["items"] == [{"id": made["id"], "days": [None, None, 50.0]}]
    assert (await looking.client.get("/api/v1/dashboard/uptime?days=3")).json["items"] == []
    assert error(await looking.client.get("/api/v1/dashboard/uptime?type=x")) == (400, "invalid_param", "type")


async def test_redirects_are_followed_as_far_as_allowed(plain: Program):
    async with serve(redirects(3)) as target:
        far = await make(plain, target.base, name="far", max_redirects=3)
        near = await make(plain, target.base, name="near", max_redirects=2)
        none = await make(plain, target.base, name="none", max_redirects=0, expected_status="3xx")
    assert [(one["status"], one["last_http_status"]) for one in (far, near, none)] == [
        ("up", 200),
        ("down", 302),
        ("up", 302),
    ]


async def test_a_moment_of_a_check_is_its_id(plain: Program):
    async with serve(answer()) as target:
        made = await make(plain, target.base)
        found = await check(plain, made["id"])
    now = to_ms(plain.tocsin.clock.now())
    assert now - 60_000 < found["id"] <= now


async def test_endpoints_of_a_container_that_does_not_exist_are_not_found(plain: Program):
    assert error(await plain.client.get("/api/v1/containers/999/endpoints")) == (404, "not_found", None)
    assert error(await plain.client.get("/api/v1/containers/x/endpoints")) == (400, "invalid_id", "container_id")


async def test_hidden_headers_stay_with_their_host(plain: Program):
    async with serve(answer(b"ok")) as target:
        made = await make(plain, target.base, headers={"Authorization": "Bearer secret"})
        elsewhere = {"target": "https://example.org/"}
        for body in (elsewhere, {**elsewhere, "headers": {"Authorization": MASK}}):
            assert error(await put(plain, made["id"], body)) == (400, "invalid_input", "headers")
        trial = {**elsewhere, "endpoint_id": made["id"], "endpoint_type": "http", "headers": {"Authorization": MASK}}
        refused = await plain.client.request("POST", "/api/v1/endpoints/try", json_body=trial)
        assert error(refused) == (400, "invalid_input", "headers")
        assert (await put(plain, made["id"], {"target": f"{target.base}/elsewhere"})).status == 200
