"""Docker's event stream: drained at once, enriched in one lane for each container, yielded in order.

The engine keeps few events and skips a slow listener, so nothing here waits between the socket and our own queue.
What an event lacks (a crash's last lines, whether memory ran out) is fetched in the lane of that container: a slow
answer holds up this container's events and nobody else's.
"""

import asyncio
import signal
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import aiohttp
import msgspec
import structlog

from tocsin.core.clock import to_ms
from tocsin.core.errors import AppError
from tocsin.runtimes import base
from tocsin.runtimes.base import Details, Observation, RuntimeUnavailable
from tocsin.runtimes.docker.inspect import read_health

log = structlog.get_logger(__name__)

ACTIONS = ("create", "start", "die", "kill", "oom", "pause", "unpause", "rename", "destroy", "health_status")
PODMANS = ("died", "stop", "restart", "remove")
"""Asked for too: Podman's words. Before 4.4 it finds its `die` events only as `died`, and still sends them as `die`."""
LONGEST_EVENT_BYTES = 1 << 20
MOST_QUEUED = 10_000
FIRST_WORDS = timedelta(milliseconds=200)
"""A process may have spoken before the engine noted its start."""
_MILLISECOND = timedelta(milliseconds=1)
LANES_AT_ONCE = 8
ENDED_BY_TERM = 143


class _Actor(msgspec.Struct, rename="pascal"):
    id: str = msgspec.field(default="", name="ID")
    attributes: dict[str, str] | None = None


class EngineEvent(msgspec.Struct):
    """One line of `GET /events`, as far as we read it. `nanoseconds` is unix time."""

    action: str = msgspec.field(default="", name="Action")
    actor: _Actor = msgspec.field(default_factory=_Actor, name="Actor")
    nanoseconds: int = msgspec.field(default=0, name="timeNano")

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.nanoseconds // 1_000_000_000, UTC).replace(
            microsecond=self.nanoseconds % 1_000_000_000 // 1000
        )

    def attribute(self, name: str) -> str:
        return (self.actor.attributes or {}).get(name, "")


_decoder = msgspec.json.Decoder(EngineEvent, strict=False)


def events_query(since: datetime | None) -> Mapping[str, str]:
    filters = msgspec.json.encode({"type": ["container"], "event": ACTIONS + PODMANS}).decode()
    if since is None:
        return {"filters": filters}
    milliseconds = to_ms(since)
    return {"filters": filters, "since": f"{milliseconds // 1000}.{milliseconds % 1000:03d}000000"}


Inspect = Callable[[str], Awaitable[Details]]
LastLines = Callable[[str, datetime | None, datetime], Awaitable[tuple[base.LogLine, ...]]]


