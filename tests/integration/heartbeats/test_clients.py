"""Clients of Healthchecks work with another base URL and no other change; so do the URLs it documents."""

import asyncio
import json
import textwrap
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from conftest import Start
from support.heartbeats import listed, make, shown
from support.program import Program

CLIENTS = Path(__file__).parents[3] / ".cache/clients/bin/python"


async def run(*command: str, data: bytes | None = None) -> tuple[int, str, str]:
    """Return (exit status, output, errors)."""
    piped = asyncio.subprocess.PIPE
    started = await asyncio.create_subprocess_exec(*command, stdin=piped, stdout=piped, stderr=piped)
    out, errors = await asyncio.wait_for(started.communicate(data), 60)
    assert started.returncode is not None
    return started.returncode, out.decode(), errors.decode()


async def script(text: str, *arguments: str) -> str:
    """Run a script with the clients at hand and return what it printed."""
    assert CLIENTS.exists(), "scripts/setup test makes it"
    status, out, errors = await run(str(CLIENTS), "-c", textwrap.dedent(text), *arguments)
    assert status == 0, errors
    return out


async def said(program: Program, beat: dict[str, Any]) -> list[tuple[str, int | None, str | None]]:
    """Return (type, exit code, text) of all pings, oldest first."""
    pings = await listed(program, beat, "pings")
    return [(one["ping_type"], one.get("exit_code"), one.get("payload")) for one in reversed(pings)]


async def outcomes(program: Program, beat: dict[str, Any]) -> list[str]:
    return [one["outcome"] for one in reversed(await listed(program, beat, "executions"))]


async def ping_key(program: Program) -> str:
    return str((await program.client.get("/api/v1/heartbeats/ping-key")).json["key"])


# --- clients ---------------------------------------------------------------------------------------------------------

HEALTHCHECKS_IO = """
    import sys
    from healthchecks_io import CheckTrap, Client, CheckNotFoundError

    base, uuid, key, slug, unknown = sys.argv[1:]
    client = Client(ping_key=key, ping_url=base)
    for name in ({"uuid": uuid}, {"slug": slug}):
        for done in (
            client.start_ping(**name, data="begin"),
            client.success_ping(**name, data="all ✓"),
            client.success_ping(**name),
            client.fail_ping(**name, data="disk full"),
            client.exit_code_ping(0, **name, data="done"),
            client.exit_code_ping(42, **name, data="no answer"),
        ):
            assert done[0] is True, done
    for name in ({"uuid": unknown}, {"slug": "nobody"}):
        try:
            client.success_ping(**name)
        except CheckNotFoundError:
            print("not found")
    with CheckTrap(client, uuid=uuid) as trap:
        trap.add_log("inside")
    try:
        with CheckTrap(client, uuid=uuid):
            raise RuntimeError("went wrong")
    except RuntimeError:
        pass
"""


async def test_healthchecks_io_reports_by_uuid_and_by_slug(start: Start):
    async with start() as program:
        by_uuid, by_slug = await make(program, "one"), await make(program, "two", slug="two")
        base = f"{program.client.base}/ping/"
        key = await ping_key(program)
        told = await script(HEALTHCHECKS_IO, base, by_uuid["uuid"], key, "two", str(uuid4()))
        assert told.split("\n") == ["not found", "not found", ""]
        wanted = [
            ("start", None, "begin"),
            ("success", None, "all ✓"),
            ("success", None, None),
            ("fail", None, "disk full"),
            ("exit_code", 0, "done"),
            ("exit_code", 42, "no answer"),
        ]
        assert await said(program, by_slug) == wanted
        pings = await said(program, by_uuid)
        assert pings[:6] == wanted
        assert [kind for kind, _, _ in pings[6:]] == ["start", "success", "start", "fail"]
        assert "inside" in str(pings[7][2])
        assert "went wrong" in str(pings[9][2])
        assert await outcomes(program, by_slug) == ["success", "success", "failure", "success", "failure"]
        assert (await shown(program, by_slug))["last_exit_code"] == 42
        (agent,) = {one["user_agent"] for one in await listed(program, by_slug, "pings")}
        assert agent == "py-healthchecks.io/0.4.4"


HEALTHCHECKS_DECORATOR = """
    import sys
    from healthchecks_decorator import healthcheck

    @healthcheck(url=sys.argv[1], send_start=True, send_diagnostics=True)
    def good():
        return {"files": 7}

    @healthcheck(url=sys.argv[1], send_start=True)
    def bad():
        raise RuntimeError("went wrong")

    @healthcheck(url=sys.argv[2])
    def plain():
        return None

    good()
    plain()
    try:
        bad()
    except RuntimeError:
        print("raised")
"""


async def test_healthchecks_decorator_reports_what_a_function_does(start: Start):
    async with start() as program:
        beat, other = await make(program, "one"), await make(program, "two", slug="two")
        by_slug = f"{program.client.base}/ping/{await ping_key(program)}/two"
        assert await script(HEALTHCHECKS_DECORATOR, beat["ping_url"], by_slug) == "raised\n"
        assert await said(program, beat) == [
            ("start", None, None),
            ("success", None, "files=7"),
            ("start", None, None),
            ("fail", None, None),
        ]
        assert await said(program, other) == [("success", None, None)]
        assert await outcomes(program, beat) == ["success", "failure"]
        assert (await shown(program, beat))["status"] == "down"


