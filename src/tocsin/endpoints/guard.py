"""Is it them, or is it us? Before anybody is judged for a fault that our own network could have, others are asked.

The endpoints that were well are the witnesses: when one elsewhere still answers, the fault is the target's. When none
does, it is ours: nobody is judged, and one fact tells of it.  Source: docs/spec/endpoints.md, our own faults.
"""

import asyncio
import ipaddress
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import structlog

from tocsin.core.clock import Clock, wire
from tocsin.db.database import Database
from tocsin.db.tx import Read, Tx
from tocsin.endpoints.models import ConnectivityLost, ConnectivityRecovered, EndpointStatus
from tocsin.endpoints.monitors import Monitor, Monitors
from tocsin.endpoints.rules import GOOD
from tocsin.endpoints.targets import is_address
from tocsin.probes.base import NETWORK, Cause, Result
from tocsin.probes.dns import DnsSpec
from tocsin.probes.kinds import Probes, Spec
from tocsin.probes.tcp import TcpSpec

log = structlog.get_logger(__name__)

MOST_WITNESSES = 3
WITNESS_TIMEOUT_S = 5.0
SETTLING_S = 10.0
"""A network that comes back comes back bit by bit: so long, what still fails there is not judged."""
_SILENT = NETWORK | {Cause.OURS, Cause.FORBIDDEN}
_ROOT = (DnsSpec(".", "NS"),)
FRESH_S = 3.0
"""How long an answer about our own network holds: a burst of failures asks once."""


class Scope(StrEnum):
    INTERNET = "internet"
    LOCAL = "local"
    DNS = "dns"


class Lost(NamedTuple):
    """A scope in which nothing can be reached, since when, and who will tell that it can be again."""

    since: datetime
    error: str
    endpoint_count: int
    witnesses: tuple[Spec, ...]


