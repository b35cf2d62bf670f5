"""Telegram, Gotify and Pushover: short texts for phones.

Limits: Telegram 4,096 characters; Pushover title 250, message 1,024.  Sources: core.telegram.org/bots/api, sendMessage;
gotify.net/docs, push messages; pushover.net/api.
"""

import html
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from tocsin.channels.formats.request import as_json, plain_lines
from tocsin.channels.message import Message, cut, in_utf16
from tocsin.channels.models import Channel
from tocsin.containers.models import Severity
from tocsin.core.errors import Invalid
from tocsin.core.sending import Request

GOTIFY_PRIORITY = {Severity.CRITICAL: 8, Severity.WARNING: 5, Severity.INFO: 2, None: 4}
PUSHOVER_PRIORITY = {Severity.CRITICAL: 1, Severity.WARNING: 0, Severity.INFO: -1, None: -1}
LONGEST_TEXT, LONGEST_EXCERPT = 2500, 1000


def telegram(message: Message, channel: Channel) -> Request:
    """Expects `https://api.telegram.org/bot<token>/sendMessage?chat_id=<chat>`; the chat goes into the body."""
    url, query = split_query(channel.url)
    text = f"<b>{_html(cut(message.title, 200, in_utf16))}</b>\n{_html(cut(_body(message), LONGEST_TEXT, in_utf16))}"
    if message.excerpt:
        text += f"\n<pre>{_html(cut(message.excerpt, LONGEST_EXCERPT, in_utf16))}</pre>"
    body: dict[str, Any] = {"chat_id": query.get("chat_id", ""), "text": text, "parse_mode": "HTML"}
    body |= {"link_preview_options": {"is_disabled": True}, "disable_notification": message.is_over}
    return as_json(url, channel.headers, body)


def gotify(message: Message, channel: Channel) -> Request:
    """Expects `https://server/message?token=<application token>`; the token goes into a header."""
    url, query = split_query(channel.url)
    text = cut(_body(message) + (f"\n\n{message.excerpt}" if message.excerpt else ""), 8000)
    body = {
        "title": cut(message.title, 200),
        "message": text,
        "priority": GOTIFY_PRIORITY[message.severity],
        "extras": {"client::notification": {"click": {"url": message.link}}},
    }
    return as_json(url, {"X-Gotify-Key": query.get("token", ""), **channel.headers}, body)


def pushover(message: Message, channel: Channel) -> Request:
    """Expects `https://api.pushover.net/1/messages.json?token=<application>&user=<user>`; both go into the body."""
    url, query = split_query(channel.url)
    body = {
        "token": query.get("token", ""),
        "user": query.get("user", ""),
        "title": cut(message.title, 250),
        "message": cut(_body(message), 1024),
        "priority": PUSHOVER_PRIORITY[message.severity],
        "timestamp": int(message.sent_at.timestamp()),
        **({"url": message.link, "url_title": "Tocsin"} if len(message.link) <= 512 else {}),
    }
    return as_json(url, channel.headers, body)


QUERY = {"telegram": ("chat_id",), "gotify": ("token",), "pushover": ("token", "user")}
"""What the URL of each type has to hold behind its question mark."""


def check_query(kind: str, url: str) -> None:
    """Raises Invalid: something is missing from the URL."""
    _, query = split_query(url)
    for name in QUERY.get(kind, ()):
        if not query.get(name):
            raise Invalid(f"url must end in ?{'&'.join(f'{one}=…' for one in QUERY[kind])} for {kind}", field="url")


def split_query(url: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="", fragment="")), {k: v[0] for k, v in parse_qs(parts.query).items()}


def _body(message: Message) -> str:
    return "\n".join([*plain_lines(message), *(f"{label}: {value}" for label, value in message.facts)])


def _html(text: str) -> str:
    return html.escape(text, quote=False)
