"""Searching, paging, downloading, and reading what a container said before it went."""

import asyncio
from functools import partial
from typing import Any

from conftest import Start
from integration.logs.conftest import known
from support.engine import Engine
from support.flavours import on_every_engine
from support.program import Program, until

TALK = r"""
echo 'INFO starting'; echo 'ERROR it broke' >&2; echo '  at main.js:1' >&2; echo '{"level":"warn","msg":"slow"}'
echo 'GET /health 200'; sleep 1000
"""

pytestmark = on_every_engine


async def logs(program: Program, container_id: int, query: str = "") -> Any:
    answer = await program.client.get(f"/api/v1/containers/{container_id}/logs?{query}")
    assert answer.status == 200, answer.body
    return answer.json


async def slowly(program: Program, container_id: int) -> Any:
    """Look at the last line, no more often than a client may."""
    await asyncio.sleep(0.3)
    return await logs(program, container_id, "lines=1")


async def test_lines_are_filtered_and_understood(engine: Engine, watching: Program):
    engine.run("talk", command=("sh", "-c", TALK))
    number = await known(watching, "talk")
    await until(lambda: logs(watching, number), lambda found: found["total_lines"] == 5)

    async def lines(query: str) -> list[str]:
        return list((await logs(watching, number, query))["lines"])

    assert await lines("search=it%20BROKE") == ["ERROR it broke"]
    assert await lines(r"regex=\b200$") == ["GET /health 200"]
    assert await lines("exclude=health&stream=stdout") == ["INFO starting", '{"level":"warn","msg":"slow"}']
    assert await lines("level=error") == ["ERROR it broke", "  at main.js:1"]
    assert await lines("level=error,warn&search=slow") == ['{"level":"warn","msg":"slow"}']
    details = await logs(watching, number, "details=true&stream=stderr")
    shown = [(entry["level"], entry["continues"], entry["stream"]) for entry in details["entries"]]
    assert shown == [("error", False, "stderr"), ("error", True, "stderr")]
    assert (details["source"], details["kept_at"]) == ("engine", None)
    assert (await logs(watching, number))["entries"] is None

    for query, field in (
        ("regex=(", "regex"),
        ("exclude=%5B", "exclude"),
        ("level=x", "level"),
        ("stream=x", "stream"),
    ):
        refused = await watching.client.get(f"/api/v1/containers/{number}/logs?{query}")
        assert (refused.status, refused.code, refused.json["error"]["field"]) == (400, "invalid_param", field)


async def test_a_search_finds_what_is_far_back_and_pages_go_back_in_time(engine: Engine, watching: Program):
    script = "echo needle; i=0; while [ $i -lt 30000 ]; do echo line $i; i=$((i+1)); done; echo last; sleep 1000"
    engine.run("much", command=("sh", "-c", script))
    number = await known(watching, "much")
    await asyncio.sleep(2)
    await until(lambda: slowly(watching, number), lambda found: found["lines"] == ["last"], 60)

    found = await logs(watching, number, "search=needle")
    assert (found["lines"], found["truncated"]) == (["needle"], False)
    assert (await logs(watching, number, "search=line%201&lines=5"))["truncated"] is True

    if not engine.traits.stamps_nanoseconds:
        return  # all these lines are of one second, which is as far as a page can go back
    page = await logs(watching, number, "lines=500&details=true")
    seen = page["lines"]
    for _ in range(3):
        page = await logs(watching, number, f"lines=500&details=true&until={page['entries'][0]['timestamp']}")
        seen = page["lines"] + seen
    # lines of the very same nanosecond as the oldest one shown would be on neither page; here there are none
    assert seen[-2000:-1] == [f"line {n}" for n in range(28001, 30000)]


