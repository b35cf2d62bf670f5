"""OpenAPI 3.1 out of the routes and structs, with our own error envelope on every route."""

from typing import Any

from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from tocsin import __version__
from tocsin.http.access import is_open, is_public

ERROR = {"$ref": "#/components/schemas/ErrorEnvelope"}
_ERRORS = {
    "400": "The request cannot be understood; `field` names what is wrong",
    "401": "No credentials, or credentials that do not hold",
    "403": "Not with this role, host or origin",
    "404": "There is no such thing",
    "409": "Not in its present state",
    "413": "The body is too large",
    "415": "The body is not application/json",
    "429": "Too much at once; see Retry-After",
    "502": "An engine cannot be reached",
    "503": "It took too long, or the storage refuses",
}


def config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Tocsin",
        version=__version__,
        description="Watches everything you run, and rings when it breaks.",
        path="/unreachable",  # the document is served by ourselves, finished; nothing routes there
        render_plugins=[],
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "token": SecurityScheme(type="http", scheme="bearer"),
                "session": SecurityScheme(type="apiKey", name="tocsin_session", security_scheme_in="cookie"),
            }
        ),
    )


def finish(document: dict[str, Any], streams: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the raw routes in it, error answers replaced by our envelope, security stated."""
    document["paths"] = dict(sorted({**document["paths"], **streams}.items()))
    schemas = document["components"].setdefault("schemas", {})
    schemas["ErrorEnvelope"] = {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "field": {"type": "string"},
                    "request_id": {"type": "string"},
                },
            }
        },
    }
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _finish_operation(method.upper(), path, operation)
    return document


def _finish_operation(method: str, path: str, operation: dict[str, Any]) -> None:
    public = is_public(method, path) or is_open(path)
    operation["security"] = [] if public else [{"token": []}, {"session": []}]
    answers = operation["responses"]
    answers.pop("400", None)
    answers.get("204", {}).pop("content", None)  # no body, whatever the handler's annotation
    wanted = ["400", "403", "429", "503"] + ([] if public else ["401"])
    wanted += ["404"] if "{" in path else []
    wanted += ["409"] if method not in {"GET", "HEAD"} else []
    wanted += ["413", "415"] if "requestBody" in operation else []
    wanted += ["401"] if path.endswith("/login") else []
    wanted += ["502"] if "/logs" in path else []
    for status in wanted:
        answers[status] = {"description": _ERRORS[status], "content": {"application/json": {"schema": ERROR}}}
    operation["responses"] = dict(sorted(answers.items()))


def stream_operation(summary: str, description: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the document's entry for a raw stream route."""
    answer = "Server-sent events, for as long as somebody listens"
    return _raw_operation(summary, description, parameters, answer, "text/event-stream")


def text_operation(summary: str, description: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the document's entry for a raw route that sends a text file."""
    return _raw_operation(summary, description, parameters, "A text file", "text/plain")


def _raw_operation(
    summary: str, description: str, parameters: list[dict[str, Any]], answer: str, content_type: str
) -> dict[str, Any]:
    content = {content_type: {"schema": {"type": "string"}}}
    responses = {"200": {"description": answer, "content": content}}
    return {"get": {"summary": summary, "description": description, "parameters": parameters, "responses": responses}}


def query(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema or {"type": "string"},
    }
