"""Whatever a job does and whatever the clock does, some things always hold."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from support.beats import DOWN, PAUSED, STARTED, UP, Job, at, ping
from tocsin.heartbeats import rules, views
from tocsin.heartbeats.models import MOST_OPEN_RUNS, HeartbeatProblem, HeartbeatRecovery, HeartbeatStatus, Outcome
from tocsin.heartbeats.rules import WAITING

PINGS = ["", "start", "log", "fail", "0", "1", "255"]
OTHERS = ["look", "pause", "resume", "away", "back", "change", "limited"]
RULES: list[dict[str, Any]] = [
    {},
    {"interval_seconds": 60, "grace_seconds": 0},
    {"max_duration_seconds": 30},
    {"expected_pings": 3},
    {"expected_pings": 2, "max_duration_seconds": 600},
    {"schedule": "*/5 * * * *", "timezone": "Europe/Paris"},
    {"schedule": "*-*-* *:0/10", "grace_seconds": 0, "max_duration_seconds": 1},
    {"post_only": True},
    {"failure_keywords": ("error",), "success_keywords": ("done",)},
]
steps = st.lists(
    st.tuples(
        st.sampled_from([*PINGS, *PINGS, *OTHERS]),
        st.sampled_from([None, None, "a", "b"]),
        st.one_of(st.floats(0, 700), st.sampled_from([0.0, 300.0, 360.0, 86_400.0])),
    ),
    max_size=60,
)


def do(job: Job, what: str, rid: str | None, now: float, wanted: dict[str, Any]) -> None:
    if what in PINGS:
        method, body = ("POST", "error") if rid == "b" else ("GET", None)
        job.ping(now, what, rid, method=method, body=body)
    elif what == "limited":
        job.set(rules.without_rows(rules.on_ping(job.beat, ping("0", rid), at(now))).after)
    elif what == "look":
        job.look(now)
    elif what == "pause":
        job.pause(now)
    elif what == "resume" and job.now.status is PAUSED:
        job.resume(now)
    elif what == "away":
        job.set(rules.extended(job.beat, at(now)))
    elif what == "back":
        job.set(rules.set_back(job.beat, at(now)))
    elif what == "change":
        job.change(**wanted)


@settings(max_examples=400, deadline=None)
@given(mine=st.sampled_from(RULES), other=st.sampled_from(RULES), past=steps)
def test_however_it_goes_it_stands_in_a_way_that_makes_sense(
    mine: dict[str, Any], other: dict[str, Any], past: list[tuple[str, str | None, float]]
):
    job, now = Job(**mine), 0.0
    for what, rid, passed in past:
        now = max(0.0, now - passed) if what == "back" else now + passed
        before, count = job.now, len(job.decisions)
        do(job, what, rid, now, other)
        after = job.now
        assert (after.next_deadline_at is None) == (after.status is PAUSED)
        assert min(after.consecutive_failures, after.consecutive_successes) == 0
        assert len(after.open_runs) <= MOST_OPEN_RUNS
        assert len({run.run_id for run in after.open_runs}) == len(after.open_runs)
        assert 0 <= after.window_pings < max(1, job.beat.rules.expected_pings)
        assert len(set(after.problems)) == len(after.problems)
        assert bool(after.problems) or after.status is not DOWN
        assert after.tally.good >= 0
        assert after.tally.bad >= 0
        assert 0 <= (views.uptime_percent(after.tally) or 0) <= 100
        assert after.last_duration_ms is None or after.last_duration_ms >= 0
        for decision in job.decisions[count:]:
            settled(job, decision, before.status)


def settled(job: Job, decision: rules.Decision, before: HeartbeatStatus) -> None:
    """What holds of each decision."""
    ends = [ended.outcome for ended in decision.ended if ended.by_ping]
    assert len(ends) <= 1
    if ends == [Outcome.SUCCESS]:
        assert job.now.problems == ()
        assert job.now.status in {UP, STARTED}
        assert job.now.consecutive_successes > 0
    if before is PAUSED and decision.said is not None:
        assert (decision.events, decision.ended) == ((), ())
    changed = [event for event in decision.events if event.__class__.__name__ == "HeartbeatStatusChanged"]
    assert len(changed) == (job.now.status is not before)
    known = [ended.run.id for ended in decision.ended if ended.run is not None]
    assert len(set(known)) == len(known)


@settings(max_examples=200, deadline=None)
@given(mine=st.sampled_from(RULES), past=steps)
def test_looking_settles_all_that_is_due(mine: dict[str, Any], past: list[tuple[str, str | None, float]]):
    """What stays due after a look would be looked at for ever."""
    job, now = Job(**mine), 0.0
    for what, rid, passed in past:
        now = max(0.0, now - passed) if what == "back" else now + passed
        do(job, what, rid, now, {})
        for _ in range(3):
            job.look(now)
        due = job.now.due_at
        assert job.now.status not in WAITING or due is None or due >= at(now)


@settings(max_examples=200, deadline=None)
@given(past=steps)
def test_every_alert_ends_with_a_recovery_or_a_pause(past: list[tuple[str, str | None, float]]):
    job, now, ringing = Job(), 0.0, False
    for what, rid, passed in past:
        now += passed
        count = len(job.decisions)
        do(job, what if what not in {"limited", "back"} else "", rid, now, {})
        for decision in job.decisions[count:]:
            ringing = ringing or bool(set(decision.after.problems) & set(HeartbeatProblem))
            over = any(isinstance(event, HeartbeatRecovery) for event in decision.events) or what == "pause"
            ringing = ringing and not over
        assert ringing == bool(job.now.problems)


@settings(max_examples=100, deadline=None)
@given(past=steps)
def test_all_that_was_counted_is_in_the_sums_of_some_day(past: list[tuple[str, str | None, float]]):
    job, now, good, bad = Job(), 0.0, 0, 0
    kept_good = kept_bad = 0
    for what, rid, passed in past:
        now += passed * 60
        count = len(job.decisions)
        do(job, what if what not in {"limited", "back"} else "start", rid, now, {})
        for decision in job.decisions[count:]:
            good += sum(ended.outcome is Outcome.SUCCESS for ended in decision.ended)
            bad += sum(ended.outcome in {Outcome.FAILURE, Outcome.TIMEOUT} for ended in decision.ended)
            bad -= sum(ended.is_late for ended in decision.ended)
            bad += sum(event.__class__.__name__ == "HeartbeatMissed" for event in decision.events)
            kept_good += sum(day.good for day in decision.closed_days)
            kept_bad += sum(day.bad for day in decision.closed_days)
            kept_bad += decision.correction.bad if decision.correction is not None else 0
    assert (kept_good + job.now.tally.good, kept_bad + job.now.tally.bad) == (good, bad)
