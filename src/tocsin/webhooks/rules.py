"""Which events a subscription gets, the bytes that are sent, and when it is paused. Pure.  Source: docs/webhooks.md."""

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from tocsin.core.clock import wire
from tocsin.core.errors import Invalid
from tocsin.core.events import Event, name_of
from tocsin.core.secrets import MASK
from tocsin.core.sending import Request
from tocsin.core.signing import HEADER, sign
from tocsin.webhooks.models import EVERYTHING, Webhook

OVERLAP = timedelta(hours=24)
MOST_FAILURES = 10
"""After so many events given up in a row a subscription is paused."""
CHAT_HOSTS = {
    "discord.com/api/webhooks": "discord",
    "discordapp.com/api/webhooks": "discord",
    "hooks.slack.com": "slack",
    "outlook.office.com/webhook": "teams",
    "outlook.office365.com/webhook": "teams",
}
WORD = re.compile(r"|v?[0-9]{1,3}|[a-z][a-z._-]{0,23}")
_NAMESPACE = uuid.UUID("5b0f6a0e-8f7a-4b54-9a53-6f2d3c1f7e10")
_encoder = msgspec.json.Encoder()


def known_types() -> list[str]:
    """Return every name an event can have, with `*` and the prefixes such as `alert.*` before them."""
    names = sorted(set(_names(Event)))
    prefixes = sorted({f"{name.partition('.')[0]}.*" for name in names})
    return [EVERYTHING, *prefixes, *names]


def _names(kind: type[Event]) -> list[str]:
    found = [name for below in kind.__subclasses__() for name in _names(below)]
    name = name_of(kind)
    return [*found, name] if "." in name else found


def check_types(wanted: Sequence[str]) -> tuple[str, ...]:
    """Return distinct event types.  Raises Invalid."""
    known = set(known_types())
    for name in wanted:
        if name not in known:
            shown = f"event_types: {name[:60]!r} is no event; see GET /api/v1/webhooks/event-types"
            raise Invalid(shown, field="event_types")
    return tuple(dict.fromkeys(wanted))


def check_url(url: str) -> None:
    """Raises Invalid: a chat platform would not understand a bare event."""
    place = url.partition("://")[2].lower()
    for beginning, kind in CHAT_HOSTS.items():
        if place.startswith(beginning):
            raise Invalid(f"url belongs to {kind.title()}: add a notification channel of type {kind}", field="url")


def wants(webhook: Webhook, event_type: str) -> bool:
    return any(
        one in {EVERYTHING, event_type} or (one.endswith(".*") and event_type.startswith(one[:-1]))
        for one in webhook.event_types
    )


def delivery_id(webhook_id: str, event_id: int) -> str:
    """Return the id of an event's delivery: the same whenever and by whichever process it is made."""
    return str(uuid.uuid5(_NAMESPACE, f"{webhook_id}/{event_id}"))


def request(webhook: Webhook, number: str, event_type: str, data: str | Mapping[str, Any], now: datetime) -> Request:
    """Return the signed request for one attempt. The body's `timestamp` is that of the attempt, its `id` stays."""
    timestamp = wire(now)
    raw = msgspec.Raw(data.encode()) if isinstance(data, str) else data
    body = _encoder.encode({"id": number, "type": event_type, "timestamp": timestamp, "data": raw})
    headers = {
        "Content-Type": "application/json",
        "X-Tocsin-Event": event_type,
        "X-Tocsin-Delivery": number,
        "X-Tocsin-Timestamp": timestamp,
    }
    secrets = [webhook.secret] if webhook.secret else []
    if webhook.previous_secret and webhook.overlap_until is not None and now < webhook.overlap_until:
        secrets.append(webhook.previous_secret)
    if secrets:
        headers[HEADER] = sign(body, *secrets)
    return Request(webhook.url, headers, body)


def masked(url: str) -> str:
    """Return *url* without what may be secret: values behind its question mark, parts of its path that are no words."""
    if not url:
        return MASK
    parts = urlsplit(url)
    query = [(name, MASK) for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    path = "/".join(part if WORD.fullmatch(part) else MASK for part in parts.path.split("/"))
    return urlunsplit(parts._replace(path=path, query=urlencode(query, safe="*"), fragment=""))


def sample(now: datetime) -> Mapping[str, Any]:
    return {"message": "This is a test: events reach you here", "sent_at": wire(now)}
