"""What the API and the events show of endpoints and checks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tocsin.core.clock import to_ms
from tocsin.core.secrets import MASK
from tocsin.endpoints import views
from tocsin.endpoints.models import (
    Config,
    Endpoint,
    EndpointSource,
    EndpointStatus,
    EndpointType,
    RemovalReason,
    Standing,
)
from tocsin.endpoints.totals import BAD, FIRST_BAD, GOOD, SLOW, UNSEEN, Check, total_of
from tocsin.probes.base import Phases

T0 = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
WIRE = "2026-03-04T09:00:00.000Z"


def endpoint(**changes: Any) -> Endpoint:
    known: dict[str, Any] = {
        "id": 7,
        "source": EndpointSource.LABEL,
        "endpoint_type": EndpointType.HTTP,
        "target": "http://web/?token=secret",
        "name": None,
        "container_id": 3,
        "container_name": "shop-web-1",
        "host": "local",
        "label_key": "endpoint.http",
        "external_id": "a" * 64,
        "orchestration_group": "shop",
        "orchestration_unit": "web",
        "badge_key": "badge",
        "config": Config(headers={"Authorization": "sealed"}),
        "first_seen_at": T0,
        "last_seen_at": T0,
    }
    return Endpoint(**{**known, **changes})


def test_an_endpoint_that_was_never_checked_has_nulls_and_every_key():
    shown = msgspec.to_builtins(views.view(endpoint(), Standing(), None))
    for name in ("last_check_at", "last_response_time_ms", "last_http_status", "last_error", "next_check_at", "name"):
        assert shown[name] is None
    assert (shown["status"], shown["alert_state"], shown["active"], shown["paused"]) == (
        "unknown",
        "normal",
        True,
        False,
    )
    assert (shown["container_id"], shown["container_name"], shown["host"]) == (3, "shop-web-1", "local")
    assert (shown["orchestration_group"], shown["orchestration_unit"]) == ("shop", "web")
    assert (shown["first_seen_at"], shown["last_seen_at"], shown["source"]) == (WIRE, WIRE, "label")


def test_header_values_are_never_shown():
    shown = views.view(endpoint(), Standing(), None)
    assert shown.config.headers == {"Authorization": MASK}
    assert "sealed" not in msgspec.json.encode(shown).decode()


def test_what_the_newest_checks_found_is_shown_rather_than_what_is_stored():
    standing = Standing(status=EndpointStatus.DOWN, consecutive_failures=2, last_check_at=T0, last_error="no", since=T0)
    shown = views.view(endpoint(), standing, T0 + timedelta(seconds=30))
    assert (shown.status, shown.consecutive_failures, shown.last_check_at, shown.last_error) == ("down", 2, WIRE, "no")
    assert (shown.status_since, shown.next_check_at) == (WIRE, "2026-03-04T09:00:30.000Z")


def test_pausing_and_suspension_are_told_apart():
    shown = views.view(endpoint(paused_at=T0), Standing(), None)
    assert (shown.paused, shown.paused_at, shown.suspended) == (True, WIRE, False)
    shown = views.view(endpoint(suspended_at=T0), Standing(), None)
    assert (shown.paused, shown.paused_at, shown.suspended) == (False, None, True)


@pytest.mark.parametrize(
    ("code", "status", "success"),
    [
        (GOOD, "up", True),
        (SLOW, "degraded", True),
        (BAD, "down", False),
        (FIRST_BAD, "down", False),
        (UNSEEN, "unknown", False),
    ],
)
def test_a_check_is_shown_with_its_phases(code: int, status: str, success: bool):
    check = Check(to_ms(T0), code, Phases(12_345, None, 400, 0, 11_994), 200, "a sentence")
    assert msgspec.to_builtins(views.check_view(7, check)) == {
        "id": to_ms(T0),
        "endpoint_id": 7,
        "success": success,
        "status": status,
        "response_time_ms": 12,
        "http_status": 200,
        "error_message": "a sentence",
        "phases": {"dns_ms": None, "connect_ms": 0.4, "tls_ms": 0.0, "first_byte_ms": 11.99, "total_ms": 12.35},
        "timestamp": WIRE,
    }


def test_a_point_of_a_chart_has_times_of_what_succeeded():
    found = total_of([Check(0, GOOD, Phases(1000 * n, 100, 200, None, 300)) for n in range(1, 101)])
    found.merge(total_of([Check(0, BAD, Phases(9_000_000))] * 25))
    shown = views.point_view(T0, found)
    assert (shown.timestamp, shown.checks, shown.failures) == (WIRE, 125, 25)
    assert (shown.average_ms, shown.max_ms, shown.dns_ms, shown.connect_ms) == (50.5, 100.0, 0.1, 0.2)
    assert (shown.tls_ms, shown.first_byte_ms) == (0.0, 0.3)
    for got, exact in ((shown.p50_ms, 50), (shown.p95_ms, 95), (shown.p99_ms, 99)):
        assert got == pytest.approx(exact, rel=0.025)


def test_a_point_without_a_success_has_no_times():
    shown = views.point_view(T0, total_of([Check(0, BAD, Phases(9_000_000))]))
    assert (shown.checks, shown.failures) == (1, 1)
    names = ("average_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms")
    assert {getattr(shown, name) for name in names} == {None}


def test_the_next_check_is_never_in_the_past():
    assert views.next_check_at(130.0, 100.0, T0) == T0 + timedelta(seconds=30)
    assert views.next_check_at(90.0, 100.0, T0) == T0


def test_events_hold_no_query():
    for event in (
        views.discovered(endpoint(), T0),
        views.updated(endpoint(paused_at=T0), T0),
        views.removed(endpoint(), RemovalReason.LABEL_REMOVED, T0),
    ):
        shown = msgspec.to_builtins(event)
        assert (shown["endpoint_id"], shown["container_name"], shown["timestamp"]) == (7, "shop-web-1", WIRE)
        assert shown["target"] == "http://web/"


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"name": "Shop", "container_name": ""}, "Shop"),
        ({"name": None, "container_name": "shop-web-1"}, "shop-web-1"),
        ({"name": None, "container_name": ""}, "http://web/"),
    ],
)
def test_who_it_is(names: dict[str, Any], shown: str):
    assert endpoint(**names).shown_name == shown


@pytest.mark.parametrize(
    ("changes", "checked"),
    [({}, True), ({"active": False}, False), ({"paused_at": T0}, False), ({"suspended_at": T0}, False)],
)
def test_it_is_checked_while_it_is_active_and_nobody_stopped_it(changes: dict[str, Any], checked: bool):
    assert endpoint(**changes).is_checked is checked
