"""When it is too late. Pure.  Source: docs/spec/heartbeats.md, schedules."""

from datetime import datetime, timedelta

from tocsin.heartbeats import schedule
from tocsin.heartbeats.models import Rules


def deadline_after(rules: Rules, start: datetime) -> datetime:
    """Return when it is too late, counted from *start*: D of the state machine."""
    grace = timedelta(seconds=rules.grace_seconds)
    if rules.schedule is None:
        return start + timedelta(seconds=rules.interval_seconds) + grace
    return schedule.next_expected(rules.schedule, rules.timezone, start) + grace
