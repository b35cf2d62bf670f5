"""Looking at certificates when it is time: at most ten at once, each at most once at a time."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from msgspec.structs import replace

from tocsin.certificates import rules, store, times
from tocsin.certificates.models import MOST_CERTIFICATES, Monitor
from tocsin.core.clock import Clock
from tocsin.core.egress import EgressPolicy
from tocsin.core.errors import StorageUnavailable, TargetForbidden, Unavailable
from tocsin.db.database import Database
from tocsin.db.tx import Tx
from tocsin.probes.certificate import Target
from tocsin.probes.inspection import Failure, Inspection

AT_ONCE = 10
MOST_IN_ONE_ROUND = 40
INLINE_BUDGET_S = 5.0
SPREAD_OVER_S, SPREAD_EACH_S = 600.0, 2.0
WITHOUT_A_VERDICT = timedelta(minutes=5)
log = structlog.get_logger(__name__)

Inspect = Callable[[Target, datetime], Awaitable[Inspection]]


class CertificateWatch:
    """*inspect* looks at a target; it raises ValueError when it cannot judge anything.

    *is_cut_off* says whether our own network is known to be lost: then nobody is unreachable but we.
    """

    def __init__(
        self, db: Database, clock: Clock, egress: EgressPolicy, inspect: Inspect, is_cut_off: Callable[[], bool]
    ) -> None:
        self._db = db
        self._clock = clock
        self._egress = egress
        self._inspect = inspect
        self._is_cut_off = is_cut_off
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._running: dict[int, asyncio.Task[None]] = {}

    async def spread_overdue(self) -> None:
        """After a time without us everybody is due: let them come one by one."""
        now = self._clock.now()
        due = await self._db.read(lambda read: store.list_due(read, now, MOST_CERTIFICATES))
        over_s = min(SPREAD_OVER_S, SPREAD_EACH_S * len(due))
        moments = [(number, now + timedelta(seconds=random.uniform(0, over_s))) for number in due]  # noqa: S311
        if moments:
            await self._db.write(lambda tx: store.spread(tx, moments))

    async def look_at_due(self) -> int:
        """Look at who is due, at most forty in one round; return how many."""
        now = self._clock.now()
        due = await self._db.read(lambda read: store.list_due(read, now, MOST_IN_ONE_ROUND))
        if due:
            await asyncio.wait([self._begin(number) for number in due])
        return len(due)

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def look_within_budget(self, certificate_id: int) -> None:
        """Look, and go on in the background when that takes long."""
        await asyncio.wait([self._begin(certificate_id)], timeout=INLINE_BUDGET_S)

    def _begin(self, certificate_id: int) -> asyncio.Task[None]:
        """Return the look at one monitor that is under way, a new one when there is none."""
        task = self._running.get(certificate_id)
        if task is None:
            task = asyncio.create_task(self._look(certificate_id), name=f"certificate {certificate_id}")
            self._running[certificate_id] = task
            task.add_done_callback(lambda _: self._running.pop(certificate_id, None))
        return task

    async def _look(self, certificate_id: int) -> None:
        async with self._slots:
            try:
                monitor = await self._db.read(lambda read: store.find(read, certificate_id))
                if monitor is not None:
                    await self._look_at(monitor)
            except Exception:  # broad on purpose: nobody waits for this task
                log.exception("certificate check died", certificate_id=certificate_id)
                await self._postpone(certificate_id)

    async def _look_at(self, monitor: Monitor) -> None:
        try:
            seen = await self._see(monitor, self._clock.now())
        except ValueError as exc:  # our own fault: no verdict on anybody
            log.error("certificates cannot be judged", error=str(exc))
            await self._postpone(monitor.id)
            return
        if seen.leaf is None and self._is_cut_off():
            await self._postpone(monitor.id)
            return
        jitter_s = random.uniform(0, times.LARGEST_JITTER) * monitor.check_interval_seconds  # noqa: S311
        await self._db.write(lambda tx: _take(tx, monitor.id, seen, jitter_s))

    async def _postpone(self, certificate_id: int) -> None:
        """Try again later, and not at once for ever."""
        later = self._clock.now() + WITHOUT_A_VERDICT
        try:
            await self._db.write(lambda tx: store.spread(tx, [(certificate_id, later)]))
        except StorageUnavailable as exc:
            log.warning("certificate check cannot be postponed", certificate_id=certificate_id, error=exc.message)

    async def _see(self, monitor: Monitor, now: datetime) -> Inspection:
        """Return what is presented.  Raises ValueError: the file of roots cannot be used."""
        try:
            addresses = await self._egress.resolve(monitor.hostname, monitor.port)
        except TargetForbidden as exc:
            return Inspection(failure=Failure.FORBIDDEN, detail=exc.message)
        except Unavailable:
            return Inspection(failure=Failure.NOT_FOUND)
        return await self._inspect(Target(monitor.hostname, addresses, monitor.port, monitor.protocol), now)


def _take(tx: Tx, certificate_id: int, seen: Inspection, jitter_s: float) -> None:
    """Write what a look showed and what follows, whole; nothing when the monitor was deleted meanwhile."""
    before = store.find(tx, certificate_id)
    if before is None:
        return
    known, now = store.latest(tx, before), tx.clock.now()
    decision = rules.decide(before, known.seen if known is not None else None, seen, now)
    after = decision.after
    if before.next_check_at is not None:
        after = replace(after, next_check_at=times.next_check(after, now, jitter_s))
    if decision.is_new:
        after = replace(after, latest_check_id=store.keep(tx, certificate_id, now, seen))
    store.save_standing(tx, after)
    for fact in decision.events:
        tx.emit(fact)
