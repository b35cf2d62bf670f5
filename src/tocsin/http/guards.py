"""What a request must look like before anybody reads it: a host that is ours, an origin that is ours, a sane body."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from tocsin.core.errors import AppError, Forbidden, Invalid, InvalidJson, TooLarge, UnsupportedMediaType
from tocsin.http.asgi import SAFE_METHODS, App, Headers, Message, Receive, Scope, Send, header, respond
from tocsin.http.errors import refuse

DEEPEST_JSON = 32
_IP_LITERAL = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_JSON = re.compile(r"application/json\s*(;\s*charset=\"?utf-8\"?\s*)?", re.IGNORECASE)


def host_of(netloc: str) -> str:
    """Return the host in `host:port`, in lower case, without the trailing dot of a full name."""
    host = netloc.rpartition(":")[0] if re.search(r":\d*$", netloc) else netloc
    return host.lower().rstrip(".")


class HostGuard:
    """Refuses host names that are not ours: a foreign name that points here must not read anything (DNS rebinding)."""

    def __init__(self, app: App, names: Sequence[str]) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names) | {"localhost"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = host_of(header(scope, b"host") or "")
        if host in self._names or host.endswith(".localhost") or _IP_LITERAL.fullmatch(host):
            await self._app(scope, receive, send)
            return
        message = "Tocsin does not answer to this host name; add it to TOCSIN_ALLOWED_HOSTS or set TOCSIN_BASE_URL"
        await refuse(scope, send, Forbidden(message, field="Host"))


class OriginGuard:
    """Refuses changes that another site's page asks for, and answers real preflights for origins that are allowed."""

    def __init__(self, app: App, base_url: str, allowed: Sequence[str]) -> None:
        self._app = app
        self._own = _origin(base_url)
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = header(scope, b"origin")
        foreign = origin is not None and origin != "null" and not self._is_own(scope, origin)
        shared = foreign and origin is not None and (origin.lower() in self._allowed or "*" in self._allowed)
        if scope["method"] == "OPTIONS" and origin and header(scope, b"access-control-request-method"):
            await self._preflight(scope, send, origin, shared=shared)
            return
        if scope["method"] not in SAFE_METHODS:
            refusal = self._refusal(scope, origin, foreign=foreign, shared=shared)
            if refusal is not None:
                await refuse(scope, send, refusal)
                return
        await self._app(scope, receive, self._with_cors(send, origin, shared=shared) if self._allowed else send)

    def _refusal(self, scope: Scope, origin: str | None, *, foreign: bool, shared: bool) -> AppError | None:
        if shared and header(scope, b"authorization"):
            return None  # a token was sent on purpose; a cookie would have come along by itself
        site = header(scope, b"sec-fetch-site")
        if origin == "null" or foreign or site not in {None, "same-origin", "none"}:
            return Forbidden("Changes asked for by the page of another site are refused", field="Origin")
        return None

    async def _preflight(self, scope: Scope, send: Send, origin: str, *, shared: bool) -> None:
        headers: Headers = [(b"vary", b"Origin")]
        if shared:
            headers += self._allow(origin)
            headers.append((b"access-control-allow-methods", b"GET, POST, PUT, DELETE, OPTIONS"))
            headers.append((b"access-control-allow-headers", b"Content-Type, Authorization"))
        await respond(send, 204, b"", "text/plain", headers)

    def _with_cors(self, send: Send, origin: str | None, *, shared: bool) -> Send:
        extra: Headers = [(b"vary", b"Origin"), *(self._allow(origin) if shared and origin else [])]

        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        return send_with_cors

    def _allow(self, origin: str) -> Headers:
        value = "*" if "*" in self._allowed else origin
        return [(b"access-control-allow-origin", value.encode("latin-1"))]

    def _is_own(self, scope: Scope, origin: str) -> bool:
        return origin == self._own or urlsplit(origin).netloc.lower() == (header(scope, b"host") or "").lower()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class BodyGate:
    """Reads the whole body within its limit and lets through only what can be JSON."""

    def __init__(self, app: App, limit_bytes: int) -> None:
        self._app = app
        self._limit = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if header(scope, b"content-length") in {None, "0"} and header(scope, b"transfer-encoding") is None:
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(scope, receive)
            if scope["method"] not in SAFE_METHODS and body:
                check_body(body, header(scope, b"content-type"))
        except AppError as exc:
            await refuse(scope, send, exc, [(b"connection", b"close")])
            return
        replayed = False

        async def receive_again() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive_again, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        length = header(scope, b"content-length") or "0"
        if length.isdigit() and int(length[:20]) > self._limit:
            raise TooLarge(f"The body is larger than {self._limit} bytes")
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._limit:
                raise TooLarge(f"The body is larger than {self._limit} bytes")
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                return bytes(body)


def check_body(body: bytes, content_type: str | None) -> None:
    """Raises UnsupportedMediaType, InvalidJson, Invalid: this body cannot be what a route asks for."""
    if content_type is None or not _JSON.fullmatch(content_type):
        raise UnsupportedMediaType("The body must be application/json", field="Content-Type")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidJson("The body is not UTF-8 text") from None
    if b"\\u0000" in body and _NUL.search(body):
        raise Invalid("Text must not contain the NUL character")
    if body.count(b"[") + body.count(b"{") > DEEPEST_JSON and _depth(body) > DEEPEST_JSON:
        raise InvalidJson(f"The body is nested deeper than {DEEPEST_JSON} levels")


def _depth(body: bytes) -> int:
    depth = deepest = 0
    for bracket in re.findall(rb"[\[\]{}]", _STRING.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest
