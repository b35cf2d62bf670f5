"""Names to addresses: remembered for a moment, asked for once however many want it, stale rather than nothing."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from tocsin.core.egress import Address
from tocsin.probes.base import Cause, Failed

FRESH_S = 30.0
"""The system's resolver tells no time to live; half a minute follows a move quickly enough."""
FRESH_FAILURE_S = 5.0
STALE_S = 3600.0
"""While no name server answers, an old answer is better than none.  Source: RFC 8767."""
PATIENCE_S = 0.5
"""How long a new answer is waited for when there is an old one; the new one is learned all the same."""
MOST_REMEMBERED = 20_000
THREADS = 16

_TEMPORARY = {socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_MEMORY, socket.EAI_SYSTEM}
Lookup = Callable[[str], list[Address]]


class _Known(NamedTuple):
    at: float
    addresses: tuple[Address, ...]
    failure: Failed | None


class Names:
    """The resolver of the probes."""

    def __init__(self, monotonic: Callable[[], float], lookup: Lookup | None = None) -> None:
        self._monotonic = monotonic
        self._lookup = lookup or _ask_system
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Future[_Known]] = {}
        self._begun: set[str] = set()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="names")
        self.stale_served = 0
        self._silent_since: float | None = None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def known(self, host: str) -> str | None:
        """Return an address of *host* that is remembered, without asking anybody."""
        found = self._known.get(host)
        return str(found.addresses[0]) if found is not None and found.addresses else None

    def fresh(self, host: str) -> tuple[Address, ...] | None:
        """Return the addresses of *host* if they are known and still fresh."""
        found = self._known.get(host)
        if found is None or found.failure is not None or not self._is_fresh(found):
            return None
        return found.addresses

    def is_silent(self) -> bool:
        """Say whether the last name that was asked for got no answer from any name server."""
        return self._silent_since is not None

    def is_queued(self, host: str) -> bool:
        """Say whether *host* was not asked for yet, because all threads wait for other names."""
        return host in self._asking and host not in self._begun

    async def resolve(self, host: str) -> tuple[Address, ...]:
        """Return the addresses of *host*, in the resolver's order.  Raises Failed."""
        known = self._known.get(host)
        if known is None or not self._is_fresh(known):
            literal = _literal(host)
            if literal is not None:
                return self._remember(host, _Known(self._monotonic(), (literal,), None)).addresses
            known = await self._refresh(host, known)
        if known.failure is not None:
            raise Failed(known.failure.cause, known.failure.error)
        return known.addresses

    def _is_fresh(self, known: _Known) -> bool:
        return self._monotonic() - known.at < (FRESH_S if known.failure is None else FRESH_FAILURE_S)

    async def _refresh(self, host: str, before: _Known | None) -> _Known:
        asking = self._asking.get(host)
        if asking is None:
            loop = asyncio.get_running_loop()
            asking = self._asking[host] = asyncio.ensure_future(loop.run_in_executor(self._threads, self._ask, host))
            asking.add_done_callback(lambda done: self._learn(host, done))
        if before is None or not before.addresses or not self._is_usable(before):
            return await asyncio.shield(asking)
        await asyncio.wait([asking], timeout=PATIENCE_S)
        if asking.done() and not _is_silence(found := asking.result()):
            return found
        self.stale_served += 1
        return before

    def _is_usable(self, known: _Known) -> bool:
        return self._monotonic() - known.at < STALE_S

    def _learn(self, host: str, done: "asyncio.Future[_Known]") -> None:
        self._asking.pop(host, None)
        self._begun.discard(host)
        if done.cancelled() or done.exception() is not None:
            return
        found, before = done.result(), self._known.get(host)
        self._silent_since = (self._silent_since or found.at) if _is_silence(found) else None
        if _is_silence(found) and before is not None and before.addresses:
            return  # what was known stays, for as long as it may be used
        self._remember(host, found)

    def _remember(self, host: str, found: _Known) -> _Known:
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[host] = found
        return found

    def _ask(self, host: str) -> _Known:
        self._begun.add(host)
        try:
            return _Known(self._monotonic(), tuple(dict.fromkeys(self._lookup(host))), None)
        except socket.gaierror as exc:
            if exc.errno in _TEMPORARY:
                silence = Failed(Cause.RESOLVER, f"no name server could tell where {host} is")
                return _Known(self._monotonic(), (), silence)
            return _Known(self._monotonic(), (), Failed(Cause.NAME, f"the name {host} does not exist"))
        except (OSError, UnicodeError, ValueError):
            return _Known(self._monotonic(), (), Failed(Cause.NAME, f"{host} is no name that can be looked up"))


def _is_silence(found: _Known) -> bool:
    return found.failure is not None and found.failure.cause is Cause.RESOLVER


def _ask_system(host: str) -> list[Address]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
