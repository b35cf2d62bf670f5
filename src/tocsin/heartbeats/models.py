"""Structs of the slice: a heartbeat and how it stands, pings, runs, events."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec

from tocsin.core.clock import Instant
from tocsin.core.errors import Conflict, Invalid
from tocsin.core.events import Event

SHORTEST_INTERVAL_SECONDS, LONGEST_INTERVAL_SECONDS = 60, 604_800
PROVISIONED_INTERVAL_SECONDS, PROVISIONED_GRACE_SECONDS = 86_400, 3_600
MOST_HEARTBEATS = 200_000
MOST_OPEN_RUNS = 50


class HeartbeatStatus(StrEnum):
    """`new`: never pinged. `started`: a run has begun and not finished."""

    NEW = "new"
    UP = "up"
    STARTED = "started"
    DOWN = "down"
    PAUSED = "paused"


class HeartbeatAlertState(StrEnum):
    NORMAL = "normal"
    ALERTING = "alerting"


class PingType(StrEnum):
    """What a ping says. `ignored`: the body or the method did not qualify, so nothing followed from it."""

    SUCCESS = "success"
    START = "start"
    EXIT_CODE = "exit_code"
    FAIL = "fail"
    LOG = "log"
    IGNORED = "ignored"


class Outcome(StrEnum):
    IN_PROGRESS = "in_progress"
    SUCCESS = "success"
    FAILURE = "failure"
    TIMEOUT = "timeout"


class HeartbeatProblem(StrEnum):
    """What can be wrong; each is an alert of its own."""

    DEADLINE_MISSED = "deadline_missed"
    EXIT_CODE_FAILURE = "exit_code_failure"
    OVERRUN = "overrun"


class NotPaused(Invalid):
    """Only what is paused can be resumed; the contract asks for 400 here."""


class TooManyHeartbeats(Conflict):
    pass


class DuplicateSlug(Conflict):
    code = "duplicate_slug"


class InvalidExitCode(Invalid):
    code = "invalid_exit_code"


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants of a heartbeat.

    With `schedule` (cron or OnCalendar) runs are expected at its times in `timezone`; without it `interval_seconds`
    after the ping before. `expected_pings` successes are wanted each time. `max_duration_seconds` is how long a run
    may take before it rings; None: for as long as its deadline allows.  Source: docs/spec/heartbeats.md, schedules.
    """

    interval_seconds: int
    grace_seconds: int
    schedule: str | None = None
    timezone: str = "UTC"
    max_duration_seconds: int | None = None
    expected_pings: int = 1
    post_only: bool = False
    start_keywords: tuple[str, ...] = ()
    success_keywords: tuple[str, ...] = ()
    failure_keywords: tuple[str, ...] = ()

    @property
    def has_keywords(self) -> bool:
        return bool(self.start_keywords or self.success_keywords or self.failure_keywords)


