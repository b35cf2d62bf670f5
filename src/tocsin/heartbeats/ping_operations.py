"""What the OpenAPI document says about `/ping/…`, which is no route of the framework."""

from typing import Any

_UUID = {"name": "uuid", "in": "path", "required": True, "schema": {"type": "string"}}
_EXIT_CODE = {
    "name": "exit_code",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "minimum": 0, "maximum": 255},
}
_RUN_ID = {
    "name": "rid",
    "in": "query",
    "required": False,
    "description": "Tells runs apart that overlap",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9._:-]+$"},
}
_ANSWER = {
    "description": "The ping is on disk",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["ok"],
                "properties": {"ok": {"type": "boolean"}, "exit_code": {"type": "integer"}},
            }
        }
    },
}
_BODY = {
    "description": "Anything; what fits the limit is kept",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}
_NAMED = " `/ping/KEY/SLUG` in place of `/ping/UUID` says the same, with `?create=1` also for what is not there yet."
_KINDS = (
    ("/ping/{uuid}", "Ping", "The job is done, and all is well."),
    ("/ping/{uuid}/start", "PingStart", "The job begins: its run is timed."),
    ("/ping/{uuid}/fail", "PingFailure", "The job failed."),
    ("/ping/{uuid}/log", "PingLog", "Something to keep; nothing else follows from it."),
    ("/ping/{uuid}/{exit_code}", "PingExitCode", "The job ended with this exit code; anything but 0 is a failure."),
)


def operations() -> dict[str, Any]:
    """Return the paths; HEAD does what GET does."""
    return {path: {method: _operation(path, method, *texts) for method in ("get", "post")} for path, *texts in _KINDS}


def _operation(path: str, method: str, name: str, text: str) -> dict[str, Any]:
    body = {"requestBody": _BODY} if method == "post" else {}
    return {
        "operationId": f"{method}{name}",
        "summary": name,
        "description": text + _NAMED,
        "tags": ["Pings"],
        "parameters": [_UUID, *([_EXIT_CODE] if "exit_code" in path else []), _RUN_ID],
        "responses": {"200": _ANSWER},
        **body,
    }
