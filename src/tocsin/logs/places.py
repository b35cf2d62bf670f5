"""How far a client has read, as an event's id: `time/number` in one log, `container=time/number;…` in several."""

import re
from collections.abc import Mapping

from tocsin.core.errors import InvalidParam
from tocsin.logs.query import unix_of_stamp
from tocsin.logs.reader import Position

LONGEST = 4000
_PLACE = re.compile(r"(?:([1-9]\d{0,17})=)?([0-9T:.\-]{19,29}Z)(?:/(\d{1,6}))?")


def encode_places(places: Mapping[int, Position]) -> str:
    """Return the places in several logs as one line of text."""
    return ";".join(f"{number}={place.at}/{place.number}" for number, place in places.items())


def decode_places(text: str, ids: tuple[int, ...] | None) -> dict[int, Position]:
    """Return the places in *text*. A place without a container is that of the only one of *ids*.

    Raises InvalidParam: this was never an id of ours.
    """
    places: dict[int, Position] = {}
    for part in text.split(";") if len(text) <= LONGEST else [""]:
        match = _PLACE.fullmatch(part)
        if match is None or unix_of_stamp(match[2]) is None:
            raise InvalidParam("last_event_id must be the id of an event of this stream", field="last_event_id")
        if match[1] is not None:
            places[int(match[1])] = Position(match[2], int(match[3] or 0))
        elif ids is not None and len(ids) == 1:
            places[ids[0]] = Position(match[2], int(match[3] or 0))
    return places
