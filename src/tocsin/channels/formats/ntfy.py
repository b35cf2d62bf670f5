"""ntfy: plain text, title and priority in headers.  Source: docs.ntfy.sh, publishing."""

from tocsin.channels.formats.request import plain_lines
from tocsin.channels.message import Message, cut, in_bytes
from tocsin.channels.models import Channel
from tocsin.containers.models import Severity
from tocsin.core.sending import Request

LONGEST = 4000
PRIORITY = {Severity.CRITICAL: "5", Severity.WARNING: "4", Severity.INFO: "3", None: "3"}
TAGS = {Severity.CRITICAL: "rotating_light", Severity.WARNING: "warning", Severity.INFO: "information_source"}


def publish(message: Message, channel: Channel) -> Request:
    lines = plain_lines(message)
    lines += [f"{label}: {value}" for label, value in message.facts]
    lines += ["", message.excerpt] if message.excerpt else []
    tag = TAGS[message.severity] if message.severity is not None else "white_check_mark"
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "X-Priority": PRIORITY[message.severity],
        "X-Tags": tag,
        "X-Click": message.link,
        "X-Tocsin-Delivery": message.key,
        **channel.headers,
    }
    headers["X-Title"] = _ascii(cut(message.title, 200))
    return Request(channel.url, headers, cut("\n".join(lines), LONGEST, in_bytes).encode())


def _ascii(text: str) -> str:
    return " ".join(text.encode("ascii", "replace").decode("ascii").split())
