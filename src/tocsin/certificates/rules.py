"""What a look at a certificate means: status, problems, what rings and what is over. Pure.

Source: docs/spec/certificates.md.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from tocsin.certificates import facts
from tocsin.certificates.models import CertificateEvent, CertificateStatus, Monitor, Problem
from tocsin.certificates.times import crossed_threshold
from tocsin.probes.inspection import Inspection, Link

UNREACHABLE_AFTER = 3

WORST_FIRST = (
    Problem.EXPIRED,
    Problem.NOT_YET_VALID,
    Problem.CHAIN_INVALID,
    Problem.HOSTNAME_MISMATCH,
    Problem.UNREACHABLE,
    Problem.EXPIRING,
    Problem.WEAK_KEY,
)
NOBODY_TRUSTS = frozenset({Problem.NOT_YET_VALID, Problem.CHAIN_INVALID, Problem.HOSTNAME_MISMATCH})


class Decision(NamedTuple):
    """What follows from a look. `is_new`: it showed something else than the one before."""

    after: Monitor
    events: tuple[CertificateEvent, ...] = ()
    is_new: bool = False


def decide(before: Monitor, known: Inspection | None, seen: Inspection, now: datetime) -> Decision:
    """Return what *seen* means. *known* is the look that was kept last."""
    after = _failed(before, seen) if seen.leaf is None else _judged(before, seen.leaf, seen, now)
    after = replace(after, last_check_at=now)
    is_new = known is None or known != seen
    events: list[CertificateEvent] = []
    if is_new:
        events.append(facts.completed(after, seen, now))
    if after.status is not before.status:
        events.append(facts.status_changed(before, after, now))
    events.extend(_rings(before, after, known, seen, now))
    return Decision(after, tuple(events), is_new)


def pause(before: Monitor, now: datetime) -> Decision:
    """Stop looking: that it cannot be reached is nobody's worry meanwhile."""
    alerting = tuple(problem for problem in before.alerting if problem is not Problem.UNREACHABLE)
    after = replace(before, alerting=alerting, consecutive_failures=0, next_check_at=None)
    over = [facts.recovery(after, Problem.UNREACHABLE, now, renewed=False)] if alerting != before.alerting else []
    return Decision(after, tuple(over))


# --- state -----------------------------------------------------------------------------------------------------------


def _failed(before: Monitor, seen: Inspection) -> Monitor:
    """No certificate: what was wrong with the last one may still be."""
    failures = before.consecutive_failures + 1
    alerting = set(before.alerting)
    if failures >= UNREACHABLE_AFTER:
        alerting.add(Problem.UNREACHABLE)
    return replace(
        before,
        status=CertificateStatus.ERROR,
        last_error=seen.error_message,
        consecutive_failures=failures,
        alerting=_ordered(alerting),
    )


def _judged(before: Monitor, leaf: Link, seen: Inspection, now: datetime) -> Monitor:
    known = replace(
        before,
        fingerprint=leaf.fingerprint_sha256,
        not_before=leaf.not_before,
        not_after=leaf.not_after,
        consecutive_failures=0,
    )
    wrong = set(_problems(known, leaf, seen, now))
    crossed = crossed_threshold(known, leaf, now)
    alerting = set(wrong)
    if Problem.EXPIRED in wrong:
        alerting |= {Problem.EXPIRING} & set(before.alerting)  # one renewal ends both
        threshold = before.last_alerted_threshold
    elif crossed is None:
        threshold = None
    elif before.last_alerted_threshold is None or is_extended(before, leaf):
        threshold = crossed
    else:
        threshold = min(crossed, before.last_alerted_threshold)
    return replace(
        known,
        status=_status(wrong),
        last_error=_reason(known, wrong, seen),
        alerting=_ordered(alerting),
        last_alerted_threshold=threshold,
    )


def _ordered(problems: set[Problem]) -> tuple[Problem, ...]:
    return tuple(problem for problem in WORST_FIRST if problem in problems)


def _status(wrong: set[Problem]) -> CertificateStatus:
    if Problem.EXPIRED in wrong:
        return CertificateStatus.EXPIRED
    if wrong & NOBODY_TRUSTS:
        return CertificateStatus.ERROR
    return CertificateStatus.EXPIRING if Problem.EXPIRING in wrong else CertificateStatus.VALID


def _problems(monitor: Monitor, leaf: Link, seen: Inspection, now: datetime) -> Iterator[Problem]:
    if leaf.not_after < now:
        yield Problem.EXPIRED
    elif crossed_threshold(monitor, leaf, now) is not None:
        yield Problem.EXPIRING
    if now < leaf.not_before:
        yield Problem.NOT_YET_VALID
    if seen.chain_fault is not None and not monitor.accept_untrusted:
        yield Problem.CHAIN_INVALID
    if seen.hostname_match is False and not monitor.accept_untrusted:
        yield Problem.HOSTNAME_MISMATCH
    if seen.weakness is not None:
        yield Problem.WEAK_KEY


def problems_shown(monitor: Monitor) -> list[Problem]:
    """Return what is wrong now, worst first: what has expired is not about to."""
    if Problem.EXPIRED in monitor.alerting:
        return [problem for problem in monitor.alerting if problem is not Problem.EXPIRING]
    return list(monitor.alerting)


def _reason(monitor: Monitor, wrong: set[Problem], seen: Inspection) -> str | None:
    """Return why nobody may trust it, in one sentence."""
    worst = next((problem for problem in WORST_FIRST if problem in wrong & NOBODY_TRUSTS), None)
    return None if worst is None else facts.sentence(monitor, worst, seen)


# --- what is said ----------------------------------------------------------------------------------------------------


def _rings(
    before: Monitor, after: Monitor, known: Inspection | None, seen: Inspection, now: datetime
) -> Iterator[CertificateEvent]:
    """Yield what is over, then what begins or has become worse."""
    renewed = is_renewed(before, seen.leaf)
    begun_anew = seen.leaf is not None and is_extended(before, seen.leaf)
    for problem in before.alerting:
        if problem not in after.alerting or (problem is Problem.EXPIRING and begun_anew):
            yield facts.recovery(after, problem, now, renewed=renewed)
    for problem in after.alerting:
        if problem not in before.alerting or _is_worse(problem, before, after, known, seen, begun_anew=begun_anew):
            yield facts.alert(after, problem, seen, now)


def _is_worse(
    problem: Problem, before: Monitor, after: Monitor, known: Inspection | None, seen: Inspection, *, begun_anew: bool
) -> bool:
    if problem is Problem.EXPIRING:
        return begun_anew or after.last_alerted_threshold != before.last_alerted_threshold
    if problem is Problem.CHAIN_INVALID:
        had = known.chain_fault if known is not None else None
        return had is not None and seen.chain_fault not in {None, had}
    return False


def is_extended(before: Monitor, leaf: Link) -> bool:
    """Return whether another certificate is shown than before, and one that lasts longer."""
    return is_renewed(before, leaf) and before.not_after is not None and leaf.not_after > before.not_after


def is_renewed(before: Monitor, leaf: Link | None) -> bool:
    return leaf is not None and before.fingerprint is not None and leaf.fingerprint_sha256 != before.fingerprint