class EventLanes:
    """The running subscription. Use as an async iterator of observations; `run` must run beside it.

    *podman*: the engine is Podman, which has its own ways to tell that somebody asked a container to stop.
    """

    def __init__(
        self, response: aiohttp.ClientResponse, inspect: Inspect, last_lines: LastLines, *, podman: bool = False
    ) -> None:
        self._response = response
        self._podman = podman
        self._inspect = inspect
        self._last_lines = last_lines
        self._lanes: dict[str, deque[EngineEvent]] = {}
        self._slots = asyncio.Semaphore(LANES_AT_ONCE)
        self._ready: asyncio.Queue[Observation | RuntimeUnavailable] = asyncio.Queue()
        self._run_began: dict[str, datetime] = {}
        self._out_of_memory: set[str] = set()
        self._queued = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def pending(self) -> int:
        """Return how many events are not yet handed out."""
        return self._queued + self._ready.qsize()

    def start(self) -> None:
        self._spawn(self._drain())

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aiter__(self) -> AsyncIterator[Observation]:
        while True:
            ready = await self._ready.get()
            if isinstance(ready, RuntimeUnavailable):
                raise ready
            yield ready

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self) -> None:
        """Read the socket as fast as it speaks; its end, whatever the cause, is told to the iterator."""
        problem = RuntimeUnavailable("The engine closed its event stream")
        rest = bytearray()
        try:
            async for chunk in self._response.content.iter_any():
                rest += chunk
                *lines, tail = rest.split(b"\n")
                rest = bytearray(tail)
                for line in lines:
                    self._accept(bytes(line))
                if len(rest) > LONGEST_EVENT_BYTES or self._queued > MOST_QUEUED:
                    problem = RuntimeUnavailable("The engine sends events faster than they can be handled")
                    break
        except (aiohttp.ClientError, OSError) as exc:
            log.debug("event stream broke", error=str(exc))
            problem = RuntimeUnavailable("The engine broke off its event stream")
        self._ready.put_nowait(problem)

    def _accept(self, line: bytes) -> None:
        """Put one event into its lane; a line we cannot read is logged and skipped."""
        if not line.strip():
            return
        try:
            event = _decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            log.warning("unreadable engine event skipped", error=str(exc))
            return
        runtime_id = event.actor.id
        if not runtime_id or not event.action or not 0 < event.nanoseconds < 1 << 62:
            return
        self._queued += 1
        lane = self._lanes.get(runtime_id)
        if lane is not None:
            lane.append(event)
            return
        self._lanes[runtime_id] = deque((event,))
        self._spawn(self._run_lane(runtime_id))

    async def _run_lane(self, runtime_id: str) -> None:
        lane = self._lanes[runtime_id]
        while lane:
            event = lane.popleft()
            try:
                async with self._slots:
                    observation = await self._observe(event)
            except AppError as exc:  # the container went away meanwhile, or the engine stumbled: its stream tells
                log.debug("engine event not completed", action=event.action, error=exc.message)
                observation = None
            except Exception:  # broad on purpose: one odd event must not end the lane
                log.exception("engine event skipped", action=event.action)
                observation = None
            self._queued -= 1
            if observation is not None:
                self._ready.put_nowait(observation)
        del self._lanes[runtime_id]

    async def _observe(self, event: EngineEvent) -> Observation | None:
        action, _, argument = event.action.partition(":")
        runtime_id, at = event.actor.id, event.at
        match action:
            case "create":
                return base.Created(runtime_id=runtime_id, at=at, details=await self._inspect(runtime_id))
            case "start":
                self._out_of_memory.discard(runtime_id)
                return base.Started(runtime_id=runtime_id, at=at)
            case "oom":
                self._out_of_memory.add(runtime_id)
                return None
            case "die" | "died":
                return await self._died(event)
            case "stop" | "restart" if self._podman:  # before the end, or after it, when nobody minds any more
                return base.StopRequested(runtime_id=runtime_id, at=at, signal="TERM")
            case "kill":
                return base.StopRequested(runtime_id=runtime_id, at=at, signal=signal_name(event.attribute("signal")))
            case "pause":
                return base.Paused(runtime_id=runtime_id, at=at)
            case "unpause":
                return base.Unpaused(runtime_id=runtime_id, at=at)
            case "rename":
                return base.Renamed(runtime_id=runtime_id, at=at, name=event.attribute("name").removeprefix("/"))
            case "health_status":
                return await self._checked(event, argument.strip())
            case "destroy" | "remove":
                self._run_began.pop(runtime_id, None)
                self._out_of_memory.discard(runtime_id)
                return base.Destroyed(runtime_id=runtime_id, at=at)
        return None

    async def _checked(self, event: EngineEvent, word: str) -> Observation | None:
        """Return the health that a check found; Podman tells of the check alone."""
        runtime_id = event.actor.id
        health = read_health(word) if word else (await self._inspect(runtime_id)).health
        return None if health is None else base.HealthChanged(runtime_id=runtime_id, at=event.at, health=health)

    async def _died(self, event: EngineEvent) -> Observation:
        """Complete a death: why it died, and its last words (of this run, at most 2 s of waiting)."""
        runtime_id, at = event.actor.id, event.at
        began = self._run_began.get(runtime_id)
        code = int(event.attribute("exitCode")) if event.attribute("exitCode").lstrip("-").isdigit() else None
        out_of_memory = runtime_id in self._out_of_memory and code != 0
        if began is None or (code == 137 and not out_of_memory):
            try:
                async with asyncio.timeout(2):
                    details = await self._inspect(runtime_id)
                if details.started_at is not None and details.started_at <= at:
                    began = began or details.started_at - FIRST_WORDS
                    out_of_memory = out_of_memory or (details.oom_killed and code != 0)
            except (AppError, TimeoutError):
                log.debug("a container that died cannot be inspected", runtime_id=runtime_id)
        if self._podman and code == ENDED_BY_TERM:  # it forgets the stop event of every second container that obeys
            self._ready.put_nowait(base.StopRequested(runtime_id=runtime_id, at=at, signal="TERM"))
        last_lines = await self._last_lines(runtime_id, began, at)
        # the start event comes later than a quick process's first lines: what follows the last end is the next run
        self._run_began[runtime_id] = at + _MILLISECOND
        self._out_of_memory.discard(runtime_id)
        return base.Died(runtime_id=runtime_id, at=at, exit_code=code, oom_killed=out_of_memory, last_lines=last_lines)


def signal_name(text: str) -> str:
    """Return `TERM` for `15`, `SIGTERM` or `term`; unknown ones as they are."""
    try:
        return signal.Signals(int(text)).name.removeprefix("SIG")
    except ValueError:
        return text.upper().removeprefix("SIG")
