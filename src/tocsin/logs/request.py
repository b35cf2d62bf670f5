"""What a raw log request asks for: which containers, which lines, and from where on."""

import re
from typing import NamedTuple

from tocsin.core.errors import InvalidId, InvalidParam
from tocsin.http.asgi import Scope, header
from tocsin.logs.places import decode_places
from tocsin.logs.query import LogQuery, query_of, read_query
from tocsin.logs.reader import Position

MOST_IDS = 20
_PATH = re.compile(r"/api/v1/containers/(?:([^/]+)/)?logs/(?:stream|download)")
_ID = re.compile(r"[1-9]\d{0,17}")


class StreamRequest(NamedTuple):
    """`ids`, or all of one `group`; `places` are those that a returning client has reached."""

    ids: tuple[int, ...]
    group: str | None
    query: LogQuery
    places: dict[int, Position]

    @property
    def is_single(self) -> bool:
        return self.group is None and len(self.ids) == 1


def read_request(scope: Scope) -> StreamRequest:
    """Raises InvalidId, InvalidParam."""
    values = query_of(scope)
    ids, group = _containers(scope["path"], values.get("ids"), values.get("group"))
    query = read_query(values.get)
    given = header(scope, b"last-event-id") or values.get("last_event_id")
    places = decode_places(given, ids or None) if given else {}
    return StreamRequest(ids, group, query, places)


def _containers(path: str, ids: str | None, group: str | None) -> tuple[tuple[int, ...], str | None]:
    match = _PATH.fullmatch(path)
    own = match[1] if match is not None else ""
    if own is not None:
        if not _ID.fullmatch(own):
            raise InvalidId("The id must be a positive whole number", field="id")
        return (int(own),), None
    if ids:
        parts = [part.strip() for part in ids.split(",")]
        if len(parts) > MOST_IDS or not all(_ID.fullmatch(part) for part in parts):
            raise InvalidParam(f"ids must be 1 to {MOST_IDS} numbers of containers, separated by commas", field="ids")
        return tuple(dict.fromkeys(int(part) for part in parts)), None
    if not group:
        raise InvalidParam("Say which containers: ids=1,2,3 or group=name", field="ids")
    return (), group
