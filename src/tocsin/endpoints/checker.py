"""The checks: each endpoint in its turn, a failure looked at twice, what was found written in batches.

A check that changes nothing but counters waits a moment to be written with others; one that changes how an endpoint
stands is written at once, with what follows from it.  Source: docs/spec/endpoints.md, checking.
"""

import asyncio
import random
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from time import monotonic
from typing import NamedTuple

import msgspec
import structlog

from tocsin.core.clock import Clock, from_ms, to_ms, wire
from tocsin.core.errors import NotFound, StorageUnavailable, Unavailable
from tocsin.core.events import Frame, name_of, volatile
from tocsin.core.hub import Hub
from tocsin.core.scheduler import Scheduler
from tocsin.db.database import Database
from tocsin.db.tx import Read, Tx
from tocsin.endpoints import blocks, history_store, rules, store
from tocsin.endpoints.blocks import SLOT_MS
from tocsin.endpoints.guard import Guard, Scope
from tocsin.endpoints.history_store import New
from tocsin.endpoints.models import (
    Endpoint,
    EndpointCheckResult,
    EndpointDiscovered,
    EndpointRemoved,
    EndpointStatus,
    EndpointUpdated,
)
from tocsin.endpoints.monitors import SPARKLINE, Monitor, Monitors
from tocsin.endpoints.plan import Plan, Verdict, evidence
from tocsin.endpoints.totals import BAD, CODE, FIRST_BAD, Check
from tocsin.probes.base import Cause, Result
from tocsin.probes.kinds import Probes
from tocsin.probes.stalls import Stalls

log = structlog.get_logger(__name__)

TELL_S = 0.25
MOST_WAITING, LONGEST_WAIT_S = 250, 5.0
"""Checks that changed nothing are written so many at once, or after so long: a commit writes pages, not rows."""
CONFIRM_AFTER_S = 1.0
"""A failure is looked at again so soon, and only what is still wrong then counts."""
LONGEST_RECHECK_S = 60.0
"""While failures are being counted, the next check comes no later than this, however long the interval is."""
MOST_JITTER_S = 30.0
MILLISECOND, CLOSE = timedelta(milliseconds=1), timedelta(seconds=1)
MOST_BUFFERED = 100_000
MOST_TRIES = 3
SPARKLINE_SLOTS = 36
STUCK_AFTER_S = 3600.0
"""A check limits its own time; waiting for a turn on a host that keeps many others waiting may take long."""
MOST_DISCARDED = 2
"""So many failures in a row may be put down to this process; a machine that always stalls must judge all the same."""
BIG_BODY = 32 * 1024
MOST_AT_ONCE = 100_000
"""Who waits for a turn holds no place here: the slots of the probes are the limit."""


class Outcome(NamedTuple):
    """A check that is over, as the API shows it."""

    check: Check
    verdict: Verdict
    result: Result


