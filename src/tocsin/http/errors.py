"""The one place where failures become answers: `{"error": {"code", "message", "field"?, "request_id"?}}`."""

import re
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.exceptions import NotFoundException as RouteNotFoundException
from litestar.exceptions.http_exceptions import MethodNotAllowedException

from tocsin.core import errors
from tocsin.core.errors import AppError
from tocsin.http.asgi import Headers, Scope, Send, respond

log = structlog.get_logger(__name__)

STATUS: dict[type[AppError], int] = {
    errors.Invalid: 400,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.RateLimited: 429,
    errors.Unavailable: 502,
    errors.Overloaded: 503,
}


class RouteNotFound(errors.NotFound):
    code = "route_not_found"


class MethodNotAllowed(AppError):
    code = "method_not_allowed"


STATUS[MethodNotAllowed] = 405


class ErrorDetail(msgspec.Struct, omit_defaults=True):
    """`code` is for programs, `message` for people; `field` names the input at fault."""

    code: str
    message: str
    field: str | None = None
    request_id: str | None = None


class ErrorEnvelope(msgspec.Struct):
    """Every answer that is not a success."""

    error: ErrorDetail


def status_of(exc: AppError) -> int:
    """Return the status of the nearest kind among the classes of *exc*."""
    return next((STATUS[kind] for kind in type(exc).__mro__ if kind in STATUS), 404 if exc.code == "not_found" else 500)


def envelope(exc: AppError, request_id: str | None) -> bytes:
    return msgspec.json.encode(ErrorEnvelope(ErrorDetail(exc.code, exc.message, exc.field, request_id))) + b"\n"


def headers_of(exc: AppError) -> Headers:
    if isinstance(exc, errors.RateLimited):
        return [(b"retry-after", b"%d" % exc.retry_after_seconds)]
    if isinstance(exc, errors.Unauthorized):
        return [(b"www-authenticate", b"Bearer")]
    return []


async def refuse(scope: Scope, send: Send, exc: AppError, headers: Headers | None = None) -> None:
    """Answer a raw ASGI request with *exc*."""
    body = envelope(exc, scope.get("state", {}).get("request_id"))
    if scope.get("method") == "HEAD":
        body = b""
    await respond(send, status_of(exc), body, "application/json", [*headers_of(exc), *(headers or [])])


def answer(request: Request[Any, Any, Any], exc: Exception) -> Response[bytes]:
    """Litestar's handler for everything that is raised in a route."""
    error = translate(exc)
    headers = {key.decode(): value.decode() for key, value in headers_of(error)}
    if isinstance(exc, HTTPException) and exc.headers and "Allow" in exc.headers:
        headers["Allow"] = exc.headers["Allow"]
    body = envelope(error, request.scope["state"].get("request_id"))
    return Response(body, status_code=status_of(error), media_type="application/json", headers=headers)


def translate(exc: Exception) -> AppError:
    """Return *exc* as one of ours. What we do not know is a bug: logged in full, told in one word."""
    match exc:
        case AppError():
            return exc
        case ValidationException():
            return _invalid(exc)
        case MethodNotAllowedException():
            return MethodNotAllowed("This route does not answer to that method")
        case RouteNotFoundException():
            return RouteNotFound("There is no such route")
        case HTTPException() if 400 <= exc.status_code < 500:
            return errors.Invalid("The request cannot be understood")
    log.error("request failed", exc_info=exc)
    return AppError("Something went wrong on our side; the log has the details")


def _invalid(exc: ValidationException) -> AppError:
    """Say which parameter Litestar refused; a path parameter is always an id here."""
    extra = exc.extra[0] if isinstance(exc.extra, list) and exc.extra else {}
    source, key = extra.get("source"), extra.get("key")
    reason = re.sub(r" - at `.*`$", "", str(extra.get("message", ""))) or "it has a value that is not allowed"
    if source == "path":
        return errors.InvalidId("The id must be a positive whole number", field=key)
    if source == "query":
        return errors.InvalidParam(f"The parameter {key} cannot be used: {reason}", field=key)
    if source == "body" or key == "data":
        return errors.InvalidJson("The request needs a JSON body")
    return errors.Invalid(f"{key or 'The request'}: {reason}", field=key)
