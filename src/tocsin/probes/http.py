"""HTTP checks: one request on a fresh connection, HTTP/1.1, redirects followed by hand and each checked anew.

Reads no more than it must: without a question about the body it is content with the head.  Source: RFC 9112.
"""

import asyncio
import ssl
from enum import StrEnum
from time import monotonic

from tocsin.probes.base import Cause, Failed, Phases, Result
from tocsin.probes.connect import Dialer, Slots
from tocsin.probes.exchange import REDIRECTS, Exchange
from tocsin.probes.limit import Limit
from tocsin.probes.request import HttpSpec, Target, build_request, is_same_origin, location_of


class Phase(StrEnum):
    NAME = "looking up the name"
    CONNECT = "connecting"
    TLS = "TLS handshake"
    ANSWER = "waiting for the answer"
    REST = "reading the answer"


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
            if answer.status not in REDIRECTS or is_last:
                break
            following = location_of(target, answer)
            if following is None:
                break
            if not is_same_origin(target, following):
                plain = plain._replace(headers=(), body=None)  # they may hold secrets, and were meant for somebody else
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


def _us(seconds: float) -> int:
    return max(0, round(seconds * 1_000_000))
