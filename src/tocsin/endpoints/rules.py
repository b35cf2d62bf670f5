"""What a verdict does to an endpoint's standing. Pure.  Source: docs/spec/endpoints.md, states."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from tocsin.core.clock import wire
from tocsin.core.events import Event
from tocsin.endpoints.models import (
    AlertState,
    Endpoint,
    EndpointAlert,
    EndpointRecovery,
    EndpointSlow,
    EndpointSlowRecovery,
    EndpointStatus,
    EndpointStatusChanged,
    Standing,
)
from tocsin.endpoints.plan import Verdict

GOOD = frozenset({EndpointStatus.UP, EndpointStatus.DEGRADED})


class Seen(NamedTuple):
    """One check that is over: when it began, what it found, how long it took, and the evidence if it failed."""

    at: datetime
    verdict: Verdict
    response_time_ms: int
    http_status: int | None
    evidence: Mapping[str, Any]


class Decision(NamedTuple):
    """The standing afterwards, what is said of it, and whether this check begins an incident."""

    after: Standing
    events: tuple[Event, ...]
    begins_incident: bool


def decide(endpoint: Endpoint, before: Standing, seen: Seen) -> Decision:
    """Return what *seen* means. What we could not find out moves no counter and rings nothing."""
    status = seen.verdict.status
    after = replace(
        before,
        status=status,
        since=seen.at if status is not before.status or before.since is None else before.since,
        last_check_at=seen.at,
        last_response_time_ms=seen.response_time_ms,
        last_http_status=seen.http_status,
        last_error=seen.verdict.error,
    )
    events: list[Event] = []
    if status is not before.status:
        events.append(_status_changed(endpoint, before.status, after, seen))
    if status is EndpointStatus.DOWN:
        after = _failed(endpoint, before, after, seen, events)
    elif status in GOOD:
        after = _succeeded(endpoint, before, after, seen, events)
    begins = status is EndpointStatus.DOWN and before.consecutive_failures == 0 and before.consecutive_successes > 0
    return Decision(after, tuple(events), begins)


def _failed(endpoint: Endpoint, before: Standing, after: Standing, seen: Seen, events: list[Event]) -> Standing:
    failures = before.consecutive_failures + 1
    after = replace(after, consecutive_failures=failures, consecutive_successes=0, slow_in_a_row=0)
    threshold = endpoint.config.failure_threshold
    if before.alert_state is AlertState.ALERTING or failures < threshold:
        return after
    events.append(
        EndpointAlert(
            **_about(endpoint, seen.at),
            consecutive_failures=failures,
            threshold=threshold,
            last_error=seen.verdict.error or "",
            since=wire(after.since or seen.at),
            evidence=dict(seen.evidence),
        )
    )
    return replace(after, alert_state=AlertState.ALERTING, slow_alerting=False)


def _succeeded(endpoint: Endpoint, before: Standing, after: Standing, seen: Seen, events: list[Event]) -> Standing:
    successes = before.consecutive_successes + 1
    after = replace(after, consecutive_successes=successes, consecutive_failures=0)
    threshold = endpoint.config.recovery_threshold
    if before.alert_state is AlertState.ALERTING and successes >= threshold:
        events.append(
            EndpointRecovery(**_about(endpoint, seen.at), consecutive_successes=successes, threshold=threshold)
        )
        after = replace(after, alert_state=AlertState.NORMAL)
    return _timed(endpoint, before, after, seen, events)


def _timed(endpoint: Endpoint, before: Standing, after: Standing, seen: Seen, events: list[Event]) -> Standing:
    """Count slow answers in a row, and quick ones after them."""
    config = endpoint.config
    if after.status is EndpointStatus.DEGRADED:
        slow = max(before.slow_in_a_row, 0) + 1
        if slow >= config.failure_threshold and not before.slow_alerting and after.alert_state is AlertState.NORMAL:
            events.append(
                EndpointSlow(
                    **_about(endpoint, seen.at),
                    consecutive_slow=slow,
                    threshold=config.failure_threshold,
                    response_time_ms=seen.response_time_ms,
                    degraded_after_ms=config.degraded_after_ms or 0,
                )
            )
            return replace(after, slow_in_a_row=slow, slow_alerting=True)
        return replace(after, slow_in_a_row=slow)
    quick = min(before.slow_in_a_row, 0) - 1  # below zero: so many quick ones in a row
    if before.slow_alerting and -quick >= config.recovery_threshold:
        events.append(EndpointSlowRecovery(**_about(endpoint, seen.at), response_time_ms=seen.response_time_ms))
        return replace(after, slow_in_a_row=0, slow_alerting=False)
    return replace(after, slow_in_a_row=quick if before.slow_alerting else 0)


def put_aside(endpoint: Endpoint, reason: str, now: datetime) -> Decision:
    """Return the standing of an endpoint that is not checked any more, for now: nothing is known of it."""
    before = endpoint.standing
    after = Standing(
        since=now if before.status is not EndpointStatus.UNKNOWN else before.since or now,
        reset_at=now,
        last_check_at=before.last_check_at,
        last_response_time_ms=before.last_response_time_ms,
        last_http_status=before.last_http_status,
        last_error=reason,
    )
    if before.status is EndpointStatus.UNKNOWN:
        return Decision(after, (), False)
    changed = EndpointStatusChanged(
        **_about(endpoint, now),
        previous_status=before.status,
        new_status=after.status,
        response_time_ms=None,
        http_status=None,
        error=reason,
    )
    return Decision(after, (changed,), False)


def _status_changed(endpoint: Endpoint, previous: EndpointStatus, after: Standing, seen: Seen) -> Event:
    return EndpointStatusChanged(
        **_about(endpoint, seen.at),
        previous_status=previous,
        new_status=after.status,
        response_time_ms=seen.response_time_ms,
        http_status=seen.http_status,
        error=seen.verdict.error,
    )


def _about(endpoint: Endpoint, at: datetime) -> dict[str, Any]:
    return {
        "endpoint_id": endpoint.id,
        "container_name": endpoint.container_name,
        "target": shown_target(endpoint.target),
        "timestamp": wire(at),
    }


def shown_target(target: str) -> str:
    """Return *target* without its query, which may hold a secret."""
    return target.partition("?")[0]
