"""All timed work: one heap of due times, moved by key. No job overlaps itself; each has a hard time limit.

The due time that must survive a restart is a column of the slice; this heap only wakes up for it.
"""

import asyncio
import heapq
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from tocsin.core.clock import Clock
from tocsin.core.errors import AppError

Job = Callable[[], Awaitable[object]]
log = structlog.get_logger(__name__)

SUSPENDED_AFTER_S = 5.0


@dataclass
class Entry:
    """One scheduled job. `every` repeats it; `generation` tells a moved key from its old place in the heap."""

    key: str
    job: Job
    every: timedelta | None
    timeout_s: float
    host: str | None
    generation: int = 0
    running: bool = False
    again_at: float | None = None


@dataclass
class SchedulerStats:
    """Counted for `/metrics`: runs, failures, and how late the last job started (seconds)."""

    runs: int = 0
    failures: int = 0
    lag_seconds: float = 0.0
    suspensions: int = 0


@dataclass(order=True)
class _Due:
    at: float
    generation: int
    key: str = field(compare=False)


class Scheduler:
    """Runs jobs when they are due, at most *limit* at once and *limit_per_host* on one host."""

    def __init__(self, clock: Clock, *, limit: int = 100, limit_per_host: int = 4) -> None:
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._heap: list[_Due] = []
        self._changed = asyncio.Event()
        self._slots = asyncio.Semaphore(limit)
        self._per_host = limit_per_host
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._generation = 0
        self.stats = SchedulerStats()
        self.on_suspension: list[Callable[[float], None]] = []

    def every(
        self, key: str, period: timedelta, job: Job, *, timeout_s: float = 60, first_in_s: float | None = None
    ) -> None:
        """Run *job* each *period*. The first run is after *first_in_s*, or a random part of the period (jitter)."""
        seconds = period.total_seconds()
        delay = random.uniform(0, seconds) if first_in_s is None else first_in_s  # noqa: S311 -- jitter, not a secret
        self._put(Entry(key, job, period, timeout_s, None), delay)

    def once(self, key: str, delay_s: float, job: Job, *, timeout_s: float = 60, host: str | None = None) -> None:
        """Run *job* once, *delay_s* seconds from now. The same key again moves it: there is one place in the heap."""
        self._put(Entry(key, job, None, timeout_s, host), max(0.0, delay_s))

    def cancel(self, key: str) -> None:
        self._entries.pop(key, None)

    def __len__(self) -> int:
        return len(self._entries)

    async def run(self) -> None:
        """Wait for the next due time, start what is due, for ever."""
        while True:
            wait = self._start_due()
            self._changed.clear()
            before = self._clock.monotonic()
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._notice_suspension(before, wait)

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _put(self, entry: Entry, delay_s: float) -> None:
        due = self._clock.monotonic() + delay_s
        current = self._entries.get(entry.key)
        if current is not None and current.running:
            current.job, current.every, current.again_at = entry.job, entry.every, due
            current.timeout_s, current.host = entry.timeout_s, entry.host
            return
        self._push(entry, due)

    def _push(self, entry: Entry, due: float) -> None:
        self._generation += 1
        entry.generation = self._generation
        self._entries[entry.key] = entry
        heapq.heappush(self._heap, _Due(due, entry.generation, entry.key))
        self._changed.set()

    def _start_due(self) -> float | None:
        """Start every job that is due; return the seconds until the next one, None when there is none."""
        now = self._clock.monotonic()
        while self._heap:
            due = self._heap[0]
            entry = self._entries.get(due.key)
            if entry is None or entry.generation != due.generation:
                heapq.heappop(self._heap)  # moved or cancelled
                continue
            if due.at > now:
                return due.at - now
            heapq.heappop(self._heap)
            entry.running = True
            self.stats.lag_seconds = now - due.at
            task = asyncio.create_task(self._run(entry), name=f"job {entry.key}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return None

    async def _run(self, entry: Entry) -> None:
        started = self._clock.monotonic()
        try:
            async with self._slot(entry.host), self._slots, asyncio.timeout(entry.timeout_s):
                await entry.job()
        except TimeoutError:
            self.stats.failures += 1
            log.error("job ran out of time", job=entry.key, limit_seconds=entry.timeout_s)
        except AppError as exc:
            self.stats.failures += 1
            log.warning("job failed", job=entry.key, error=exc.message)
        except Exception:  # broad on purpose: one bad job must not end the clockwork
            self.stats.failures += 1
            log.exception("job died", job=entry.key)
        finally:
            self.stats.runs += 1
            self._after(entry, started)

    def _after(self, entry: Entry, started: float) -> None:
        entry.running = False
        if self._entries.get(entry.key) is not entry:
            return
        if entry.again_at is not None:
            due, entry.again_at = entry.again_at, None
        elif entry.every is not None:
            due = max(started + entry.every.total_seconds(), self._clock.monotonic())
        else:
            del self._entries[entry.key]
            return
        self._push(entry, due)

    def _slot(self, host: str | None) -> asyncio.Semaphore:
        if host is None:
            return asyncio.Semaphore(1)
        return self._hosts.setdefault(host, asyncio.Semaphore(self._per_host))

    def _notice_suspension(self, before: float, wait: float | None) -> None:
        """Tell who asked that the process stood still: a laptop lid, a stopped VM, a starved host."""
        late = self._clock.monotonic() - before - (wait if wait is not None else 0)
        if wait is not None and late > SUSPENDED_AFTER_S:
            self.stats.suspensions += 1
            log.warning("the process stood still", seconds=round(late, 1))
            for listener in self.on_suspension:
                listener(late)
