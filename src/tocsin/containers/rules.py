"""What an observation means for a container: pure decisions.  Source: docs/spec/containers.md, states."""

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from tocsin.containers.labels import identity_key, keyed_by_name, read_traits
from tocsin.containers.models import Change, Container, Health, Severity, State
from tocsin.runtimes.base import (
    Destroyed,
    Details,
    Died,
    HealthChanged,
    Observation,
    Paused,
    Renamed,
    Started,
    StopRequested,
    Unpaused,
)

STOP_SIGNALS = frozenset({"TERM", "KILL", "INT", "QUIT", "RTMIN+3"})
REQUEST_HOLDS = timedelta(minutes=10)
"""How long after a signal an end still counts as asked for: the longest grace people give a database."""
ALWAYS_RESTARTED = frozenset({"always", "unless-stopped"})
OUT_OF_MEMORY = "Killed because it ran out of memory"
ENDED_STATES = frozenset({State.EXITED, State.COMPLETED, State.DEAD})
JUDGED_STATES = frozenset({State.EXITED, State.COMPLETED})
"""Two names for an end. Who saw it come about knows better which it was than a look at its exit code."""
ENDED_BY_SIGNAL = frozenset({137, 143})


class Decision(msgspec.Struct, frozen=True):
    """The container afterwards, and the lines its timeline gains.

    `amend` completes the last line: an end that was inferred first, and whose evidence came afterwards.
    """

    after: Container
    changes: tuple[Change, ...] = ()
    amend: Died | None = None


def decide(container: Container, seen: Observation) -> Decision:
    """Return what the live observation *seen* of the current runtime id makes of *container*.

    An observation older than the last one is a repetition after a reconnect and changes nothing.
    """
    if isinstance(seen, Died) and _is_known_end(container, seen):
        return Decision(container, amend=seen)
    if container.last_event_at is not None and seen.at < container.last_event_at:
        return Decision(container)
    before = replace(container, last_event_at=seen.at)
    match seen:
        case Started():
            return _started(before, seen.at)
        case Died():
            return _died(before, seen)
        case StopRequested() if seen.signal in STOP_SIGNALS and before.state in {State.RUNNING, State.PAUSED}:
            return Decision(replace(before, stop_requested_at=seen.at))
        case Paused() if before.state is State.RUNNING:
            return _change(before, State.PAUSED, seen.at)
        case Unpaused() if before.state is State.PAUSED:
            return _change(before, State.RUNNING, seen.at)
        case HealthChanged() if before.state in {State.RUNNING, State.PAUSED}:
            return _health(before, Health(seen.health), seen.at)
        case Renamed() if seen.name:
            key = f"name:{seen.name}" if keyed_by_name(before.key) else before.key
            return Decision(replace(before, name=seen.name, key=key))
        case Destroyed():
            return Decision(replace(before, missing_since=before.missing_since or seen.at))
    return Decision(before)


def _started(container: Container, at: datetime) -> Decision:
    if container.state is State.RUNNING:
        return Decision(replace(container, started_at=at))
    restarts = 1 if _restarted_unasked(container) else 0
    starting = Health.STARTING if container.has_health_check else None
    fresh = replace(
        container,
        started_at=at,
        exit_code=None,
        error_detail=None,
        stop_requested_at=None,
        health=starting,
        engine_restart_count=container.engine_restart_count + restarts,
    )
    return _change(fresh, State.RUNNING, at, restarts=restarts)


def _restarted_unasked(container: Container) -> bool:
    if container.stop_requested_at is not None:
        return False
    if container.state is State.COMPLETED:
        return container.restart_policy in ALWAYS_RESTARTED
    return container.state in {State.EXITED, State.RESTARTING}


def _is_known_end(container: Container, seen: Died) -> bool:
    """Say whether *seen* is the end that a comparison with the engine has already put on the timeline."""
    return (
        container.state in ENDED_STATES
        and container.finished_at is not None
        and (container.started_at is None or seen.at >= container.started_at)
        and abs(seen.at - container.finished_at) < timedelta(seconds=1)
    )


def _died(container: Container, seen: Died) -> Decision:
    if container.started_at is not None and seen.at < container.started_at:
        return Decision(container)
    asked = was_asked(container.stop_requested_at, seen.at)
    ended = replace(container, finished_at=seen.at, stop_requested_at=container.stop_requested_at if asked else None)
    state = ended_state(seen.exit_code, oom_killed=seen.oom_killed, asked=asked)
    detail = OUT_OF_MEMORY if seen.oom_killed else None
    return _change(ended, state, seen.at, exit_code=seen.exit_code, detail=detail, snippet=seen.log_excerpt)


