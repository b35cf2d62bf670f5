"""Durations as people write them: `15s`, `1m30s`, `1.5h`, `500ms`; settings also know days (`7d`)."""

import re
from datetime import timedelta
from decimal import Decimal

_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_DAY = {"d": 86_400_000_000_000}
_PAIR = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d)", re.ASCII)
_LONGEST_TEXT = 40


def parse_duration(text: str, *, days: bool = False) -> timedelta:
    """Return the duration written in *text*: an optional sign, then one or more number-unit pairs, no spaces.

    Units: ns, us, µs, ms, s, m, h, and d when *days*; a bare `0` is allowed. Below a microsecond is cut off.
    Raises ValueError: anything else, or more than about 290 years.
    """
    units = _NANOSECONDS | (_DAY if days else {})
    body = text[1:] if text[:1] in {"+", "-"} else text
    if body == "0":
        return timedelta(0)
    total, position = Decimal(0), 0
    if len(text) <= _LONGEST_TEXT:
        for match in _PAIR.finditer(body):
            if match.start() != position or match[2] not in units:
                break
            total += Decimal(match[1]) * units[match[2]]
            position = match.end()
    if position == 0 or position != len(body):
        raise ValueError(f"{text[:_LONGEST_TEXT]!r} is not a duration such as 30s, 5m or 1h30m")
    if total >= 2**63:
        raise ValueError(f"{text!r} is longer than a duration can be")
    return timedelta(microseconds=int(total) // 1000) * (-1 if text.startswith("-") else 1)


def format_duration(duration: timedelta) -> str:
    """Return *duration* in its usual form: `30s`, `1m0s`, `1h0m0s`, `1.5s`, `500ms`."""
    microseconds = duration // timedelta(microseconds=1)
    sign, microseconds = ("-", -microseconds) if microseconds < 0 else ("", microseconds)
    if microseconds == 0:
        return "0s"
    if microseconds < 1_000_000:
        unit, scale = ("ms", 1000) if microseconds >= 1000 else ("µs", 1)
        return f"{sign}{_decimal(microseconds, scale)}{unit}"
    minutes, rest = divmod(microseconds, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, 1_000_000)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else f"{sign}{text}"


def _decimal(value: int, scale: int) -> str:
    return f"{Decimal(value) / scale:f}".rstrip("0").rstrip(".") if value % scale else str(value // scale)
