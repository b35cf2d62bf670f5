"""Logs of a real engine: order, terminals, huge lines, junk, streams that say why they end."""

import asyncio
from typing import Any

from support.engine import Engine
from support.flavours import on_every_engine
from support.program import Program, Seen, until

pytestmark = on_every_engine


async def known(program: Program, name: str, state: str = "running") -> int:
    def is_there(found: dict[str, Any]) -> bool:
        return name in found and found[name]["state"] == state

    return int((await until(program.client.containers, is_there))[name]["id"])


async def lines_of(program: Program, container_id: int, query: str = "") -> Any:
    answer = await program.client.get(f"/api/v1/containers/{container_id}/logs{query}")
    assert answer.status == 200, answer.body
    return answer.json


async def collect(events: Any, count: int) -> list[Seen]:
    """Return the next *count* events of a stream."""
    found = []
    async with asyncio.timeout(15):
        async for event in events:
            found.append(event)
            if len(found) == count:
                break
    return found


async def test_the_order_of_both_outputs_is_kept(engine: Engine, watching: Program):
    script = "for n in 1 2 3; do echo out$n; sleep 0.05; echo err$n >&2; sleep 0.05; done; sleep 1000"
    engine.run("talker", command=("sh", "-c", script))
    container_id = await known(watching, "talker")
    await asyncio.sleep(1)

    found = await lines_of(watching, container_id)

    assert found["lines"] == ["out1", "err1", "out2", "err2", "out3", "err3"]
    assert found["container_name"] == "talker"
    assert (found["total_lines"], found["truncated"]) == (6, False)
    stamped = await lines_of(watching, container_id, "?timestamps=yes&lines=1")
    assert stamped["lines"][0].endswith("Z err3")
    assert stamped["truncated"] is True
    assert (await lines_of(watching, container_id, "?lines=6"))["truncated"] is False
    assert (await lines_of(watching, container_id, "?lines=9999"))["total_lines"] == 6


async def test_a_terminal_has_no_frames(engine: Engine, watching: Program):
    engine.run("tty", "-t", command=("sh", "-c", "echo first; echo second; sleep 1000"))
    container_id = await known(watching, "tty")
    await asyncio.sleep(0.5)
    assert (await lines_of(watching, container_id))["lines"] == ["first", "second"]


async def test_junk_does_no_harm_and_blank_lines_stay(engine: Engine, watching: Program):
    script = r"printf 'a\0b\n\n\033[31mred\033[0m\n\033]0;title\007x\nbad \377\376\nno newline'; sleep 1000"
    engine.run("junk", command=("sh", "-c", script))
    container_id = await known(watching, "junk")
    await asyncio.sleep(0.5)
    found = (await lines_of(watching, container_id))["lines"]
    assert found[:4] == ["a�b", "", "\x1b[31mred\x1b[0m", "x"]
    assert found[4:] == (["bad ��"] if engine.traits.tails_whole_lines else ["bad ��no newline"])


async def test_huge_lines_are_split_and_the_answer_is_bounded(engine: Engine, watching: Program):
    long_line = "head -c 200000 /dev/zero | tr '\\0' x; echo"
    many_lines = "i=0; while [ $i -lt 400 ]; do head -c 8000 /dev/zero | tr '\\0' y; echo; i=$((i+1)); done"
    script = f"{long_line}; {many_lines}"
    engine.run("huge", command=("sh", "-c", script))
    container_id = await known(watching, "huge", "completed")

    found = await lines_of(watching, container_id, "?lines=500")

    assert found["truncated"] is True
    assert sum(len(line) for line in found["lines"]) <= 1 << 20
    assert set(found["lines"][-1]) == ({"y"} if engine.traits.tails_whole_lines else set())


async def test_a_stream_starts_with_what_there_is_and_goes_on(engine: Engine, watching: Program):
    script = "echo old; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo new >&2; exit 4"
    engine.run("stream", command=("sh", "-c", script))
    container_id = await known(watching, "stream")
    await asyncio.sleep(0.3)

    async with watching.client.stream(f"/api/v1/containers/{container_id}/logs/stream?lines=10") as events:
        first = (await collect(events, 1))[0]
        assert first.type == "container.log_line"
        assert first.data["line"] == "old"
        assert first.data["stream"] == "stdout"
        engine.docker("exec", "stream", "touch", "/tmp/go")
        second, last = await collect(events, 2)
    assert (second.data["line"], second.data["stream"], second.data["partial"]) == ("new", "stderr", False)
    assert (last.type, last.data["reason"]) == ("container.log_error", "ended")


