"""Long-lived tasks under one owner: a death is logged, counted and followed by a restart with back-off."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from tocsin.core.clock import Clock
from tocsin.core.errors import AppError

Run = Callable[[], Awaitable[None]]
log = structlog.get_logger(__name__)

CALM_AFTER_S = 300.0
LONGEST_PAUSE_S = 30.0


@dataclass
class TaskHealth:
    """How one long task fares. `failing_since` is monotonic seconds; None while it runs undisturbed."""

    name: str
    restarts: int = 0
    last_error: str | None = None
    waiting: bool = False


class Supervisor:
    """Owns the long tasks of the program; `health` is what `/api/v1/health` and `/metrics` show."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.health: dict[str, TaskHealth] = {}

    def start(self, name: str, run: Run, longest_pause_s: float = LONGEST_PAUSE_S) -> None:
        """Keep *run* alive for ever under *name*."""
        self.health[name] = TaskHealth(name)
        self._tasks[name] = asyncio.create_task(self.keep(name, run, longest_pause_s), name=name)

    async def keep(self, name: str, run: Run, longest_pause_s: float = LONGEST_PAUSE_S) -> None:
        """Run *run* for ever: 1 s after the first failure, then doubling; only cancellation ends it."""
        health = self.health.setdefault(name, TaskHealth(name))
        failures = 0
        while True:
            started = self._clock.monotonic()
            health.waiting = False
            try:
                await run()
                health.last_error = "ended"
                log.error("task ended", task=name)
            except AppError as exc:  # the world's fault: one line is enough
                tell = log.debug if health.last_error == exc.message else log.warning
                tell("task lost its source", task=name, error=exc.message)
                health.last_error = exc.message
            except Exception as exc:  # broad on purpose: this is the supervisor
                health.last_error = f"{type(exc).__name__}: {exc}"
                log.exception("task died", task=name)
            failures = 0 if self._clock.monotonic() - started > CALM_AFTER_S else failures
            health.restarts += 1
            health.waiting = True
            await self._clock.sleep(min(2.0**failures, longest_pause_s))
            failures = min(failures + 1, 8)

    async def stop(self, timeout_s: float = 3.0) -> None:
        """Cancel every task and wait for them, at most *timeout_s* seconds."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=timeout_s)
            for task in late:
                log.error("task did not stop", task=task.get_name())
        self._tasks.clear()
