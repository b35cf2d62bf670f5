"""The endpoints that are watched, in memory: as stored, with what the newest checks have found.

The database is the truth; this follows it after each commit (`refresh`), and is read again at a start.
"""

import asyncio
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date

import structlog

from tocsin.core.clock import from_ms, to_ms
from tocsin.endpoints import rules, totals
from tocsin.endpoints.models import AlertState, Endpoint
from tocsin.endpoints.plan import Plan, Verdict, make_plan, no_plan
from tocsin.endpoints.totals import BAD, FIRST_BAD, UNSEEN, Check, Totals, percent

log = structlog.get_logger(__name__)

SPARKLINE = 20
NOTHING = -1

OpenHeaders = Callable[[Endpoint], Mapping[str, str]]


class Monitor:
    """One endpoint that is watched. `due` is monotonic: when its next check begins; `turn` lets one run at a time.

    `recent` are the newest response times in ms, -1 where a check failed; `today` sums up the UTC day `day`.
    """

    __slots__ = (
        "day",
        "discarded",
        "due",
        "endpoint",
        "plan",
        "previous",
        "recent",
        "standing",
        "today",
        "turn",
        "unsaved",
    )

    def __init__(self, endpoint: Endpoint, plan: Plan) -> None:
        self.endpoint = endpoint
        self.plan = plan
        self.standing = endpoint.standing
        self.due = 0.0
        self.discarded = 0
        self.turn = asyncio.Lock()
        self.unsaved = False
        self.recent = array("i")
        self.day: date | None = None
        self.today = DayCount()
        self.previous: tuple[date, DayCount] | None = None

    @property
    def id(self) -> int:
        return self.endpoint.id

    @property
    def is_alerting(self) -> bool:
        return self.standing.alert_state is AlertState.ALERTING

    def count(self, check: Check, today: date) -> None:
        """Take a check into what is shown of the newest ones, and of *today*."""
        self._turn_page(today)
        if from_ms(check.at_ms).date() == today:
            self.today.add(check.code)
        if check.code != UNSEEN:
            self.recent.append(_shown(check))
            del self.recent[:-SPARKLINE]

    def recall(self, older: Sequence[Check]) -> None:
        """Put checks before those of the sparkline, as far as there is room."""
        self.recent = array("i", [_shown(check) for check in older if check.code != UNSEEN]) + self.recent
        del self.recent[:-SPARKLINE]

    def add_to_day(self, day: date, totals: Totals) -> None:
        """Add what was packed of a day to what is known of it."""
        self._turn_page(day)
        self.today.merge(totals)

    def days(self) -> list[tuple[date, "DayCount"]]:
        """Return what is known of today, and of the day before."""
        known = [] if self.day is None else [(self.day, self.today)]
        return [*known, self.previous] if self.previous is not None else known

    def _turn_page(self, day: date) -> None:
        """Begin a new day; the one before is remembered, for it is not written at once."""
        if self.day != day:
            if self.day is not None:
                self.previous = (self.day, self.today)
            self.day, self.today = day, DayCount()

    def replay(self, check: Check) -> None:
        """Take a check that was stored before a restart into the standing, unless it is in there already."""
        known = (self.standing.last_check_at, self.standing.reset_at)
        if any(moment is not None and check.at_ms <= to_ms(moment) for moment in known):
            return
        status = totals.STATUS[check.code]
        took = round(check.phases.total / 1000)
        seen = rules.Seen(from_ms(check.at_ms), Verdict(status, check.error), took, check.http_status, {})
        self.standing = rules.decide(self.endpoint, self.standing, seen).after
        self.unsaved = True


def _shown(check: Check) -> int:
    return NOTHING if check.code >= BAD else round(check.phases.total / 1000)


class DayCount:
    """A day so far."""

    __slots__ = ("checks", "failures", "incidents")

    def __init__(self, checks: int = 0, failures: int = 0, incidents: int = 0) -> None:
        self.checks = checks
        self.failures = failures
        self.incidents = incidents

    def add(self, code: int) -> None:
        if code != UNSEEN:
            self.checks += 1
            self.failures += code >= BAD
            self.incidents += code == FIRST_BAD

    def merge(self, other: Totals) -> None:
        self.checks += other.checks
        self.failures += other.failures
        self.incidents += other.incidents

    @property
    def uptime_percent(self) -> float | None:
        return percent(self.checks - self.failures, self.checks)


class Monitors:
    """All of them, by id. *open_headers* returns an endpoint's own headers in clear."""

    def __init__(self, open_headers: OpenHeaders) -> None:
        self._by_id: dict[int, Monitor] = {}
        self._open_headers = open_headers

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Monitor]:
        return iter(self._by_id.values())

    def find(self, endpoint_id: int) -> Monitor | None:
        return self._by_id.get(endpoint_id)

    def plan(self, endpoint: Endpoint) -> Plan:
        """Return how *endpoint* is checked.  Raises Invalid, or whatever else a configuration can cause."""
        return make_plan(endpoint, self._open_headers(endpoint))

    def _plan_or_none(self, endpoint: Endpoint) -> Plan:
        """Return the plan, or one that says why there is none: one endpoint must not keep others from being watched."""
        try:
            return self.plan(endpoint)
        except Exception as exc:  # broad on purpose, as said
            log.exception("an endpoint cannot be checked", endpoint_id=endpoint.id)
            return no_plan(f"Tocsin cannot check this as it is configured ({type(exc).__name__})")

    def refresh(self, ids: Iterable[int], stored: Iterable[Endpoint]) -> list[Monitor]:
        """Bring those with *ids* in line with what is *stored*; return those that are new or checked differently."""
        found = {endpoint.id: endpoint for endpoint in stored if endpoint.active}
        changed = []
        for endpoint_id in ids:
            endpoint, known = found.get(endpoint_id), self._by_id.get(endpoint_id)
            if endpoint is None:
                self._by_id.pop(endpoint_id, None)
            elif known is None or known.endpoint.generation != endpoint.generation:
                changed.append(self._put(endpoint, known))
            else:
                known.endpoint = endpoint
        return changed

    def _put(self, endpoint: Endpoint, known: Monitor | None) -> Monitor:
        """Make the monitor anew: what is on its way for the old one counts no more."""
        monitor = self._by_id[endpoint.id] = Monitor(endpoint, self._plan_or_none(endpoint))
        if known is not None:
            monitor.recent, monitor.previous = known.recent, known.previous
            monitor.day, monitor.today = known.day, known.today
            if _is_watched_alike(known.endpoint, endpoint):
                monitor.standing, monitor.unsaved = known.standing, True
        return monitor


def _is_watched_alike(before: Endpoint, after: Endpoint) -> bool:
    """Say whether *after* stands where *before* stood: pausing and stopping reset the standing where it is stored."""
    is_next = after.generation == before.generation + 1
    return is_next and before.is_checked and after.is_checked and before.target == after.target
