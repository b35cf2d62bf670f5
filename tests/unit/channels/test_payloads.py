"""Whatever an alert holds, each provider gets what it accepts."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from support import providers
from tocsin.channels.formats import FORMATS
from tocsin.channels.message import compose
from tocsin.channels.models import Channel, ChannelType, Kind, Notice
from tocsin.channels.views import test_notice as sample_notice
from tocsin.containers.models import Severity
from tocsin.core.clock import wire

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
CLOCK: Any = SimpleNamespace(now=lambda: NOW)
URLS = {
    ChannelType.TELEGRAM: "https://api.telegram.org/bot1:x/sendMessage?chat_id=-1001",
    ChannelType.GOTIFY: "https://push.example.org/message?token=app-token",
    ChannelType.PUSHOVER: "https://api.pushover.net/1/messages.json?token=app-token&user=user-key",
}
HOSTILE = (
    "",
    "x" * 100_000,
    "<!channel> <@U1> @everyone @here [a](http://evil) <b>&amp;</b> ``` ]]> **x** \\",
    "a\r\nBcc: eve\r\n\x00\x07\x1b[31m\u202e",
    "👩‍👩‍👧‍👦" * 3000,
    "&" * 5000,
    "```" * 2000,
)


def channel(kind: ChannelType) -> Channel:
    url = URLS.get(kind, "https://example.org/hook")
    return Channel(id=1, name="c", type=kind, url=url, enabled=True, created_at=NOW, updated_at=NOW)


def notice(number: int, kind: Kind, severity: Severity, text: str, cause_id: int | None = None) -> Notice:
    blank = sample_notice(channel(ChannelType.WEBHOOK), CLOCK)
    details = {"exit_code": 1, "error_detail": text, "image": text, "log_excerpt": text, "containers": [text] * 60}
    over = wire(NOW) if kind is Kind.RESOLVED else None
    alert = replace(
        blank.alert,
        id=number,
        message=text,
        entity_name=text,
        host=text,
        group=text,
        severity=severity,
        details=details,
        resolved_at=over,
    )
    return Notice(number, 1, number, kind, "", alert, cause_id)


def check(kind: ChannelType, notices: list[Notice]) -> None:
    request = FORMATS[kind](compose(notices, "key", "https://tocsin.example.org", NOW), channel(kind))
    getattr(providers, kind.value)(request.body, request.headers)


@pytest.mark.parametrize("kind", list(FORMATS))
@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("count", [1, 2, 30, 200])
def test_what_is_hostile_or_huge_is_still_accepted(kind: ChannelType, text: str, count: int):
    many = [
        notice(n, Kind.FIRED, Severity.CRITICAL, text, cause_id=1 if n % 2 == 0 else None) for n in range(1, count + 1)
    ]
    check(kind, many)
    check(kind, [notice(n, Kind.RESOLVED, Severity.INFO, text) for n in range(1, count + 1)])


@pytest.mark.parametrize("kind", list(FORMATS))
@given(
    st.lists(st.tuples(st.sampled_from([Kind.FIRED, Kind.RESOLVED]), st.sampled_from(Severity), st.text()), min_size=1)
)
@settings(max_examples=60, deadline=None)
def test_any_text_is_accepted(kind: ChannelType, news: list[tuple[Kind, Severity, str]]):
    check(kind, [notice(number, *one) for number, one in enumerate(news, start=1)])


def test_nothing_that_an_alert_holds_becomes_a_link_in_teams():
    message = compose([notice(1, Kind.FIRED, Severity.CRITICAL, "[a](https://evil) <b>")], "key", "https://t", NOW)
    card = json.loads(FORMATS[ChannelType.TEAMS](message, channel(ChannelType.TEAMS)).body)
    assert message.excerpt
    assert message.facts
    assert "](http" not in json.dumps(card)


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (timedelta(seconds=50), None),
        (timedelta(hours=3), "since 09:00 UTC"),
        (timedelta(hours=20), "since 2026-03-04 09:00 UTC"),
    ],
)
def test_what_arrives_late_says_since_when(later: timedelta, said: str | None):
    told = [notice(1, Kind.FIRED, Severity.CRITICAL, "web stopped")]
    message = compose(told, "key", "https://t", NOW, now=NOW + later)
    assert message.lines[0].when == said
    ended = compose([notice(1, Kind.RESOLVED, Severity.INFO, "web")], "key", "https://t", NOW, now=NOW + later)
    assert ended.lines[0].when == (said and said.replace("since", "until"))
    body = FORMATS[ChannelType.NTFY](message, channel(ChannelType.NTFY)).body.decode()
    assert (said in body) if said else ("since" not in body)
