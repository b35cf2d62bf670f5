"""Live logs of one container or of several at once, as server-sent events that can be resumed.

`GET /api/v1/containers/{id}/logs/stream` and `GET /api/v1/containers/logs/stream?ids=…|group=…`, raw ASGI.
Source: docs/spec/logs.md, streams.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from heapq import merge
from typing import NamedTuple

import msgspec

from tocsin.containers.models import Container
from tocsin.core.errors import AppError, NotFound
from tocsin.http.access import Authenticator
from tocsin.http.asgi import Receive, Scope, Send
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
from tocsin.logs.filters import LogFilter
from tocsin.logs.follow import Batch, Pace, follow
from tocsin.logs.lines import Marker
from tocsin.logs.models import LogEnded, LogLineEvent, LogSkipped, Marked
from tocsin.logs.places import encode_places
from tocsin.logs.reader import Found, LogReader, Position
from tocsin.logs.request import StreamRequest, read_request
from tocsin.runtimes.base import ContainerGone

WAITING_BATCHES = 8
MOST_TOGETHER = 20
LARGEST_WRITE_BYTES = 64 << 10
_encoder = msgspec.json.Encoder()


class _End(NamedTuple):
    """A container's log is over."""

    message: str
    reason: str


class LogStream:
    """The raw application. *caps* bounds streams in all and for each client."""

    def __init__(
        self, reader: LogReader, authenticator: Authenticator, caps: StreamCaps, client: Callable[[Scope], str]
    ) -> None:
        self._reader = reader
        self._authenticator = authenticator
        self._caps = caps
        self._client = client
        self._pace = Pace()
        self._open: set[asyncio.Task[object]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = self._client(scope)
        try:
            wanted = read_request(scope)
            containers = await self._containers(wanted)
            if scope["method"] == "HEAD":
                await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
                await send({"type": "http.response.body", "body": b""})
                return
            self._caps.enter(client)
        except AppError as exc:
            await refuse(scope, send, exc)
            return
        task = asyncio.ensure_future(until_disconnected(receive, self._run(scope, send, wanted, containers)))
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

    async def _containers(self, wanted: StreamRequest) -> list[Container]:
        """Return the containers that are asked for.  Raises NotFound, RuntimeUnavailable."""
        if wanted.group is not None:
            found = list(await self._reader.containers.in_group(wanted.group))
            if not found:
                raise NotFound("There is no container in this group")
            found = found[:MOST_TOGETHER]
        else:
            found = [await self._reader.containers.get(container_id) for container_id in wanted.ids]
        for container in found:
            self._reader.runtime_of(container)
        return found

    async def _run(self, scope: Scope, send: Send, wanted: StreamRequest, containers: Sequence[Container]) -> None:
        session = _Session(self._reader, self._pace, wanted, containers)
        try:
            backlog = await session.begin()
        except AppError as exc:  # before the first byte an honest status is still possible
            await refuse(scope, send, exc)
            return
        async with asyncio.TaskGroup() as tasks:
            session.follow_all(tasks)
            await self._write(scope, StreamWriter(scope, send), session, backlog)
            session.stop()

    async def _write(self, scope: Scope, writer: StreamWriter, session: "_Session", backlog: bytes) -> None:
        await writer.start()
        await self._write_in_time(writer, HELLO + backlog)
        loop = asyncio.get_running_loop()
        look_up_at = loop.time() + KEEP_ALIVE_S
        while not session.is_over:
            data = await session.next(KEEP_ALIVE_S)
            if loop.time() >= look_up_at:  # however much the containers say
                if await self._authenticator.authenticate(scope) is None:
                    break
                look_up_at = loop.time() + KEEP_ALIVE_S
            if data is not None:
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


class _Session:
    """One client: its containers, how far it has read in each, and what waits to be written."""

    def __init__(self, reader: LogReader, pace: Pace, wanted: StreamRequest, containers: Sequence[Container]) -> None:
        self._reader = reader
        self._pace = pace
        self._wanted = wanted
        self._containers = {container.id: container for container in containers}
        self._places: dict[int, Position] = dict(wanted.places)
        self._markers = {container.id: Marker() for container in containers}
        self._asked_at = {c.id: reader.runtime_of(c).now() for c in containers}
        self._ready: asyncio.Queue[tuple[int, Batch | _End]] = asyncio.Queue(WAITING_BATCHES)
        self._following: list[asyncio.Task[None]] = []
        self._left = len(containers)

    @property
    def is_over(self) -> bool:
        return self._left == 0

    async def begin(self) -> bytes:
        """Return the frames of the last lines of all, in order of time; nothing for a client that resumes."""
        if self._wanted.places:
            return b""
        query = self._wanted.query
        found: dict[int, Found] = {}
        for container in self._containers.values():
            found[container.id] = await self._reader.look_back(container, query)
            self._markers[container.id] = found[container.id].marker
            if (end := found[container.id].end) is not None:
                self._places[container.id] = end
        together = merge(
            *([(line.at.removesuffix("Z"), number, line) for line in result.lines] for number, result in found.items()),
            key=lambda item: item[0],
        )
        newest = list(together)[-query.lines :]
        return b"".join(self._frame(number, line) for _, number, line in newest) + self._checkpoint(bool(newest))

    def follow_all(self, tasks: asyncio.TaskGroup) -> None:
        self._following = [tasks.create_task(self._follow(container)) for container in self._containers.values()]

    def stop(self) -> None:
        for task in self._following:
            task.cancel()

    async def _follow(self, container: Container) -> None:
        place, marker = self._places.get(container.id), self._markers[container.id]
        runtime, asked_at = self._reader.runtime_of(container), self._asked_at[container.id]
        end = _End("The container stopped", "ended")
        try:
            batches = follow(runtime, container.runtime_id, place, asked_at, marker, self._pace)
            async with aclosing(batches):  # type: ignore[type-var]
                async for batch in batches:
                    await self._ready.put((container.id, batch))
        except AppError as exc:
            end = _End(exc.message, "gone" if isinstance(exc, ContainerGone) else "read_error")
        await self._ready.put((container.id, end))

    async def next(self, wait_s: float) -> bytes | None:
        """Return the frames of what came; empty when nothing did for *wait_s*, None when nothing passed the filter."""
        try:
            async with asyncio.timeout(wait_s):
                ready = [await self._ready.get()]
        except TimeoutError:
            return b""
        parts: list[bytes] = []
        size = 0
        while ready:
            container_id, what = ready.pop()
            parts.append(self._frames(container_id, what))
            size += len(parts[-1])
            if size < LARGEST_WRITE_BYTES and not self._ready.empty():
                ready.append(self._ready.get_nowait())
        data = b"".join(parts)
        return data + self._checkpoint(True) if data else None

    def _frames(self, container_id: int, what: Batch | _End) -> bytes:
        if isinstance(what, _End):
            self._left -= 1
            return encode_event(LogEnded(container_id=container_id, error=what.message, reason=what.reason))
        self._places[container_id] = what.end
        keeps: LogFilter = self._wanted.query.filter
        skipped = b""
        if what.skipped is not None:
            start, end = what.skipped
            skipped = encode_event(LogSkipped(container_id=container_id, from_time=start, to_time=end))
        return skipped + b"".join(self._frame(container_id, line) for line in what.lines if keeps.matches(line))

    def _frame(self, container_id: int, line: Marked) -> bytes:
        """Return one line as an event; where there is one log only, every line says how far it takes the reader."""
        event = encode_event(
            LogLineEvent(
                container_id=container_id,
                line=line.text,
                stream=line.stream,
                timestamp=line.at,
                partial=line.partial,
                level=line.level,
                continues=line.continues,
            )
        )
        return b"id: %s/%d\n%s" % (line.at.encode(), line.number, event) if self._wanted.is_single else event

    def _checkpoint(self, wanted: bool) -> bytes:
        """Return a frame that only carries an id: how far this client has read in each of several logs."""
        if not wanted or not self._places or self._wanted.is_single:
            return b""
        return b"id: %s\n\n" % encode_places(self._places).encode()


def encode_event(event: LogLineEvent | LogSkipped | LogEnded) -> bytes:
    """Return *event* as the lines of a server-sent event."""
    return b"event: %s\ndata: %s\n\n" % (str(event.__struct_config__.tag).encode(), _encoder.encode(event))
