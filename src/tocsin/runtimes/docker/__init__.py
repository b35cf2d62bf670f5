"""The Docker engine as a Runtime: discovery, event stream and logs, all by GET."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import structlog

from tocsin.core.clock import Clock, to_ms
from tocsin.core.errors import AppError
from tocsin.runtimes.base import ContainerGone, Details, Inventory, LogLine, LogsUnavailable, RuntimeUnavailable
from tocsin.runtimes.docker.client import DockerClient, RefusedByEngine, container_path
from tocsin.runtimes.docker.events import EventLanes, events_query
from tocsin.runtimes.docker.inspect import OddContainer, read_details, read_time
from tocsin.runtimes.docker.logs import read_lines

log = structlog.get_logger(__name__)

INSPECTS_AT_ONCE = 8
EXCERPT_LINES = 50
EXCERPT_BYTES = 10_240
EXCERPT_TIMEOUT_S = 2.0
LOGS_TIMEOUT_S = 8.0
PING_EVERY_S = 20.0
SMALLEST_CLOCK_DIFFERENCE = timedelta(seconds=1)


class DockerRuntime:
    """One engine, called *name* in Tocsin. *certificates* is the folder that `tcp+tls://` needs."""

    def __init__(self, name: str, address: str, clock: Clock, certificates: Path | None = None) -> None:
        self.name = name
        self.address = address
        self._clock = clock
        self._ahead = timedelta(0)
        self._client = DockerClient(address, certificates)

    async def close(self) -> None:
        await self._client.close()

    async def version(self) -> str:
        """Return the engine's version, such as `20.10.24`."""
        answer = await self._client.get("/version", timeout_s=5)
        if not isinstance(answer, dict) or not isinstance(answer.get("Version"), str):
            raise RuntimeUnavailable("The engine does not say its version; is this really a Docker engine?")
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
            lanes = EventLanes(response, self.inspect, self._excerpt)
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

    async def logs(
        self, runtime_id: str, lines: int, limit_bytes: int, since: datetime | None, until: datetime | None
    ) -> tuple[list[LogLine], bool]:
        """Return the last *lines* lines, oldest first, and whether older ones were left out.

        Of answers above *limit_bytes* the newest part is kept.
        """
        query = {"tail": str(lines + 1) if until is None else "all"}  # the engine counts before it looks at times
        query |= {"since": _seconds(since)} if since is not None else {}
        query |= {"until": _seconds(until)} if until is not None else {}
        tty = (await self.inspect(runtime_id)).tty
        kept: list[LogLine] = []
        size, cut = 0, False
        try:
            async with asyncio.timeout(LOGS_TIMEOUT_S):
                async for line in self._read(runtime_id, query, tty=tty):
                    kept.append(line)
                    size += len(line.text) + 1
                    while len(kept) > 1 and (size > limit_bytes or len(kept) > lines + 1):
                        size -= len(kept.pop(0).text) + 1
                        cut = True
        except TimeoutError:
            raise LogsUnavailable("The engine did not send the logs in time") from None
        return kept[-lines:], cut or len(kept) > lines

    async def follow(self, runtime_id: str, lines: int, since: str | None) -> AsyncIterator[LogLine]:
        """Yield the last *lines* lines (or those from *since*, unix seconds, on), then new ones until it ends."""
        tty = (await self.inspect(runtime_id)).tty
        query = {"follow": "1", "tail": str(lines)} if since is None else {"follow": "1", "tail": "all", "since": since}
        async for line in self._read(runtime_id, query, tty=tty):
            yield line

    async def _read(self, runtime_id: str, query: dict[str, str], *, tty: bool) -> AsyncIterator[LogLine]:
        params = {"stdout": "1", "stderr": "1", "timestamps": "1", **query}
        try:
            async with self._client.stream(container_path(runtime_id, "logs"), params) as response:
                async for line in read_lines(response.content.iter_any(), tty=tty):
                    yield line
        except RefusedByEngine as exc:
            raise LogsUnavailable(exc.message) from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise LogsUnavailable("The engine broke off the logs") from exc

    async def _excerpt(self, runtime_id: str, began: datetime | None, died: datetime) -> str | None:
        """Return the last lines written between *began* and *died*, None when there are none or they come late."""
        query = {"tail": str(4 * EXCERPT_LINES), "until": _seconds(died + timedelta(milliseconds=1))}
        if began is not None:
            query["since"] = _seconds(began)
        lines: list[LogLine] = []
        try:
            async with asyncio.timeout(EXCERPT_TIMEOUT_S):
                tty = (await self.inspect(runtime_id)).tty
                lines = [line async for line in self._read(runtime_id, query, tty=tty)]
        except (AppError, TimeoutError) as exc:
            log.debug("no log excerpt", runtime_id=runtime_id[:12], error=str(exc))
        return join_excerpt(lines[-EXCERPT_LINES:])


def join_excerpt(lines: Iterable[LogLine]) -> str | None:
    """Return *lines* as one text that keeps its final 10,240 bytes, None when there is nothing to read."""
    text = "".join(line.text + ("" if line.partial else "\n") for line in lines).rstrip("\n")
    return text.encode()[-EXCERPT_BYTES:].decode("utf-8", "ignore") or None


def _seconds(moment: datetime) -> str:
    milliseconds = to_ms(moment)
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}000000"
