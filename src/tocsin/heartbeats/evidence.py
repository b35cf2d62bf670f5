"""What an alert about a heartbeat says: one sentence, and the facts beside it. Pure."""

from datetime import datetime, timedelta
from typing import Any

from tocsin.core.clock import wire, wire_or_none
from tocsin.heartbeats.models import Heartbeat, HeartbeatAlert, HeartbeatMissed, HeartbeatProblem, Rules

LONGEST_TAIL, MOST_LINES = 2000, 20
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def standing_facts(beat: Heartbeat, now: datetime) -> list[HeartbeatMissed | HeartbeatAlert]:
    """Return what is wrong with *beat* now, as the facts that said so."""
    said: dict[HeartbeatProblem, HeartbeatMissed | HeartbeatAlert] = {
        HeartbeatProblem.DEADLINE_MISSED: missed(beat, now),
        HeartbeatProblem.EXIT_CODE_FAILURE: failed(beat, beat.standing.last_exit_code or None, now),
        HeartbeatProblem.OVERRUN: overran(beat, now),
    }
    return [said[problem] for problem in beat.standing.problems]


def missed(beat: Heartbeat, now: datetime) -> HeartbeatMissed:
    """Return the fact that nothing came in time."""
    standing = beat.standing
    deadline = standing.next_deadline_at or now
    return HeartbeatMissed(
        heartbeat_id=beat.id,
        name=beat.name,
        details=_missed_sentence(beat, now),
        previous_status=standing.status,
        deadline_at=wire(deadline),
        evidence=facts(beat),
        timestamp=wire(now),
    )


def _missed_sentence(beat: Heartbeat, now: datetime) -> str:
    doubt = " (while Tocsin itself was away a ping may have been lost)" if beat.standing.is_extended else ""
    return _what_is_missing(beat, now) + doubt


def _what_is_missing(beat: Heartbeat, now: datetime) -> str:
    standing, rules = beat.standing, beat.rules
    if standing.current_run_started_at is not None:
        return f"{beat.name} started {_ago(standing.current_run_started_at, now)} and has not finished"
    if standing.last_ping_at is None:
        return f"{beat.name} has never reported in since it was made {_ago(beat.created_at, now)}"
    if rules.expected_pings > 1 and standing.window_pings:
        return f"{beat.name} reported in {standing.window_pings} of {rules.expected_pings} times"
    return f"{beat.name} did not report in; the last time was {_ago(standing.last_ping_at, now)}"


def failed(beat: Heartbeat, exit_code: int | None, now: datetime) -> HeartbeatAlert:
    """Return the fact that a run ended badly."""
    return HeartbeatAlert(
        heartbeat_id=beat.id,
        name=beat.name,
        alert_type=HeartbeatProblem.EXIT_CODE_FAILURE,
        details=_failed_sentence(beat.name, exit_code),
        exit_code=exit_code,
        evidence={**facts(beat), "exit_code": exit_code},
        timestamp=wire(now),
    )


def _failed_sentence(name: str, exit_code: int | None) -> str:
    return f"{name} reported a failure" if exit_code is None else f"{name} failed with exit code {exit_code}"


def overran(beat: Heartbeat, now: datetime) -> HeartbeatAlert:
    """Return the fact that a run takes too long."""
    return HeartbeatAlert(
        heartbeat_id=beat.id,
        name=beat.name,
        alert_type=HeartbeatProblem.OVERRUN,
        details=_overran_sentence(beat),
        evidence=facts(beat),
        timestamp=wire(now),
    )


def _overran_sentence(beat: Heartbeat) -> str:
    most = length(beat.rules.max_duration_seconds or 0)
    return f"{beat.name} has been running for more than {most}"


def facts(beat: Heartbeat) -> dict[str, Any]:
    """Return what is known: what was expected, and what came last."""
    standing, rules = beat.standing, beat.rules
    deadline = standing.next_deadline_at
    found: dict[str, Any] = {
        "schedule": schedule_of(rules),
        "expected_at": None if deadline is None else wire(deadline - timedelta(seconds=rules.grace_seconds)),
        "grace": length(rules.grace_seconds) if rules.grace_seconds else None,
        "last_ping_at": wire_or_none(standing.last_ping_at),
        "started_at": wire_or_none(standing.current_run_started_at),
        "last_exit_code": standing.last_exit_code,
        "last_duration_ms": standing.last_duration_ms,
    }
    return {name: value for name, value in found.items() if value is not None}


def schedule_of(rules: Rules) -> str:
    if rules.schedule is None:
        return f"every {length(rules.interval_seconds)}"
    return f"{rules.schedule} ({rules.timezone})"


def tail(body: str) -> str:
    """Return the last lines of what a job said, short enough for a message."""
    lines = body.rstrip().splitlines()[-MOST_LINES:]
    return "\n".join(lines)[-LONGEST_TAIL:]


def length(seconds: int) -> str:
    """Return a duration in words: `5 minutes`."""
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return _words(seconds // size, unit)
    return _words(seconds, "second")


def _ago(moment: datetime, now: datetime) -> str:
    """Return about how long ago: more exact would be too much for a sentence."""
    seconds = max(0, round((now - moment).total_seconds()))
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{_words(seconds // size, unit)} ago"
    return f"{_words(seconds, 'second')} ago"


def _words(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
