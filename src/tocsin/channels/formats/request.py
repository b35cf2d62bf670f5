"""What formats share."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tocsin.channels.message import Line, Message
from tocsin.core.sending import Request

_encoder = msgspec.json.Encoder()


def as_json(url: str, headers: Mapping[str, str], value: Any) -> Request:
    return Request(url, {"Content-Type": "application/json", **headers}, _encoder.encode(value))


def plain_lines(message: Message, escape: Callable[[str], str] = str) -> list[str]:
    """Return the lines of a message as text, each escaped as its target wants it."""
    lines = [f"{line.mark} {escape(line.text)}{_note(line)}" for line in message.lines]
    return [*lines, f"and {message.more} more"] if message.more else lines


def _note(line: Line) -> str:
    notes = [f"lasted {line.after}"] if line.after else []
    notes += [line.when] if line.when else []
    return f" ({', '.join(notes)})" if notes else ""