def was_asked(requested_at: datetime | None, ended_at: datetime) -> bool:
    return requested_at is not None and ended_at - requested_at <= REQUEST_HOLDS


def ended_state(exit_code: int | None, *, oom_killed: bool, asked: bool) -> State:
    """Return how a process that ended counts: `completed` is a good end, `exited` a bad one."""
    if oom_killed:
        return State.EXITED
    if exit_code == 0 or (exit_code in ENDED_BY_SIGNAL and asked):
        return State.COMPLETED
    return State.EXITED


def _health(container: Container, health: Health | None, at: datetime, *, reconciled: bool = False) -> Decision:
    if health == container.health:
        return Decision(container)
    at = max(at, container.accounted_at)
    change = Change(
        at=at,
        previous_state=container.state,
        new_state=container.state,
        health=health,
        previous_health=container.health,
        new_health=health,
        reconciled=reconciled,
    )
    return Decision(replace(container, health=health, last_state_change_at=at, accounted_at=at), (change,))


def _change(
    container: Container,
    state: State,
    at: datetime,
    *,
    exit_code: int | None = None,
    detail: str | None = None,
    snippet: str | None = None,
    restarts: int = 0,
    reconciled: bool = False,
) -> Decision:
    """Return the change to *state*; the same state again is no change. Times never run backwards on a timeline."""
    if state is container.state:
        return Decision(container)
    at = max(at, container.accounted_at)
    health = container.health if state in {State.RUNNING, State.PAUSED} else None
    change = Change(
        at=at,
        previous_state=container.state,
        new_state=state,
        health=health,
        exit_code=exit_code,
        log_snippet=snippet,
        error_detail=detail,
        restarts=restarts,
        reconciled=reconciled,
    )
    ended = state in ENDED_STATES
    after = replace(
        container,
        state=state,
        health=health,
        exit_code=exit_code if ended else container.exit_code,
        error_detail=detail if ended else container.error_detail,
        last_state_change_at=at,
        accounted_at=at,
        restart_count=container.restart_count + restarts,
    )
    return Decision(after, (change,))


# --- what was not seen as it happened --------------------------------------------------------------------------------


def discover(details: Details, host: str, now: datetime, *, live: bool) -> Decision:
    """Return a container we did not know. *live*: we were told at its creation, so its starting is still to come."""
    container = Container(
        id=0,
        host=host,
        key=identity_key(details.name, details.labels),
        runtime_id=details.runtime_id,
        name=details.name,
        image=details.image,
        state=State.CREATED,
        has_health_check=details.has_health_check,
        traits=read_traits(details.labels),
        first_seen_at=now,
        last_state_change_at=now,
        accounted_at=now,
        restart_policy=details.restart_policy,
    )
    if live:
        return Decision(container)
    seen = replace(
        container,
        started_at=details.started_at,
        finished_at=details.finished_at,
        engine_restart_count=details.restart_count,
        last_event_at=details.inspected_at,
    )
    state, detail = read_state(details, seen)
    if details.health and state in {State.RUNNING, State.PAUSED}:
        seen = replace(seen, health=Health(details.health))
    return _change(seen, state, now, exit_code=details.exit_code, detail=detail, reconciled=True)


def read_state(details: Details, container: Container) -> tuple[State, str | None]:
    """Return the state an engine describes, and why, judged without having seen it come about.

    A signal's exit code without the out-of-memory flag counts as asked for: policy restarts show in the counter.
    """
    out_of_memory = details.oom_killed and details.exit_code != 0
    detail = OUT_OF_MEMORY if out_of_memory else details.error or None
    if details.status == "exited":
        return ended_state(details.exit_code, oom_killed=out_of_memory, asked=True), detail
    if details.status == "dead":
        return State.DEAD, details.error or None
    if details.status == "restarting":
        return State.RESTARTING, detail
    if details.status in {"running", "paused", "created"}:
        return State(details.status), details.error or None
    return container.state, container.error_detail  # `removing` and words we do not know


def refresh(container: Container, details: Details) -> Container:
    """Return *container* with everything that is not state as *details* say: name, image, labels, policy."""
    key = identity_key(details.name, details.labels)
    return replace(
        container,
        key=key,
        name=details.name,
        image=details.image,
        has_health_check=details.has_health_check,
        traits=read_traits(details.labels),
        restart_policy=details.restart_policy,
        missing_since=None,
        archived_at=None,
    )


def adopt(container: Container, details: Details) -> Container:
    """Return *container* carried on by another runtime id: made anew, not restarted."""
    return replace(
        refresh(container, details),
        runtime_id=details.runtime_id,
        engine_restart_count=0,
        last_event_at=None,
        stop_requested_at=container.stop_requested_at or container.last_state_change_at,
    )


