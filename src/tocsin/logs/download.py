"""`GET /api/v1/containers/{id}/logs/download`: all that the engine has, as a file, one batch at a time."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

from tocsin.containers.models import Container
from tocsin.core.errors import AppError
from tocsin.http.asgi import Receive, Scope, Send
from tocsin.http.errors import refuse
from tocsin.http.streams import WRITE_DEADLINE_S, StreamCaps, until_disconnected
from tocsin.logs.lines import Marker
from tocsin.logs.query import LogQuery
from tocsin.logs.reader import LogReader
from tocsin.logs.request import read_request
from tocsin.runtimes.base import LogLine, LogWindow


class LogDownload:
    """The raw application; it shares *caps* with the streams: both hold a connection to an engine."""

    def __init__(self, reader: LogReader, caps: StreamCaps, client: Callable[[Scope], str]) -> None:
        self._reader = reader
        self._caps = caps
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = self._client(scope)
        try:
            wanted = read_request(scope)
            container = await self._reader.containers.get(wanted.ids[0])
            runtime = self._reader.runtime_of(container)
            self._reader.limiter.spend(client)
            self._caps.enter(client)
        except AppError as exc:
            await refuse(scope, send, exc)
            return
        window = LogWindow(since=wanted.query.since, until=wanted.query.until)
        try:
            source = runtime.logs(container.runtime_id, window)
            await until_disconnected(receive, self._send(scope, send, container, wanted.query, source))
        finally:
            self._caps.leave(client)

    async def _send(
        self, scope: Scope, send: Send, container: Container, wanted: LogQuery, source: AsyncIterator[list[LogLine]]
    ) -> None:
        async with aclosing(source):  # type: ignore[type-var]
            try:
                first: list[LogLine] = await anext(source, [])
            except AppError as exc:
                await refuse(scope, send, exc)
                return
            await send({"type": "http.response.start", "status": 200, "headers": _headers(container)})
            if scope["method"] != "HEAD":
                await self._send_all(send, first, wanted, source)
        await send({"type": "http.response.body", "body": b""})

    async def _send_all(
        self, send: Send, first: list[LogLine], wanted: LogQuery, source: AsyncIterator[list[LogLine]]
    ) -> None:
        """Send batch by batch. An engine that breaks off breaks the download too: half a file must not look whole."""
        marker = Marker()
        batch: list[LogLine] | None = first
        while batch is not None:
            text = "".join(_text(line, wanted, marker) for line in batch)
            if text:
                async with asyncio.timeout(WRITE_DEADLINE_S):
                    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            batch = await anext(source, None)


def _text(line: LogLine, wanted: LogQuery, marker: Marker) -> str:
    if not wanted.filter.is_open and not wanted.filter.matches(marker.mark(line)):
        return ""
    return (f"{line.at} " if wanted.timestamps else "") + line.text + ("" if line.partial else "\n")


def _headers(container: Container) -> list[tuple[bytes, bytes]]:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", container.name).strip("-.") or "container"
    return [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-disposition", f'attachment; filename="{name}.log"'.encode()),
        (b"x-accel-buffering", b"no"),
    ]
