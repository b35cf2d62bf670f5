"""What a notification says, whatever the channel: a title, one line for each alert, the facts worth telling. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tocsin.channels.models import Kind, Notice
from tocsin.channels.template import fill
from tocsin.containers.models import Severity
from tocsin.core.durations import format_duration

MOST_LINES = 20
"""More alerts than these are counted, not listed: every provider has its limits."""
LONGEST_LINE, LONGEST_LIST, LONGEST_FACT = 400, 1500, 500
EXCERPT_LINES, LONGEST_EXCERPT = 12, 4000
NEWS_FOR = timedelta(minutes=1)
RANK = {Severity.CRITICAL: 2, Severity.WARNING: 1, Severity.INFO: 0}
FACTS = (
    ("exit_code", "Exit code"),
    ("error_detail", "Reason"),
    ("error", "Error"),
    ("restart_count", "Restarts"),
    ("image", "Image"),
    ("schedule", "Schedule"),
    ("last_ping_at", "Last ping"),
)
MARKS = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🔵"}
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
OVER, LISTED = "🟢", "↳"
WORDS = {
    "recovered": "recovered",
    "entity_stopped": "stopped",
    "entity_removed": "removed",
    "entity_paused": "paused",
}


class Line(NamedTuple):
    """One alert in a message, or what is listed under it. `after` is how long it lasted, for one that is over.

    `when` is since or until when, where that was not just now.
    """

    mark: str
    text: str
    after: str | None = None
    when: str | None = None


class Message(NamedTuple):
    """One notification. `severity` is the worst of what fires, None when everything in it is over.

    `notices` are all that it tells of; `values` what a template may use. `is_single`: it is about one alert, and what
    that has caused.
    """

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
    values: Mapping[str, str] = {}
    is_single: bool = False

    @property
    def is_over(self) -> bool:
        return self.severity is None


def compose(
    notices: Sequence[Notice],
    key: str,
    base_url: str,
    sent_at: datetime,
    template: str | None = None,
    now: datetime | None = None,
) -> Message:
    """Return the message for *notices*, which is never empty. *template* is how each line reads, None: as we say it.

    *sent_at* is the same over all attempts, *now* that of this one.
    """
    news = _latest(notices)
    about = {notice.alert_id for notice in news}
    heads = [notice for notice in news if notice.cause_id not in about]
    below = [notice for notice in news if notice.cause_id in about]
    firing = [notice for notice in heads if notice.kind is not Kind.RESOLVED]
    severity = max((notice.alert.severity for notice in firing), key=lambda one: RANK[one], default=None)
    single = heads[0] if len(heads) == 1 else None
    link = f"{base_url}/alerts/{single.alert_id}" if single is not None and single.alert_id else f"{base_url}/alerts"
    title = _title(heads, firing)
    lines = [
        line
        for notice in heads[:MOST_LINES]
        for line in (_line(notice, title, link, key, template, now or sent_at), *_listed(notice, below))
    ]
    return Message(
        title=title,
        lines=tuple(lines),
        more=max(0, len(heads) - MOST_LINES),
        severity=severity,
        facts=_facts(single) if single is not None else (),
        excerpt=_excerpt(single) if single is not None else None,
        link=link,
        key=key,
        sent_at=sent_at,
        notices=tuple(notices),
        values=_summary(heads, lines, title, link, key),
        is_single=single is not None,
    )


def _latest(notices: Sequence[Notice]) -> list[Notice]:
    """Return the last word on each alert: one that began and ended in the same message is told as over."""
    last = {notice.alert_id: notice for notice in notices}
    return [last[alert_id] for alert_id in dict.fromkeys(notice.alert_id for notice in notices)]


def _title(heads: Sequence[Notice], firing: Sequence[Notice]) -> str:
    if len(heads) == 1:
        notice = heads[0]
        if notice.kind is Kind.TEST:
            return "Test from Tocsin"
        return f"{_word(notice)}: {notice.alert.entity_name or '-'}"
    over = len(heads) - len(firing)
    parts = [f"{len(firing)} alert{'s' if len(firing) != 1 else ''}"] if firing else []
    parts += [f"{over} resolved"] if over else []
    groups = {notice.alert.group for notice in heads}
    where = f" in {groups.pop()}" if len(groups) == 1 and None not in groups else ""
    return ", ".join(parts) + where


def _word(notice: Notice) -> str:
    if notice.kind is Kind.RESOLVED:
        return "Resolved"
    return "Nobody has acknowledged" if notice.escalation else "Alert"


def _line(notice: Notice, title: str, link: str, key: str, template: str | None, now: datetime) -> Line:
    alert = notice.alert
    is_over = notice.kind is Kind.RESOLVED
    mark, lasted = (OVER, _lasted(notice)) if is_over else (MARKS[alert.severity], None)
    if template:
        return Line(mark, cut(fill(template, _values(notice, title, link, key)), LONGEST_LINE))
    if not is_over:
        return Line(mark, cut(alert.message, LONGEST_LINE), when=_when("since", alert.fired_at, now))
    how = WORDS.get(alert.resolution or "", "resolved")
    text = cut(f"{alert.entity_name or '-'} {how}: {alert.message}", LONGEST_LINE)
    return Line(mark, text, lasted, _when("until", alert.resolved_at or alert.fired_at, now))


def _when(word: str, instant: str, now: datetime) -> str | None:
    """Return such as `since 09:15 UTC`, None where it was just now."""
    at = datetime.fromisoformat(instant)
    if now - at < NEWS_FOR:
        return None
    shape = "%H:%M" if at.date() == now.astimezone(at.tzinfo).date() else "%Y-%m-%d %H:%M"
    return f"{word} {at.strftime(shape)} UTC"


def _listed(head: Notice, below: Sequence[Notice]) -> list[Line]:
    """Return the lines that list what an alert has caused: what still fires, and what is over."""
    mine = [notice for notice in below if notice.cause_id == head.alert_id]
    firing = [notice.alert.entity_name for notice in mine if notice.kind is not Kind.RESOLVED]
    over = [notice.alert.entity_name for notice in mine if notice.kind is Kind.RESOLVED]
    word = "Still failing" if head.kind is Kind.RESOLVED else "Also affected"
    return [*_names(word, firing), *_names("Was affected, recovered", over)]


def _names(word: str, names: Sequence[str]) -> list[Line]:
    distinct = list(dict.fromkeys(names))
    return [Line(LISTED, cut(f"{word} ({len(distinct)}): {', '.join(distinct)}", LONGEST_LIST))] if distinct else []


def _lasted(notice: Notice) -> str | None:
    alert = notice.alert
    if alert.resolved_at is None:
        return None
    return format_duration(datetime.fromisoformat(alert.resolved_at) - datetime.fromisoformat(alert.fired_at))


def _facts(notice: Notice) -> tuple[tuple[str, str], ...]:
    alert, details = notice.alert, notice.alert.details
    facts = [
        (label, cut(str(details[name]), LONGEST_FACT)) for name, label in FACTS if details.get(name) not in {None, ""}
    ]
    if alert.host and alert.host != alert.entity_name:
        facts.append(("Host", cut(alert.host, LONGEST_FACT)))
    residents = details.get("containers")
    if isinstance(residents, list) and residents:
        count = details.get("container_count", len(residents))
        facts.append((f"Out of sight ({count})", cut(", ".join(map(str, residents)), LONGEST_LIST)))
    return tuple(facts)


def _excerpt(notice: Notice) -> str | None:
    text: Any = notice.alert.details.get("log_excerpt") if notice.kind is not Kind.RESOLVED else None
    return cut("\n".join(str(text).splitlines()[-EXCERPT_LINES:]), LONGEST_EXCERPT) if text else None


# --- what templates may use ------------------------------------------------------------------------------------------


def _values(notice: Notice, title: str, link: str, key: str) -> dict[str, str]:
    alert = notice.alert
    state = {Kind.FIRED: "firing", Kind.RESOLVED: "resolved", Kind.TEST: "test"}[notice.kind]
    return {
        "title": title,
        "message": alert.message,
        "entity": alert.entity_name,
        "severity": alert.severity.value,
        "status": state,
        "source": alert.source.value,
        "type": alert.alert_type,
        "group": alert.group or "",
        "host": alert.host or "",
        "since": alert.fired_at,
        "lasted": _lasted(notice) or "",
        "link": link,
        "delivery": key,
    }


def _summary(heads: Sequence[Notice], lines: Sequence[Line], title: str, link: str, key: str) -> dict[str, str]:
    """Return the values of the whole message: of the only alert, or of all together."""
    first = _values(heads[0], title, link, key)
    if len(heads) == 1:
        return first
    text = "\n".join(f"{line.mark} {line.text}" for line in lines)
    return {**first, "message": text, "entity": title, "type": "several"}


def cut(text: str, limit: int, size: Callable[[str], int] = len) -> str:
    """Return *text* within *limit* by *size*, with an ellipsis where something is missing; `-` when it is empty.

    Control characters are left out: nothing that is sent may move a cursor or turn a line around.
    """
    text = INVISIBLE.sub("", text) or "-"
    if size(text) <= limit:
        return text
    while text and size(text) + size("…") > limit:
        text = text[: max(0, len(text) * limit // (size(text) + size("…")) - 1)]
    return text + "…"


def in_bytes(text: str) -> int:
    return len(text.encode())


def in_utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
