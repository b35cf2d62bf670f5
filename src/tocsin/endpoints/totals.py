"""What checks add up to: counts, times, and a histogram of response times that percentiles are read from.

Source: docs/spec/endpoints.md, roll-ups.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from tocsin.endpoints.models import EndpointStatus
from tocsin.probes.base import Phases

RATIO = 1.05
"""Each step of the histogram is 5 % wider than the one before: a percentile is off by 2.5 % at most."""
_LOG = math.log(RATIO)
SMALLEST_US = 100
GOOD, SLOW, BAD, UNSEEN, FIRST_BAD = range(5)
"""How a check is kept: `FIRST_BAD` failed after one that had succeeded."""
STATUS = {
    GOOD: EndpointStatus.UP,
    SLOW: EndpointStatus.DEGRADED,
    BAD: EndpointStatus.DOWN,
    UNSEEN: EndpointStatus.UNKNOWN,
    FIRST_BAD: EndpointStatus.DOWN,
}
CODE = {
    EndpointStatus.UP: GOOD,
    EndpointStatus.DEGRADED: SLOW,
    EndpointStatus.DOWN: BAD,
    EndpointStatus.UNKNOWN: UNSEEN,
}


class Check(NamedTuple):
    """One check as it is kept."""

    at_ms: int
    code: int
    phases: Phases
    http_status: int | None = None
    error: str | None = None


class Totals(msgspec.Struct, array_like=True):
    """The sum of some checks. Times are of those that succeeded, in microseconds; `unseen` counts in nothing else.

    `steps` is the histogram: how many response times fell into which step.
    """

    checks: int = 0
    failures: int = 0
    incidents: int = 0
    unseen: int = 0
    sum_us: int = 0
    max_us: int = 0
    dns_us: int = 0
    connect_us: int = 0
    tls_us: int = 0
    first_byte_us: int = 0
    steps: dict[int, int] = {}

    def add(self, code: int, phases: Phases) -> None:
        if code == UNSEEN:
            self.unseen += 1
            return
        self.checks += 1
        if code >= BAD:
            self.failures += 1
            self.incidents += code == FIRST_BAD
            return
        total = phases.total
        self.sum_us += total
        self.max_us = max(self.max_us, total)
        self.dns_us += phases.dns or 0
        self.connect_us += phases.connect or 0
        self.tls_us += phases.tls or 0
        self.first_byte_us += phases.first_byte or 0
        step = step_of(total)
        self.steps[step] = self.steps.get(step, 0) + 1

    def merge(self, other: "Totals") -> None:
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.max_us = max(self.max_us, other.max_us)
        for step, count in other.steps.items():
            self.steps[step] = self.steps.get(step, 0) + count

    @property
    def successes(self) -> int:
        return self.checks - self.failures

    @property
    def uptime_percent(self) -> float | None:
        """Return successes / checks × 100, two decimals; None without checks."""
        return percent(self.successes, self.checks)

    def percentile_us(self, share: float) -> int | None:
        """Return the response time that *share* of the successful checks did not exceed; None without any."""
        wanted, seen = math.ceil(self.successes * share), 0
        for step in sorted(self.steps):
            seen += self.steps[step]
            if seen >= wanted:
                return min(self.max_us, middle_of(step))
        return None


_SUMMED = (
    "checks", "failures", "incidents", "unseen", "sum_us", "dns_us", "connect_us", "tls_us", "first_byte_us",
)  # fmt: skip


def step_of(total_us: int) -> int:
    return 0 if total_us <= SMALLEST_US else 1 + int(math.log(total_us / SMALLEST_US) / _LOG)


def middle_of(step: int) -> int:
    return SMALLEST_US if step == 0 else round(SMALLEST_US * RATIO ** (step - 0.5))


def total_of(checks: Iterable[Check]) -> Totals:
    totals = Totals(steps={})
    for check in checks:
        totals.add(check.code, check.phases)
    return totals


def sum_of(parts: Iterable[Totals]) -> Totals:
    whole = Totals(steps={})
    for part in parts:
        whole.merge(part)
    return whole


class Counts(msgspec.Struct, array_like=True):
    """The first columns of Totals: all that bars are drawn from, at a tenth of the price."""

    checks: int = 0
    failures: int = 0

    @property
    def uptime_percent(self) -> float | None:
        return percent(self.checks - self.failures, self.checks)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Totals)
_counts = msgspec.msgpack.Decoder(Counts)


def percent(part: int, whole: int) -> float | None:
    """Return part / whole × 100, half-up to two decimals; None of nothing."""
    return (part * 20_000 + whole) // (2 * whole) / 100 if whole else None


def encode(totals: Totals) -> bytes:
    return _encoder.encode(totals)


def decode(data: bytes) -> Totals:
    return _decoder.decode(data)


def decode_counts(data: bytes) -> Counts:
    return _counts.decode(data)
