"""Connections of the probes: to addresses that the egress policy has checked, and to no others."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from tocsin.core.egress import Address, EgressPolicy
from tocsin.core.errors import TargetForbidden
from tocsin.probes.base import Cause, Failed, from_os_error
from tocsin.probes.names import MOST_REMEMBERED, Names

MOST_AT_ONCE = 1000
MOST_PER_HOST = 30
HANDSHAKES_AT_ONCE = 32
LONGEST_HANDSHAKE_WAIT_S = 1.0
"""A handshake is half a millisecond of computing and a quarter of a megabyte: a queue keeps bursts small, but nobody
waits long in it, whatever those before him do."""

P = TypeVar("P", bound=asyncio.Protocol)


class Slots:
    """How many probes run at once: in all, and for one host. `try_take`, else `take`, before; `give` after."""

    def __init__(self, most: int = MOST_AT_ONCE, per_host: int = MOST_PER_HOST) -> None:
        self.per_host = per_host
        self._free = most
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._running: dict[str, int] = {}
        self._waiting_for: dict[str, deque[asyncio.Future[None]]] = {}

    def try_take(self, host: str) -> bool:
        """Take a slot if there is one at this moment."""
        running = self._running.get(host, 0)
        if running >= self.per_host or self._free <= 0:
            return False
        self._running[host] = running + 1
        self._free -= 1
        return True

    async def take(self, host: str) -> None:
        """Wait for a slot."""
        running = self._running.get(host, 0)
        if running >= self.per_host:
            await self._queue(self._waiting_for.setdefault(host, deque()), host)  # who gives way leaves its place
        else:
            self._running[host] = running + 1
        while self._free <= 0:
            try:
                await self._queue(self._waiting, None)
            except asyncio.CancelledError:
                self._leave(host)
                raise
        self._free -= 1

    def give(self, host: str) -> None:
        self._free += 1
        _wake(self._waiting)
        self._leave(host)

    async def _queue(self, waiting: deque[asyncio.Future[None]], host: str | None) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was our turn already: pass it on
                if host is None:
                    _wake(waiting)
                else:
                    self._leave(host)
            raise

    def _leave(self, host: str) -> None:
        waiting = self._waiting_for.get(host)
        if waiting is not None:
            if _wake(waiting):
                return
            del self._waiting_for[host]
        if self._running[host] == 1:
            del self._running[host]
        else:
            self._running[host] -= 1


def _wake(waiting: deque[asyncio.Future[None]]) -> bool:
    """Tell the first who still waits that it is its turn; say whether there is one."""
    while waiting:
        turn = waiting.popleft()
        if not turn.done():
            turn.set_result(None)
            return True
    return False


class Trust:
    """The TLS settings, each made once (20 ms and some megabytes): checked, and not checked.

    *ca_file* is trusted beside what the system trusts.
    """

    def __init__(self, ca_file: Path | None = None) -> None:
        self._ca_file = ca_file
        self._made: dict[bool, ssl.SSLContext] = {}

    def context(self, verify: bool) -> ssl.SSLContext:
        context = self._made.get(verify)
        if context is None:
            context = ssl.create_default_context()
            if self._ca_file is not None:
                context.load_verify_locations(self._ca_file)
            if not verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(["http/1.1"])
            self._made[verify] = context
        return context


class Dialer:
    """Opens connections: resolves, asks the policy, tries one address after the other."""

    def __init__(self, names: Names, policy: EgressPolicy, trust: Trust) -> None:
        self.trust = trust
        self._names = names
        self._policy = policy
        self._checked: dict[str, tuple[tuple[Address, ...], tuple[str, ...]]] = {}
        self._handshakes = asyncio.Semaphore(HANDSHAKES_AT_ONCE)

    def known_addresses(self, host: str) -> tuple[str, ...] | None:
        """Return where *host* may be contacted, if that is known at this moment."""
        found, checked = self._names.fresh(host), self._checked.get(host)
        return checked[1] if checked is not None and found is checked[0] else None

    async def addresses(self, host: str) -> tuple[str, ...]:
        """Return where *host* may be contacted.  Raises Failed."""
        found = await self._names.resolve(host)
        checked = self._checked.get(host)
        if checked is not None and checked[0] is found:
            return checked[1]
        try:
            allowed = tuple(map(str, self._policy.filter(host, found)))
        except TargetForbidden as exc:
            raise Failed(Cause.FORBIDDEN, exc.message) from None
        if len(self._checked) >= MOST_REMEMBERED:
            self._checked.clear()
        self._checked[host] = (found, allowed)
        return allowed

    def why_late(self, host: str) -> Cause:
        """Return what it means that *host* was not looked up in time: that nobody told, or was even asked."""
        return Cause.OURS if self._names.is_queued(host) else Cause.RESOLVER

    async def connect(
        self, make: Callable[[], P], host: str, port: int, addresses: Sequence[str], deadline: float
    ) -> tuple[asyncio.Transport, str]:
        """Return a TCP connection to the first of *addresses* that takes it, and which.

        Raises Failed; TimeoutError when the caller's own deadline, a time of the loop, ends it.
        """
        loop = asyncio.get_running_loop()
        failure = Failed(Cause.UNREACHABLE, f"{host} has no address")
        for number, address in enumerate(addresses, start=1):
            try:
                if number == len(addresses):
                    return (await loop.create_connection(make, address, port))[0], address
                async with asyncio.timeout((deadline - loop.time()) / (len(addresses) - number + 1)):
                    return (await loop.create_connection(make, address, port))[0], address
            except TimeoutError:
                failure = Failed(Cause.TIMEOUT_CONNECT, f"{_where(address, port)} does not answer")
            except OSError as exc:
                failure = from_os_error(exc, _where(address, port))
                if failure.cause is Cause.OURS:
                    break
        raise failure

    async def encrypt(
        self, transport: asyncio.Transport, protocol: asyncio.Protocol, host: str, verify: bool
    ) -> asyncio.Transport:
        """Return the encrypted form of a connection.  Raises Failed."""
        loop = asyncio.get_running_loop()
        try:
            encrypted = await loop.start_tls(
                transport,
                protocol,
                self.trust.context(verify),
                server_hostname=host.rstrip("."),  # as certificates write it
                ssl_shutdown_timeout=0.1,
            )
        except ssl.SSLCertVerificationError as exc:
            raise Failed(Cause.TLS, f"certificate not accepted: {exc.verify_message}") from None
        except ssl.SSLError as exc:
            raise Failed(Cause.TLS, f"TLS handshake failed: {_reason(exc)}") from None
        except (ConnectionError, EOFError, OSError):
            raise Failed(Cause.TLS, "connection broken off in the TLS handshake") from None
        if encrypted is None:  # uvloop: closed meanwhile
            raise Failed(Cause.TLS, "connection broken off in the TLS handshake")
        return encrypted

    async def handshake_turn(self) -> bool:
        """Wait for a turn to compute a handshake, not for long; say whether there is one to give back."""
        if not self._handshakes.locked():
            await self._handshakes.acquire()
            return True
        try:
            async with asyncio.timeout(LONGEST_HANDSHAKE_WAIT_S):
                await self._handshakes.acquire()
                return True
        except TimeoutError:
            return False

    def end_turn(self) -> None:
        self._handshakes.release()


def _where(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _reason(exc: ssl.SSLError) -> str:
    return (exc.reason or "unknown reason").replace("_", " ").lower()
