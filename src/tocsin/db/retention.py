"""History is kept for a stated time, then deleted in small batches, so that no sweep ever blocks a write for long."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import delete, func, select, text

from tocsin.core.clock import Clock, to_ms
from tocsin.db.database import Database
from tocsin.db.tables import audit, events
from tocsin.db.tx import Tx

BATCH = 1000
MOST_BATCHES_A_SWEEP = 5000
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Rule:
    """Delete what is older than *keep*. `sweep(tx, cutoff_ms, limit)` deletes one batch and returns how many rows."""

    name: str
    keep: timedelta
    sweep: Callable[[Tx, int, int], int]


def sweep_journal(tx: Tx, cutoff_ms: int, limit: int) -> int:
    """Delete old events. The newest stays for ever: its number says how far a returning client is behind."""
    newest = select(func.max(events.c.id)).scalar_subquery()
    old = select(events.c.id).where(events.c.at_ms < cutoff_ms, events.c.id < newest).order_by(events.c.id).limit(limit)
    return tx.execute(delete(events).where(events.c.id.in_(old.scalar_subquery()))).rowcount


def sweep_audit(tx: Tx, cutoff_ms: int, limit: int) -> int:
    old = select(audit.c.id).where(audit.c.at_ms < cutoff_ms).order_by(audit.c.id).limit(limit)
    return tx.execute(delete(audit).where(audit.c.id.in_(old.scalar_subquery()))).rowcount


class Retention:
    """Sweeps every rule until nothing old is left, then gives free pages back to the file system."""

    def __init__(self, db: Database, clock: Clock, rules: Sequence[Rule]) -> None:
        self._db = db
        self._clock = clock
        self._rules = rules

    async def sweep(self) -> dict[str, int]:
        """Return how many rows each rule deleted."""
        deleted: dict[str, int] = {}
        for rule in self._rules:
            deleted[rule.name] = await self._sweep(rule)
        if any(deleted.values()):
            log.info("old history deleted", **deleted)
            if self._db.is_sqlite:
                await self._db.write(_vacuum)
        return deleted

    async def _sweep(self, rule: Rule) -> int:
        cutoff_ms = to_ms(self._clock.now() - rule.keep)
        total = 0
        for _ in range(MOST_BATCHES_A_SWEEP):
            count = await self._db.write(lambda tx: rule.sweep(tx, cutoff_ms, BATCH))
            total += count
            if count < BATCH:
                break
        return total


def _vacuum(tx: Tx) -> None:

    tx.execute(text("PRAGMA incremental_vacuum(2000)"))
