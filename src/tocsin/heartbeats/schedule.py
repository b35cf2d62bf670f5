"""When a run is expected: an interval, a cron expression, or systemd's OnCalendar. Pure.

Source: docs/spec/heartbeats.md, schedules; crontab(5); systemd.time(7).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from oncalendar import OnCalendar, OnCalendarError

EARLY = timedelta(seconds=30)
"""So much before its time a ping still counts for the run that is about to be due: clocks differ a little."""
LONGEST_SCHEDULE = 200
NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


class ScheduleKind(StrEnum):
    CRON = "cron"
    ONCALENDAR = "oncalendar"


def zone_of(name: str) -> ZoneInfo:
    """Return the IANA time zone.  Raises ValueError: there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ValueError(f"{name[:60]!r} is no IANA time zone, such as Europe/Paris") from exc


def kind_of(schedule: str) -> ScheduleKind:
    """Say what *schedule* is: five fields in a line are cron, and so is a nickname such as `@daily`."""
    is_cron = schedule in NICKNAMES or (len(schedule.split()) == 5 and "\n" not in schedule)
    return ScheduleKind.CRON if is_cron else ScheduleKind.ONCALENDAR


def check(schedule: str, timezone: str, now: datetime) -> None:
    """Raises ValueError: what is wrong with it, in a few words."""
    if len(schedule) > LONGEST_SCHEDULE:
        raise ValueError(f"may have {LONGEST_SCHEDULE} characters at most")
    next(_times(schedule, zone_of(timezone), now))


def upcoming(schedule: str, timezone: str, after: datetime, count: int) -> list[datetime]:
    """Return the next *count* times after *after*, in the schedule's zone; fewer when there are no more."""
    times = _times(schedule, zone_of(timezone), after)
    return [at for _, at in zip(range(count), _until_the_end(times), strict=False)]


def next_expected(schedule: str, timezone: str, after: datetime) -> datetime:
    """Return when the next run is expected after a ping at *after*, in UTC.

    A ping that comes a little early counts for the run that is about to be due.
    """
    times = _next_two(schedule, timezone, after)
    if not times:
        return datetime.max.replace(year=2199, tzinfo=UTC)  # it will never be due again
    first = times[0]
    if len(times) == 2 and first - after <= min(EARLY, (times[1] - first) / 4):
        first = times[1]
    return first


def _next_two(schedule: str, timezone: str, after: datetime) -> list[datetime]:
    """Return times that can be subtracted: in one zone that would be the difference on the wall, not in time."""
    return [at.astimezone(UTC) for at in upcoming(schedule, timezone, after, 2)]


def _times(schedule: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Return the times of *schedule* after *after*.  Raises ValueError."""
    local = after.astimezone(zone)
    try:
        if kind_of(schedule) is ScheduleKind.CRON:
            return _Checked(CronSim(NICKNAMES.get(schedule, schedule), local), after)
        return _Checked(OnCalendar(schedule, local), after)
    except (CronSimError, OnCalendarError) as exc:
        words = str(exc) or "it cannot be understood"
        name = "cron" if kind_of(schedule) is ScheduleKind.CRON else "OnCalendar; cron has five fields"
        raise ValueError(f"{words[0].lower()}{words[1:]} (read as {name})") from exc


class _Checked:
    """Times of a schedule, each after the one before; one that is never due says so instead of ending in silence.

    In the hour that a clock set back goes through twice, OnCalendar begins with times that are over.
    """

    def __init__(self, times: Iterator[datetime], after: datetime) -> None:
        self._times = times
        self._last = after.astimezone(UTC)

    def __iter__(self) -> Iterator[datetime]:
        return self

    def __next__(self) -> datetime:
        try:
            while True:
                found = next(self._times)
                if found.astimezone(UTC) > self._last:
                    self._last = found.astimezone(UTC)
                    return found
        except StopIteration:
            raise ValueError("is never due") from None
        except (CronSimError, OnCalendarError) as exc:
            raise ValueError(str(exc)) from exc


def _until_the_end(times: Iterator[datetime]) -> Iterator[datetime]:
    while True:
        try:
            yield next(times)
        except ValueError:
            return


def nominal_interval(schedule: str, timezone: str, now: datetime) -> int:
    """Return the seconds between the next two times after *now*, 60 at least: about how often it runs."""
    times = _next_two(schedule, timezone, now)
    return 60 if len(times) < 2 else max(60, round((times[1] - times[0]).total_seconds()))