def take_place(row: Container, other: Container, at: datetime) -> Decision:
    """Return *row* carried on by the runtime container of *other*, which has got the name that *row* goes by."""
    at = max(at, row.accounted_at)
    resumed = replace(row, accounted_at=at) if row.missing_since or row.archived_at else row
    moved = replace(
        resumed,
        runtime_id=other.runtime_id,
        name=other.name,
        image=other.image,
        traits=other.traits,
        has_health_check=other.has_health_check,
        restart_policy=other.restart_policy,
        engine_restart_count=other.engine_restart_count,
        started_at=other.started_at,
        finished_at=other.finished_at,
        last_event_at=other.last_event_at,
        stop_requested_at=other.stop_requested_at,
        missing_since=None,
        archived_at=None,
    )
    moved_on = _change(moved, other.state, at, exit_code=other.exit_code, detail=other.error_detail)
    settled = _health(moved_on.after, other.health, at)
    return Decision(settled.after, moved_on.changes + settled.changes)


def reconcile(container: Container, details: Details, now: datetime) -> Decision:
    """Return what happened unseen, inferred from what the engine says now. All of it is marked reconciled."""
    came_back = container.missing_since or container.archived_at
    current = refresh(container, details)
    if came_back is not None:
        current = replace(current, accounted_at=max(now, current.accounted_at))
    changes: list[Change] = []

    def step(decision: Decision) -> None:
        nonlocal current
        current = decision.after
        changes.extend(decision.changes)

    is_new_run = _started_again(container, details)
    if is_new_run:
        step(_missed_start(current, details))
    state, detail = read_state(details, current)
    policy_waits = state is State.RESTARTING and current.state is State.EXITED
    both_ended = {state, current.state} <= JUDGED_STATES and current.exit_code == details.exit_code
    if not policy_waits and (is_new_run or not both_ended):
        at = details.finished_at if state in ENDED_STATES else None
        step(_change(current, state, at or now, exit_code=details.exit_code, detail=detail, reconciled=True))
    if state in {State.RUNNING, State.PAUSED}:
        step(_health(current, Health(details.health) if details.health else None, now, reconciled=True))
    after = replace(
        current,
        started_at=details.started_at,
        finished_at=details.finished_at,
        engine_restart_count=details.restart_count,
        last_event_at=max(container.last_event_at or details.inspected_at, details.inspected_at),
    )
    return Decision(after, tuple(changes))


def _started_again(container: Container, details: Details) -> bool:
    """Say whether the current run began after the one we know of."""
    if details.started_at is None or details.status == "created":
        return False
    if container.started_at is None:
        return True
    # the start event is a little later than the start itself, so a time slightly before the known one is the same run
    return details.started_at > container.started_at


def _missed_start(container: Container, details: Details) -> Decision:
    """Return the end of the known run, when that was missed too, and the start of the new one."""
    assert details.started_at is not None  # noqa: S101 -- asked by _started_again
    counted, before = details.restart_count, container.engine_restart_count
    restarts = counted - before if counted >= before else counted  # the engine counts anew after a start by hand
    changes: tuple[Change, ...] = ()
    if container.state in {State.RUNNING, State.PAUSED}:
        ended = details.finished_at
        ended_at = ended if ended is not None and ended <= details.started_at else details.started_at
        ended_as = State.EXITED if restarts else State.COMPLETED
        stopped = _change(container, ended_as, ended_at, reconciled=True)
        container, changes = stopped.after, stopped.changes
    fresh = replace(container, exit_code=None, error_detail=None, stop_requested_at=None, health=None)
    if fresh.state is State.RUNNING:
        return Decision(fresh, changes)
    started = _change(fresh, State.RUNNING, details.started_at, restarts=restarts, reconciled=True)
    return Decision(started.after, changes + started.changes)


# --- restart loops ---------------------------------------------------------------------------------------------------

_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


def restart_severity(container: Container, restarts_in_window: int) -> Severity | None:
    """Return how bad *restarts_in_window* is: None below the threshold, critical from three times the threshold on.

    The label's severity is the least it can be.
    """
    threshold = container.traits.restart_threshold
    if restarts_in_window < threshold:
        return None
    found = Severity.CRITICAL if restarts_in_window >= 3 * threshold else Severity.WARNING
    return max(found, container.traits.alert_severity, key=_RANK.__getitem__)


def is_worse(severity: Severity, than: Severity | None) -> bool:
    return than is None or _RANK[severity] > _RANK[than]
