"""What is asked of logs, from the query of a request.  Source: docs/spec/logs.md, parameters."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import parse_qsl

from tocsin.core.clock import to_ms
from tocsin.core.errors import InvalidParam
from tocsin.http.asgi import Scope
from tocsin.http.params import moment, switch
from tocsin.logs.filters import LogFilter, read_filter

MOST_LINES = 500
DEFAULT_LINES = 100
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")

Value = Callable[[str], str | None]


class LogQuery(NamedTuple):
    """Which lines are wanted: at most `lines` of them, the newest, between two unix times (`seconds.nanoseconds`)."""

    lines: int = DEFAULT_LINES
    since: str | None = None
    until: str | None = None
    timestamps: bool = False
    details: bool = False
    filter: LogFilter = LogFilter()


def query_of(scope: Scope) -> Mapping[str, str]:
    """Return the query of a raw request.  Raises InvalidParam: it is not UTF-8."""
    try:
        return dict(parse_qsl(scope.get("query_string", b"").decode("ascii"), keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError:
        raise InvalidParam("The query is not UTF-8 text") from None


def read_query(value: Value) -> LogQuery:
    """Return the query whose parameters *value* gives by name.  Raises InvalidParam."""
    if value("container"):
        raise InvalidParam(
            "container names a part of a Kubernetes workload; this container has no parts", field="container"
        )
    return LogQuery(
        lines=read_lines(value("lines")),
        since=_unix_of("since", value("since")),
        until=_unix_of("until", value("until")),
        timestamps=switch("timestamps", value("timestamps")),
        details=switch("details", value("details")),
        filter=read_filter(value),
    )


def read_lines(text: str | None) -> int:
    """Return how many lines are wanted, at most 500.  Raises InvalidParam."""
    if text is None:
        return DEFAULT_LINES
    if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
        raise InvalidParam("lines must be a whole number from 1 to 500", field="lines")
    return min(int(text[:9]), MOST_LINES)


def _unix_of(name: str, text: str | None) -> str | None:
    """Return *text* as unix time; a line's own timestamp keeps its nanoseconds."""
    if not text:
        return None
    return unix_of_stamp(text) or unix(moment(name, text))


def unix(at: datetime | None) -> str | None:
    if at is None:
        return None
    milliseconds = max(0, to_ms(at))
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}000000"


def unix_of_stamp(stamp: str) -> str | None:
    """Return `seconds.nanoseconds` of a line's timestamp, None for what is none."""
    match = _STAMP.fullmatch(stamp)
    if match is None:
        return None
    try:
        seconds = int(datetime.fromisoformat(f"{match[1]}+00:00").timestamp())
    except ValueError:
        return None
    return f"{max(0, seconds)}.{match[2] or '0':0<9}"


def before(stamp: str, other: str) -> bool:
    """Compare two timestamps of lines. Engines cut zeros at the end, so the Z has to go first."""
    return stamp.removesuffix("Z") < other.removesuffix("Z")
