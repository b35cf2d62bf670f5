"""The event lanes: order for each container, no waiting across them, and an end that is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.factories import details
from tocsin.runtimes.base import Created, Died, HealthChanged, Observation, RuntimeUnavailable, Started
from tocsin.runtimes.docker.events import EventLanes, signal_name
from tocsin.runtimes.docker.inspect import read_details, read_health, read_time


class Stream:
    """Stands for the answer of the engine: chunks of bytes, and the end once everything before it was handed out."""

    def __init__(self, *chunks: bytes) -> None:
        self.content = self
        self.lanes: EventLanes | None = None
        self._chunks = chunks

    async def iter_any(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
        while self.lanes is not None and self.lanes.pending():
            await asyncio.sleep(0.001)


def event(action: str, runtime_id: str = "a", nanoseconds: int = 1_700_000_000_000_000_000, **attributes: str) -> bytes:
    actor = {"ID": runtime_id, "Attributes": attributes}
    return json.dumps({"Type": "container", "Action": action, "Actor": actor, "timeNano": nanoseconds}).encode() + b"\n"


async def hear(*chunks: bytes, inspect: Any = None, excerpt: Any = None) -> list[Observation]:
    async def described(runtime_id: str) -> Any:
        return details(runtime_id=runtime_id)

    async def silent(*_: Any) -> None:
        return None

    stream = Stream(*chunks)
    response: Any = stream
    lanes = stream.lanes = EventLanes(response, inspect or described, excerpt or silent)
    lanes.start()
    found: list[Observation] = []
    try:
        async with asyncio.timeout(5):
            async for observation in lanes:
                found.append(observation)  # noqa: PERF401 -- what came before the end must be kept
    except RuntimeUnavailable:
        pass
    finally:
        await lanes.stop()
    return found


async def test_events_become_observations():
    found = await hear(
        event("create"), event("start"), event("health_status: healthy"), event("oom"), event("die", exitCode="137")
    )
    assert [type(seen) for seen in found] == [Created, Started, HealthChanged, Died]
    assert isinstance(found[-1], Died)
    assert (found[-1].exit_code, found[-1].oom_killed) == (137, True)


async def test_an_oom_of_a_child_does_not_spoil_a_good_end():
    (died,) = await hear(event("oom"), event("die", exitCode="0"))
    assert isinstance(died, Died)
    assert died.oom_killed is False


async def test_garbage_and_half_lines_are_skipped():
    whole = event("start")
    found = await hear(b"{not json}\n\n[]\n", whole[:20], whole[20:], b'{"Action": 5}\n', event("exec_start: sh"))
    assert [type(seen) for seen in found] == [Started]


async def test_a_slow_container_holds_up_nobody_else():
    gate = asyncio.Event()

    async def slow(runtime_id: str, *_: Any) -> str | None:
        if runtime_id == "slow":
            await gate.wait()
        else:
            gate.set()
        return runtime_id

    found = await hear(
        event("die", "slow", exitCode="1"), event("start", "slow"), event("die", "fast", exitCode="1"), excerpt=slow
    )
    assert [(seen.runtime_id, type(seen)) for seen in found] == [("fast", Died), ("slow", Died), ("slow", Started)]


async def test_a_container_that_is_gone_before_it_is_inspected_is_skipped():
    async def gone(_: str) -> Any:
        raise RuntimeUnavailable("no such container")

    found = await hear(event("create"), event("start"), inspect=gone)
    assert [type(seen) for seen in found] == [Started]


@pytest.mark.parametrize(
    ("text", "name"), [("15", "TERM"), ("9", "KILL"), ("1", "HUP"), ("SIGINT", "INT"), ("term", "TERM")]
)
def test_signals_have_names(text: str, name: str):
    assert signal_name(text) == name


def test_times_of_the_engine():
    found = read_time("2026-03-04T09:15:00.123456789Z")
    assert found is not None
    assert found.isoformat() == "2026-03-04T09:15:00.123456+00:00"
    assert read_time("2026-03-04T10:15:00.5+01:00") == read_time("2026-03-04T09:15:00.5Z")
    assert read_time("0001-01-01T00:00:00Z") is None
    assert read_time("") is None
    assert read_time("yesterday") is None


@pytest.mark.parametrize(("word", "ours"), [("healthy", "healthy"), ("none", None), ("", None), ("odd", "starting")])
def test_words_for_health(word: str, ours: str | None):
    assert read_health(word) == ours


ANSWER: dict[str, Any] = {
    "Id": "a" * 64,
    "Name": "/web",
    "Created": "2026-03-04T09:00:00Z",
    "State": {"Status": "running", "StartedAt": "2026-03-04T09:15:00Z", "FinishedAt": "0001-01-01T00:00:00Z"},
    "Config": {"Image": "web:1", "Labels": None, "Healthcheck": {"Test": ["CMD", "true"]}},
    "HostConfig": {"RestartPolicy": {"Name": "always"}},
}


def test_a_container_is_described():
    found = read_details(ANSWER, details().inspected_at)
    assert (found.name, found.image, found.status, found.restart_policy) == ("web", "web:1", "running", "always")
    assert (found.has_health_check, found.finished_at, found.exit_code, found.labels) == (True, None, None, {})


@pytest.mark.parametrize(
    "answer",
    [{}, [], None, "text", {**ANSWER, "Id": ""}, {**ANSWER, "State": None}, {**ANSWER, "Config": {"Labels": [1]}}],
)
def test_what_is_no_container_is_refused(answer: Any):
    with pytest.raises(RuntimeUnavailable):
        read_details(answer, details().inspected_at)


def test_a_disabled_health_check_is_none():
    config = {**ANSWER["Config"], "Healthcheck": {"Test": ["NONE"]}}
    assert read_details({**ANSWER, "Config": config}, details().inspected_at).has_health_check is False