async def test_a_stream_resumes_after_the_last_line_seen(engine: Engine, watching: Program):
    engine.run("count", command=("sh", "-c", "for n in 1 2 3 4 5; do echo line$n; done; sleep 1000"))
    container_id = await known(watching, "count")
    path = f"/api/v1/containers/{container_id}/logs/stream"
    async with watching.client.stream(path) as events:
        seen = await collect(events, 3)
    async with watching.client.stream(path, **{"Last-Event-ID": str(seen[-1].id)}) as events:
        rest = await collect(events, 2)
    assert [event.data["line"] for event in seen + rest] == [f"line{n}" for n in range(1, 6)]


async def test_a_quiet_stream_is_kept_alive(engine: Engine, watching: Program, monkeypatch):
    monkeypatch.setattr("tocsin.logs.stream.KEEP_ALIVE_S", 0.2)
    engine.run("quiet", command=("sleep", "1000"))
    container_id = await known(watching, "quiet")
    session = watching.client._session
    url = f"{watching.client.base}/api/v1/containers/{container_id}/logs/stream"
    headers = {"Authorization": "Bearer a-token-for-the-tests-only"}
    async with session.get(url, headers=headers) as response, asyncio.timeout(10):
        text = b""
        while b"keep-alive" not in text:
            text += await response.content.readany()


async def test_streams_are_counted_and_capped(engine: Engine, watching: Program):
    engine.run("popular", command=("sh", "-c", "echo hello; sleep 1000"))
    container_id = await known(watching, "popular")
    path = f"/api/v1/containers/{container_id}/logs/stream"
    async with (
        watching.client.stream(path),
        watching.client.stream(path),
        watching.client.stream(path),
        watching.client.stream(path),
        watching.client.stream(path),
    ):
        answer = await watching.client.get(path)
        assert (answer.status, answer.code) == (429, "too_many_streams")
    await until(lambda: watching.client.request("HEAD", path), lambda a: a.status == 200)


async def test_logs_of_a_container_that_is_gone(engine: Engine, watching: Program):
    engine.run("gone", command=("sleep", "1000"))
    container_id = await known(watching, "gone")
    engine.docker("rm", "-f", "gone")
    answer = await watching.client.get(f"/api/v1/containers/{container_id}/logs")
    assert (answer.status, answer.code) == (404, "not_found")
    answer = await watching.client.get(f"/api/v1/containers/{container_id}/logs/stream")
    assert (answer.status, answer.code) == (404, "not_found")


async def test_logs_without_an_engine_say_so(engine: Engine, start, tmp_path):
    engine.run("orphan", command=("sleep", "1000"))
    async with start(TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST=engine.url) as program:
        container_id = await known(program, "orphan")
    async with start(TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST=f"unix://{tmp_path}/none.sock") as program:
        for path in ("logs", "logs/stream"):
            answer = await program.client.get(f"/api/v1/containers/{container_id}/{path}")
            assert (answer.status, answer.code) == (502, "runtime_unavailable")


async def test_logs_between_two_instants(engine: Engine, watching: Program):
    pause_s = 0.3 if engine.traits.stamps_nanoseconds else 1.2
    script = f"for n in 1 2 3 4; do echo line$n; sleep {pause_s}; done; sleep 1000"
    engine.run("timed", command=("sh", "-c", script))
    container_id = await known(watching, "timed")
    await asyncio.sleep(4 * pause_s + 0.4)
    stamped = (await lines_of(watching, container_id, "?timestamps=1"))["lines"]
    second, third = (line.split()[0].removesuffix("Z") for line in stamped[1:3])

    since = await lines_of(watching, container_id, f"?since={second[:23]}Z")
    until = await lines_of(watching, container_id, f"?until={third[:22]}Z&lines=1")

    assert since["lines"][-3:] == ["line2", "line3", "line4"]
    assert (until["lines"], until["truncated"]) == (["line2"], True)


async def test_reading_logs_too_often_is_refused(engine: Engine, watching: Program):
    engine.run("asked", command=("sh", "-c", "echo hello; sleep 1000"))
    container_id = await known(watching, "asked")
    path = f"/api/v1/containers/{container_id}/logs"
    answers = await asyncio.gather(*(watching.client.get(path) for _ in range(30)))
    assert {answer.status for answer in answers} == {200, 429}
