"""What a verdict does to an endpoint: statuses, counters, thresholds, incidents, slowness, being put aside."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.events import Event
from tocsin.endpoints.models import (
    AlertState,
    Config,
    Endpoint,
    EndpointAlert,
    EndpointRecovery,
    EndpointSlow,
    EndpointSlowRecovery,
    EndpointSource,
    EndpointStatus,
    EndpointStatusChanged,
    EndpointType,
    Standing,
)
from tocsin.endpoints.plan import Verdict
from tocsin.endpoints.rules import Decision, Seen, decide, put_aside, shown_target

T0 = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
UP, DEGRADED, DOWN, UNKNOWN = (
    EndpointStatus.UP,
    EndpointStatus.DEGRADED,
    EndpointStatus.DOWN,
    EndpointStatus.UNKNOWN,
)
ERRORS = {UP: None, DEGRADED: "slow", DOWN: "no answer", UNKNOWN: "no descriptors"}
verdicts = st.lists(st.sampled_from(EndpointStatus), max_size=60)
thresholds = st.integers(1, 5)


def endpoint(standing: Standing | None = None, **config: Any) -> Endpoint:
    return Endpoint(
        id=7,
        source=EndpointSource.STANDALONE,
        endpoint_type=EndpointType.HTTP,
        target="http://web.test/health?token=secret",
        name="web",
        config=Config(**{"degraded_after_ms": 100, **config}),
        first_seen_at=T0,
        last_seen_at=T0,
        standing=standing or Standing(),
    )


def seen(status: EndpointStatus, second: int = 0, **more: Any) -> Seen:
    at = T0 + timedelta(seconds=second)
    return Seen(at, Verdict(status, ERRORS[status]), more.get("took", 12), more.get("http", 200), more.get("saw", {}))


def follow(
    statuses: Sequence[EndpointStatus], mine: Endpoint | None = None, before: Standing | None = None
) -> list[Decision]:
    """Return what was decided about each, one second after the other."""
    mine, standing = mine or endpoint(), before or Standing()
    decisions = []
    for second, status in enumerate(statuses):
        decision = decide(mine, standing, seen(status, second))
        decisions.append(decision)
        standing = decision.after
    return decisions


def said(decisions: Sequence[Decision], *kinds: type[Event]) -> list[Event]:
    return [event for decision in decisions for event in decision.events if isinstance(event, kinds)]


# --- status ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", EndpointStatus)
@pytest.mark.parametrize("found", EndpointStatus)
def test_the_status_is_what_the_last_check_found_and_a_change_is_told_once(
    before: EndpointStatus, found: EndpointStatus
):
    known = Standing(status=before, since=T0 - timedelta(hours=1))

    decision = decide(endpoint(), known, seen(found, took=34, http=503))

    after = decision.after
    assert (after.status, after.last_check_at, after.last_error) == (found, T0, ERRORS[found])
    assert (after.last_response_time_ms, after.last_http_status) == (34, 503)
    assert after.since == (known.since if before is found else T0)
    changes = said([decision], EndpointStatusChanged)
    assert len(changes) == (before is not found)
    for change in changes:
        assert isinstance(change, EndpointStatusChanged)
        assert (change.previous_status, change.new_status) == (before, found)
        assert (change.response_time_ms, change.http_status, change.error) == (34, 503, ERRORS[found])
        assert change.target == "http://web.test/health"


def test_the_first_check_says_since_when_even_when_it_finds_nothing():
    assert decide(endpoint(), Standing(), seen(UNKNOWN)).after.since == T0


def test_what_is_told_holds_no_query():
    assert shown_target("http://web.test/a?token=secret") == "http://web.test/a"


# --- thresholds ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [1, 2, 3, 7])
def test_so_many_failures_in_a_row_ring_once(threshold: int):
    decisions = follow([UP, *[DOWN] * (threshold + 3)], endpoint(failure_threshold=threshold))

    alerts = said(decisions, EndpointAlert)
    assert [event.consecutive_failures for event in alerts if isinstance(event, EndpointAlert)] == [threshold]
    assert [decision.after.alert_state for decision in decisions].index(AlertState.ALERTING) == threshold
    alert = alerts[0]
    assert isinstance(alert, EndpointAlert)
    assert (alert.threshold, alert.last_error, alert.since) == (threshold, "no answer", "2026-03-04T09:00:01.000Z")


@pytest.mark.parametrize("threshold", [1, 2, 5])
def test_so_many_successes_in_a_row_end_it_once(threshold: int):
    mine = endpoint(failure_threshold=1, recovery_threshold=threshold)

    decisions = follow([DOWN, *[UP] * (threshold + 2)], mine)

    recoveries = said(decisions, EndpointRecovery)
    assert [event.consecutive_successes for event in recoveries if isinstance(event, EndpointRecovery)] == [threshold]
    assert decisions[threshold].after.alert_state is AlertState.NORMAL
    assert decisions[threshold - 1].after.alert_state is AlertState.ALERTING


def test_a_success_between_failures_begins_the_count_anew():
    decisions = follow([DOWN, DOWN, UP, DOWN, DOWN, DOWN])
    assert [decision.after.consecutive_failures for decision in decisions] == [1, 2, 0, 1, 2, 3]
    assert [bool(said([decision], EndpointAlert)) for decision in decisions] == [False] * 5 + [True]


def test_a_failure_between_successes_begins_the_count_of_a_recovery_anew():
    mine = endpoint(failure_threshold=1, recovery_threshold=2)
    decisions = follow([DOWN, UP, DOWN, UP, UP], mine)
    assert [bool(said([decision], EndpointRecovery)) for decision in decisions] == [False] * 4 + [True]


def test_a_slow_answer_is_an_answer_for_recovery():
    mine = endpoint(failure_threshold=1, recovery_threshold=2)
    assert len(said(follow([DOWN, DEGRADED, UP], mine), EndpointRecovery)) == 1


def test_a_threshold_that_was_lowered_holds_from_the_next_failure():
    before = follow([DOWN] * 4, endpoint(failure_threshold=5))[-1].after
    decision = decide(endpoint(failure_threshold=2), before, seen(DOWN, 9))
    assert [event.consecutive_failures for event in decision.events if isinstance(event, EndpointAlert)] == [5]


def test_an_alert_carries_what_the_last_check_saw():
    decision = decide(endpoint(failure_threshold=1), Standing(), seen(DOWN, saw={"got": "500"}))
    assert [event.evidence for event in decision.events if isinstance(event, EndpointAlert)] == [{"got": "500"}]


# --- incidents -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statuses", "incidents"),
    [
        ([DOWN], [False]),  # nothing is known of before
        ([UP, DOWN], [False, True]),
        ([UP, DOWN, DOWN], [False, True, False]),
        ([DEGRADED, DOWN], [False, True]),
        ([UP, UNKNOWN, DOWN], [False, False, True]),  # what we could not find out is no check
        ([UP, DOWN, UNKNOWN, DOWN], [False, True, False, False]),
        ([UP, DOWN, UP, DOWN], [False, True, False, True]),
        ([UP, DEGRADED], [False, False]),
    ],
)
def test_an_incident_begins_with_a_failure_after_a_success(statuses: list[EndpointStatus], incidents: list[bool]):
    assert [decision.begins_incident for decision in follow(statuses)] == incidents


# --- slowness --------------------------------------------------------------------------------------------------------


def test_so_many_slow_answers_in_a_row_ring_once_and_so_many_quick_ones_end_it():
    mine = endpoint(failure_threshold=2, recovery_threshold=2)

    decisions = follow([UP, DEGRADED, DEGRADED, DEGRADED, UP, UP, UP], mine)

    told = [
        (second, type(e)) for second, d in enumerate(decisions) for e in said([d], EndpointSlow, EndpointSlowRecovery)
    ]
    assert told == [(2, EndpointSlow), (5, EndpointSlowRecovery)]
    slow = said(decisions, EndpointSlow)[0]
    assert isinstance(slow, EndpointSlow)
    assert (slow.consecutive_slow, slow.threshold, slow.response_time_ms, slow.degraded_after_ms) == (2, 2, 12, 100)
    assert all(decision.after.alert_state is AlertState.NORMAL for decision in decisions)


def test_a_quick_answer_between_slow_ones_begins_the_count_anew():
    decisions = follow([DEGRADED, UP, DEGRADED, DEGRADED], endpoint(failure_threshold=3))
    assert said(decisions, EndpointSlow) == []


def test_a_slow_answer_between_quick_ones_begins_the_count_of_the_recovery_anew():
    mine = endpoint(failure_threshold=1, recovery_threshold=2)
    decisions = follow([DEGRADED, UP, DEGRADED, UP, UP], mine)
    assert [bool(said([decision], EndpointSlowRecovery)) for decision in decisions] == [False] * 4 + [True]
    assert len(said(decisions, EndpointSlow)) == 1


def test_what_is_down_is_not_slow_any_more():
    mine = endpoint(failure_threshold=1, recovery_threshold=1)
    decisions = follow([DEGRADED, DOWN, UP], mine)
    assert decisions[0].after.slow_alerting
    assert not decisions[1].after.slow_alerting
    assert said(decisions, EndpointSlowRecovery) == []  # the alert about being down has taken its place


def test_while_it_counts_as_down_slow_answers_do_not_ring():
    mine = endpoint(failure_threshold=1, recovery_threshold=3)
    assert said(follow([DOWN, DEGRADED, DEGRADED], mine), EndpointSlow) == []


# --- put aside -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", EndpointStatus)
def test_putting_aside_forgets_everything_but_the_last_answer(status: EndpointStatus):
    before = Standing(
        status=status,
        alert_state=AlertState.ALERTING,
        consecutive_failures=4,
        slow_in_a_row=2,
        slow_alerting=True,
        since=T0 - timedelta(hours=1),
        last_check_at=T0,
        last_response_time_ms=12,
        last_http_status=500,
        last_error="no answer",
    )
    now = T0 + timedelta(minutes=1)

    decision = put_aside(endpoint(before), "paused", now)

    assert decision.after == Standing(
        since=before.since if status is UNKNOWN else now,
        reset_at=now,
        last_check_at=T0,
        last_response_time_ms=12,
        last_http_status=500,
        last_error="paused",
    )
    told = [(e.previous_status, e.new_status, e.error) for e in decision.events if isinstance(e, EndpointStatusChanged)]
    assert told == ([] if status is UNKNOWN else [(status, UNKNOWN, "paused")])
    assert len(decision.events) == len(told)


# --- properties ------------------------------------------------------------------------------------------------------


@given(verdicts, thresholds, thresholds)
def test_alerts_and_recoveries_take_turns(statuses: list[EndpointStatus], failures: int, successes: int):
    mine = endpoint(failure_threshold=failures, recovery_threshold=successes)
    kinds = [type(event) for event in said(follow(statuses, mine), EndpointAlert, EndpointRecovery)]
    assert kinds[:1] in ([], [EndpointAlert])
    assert all(one is not other for one, other in pairwise(kinds))


@given(verdicts, thresholds, thresholds)
def test_slowness_ends_only_after_it_began(statuses: list[EndpointStatus], failures: int, successes: int):
    mine = endpoint(failure_threshold=failures, recovery_threshold=successes)
    is_slow = False
    for decision in follow(statuses, mine):
        for event in said([decision], EndpointSlow, EndpointSlowRecovery):
            assert isinstance(event, EndpointSlow) is not is_slow
            is_slow = isinstance(event, EndpointSlow)
        is_slow = is_slow and not said([decision], EndpointAlert)  # being down takes its place
        assert decision.after.slow_alerting is is_slow
        assert not (is_slow and decision.after.alert_state is AlertState.ALERTING)


@given(verdicts, thresholds, thresholds)
def test_counters_reset_each_other(statuses: list[EndpointStatus], failures: int, successes: int):
    mine = endpoint(failure_threshold=failures, recovery_threshold=successes)
    for decision in follow(statuses, mine):
        after = decision.after
        assert after.consecutive_failures == 0 or after.consecutive_successes == 0


@given(verdicts, thresholds, thresholds)
def test_what_we_could_not_find_out_moves_nothing(statuses: list[EndpointStatus], failures: int, successes: int):
    """Whatever came before: the counters and the alert stay, and checks after it go on as if it had not been."""
    mine = endpoint(failure_threshold=failures, recovery_threshold=successes)
    with_unknown = follow(statuses, mine)
    without = follow([status for status in statuses if status is not UNKNOWN], mine)

    rings = (EndpointAlert, EndpointRecovery, EndpointSlow, EndpointSlowRecovery)
    assert [type(e) for e in said(with_unknown, *rings)] == [type(e) for e in said(without, *rings)]
    assert [d.begins_incident for d in with_unknown if d.after.status is not UNKNOWN] == [
        d.begins_incident for d in without
    ]
    for before, decision in pairwise([Decision(Standing(), (), False), *with_unknown]):
        if decision.after.status is UNKNOWN:
            names = ("alert_state", "consecutive_failures", "consecutive_successes", "slow_in_a_row", "slow_alerting")
            assert [getattr(before.after, n) for n in names] == [getattr(decision.after, n) for n in names]
            assert said([decision], *rings) == []


@given(verdicts, thresholds, thresholds)
def test_it_counts_as_down_exactly_from_the_threshold_to_the_recovery(
    statuses: list[EndpointStatus], failures: int, successes: int
):
    """Told again in the plainest way: runs of failures and successes, looked at from the end."""
    mine = endpoint(failure_threshold=failures, recovery_threshold=successes)
    is_down, run = False, 0  # below zero: failures in a row
    for status, decision in zip(statuses, follow(statuses, mine), strict=True):
        if status is DOWN:
            run = min(run, 0) - 1
        elif status is not UNKNOWN:
            run = max(run, 0) + 1
        is_down = (is_down or -run >= failures) and not run >= successes
        assert (decision.after.alert_state is AlertState.ALERTING) is is_down
