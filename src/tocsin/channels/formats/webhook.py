"""The generic webhook: the whole alert as JSON, one or several.  Source: docs/notifications.md, webhook."""

from typing import Any

from tocsin.channels.formats.request import as_json
from tocsin.channels.message import Message
from tocsin.channels.models import Channel, Notice
from tocsin.channels.template import fill, json_text
from tocsin.core.clock import wire
from tocsin.core.sending import Request
from tocsin.core.signing import HEADER, sign


def generic(message: Message, channel: Channel) -> Request:
    """Return `{event, id, alert, timestamp}`; for several `{event: "alerts", notices: [{event, id, alert}, …], …}`.

    With a template it is the body; with a signing secret the exact bytes are signed.
    """
    headers = {"X-Tocsin-Delivery": message.key, **channel.headers}
    if channel.template:
        body = fill(channel.template, message.values, json_text).encode()
        request = Request(channel.url, {"Content-Type": "application/json", **headers}, body)
    else:
        request = as_json(channel.url, headers, _body(message))
    if not channel.signing_secret:
        return request
    return request._replace(headers={**request.headers, HEADER: sign(request.body, channel.signing_secret)})


def _body(message: Message) -> dict[str, Any]:
    timestamp = wire(message.sent_at)
    if len(message.notices) == 1:
        return {**_notice(message.notices[0]), "delivery": message.key, "timestamp": timestamp}
    notices = [_notice(notice) for notice in message.notices]
    return {"event": "alerts", "notices": notices, "delivery": message.key, "timestamp": timestamp}


def _notice(notice: Notice) -> dict[str, Any]:
    return {"event": notice.kind.value, "id": f"notice-{notice.id}", "alert": notice.alert}
