"""What people ask for when they add or change a heartbeat, checked. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from tocsin.core.errors import Invalid
from tocsin.heartbeats import schedule as schedules
from tocsin.heartbeats.models import (
    LONGEST_INTERVAL_SECONDS,
    SHORTEST_INTERVAL_SECONDS,
    Heartbeat,
    Rules,
)
from tocsin.heartbeats.objects import HeartbeatChange, NewHeartbeat

LONGEST_NAME, LONGEST_SLUG = 255, 100
MOST_TAGS, LONGEST_TAG = 20, 50
MOST_KEYWORDS, LONGEST_KEYWORD = 20, 200
MOST_EXPECTED = 1000
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?")
T = TypeVar("T")


def name_of(wanted: str) -> str:
    """Return a name, trimmed.  Raises Invalid."""
    name = wanted.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid(f"name must be 1 to {LONGEST_NAME} printable characters", field="name")
    return name


def slug_of(wanted: str) -> str:
    """Return a slug that was given.  Raises Invalid."""
    if len(wanted) > LONGEST_SLUG or not SLUG.fullmatch(wanted):
        allowed = "lower-case letters, digits, - and _, with a letter or digit at both ends"
        raise Invalid(f"slug must be 1 to {LONGEST_SLUG} characters: {allowed}", field="slug")
    return wanted


def slug_for(name: str) -> str:
    """Return the slug that follows from a name: `Nightly backup` becomes `nightly-backup`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:80].rstrip("-_") or "heartbeat"


def tags_of(wanted: Sequence[str]) -> tuple[str, ...]:
    """Return distinct tags, in order.  Raises Invalid."""
    tags = tuple(dict.fromkeys(tag.strip() for tag in wanted))
    if len(tags) > MOST_TAGS or not all(1 <= len(tag) <= LONGEST_TAG and tag.isprintable() for tag in tags):
        allowed = f"at most {MOST_TAGS} tags of 1 to {LONGEST_TAG} printable characters"
        raise Invalid(f"tags must be {allowed}", field="tags")
    return tags


def new(wanted: NewHeartbeat, now: datetime) -> Rules:
    """Raises Invalid."""
    if wanted.interval_seconds is None and wanted.schedule is None:
        raise Invalid("interval_seconds or schedule is needed", field="interval_seconds")
    timing = _schedule(wanted.schedule, wanted.timezone, now)
    return checked(
        Rules(
            interval_seconds=_interval(wanted.interval_seconds, timing, now),
            grace_seconds=wanted.grace_seconds,
            schedule=timing[0],
            timezone=timing[1],
            max_duration_seconds=wanted.max_duration_seconds,
            expected_pings=wanted.expected_pings,
            post_only=wanted.post_only,
            start_keywords=_keywords("start_keywords", wanted.start_keywords),
            success_keywords=_keywords("success_keywords", wanted.success_keywords),
            failure_keywords=_keywords("failure_keywords", wanted.failure_keywords),
        )
    )


def changed(before: Heartbeat, wanted: HeartbeatChange, now: datetime) -> Heartbeat:
    """Return *before* under the name and the rules that are wanted; its standing is not touched.  Raises Invalid."""
    rules = before.rules
    timing = rules.schedule if wanted.schedule is UNSET else wanted.schedule, _or(wanted.timezone, rules.timezone)
    interval = rules.interval_seconds if timing[0] is not None else _or(wanted.interval_seconds, rules.interval_seconds)
    if timing != (rules.schedule, rules.timezone):  # one that is over was good once, and may stay
        timing = _schedule(*timing, now)
        interval = _interval(interval, timing, now)
    longest = rules.max_duration_seconds if wanted.max_duration_seconds is UNSET else wanted.max_duration_seconds
    after = Rules(
        interval_seconds=interval,
        grace_seconds=_or(wanted.grace_seconds, rules.grace_seconds),
        schedule=timing[0],
        timezone=timing[1],
        max_duration_seconds=longest,
        expected_pings=_or(wanted.expected_pings, rules.expected_pings),
        post_only=_or(wanted.post_only, rules.post_only),
        start_keywords=_keywords("start_keywords", _or(wanted.start_keywords, rules.start_keywords)),
        success_keywords=_keywords("success_keywords", _or(wanted.success_keywords, rules.success_keywords)),
        failure_keywords=_keywords("failure_keywords", _or(wanted.failure_keywords, rules.failure_keywords)),
    )
    return replace(
        before,
        name=name_of(_or(wanted.name, before.name)),
        slug=before.slug if not _given(wanted.slug) else slug_of(_or(wanted.slug, before.slug)),
        tags=tags_of(_or(wanted.tags, before.tags)),
        rules=checked(after),
        updated_at=now,
    )


def checked(rules: Rules) -> Rules:
    """Raises Invalid: the numbers do not fit, alone or together."""
    low, high = SHORTEST_INTERVAL_SECONDS, LONGEST_INTERVAL_SECONDS
    if rules.schedule is None and not low <= rules.interval_seconds <= high:
        raise Invalid(f"interval_seconds must be from {low} to {high}", field="interval_seconds")
    most, what = (rules.interval_seconds, "the interval") if rules.schedule is None else (high, str(high))
    if not 0 <= rules.grace_seconds <= most:
        raise Invalid(f"grace_seconds must be from 0 to {what}", field="grace_seconds")
    longest = rules.max_duration_seconds
    if longest is not None and not 1 <= longest <= high:
        raise Invalid(f"max_duration_seconds must be from 1 to {high}, or null", field="max_duration_seconds")
    if not 1 <= rules.expected_pings <= MOST_EXPECTED:
        raise Invalid(f"expected_pings must be from 1 to {MOST_EXPECTED}", field="expected_pings")
    return rules


def _schedule(schedule: str | None, timezone: str, now: datetime) -> tuple[str | None, str]:
    try:
        schedules.zone_of(timezone)
    except ValueError as exc:
        raise Invalid(f"timezone: {exc}", field="timezone") from None
    if schedule is None:
        return None, timezone
    text = schedule.strip()
    try:
        schedules.check(text, timezone, now)
    except ValueError as exc:
        raise Invalid(f"schedule: {exc}", field="schedule") from None
    return text, timezone


def _interval(wanted: int | None, timing: tuple[str | None, str], now: datetime) -> int:
    """Return about how often it runs: a schedule counts for more than what is wanted besides."""
    schedule, timezone = timing
    return wanted or 0 if schedule is None else schedules.nominal_interval(schedule, timezone, now)


def _keywords(field: str, wanted: Sequence[str]) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word.strip() for word in wanted))
    if len(words) > MOST_KEYWORDS or not all(1 <= len(word) <= LONGEST_KEYWORD for word in words):
        allowed = f"at most {MOST_KEYWORDS} texts of 1 to {LONGEST_KEYWORD} characters"
        raise Invalid(f"{field} must be {allowed}", field=field)
    return words


def _given(wanted: object) -> bool:
    return wanted is not UNSET and wanted is not None


def _or(wanted: T | UnsetType | None, before: T) -> T:
    """Return what is wanted, or what was there before."""
    return before if isinstance(wanted, UnsetType) or wanted is None else wanted
