"""The last lines of a container: from its engine, or from what was kept when the engine has them no longer."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from tocsin.containers.models import Container
from tocsin.core.clock import Clock, wire
from tocsin.core.limiter import Limiter
from tocsin.db.database import Database
from tocsin.logs import store
from tocsin.logs.lines import Marker
from tocsin.logs.models import LogEntry, LogExcerpt, LogSource, Marked
from tocsin.logs.query import LogQuery, unix_of_stamp
from tocsin.runtimes.base import (
    ContainerGone,
    LogLine,
    LogsUnavailable,
    LogWindow,
    Runtime,
    RuntimeUnavailable,
)

ANSWER_BYTES = 1 << 20
TIMEOUT_S = 8.0
SEARCHES_AT_ONCE = 2
DEPTHS = (2_000, 20_000, 200_000)
"""How far back a search looks, in lines, before it reads everything: what is wanted is mostly near the end."""


class FindContainers(Protocol):
    """What logs need to know about containers."""

    async def get(self, container_id: int) -> Container: ...
    async def in_group(self, group: str) -> Sequence[Container]: ...


class Position(NamedTuple):
    """A place in a container's log: the `number`-th line (from 0) of those stamped `at`."""

    at: str
    number: int

    def after(self, at: str) -> "Position":
        """Return the place of the next line, stamped *at*."""
        return Position(at, self.number + 1 if at == self.at else 0)


class Found(NamedTuple):
    """What a look back found: the newest matching lines, and whether there are more.

    `end` is where the log ended, and `marker` knows what came before: following goes on from there.
    """

    lines: list[Marked]
    truncated: bool
    end: Position | None
    marker: Marker


class LogReader:
    """Reads from the engine that a container lives on; each client may ask 20 times at once, then 5 times a second."""

    def __init__(self, containers: FindContainers, runtimes: Mapping[str, Runtime], db: Database, clock: Clock) -> None:
        self.containers = containers
        self._runtimes = runtimes
        self._db = db
        self.limiter = Limiter(clock, burst=20, seconds_each=0.2)
        self._searches = asyncio.Semaphore(SEARCHES_AT_ONCE)

    def runtime_of(self, container: Container) -> Runtime:
        """Raises RuntimeUnavailable: its engine is not watched (any more)."""
        runtime = self._runtimes.get(container.host)
        if runtime is None:
            raise RuntimeUnavailable(f"The engine {container.host} is not connected")
        return runtime

    async def tail(self, container_id: int, wanted: LogQuery, client: str) -> LogExcerpt:
        """Return the newest lines that are wanted, oldest first.

        Raises NotFound, RuntimeUnavailable, LogsUnavailable; RateLimited: *client* asks too often.
        """
        container = await self.containers.get(container_id)
        self.limiter.spend(client)
        try:
            found = await self.look_back(container, wanted)
            return _excerpt(container, wanted, found, None)
        except (RuntimeUnavailable, ContainerGone, LogsUnavailable):
            tail = await self._db.read(lambda read: store.newest(read, container_id))
            if tail is None:
                raise
        return _excerpt(container, wanted, _select(tail.lines, wanted), wire(tail.at))

    async def look_back(self, container: Container, wanted: LogQuery) -> Found:
        """Return the newest matching lines within 8 s.  Raises ContainerGone, RuntimeUnavailable, LogsUnavailable."""
        runtime = self.runtime_of(container)
        if wanted.filter.is_open and wanted.until is None:
            return await self._one_pass(runtime, container, wanted, wanted.lines + 1, TIMEOUT_S)
        async with self._searches:
            return await self._search(runtime, container, wanted)

    async def _search(self, runtime: Runtime, container: Container, wanted: LogQuery) -> Found:
        """Look further and further back until there are enough lines, everything was read, or the time is up."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + TIMEOUT_S
        best: Found | None = None
        for depth in (*DEPTHS, None):
            try:
                found = await self._one_pass(runtime, container, wanted, depth, deadline - loop.time())
            except LogsUnavailable:
                if best is None:
                    raise
                return best
            best = found._replace(truncated=True)
            if len(found.lines) >= wanted.lines or not found.truncated:
                return found
        raise AssertionError("the last pass reads everything")

    async def _one_pass(
        self, runtime: Runtime, container: Container, wanted: LogQuery, depth: int | None, seconds: float
    ) -> Found:
        window = LogWindow(tail=depth, since=wanted.since)
        collected = _Collector(wanted)
        try:
            async with asyncio.timeout(seconds):
                async for batch in runtime.logs(container.runtime_id, window):
                    collected.take(batch)
        except TimeoutError:
            raise LogsUnavailable("The engine did not send the logs in time") from None
        return collected.found(depth)


class _Collector:
    """Keeps the newest matching lines within the number asked for and 1 MiB."""

    def __init__(self, wanted: LogQuery) -> None:
        self._wanted = wanted
        self._until = wanted.until
        self._marker = Marker()
        self._kept: deque[Marked] = deque()
        self._size = 0
        self._cut = False
        self._seen = 0
        self._end: Position | None = None

    def take(self, batch: Iterable[LogLine]) -> None:
        keeps, limit = self._wanted.filter.matches, self._wanted.lines
        for line in batch:
            self._seen += 1
            self._end = self._end.after(line.at) if self._end is not None else Position(line.at, 0)
            if self._until is not None and not _until(line.at, self._until):
                continue
            marked = self._marker.mark(line, self._end.number)
            if not keeps(marked):
                continue
            self._kept.append(marked)
            self._size += len(marked.text) + 1
            while len(self._kept) > 1 and (self._size > ANSWER_BYTES or len(self._kept) > limit):
                self._size -= len(self._kept.popleft().text) + 1
                self._cut = True

    def found(self, depth: int | None) -> Found:
        """Return what was kept; there may be more when the engine gave as many lines as it was asked for."""
        full = depth is not None and self._seen >= depth
        return Found(list(self._kept), self._cut or full, self._end, self._marker)


def _until(stamp: str, until: str) -> bool:
    unix = unix_of_stamp(stamp)
    return unix is None or (len(unix), unix) < (len(until), until)


def _select(lines: Iterable[LogLine], wanted: LogQuery) -> Found:
    collected = _Collector(wanted)
    since = wanted.since
    collected.take(line for line in lines if since is None or not _until(line.at, since))
    return collected.found(None)


def _excerpt(container: Container, wanted: LogQuery, found: Found, kept_at: str | None) -> LogExcerpt:
    return LogExcerpt(
        container_id=container.id,
        container_name=container.name,
        lines=[f"{line.at} {line.text}" if wanted.timestamps else line.text for line in found.lines],
        total_lines=len(found.lines),
        truncated=found.truncated,
        source=LogSource.ENGINE if kept_at is None else LogSource.KEPT,
        kept_at=kept_at,
        entries=[_entry(line) for line in found.lines] if wanted.details else None,
    )


def _entry(line: Marked) -> LogEntry:
    return LogEntry(
        line=line.text,
        stream=line.stream,
        timestamp=line.at,
        partial=line.partial,
        level=line.level,
        continues=line.continues,
    )
