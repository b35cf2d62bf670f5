"""Uptime arithmetic: nothing is lost between days, and rounding is as people expect."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.factories import T0, at, container
from tocsin.containers.models import Health, State
from tocsin.containers.uptime import (
    DAY_MS,
    Segment,
    Tally,
    by_day,
    observed_until,
    open_span,
    over,
    tally,
    window_start,
)
from tocsin.core.clock import to_ms


@pytest.mark.parametrize(
    ("state", "health", "expected"),
    [
        (State.RUNNING, None, Tally(10, 0)),
        (State.RUNNING, Health.HEALTHY, Tally(10, 0)),
        (State.RUNNING, Health.STARTING, Tally(10, 0)),
        (State.RUNNING, Health.UNHEALTHY, Tally(0, 10)),
        (State.PAUSED, None, Tally()),
        (State.COMPLETED, None, Tally()),
        (State.EXITED, None, Tally(0, 10)),
        (State.DEAD, None, Tally(0, 10)),
        (State.RESTARTING, None, Tally(0, 10)),
        (State.CREATED, None, Tally(0, 10)),
    ],
)
def test_what_counts_as_up(state: State, health: Health | None, expected: Tally):
    assert tally(state, health, 10) == expected
    assert tally(state, health, 0) == Tally()
    assert tally(state, health, -5) == Tally()


@pytest.mark.parametrize(
    ("up", "down", "percent"),
    [
        (0, 0, None),
        (1, 0, 100.0),
        (0, 1, 0.0),
        (1, 2, 33.33),
        (2, 1, 66.67),
        (99_995, 5, 100.0),
        (999_949, 51, 99.99),
        (1, 19_999, 0.01),
        (1, 20_001, 0.0),
        (5, 9_995, 0.05),
    ],
)
def test_percent_is_rounded_half_up_to_two_decimals(up: int, down: int, percent: float | None):
    assert Tally(up, down).percent == percent


moments = st.integers(0, 400 * DAY_MS)


@given(moments, moments)
def test_days_add_up_to_the_span(first: int, second: int):
    start, end = sorted((first, second))
    days = list(by_day(State.RUNNING, None, start, end))
    assert sum(found.up_ms for _, found in days) == end - start
    assert all(0 < found.up_ms <= DAY_MS for _, found in days)
    assert [day for day, _ in days] == sorted({day for day, _ in days})


@given(st.lists(st.tuples(moments, st.sampled_from(list(State))), min_size=1, max_size=20), moments, moments)
def test_a_window_cut_in_two_counts_the_same(changes: list[tuple[int, State]], first: int, second: int):
    segments = [Segment(at_ms, state, None) for at_ms, state in sorted(changes, key=lambda change: change[0])]
    start, end = sorted((first, second))
    middle = (start + end) // 2
    assert over(segments, start, end) == over(segments, start, middle).plus(over(segments, middle, end))


def test_segments_hold_until_the_next():
    segments = [
        Segment(0, State.RUNNING, None),
        Segment(100, State.EXITED, None),
        Segment(150, State.RUNNING, Health.UNHEALTHY),
        Segment(160, State.RUNNING, Health.HEALTHY),
    ]
    assert over(segments, 50, 200) == Tally(50 + 40, 50 + 10)


def test_the_open_span_ends_when_a_container_was_removed():
    gone = container(missing_since=at(30))
    assert sum(found.up_ms for _, found in open_span(gone, at(100))) == 30_000
    assert observed_until(container(archived_at=at(10)), at(100)) == to_ms(at(10))
    assert observed_until(container(), at(100)) == to_ms(at(100))


def test_a_window_does_not_reach_back_before_the_discovery():
    young = container(first_seen_at=T0)
    assert window_start(young, timedelta(hours=24), at(60)) == to_ms(T0)
    assert window_start(young, timedelta(seconds=30), at(60)) == to_ms(at(30))
