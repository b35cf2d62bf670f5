"""Logs of one container: the last lines, and a stream that resumes, keeps alive and says why it ends."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import parse_qsl

import msgspec
import structlog

from tocsin.containers.models import Container, LogEnded, LogExcerpt, LogLineEvent
from tocsin.containers.queries import ContainerQueries
from tocsin.core.clock import Clock
from tocsin.core.errors import AppError, InvalidId, InvalidParam
from tocsin.core.limiter import Limiter
from tocsin.http.access import Authenticator
from tocsin.http.asgi import Receive, Scope, Send, header
from tocsin.http.errors import refuse
from tocsin.http.streams import (
    HEADERS,
    HELLO,
    KEEP_ALIVE,
    KEEP_ALIVE_S,
    WRITE_DEADLINE_S,
    StreamCaps,
    StreamWriter,
    until_disconnected,
)
from tocsin.runtimes.base import ContainerGone, LogLine, Runtime, RuntimeUnavailable

log = structlog.get_logger(__name__)

MOST_LINES = 500
ANSWER_BYTES = 1 << 20
DEFAULT_LINES = 100
_ID = re.compile(r"[1-9]\d{0,17}")
_RESUME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z(?:/(\d{1,6}))?")
_encoder = msgspec.json.Encoder()


class LogQuery(NamedTuple):
    """Which lines are wanted: at most `lines` of them, the newest, between two instants."""

    lines: int
    since: datetime | None
    until: datetime | None
    timestamps: bool


class LogReader:
    """Reads from the engine that a container lives on; each client may ask 20 times at once, then 5 times a second."""

    def __init__(self, queries: ContainerQueries, runtimes: Mapping[str, Runtime], clock: Clock) -> None:
        self._queries = queries
        self._runtimes = runtimes
        self._limiter = Limiter(clock, burst=20, seconds_each=0.2)

    def runtime_of(self, container: Container) -> Runtime:
        """Raises RuntimeUnavailable: its engine is not watched (any more)."""
        runtime = self._runtimes.get(container.host)
        if runtime is None:
            raise RuntimeUnavailable(f"The engine {container.host} is not connected")
        return runtime

    async def get(self, container_id: int) -> Container:
        return await self._queries.get(container_id)

    async def tail(self, container_id: int, wanted: LogQuery, client: str) -> LogExcerpt:
        """Return the newest lines, oldest first.

        Raises NotFound, RuntimeUnavailable, LogsUnavailable; RateLimited: *client* asks too often.
        """
        container = await self._queries.get(container_id)
        self._limiter.spend(client)
        found, truncated = await self.runtime_of(container).logs(
            container.runtime_id, wanted.lines, ANSWER_BYTES, wanted.since, wanted.until
        )
        shown = [f"{line.at} {line.text}" if wanted.timestamps else line.text for line in found]
        return LogExcerpt(
            container_id=container.id,
            container_name=container.name,
            lines=shown,
            total_lines=len(shown),
            truncated=truncated,
        )


class LogStream:
    """`GET /api/v1/containers/{id}/logs/stream` as a raw ASGI application."""

    def __init__(
        self, reader: LogReader, authenticator: Authenticator, caps: StreamCaps, client: Callable[[Scope], str]
    ) -> None:
        self._reader = reader
        self._authenticator = authenticator
        self._caps = caps
        self._client = client
        self._open: set[asyncio.Task[object]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            container_id, lines, resume = read_request(scope)
            container = await self._reader.get(container_id)
            if scope["method"] == "HEAD":
                await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
                await send({"type": "http.response.body", "body": b""})
                return
            runtime = self._reader.runtime_of(container)
            client = self._client(scope)
            self._caps.enter(client)
        except AppError as exc:
            await refuse(scope, send, exc)
            return
        since, skip = resume if resume is not None else (None, None)
        source = runtime.follow(container.runtime_id, lines, since)
        task = asyncio.ensure_future(until_disconnected(receive, self._stream(scope, send, container_id, source, skip)))
        self._open.add(task)
        try:
            await task
        except asyncio.CancelledError:
            if not task.cancelled():
                task.cancel()
                raise
        finally:
            self._open.discard(task)
            self._caps.leave(client)

    def close(self) -> None:
        """End every stream: part of an orderly stop."""
        for task in tuple(self._open):
            task.cancel()

    async def _stream(
        self, scope: Scope, send: Send, container_id: int, source: AsyncIterator[LogLine], skip: str | None
    ) -> None:
        try:
            first = await _first(source)
        except AppError as exc:  # before the first byte an honest status is still possible
            await refuse(scope, send, exc)
            return
        lines = _Lines(container_id, source, first, skip)
        try:
            await self._write(scope, StreamWriter(scope, send), lines)
        finally:
            await lines.close()

    async def _write(self, scope: Scope, writer: StreamWriter, lines: "_Lines") -> None:
        await writer.start()
        await writer.write(HELLO)
        loop = asyncio.get_running_loop()
        look_up_at = loop.time() + KEEP_ALIVE_S
        while not lines.ended:
            data = await lines.next(KEEP_ALIVE_S)
            if loop.time() >= look_up_at:  # however much the container says
                if await self._authenticator.authenticate(scope) is None:
                    break
                look_up_at = loop.time() + KEEP_ALIVE_S
            await self._write_in_time(writer, data or KEEP_ALIVE)
        await writer.end()

    async def _write_in_time(self, writer: StreamWriter, data: bytes) -> None:
        """Write within the deadline: few streams of many bytes can afford a timer for each write."""
        try:
            async with asyncio.timeout(WRITE_DEADLINE_S):
                await writer.write(data)
        except TimeoutError:
            writer.cut()
            raise asyncio.CancelledError from None


class _Lines:
    """Gathers the lines of a source into frames; many lines that come together leave as one write."""

    def __init__(
        self, container_id: int, source: AsyncIterator[LogLine], first: asyncio.Task[LogLine | None], skip: str | None
    ) -> None:
        self._id = container_id
        self._source = source
        self._next: asyncio.Task[LogLine | None] = first
        self._skip = skip
        self._at, self._same = "", 0
        self.ended = False

    async def next(self, wait_s: float) -> bytes:
        """Return the frames of what came within *wait_s*; empty when nothing did."""
        done, _ = await asyncio.wait({self._next}, timeout=wait_s)
        parts: list[bytes] = []
        size = 0
        while done and size < 64 << 10:
            try:
                line = self._next.result()
            except AppError as exc:
                reason = "gone" if isinstance(exc, ContainerGone) else "read_error"
                return b"".join(parts) + self._end(exc.message, reason)
            if line is None:
                return b"".join(parts) + self._end("The container stopped", "ended")
            parts.append(self._frame(line))
            size += len(parts[-1])
            self._next = asyncio.ensure_future(anext(self._source, None))
            await asyncio.sleep(0)
            done = {self._next} if self._next.done() else set()
        return b"".join(parts)

    async def close(self) -> None:
        """Let go of the engine's stream."""
        self._next.cancel()
        await asyncio.gather(self._next, return_exceptions=True)
        if isinstance(self._source, AsyncGenerator):
            await self._source.aclose()

    def _frame(self, line: LogLine) -> bytes:
        """Return one line as an event. Its id is its time, with a number where several lines share it."""
        self._same = self._same + 1 if line.at == self._at else 0
        self._at = line.at
        number = f"{line.at}/{self._same}"
        if self._skip is not None:
            if line.at < self._skip.partition("/")[0] or number == self._skip or self._is_before_skip(line.at):
                return b""
            self._skip = None
        event = LogLineEvent(
            container_id=self._id, line=line.text, stream=line.stream, timestamp=line.at, partial=line.partial
        )
        return b"id: %s\nevent: container.log_line\ndata: %s\n\n" % (number.encode(), _encoder.encode(event))

    def _is_before_skip(self, at: str) -> bool:
        assert self._skip is not None  # noqa: S101 -- asked by _frame
        skip_at, _, same = self._skip.partition("/")
        return at == skip_at and self._same <= int(same or 0)

    def _end(self, message: str, reason: str) -> bytes:
        self.ended = True
        event = LogEnded(container_id=self._id, error=message, reason=reason)
        return b"event: container.log_error\ndata: %s\n\n" % _encoder.encode(event)


