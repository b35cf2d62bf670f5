"""Looks at deadlines. Its own absence is nobody's fault: what was expected meanwhile gets one more grace.

Source: docs/spec/heartbeats.md, when Tocsin was away.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from tocsin.core.clock import Clock
from tocsin.db.database import Database
from tocsin.db.tx import Tx
from tocsin.heartbeats import keeping, rules, store
from tocsin.heartbeats.models import Heartbeat, Standing

BATCH = 200
AWAY_AFTER_S = 5.0
"""So long between two looks means that this process stood still, or that the clock was set forward."""
SET = timedelta(seconds=1)
"""By so much the wall clock may differ from the time that has passed; by more, and somebody has set it."""
log = structlog.get_logger(__name__)


class DeadlineWatch:
    """Looks every second (`look`); `begin` comes first, once."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._seen = clock.now()
        self._seen_monotonic = clock.monotonic()
        self._refusals = db.refusals
        self.late_s = 0.0

    async def begin(self) -> None:
        """Give one more grace to what was expected while Tocsin was not running, or while the clock was another."""
        await self._revise(rules.set_back)
        await self._revise(rules.extended)
        self._remember(self._clock.now())

    async def look(self) -> None:
        """Judge what is due, unless nobody was there to hear of it. What fails is done the next time."""
        now = self._clock.now()
        passed = self._clock.monotonic() - self._seen_monotonic
        moved = (now - self._seen).total_seconds()
        set_by = timedelta(milliseconds=round(1000 * (moved - passed)))
        if abs(set_by) > SET:
            log.warning("the clock was set", seconds=set_by.total_seconds())
            await self._revise(partial(rules.clock_set, by=set_by))
        if max(moved, passed) > AWAY_AFTER_S or self._db.refusals != self._refusals:
            log.warning("deadlines are put off: pings may have been lost", seconds=round(max(moved, passed), 1))
            refusals = self._db.refusals
            await self._revise(rules.extended)
            self._refusals = refusals
        while await self._judge(now) == BATCH:
            pass
        self._remember(self._clock.now())

    def _remember(self, now: datetime) -> None:
        self._seen, self._seen_monotonic = now, self._clock.monotonic()

    async def _judge(self, now: datetime) -> int:
        """Judge one batch of what is due; return how many there were."""
        due = await self._db.read(lambda read: store.list_due(read, now, BATCH))
        if not due:
            self.late_s = 0.0
            return 0
        first = due[0].standing.due_at or now
        self.late_s = max(0.0, (now - first).total_seconds())

        def work(tx: Tx) -> None:
            for one in due:
                self._settle(tx, one.id, now)

        await self._db.write(work)
        return len(due)

    def _settle(self, tx: Tx, heartbeat_id: int, now: datetime) -> None:
        """Judge one as it stands now: a ping may have come since it was read."""
        beat = store.find(tx, heartbeat_id)
        decision = None if beat is None else rules.on_time(beat, now)
        if beat is not None and decision is not None:
            keeping.keep(tx, beat, decision, now)

    async def _revise(self, rule: Callable[[Heartbeat, datetime], Standing]) -> None:
        """Apply *rule* to everything that is waited for, batch by batch."""
        now, after_id = self._clock.now(), 0
        while True:
            found = await self._db.read(lambda read: store.list_waiting(read, after_id, BATCH))  # noqa: B023
            if not found:
                return
            after_id = found[-1].id
            ids = [one.id for one in found if rule(one, now) is not one.standing]
            if ids:
                await self._db.write(lambda tx: _revise(tx, ids, rule, now))  # noqa: B023 -- awaited at once


def _revise(tx: Tx, ids: list[int], rule: Callable[[Heartbeat, datetime], Standing], now: datetime) -> None:
    for heartbeat_id in ids:
        beat = store.find(tx, heartbeat_id)
        if beat is not None and beat.standing.status in rules.WAITING:
            store.save_standing(tx, heartbeat_id, rule(beat, now))
