"""TCP checks: does somebody take the connection, and say what is expected."""

import asyncio
from time import monotonic
from typing import Any, NamedTuple

from tocsin.probes.base import Cause, Failed, Phases, Result
from tocsin.probes.connect import Dialer, Slots

LARGEST_ANSWER = 64 * 1024


class TcpSpec(NamedTuple):
    """Where to connect. With *expect*, read until it has come; *send* is sent first."""

    host: str
    port: int
    send: bytes | None = None
    expect: bytes | None = None


class TcpProbe:
    def __init__(self, dialer: Dialer, slots: Slots) -> None:
        self._dialer = dialer
        self._slots = slots

    async def probe(self, spec: TcpSpec, timeout_s: float) -> Result:
        """Return what came of one check. Never raises for the target's fault."""
        if not self._slots.try_take(spec.host):
            await self._slots.take(spec.host)
        try:
            return await self._probe(spec, timeout_s)
        finally:
            self._slots.give(spec.host)

    async def _probe(self, spec: TcpSpec, timeout_s: float) -> Result:
        loop = asyncio.get_running_loop()
        result, phase = Result(), "looking up the name"
        dns = connect = first = None
        talk = _Talk(loop, spec.expect)
        started = monotonic()
        try:
            async with asyncio.timeout(timeout_s) as limit:
                addresses = await self._dialer.addresses(spec.host)
                dns = monotonic() - started
                result.address = addresses[0]
                phase = "connecting"
                talk.transport, result.address = await self._dialer.connect(
                    lambda: talk, spec.host, spec.port, addresses, limit.when() or 0.0
                )
                connect = monotonic() - started - dns
                phase = "waiting for what is expected"
                if spec.send or spec.expect:
                    first = await talk.converse(spec.send)
        except Failed as exc:
            result.cause, result.error = exc.cause, exc.error
        except TimeoutError:
            late = Cause.TIMEOUT_CONNECT if dns is not None else self._dialer.why_late(spec.host)
            result.cause = Cause.TIMEOUT if connect is not None else late
            result.error = f"no answer within {timeout_s:g} s ({phase})"
        finally:
            talk.leave()
        result.data = bytes(talk.data)
        result.phases = Phases(_us(monotonic() - started) or 0, _us(dns), _us(connect), None, _us(first))
        return result


class _Talk(asyncio.Protocol):
    def __init__(self, loop: asyncio.AbstractEventLoop, expect: bytes | None) -> None:
        self.transport: Any = None
        self.data = bytearray()
        self._expect = expect
        self._first_at: float | None = None
        self._done: asyncio.Future[None] = loop.create_future()

    async def converse(self, send: bytes | None) -> float | None:
        """Say *send*, wait for what is expected; return the seconds until the first byte.  Raises Failed."""
        at = monotonic()
        if send:
            self.transport.write(send)
        if self._expect:
            await self._done
        return None if self._first_at is None else max(0.0, self._first_at - at)

    def leave(self) -> None:
        self._done.cancel()
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._first_at is None:
            self._first_at = monotonic()
        self.data += data[: LARGEST_ANSWER - len(self.data)]
        if self._done.done() or not self._expect:
            return
        if self._expect in self.data:
            self._done.set_result(None)
        elif len(self.data) >= LARGEST_ANSWER:
            self._done.set_exception(Failed(Cause.PROTOCOL, f"not among the first {LARGEST_ANSWER // 1024} KB"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(Failed(Cause.BROKEN_OFF, "connection closed before what is expected came"))
            self._done.exception()  # nobody may be waiting


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else max(0, round(seconds * 1_000_000))