async def _first(source: AsyncIterator[LogLine]) -> asyncio.Task[LogLine | None]:
    """Ask for the first line; an engine that refuses does so at once, one that has nothing to say may take its time."""
    task: asyncio.Task[LogLine | None] = asyncio.ensure_future(anext(source, None))
    await asyncio.wait({task}, timeout=1.0)
    if task.done() and task.exception() is not None:
        await task
    return task


def read_request(scope: Scope) -> tuple[int, int, tuple[str, str] | None]:
    """Return the container's id, how many lines, and where to resume: unix seconds and the id of the last line seen.

    Raises InvalidId, InvalidParam.
    """
    text = scope["path"].removeprefix("/api/v1/containers/").removesuffix("/logs/stream")
    if not _ID.fullmatch(text):
        raise InvalidId("The id must be a positive whole number", field="id")
    query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
    if query.get("container"):
        raise InvalidParam(
            "container names a part of a Kubernetes workload; this container has no parts", field="container"
        )
    lines = read_lines(query.get("lines"))
    given = header(scope, b"last-event-id") or query.get("last_event_id") or query.get("since") or ""
    if not given:
        return int(text), lines, None
    match = _RESUME.fullmatch(given)
    if match is None:
        raise InvalidParam("since must be the time of a log line, such as 2026-11-23T11:14:34.120Z", field="since")
    return int(text), lines, (_unix(match[1], match[2] or "0"), given)


def read_lines(text: str | None) -> int:
    """Return how many lines are wanted, at most 500.  Raises InvalidParam."""
    if text is None:
        return DEFAULT_LINES
    if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
        raise InvalidParam("lines must be a whole number from 1 to 500", field="lines")
    return min(int(text[:9]), MOST_LINES)


def _unix(seconds: str, fraction: str) -> str:
    try:
        whole = int(datetime.fromisoformat(f"{seconds}+00:00").timestamp())
    except ValueError:
        raise InvalidParam("since is not a time that exists", field="since") from None
    return f"{whole}.{fraction:0<9}"