class Lateness:
    """How late checks begin: counts by upper bound in seconds, and the sum of all."""

    BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)

    def __init__(self) -> None:
        self.counts = [0] * (len(self.BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(self.BOUNDS, seconds)] += 1
        self.total += seconds


class Checker:
    """Runs the checks. Keep `write_behind` alive; `load` comes first, `stop` last."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        hub: Hub,
        probes: Probes,
        stalls: Stalls,
        monitors: Monitors,
        guard: Guard,
    ) -> None:
        self._db = db
        self._clock = clock
        self._hub = hub
        self._probes = probes
        self._stalls = stalls
        self._monitors = monitors
        self._guard = guard
        self.scheduler = Scheduler(clock, limit=MOST_AT_ONCE)
        self.scheduler.on_suspension.append(self._spread_again)
        self._buffer: list[tuple[int, Check]] = []
        self._writing: list[tuple[int, Check]] = []
        self._frames: list[Frame] = []
        self._waiting = asyncio.Event()
        self._refreshing: set[asyncio.Task[None]] = set()
        self._in_order = asyncio.Lock()
        self.lateness = Lateness()
        self.dropped = 0
        self.discarded = 0
        guard.come_back.append(self._look_again)
        hub.tap(self._follow)

    # --- following what is stored ------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Read everything that is watched, and what the newest checks had found; begin to check."""
        stored, new = await self._db.read(lambda read: (store.list_active(read), _all_new(read)))
        for monitor in self._monitors.refresh([endpoint.id for endpoint in stored], stored):
            for check in new.get(monitor.id, []) if monitor.endpoint.is_checked else ():
                monitor.replay(check)
            self._begin(monitor, self._jitter(monitor))
            for check in new.get(monitor.id, []):
                monitor.count(check, self._today())
        await self._load_day()
        await self._load_sparklines()

    async def _load_sparklines(self) -> None:
        """Complete the sparklines of those that are checked seldom, from what is packed of the last hours."""
        now_slot = to_ms(self._clock.now()) // SLOT_MS
        for slot in range(now_slot, now_slot - SPARKLINE_SLOTS, -1):
            wanted = [one.id for one in self._monitors if len(one.recent) < SPARKLINE and one.endpoint.is_checked]
            if not wanted:
                return
            keys = [(slot, endpoint_id) for endpoint_id in wanted]
            found = await self._db.read(partial(history_store.read_slots, keys=keys))
            for (_, endpoint_id), data in found.items():
                monitor = self._monitors.find(endpoint_id)
                if monitor is not None:
                    monitor.recall(blocks.unpack(slot, data))

    async def _load_day(self) -> None:
        """Add up today so far, hour by hour."""
        now_hour = to_ms(self._clock.now()) // history_store.HOUR_MS
        day = history_store.day_of(now_hour)
        for hour in range(now_hour - now_hour % 24, now_hour + 1):
            found = await self._db.read(partial(history_store.read_hour, hour=hour))
            for endpoint_id, totals in found.items():
                monitor = self._monitors.find(endpoint_id)
                if monitor is not None:
                    monitor.add_to_day(day, totals)

    def _follow(self, frames: Sequence[Frame]) -> None:
        """Called with what was committed: endpoints that changed are read again."""
        if any(frame.type in _CHANGES for frame in frames):
            ids = {_changed.decode(frame.data).endpoint_id for frame in frames if frame.type in _CHANGES}
            task = asyncio.ensure_future(self.refresh(ids))
            self._refreshing.add(task)
            task.add_done_callback(self._refreshing.discard)

    async def refresh(self, ids: Iterable[int]) -> None:
        """Read endpoints again; those that are new, or checked differently now, are checked at once."""
        wanted = sorted(ids)
        async with self._in_order:  # else an older reading could undo a newer one
            stored = await self._read_again(wanted)
            changed = self._monitors.refresh(wanted, stored)
        for monitor in changed:
            self._begin(monitor, 0.0)
        gone = set(wanted) - {endpoint.id for endpoint in stored}
        if gone:  # deleted with their history
            self._buffer = [row for row in self._buffer if row[0] not in gone]
        for endpoint_id in wanted:
            if self._monitors.find(endpoint_id) is None:
                self.scheduler.cancel(_key(endpoint_id))

    async def _read_again(self, wanted: list[int]) -> list[Endpoint]:
        """Read endpoints that have changed, however long the database takes to answer again."""
        while True:
            try:
                return await self._db.read(lambda read: store.list_some(read, wanted))
            except StorageUnavailable as exc:
                log.warning("changed endpoints cannot be read", error=exc.message)
                await self._clock.sleep(1.0)

    def _today(self) -> date:
        return self._clock.now().date()

    async def settled(self) -> None:
        """Wait until what was committed so far is followed."""
        await asyncio.gather(*self._refreshing)

    # --- timing ------------------------------------------------------------------------------------------------------

    def _begin(self, monitor: Monitor, delay_s: float) -> None:
        if not monitor.endpoint.is_checked:
            self.scheduler.cancel(_key(monitor.id))
            return
        self._schedule(monitor, self._clock.monotonic() + delay_s)

    def _schedule(self, monitor: Monitor, due: float) -> None:
        monitor.due = due
        delay_s = due - self._clock.monotonic()
        self.scheduler.once(_key(monitor.id), delay_s, partial(self._turn, monitor), timeout_s=STUCK_AFTER_S)

    def _jitter(self, monitor: Monitor) -> float:
        return random.uniform(0, min(monitor.endpoint.config.interval_seconds, MOST_JITTER_S))  # noqa: S311 -- no secret

    def _spread_again(self, _late_s: float) -> None:
        """The process stood still: what is overdue is not checked all at once."""
        now = self._clock.monotonic()
        for monitor in self._monitors:
            if monitor.due < now and not monitor.turn.locked() and monitor.endpoint.is_checked:
                self._schedule(monitor, now + self._jitter(monitor))

    def _look_again(self, _scope: Scope) -> None:
        """Our own network works again: what we could not find out meanwhile is looked at soon."""
        for monitor in self._monitors:
            if (
                monitor.standing.status is EndpointStatus.UNKNOWN
                and monitor.endpoint.is_checked
                and not monitor.turn.locked()
            ):
                self._schedule(monitor, self._clock.monotonic() + random.uniform(0, 5))  # noqa: S311

    def _next(self, monitor: Monitor) -> float:
        """Return when the next check is due: in the rhythm of the interval, sooner while failures are counted."""
        interval = monitor.endpoint.config.interval_seconds
        if 0 < monitor.standing.consecutive_failures < monitor.endpoint.config.failure_threshold:
            interval = min(interval, LONGEST_RECHECK_S)
        now = self._clock.monotonic()
        due = monitor.due + interval
        return due if due > now else now + interval - (now - monitor.due) % interval

    # --- checking ----------------------------------------------------------------------------------------------------

    async def _turn(self, monitor: Monitor) -> None:
        if self._monitors.find(monitor.id) is not monitor:
            return
        self.lateness.add(max(0.0, self._clock.monotonic() - monitor.due))
        outcome = None
        try:
            outcome = await self._check(monitor)
        finally:
            if self._monitors.find(monitor.id) is monitor:
                soon = self._clock.monotonic() + random.uniform(0.5, 3)  # noqa: S311
                self._schedule(monitor, self._next(monitor) if outcome is not None else min(soon, self._next(monitor)))

    async def check_now(self, endpoint_id: int) -> Outcome:
        """Check at once, and return what was found.  Raises NotFound, Unavailable."""
        monitor = self._monitors.find(endpoint_id)
        if monitor is None:
            raise NotFound("Endpoint not found")
        for _ in range(MOST_TRIES):
            outcome = await self._check(monitor)
            if outcome is not None:
                return outcome
        raise Unavailable("Tocsin has too much to do to look properly; try again in a moment")

    async def try_out(self, plan: Plan) -> Outcome:
        """Check what is not stored, once, and keep nothing of it."""
        at = self._clock.now()
        result, verdict = await self._judged(plan, at)
        return _outcome(at, verdict, result, begins_incident=False)

    async def _check(self, monitor: Monitor) -> Outcome | None:
        """Check once, a failure twice; None when this process could not look properly."""
        async with monitor.turn:
            began = monotonic()
            at, result, verdict = await self._look(monitor)
            if verdict.status is EndpointStatus.DOWN and monitor.standing.consecutive_failures == 0:
                await self._clock.sleep(CONFIRM_AFTER_S)
                at, result, verdict = await self._look(monitor)
            if verdict.status is not EndpointStatus.UP and self._stalls.during(began):
                monitor.discarded += 1
                self.discarded += 1
                if monitor.discarded <= MOST_DISCARDED:
                    return None
            monitor.discarded = 0
            verdict = await self._weighed(monitor, verdict, result)
            taking = asyncio.ensure_future(self._take(monitor, at, verdict, result))
            return await asyncio.shield(taking)  # who goes away must not leave memory and disk at odds

    async def _weighed(self, monitor: Monitor, verdict: Verdict, result: Result) -> Verdict:
        """Return *verdict*, or that nothing is known when the fault is our own network's."""
        if verdict.status is EndpointStatus.DOWN:
            if not monitor.is_alerting and await self._guard.is_ours(monitor, result):
                return verdict._replace(status=EndpointStatus.UNKNOWN)
        elif result.cause is None:
            end = self._guard.succeeded(result)
            if end is not None:
                await end
        return verdict

    async def _look(self, monitor: Monitor) -> tuple[datetime, Result, Verdict]:
        at = self._clock.now()
        result, verdict = await self._judged(monitor.plan, at)
        return at, result, verdict

    async def _judged(self, plan: Plan, at: datetime) -> tuple[Result, Verdict]:
        """Look and judge. What breaks in doing so is our own fault: nothing is known then."""
        try:
            result = await self._probes.probe(plan.spec, plan.timeout_s)
            if result.http is not None and len(result.http.body) > BIG_BODY:
                return result, await asyncio.to_thread(plan.judge, result, at)
            return result, plan.judge(result, at)
        except Exception as exc:  # broad on purpose: an input nobody thought of must not stop the checks
            log.exception("a check broke", host=plan.host)
            error = f"Tocsin could not do this check ({type(exc).__name__})"
            return Result(cause=Cause.OURS, error=error), Verdict(EndpointStatus.UNKNOWN, error)

    async def _take(self, monitor: Monitor, at: datetime, verdict: Verdict, result: Result) -> Outcome:
        """Let what was found hold: in memory, and on disk before anything is said of it."""
        endpoint = monitor.endpoint
        at = _apart(at, monitor.standing.last_check_at)
        took = round(result.phases.total / 1000)
        found = {} if verdict.status in rules.GOOD else evidence(verdict, result, monitor.plan.secrets)
        status = result.http.status if result.http is not None else None
        decision = rules.decide(endpoint, monitor.standing, rules.Seen(at, verdict, took, status, found))
        outcome = _outcome(at, verdict, result, begins_incident=decision.begins_incident)
        if self._monitors.find(endpoint.id) is not monitor:
            return outcome  # it was changed meanwhile: what it was counts no more
        if decision.events and not await self._write_now(monitor, decision, outcome.check):
            return outcome
        monitor.standing, monitor.unsaved = decision.after, not decision.events
        monitor.count(outcome.check, self._today())
        if not decision.events:
            self._buffer.append((endpoint.id, outcome.check))
        if len(self._hub):
            self._frames.append(volatile(_result_event(monitor, outcome, took, status)))
        self._waiting.set()
        return outcome

    async def _write_now(self, monitor: Monitor, decision: rules.Decision, check: Check) -> bool:
        """Write a change of standing with its check and what follows; say whether it holds."""
        endpoint = monitor.endpoint

        def work(tx: Tx) -> bool:
            if not store.save_standing(tx, endpoint.id, endpoint.generation, decision.after):
                return False
            history_store.insert_checks(tx, [(endpoint.id, check)])
            for event in decision.events:
                tx.emit(event)
            return True

        return await self._db.write(work)

    # --- writing behind ----------------------------------------------------------------------------------------------

    def pending(self, endpoint_id: int) -> list[Check]:
        """Return the checks of an endpoint that are not written yet, or are being written."""
        return [check for one, check in (*self._writing, *self._buffer) if one == endpoint_id]

    async def write_behind(self) -> None:
        """Tell of checks a moment after they are over, and write what has come together, for ever."""
        waiting_since: float | None = None
        while True:
            await self._waiting.wait()
            await asyncio.sleep(TELL_S)
            self._hub.publish(self._take_frames())
            waiting_since = waiting_since or monotonic()
            if len(self._buffer) >= MOST_WAITING or monotonic() - waiting_since > LONGEST_WAIT_S:
                await self.flush()
                waiting_since = None
            if not self._buffer and not self._frames:
                self._waiting.clear()

    def _take_frames(self) -> list[Frame]:
        frames, self._frames = self._frames, []
        return frames

    async def flush(self) -> None:
        """Write what waits. What the database refuses is kept for the next time."""
        self._writing, self._buffer = self._buffer, []
        rows = self._writing
        if not rows:
            return
        try:
            await self._db.write(lambda tx: history_store.insert_checks(tx, rows))
        except Exception as exc:  # broad on purpose: whatever it is, what was found is kept for the next time
            log.warning("checks could not be written", count=len(rows), error=str(exc))
            kept = rows + self._buffer
            self._buffer = kept[-MOST_BUFFERED:]
            self.dropped += len(kept) - len(self._buffer)
        finally:
            self._writing = []

    async def stop(self) -> None:
        """Stop checking, and write what is left."""
        await self.scheduler.stop()
        await asyncio.gather(*self._refreshing, return_exceptions=True)
        await self.flush()


class _Changed(msgspec.Struct):
    endpoint_id: int


_changed = msgspec.json.Decoder(_Changed)
_CHANGES = frozenset(name_of(one) for one in (EndpointDiscovered, EndpointUpdated, EndpointRemoved))


def _all_new(read: Read) -> dict[int, list[Check]]:
    return history_store.list_all_new(read, New(history_store.newest_id(read)))


def _apart(at: datetime, last: datetime | None) -> datetime:
    """Return *at*, or a moment after *last*: milliseconds tell the checks of one endpoint apart."""
    return last + MILLISECOND if last is not None and last - CLOSE < at <= last else at


def _key(endpoint_id: int) -> str:
    return f"endpoint:{endpoint_id}"


def _outcome(at: datetime, verdict: Verdict, result: Result, *, begins_incident: bool) -> Outcome:
    code = CODE[verdict.status]
    if code == BAD and begins_incident:
        code = FIRST_BAD
    status = result.http.status if result.http is not None else None
    return Outcome(Check(to_ms(at), code, result.phases, status, verdict.error), verdict, result)


def _result_event(monitor: Monitor, outcome: Outcome, took_ms: int, http_status: int | None) -> EndpointCheckResult:
    return EndpointCheckResult(
        endpoint_id=monitor.id,
        container_name=monitor.endpoint.container_name,
        target=rules.shown_target(monitor.endpoint.target),
        success=outcome.verdict.status in rules.GOOD,
        status=outcome.verdict.status,
        response_time_ms=took_ms,
        http_status=http_status,
        error=outcome.verdict.error,
        timestamp=wire(from_ms(outcome.check.at_ms)),
    )
