"""Facts: frozen, typed, in the past tense. `type` is written once, as the tag, and travels inside the data."""

import msgspec

from tocsin.core.clock import Instant


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Something that happened. Subclasses give `tag="slice.fact"`, its name on the wire."""

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
    return _encoder.encode(event)


def volatile(event: Event) -> Frame:
    """Return *event* as a frame that is streamed and never journalled (no id, no replay)."""
    return Frame(None, name_of(event), encode(event))
