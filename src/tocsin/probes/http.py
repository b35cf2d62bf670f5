"""HTTP checks: one request on a fresh connection, HTTP/1.1, redirects followed by hand and each checked anew.

Reads no more than it must: without a question about the body it is content with the head.  Source: RFC 9112.
"""

import asyncio
import ssl
from enum import StrEnum
from time import monotonic
from typing import Any, NamedTuple

import httptools
from yarl import URL

from tocsin import __version__
from tocsin.core.errors import Invalid
from tocsin.probes.base import Cause, Failed, HttpAnswer, Phases, Result
from tocsin.probes.connect import Dialer, Slots
from tocsin.probes.unpack import unpacked

LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 1 << 20
EXCERPT = 2048
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OWN = {"connection", "content-length", "transfer-encoding", "upgrade", "expect"}


class Target(NamedTuple):
    """A URL taken apart once. `authority` is what the Host header says, `path` has its query."""

    scheme: str
    host: str
    port: int
    path: str
    authority: str


class HttpSpec(NamedTuple):
    """What to ask. *body_limit* 0: the head is enough, unless the status is not one of *expected* (evidence).

    *request* is what `build_request` makes of the rest; a check that is done often has it ready.
    """

    target: Target
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    verify: bool = True
    max_redirects: int = 5
    body_limit: int = 0
    expected: frozenset[int] = frozenset()
    wants_certificate: bool = False
    request: bytes = b""


class Phase(StrEnum):
    NAME = "looking up the name"
    CONNECT = "connecting"
    TLS = "TLS handshake"
    ANSWER = "waiting for the answer"
    REST = "reading the answer"


def parse_target(url: str) -> Target:
    """Raises Invalid: not a URL that can be checked."""
    if any(ord(char) <= 32 or ord(char) == 127 for char in url) or "\\" in url:
        raise Invalid("target holds characters that no URL has", field="target")
    try:
        parts = URL(url)
        host, port = parts.raw_host, parts.port
    except ValueError:
        raise Invalid("target is not a URL", field="target") from None
    if parts.scheme not in {"http", "https"} or not host or not port:
        raise Invalid("target must begin with http:// or https:// and name a host", field="target")
    if parts.raw_user is not None or parts.raw_password is not None:
        raise Invalid("target must not hold a user name or password; use the header Authorization", field="target")
    shown = f"[{host}]" if ":" in host else host
    standard = port == (443 if parts.scheme == "https" else 80)
    return Target(parts.scheme, host, port, parts.raw_path_qs or "/", shown if standard else f"{shown}:{port}")


class HttpProbe:
    """Asks over HTTP. Holds what all checks share; an object of it is for one event loop."""

    def __init__(self, dialer: Dialer, slots: Slots) -> None:
        self._dialer = dialer
        self._slots = slots

    async def probe(self, spec: HttpSpec, timeout_s: float) -> Result:
        """Return what came of one check. Never raises for the target's fault."""
        host = spec.target.host
        if not self._slots.try_take(host):
            await self._slots.take(host)
        run = _Run(self._dialer, spec, timeout_s)
        try:
            await run.go()
        finally:
            self._slots.give(host)
        return run.result


