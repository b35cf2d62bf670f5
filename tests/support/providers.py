"""What providers accept, as they publish it: each function complains about a request that would be refused.

Slack: Block Kit reference, section, context; incoming webhooks. Discord: webhook resource, execute; embed limits.
Teams: Workflows, post a card; Adaptive Cards 1.4 schema. Telegram: Bot API, sendMessage, HTML style. Gotify: API,
createMessage. Pushover: message API. ntfy: publishing, limitations.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

CARD_ELEMENTS = {
    "TextBlock": {"type", "text", "wrap", "weight", "size", "color", "fontType"},
    "FactSet": {"type", "facts"},
}
COLOURS = {"default", "dark", "light", "accent", "good", "warning", "attention"}
TELEGRAM_TAGS = {"b", "i", "u", "s", "a", "code", "pre"}


def slack(body: bytes, _: Mapping[str, str]) -> None:
    said = json.loads(body)
    assert set(said) <= {"text", "blocks"}
    assert 1 <= len(said["text"]) <= 40_000
    assert 1 <= len(said["blocks"]) <= 50
    for block in said["blocks"]:
        if block["type"] == "section":
            texts = [block["text"]]
        else:
            assert block["type"] == "context"
            assert 1 <= len(block["elements"]) <= 10
            texts = block["elements"]
        for text in texts:
            assert text["type"] in {"mrkdwn", "plain_text"}
            assert 1 <= len(text["text"]) <= 3000
            assert not re.search(r"<[!@#]", text["text"]), "a mention"


def discord(body: bytes, _: Mapping[str, str]) -> None:
    said = json.loads(body)
    assert said["allowed_mentions"] == {"parse": []}
    assert 1 <= len(said["embeds"]) <= 10
    total = 0
    for embed in said["embeds"]:
        assert 1 <= len(embed["title"]) <= 256
        assert 1 <= len(embed["description"]) <= 4096
        assert 0 <= embed["color"] <= 0xFFFFFF
        assert len(embed["fields"]) <= 25
        assert 1 <= len(embed["footer"]["text"]) <= 2048
        datetime.fromisoformat(embed["timestamp"])
        for field in embed["fields"]:
            assert 1 <= len(field["name"]) <= 256
            assert 1 <= len(field["value"]) <= 1024
            total += len(field["name"]) + len(field["value"])
        total += len(embed["title"]) + len(embed["description"]) + len(embed["footer"]["text"])
    assert total <= 6000, total


def teams(body: bytes, _: Mapping[str, str]) -> None:
    assert len(body) <= 28 * 1024
    said = json.loads(body)
    assert said["type"] == "message"
    (attachment,) = said["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    for element in card["body"]:
        assert set(element) <= CARD_ELEMENTS[element["type"]]
        if element["type"] == "TextBlock":
            assert element["text"]
            assert element.get("color", "default") in COLOURS
        else:
            assert all(fact["title"] and fact["value"] for fact in element["facts"])
    assert all(action["type"] == "Action.OpenUrl" and action["url"] for action in card["actions"])


class _Telegram(HTMLParser):
    """Reads what Telegram calls HTML: few tags, all closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TELEGRAM_TAGS
        assert not attrs
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def telegram(body: bytes, _: Mapping[str, str]) -> None:
    said = json.loads(body)
    assert said["chat_id"] == "-1001"
    assert said["parse_mode"] == "HTML"
    parser = _Telegram()
    parser.feed(said["text"])
    parser.close()
    assert parser.open == []
    assert 1 <= len(parser.text.encode("utf-16-le")) // 2 <= 4096  # Telegram counts UTF-16 units
    assert isinstance(said["link_preview_options"]["is_disabled"], bool)


def gotify(body: bytes, headers: Mapping[str, str]) -> None:
    said = json.loads(body)
    assert headers["X-Gotify-Key"] == "app-token"
    assert said["title"]
    assert said["message"]
    assert 0 <= said["priority"] <= 10
    assert said["extras"]["client::notification"]["click"]["url"].startswith("http")


def pushover(body: bytes, _: Mapping[str, str]) -> None:
    said = json.loads(body)
    assert (said["token"], said["user"]) == ("app-token", "user-key")
    assert 1 <= len(said["title"]) <= 250
    assert 1 <= len(said["message"]) <= 1024
    assert len(said["url"]) <= 512
    assert len(said["url_title"]) <= 100
    assert -2 <= said["priority"] <= 1, "2 would need retry and expire"
    assert isinstance(said["timestamp"], int)


def ntfy(body: bytes, headers: Mapping[str, str]) -> None:
    assert 1 <= len(body) <= 4096, "longer becomes a file"
    body.decode()
    for name in ("X-Title", "X-Priority", "X-Tags", "X-Click"):
        assert headers[name].isascii()
        assert headers[name].isprintable()
    assert 1 <= int(headers["X-Priority"]) <= 5


def webhook(body: bytes, headers: Mapping[str, str]) -> None:
    said: Any = json.loads(body)
    notices = said["notices"] if said["event"] == "alerts" else [said]
    assert notices
    assert said["delivery"] == headers["X-Tocsin-Delivery"]
    datetime.fromisoformat(said["timestamp"])
    for notice in notices:
        assert notice["event"] in {"alert.fired", "alert.resolved", "test"}
        assert re.fullmatch(r"notice-\d+", notice["id"])
        assert {"id", "severity", "status", "message", "details", "fired_at"} <= notice["alert"].keys()
