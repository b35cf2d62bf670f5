"""What is refused, and what answers the same whatever else is there: one program for all of it, on each database."""

from typing import Any

import pytest

from integration.heartbeats.conftest import EVERY, LIST, OK, add, error, get, ping, put
from support.program import Program

BODIES = [
    ({}, "name"),
    ({"name": "a"}, "interval_seconds"),
    ({"interval_seconds": 60}, "name"),
    ({**OK, "name": ""}, "name"),
    ({**OK, "name": "  "}, "name"),
    ({**OK, "name": "x" * 256}, "name"),
    ({**OK, "name": "a\nb"}, "name"),
    ({**OK, "name": None}, "name"),
    ({**OK, "name": 5}, "name"),
    ({**OK, "interval_seconds": "60"}, "interval_seconds"),
    ({**OK, "interval_seconds": 60.5}, "interval_seconds"),
    ({**OK, "interval_seconds": True}, "interval_seconds"),
    ({**OK, "interval_seconds": [60]}, "interval_seconds"),
    ({**OK, "interval_seconds": 59}, "interval_seconds"),
    ({**OK, "interval_seconds": 604_801}, "interval_seconds"),
    ({**OK, "interval_seconds": 2**63}, "interval_seconds"),
    ({**OK, "grace_seconds": None}, "grace_seconds"),
    ({**OK, "grace_seconds": 61}, "grace_seconds"),
    ({**OK, "grace_seconds": -1}, "grace_seconds"),
    ({**OK, "grace_seconds": "0"}, "grace_seconds"),
    ({**OK, "schedule": "61 * * * *"}, "schedule"),
    ({**OK, "timezone": "Mars"}, "timezone"),
    ({**OK, "slug": "Not A Slug"}, "slug"),
    ({**OK, "tags": "prod"}, "tags"),
    ({**OK, "tags": [5]}, "tags"),
    ({**OK, "tags": [""]}, "tags"),
    ({**OK, "post_only": "true"}, "post_only"),
    ({**OK, "post_only": 1}, "post_only"),
    ({**OK, "expected_pings": 0}, "expected_pings"),
    ({**OK, "max_duration_seconds": 0}, "max_duration_seconds"),
    ({**OK, "failure_keywords": [""]}, "failure_keywords"),
    ({**OK, "surprise": 1}, "surprise"),
    ({**OK, "uuid": "6f1b2c9e-5a7d-4c1e-9b83-0f2d7a4e1c55"}, "uuid"),
    ({**OK, "status": "up"}, "status"),
]
NO_JSON = [
    b"",
    b"{",
    b"x",
    b"\xff",
    b'{"name":"a","interval_seconds":NaN}',
    b'{"name":"a","interval_seconds":Infinity}',
    b'{"name":"a","interval_seconds":60}{}',
    b'{"name":"\xff","interval_seconds":60}',
]


@pytest.mark.parametrize(
    "query", ["status=x", "status=UP", "limit=0", "limit=501", "limit=x", "offset=-1", "offset=1.5"]
)
async def test_a_query_that_cannot_be_understood_is_refused(shared: Program, query: str):
    assert error(await shared.client.get(f"{LIST}?{query}"))[:2] == (400, "invalid_param")


async def test_a_schedule_can_be_looked_at_first(shared: Program):
    path = f"{LIST}/preview"
    answer = await shared.client.get(f"{path}?schedule=0+2+*+*+*&timezone=Europe/Paris")
    assert answer.status == 200
    assert answer.json.keys() == {"schedule", "kind", "timezone", "next", "local"}
    assert (answer.json["kind"], len(answer.json["next"])) == ("cron", 3)
    assert all("T02:00:00+0" in local for local in answer.json["local"])
    for query, field in {
        "schedule=61+*+*+*+*": "schedule",
        "schedule=": "schedule",
        "schedule=2020-01-01": "schedule",
        "schedule=@daily&timezone=Mars": "timezone",
    }.items():
        assert error(await shared.client.get(f"{path}?{query}")) == (400, "invalid_param", field), query


@pytest.mark.parametrize(("body", "field"), BODIES)
async def test_what_cannot_be_waited_for_is_refused_with_its_field(shared: Program, body: Any, field: str):
    status, code, named = error(await shared.client.post(LIST, body))
    assert (status, code) == (400, "invalid_input")
    assert named is not None
    assert str(named).startswith(field)


@pytest.mark.parametrize("body", NO_JSON)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_what_is_no_json_is_refused(shared: Program, body: bytes, method: str):
    path = LIST if method == "POST" else f"{LIST}/{(await add(shared, 'any'))['id']}"
    answer = await shared.client.request(method, path, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.code) == (400, "invalid_json")


@pytest.mark.parametrize("body", ["[]", "null", '"a"', "5", "true", "[{}]"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_what_is_no_object_is_refused(shared: Program, body: str, method: str):
    path = LIST if method == "POST" else f"{LIST}/{(await add(shared, 'any'))['id']}"
    answer = await shared.client.request(method, path, data=body, headers={"Content-Type": "application/json"})
    assert answer.status == 400
    assert answer.code in {"invalid_json", "invalid_input"}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_only_json_is_taken(shared: Program, kind: str | None):
    headers = {"Content-Type": kind or "application/octet-stream"}
    answer = await shared.client.request("POST", LIST, data=b'{"name":"a","interval_seconds":60}', headers=headers)
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


async def test_a_change_is_as_strict(shared: Program):
    made = await add(shared, "strict", grace_seconds=60)
    for body, field in {
        "surprise": ({"surprise": 1}, "surprise"),
        "text": ({"interval_seconds": "60"}, "interval_seconds"),
        "low": ({"interval_seconds": 59}, "interval_seconds"),
        "name": ({"name": " "}, "name"),
        "grace": ({"grace_seconds": 301}, "grace_seconds"),
        "list": ({"tags": {}}, "tags"),
        "uuid": ({"uuid": made["uuid"]}, "uuid"),
    }.values():
        assert error(await put(shared, made, body)) == (400, "invalid_input", field)
    assert await get(shared, made) == made


@pytest.mark.parametrize(("method", "rest"), EVERY)
async def test_what_is_not_there_is_404_and_what_is_no_id_400(shared: Program, method: str, rest: str):
    body = {} if method == "PUT" else None
    assert error(await shared.client.request(method, f"{LIST}/9999{rest}", json_body=body))[:2] == (404, "not_found")
    for bad in ("0", "-1", "x", str(2**63)):
        answer = await shared.client.request(method, f"{LIST}/{bad}{rest}", json_body=body)
        assert error(answer)[:2] == (400, "invalid_id"), bad


@pytest.mark.parametrize(("method", "rest"), [*EVERY, ("GET", None), ("POST", None)])
async def test_everything_but_a_ping_needs_credentials(shared: Program, method: str, rest: str | None):
    made = await add(shared, "guarded")
    path = LIST if rest is None else f"{LIST}/{made['id']}{rest}"
    answer = await shared.client.request(method, path, token=None)
    assert (answer.status, answer.code) == (401, "unauthorized")
    assert (await ping(shared, made)).status == 200
