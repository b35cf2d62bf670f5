"""The outermost layer: request id, access log, security headers, time budget, and the last net under everything."""

import asyncio
import random
import re
import time
from collections.abc import Callable

import structlog

from tocsin.core.errors import AppError, Overloaded
from tocsin.http.asgi import App, Message, Receive, Scope, Send, header
from tocsin.http.errors import refuse, translate

log = structlog.get_logger("tocsin.http")

BUDGET_S = 10.0
PATIENT_S = 135.0
PATIENT = re.compile(r"/api/v1/(endpoints/try|(endpoints|certificates)/\d+/check)/?")
"""What waits for somebody else's answer: twice the longest timeout of a check, and a pause."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_STREAM = re.compile(r"/api/v1/containers/(?:events|[^/]+/logs/stream)")
_COMMON = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'{style}; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)
PAGE_POLICY = _POLICY.format(style="").encode()
DOCS_POLICY = _POLICY.format(style=" 'unsafe-inline'").encode()
API_POLICY = b"default-src 'none'; frame-ancestors 'none'"
Observe = Callable[[str, str, int, float], None]


def is_stream(path: str) -> bool:
    """Say whether *path* answers for as long as somebody listens: it has no time budget."""
    return _STREAM.fullmatch(path) is not None


def new_request_id() -> str:
    return f"{random.getrandbits(64):016x}"


class Edge:
    """Wraps the whole application. *observe(method, path, status, seconds)* feeds the metrics."""

    def __init__(self, app: App, observe: Observe) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = header(scope, b"x-request-id") or ""
        request_id = given if _REQUEST_ID.fullmatch(given) else new_request_id()
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started, answer = time.perf_counter(), _Answer(scope, send, request_id)
        try:
            await self._within_budget(scope, receive, answer)
        except TimeoutError:
            await self._fail(scope, answer, Overloaded("The answer took too long; try again"))
        except Exception as exc:  # broad on purpose: the last net
            await self._fail(scope, answer, translate(exc))
        finally:
            seconds = time.perf_counter() - started
            self._observe(scope["method"], scope["path"], answer.status, seconds)
            log.debug(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=answer.status,
                duration_ms=round(seconds * 1000, 1),
            )
            structlog.contextvars.unbind_contextvars("request_id")

    async def _within_budget(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        if is_stream(scope["path"]):
            await self._app(scope, receive, answer.send)
            return
        async with asyncio.timeout(PATIENT_S if PATIENT.fullmatch(scope["path"]) else BUDGET_S):
            await self._app(scope, receive, answer.send)

    async def _fail(self, scope: Scope, answer: "_Answer", exc: AppError) -> None:
        """Tell *exc* if the answer has not begun; otherwise cut the connection, for half an answer is a lie."""
        if not answer.status:
            await refuse(scope, answer.send, exc)
            return
        abort = scope.get("extensions", {}).get("tocsin.abort")
        if abort is not None:
            abort()


class _Answer:
    """Adds the headers every answer carries, and remembers the status."""

    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self._send = send
        self._path: str = scope["path"]
        self._request_id = request_id.encode()
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message["headers"])
            names = {name.lower() for name, _ in headers}
            headers += [(b"x-request-id", self._request_id), *_COMMON]
            headers.append((b"content-security-policy", self._policy()))
            if b"cache-control" not in names:
                headers.append((b"cache-control", b"no-store"))
            message["headers"] = headers
        await self._send(message)

    def _policy(self) -> bytes:
        if self._path == "/api/docs" or self._path.startswith("/api/docs/"):
            return DOCS_POLICY
        return API_POLICY if self._path.startswith("/api/") or self._path == "/metrics" else PAGE_POLICY
