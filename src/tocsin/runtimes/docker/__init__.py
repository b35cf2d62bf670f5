"""The Docker engine as a Runtime: discovery, event stream and logs, all by GET."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import structlog

from tocsin.core.clock import Clock, to_ms
from tocsin.core.errors import AppError
from tocsin.core.patterns import Pattern
from tocsin.core.secrets import MASK
from tocsin.runtimes.base import (
    ContainerGone,
    Details,
    Inventory,
    LogLine,
    LogsUnavailable,
    LogWindow,
    RuntimeUnavailable,
)
from tocsin.runtimes.docker.client import DockerClient, RefusedByEngine, container_path
from tocsin.runtimes.docker.events import EventLanes, events_query
from tocsin.runtimes.docker.inspect import OddContainer, is_podman, read_details, read_time
from tocsin.runtimes.docker.logs import read_batches

log = structlog.get_logger(__name__)

INSPECTS_AT_ONCE = 8
LAST_LINES, LAST_BYTES = 200, 64 << 10
EXCERPT_TIMEOUT_S = 2.0
PING_EVERY_S = 20.0
SMALLEST_CLOCK_DIFFERENCE = timedelta(seconds=1)


class DockerRuntime:
    """One engine, called *name* in Tocsin.

    *certificates* is the folder that `tcp+tls://` needs; what *redact* matches in logs is never passed on.
    """

    def __init__(
        self,
        name: str,
        address: str,
        clock: Clock,
        certificates: Path | None = None,
        redact: Pattern | None = None,
    ) -> None:
        self.name = name
        self.address = address
        self._clock = clock
        self._ahead = timedelta(0)
        self._podman = False
        self._redact = redact
        self._client = DockerClient(address, certificates)

    async def close(self) -> None:
        await self._client.close()

    async def version(self) -> str:
        """Return the engine's version, such as `20.10.24`."""
        answer = await self._client.get("/version", timeout_s=5)
        if not isinstance(answer, dict) or not isinstance(answer.get("Version"), str):
            raise RuntimeUnavailable("The engine does not say its version; is this really a Docker engine?")
        self._podman = is_podman(answer)
        return str(answer["Version"])

    async def inspect(self, runtime_id: str) -> Details:
        asked_at = self._clock.now() + self._ahead
        return read_details(await self._client.get(container_path(runtime_id, "json")), asked_at)

    async def _compare_clocks(self) -> None:
        """Learn how far the engine's clock is ahead of ours, so that its events and our looks can be put in order."""
        before = self._clock.now()
        answer = await self._client.get("/info")
        told = read_time(str(answer.get("SystemTime", ""))) if isinstance(answer, dict) else None
        ahead = told - (before + (self._clock.now() - before) / 2) if told else timedelta(0)
        self._ahead = ahead if abs(ahead) > SMALLEST_CLOCK_DIFFERENCE else timedelta(0)

    async def containers(self) -> Inventory:
        """Return every container, stopped ones too. One that cannot be inspected is logged, and only its id told."""
        answer = await self._client.get("/containers/json", {"all": "1"}, timeout_s=30)
        if not isinstance(answer, list):
            raise RuntimeUnavailable("The engine's list of containers is not a list")
        ids = [item["Id"] for item in answer if isinstance(item, dict) and isinstance(item.get("Id"), str)]
        slots = asyncio.Semaphore(INSPECTS_AT_ONCE)

        async def one(runtime_id: str) -> Details | None:
            async with slots:
                try:
                    return await self.inspect(runtime_id)
                except ContainerGone:
                    return None
                except (RefusedByEngine, OddContainer) as exc:
                    log.warning("container cannot be inspected", runtime_id=runtime_id[:12], error=exc.message)
                    return None

        found = await asyncio.gather(*(one(runtime_id) for runtime_id in ids))
        return Inventory(frozenset(ids), [details for details in found if details is not None])

    @asynccontextmanager
    async def watch(self, since: datetime | None) -> AsyncIterator[EventLanes]:
        """Subscribe to the engine's events from *since* on; iterating ends with RuntimeUnavailable.

        An idle stream and a dead engine look the same, so the engine is asked for a sign of life beside it.
        """
        await self._compare_clocks()
        async with self._client.stream("/events", events_query(since)) as response:
            lanes = EventLanes(response, self.inspect, self._last_lines, podman=self._podman)
            lanes.start()
            pinging = asyncio.create_task(self._ping(response), name=f"ping {self.name}")
            try:
                yield lanes
            finally:
                pinging.cancel()
                await lanes.stop()

    async def _ping(self, response: aiohttp.ClientResponse) -> None:
        """Close *response* when the engine no longer answers: whoever reads it then learns of the loss."""
        while True:
            await asyncio.sleep(PING_EVERY_S)
            try:
                await self.version()
            except AppError as exc:
                log.warning("engine does not answer", engine=self.name, error=exc.message)
                response.close()
                return

    def now(self) -> datetime:
        """Return the time by the engine's clock, as far as we know it."""
        return self._clock.now() + self._ahead

    async def logs(self, runtime_id: str, wanted: LogWindow) -> AsyncIterator[list[LogLine]]:
        """Yield lines as they come, oldest first.  Raises LogsUnavailable, RuntimeUnavailable, ContainerGone."""
        tty = (await self.inspect(runtime_id)).tty
        tail = "all" if wanted.tail is None else str(wanted.tail)
        params = {"stdout": "1", "stderr": "1", "timestamps": "1", "tail": tail}
        params |= {"since": wanted.since} if wanted.since is not None else {}
        params |= {"until": wanted.until} if wanted.until is not None else {}
        params |= {"follow": "1"} if wanted.follow else {}
        try:
            async with self._client.stream(container_path(runtime_id, "logs"), params) as response:
                async for batch in read_batches(response.content.iter_any(), tty=tty):
                    yield batch if self._redact is None else [_redacted(line, self._redact) for line in batch]
        except RefusedByEngine as exc:
            raise LogsUnavailable(exc.message) from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise LogsUnavailable("The engine broke off the logs") from exc

    async def _last_lines(self, runtime_id: str, began: datetime | None, died: datetime) -> tuple[LogLine, ...]:
        """Return the last lines written between *began* and *died*; none when they come late."""
        until = _seconds(died + timedelta(milliseconds=1))
        wanted = LogWindow(4 * LAST_LINES, None if began is None else _seconds(began), until)
        lines: deque[LogLine] = deque(maxlen=LAST_LINES)
        try:
            async with asyncio.timeout(EXCERPT_TIMEOUT_S):
                async for batch in self.logs(runtime_id, wanted):
                    lines.extend(batch)
        except (AppError, TimeoutError) as exc:
            log.debug("no last lines", runtime_id=runtime_id[:12], error=str(exc))
            return ()
        return within(lines, LAST_BYTES)


def _redacted(line: LogLine, pattern: Pattern) -> LogLine:
    text = pattern.sub(MASK, line.text)
    return line if text == line.text else LogLine(line.at, line.stream, text, line.partial)


def within(lines: Iterable[LogLine], limit_bytes: int) -> tuple[LogLine, ...]:
    """Return the newest of *lines* that together stay within *limit_bytes* characters."""
    kept: deque[LogLine] = deque()
    size = 0
    for line in reversed(list(lines)):
        size += len(line.text) + 1
        if size > limit_bytes:
            break
        kept.appendleft(line)
    return tuple(kept)


def _seconds(moment: datetime) -> str:
    milliseconds = to_ms(moment)
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}000000"
