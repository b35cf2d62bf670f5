"""Slack, Discord and Teams: rich messages within each provider's limits, with nothing in them that pings or links.

Limits: Slack section text 3,000 characters; Discord title 256, description 4,096, field
value 1,024, all together 6,000; Teams 28 KB.
"""

import re
from typing import Any

from tocsin.channels.formats.request import as_json, plain_lines
from tocsin.channels.message import Message, cut, in_utf16
from tocsin.channels.models import Channel
from tocsin.containers.models import Severity
from tocsin.core.clock import wire
from tocsin.core.sending import Request

COLOURS = {Severity.CRITICAL: 0xEF4444, Severity.WARNING: 0xF59E0B, Severity.INFO: 0x3B82F6, None: 0x22C55E}
TEAMS_COLOURS = {Severity.CRITICAL: "attention", Severity.WARNING: "warning", Severity.INFO: "accent", None: "good"}
MARKDOWN = re.compile(r"([\\`*_~|>\[\]()#@:-])")
DISCORD_IN_ALL = 5800
TEAMS_BYTES = 27_000
ZERO_WIDTH = "\u200b"


# --- Slack: Block Kit ------------------------------------------------------------------------------------------------


def slack(message: Message, channel: Channel) -> Request:
    body = "\n".join(plain_lines(message, _slack_text))
    blocks = [
        _slack_section(f"*{_slack_text(cut(message.title, 200))}*\n{body}"),
        *([_slack_section("\n".join(f"*{k}:* {_slack_text(v)}" for k, v in message.facts))] if message.facts else []),
        *([_slack_section(f"```{_slack_text(message.excerpt).replace('`', 'ˋ')}```")] if message.excerpt else []),
        {"type": "context", "elements": [{"type": "mrkdwn", "text": f"<{message.link}|Tocsin> · {message.key}"}]},
    ]
    fallback = f"{message.title}: {message.lines[0].text}"
    return as_json(channel.url, channel.headers, {"text": cut(_slack_text(fallback), 3000), "blocks": blocks})


def _slack_section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, 3000)}}


def _slack_text(text: str) -> str:
    """Escape what Slack reads as markup: a name can neither link nor mention.  Source: Slack, formatting text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# --- Discord: one embed ----------------------------------------------------------------------------------------------


def discord(message: Message, channel: Channel) -> Request:
    fields = [
        {"name": cut(label, 256), "value": cut(_discord_text(value), 500, in_utf16), "inline": len(value) < 40}
        for label, value in message.facts
    ]
    room = DISCORD_IN_ALL - 256 - sum(in_utf16(str(text)) for field in fields for text in field.values())
    text = "\n".join(plain_lines(message, _discord_text)) + _fenced(message.excerpt)
    embed = {
        "title": cut(_discord_text(message.title), 256, in_utf16),
        "url": message.link,
        "description": cut(text, min(4096, room), in_utf16),
        "color": COLOURS[message.severity],
        "timestamp": wire(message.sent_at),
        "footer": {"text": f"Tocsin · {message.key}"},
        "fields": fields,
    }
    return as_json(channel.url, channel.headers, {"embeds": [embed], "allowed_mentions": {"parse": []}})


def _discord_text(text: str) -> str:
    return MARKDOWN.sub(r"\\\1", text) or "-"


def _fenced(excerpt: str | None) -> str:
    if not excerpt:
        return ""
    return "\n```\n" + cut(excerpt.replace("```", f"`{ZERO_WIDTH}``"), 1500) + "\n```"


# --- Teams: an Adaptive Card for a Workflows URL ---------------------------------------------------------------------


def teams(message: Message, channel: Channel) -> Request:
    """Return the card, with shorter texts where it would be too large."""
    for share in (1, 2, 4, 8):
        request = _teams(message, channel, share)
        if len(request.body) <= TEAMS_BYTES:
            break
    return request


def _teams(message: Message, channel: Channel, share: int) -> Request:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {
                "type": "TextBlock",
                "text": cut(_teams_text(message.title), 200),
                "weight": "bolder",
                "size": "medium",
                "wrap": True,
                "color": TEAMS_COLOURS[message.severity],
            },
            *(
                {"type": "TextBlock", "text": cut(line, 1000 // share), "wrap": True}
                for line in plain_lines(message, _teams_text)
            ),
            *(
                [{"type": "FactSet", "facts": [_fact(k, v, 500 // share) for k, v in message.facts]}]
                if message.facts
                else []
            ),
            *(
                [
                    {
                        "type": "TextBlock",
                        "text": cut(_teams_text(message.excerpt), 4000 // share),
                        "wrap": True,
                        "fontType": "monospace",
                    }
                ]
                if message.excerpt
                else []
            ),
        ],
        "actions": [{"type": "Action.OpenUrl", "title": "Tocsin", "url": message.link}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return as_json(channel.url, channel.headers, {"type": "message", "attachments": [attachment]})


def _fact(label: str, value: str, limit: int) -> dict[str, str]:
    return {"title": label, "value": cut(_teams_text(value), limit)}


def _teams_text(text: str) -> str:
    return MARKDOWN.sub(r"\\\1", text) or "-"
