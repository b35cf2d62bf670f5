"""From what is stored and remembered to what the API and the events show."""

from datetime import datetime, timedelta
from typing import Any

from tocsin.core.clock import from_ms, wire, wire_or_none
from tocsin.endpoints import config, totals
from tocsin.endpoints.models import (
    Endpoint,
    EndpointDiscovered,
    EndpointRemoved,
    EndpointUpdated,
    RemovalReason,
    Standing,
)
from tocsin.endpoints.objects import CheckView, ContainerEndpoint, EndpointView, EvidenceView, PhasesView, ResponsePoint
from tocsin.endpoints.rules import GOOD, shown_target
from tocsin.endpoints.totals import Check, Totals
from tocsin.probes.base import Phases


def view(endpoint: Endpoint, standing: Standing, next_check_at: datetime | None) -> EndpointView:
    return EndpointView(
        id=endpoint.id,
        name=endpoint.name,
        container_id=endpoint.container_id,
        container_name=endpoint.container_name,
        host=endpoint.host,
        label_key=endpoint.label_key,
        external_id=endpoint.external_id,
        endpoint_type=endpoint.endpoint_type,
        target=endpoint.target,
        status=standing.status,
        alert_state=standing.alert_state,
        consecutive_failures=standing.consecutive_failures,
        consecutive_successes=standing.consecutive_successes,
        last_check_at=wire_or_none(standing.last_check_at),
        last_response_time_ms=standing.last_response_time_ms,
        last_http_status=standing.last_http_status,
        last_error=standing.last_error,
        status_since=wire_or_none(standing.since),
        config=config.view(endpoint.config),
        active=endpoint.active,
        paused=endpoint.paused_at is not None,
        paused_at=wire_or_none(endpoint.paused_at),
        suspended=endpoint.suspended_at is not None,
        first_seen_at=wire(endpoint.first_seen_at),
        last_seen_at=wire(endpoint.last_seen_at),
        next_check_at=wire_or_none(next_check_at),
        orchestration_group=endpoint.orchestration_group,
        orchestration_unit=endpoint.orchestration_unit,
        source=endpoint.source,
        badge_key=endpoint.badge_key,
    )


def of_container(endpoint: Endpoint, standing: Standing) -> ContainerEndpoint:
    return ContainerEndpoint(
        id=endpoint.id,
        endpoint_type=endpoint.endpoint_type,
        target=endpoint.target,
        status=standing.status,
        last_response_time_ms=standing.last_response_time_ms,
        last_check_at=wire_or_none(standing.last_check_at),
    )


def check_view(endpoint_id: int, check: Check) -> CheckView:
    status = totals.STATUS[check.code]
    return CheckView(
        id=check.at_ms,
        endpoint_id=endpoint_id,
        success=status in GOOD,
        status=status,
        response_time_ms=round(check.phases.total / 1000),
        http_status=check.http_status,
        error_message=check.error,
        phases=phases_view(check.phases),
        timestamp=wire(from_ms(check.at_ms)),
    )


def phases_view(phases: Phases) -> PhasesView:
    return PhasesView(
        dns_ms=_ms(phases.dns),
        connect_ms=_ms(phases.connect),
        tls_ms=_ms(phases.tls),
        first_byte_ms=_ms(phases.first_byte),
        total_ms=_ms(phases.total) or 0.0,
    )


def evidence_view(found: dict[str, Any]) -> EvidenceView:
    return EvidenceView(**found)


def point_view(at: datetime, found: Totals) -> ResponsePoint:
    good = found.successes
    p50, p95, p99 = found.percentiles_us(0.5, 0.95, 0.99)
    return ResponsePoint(
        timestamp=wire(at),
        checks=found.checks,
        failures=found.failures,
        average_ms=_mean(found.sum_us, good),
        p50_ms=_ms(p50),
        p95_ms=_ms(p95),
        p99_ms=_ms(p99),
        max_ms=_ms(found.max_us) if good else None,
        dns_ms=_mean(found.dns_us, good),
        connect_ms=_mean(found.connect_us, good),
        tls_ms=_mean(found.tls_us, good),
        first_byte_ms=_mean(found.first_byte_us, good),
    )


def discovered(endpoint: Endpoint, now: datetime) -> EndpointDiscovered:
    return EndpointDiscovered(
        **_about(endpoint, now),
        endpoint_type=endpoint.endpoint_type,
        source=endpoint.source,
        name=endpoint.name,
    )


def updated(endpoint: Endpoint, now: datetime) -> EndpointUpdated:
    return EndpointUpdated(
        **_about(endpoint, now),
        endpoint_type=endpoint.endpoint_type,
        source=endpoint.source,
        name=endpoint.name,
        paused=endpoint.paused_at is not None,
        suspended=endpoint.suspended_at is not None,
    )


def removed(endpoint: Endpoint, reason: RemovalReason, now: datetime) -> EndpointRemoved:
    return EndpointRemoved(**_about(endpoint, now), reason=reason)


def _about(endpoint: Endpoint, now: datetime) -> dict[str, Any]:
    return {
        "endpoint_id": endpoint.id,
        "container_name": endpoint.container_name,
        "target": shown_target(endpoint.target),
        "timestamp": wire(now),
    }


def next_check_at(due: float, monotonic: float, now: datetime) -> datetime:
    """Return the wall time of *due*, a moment of the monotonic clock."""
    return now + timedelta(milliseconds=round(max(0.0, due - monotonic) * 1000))


def _ms(microseconds: int | None) -> float | None:
    return None if microseconds is None else round(microseconds / 1000, 2)


def _mean(total_us: int, count: int) -> float | None:
    return round(total_us / count / 1000, 2) if count else None
