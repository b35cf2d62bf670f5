"""What checks add up to, and how they are packed."""

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.endpoints import blocks, totals
from tocsin.endpoints.blocks import SLOT_MS
from tocsin.endpoints.models import EndpointStatus
from tocsin.endpoints.totals import BAD, FIRST_BAD, GOOD, RATIO, SLOW, UNSEEN, Check, Totals, sum_of, total_of
from tocsin.probes.base import Phases

times = st.none() | st.integers(0, 60_000_000)
phases = st.builds(Phases, st.integers(0, 60_000_000), times, times, times, times)
codes = st.sampled_from([GOOD, SLOW, BAD, UNSEEN, FIRST_BAD])
SLOT = 2_900_000


@st.composite
def slots(draw: Any) -> list[Check]:
    """The checks of one slot, oldest first."""
    moments = sorted(draw(st.lists(st.integers(0, SLOT_MS - 1), max_size=30)))
    alike = draw(st.booleans())  # most are
    first = draw(st.none() | st.integers(100, 599))
    return [
        Check(
            SLOT * SLOT_MS + moment,
            draw(codes),
            draw(phases),
            first if alike else draw(st.none() | st.integers(100, 599)),
            draw(st.none() | st.text(max_size=30)),
        )
        for moment in moments
    ]


checks = slots()


def cut(microseconds: int | None) -> int | None:
    return None if microseconds is None else microseconds // 10 * 10


@given(checks)
def test_what_was_packed_comes_back_but_for_a_hundredth_of_a_millisecond(some: list[Check]):
    back = blocks.unpack(SLOT, blocks.pack(SLOT, some))
    assert back == [check._replace(phases=Phases(*map(cut, check.phases))) for check in some]  # type: ignore[arg-type]


@given(checks)
def test_packing_again_changes_nothing(some: list[Check]):
    once = blocks.pack(SLOT, some)
    assert blocks.pack(SLOT, blocks.unpack(SLOT, once)) == once


def test_a_quiet_slot_is_small():
    some = [
        Check(SLOT * SLOT_MS + 30_000 * n + n % 7, GOOD, Phases(12_000 + n * 13, 0, 400 + n, None, 11_000 + n), 200)
        for n in range(20)
    ]
    assert len(blocks.pack(SLOT, some)) < 300


# --- sums ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("some", "wanted"),
    [
        ([], (0, 0, 0, 0)),
        ([GOOD], (1, 0, 0, 0)),
        ([SLOW], (1, 0, 0, 0)),
        ([BAD], (1, 1, 0, 0)),
        ([FIRST_BAD], (1, 1, 1, 0)),
        ([UNSEEN], (0, 0, 0, 1)),
        ([GOOD, FIRST_BAD, BAD, UNSEEN, GOOD, FIRST_BAD], (5, 3, 2, 1)),
    ],
)
def test_what_counts_as_what(some: list[int], wanted: tuple[int, ...]):
    found = total_of(Check(0, code, Phases(1000)) for code in some)
    assert (found.checks, found.failures, found.incidents, found.unseen) == wanted


@pytest.mark.parametrize(
    ("good", "bad", "percent"),
    [
        (0, 0, None),
        (0, 1, 0),
        (1, 0, 100),
        (2, 1, 66.67),
        (1, 2, 33.33),
        (599, 1, 99.83),
        (1999, 1, 99.95),
        (1, 15, 6.25),
    ],
)
def test_uptime_has_two_decimals(good: int, bad: int, percent: float | None):
    found = total_of(Check(0, code, Phases()) for code in [GOOD] * good + [BAD] * bad)
    assert found.uptime_percent == percent


@given(st.lists(codes, min_size=1))
def test_uptime_is_between_nothing_and_everything_and_whole_only_when_it_is(some: list[int]):
    found = total_of(Check(0, code, Phases()) for code in some)
    if found.checks:
        assert found.uptime_percent is not None
        assert 0 <= found.uptime_percent <= 100
        assert abs(found.uptime_percent - 100 * found.successes / found.checks) <= 0.005 + 1e-9
    else:
        assert found.uptime_percent is None


def test_failures_count_in_no_time():
    found = total_of([Check(0, GOOD, Phases(1000, 1, 2, 3, 4)), Check(0, BAD, Phases(9_000_000, 9, 9, 9, 9))])
    assert (found.sum_us, found.max_us, found.dns_us, found.connect_us) == (1000, 1000, 1, 2)
    assert (found.tls_us, found.first_byte_us, sum(found.steps.values())) == (3, 4, 1)


@given(st.lists(st.integers(1, 60_000_000), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_off_by_two_and_a_half_percent_at_most(took: list[int], share: float):
    found = total_of(Check(0, GOOD, Phases(one)) for one in took).percentiles_us(share)[0]
    exact = sorted(took)[math.ceil(len(took) * share) - 1]
    assert found is not None
    if exact <= totals.SMALLEST_US:
        assert found <= totals.SMALLEST_US
    else:
        assert exact / math.sqrt(RATIO) - 1 <= found <= exact * math.sqrt(RATIO) + 1


def test_without_a_success_there_is_no_percentile():
    assert Totals(steps={}).percentiles_us(0.5) == [None]
    assert total_of([Check(0, BAD, Phases(1000))]).percentiles_us(0.99) == [None]


@given(st.lists(st.builds(Check, st.just(0), codes, phases), max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_sums_of_parts_are_the_sum_of_the_whole_however_it_is_divided(some: list[Check], one: int, other: int):
    first, second = sorted((min(one, len(some)), min(other, len(some))))
    a, b, c = (total_of(part) for part in (some[:first], some[first:second], some[second:]))
    whole = total_of(some)
    for parts in itertools.permutations((a, b, c)):
        assert sum_of(parts) == whole
    assert sum_of([sum_of([a, b]), c]) == sum_of([a, sum_of([b, c])]) == whole
    assert sum_of([whole, Totals(steps={})]) == whole
    assert (a, b, c) == tuple(
        total_of(p) for p in (some[:first], some[first:second], some[second:])
    )  # left as they were


@given(st.lists(st.builds(Check, st.just(0), codes, phases), max_size=20))
def test_sums_are_stored_as_they_are(some: list[Check]):
    whole = total_of(some)
    assert totals.decode(totals.encode(whole)) == whole


def test_every_status_has_a_code_and_every_code_a_status():
    assert set(totals.CODE) == set(EndpointStatus)
    assert all(totals.STATUS[code] is status for status, code in totals.CODE.items())
    assert totals.STATUS[FIRST_BAD] is EndpointStatus.DOWN