class Tally(msgspec.Struct, frozen=True):
    """Runs that ended on one UTC day: well, badly (misses included), and how often bad followed good."""

    day: date
    good: int = 0
    bad: int = 0
    incidents: int = 0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run that has begun and not ended, or with `given_up_at` one that took too long and may yet end.

    `run_id` tells overlapping ones apart; `id` is 0 until the run is stored.
    """

    id: int = 0
    started_at: datetime
    run_id: str | None = None
    given_up_at: datetime | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a heartbeat stands: all that pings and deadlines change.

    `counted_from` is what the deadline is counted from. `window_pings` counts successes since then, where several are
    expected. `open_runs` have not ended, the oldest is first; `late_run` was given up and may yet end.
    `overrun_at` is when the oldest open run has taken too long. `is_extended`: the deadline was put off once because
    Tocsin itself was away. `explained_from`: what the job has said since then explains its last failure.
    `last_good`: how the newest run ended, None before the first.
    """

    status: HeartbeatStatus = HeartbeatStatus.NEW
    problems: tuple[HeartbeatProblem, ...] = ()
    counted_from: datetime
    next_deadline_at: datetime | None = None
    overrun_at: datetime | None = None
    last_ping_at: datetime | None = None
    last_start_at: datetime | None = None
    open_runs: tuple[Run, ...] = ()
    late_run: Run | None = None
    window_pings: int = 0
    last_exit_code: int | None = None
    last_duration_ms: int | None = None
    last_body_ping_id: int | None = None
    explained_from: datetime | None = None
    consecutive_failures: int = 0
    consecutive_successes: int = 0
    is_extended: bool = False
    last_good: bool | None = None
    tally: Tally

    @property
    def alert_state(self) -> HeartbeatAlertState:
        return HeartbeatAlertState.ALERTING if self.problems else HeartbeatAlertState.NORMAL

    @property
    def current_run_started_at(self) -> datetime | None:
        return self.open_runs[-1].started_at if self.open_runs else None

    @property
    def due_at(self) -> datetime | None:
        """Return when somebody has to look at it: at its deadline, or sooner when a run takes too long.

        Looking settles what is due, or it would be looked at for ever: only a run that is waited for takes too long.
        """
        if self.next_deadline_at is None or self.overrun_at is None or self.status is not HeartbeatStatus.STARTED:
            return self.next_deadline_at
        return min(self.next_deadline_at, self.overrun_at)


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """One heartbeat. `uuid` is the secret of its ping URL; `slug` its name in URLs with the ping key."""

    id: int
    uuid: str
    name: str
    slug: str
    tags: tuple[str, ...] = ()
    rules: Rules
    standing: Standing
    created_at: datetime
    updated_at: datetime


class Ping(msgspec.Struct, frozen=True, kw_only=True):
    """One request to the ping URL. `body` is text, cut to the limit; `run_id` is what `?rid=` said."""

    type: PingType
    exit_code: int | None = None
    run_id: str | None = None
    method: str = "GET"
    source_ip: str = ""
    user_agent: str = ""
    body: str | None = None
    is_body_truncated: bool = False


# --- events ----------------------------------------------------------------------------------------------------------


class HeartbeatEvent(Event, frozen=True, kw_only=True):
    heartbeat_id: int


class HeartbeatCreated(HeartbeatEvent, frozen=True, kw_only=True, tag="heartbeat.created"):
    name: str
    status: HeartbeatStatus


class HeartbeatUpdated(HeartbeatEvent, frozen=True, kw_only=True, tag="heartbeat.updated"):
    """Its rules, its name or its URL are other ones now."""

    name: str


class HeartbeatDeleted(HeartbeatEvent, frozen=True, kw_only=True, tag="heartbeat.deleted"):
    pass


class HeartbeatStatusChanged(HeartbeatEvent, frozen=True, kw_only=True, tag="heartbeat.status_changed"):
    old_status: HeartbeatStatus
    new_status: HeartbeatStatus


class HeartbeatMissed(HeartbeatEvent, frozen=True, kw_only=True, tag="heartbeat.deadline_missed"):
    """Nothing came in time. `evidence` is what the alert shows beside the sentence in `details`."""

    name: str
    alert_type: HeartbeatProblem = HeartbeatProblem.DEADLINE_MISSED
    details: str
    previous_status: HeartbeatStatus
    deadline_at: Instant
    evidence: dict[str, Any]


class HeartbeatAlert(HeartbeatEvent, frozen=True, kw_only=True, tag="heartbeat.alert"):
    """A run failed, or takes too long."""

    name: str
    alert_type: HeartbeatProblem
    details: str
    exit_code: int | None = None
    evidence: dict[str, Any]


class HeartbeatRecovery(HeartbeatEvent, frozen=True, kw_only=True, tag="heartbeat.recovery"):
    """A run ended well: nothing is wrong any more."""

    name: str


class HeartbeatPinged(HeartbeatEvent, frozen=True, kw_only=True, tag="heartbeat.pinged"):
    """A ping was taken. Streamed only, never journalled; `exit_code` is null unless the ping gave one."""

    ping_type: PingType
    status: HeartbeatStatus
    exit_code: int | None
    last_ping_at: Instant | None
    next_deadline_at: Instant | None