HEALTHCHECKS_WRAPPER = """
    import asyncio
    import sys
    from healthchecks_wrapper import HealthCheck

    with HealthCheck(sys.argv[1]):
        pass
    with HealthCheck(sys.argv[1], suppress_exceptions=True):
        raise RuntimeError("went wrong")

    async def work():
        async with HealthCheck(sys.argv[1]):
            pass

    asyncio.run(work())
"""


async def test_healthchecks_wrapper_reports_what_a_block_does(start: Start):
    async with start() as program:
        beat = await make(program)
        assert await script(HEALTHCHECKS_WRAPPER, beat["ping_url"]) == ""
        pings = await said(program, beat)
        assert [kind for kind, _, _ in pings] == ["start", "success", "start", "fail", "start", "success"]
        assert "RuntimeError: went wrong" in str(pings[3][2])
        assert await outcomes(program, beat) == ["success", "failure", "success"]
        assert (await shown(program, beat))["status"] == "up"


# --- URLs ------------------------------------------------------------------------------------------------------------


async def curl(url: str, *options: str, data: bytes | None = None) -> tuple[int, str]:
    """Return (status, body)."""
    sent = ["--data-binary", "@-"] if data is not None else []
    command = ("curl", "-sS", "-m", "20", "-w", "\n%{http_code}", *options, *sent, url)
    status, out, errors = await run(*command, data=data)
    assert status == 0, errors
    body, _, code = out.rpartition("\n")
    return int(code), body


@pytest.mark.parametrize(
    ("rest", "kind", "exit_code", "status"),
    [
        ("", "success", None, "up"),
        ("/start", "start", None, "started"),
        ("/fail", "fail", None, "down"),
        ("/log", "log", None, "new"),
        ("/0", "exit_code", 0, "up"),
        ("/1", "exit_code", 1, "down"),
        ("/255", "exit_code", 255, "down"),
    ],
)
async def test_every_documented_url_works_by_every_method(
    program: Program, rest: str, kind: str, exit_code: int | None, status: str
):
    beat = await make(program, "backup", slug="backup")
    key = await ping_key(program)
    options: dict[str, tuple[list[str], bytes | None]] = {
        "GET": ([], None),
        "HEAD": (["-I"], None),
        "POST": ([], "said ✓\n".encode()),
    }
    run_id = str(uuid4())
    for name in (beat["uuid"], f"{key}/backup"):
        for more, data in options.values():
            for query in ("", f"?rid={run_id}"):
                code, body = await curl(f"{program.client.base}/ping/{name}{rest}{query}", *more, data=data)
                assert code == 200, body
                if "-I" not in more:
                    wanted = {"ok": True} if exit_code is None else {"ok": True, "exit_code": exit_code}
                    assert json.loads(body) == wanted
    pings = list(reversed(await listed(program, beat, "pings")))
    assert {(one["ping_type"], one.get("exit_code")) for one in pings} == {(kind, exit_code)}
    assert [one["http_method"] for one in pings] == ["GET", "GET", "HEAD", "HEAD", "POST", "POST"] * 2
    assert [one.get("run_id") for one in pings] == [None, run_id] * 6
    assert [one.get("payload") for one in pings] == [None, None, None, None, "said ✓\n", "said ✓\n"] * 2
    assert (await shown(program, beat))["status"] == status


async def test_a_run_is_timed_by_its_id_with_curl(program: Program):
    beat = await make(program)
    url = beat["ping_url"]
    for rest in ("/start?rid=first", "/start?rid=second", "?rid=first", "/3?rid=second"):
        assert (await curl(url + rest))[0] == 200
    runs = await listed(program, beat, "executions")
    assert [(one["run_id"], one["outcome"]) for one in runs] == [("second", "failure"), ("first", "success")]
    assert all(one["duration_ms"] > 0 for one in runs)


async def test_a_slug_makes_its_heartbeat_when_it_is_asked_to(program: Program):
    key = await ping_key(program)
    url = f"{program.client.base}/ping/{key}/nightly-backup"
    assert (await curl(url))[0] == 404
    assert (await curl(f"{url}?create=0"))[0] == 404
    assert (await curl(f"{url}/start?create=1", data=b"begin"))[0] == 201
    assert (await curl(f"{url}?create=1"))[0] == 200
    assert (await curl(url))[0] == 200
    (made,) = (await program.client.get("/api/v1/heartbeats")).json["heartbeats"]
    assert (made["slug"], made["status"], made["consecutive_successes"]) == ("nightly-backup", "up", 2)
    assert (await curl(f"{program.client.base}/ping/wrong-key/another?create=1"))[0] == 404


async def test_what_is_no_ping_url_is_refused_and_says_why(program: Program):
    beat = await make(program)
    for rest, wanted in (("/256", 400), ("/+5", 400), ("/begin", 400), ("/0/1", 404), ("?rid=a%20b", 400)):
        code, body = await curl(beat["ping_url"] + rest)
        assert code == wanted, (rest, body)
        assert json.loads(body)["error"]["message"]
    assert (await curl(f"{program.client.base}/ping/{uuid4()}"))[0] == 404
    assert (await curl(beat["ping_url"], "-X", "PUT", data=b"x"))[0] == 405
    assert await listed(program, beat, "pings") == []


async def test_a_long_body_is_cut_and_still_a_ping(program: Program):
    beat = await make(program)
    assert (await curl(beat["ping_url"], data="ü".encode() * 600_000))[0] == 200
    (one,) = await listed(program, beat, "pings")
    assert one["payload_truncated"] is True
    assert set(one["payload"]) == {"ü"}
    assert len(one["payload"].encode()) <= program.tocsin.settings.ping_body_bytes
