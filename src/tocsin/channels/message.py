"""What a notification says, whatever the channel: a title, one line for each alert, the facts worth telling. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tocsin.channels.models import Kind, Notice
from tocsin.containers.models import Severity
from tocsin.core.durations import format_duration

MOST_LINES = 20
"""More alerts than these are counted, not listed: every provider has its limits."""
EXCERPT_LINES = 12
RANK = {Severity.CRITICAL: 2, Severity.WARNING: 1, Severity.INFO: 0}
FACTS = (
    ("exit_code", "Exit code"),
    ("error_detail", "Reason"),
    ("error", "Error"),
    ("restart_count", "Restarts"),
    ("image", "Image"),
)


class Line(NamedTuple):
    """One alert in a message. `after` is how long it lasted, for one that is over."""

    notice: Notice
    mark: str
    text: str
    after: str | None


class Message(NamedTuple):
    """One notification. `severity` is the worst of what fires, None when everything in it is over."""

    title: str
    lines: tuple[Line, ...]
    more: int
    severity: Severity | None
    facts: tuple[tuple[str, str], ...]
    excerpt: str | None
    link: str
    key: str
    sent_at: datetime
    notices: tuple[Notice, ...]

    @property
    def is_over(self) -> bool:
        return self.severity is None


MARKS = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🔵"}
OVER = "🟢"


def compose(notices: Sequence[Notice], key: str, base_url: str, sent_at: datetime) -> Message:
    """Return the message for *notices*, which is never empty."""
    lines = tuple(_line(notice) for notice in notices[:MOST_LINES])
    firing = [notice for notice in notices if notice.kind is not Kind.RESOLVED]
    severity = max((notice.alert.severity for notice in firing), key=lambda one: RANK[one], default=None)
    single = notices[0] if len(notices) == 1 else None
    details: Mapping[str, Any] = single.alert.details if single is not None else {}
    facts = [(label, str(details[name])) for name, label in FACTS if details.get(name) not in {None, ""}]
    if single is not None and single.alert.host and single.alert.host != single.alert.entity_name:
        facts.append(("Host", single.alert.host))
    excerpt = details.get("log_excerpt") if single is not None and single.kind is not Kind.RESOLVED else None
    return Message(
        title=_title(notices, firing),
        lines=lines,
        more=max(0, len(notices) - MOST_LINES),
        severity=severity,
        facts=tuple(facts),
        excerpt="\n".join(str(excerpt).splitlines()[-EXCERPT_LINES:]) if excerpt else None,
        link=f"{base_url}/alerts",
        key=key,
        sent_at=sent_at,
        notices=tuple(notices),
    )


def _title(notices: Sequence[Notice], firing: Sequence[Notice]) -> str:
    if len(notices) == 1:
        notice = notices[0]
        if notice.kind is Kind.TEST:
            return "Test from Tocsin"
        return f"{'Resolved' if notice.kind is Kind.RESOLVED else 'Alert'}: {notice.alert.entity_name or '-'}"
    over = len(notices) - len(firing)
    parts = [f"{len(firing)} alert{'s' if len(firing) != 1 else ''}"] if firing else []
    parts += [f"{over} resolved"] if over else []
    return ", ".join(parts)


def _line(notice: Notice) -> Line:
    alert = notice.alert
    if notice.kind is not Kind.RESOLVED:
        return Line(notice, MARKS[alert.severity], alert.message, None)
    lasted = None
    if alert.resolved_at is not None:
        seconds = datetime.fromisoformat(alert.resolved_at) - datetime.fromisoformat(alert.fired_at)
        lasted = format_duration(seconds)
    word = {
        "recovered": "recovered",
        "entity_stopped": "stopped",
        "entity_removed": "removed",
        "entity_paused": "paused",
    }
    how = word.get(alert.resolution or "", "resolved")
    return Line(notice, OVER, f"{alert.entity_name or '-'} {how}: {alert.message}", lasted)


def cut(text: str, limit: int) -> str:
    """Return *text* within *limit* characters, with an ellipsis where something is missing; `-` when it is empty."""
    text = text or "-"
    return text if len(text) <= limit else text[: limit - 1] + "…"
