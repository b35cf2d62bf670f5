"""What a look at a certificate means: every problem, its recovery, and nothing twice."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tocsin.certificates import facts, times
from tocsin.certificates.models import (
    CertificateAlert,
    CertificateCheckCompleted,
    CertificateRecovery,
    CertificateSource,
    CertificateStatus,
    CertificateStatusChanged,
    Monitor,
    Problem,
)
from tocsin.certificates.rules import WORST_FIRST, Decision, decide, pause, problems_shown
from tocsin.containers.models import Severity
from tocsin.probes.inspection import ChainFault, Failure, Inspection, Link

T0 = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
REFUSED = Inspection(failure=Failure.REFUSED)


def monitor(**changes: Any) -> Monitor:
    known: dict[str, Any] = {
        "id": 5,
        "hostname": "shop.example",
        "port": 443,
        "source": CertificateSource.STANDALONE,
        "created_at": T0,
        "warn_at_lifetime_percent": None,
    }
    return Monitor(**{**known, **changes})


def shows(
    days: float, *, lifetime: float = 365, serial: str = "1", org: str | None = "Corp", **more: Any
) -> Inspection:
    """A certificate that ends *days* after T0."""
    end = T0 + timedelta(days=days)
    link = Link(
        subject_cn="shop.example",
        issuer_cn="R1",
        issuer_org=org,
        sans=("shop.example",),
        serial_number=serial,
        fingerprint_sha256=f"f{serial}",
        signature_algorithm="SHA256-RSA",
        key_type="RSA 2048",
        not_before=end - timedelta(days=lifetime),
        not_after=end,
    )
    return Inspection(**{"chain": (link,), "tls_version": "TLSv1.3", "hostname_match": True, **more})


def walk(start: Monitor, *looks: tuple[float, Inspection]) -> list[Decision]:
    """Look again and again, each at so many days after T0."""
    found: list[Decision] = []
    known = None
    for day, seen in looks:
        decision = decide(start, known, seen, T0 + timedelta(days=day))
        if decision.is_new:
            known = seen
        found.append(decision)
        start = decision.after
    return found


def said(decision: Decision) -> list[str]:
    """What rings and what is over, in order."""
    words = []
    for event in decision.events:
        if isinstance(event, CertificateAlert):
            words.append(f"+{event.alert_type}")
        elif isinstance(event, CertificateRecovery):
            words.append(f"-{event.previous_alert_type}" + (" renewed" if event.renewed else ""))
    return words


# --- each problem, and its end ---------------------------------------------------------------------------------------

GOOD = shows(200)


@pytest.mark.parametrize(
    ("bad", "problem", "status"),
    [
        (shows(-1), Problem.EXPIRED, CertificateStatus.EXPIRED),
        (shows(20), Problem.EXPIRING, CertificateStatus.EXPIRING),
        (shows(400, lifetime=399), Problem.NOT_YET_VALID, CertificateStatus.ERROR),
        (shows(200, hostname_match=False), Problem.HOSTNAME_MISMATCH, CertificateStatus.ERROR),
        (
            shows(200, chain_fault=ChainFault.INCOMPLETE, chain_error="no"),
            Problem.CHAIN_INVALID,
            CertificateStatus.ERROR,
        ),
        (shows(200, weakness="an RSA key of 1024 bits"), Problem.WEAK_KEY, CertificateStatus.VALID),
    ],
)
def test_each_problem_rings_once_and_is_over_when_it_is(bad: Inspection, problem: Problem, status: CertificateStatus):
    first, again, better = walk(monitor(), (0, bad), (0.1, bad), (0.2, shows(200, serial="2")))
    assert (said(first), said(again), said(better)) == ([f"+{problem}"], [], [f"-{problem} renewed"])
    assert (first.after.status, better.after.status) == (status, CertificateStatus.VALID)
    assert (first.after.alerting, better.after.alerting) == ((problem,), ())
    assert [first.is_new, again.is_new, better.is_new] == [True, False, True]


def test_a_good_certificate_says_only_that_it_is_valid():
    (first,) = walk(monitor(), (0, GOOD))
    assert [type(event) for event in first.events] == [CertificateCheckCompleted, CertificateStatusChanged]
    assert (first.after.status, first.after.last_error, first.after.fingerprint) == ("valid", None, "f1")


def test_what_is_mended_without_a_renewal_is_over_too():
    broken = shows(200, chain_fault=ChainFault.INCOMPLETE, chain_error="no")
    _, mended = walk(monitor(), (0, broken), (1, GOOD))
    assert said(mended) == ["-chain_invalid"]


def test_another_fault_of_the_chain_is_told():
    one = shows(200, chain_fault=ChainFault.INCOMPLETE, chain_error="a")
    two = shows(200, chain_fault=ChainFault.SELF_SIGNED, chain_error="b")
    looks = walk(monitor(), (0, one), (1, two), (2, REFUSED), (3, two))
    assert [said(look) for look in looks] == [["+chain_invalid"], ["+chain_invalid"], [], []]


def test_several_problems_ring_worst_first():
    many = shows(2, hostname_match=False, chain_fault=ChainFault.UNTRUSTED, chain_error="no root", weakness="w")
    (look,) = walk(monitor(), (0, many))
    assert said(look) == ["+chain_invalid", "+hostname_mismatch", "+expiring", "+weak_key"]
    assert (look.after.status, look.after.last_error) == ("error", "no root")


def test_what_nobody_minds_is_no_problem():
    untrusted = shows(200, hostname_match=False, chain_fault=ChainFault.SELF_SIGNED)
    (look,) = walk(monitor(accept_untrusted=True), (0, untrusted))
    assert (said(look), look.after.status) == ([], "valid")
    (late,) = walk(monitor(accept_untrusted=True), (0, replace(untrusted, chain=shows(-1).chain)))
    assert said(late) == ["+expired"]


# --- thresholds ------------------------------------------------------------------------------------------------------


def test_each_threshold_rings_once_and_expiry_after_them():
    cert = shows(31.5)
    days = [0, 1, 2, 10, 17, 18, 24.6, 25, 28.6, 30.6, 31.4, 31.6, 40]
    looks = walk(monitor(), *((day, cert) for day in days))
    assert [said(look) for look in looks] == [
        [], ["+expiring"], [], [], ["+expiring"], [], ["+expiring"], [], ["+expiring"], ["+expiring"], [],
        ["+expired"], [],
    ]  # fmt: skip
    alerts = [event for look in looks for event in look.events if isinstance(event, CertificateAlert)]
    assert [alert.threshold_days for alert in alerts] == [30, 14, 7, 3, 1, None]
    assert [alert.severity for alert in alerts] == ["info", "warning", "critical", "critical", "critical", "critical"]
    assert [look.after.status for look in looks][-2:] == ["expired", "expired"]
    assert problems_shown(looks[-1].after) == [Problem.EXPIRED]


def test_a_renewal_ends_expiring_and_expired_at_once():
    looks = walk(monitor(), (0, shows(1)), (1.5, shows(1)), (2, shows(90, serial="2")))
    assert [said(look) for look in looks] == [
        ["+expiring"], ["+expired"], ["-expired renewed", "-expiring renewed"],
    ]  # fmt: skip


def test_a_short_renewal_is_over_and_rings_anew_and_later_thresholds_still_ring():
    looks = walk(monitor(), (0, shows(2)), (1, shows(12, serial="2")), (6, shows(12, serial="2")))
    assert [said(look) for look in looks] == [
        ["+expiring"], ["-expiring renewed", "+expiring"], ["+expiring"],
    ]  # fmt: skip
    assert [look.after.last_alerted_threshold for look in looks] == [3, 14, 7]


def test_a_shorter_certificate_is_no_relief():
    first, second = walk(monitor(), (0, shows(6)), (1, shows(5, serial="2")))
    assert (said(first), said(second)) == (["+expiring"], [])


def test_other_thresholds_may_end_it():
    first = walk(monitor(), (0, shows(20)))[0].after
    assert said(decide(replace(first, warning_thresholds=(7,)), shows(20), shows(20), T0)) == ["-expiring"]
    assert said(decide(replace(first, warning_thresholds=(40,)), shows(20), shows(20), T0)) == []


@pytest.mark.parametrize(
    ("lifetime", "percent", "expected"),
    [
        (398, 33, (30, 14, 7, 3, 1)),
        (90, 33, (29, 14, 7, 3, 1)),
        (64, 33, (21, 14, 7, 3, 1)),
        (47, 33, (15, 14, 7, 3, 1)),
        (45, 33, (14, 7, 3, 1)),
        (10, 33, (3, 1)),
        (6, 33, (1,)),
        (2, 33, (0,)),
        (45, None, (30, 14, 7, 3, 1)),
        (45, 100, (30, 14, 7, 3, 1)),
        (0, 33, (0,)),
    ],
)
def test_no_certificate_warns_for_half_its_life(lifetime: float, percent: int | None, expected: tuple[int, ...]):
    assert times.thresholds(monitor(warn_at_lifetime_percent=percent), timedelta(days=lifetime)) == expected


@pytest.mark.parametrize(
    ("days", "by_machines", "severity"),
    [
        (15, False, "info"), (14, False, "warning"), (8, False, "warning"), (7, False, "critical"),
        (0, False, "critical"),
        (8, True, "info"), (7, True, "warning"), (4, True, "warning"), (3, True, "critical"), (None, True, "info"),
    ],
)  # fmt: skip
def test_what_machines_renew_is_late_later(days: int | None, by_machines: bool, severity: str):
    assert facts.severity(Problem.EXPIRING, days, auto_renewable=by_machines) == severity


@pytest.mark.parametrize(
    ("org", "renewed"),
    [
        ("Let's Encrypt", True),
        ("ZeroSSL GmbH", True),
        ("Buypass AS-983163327", True),
        ("GOOGLE TRUST SERVICES LLC", True),
        ("DigiCert Inc", False),
        (None, False),
    ],
)
def test_who_renews_by_machine(org: str | None, renewed: bool):
    (look,) = walk(monitor(), (0, shows(20, org=org)))
    (alert,) = [event for event in look.events if isinstance(event, CertificateAlert)]
    assert (alert.auto_renewable, alert.issuer_org, alert.severity) == (renewed, org, "info")


@pytest.mark.parametrize(("left", "days"), [(1.0, 1), (0.999, 0), (0.0, 0), (-0.001, -1), (-1.5, -2)])
def test_days_are_rounded_down(left: float, days: int):
    assert times.days_remaining(T0 + timedelta(days=left), T0) == days


# --- unreachable -----------------------------------------------------------------------------------------------------


def test_three_failures_in_a_row_ring_and_one_success_ends_it():
    looks = walk(monitor(), *((day, REFUSED) for day in range(4)), (5, GOOD), (6, REFUSED), (7, REFUSED), (8, GOOD))
    assert [said(look) for look in looks] == [[], [], ["+unreachable"], [], ["-unreachable"], [], [], []]
    assert [look.after.status for look in looks] == ["error"] * 4 + ["valid", "error", "error", "valid"]
    assert looks[0].after.last_error == "connection refused"
    assert [look.is_new for look in looks][:5] == [True, False, False, False, True]


def test_our_own_name_server_counts_no_sooner():
    looks = walk(monitor(), *((day, Inspection(failure=Failure.NOT_FOUND)) for day in range(3)))
    assert [said(look) for look in looks] == [[], [], ["+unreachable"]]


def test_what_was_wrong_still_is_while_nobody_can_look():
    looks = walk(monitor(), (0, shows(20)), *((day, REFUSED) for day in (1, 2, 3)), (4, shows(20)))
    assert said(looks[3]) == ["+unreachable"]
    assert looks[3].after.alerting == (Problem.UNREACHABLE, Problem.EXPIRING)
    assert said(looks[4]) == ["-unreachable"]


def test_a_pause_ends_only_what_looking_finds_out():
    after = walk(monitor(), (0, shows(20)), *((day, REFUSED) for day in (1, 2, 3)))[-1].after
    paused = pause(replace(after, next_check_at=T0), T0)
    assert (said(paused), paused.after.alerting) == (["-unreachable"], (Problem.EXPIRING,))
    assert (paused.after.next_check_at, paused.after.consecutive_failures) == (None, 0)


# --- when to look ----------------------------------------------------------------------------------------------------


def test_the_next_look_is_after_the_interval_and_no_later_than_the_next_change():
    after = walk(monitor(check_interval_seconds=7 * 86400), (0, shows(200)))[0].after
    assert times.next_check(after, T0, 60) == T0 + timedelta(days=7, seconds=60)
    soon = walk(monitor(check_interval_seconds=7 * 86400), (0, shows(32)))[0].after
    assert times.next_check(soon, T0) == T0 + DAY + timedelta(seconds=1)
    crossed = decide(soon, None, shows(32), T0 + DAY + timedelta(seconds=1))
    assert said(crossed) == ["+expiring"]


def test_the_moment_of_expiry_is_not_missed():
    late = walk(monitor(check_interval_seconds=7 * 86400), (0, shows(0.5)))[0].after
    at = times.next_check(late, T0)
    assert at == T0 + timedelta(days=0.5, seconds=1)
    assert said(decide(late, None, shows(0.5), at)) == ["+expired"]


def test_failures_are_looked_at_again_soon_and_then_hourly():
    failing = [replace(monitor(), consecutive_failures=count) for count in (1, 2, 3, 4, 5, 50)]
    waits = [times.next_check(one, T0) - T0 for one in failing]
    assert waits == [timedelta(minutes=minutes) for minutes in (5, 10, 20, 40, 60, 60)]


def test_a_certificate_for_ever_can_be_watched():
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    link = replace(GOOD.chain[0], not_after=end)
    (look,) = walk(monitor(warn_at_lifetime_percent=33), (0, replace(GOOD, chain=(link,))))
    assert look.after.status == "valid"
    assert times.next_check(look.after, T0) == T0 + timedelta(seconds=43_200)


# --- whatever happens ------------------------------------------------------------------------------------------------

ANY_LOOK = st.one_of(
    st.just(REFUSED),
    st.builds(
        shows,
        st.floats(-5, 60),
        lifetime=st.sampled_from([2, 6, 45, 90, 398]),
        serial=st.sampled_from("12"),
        hostname_match=st.booleans(),
        chain_fault=st.none() | st.sampled_from(ChainFault),
        weakness=st.none() | st.just("w"),
    ),
)
WALKS = st.lists(st.tuples(st.floats(0, 3), ANY_LOOK), max_size=12)


@settings(max_examples=300)
@given(WALKS, st.none() | st.integers(1, 100), st.booleans())
def test_alerts_and_recoveries_always_pair_up(looks: list[Any], percent: int | None, accept: bool):
    day = 0.0
    steps = []
    for wait, seen in looks:
        day += wait
        steps.append((day, seen))
    ringing: set[Problem] = set()
    for decision in walk(monitor(warn_at_lifetime_percent=percent, accept_untrusted=accept), *steps):
        for event in decision.events:
            if isinstance(event, CertificateRecovery):
                assert event.previous_alert_type in ringing
                ringing.remove(event.previous_alert_type)
            elif isinstance(event, CertificateAlert):
                assert event.alert_type not in ringing or event.alert_type in {"expiring", "chain_invalid"}
                ringing.add(event.alert_type)
        assert ringing == set(decision.after.alerting)
        assert list(decision.after.alerting) == [one for one in WORST_FIRST if one in ringing]


@settings(max_examples=300)
@given(WALKS)
def test_the_status_always_says_what_was_seen_last(looks: list[Any]):
    for (_, seen), decision in zip(looks, walk(monitor(), *looks), strict=True):
        after = decision.after
        assert (after.status == "error" and seen.leaf is None) or seen.leaf is not None
        assert (after.last_error is None) or after.status in {"error", "expired"}
        if seen.leaf is not None:
            assert after.consecutive_failures == 0
            assert (after.status == "expired") is (Problem.EXPIRED in after.alerting)
            assert (
                (after.last_alerted_threshold is None)
                or Problem.EXPIRING in after.alerting
                or after.status == "expired"
            )


@given(st.floats(0.1, 800), st.lists(st.integers(0, 365), min_size=1, max_size=10), st.none() | st.integers(1, 100))
def test_thresholds_only_ever_ring_at_smaller_ones(lifetime: float, days: list[int], percent: int | None):
    start = monitor(warning_thresholds=tuple(days), warn_at_lifetime_percent=percent)
    cert = shows(lifetime, lifetime=lifetime)
    rung = [
        event.threshold_days
        for look in walk(start, *((lifetime * step / 100, cert) for step in range(101)))
        for event in look.events
        if isinstance(event, CertificateAlert) and event.alert_type is Problem.EXPIRING
    ]
    assert all(one is not None and other is not None and one > other for one, other in pairwise(rung))
    assert rung  # nothing ends without a warning


@given(ANY_LOOK, st.floats(0, 80), st.integers(3_600, 604_800), st.integers(0, 60))
def test_the_next_look_is_always_ahead_and_never_too_late(seen: Inspection, day: float, interval: int, failures: int):
    now = T0 + timedelta(days=day)
    start = monitor(check_interval_seconds=interval, consecutive_failures=failures)
    after = decide(start, None, seen, now).after
    at = times.next_check(after, now)
    assert now < at <= now + timedelta(seconds=interval)
    if seen.leaf is not None:
        before_it = decide(after, seen, seen, at - timedelta(seconds=1.5)) if at - now > timedelta(seconds=2) else None
        assert before_it is None or before_it.after.alerting == after.alerting


def test_severity_of_what_cannot_wait():
    assert facts.severity(Problem.EXPIRED, -3, auto_renewable=True) is Severity.CRITICAL
    assert facts.severity(Problem.UNREACHABLE, None, auto_renewable=False) is Severity.WARNING