class Guard:
    """Asked by the checks. *references* are addresses beyond our own network, from the settings.

    *was_told* says whether an alert about a scope is open from before a restart; *come_back* is called when a scope
    can be reached again.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        probes: Probes,
        monitors: Monitors,
        references: Sequence[tuple[str, int]],
        was_told: Callable[[Read, str], bool],
    ) -> None:
        self._db = db
        self._clock = clock
        self._probes = probes
        self._monitors = monitors
        self._references = references
        self._was_told = was_told
        self._asked: dict[Scope, tuple[float, bool]] = {}
        self._asking: dict[Scope, asyncio.Future[bool]] = {}
        self._back: dict[Scope, float] = {}
        self.lost: dict[Scope, Lost] = {}
        self.come_back: list[Callable[[Scope], None]] = []

    async def begin(self) -> None:
        """Take back what an earlier process told: how things are now will show."""

        def work(tx: Tx) -> None:
            for scope in Scope:
                if self._was_told(tx, scope.value):
                    tx.emit(ConnectivityRecovered(scope=scope.value, lost_seconds=0, timestamp=wire(tx.clock.now())))

        await self._db.write(work)

    def fact(self, scope: str) -> ConnectivityLost | ConnectivityRecovered:
        """Return how a scope is now, as a fact."""
        lost, now = self.lost.get(Scope(scope)), wire(self._clock.now())
        if lost is None:
            return ConnectivityRecovered(scope=scope, lost_seconds=0, timestamp=now)
        return ConnectivityLost(scope=scope, error=lost.error, endpoint_count=lost.endpoint_count, timestamp=now)

    async def is_ours(self, monitor: Monitor, result: Result) -> bool:
        """Say whether a failure is our own network's rather than the target's."""
        if result.cause not in NETWORK:
            return False
        scope = scope_of(result)
        if scope is Scope.DNS and self.lost:
            return True  # name servers are somewhere as well
        now = self._clock.monotonic()
        if now - self._back.get(scope, float("-inf")) < SETTLING_S:
            return True
        if scope in self.lost or (result.cause is Cause.NO_ROUTE and not _was_well(monitor)):
            return True  # without a way there, nothing can be said
        at, ours = self._asked.get(scope, (float("-inf"), False))
        if now - at >= FRESH_S:
            ours = await self._ask_once(scope, monitor, result)
        return ours or result.cause is Cause.NO_ROUTE

    async def _ask_once(self, scope: Scope, monitor: Monitor, result: Result) -> bool:
        asking = self._asking.get(scope)
        if asking is None:
            asking = self._asking[scope] = asyncio.ensure_future(self._ask(scope, monitor, result))
            asking.add_done_callback(lambda _: self._asking.pop(scope, None))
        return await asyncio.shield(asking)

    async def _ask(self, scope: Scope, monitor: Monitor, result: Result) -> bool:
        witnesses = self._witnesses(scope, monitor)
        alone = not witnesses and not self._references
        ours = result.cause is Cause.NO_ROUTE if alone else not await self._any_answers(scope, witnesses)
        self._asked[scope] = (self._clock.monotonic(), ours)
        if ours:
            await self._lose(scope, result.error or "", witnesses)
        return ours

    def _witnesses(self, scope: Scope, monitor: Monitor) -> tuple[Spec, ...]:
        """Return what to ask: up to three others that were well, each on a machine of its own."""
        others = [one for one in self._monitors if _was_well(one) and one.endpoint.is_checked and one is not monitor]
        random.shuffle(others)
        others.sort(key=lambda one: one.standing.status not in GOOD)  # those of whom nothing is known come last
        if scope is Scope.DNS:
            return (*_ROOT, *_lookups(others))
        found = {self._machine(monitor): monitor.plan.spec}
        for one in others:
            if one.plan.host is not None and self._scope_of_host(one) is scope:
                found.setdefault(self._machine(one), one.plan.spec)
            if len(found) > MOST_WITNESSES:
                break
        return tuple(found.values())[1:]

    def _machine(self, monitor: Monitor) -> str | None:
        """Return what tells machines apart: many names may lead to one."""
        host = monitor.plan.host
        return None if host is None else self._probes.names.known(host) or host

    def _scope_of_host(self, monitor: Monitor) -> Scope:
        host = monitor.plan.host
        return scope_of_address(None if host is None else self._probes.names.known(host))

    async def _any_answers(self, scope: Scope, witnesses: Sequence[Spec]) -> bool:
        """Ask all at once; say whether any answers, or fails for a reason of its own, which only who is there can."""
        specs: list[Spec] = [*witnesses]
        if scope is not Scope.DNS:
            specs += [TcpSpec(host, port) for host, port in self._references]
        found = await asyncio.gather(*(self._probes.probe(spec, WITNESS_TIMEOUT_S) for spec in specs))
        return any(one.cause not in _SILENT for one in found)

    async def _lose(self, scope: Scope, error: str, witnesses: tuple[Spec, ...]) -> None:
        now = self._clock.now()
        if scope in self.lost:
            return
        mine = [one for one in self._monitors if scope is Scope.DNS or self._scope_of_host(one) is scope]
        self.lost[scope] = Lost(now, error, len(mine), witnesses)
        log.warning("own network does not work", scope=scope.value, error=error)
        fact = self.fact(scope)
        try:
            await self._db.write(lambda tx: tx.emit(fact))
        except BaseException:
            del self.lost[scope]  # what could not be told has not been noticed: the next failure asks again
            raise

    async def watch(self) -> None:
        """Look whether what was lost is back, and whether name servers that fell silent are there at all."""
        for scope, lost in list(self.lost.items()):
            specs = lost.witnesses or self._witnesses_after(scope)
            nobody = not specs and not self._references  # is watched there any more
            if nobody or await self._any_answers(scope, specs):
                await self.recovered(scope)
        if not self.lost and self._probes.names.is_silent():
            witnesses = (*_ROOT, *_lookups([one for one in self._monitors if _was_well(one)]))
            if not await self._any_answers(Scope.DNS, witnesses) and not self.lost:
                await self._lose(Scope.DNS, "no name server answers", witnesses)

    def _witnesses_after(self, scope: Scope) -> tuple[Spec, ...]:
        """Return what to ask when nothing was known to be well at the time: any that are watched."""
        mine = [one.plan.spec for one in self._monitors if self._scope_of_host(one) is scope]
        return tuple(mine[:MOST_WITNESSES])

    def succeeded(self, result: Result) -> Awaitable[None] | None:
        """Take note of a check that got through; return the work that follows if it ends a loss."""
        if not self.lost:
            return None
        scope = scope_of(result)
        return self.recovered(scope) if scope in self.lost else None

    async def recovered(self, scope: Scope) -> None:
        lost = self.lost.pop(scope, None)
        self._asked.pop(scope, None)
        if lost is None:
            return
        now = self._clock.now()
        seconds = int((now - lost.since).total_seconds())
        log.info("own network works again", scope=scope.value, seconds=seconds)
        fact = ConnectivityRecovered(scope=scope.value, lost_seconds=seconds, timestamp=wire(now))
        try:
            await self._db.write(lambda tx: tx.emit(fact))
        except BaseException:
            self.lost[scope] = lost
            raise
        self._back[scope] = self._clock.monotonic()
        for listener in self.come_back:
            listener(scope)


def _was_well(monitor: Monitor) -> bool:
    """Say whether it was well when something was last known of it."""
    standing = monitor.standing
    return standing.status in GOOD or (standing.status is EndpointStatus.UNKNOWN and standing.consecutive_successes > 0)


def _lookups(monitors: Sequence[Monitor]) -> tuple[DnsSpec, ...]:
    """Return questions for names that were known: a name server need not know the root."""
    hosts = (one.plan.host for one in monitors if not isinstance(one.plan.spec, DnsSpec))
    names = dict.fromkeys(host for host in hosts if host is not None and not is_address(host))
    return tuple(DnsSpec(name, "A") for name in list(names)[: MOST_WITNESSES - 1])


def scope_of(result: Result) -> Scope:
    if result.cause is Cause.RESOLVER:
        return Scope.DNS
    return scope_of_address(result.address)


def scope_of_address(address: str | None) -> Scope:
    """Return which network an address belongs to; what is not known is taken for the internet."""
    try:
        return Scope.INTERNET if address is None or ipaddress.ip_address(address).is_global else Scope.LOCAL
    except ValueError:
        return Scope.INTERNET
