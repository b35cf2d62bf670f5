"""One HTTP request and its response on one connection. Reads no more than somebody wants to know.  Source: RFC 9112."""

import asyncio
from time import monotonic
from typing import Any

import httptools

from tocsin.probes.base import Cause, Failed, HttpAnswer
from tocsin.probes.request import HttpSpec
from tocsin.probes.unpack import unpacked

LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 1 << 20
EXCERPT = 2048
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Exchange(asyncio.Protocol):
    """One request and its response. `done` is set when enough has come, and raises Failed when it broke."""

    __slots__ = (
        "_body",
        "_body_size",
        "_head",
        "_head_only",
        "_informed",
        "_is_last",
        "_limit",
        "_parser",
        "_request",
        "_spec",
        "_status",
        "_truncated",
        "done",
        "first_byte_at",
        "head_at",
        "sent_at",
        "transport",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, request: bytes, spec: HttpSpec, head_only: bool, is_last: bool
    ) -> None:
        self.transport: Any = None
        self.done: asyncio.Future[None] = loop.create_future()
        self.sent_at = 0.0
        self.first_byte_at: float | None = None
        self.head_at: float | None = None
        self._request = request
        self._spec = spec
        self._head_only = head_only
        self._is_last = is_last
        self._parser: Any = httptools.HttpResponseParser(self)
        self._head = b""
        self._informed = 0
        self._status = 0
        self._body: list[bytes] = []
        self._body_size = 0
        self._limit = 0
        self._truncated = False

    def begin(self) -> None:
        self.sent_at = monotonic()
        if not self.done.done():
            self.transport.write(self._request)

    def leave(self) -> None:
        """Let go of the connection at once: nobody needs its orderly end."""
        if not self.done.cancel() and not self.done.cancelled():
            self.done.exception()  # it has been told, or nobody is left to be told
        transport, self.transport, self._parser = self.transport, None, None  # no circle is left for the collector
        if transport is not None:
            transport.abort()

    def answer(self) -> HttpAnswer:
        answer = HttpAnswer(status=self._status, head=self._own_head())
        if self._body:
            answer.body, more = unpacked(b"".join(self._body), answer.header("content-encoding"), self._limit)
            answer.truncated = self._truncated or more
        return answer

    def _own_head(self) -> bytes:
        """Return the head of the response itself, without those of the informational ones before it."""
        heads = self._head.replace(b"\r\n", b"\n").split(b"\n\n", self._informed + 1)
        return heads[min(self._informed, len(heads) - 1)]

    # --- what the transport tells ------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self.done.done():
            return
        if self.first_byte_at is None:
            self.first_byte_at = monotonic()
        if self.head_at is None:
            self._head = self._head + data if self._head else data
            if len(self._head) > LARGEST_HEAD + len(data):
                self._fail(Cause.PROTOCOL, "the head of the answer is too large")
                return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._finish()
        except httptools.HttpParserError:
            if not self.done.done():
                self._fail(Cause.PROTOCOL, "the answer is not HTTP")

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self.done.done():
            return
        if self.head_at is not None and exc is None and not self._has_length():
            self._finish()  # the end of the connection is the end of the body (RFC 9112, 6.3)
        elif self.first_byte_at is None:
            self._fail(Cause.BROKEN_OFF, "connection closed without an answer")
        else:
            self._fail(Cause.BROKEN_OFF, "connection broken off in the middle of the answer")

    def _has_length(self) -> bool:
        return self._has("content-length") or self._has("transfer-encoding")

    def _has(self, header: str) -> bool:
        return HttpAnswer(status=self._status, head=self._own_head()).header(header) is not None

    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...

    # --- what the parser tells ---------------------------------------------------------------------------------------

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            self._informed += 1  # something else follows
            return
        self._status = status
        self.head_at = monotonic()
        spec = self._spec
        unexpected = bool(spec.expected) and status not in spec.expected and status not in REDIRECTS
        self._limit = spec.body_limit or (EXCERPT if unexpected else 0)
        leads_on = not self._is_last and status in REDIRECTS and self._has("location")
        if self._head_only or self._limit == 0 or status in {204, 304} or leads_on:
            self._finish()

    def on_body(self, data: bytes) -> None:
        if self.done.done():
            return
        room = self._limit - self._body_size
        if room > 0:
            self._body.append(data[:room])
            self._body_size += min(len(data), room)
        if len(data) > room:
            self._truncated = True
            self._finish()

    def on_message_complete(self) -> None:
        if self.head_at is not None:
            self._finish()

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _fail(self, cause: Cause, error: str) -> None:
        if not self.done.done():
            self.done.set_exception(Failed(cause, error))