async def test_the_last_lines_of_a_container_outlive_it(engine: Engine, watching: Program):
    number = 0
    for run in range(5):
        engine.run("gone", command=("sh", "-c", f"echo run {run}; sleep 0.1; echo 'FATAL: no more' >&2; exit 3"))
        number = await known(watching, "gone", "exited")
        await until(partial(_ends, watching, number), lambda ends, run=run: len(ends) > run)  # type: ignore[misc]
        engine.docker("rm", "gone")
    await until(partial(watching.client.get, f"/api/v1/containers/{number}"), lambda found: found.json["archived"])

    found = await logs(watching, number, "details=true")

    assert found["lines"] == ["run 4", "FATAL: no more"]
    assert (found["source"], found["kept_at"] is None) == ("kept", False)
    assert [entry["stream"] for entry in found["entries"]] == ["stdout", "stderr"]
    assert (await logs(watching, number, "level=fatal"))["lines"] == ["FATAL: no more"]
    rows = await watching.tocsin.db.read(lambda read: read.execute(_count()).scalar_one())
    assert rows == 3  # a ring: the three latest runs
    stream = await watching.client.get(f"/api/v1/containers/{number}/logs/stream")
    assert (stream.status, stream.code) == (404, "not_found")


async def _ends(program: Program, number: int) -> list[Any]:
    return [step for step in await program.client.transitions(number) if step["new_state"] == "exited"]


def _count() -> Any:
    from sqlalchemy import func, select

    from tocsin.logs.tables import tails

    return select(func.count()).select_from(tails)


async def test_kept_lines_are_there_while_the_engine_is_not(engine: Engine, start: Start):
    settings = {"TOCSIN_RUNTIME": "docker", "TOCSIN_DOCKER_HOST": engine.url}
    async with start(**settings) as program:
        await until(lambda: program.client.get("/api/v1/runtime/status"), lambda status: status.json["connected"])
        engine.run("dead", command=("sh", "-c", "echo last words; exit 1"))
        number = await known(program, "dead", "exited")
        await until(partial(_ends, program, number), bool)
    async with start(**{**settings, "TOCSIN_DOCKER_HOST": "local=unix:///nowhere.sock"}) as program:
        found = await logs(program, number)
        assert (found["lines"], found["source"]) == (["last words"], "kept")


async def test_everything_can_be_downloaded(engine: Engine, watching: Program):
    script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; sleep 1; echo err >&2; sleep 1000"
    engine.run("big-1.x_y", command=("sh", "-c", script))
    number = await known(watching, "big-1.x_y")
    await asyncio.sleep(2)
    await until(lambda: slowly(watching, number), lambda found: found["lines"] == ["err"], 60)
    path = f"/api/v1/containers/{number}/logs/download"

    whole = await watching.client.get(path)

    assert whole.body.decode().splitlines() == [*(f"line {n}" for n in range(20000)), "err"]
    assert whole.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert whole.headers["Content-Disposition"] == 'attachment; filename="big-1.x_y.log"'
    some = await watching.client.get(f"{path}?regex=^line%20777.$&timestamps=true")
    assert [line.split("Z ")[1] for line in some.body.decode().splitlines()] == [f"line 777{n}" for n in range(10)]
    assert (await watching.client.get(f"{path}?regex=(")).status == 400
    assert (await watching.client.get("/api/v1/containers/9999/logs/download")).status == 404
    assert (await watching.client.get(path, token=None)).status == 401
    engine.docker("rm", "-f", "big-1.x_y")
    await asyncio.sleep(0.5)
    assert (await watching.client.get(path)).status == 404


async def test_what_must_not_be_seen_is_neither_shown_nor_kept(engine: Engine, start: Start):
    settings = {"TOCSIN_RUNTIME": "docker", "TOCSIN_DOCKER_HOST": engine.url, "TOCSIN_LOG_REDACT": r"(?i)password=\S+"}
    async with start(**settings) as program:
        await until(lambda: program.client.get("/api/v1/runtime/status"), lambda status: status.json["connected"])
        engine.run("secret", command=("sh", "-c", "echo connect with Password=hunter2 now; exit 1"))
        number = await known(program, "secret", "exited")
        ends = await until(partial(_ends, program, number), bool)
        assert ends[0]["log_snippet"] == "connect with *** now"
        assert (await logs(program, number))["lines"] == ["connect with *** now"]
        engine.docker("rm", "secret")
        kept = await until(partial(logs, program, number), lambda found: found["source"] == "kept")
        assert kept["lines"] == ["connect with *** now"]
