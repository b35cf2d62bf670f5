"""The typed route of the slice, and how the raw ones are described."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency

from tocsin.http import openapi
from tocsin.http.params import Moment, PathId, Switch, Text
from tocsin.http.peer import Peer
from tocsin.logs.models import LogExcerpt
from tocsin.logs.query import read_query
from tocsin.logs.reader import LogReader

AnyRequest = Request[Any, Any, Any]


@get("/api/v1/containers/{container_id:str}/logs", operation_id="getLogs", tags=["Containers"])
async def get_logs(
    container_id: PathId,
    log_reader: NamedDependency[LogReader],
    request: AnyRequest,
    peer: NamedDependency[Peer],
    lines: Text = None,
    since: Moment = None,
    until: Moment = None,
    search: Text = None,
    regex: Text = None,
    exclude: Text = None,
    stream: Text = None,
    level: Text = None,
    timestamps: Switch = None,
    details: Switch = None,
) -> LogExcerpt:
    """Return the last lines of a container's logs, oldest first: `lines` of them, 100 unless stated, at most 500.

    `search` is text, `regex` and `exclude` are RE2 patterns, `stream` is stdout or stderr, `level` a list such as
    `error,fatal`. When the engine has the container no longer, these are the last lines that were kept of it.
    """
    wanted = read_query(request.query_params.get)
    return await log_reader.tail(container_id, wanted, peer.address(request.scope))


ROUTES = (get_logs,)

_ID = {"name": "container_id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
_FILTERS = [
    openapi.query("since", "Only lines from this time on: RFC 3339, or unix seconds"),
    openapi.query("search", "Only lines with this text, whatever the case"),
    openapi.query("regex", "Only lines that this RE2 pattern matches"),
    openapi.query("exclude", "No lines that this RE2 pattern matches"),
    openapi.query("stream", "Only `stdout` or `stderr`"),
    openapi.query("level", "Only these levels, separated by commas: fatal, error, warn, info, debug, trace"),
]
_STREAM = [
    openapi.query("lines", "How many past lines first, 1 to 500", type="integer", minimum=1, default=100),
    openapi.query("last_event_id", "Resume after this event, where a header cannot be sent"),
    *_FILTERS,
]

STREAM = openapi.stream_operation(
    "StreamLogs",
    "Stream a container's logs: `container.log_line` for each line, `container.log_skipped` where it writes faster "
    "than can be shown, `container.log_error` at the end, with its reason.",
    [_ID, *_STREAM],
)
GROUP_STREAM = openapi.stream_operation(
    "StreamGroupLogs",
    "Stream the logs of up to 20 containers together, in order of time: those of `ids`, or those of one `group`.",
    [openapi.query("ids", "Numbers of containers, separated by commas"), openapi.query("group", "A group"), *_STREAM],
)
DOWNLOAD = openapi.text_operation(
    "DownloadLogs",
    "Download everything the engine has of a container's logs, or what the filters let through.",
    [
        _ID,
        *_FILTERS,
        openapi.query("until", "Only lines before this time"),
        openapi.query("timestamps", "true or false"),
    ],
)
