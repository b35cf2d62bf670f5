"""Facts: frozen, typed, in the past tense. `type` is written once, as the tag, and travels inside the data."""

from typing import ClassVar

import msgspec

from tocsin.core.clock import Instant


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Something that happened. Subclasses give `tag="slice.fact"`, its name on the wire."""

    spread: ClassVar[str | None] = None
    timestamp: Instant


class Frame(msgspec.Struct, frozen=True):
    """One event as the hub carries it. `id` is its journal number, None for what is never journalled."""

    id: int | None
    type: str
    data: bytes


_encoder = msgspec.json.Encoder()


def name_of(event: type[Event] | Event) -> str:
    """Return the wire name, such as `container.state_changed`."""
    return str(event.__struct_config__.tag)


def encode(event: Event) -> bytes:
    """Return the JSON of *event*; the object in its `spread` field, if it names one, is laid out flat."""
    if event.spread is None:
        return _encoder.encode(event)
    fields = msgspec.to_builtins(event)
    return _encoder.encode({**fields.pop(event.spread), **fields})


def volatile(event: Event) -> Frame:
    """Return *event* as a frame that is streamed and never journalled (no id, no replay)."""
    return Frame(None, name_of(event), encode(event))