class _Run:
    """One check on its way: what it has found so far is in `result`, so that a failure keeps its evidence."""

    __slots__ = (
        "_connect",
        "_dialer",
        "_dns",
        "_exchange",
        "_first_byte",
        "_host",
        "_limit",
        "_loop",
        "_phase",
        "_reached",
        "_spec",
        "_started",
        "_timeout_s",
        "_tls",
        "_waited",
        "result",
    )

    def __init__(self, dialer: Dialer, spec: HttpSpec, timeout_s: float) -> None:
        self._dialer = dialer
        self._spec = spec
        self._loop = asyncio.get_running_loop()
        self._timeout_s = timeout_s
        self._limit = Limit(self._loop, timeout_s)
        self._phase = Phase.NAME
        self._dns = self._connect = self._waited = 0.0
        self._tls: float | None = None
        self._first_byte: float | None = None
        self._reached = False
        self._exchange: Exchange | None = None
        self.result = Result()
        self._started = monotonic()

    async def go(self) -> None:
        result = self.result
        ended = None
        try:
            with self._limit:
                ended = await self._follow()
        except Failed as exc:
            result.cause, result.error = exc.cause, exc.error
        except TimeoutError:
            result.cause, result.error = self._out_of_time()
        finally:
            if self._exchange is not None:
                self._leave(self._exchange)
        total = (monotonic() if ended is None else ended) - self._started - self._waited
        result.phases = Phases(
            _us(total),
            _us(self._dns),
            _us(self._connect) if self._reached else None,
            None if self._tls is None else _us(self._tls),
            None if self._first_byte is None else _us(self._first_byte),
        )

    def _out_of_time(self) -> tuple[Cause, str]:
        phase = self._phase
        exchange = self._exchange
        if phase is Phase.ANSWER and exchange is not None and exchange.first_byte_at is not None:
            phase = Phase.REST
            if exchange.head_at is not None:  # the head is there: what is missing belongs to the evidence
                self.result.http = exchange.answer()
        cause = Cause.TIMEOUT_CONNECT if phase is Phase.CONNECT else Cause.TIMEOUT
        if phase is Phase.NAME:
            cause = self._dialer.why_late(self._host)
        return cause, f"no answer within {self._timeout_s:g} s ({phase})"

    async def _follow(self) -> float:
        """Ask, go where redirects lead, and return when the last head had come."""
        spec, target = self._spec, self._spec.target
        request = spec.request or build_request(spec)
        method, plain = spec.method, spec
        for hop in range(spec.max_redirects + 1):
            is_last = hop == spec.max_redirects
            exchange = await self._ask(target, Exchange(self._loop, request, spec, method == "HEAD", is_last))
            answer = self.result.http = exchange.answer()
            if answer.status not in _REDIRECTS or is_last:
                break
            following = _location(target, answer)
            if following is None:
                break
            if not _is_same(target, following):
                plain = plain._replace(headers=())  # they may hold secrets, and were meant for somebody else
            if answer.status == 303 or (answer.status in {301, 302} and method == "POST"):
                method = "HEAD" if method == "HEAD" else "GET"
                plain = plain._replace(body=None)
            target = following
            request = build_request(plain._replace(target=target, method=method))
            self._leave(exchange)
        return exchange.head_at or monotonic()

    async def _ask(self, target: Target, exchange: "Exchange") -> "Exchange":
        self._exchange, self._host = exchange, target.host
        self._phase = Phase.NAME
        before = monotonic()
        addresses = self._dialer.known_addresses(target.host) or await self._dialer.addresses(target.host)
        at = monotonic()
        self._dns += at - before
        self.result.address = addresses[0]

        self._phase = Phase.CONNECT
        deadline = self._limit.at
        exchange.transport, address = await self._dialer.connect(
            lambda: exchange, target.host, target.port, addresses, deadline
        )
        self._connect += monotonic() - at
        self._reached = True
        self.result.address = address
        if target.scheme == "https":
            await self._encrypt(exchange, target.host)
        self._phase = Phase.ANSWER
        exchange.begin()
        await exchange.done
        return exchange

    async def _encrypt(self, exchange: "Exchange", host: str) -> None:
        self._phase = Phase.TLS
        waiting = monotonic()
        turn = await self._dialer.handshake_turn()
        at = monotonic()
        if at - waiting > 0.001:  # the wait is ours, not the target's
            self._waited += at - waiting
            self._limit.extend(at - waiting)
        try:
            if exchange.first_byte_at is not None:  # whoever sits in between could have said it
                raise Failed(Cause.TLS, "TLS handshake failed: the server spoke in clear before it")
            exchange.transport = await self._dialer.encrypt(exchange.transport, exchange, host, self._spec.verify)
        finally:
            if turn:
                self._dialer.end_turn()
            self._tls = (self._tls or 0.0) + monotonic() - at
        tls: ssl.SSLObject = exchange.transport.get_extra_info("ssl_object")
        self.result.tls_version = tls.version()
        if self._spec.wants_certificate:
            self.result.certificate = tls.getpeercert(True)

    def _leave(self, exchange: "Exchange") -> None:
        if exchange.first_byte_at is not None:
            self._first_byte = (self._first_byte or 0.0) + exchange.first_byte_at - exchange.sent_at
        exchange.leave()
        self._exchange = None


class Limit:
    """A time limit for a block, as `asyncio.timeout`, at half its price. `at` is when it ends, a time of the loop."""

    __slots__ = ("_handle", "_is_over", "_loop", "_task", "at")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._is_over = False
        self._task: asyncio.Task[Any] | None = None
        self.at = loop.time() + seconds

    def __enter__(self) -> None:
        self._task = asyncio.current_task(self._loop)
        self._handle = self._loop.call_at(self.at, self._end)

    def extend(self, seconds: float) -> None:
        self.at += seconds
        self._handle.cancel()
        self._handle = self._loop.call_at(self.at, self._end)

    def _end(self) -> None:
        self._is_over = True
        if self._task is not None:
            self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, _: object) -> None:
        self._handle.cancel()
        task, self._task = self._task, None
        if self._is_over and task is not None and task.uncancel() <= 0 and kind is asyncio.CancelledError:
            raise TimeoutError from exc


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
        unexpected = bool(spec.expected) and status not in spec.expected and status not in _REDIRECTS
        self._limit = spec.body_limit or (EXCERPT if unexpected else 0)
        leads_on = not self._is_last and status in _REDIRECTS and self._has("location")
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


def build_request(spec: HttpSpec) -> bytes:
    """Return the request as it goes over the wire."""
    given = {name.lower() for name, _ in spec.headers}
    lines = [f"{spec.method} {spec.target.path} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"Host: {spec.target.authority}")
    if "user-agent" not in given:
        lines.append(f"User-Agent: Tocsin/{__version__}")
    if "accept" not in given:
        lines.append("Accept: */*")
    if "accept-encoding" not in given:
        lines.append(f"Accept-Encoding: {'gzip, deflate' if spec.body_limit else 'identity'}")
    lines += [f"{name}: {value}" for name, value in spec.headers if name.lower() not in _OWN]
    if spec.body is not None or spec.method in {"POST", "PUT", "PATCH"}:
        lines.append(f"Content-Length: {len(spec.body or b'')}")
    lines.append("Connection: close")
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + (spec.body or b"")


def _location(target: Target, answer: HttpAnswer) -> Target | None:
    """Return where a redirect leads, None when it says nothing usable.  Raises Failed: nowhere we go."""
    location = answer.header("location")
    if not location:
        return None
    try:
        here = URL(f"{target.scheme}://{target.authority}{target.path}", encoded=True)
        following = here.join(URL(location))
        return parse_target(str(following.with_user(None).with_fragment(None)))
    except (ValueError, Invalid):
        raise Failed(Cause.PROTOCOL, "redirected to something that is no http or https URL") from None


def _is_same(before: Target, after: Target) -> bool:
    """Say whether *after* is who was asked before, and no less safe to talk to."""
    one, other = (before.scheme, before.port), (after.scheme, after.port)
    return before.host == after.host and (one == other or (one, other) == (("http", 80), ("https", 443)))


def _us(seconds: float) -> int:
    return max(0, round(seconds * 1_000_000))
