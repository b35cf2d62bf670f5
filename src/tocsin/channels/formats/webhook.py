"""The generic webhook: the whole alert as JSON, one or several.  Source: docs/notifications.md, webhook."""

from typing import Any

from tocsin.channels.formats.request import Request, as_json
from tocsin.channels.message import Message
from tocsin.channels.models import Channel, Notice
from tocsin.core.clock import wire


def generic(message: Message, channel: Channel) -> Request:
    """Return `{event, id, alert, timestamp}`; for several `{event: "alerts", notices: [{event, id, alert}, …], …}`."""
    timestamp = wire(message.sent_at)
    headers = {"X-Tocsin-Delivery": message.key, **channel.headers}
    if len(message.notices) == 1:
        body = {**_notice(message.notices[0]), "delivery": message.key, "timestamp": timestamp}
        return as_json(channel.url, headers, body)
    notices = [_notice(notice) for notice in message.notices]
    body = {"event": "alerts", "notices": notices, "delivery": message.key, "timestamp": timestamp}
    return as_json(channel.url, headers, body)


def _notice(notice: Notice) -> dict[str, Any]:
    return {"event": notice.kind.value, "id": f"notice-{notice.id}", "alert": notice.alert}
