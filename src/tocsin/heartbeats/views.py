"""Heartbeats, pings and runs as answers show them. Pure."""

from collections.abc import Mapping
from datetime import date, timedelta

from tocsin.containers.models import DayUptime
from tocsin.core.clock import wire, wire_or_none
from tocsin.heartbeats.history_store import Execution, StoredPing
from tocsin.heartbeats.models import Heartbeat, HeartbeatStatus, Tally
from tocsin.heartbeats.objects import ExecutionView, HeartbeatView, PingView


def ping_url(base_url: str, uuid: str) -> str:
    return f"{base_url.rstrip('/')}/ping/{uuid}"


def view(beat: Heartbeat, base_url: str) -> HeartbeatView:
    standing, rules = beat.standing, beat.rules
    deadline = standing.next_deadline_at if standing.status is not HeartbeatStatus.PAUSED else None
    return HeartbeatView(
        id=beat.id,
        uuid=beat.uuid,
        ping_url=ping_url(base_url, beat.uuid),
        name=beat.name,
        slug=beat.slug,
        tags=list(beat.tags),
        status=standing.status,
        alert_state=standing.alert_state,
        problems=list(standing.problems),
        interval_seconds=rules.interval_seconds,
        grace_seconds=rules.grace_seconds,
        schedule=rules.schedule,
        timezone=rules.timezone,
        max_duration_seconds=rules.max_duration_seconds,
        expected_pings=rules.expected_pings,
        post_only=rules.post_only,
        start_keywords=list(rules.start_keywords),
        success_keywords=list(rules.success_keywords),
        failure_keywords=list(rules.failure_keywords),
        last_ping_at=wire_or_none(standing.last_ping_at),
        next_expected_at=None if deadline is None else wire(deadline - timedelta(seconds=rules.grace_seconds)),
        next_deadline_at=wire_or_none(deadline),
        current_run_started_at=wire_or_none(standing.current_run_started_at),
        last_exit_code=standing.last_exit_code,
        last_duration_ms=standing.last_duration_ms,
        consecutive_failures=standing.consecutive_failures,
        consecutive_successes=standing.consecutive_successes,
        created_at=wire(beat.created_at),
        updated_at=wire(beat.updated_at),
    )


def ping_view(heartbeat_id: int, stored: StoredPing) -> PingView:
    ping = stored.ping
    return PingView(
        id=stored.id,
        heartbeat_id=heartbeat_id,
        ping_type=stored.type,
        exit_code=ping.exit_code,
        run_id=ping.run_id,
        source_ip=ping.source_ip,
        http_method=ping.method,
        user_agent=ping.user_agent,
        payload=ping.body,
        payload_truncated=ping.is_body_truncated,
        timestamp=wire(stored.at),
        expected_at=wire_or_none(stored.expected_at),
        grace_deadline=wire_or_none(stored.deadline_at),
    )


def execution_view(heartbeat_id: int, run: Execution) -> ExecutionView:
    return ExecutionView(
        id=run.id,
        heartbeat_id=heartbeat_id,
        outcome=run.outcome,
        started_at=wire_or_none(run.started_at),
        completed_at=wire_or_none(run.completed_at),
        duration_ms=run.duration_ms,
        exit_code=run.exit_code,
        run_id=run.run_id,
        late=run.is_late,
        payload=run.payload,
    )


def uptime_percent(tally: Tally | None) -> float | None:
    """Return good / (good + bad) × 100 with two decimals; None without runs."""
    if tally is None or tally.good + tally.bad <= 0:
        return None
    return round(100 * tally.good / (tally.good + tally.bad), 2)


def day_views(found: Mapping[date, Tally], today: date, count: int) -> list[DayUptime]:
    """Return *count* days, today first."""
    wanted = [today - timedelta(days=back) for back in range(count)]
    return [
        DayUptime(
            date=day.isoformat(),
            uptime_percent=uptime_percent(found.get(day)),
            incident_count=found[day].incidents if day in found else 0,
        )
        for day in wanted
    ]
