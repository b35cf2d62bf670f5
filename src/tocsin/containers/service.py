"""The use cases: what observations do to the store, and what people ask."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import structlog
from msgspec.structs import replace

from tocsin.containers import journal, rules, store, uptime, views
from tocsin.containers.labels import identity_key
from tocsin.containers.models import LIVE_STATES, Container, ContainerRunning
from tocsin.containers.rules import Decision
from tocsin.core.clock import Clock, wire
from tocsin.db.database import Database
from tocsin.db.tx import Actor, Read, Tx
from tocsin.runtimes.base import Created, Destroyed, Details, Died, Inventory, LogLine, Observation, Started

log = structlog.get_logger(__name__)


class KeepLastLines(Protocol):
    """Keeps what a container said last. `pack` takes a moment; `keep` is SQL only."""

    def pack(self, lines: Sequence[LogLine]) -> bytes: ...
    def keep(self, tx: Tx, container_id: int, at: datetime, packed: bytes) -> None: ...


class Containers:
    """Everything that changes containers. `restart_window` and `archive_after` are settings."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        restart_window: timedelta,
        archive_after: timedelta,
        last_lines: KeepLastLines,
    ) -> None:
        self._db = db
        self._clock = clock
        self._archive_after = archive_after
        self._last_lines = last_lines
        self.restart_window = restart_window

    # --- observations ------------------------------------------------------------------------------------------------

    async def observe(self, host: str, seen: Observation) -> str | None:
        """Take in one live observation.

        Returns the runtime id to inspect and pass to `inspected` when the observation alone does not say enough.
        """
        said = self._last_lines.pack(seen.last_lines) if isinstance(seen, Died) and seen.last_lines else None
        return await self._db.write(lambda tx: self._observe(tx, host, seen, said))

    def _observe(self, tx: Tx, host: str, seen: Observation, said: bytes | None) -> str | None:
        if isinstance(seen, Created):
            self._appear(tx, host, seen.details, live=True)
            return None
        container = store.find_by_runtime_id(tx, host, seen.runtime_id)
        if container is None or container.runtime_id != seen.runtime_id:
            if container is not None and isinstance(seen, Destroyed):
                store.detach(tx, host, seen.runtime_id)
            return seen.runtime_id if isinstance(seen, Started) else None
        if isinstance(seen, Destroyed):
            return self._destroyed(tx, container, seen)
        if said is not None:
            self._last_lines.keep(tx, container.id, seen.at, said)
        journal.apply(tx, container, rules.decide(container, seen), self.restart_window)
        return None

    def _destroyed(self, tx: Tx, container: Container, seen: Destroyed) -> str | None:
        """Let the next incarnation, if there is one already, carry on; otherwise the container is missing."""
        store.detach(tx, container.host, seen.runtime_id)
        successors = store.list_runtime_ids(tx, container.id)
        if not successors:
            store.attach(tx, container.host, seen.runtime_id, container.id)
            journal.apply(tx, container, rules.decide(container, seen), self.restart_window)
            return None
        return successors[-1]

    async def inspected(self, host: str, details: Details, seen: Started | None) -> None:
        """Take in the details that `observe` asked for, and the start they belong to."""

        def work(tx: Tx) -> None:
            container = store.find_by_runtime_id(tx, host, details.runtime_id)
            if container is None:
                self._appear(tx, host, details, live=False)
                return
            current = container.runtime_id == details.runtime_id
            adopted = rules.refresh(container, details) if current else rules.adopt(container, details)
            decision = rules.decide(adopted, seen) if seen is not None else Decision(adopted)
            journal.apply(tx, container, decision, self.restart_window)

        await self._db.write(work)

    def _appear(self, tx: Tx, host: str, details: Details, *, live: bool) -> None:
        """A runtime id we do not know: a new container, or the next incarnation of one we do."""
        if store.find_by_runtime_id(tx, host, details.runtime_id) is not None:
            return
        store.lift_tombstones(tx, host, [details.runtime_id])
        container = store.find_by_key(tx, host, identity_key(details.name, details.labels))
        now = self._clock.now()
        if container is None:
            journal.insert(tx, rules.discover(details, host, now, live=live), self.restart_window)
            return
        gone = container.missing_since is not None or container.archived_at is not None
        if gone:  # its last incarnation was kept to be recognised; the engine has it no longer
            for old in store.list_runtime_ids(tx, container.id):
                store.detach(tx, host, old)
        store.attach(tx, host, details.runtime_id, container.id)
        if gone or not live:
            adopted = rules.adopt(container, details)
            if gone:
                adopted = replace(adopted, accounted_at=max(now, adopted.accounted_at))
            decision = Decision(adopted) if live else rules.reconcile(adopted, details, now)
            journal.apply(tx, container, decision, self.restart_window)

    # --- comparison with the engine ----------------------------------------------------------------------------------

    async def differing(self, host: str, found: Inventory) -> list[str]:
        """Return the runtime ids whose stored state differs from *found*: what a reconcile would write."""
        now = self._clock.now()
        known = await self._db.read(lambda read: _Known.load(read, host))
        return [details.runtime_id for details in _current(found.details) if known.differs(details, now)]

    async def reconcile(self, host: str, found: Inventory) -> int:
        """Bring the store in line with what an engine says; return how many containers changed."""
        now = self._clock.now()
        known = await self._db.read(lambda read: _Known.load(read, host))
        wanted = [details for details in _current(found.details) if known.differs(details, now)]
        for details in wanted:
            await self._db.write(lambda tx, details=details: self._reconcile_one(tx, host, details))  # type: ignore[misc]
        keys = {identity_key(details.name, details.labels) for details in found.details}
        gone = [c.id for c in known.containers.values() if _is_gone(c, keys, found.runtime_ids)]
        forgotten = known.tombstones - found.runtime_ids
        if gone or forgotten:
            await self._db.write(lambda tx: self._mark_missing(tx, host, gone, forgotten))
        return len(wanted) + len(gone)

    def _reconcile_one(self, tx: Tx, host: str, details: Details) -> None:
        container = store.find_by_runtime_id(tx, host, details.runtime_id)
        if container is None:
            self._appear(tx, host, details, live=False)
            return
        current = container.runtime_id == details.runtime_id
        adopted = container if current else rules.adopt(container, details)
        journal.apply(tx, container, rules.reconcile(adopted, details, self._clock.now()), self.restart_window)

    def _mark_missing(self, tx: Tx, host: str, gone: Sequence[int], forgotten: set[str]) -> None:
        store.lift_tombstones(tx, host, forgotten)
        for container_id in gone:
            container = store.get(tx, container_id)
            missing = replace(container, missing_since=container.missing_since or self._clock.now())
            journal.apply(tx, container, Decision(missing), self.restart_window)

    async def last_event_at(self, host: str) -> datetime | None:
        return await self._db.read(lambda read: store.last_event_at(read, host))

    # --- timed work --------------------------------------------------------------------------------------------------

    async def archive_missing(self) -> int:
        """Archive what was removed and did not come back; return how many."""
        now = self._clock.now()
        missing = await self._db.read(lambda read: store.list_missing(read, now - self._archive_after))
        if not missing:
            return 0

        def work(tx: Tx) -> int:
            count = 0
            for container in store.list_missing(tx, now - self._archive_after):
                _archive(tx, container)
                count += 1
            return count

        return await self._db.write(work)

    async def end_restart_loops(self) -> int:
        """Take back restart alerts whose window has emptied; return how many."""
        if not await self._db.read(store.list_restart_alerts):
            return 0

        def work(tx: Tx) -> int:
            found = store.list_restart_alerts(tx)
            return sum(journal.end_restart_loop(tx, container, self.restart_window) for container in found)

        return await self._db.write(work)

    # --- by people ---------------------------------------------------------------------------------------------------

    async def delete(self, container_id: int, actor: Actor) -> None:
        """Delete a container and its history.  Raises NotFound; ContainerRunning: it is live.

        If the engine still has it, it stays forgotten until it starts again.
        """

        def work(tx: Tx) -> None:
            container = store.get(tx, container_id)
            if views.is_live(container):
                raise ContainerRunning(
                    "A container that is running, paused or restarting cannot be deleted; stop it first"
                )
            store.remove(tx, container)
            tx.audit(actor, "container.delete", f"container:{container_id}", {"name": container.name})
            tx.emit(views.archived_event(container, wire(self._clock.now()), deleted=True))

        await self._db.write(work)


