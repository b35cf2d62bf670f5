"""What pings and passing deadlines mean. Pure.  Source: docs/spec/heartbeats.md."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec.structs import replace

from tocsin.core.clock import wire
from tocsin.core.events import Event
from tocsin.heartbeats import evidence
from tocsin.heartbeats.book import Book, Correction
from tocsin.heartbeats.deadlines import deadline_after
from tocsin.heartbeats.models import (
    MOST_OPEN_RUNS,
    Heartbeat,
    HeartbeatProblem,
    HeartbeatRecovery,
    HeartbeatStatus,
    HeartbeatStatusChanged,
    Outcome,
    Ping,
    PingType,
    Rules,
    Run,
    Standing,
    Tally,
)
from tocsin.heartbeats.runs import Ended, Ending, late_run, next_overrun, overrun_at

WAITING = frozenset({HeartbeatStatus.NEW, HeartbeatStatus.UP, HeartbeatStatus.STARTED})
"""What a deadline may be missed in."""
SHORTEST_EXTENSION = timedelta(seconds=30)


class Decision(NamedTuple):
    """How it stands afterwards, what the ping was taken for, and what follows.

    `ended` are runs that have ended; one that has begun stands in `after`, without a number. `closed_days` are the
    sums of days that are over.
    """

    after: Standing
    said: PingType | None = None
    ended: tuple[Ended, ...] = ()
    events: tuple[Event, ...] = ()
    closed_days: tuple[Tally, ...] = ()
    correction: Correction | None = None


def begin(rules: Rules, now: datetime) -> Standing:
    """Return how a heartbeat stands that was made just now: it is expected from the start."""
    return Standing(counted_from=now, next_deadline_at=deadline_after(rules, now), tally=Tally(now.date()))


def meaning(rules: Rules, ping: Ping) -> PingType:
    """Return what a ping is taken for, after the rules about methods and words in its body."""
    if rules.post_only and ping.method != "POST":
        return PingType.IGNORED
    if ping.type is not PingType.SUCCESS or not rules.has_keywords:
        return ping.type
    body = ping.body or ""
    for words, said in (
        (rules.failure_keywords, PingType.FAIL),
        (rules.success_keywords, PingType.SUCCESS),
        (rules.start_keywords, PingType.START),
    ):
        if any(word in body for word in words):
            return said
    return PingType.IGNORED


# --- pings -----------------------------------------------------------------------------------------------------------


def on_ping(beat: Heartbeat, ping: Ping, now: datetime) -> Decision:
    """Decide what *ping* changes."""
    before, said = beat.standing, meaning(beat.rules, ping)
    if before.status is HeartbeatStatus.PAUSED or said in {PingType.LOG, PingType.IGNORED}:
        return Decision(before, said)
    if said is PingType.START:
        return _on_start(beat, ping, now)
    is_good = said is PingType.SUCCESS or (said is PingType.EXIT_CODE and ping.exit_code == 0)
    return _on_success(beat, ping, said, now) if is_good else _on_failure(beat, ping, said, now)


def without_rows(decision: Decision) -> Decision:
    """Return what holds of a ping beyond the budget: runs that have a row end there, but none gets a row."""
    ended = tuple(one for one in decision.ended if one.run is not None)
    known = tuple(run for run in decision.after.open_runs if run.id)
    if known == decision.after.open_runs:
        return decision._replace(ended=ended)
    after = replace(decision.after, open_runs=known, overrun_at=decision.after.overrun_at if known else None)
    return decision._replace(after=after, ended=ended)


def _on_start(beat: Heartbeat, ping: Ping, now: datetime) -> Decision:
    """Begin a run. One of the same id that never ended is given up; so is the oldest of far too many."""
    before = beat.standing
    given_up = [run for run in before.open_runs if run.run_id == ping.run_id]
    kept = [run for run in before.open_runs if run.run_id != ping.run_id]
    while len(kept) >= MOST_OPEN_RUNS:
        given_up.append(kept.pop(0))
    book = Book(before, now)
    book.bad(len(given_up))
    still_open = (*kept, Run(started_at=now, run_id=ping.run_id))
    after = replace(
        book.standing(),
        **({} if _is_counting(beat) else _counted_from(beat, now)),
        status=HeartbeatStatus.STARTED,
        overrun_at=next_overrun(beat.rules, still_open, before, now),
        last_start_at=now,
        open_runs=still_open,
        late_run=late_run(before, ping),
        is_extended=False,
    )
    ended = tuple(Ended(run, Outcome.TIMEOUT, by_ping=False) for run in given_up)
    return Decision(after, PingType.START, ended, _told(beat, after, now), book.closed)


def _on_success(beat: Heartbeat, ping: Ping, said: PingType, now: datetime) -> Decision:
    before, ending = beat.standing, Ending(beat, ping, now)
    book = Book(before, now)
    correction = book.correct(ending.late_day)
    book.bad(len(ending.stale))
    book.good()
    after = replace(
        book.standing(),
        **_counted(beat, now),
        **ending.fields(),
        status=HeartbeatStatus.STARTED if ending.others else HeartbeatStatus.UP,
        problems=(),
        last_ping_at=now,
        last_exit_code=ping.exit_code if ping.exit_code is not None else before.last_exit_code,
        consecutive_failures=0,
        consecutive_successes=before.consecutive_successes + 1,
        is_extended=False,
    )
    events = _told(beat, after, now)
    if before.problems or before.status is HeartbeatStatus.DOWN:
        events += (HeartbeatRecovery(heartbeat_id=beat.id, name=beat.name, timestamp=wire(now)),)
    return Decision(after, said, ending.changes(Outcome.SUCCESS, ping.exit_code), events, book.closed, correction)


def _on_failure(beat: Heartbeat, ping: Ping, said: PingType, now: datetime) -> Decision:
    before, ending = beat.standing, Ending(beat, ping, now)
    book = Book(before, now)
    correction = book.correct(ending.late_day)
    book.bad(len(ending.stale) + 1)
    known = HeartbeatProblem.EXIT_CODE_FAILURE in before.problems
    after = replace(
        book.standing(),
        **ending.fields(),
        status=HeartbeatStatus.DOWN,
        **_counted_from(beat, now),
        problems=before.problems if known else (*before.problems, HeartbeatProblem.EXIT_CODE_FAILURE),
        last_ping_at=now,
        explained_from=ending.began_at,
        last_exit_code=ping.exit_code if ping.exit_code is not None else before.last_exit_code,
        consecutive_failures=before.consecutive_failures + 1,
        consecutive_successes=0,
        is_extended=False,
    )
    events = _told(beat, after, now)
    if not known:
        events += (evidence.failed(replace(beat, standing=after), ping.exit_code, now),)
    return Decision(after, said, ending.changes(Outcome.FAILURE, ping.exit_code), events, book.closed, correction)


def _counted(beat: Heartbeat, now: datetime) -> dict[str, Any]:
    """Return the fields of the deadline after a success. Where several are expected, it moves with the last of them."""
    wanted = beat.rules.expected_pings
    if not _is_counting(beat):
        return {**_counted_from(beat, now), "window_pings": 0 if wanted == 1 else 1}
    count = beat.standing.window_pings + 1
    return {"window_pings": count} if count < wanted else _counted_from(beat, now)


def _counted_from(beat: Heartbeat, now: datetime) -> dict[str, Any]:
    return {"counted_from": now, "next_deadline_at": deadline_after(beat.rules, now), "window_pings": 0}


def _is_counting(beat: Heartbeat) -> bool:
    """Say whether several successes are expected, and the count of them has begun."""
    standing = beat.standing
    is_on = standing.status in {HeartbeatStatus.UP, HeartbeatStatus.STARTED}
    return beat.rules.expected_pings > 1 and is_on and standing.last_ping_at is not None


# --- time ------------------------------------------------------------------------------------------------------------


def on_time(beat: Heartbeat, now: datetime) -> Decision | None:
    """Decide what follows from *now* alone; None when nothing is due. The deadline itself is still in time."""
    standing = beat.standing
    if standing.status not in WAITING:
        return None
    if standing.next_deadline_at is not None and standing.next_deadline_at < now:
        return _on_missed(beat, now)
    if standing.status is HeartbeatStatus.STARTED and standing.overrun_at is not None and standing.overrun_at < now:
        return _on_overrun(beat, now)
    return None


def _on_missed(beat: Heartbeat, now: datetime) -> Decision:
    before = beat.standing
    given_up = before.open_runs
    book = Book(before, now)
    book.bad(len(given_up) + 1)
    after = replace(
        book.standing(),
        status=HeartbeatStatus.DOWN,
        problems=(
            *(one for one in before.problems if one is not HeartbeatProblem.DEADLINE_MISSED),
            HeartbeatProblem.DEADLINE_MISSED,
        ),
        overrun_at=None,
        open_runs=(),
        late_run=replace(given_up[-1], given_up_at=now) if given_up else before.late_run,
        consecutive_failures=before.consecutive_failures + 1,
        consecutive_successes=0,
    )
    events = (*_told(beat, after, now), evidence.missed(beat, now))
    changes = tuple(Ended(run, Outcome.TIMEOUT, by_ping=False) for run in given_up)
    return Decision(after, None, changes, events, book.closed)


def _on_overrun(beat: Heartbeat, now: datetime) -> Decision:
    before = beat.standing
    if HeartbeatProblem.OVERRUN in before.problems:
        return Decision(replace(before, overrun_at=None))
    after = replace(before, problems=(*before.problems, HeartbeatProblem.OVERRUN), overrun_at=None)
    return Decision(after, events=(evidence.overran(beat, now),))


def extended(beat: Heartbeat, now: datetime) -> Standing:
    """Return how it stands after Tocsin itself was away: what was expected meanwhile gets one more grace, once."""
    before, grace = beat.standing, timedelta(seconds=beat.rules.grace_seconds)
    deadline = before.next_deadline_at
    if before.status not in WAITING or before.is_extended or deadline is None:
        return before
    until = now + max(grace, SHORTEST_EXTENSION)
    is_overdue = deadline - grace <= now
    is_over = before.overrun_at is not None and before.overrun_at <= now
    if not is_overdue and not is_over:
        return before
    return replace(
        before,
        next_deadline_at=max(deadline, until) if is_overdue else deadline,
        overrun_at=until if is_over else before.overrun_at,
        is_extended=True,
    )


def set_back(beat: Heartbeat, now: datetime) -> Standing:
    """Return how it stands after the clock was set back: nothing is waited for longer than the rules say."""
    before, rules = beat.standing, beat.rules
    if before.next_deadline_at is None:
        return before
    overrun = before.overrun_at
    if overrun is not None and rules.max_duration_seconds is not None:
        overrun = min(overrun, now + timedelta(seconds=rules.max_duration_seconds))
    after = replace(
        before,
        counted_from=min(before.counted_from, now),
        next_deadline_at=min(before.next_deadline_at, deadline_after(rules, now)),
        overrun_at=overrun,
        open_runs=tuple(run if run.started_at <= now else replace(run, started_at=now) for run in before.open_runs),
    )
    return before if after == before else after


def clock_set(beat: Heartbeat, now: datetime, by: timedelta) -> Standing:
    """Return how it stands after the clock was set forward, or back, while Tocsin ran: an interval is real time.

    The times of a schedule are those of the wall clock.
    """
    before = beat.standing
    if before.next_deadline_at is None or beat.rules.schedule is not None:
        return set_back(beat, now)
    return replace(
        before,
        counted_from=min(before.counted_from + by, now),
        next_deadline_at=min(before.next_deadline_at + by, deadline_after(beat.rules, now)),
        overrun_at=None if before.overrun_at is None else before.overrun_at + by,
        open_runs=tuple(replace(run, started_at=min(run.started_at + by, now)) for run in before.open_runs),
    )


# --- by hand ---------------------------------------------------------------------------------------------------------


def paused(beat: Heartbeat, now: datetime) -> Decision:
    """Nobody waits for it any more; what rings is over, and a run that is open stays so."""
    before = beat.standing
    after = replace(before, status=HeartbeatStatus.PAUSED, problems=(), next_deadline_at=None)
    return Decision(after, events=_told(beat, after, now))


def resumed(beat: Heartbeat, now: datetime) -> Decision:
    before = beat.standing
    never = before.last_ping_at is None and before.last_start_at is None
    after = replace(
        before,
        status=HeartbeatStatus.NEW if never else HeartbeatStatus.UP,
        counted_from=now,
        next_deadline_at=deadline_after(beat.rules, now),
        window_pings=0,
        is_extended=False,
    )
    return Decision(after, events=_told(beat, after, now))


def with_rules(beat: Heartbeat, rules: Rules) -> Standing:
    """Return how it stands under other *rules*: its deadline is counted anew from where it was counted before."""
    before = beat.standing
    if before.status is HeartbeatStatus.PAUSED:
        return before
    return replace(
        before,
        next_deadline_at=deadline_after(rules, before.counted_from),
        overrun_at=overrun_at(rules, before.open_runs, before),
        window_pings=min(before.window_pings, rules.expected_pings - 1),
    )


# --- small things ----------------------------------------------------------------------------------------------------


def _told(beat: Heartbeat, after: Standing, now: datetime) -> tuple[Event, ...]:
    """Return the event of another status, if it is another one."""
    old = beat.standing.status
    if after.status is old:
        return ()
    return (HeartbeatStatusChanged(heartbeat_id=beat.id, old_status=old, new_status=after.status, timestamp=wire(now)),)
