"""Keeping up with one engine: subscribe, catch up, compare, follow. When it is lost, the supervisor starts anew."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from tocsin.containers.hosts import Hosts
from tocsin.containers.service import Containers
from tocsin.core.clock import Clock
from tocsin.core.errors import AppError, StorageUnavailable, Unavailable
from tocsin.runtimes.base import ContainerGone, Inventory, Observation, Runtime, Started, Watching

log = structlog.get_logger(__name__)

CATCH_UP_AT_LEAST_S = 0.3
CATCH_UP_AT_MOST_S = 5.0
SECOND_LOOK_AFTER_S = 3.0
LONGEST_REPLAY = timedelta(hours=1)
OVERLAP = timedelta(seconds=2)


@dataclass
class EngineStatus:
    """The link to one engine, as `/api/v1/runtime/status` shows it."""

    name: str
    address: str
    connected: bool = False
    since: datetime | None = None
    error: str | None = None
    version: str | None = None


class EngineWatch:
    """Feeds one engine into Containers. `run` belongs under the supervisor."""

    def __init__(
        self, runtime: Runtime, containers: Containers, hosts: Hosts, clock: Clock, reconcile_interval: timedelta
    ) -> None:
        self._runtime = runtime
        self._containers = containers
        self._hosts = hosts
        self._clock = clock
        self._interval_s = reconcile_interval.total_seconds()
        self._busy = False
        self.status = EngineStatus(runtime.name, runtime.address)

    async def run(self) -> None:
        """Watch until the engine is lost, and say so."""
        try:
            self.status.version = await self._runtime.version()
            async with self._runtime.watch(await self._resume_from()) as events:
                await self._watch(events)
        except (AppError, ExceptionGroup) as exc:
            cause = _cause(exc)
            if isinstance(cause, Unavailable):
                await self._lost(cause.message)
            raise cause from exc

    async def _watch(self, events: Watching) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(events), name=f"follow {self._runtime.name}")
            tasks.create_task(self._compare(events), name=f"compare {self._runtime.name}")

    async def _resume_from(self) -> datetime | None:
        """Return from when on to ask for past events: the engine remembers some, with all their details."""
        last = await self._containers.last_event_at(self._runtime.name)
        if last is None or self._clock.now() - last > LONGEST_REPLAY:
            return None
        return last - OVERLAP

    async def _follow(self, events: Watching) -> None:
        async for seen in events:
            self._busy = True
            try:
                await self._take_in(seen)
            except StorageUnavailable:
                raise  # what is not stored now is inferred when the storage is back
            except AppError as exc:
                log.warning("observation skipped", runtime_id=seen.runtime_id[:12], error=exc.message)
            except Exception:  # broad on purpose: one odd container must not blind us to the others
                log.exception("observation skipped", runtime_id=seen.runtime_id[:12], kind=type(seen).__name__)
            finally:
                self._busy = False

    async def _take_in(self, seen: Observation) -> None:
        host = self._runtime.name
        wanted = await self._containers.observe(host, seen)
        if wanted is None:
            return
        try:
            details = await self._runtime.inspect(wanted)
        except ContainerGone:
            return
        await self._containers.inspected(host, details, seen if isinstance(seen, Started) else None)

    async def _compare(self, events: Watching) -> None:
        """Let past events come first (they know more than a comparison), then compare, again and again."""
        await self._caught_up(events)
        await self._containers.reconcile(self._runtime.name, await self._runtime.containers())
        await self._found()
        while True:
            await self._clock.sleep(self._interval_s)
            await self._second_look(await self._runtime.containers())

    async def _caught_up(self, events: Watching) -> None:
        deadline = self._clock.monotonic() + CATCH_UP_AT_MOST_S
        await self._clock.sleep(CATCH_UP_AT_LEAST_S)
        while (events.pending() or self._busy) and self._clock.monotonic() < deadline:
            await self._clock.sleep(0.05)

    async def _second_look(self, found: Inventory) -> None:
        """Write only what still differs a moment later: an event that is on its way tells it better."""
        host = self._runtime.name
        if not await self._containers.differing(host, found):
            await self._containers.reconcile(host, found)
            return
        await self._clock.sleep(SECOND_LOOK_AFTER_S)
        changed = await self._containers.reconcile(host, await self._runtime.containers())
        if changed:
            log.info("differences to the engine settled", engine=host, containers=changed)

    async def _found(self) -> None:
        if not self.status.connected:
            self.status.connected, self.status.error, self.status.since = True, None, self._clock.now()
            await self._hosts.changed(self._runtime.name, connected=True, error=None)
            log.info("engine connected", engine=self._runtime.name, version=self.status.version)

    async def _lost(self, error: str) -> None:
        """Say once that the engine is lost, and keep the newest reason."""
        first = self.status.connected or self.status.error is None
        if first:
            self.status.since = self._clock.now()
        self.status.connected, self.status.error = False, error
        if first:
            await self._hosts.changed(self._runtime.name, connected=False, error=error)


def _cause(exc: BaseException) -> BaseException:
    """Return what ended the tasks, which end together: the first error that was not grouped."""
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    return exc