def _archive(tx: Tx, container: Container) -> None:
    at = container.missing_since or tx.clock.now()
    after = replace(container, archived_at=at, restart_alert=None, stale_since=None)
    store.add_days(tx, container.id, uptime.open_span(container, at))
    after = replace(after, accounted_at=max(at, container.accounted_at))
    store.save(tx, container, after)
    tx.emit(views.archived_event(after, wire(tx.clock.now()), deleted=False))


def _is_gone(container: Container, keys: set[str], ids: frozenset[str]) -> bool:
    known_gone = container.missing_since is not None or container.archived_at is not None
    return not known_gone and container.key not in keys and container.runtime_id not in ids


def _current(found: Sequence[Details]) -> list[Details]:
    """Return one of *found* for each identity: the one that runs, else the one started or made last."""
    best: dict[str, Details] = {}
    for details in sorted(found, key=_recency):
        best[identity_key(details.name, details.labels)] = details
    return list(best.values())


def _recency(details: Details) -> tuple[bool, datetime, datetime]:
    running = details.status in {"running", "paused", "restarting"}
    return running, details.started_at or details.created_at, details.created_at


class _Known(NamedTuple):
    """What the store has of one host: containers by their current runtime id, and what a person deleted."""

    containers: dict[str, Container]
    tombstones: set[str]

    @classmethod
    def load(cls, read: Read, host: str) -> "_Known":
        by_id = {container.runtime_id: container for container in store.list_of_host(read, host)}
        return cls(by_id, store.list_tombstones(read, host))

    def differs(self, details: Details, now: datetime) -> bool:
        """Say whether reconciling with *details* would write anything worth writing."""
        container = self.containers.get(details.runtime_id)
        if container is None:
            return details.runtime_id not in self.tombstones or details.status in LIVE_STATES
        decision = rules.reconcile(container, details, now)
        bookkeeping = replace(
            decision.after,
            last_event_at=container.last_event_at,
            started_at=container.started_at,
            finished_at=container.finished_at,
            engine_restart_count=container.engine_restart_count,
        )
        return bool(decision.changes) or bookkeeping != container
