"""`/ping/…` for everybody: no account, no cookie, no JSON needed; the URL is the secret.

The paths are those of Healthchecks: a client of it works with another base URL.
Source: docs/spec/heartbeats.md, pings.
"""

import asyncio
import re
from codecs import getincrementaldecoder
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qs

from tocsin.core.errors import Invalid, NotFound, Overloaded
from tocsin.heartbeats.intake import UNKNOWN, Intake, Taken, Target
from tocsin.heartbeats.models import InvalidExitCode, Ping, PingType
from tocsin.heartbeats.wishes import LONGEST_SLUG, SLUG
from tocsin.http.asgi import Headers, Receive, Scope, Send, header, respond
from tocsin.http.edge import BUDGET_S, new_request_id
from tocsin.http.errors import MethodNotAllowed, refuse, translate

METHODS = frozenset({"GET", "HEAD", "POST"})
MOST_DRAINED_BYTES = 1 << 20
LONGEST_AGENT = 200
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RUN_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_CODE = re.compile(r"[0-9]{1,3}")
_WORDS = {"start": PingType.START, "fail": PingType.FAIL, "log": PingType.LOG}


class Request(NamedTuple):
    """What the address of a ping says."""

    target: Target
    type: PingType
    exit_code: int | None
    run_id: str | None


def parse(path: str, query: str) -> Request:
    """Return what a ping URL says.  Raises InvalidExitCode, Invalid, NotFound."""
    parts = path.removeprefix("/ping").strip("/").split("/")
    by_uuid = _UUID.fullmatch(parts[0]) is not None
    rest = parts[1:] if by_uuid else parts[2:]
    if len(rest) > 1 or (not by_uuid and len(parts) < 2):
        raise NotFound(UNKNOWN)
    kind, exit_code = _action(rest[0]) if rest else (PingType.SUCCESS, None)
    asked = parse_qs(query, keep_blank_values=True) if query else {}
    run_id = asked.get("rid", [""])[-1] or None
    if run_id is not None and not _RUN_ID.fullmatch(run_id):
        raise Invalid("rid must be 1 to 64 letters, digits and . _ : -, such as a UUID", field="rid")
    if by_uuid:
        return Request(Target(uuid=parts[0]), kind, exit_code, run_id)
    if not SLUG.fullmatch(parts[1]) or len(parts[1]) > LONGEST_SLUG:
        raise NotFound(UNKNOWN)
    create = asked.get("create", ["0"])[-1] == "1"
    return Request(Target(key=parts[0], slug=parts[1], create=create), kind, exit_code, run_id)


def _action(word: str) -> tuple[PingType, int | None]:
    if word in _WORDS:
        return _WORDS[word], None
    if not _CODE.fullmatch(word) or int(word) > 255:
        raise InvalidExitCode("The exit code must be a whole number from 0 to 255", field="exit_code")
    return PingType.EXIT_CODE, int(word)


class PingRoutes:
    """A raw ASGI application. *address* says who is calling; bodies are kept up to *limit* bytes."""

    def __init__(self, intake: Intake, address: Callable[[Scope], str], limit: int) -> None:
        self._intake = intake
        self._address = address
        self._limit = limit
        self._headers: Headers = [
            (b"access-control-allow-origin", b"*"),
            (b"cache-control", b"no-store"),
            (b"ping-body-limit", b"%d" % limit),
            (b"x-content-type-options", b"nosniff"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(BUDGET_S):
                said, taken = await self._take(scope, receive)
        except Exception as exc:  # broad on purpose: no layer around it does so
            await self._refuse(scope, send, exc)
            return
        answer = b'{"ok":true}' if said.exit_code is None else b'{"ok":true,"exit_code":%d}' % said.exit_code
        status = 201 if taken.is_new else 200
        await respond(send, status, b"" if scope["method"] == "HEAD" else answer, "application/json", self._headers)

    async def _take(self, scope: Scope, receive: Receive) -> tuple[Request, Taken]:
        method = scope["method"]
        if method not in METHODS:
            raise MethodNotAllowed("A ping is GET, HEAD or POST")
        said = parse(scope["path"], scope["query_string"].decode("latin-1"))
        body, is_cut = await self._read(receive) if method == "POST" else (None, False)
        ping = Ping(
            type=said.type,
            exit_code=said.exit_code,
            run_id=said.run_id,
            method=method,
            source_ip=self._address(scope),
            user_agent=(header(scope, b"user-agent") or "")[:LONGEST_AGENT],
            body=body,
            is_body_truncated=is_cut,
        )
        return said, await self._intake.take(said.target, ping)

    async def _refuse(self, scope: Scope, send: Send, exc: Exception) -> None:
        failure = Overloaded("The answer took too long; try again") if isinstance(exc, TimeoutError) else translate(exc)
        scope.setdefault("state", {})["request_id"] = new_request_id()
        allow = [(b"allow", b"GET, HEAD, POST")] if isinstance(failure, MethodNotAllowed) else []
        await refuse(scope, send, failure, [*self._headers, *allow])

    async def _read(self, receive: Receive) -> tuple[str | None, bool]:
        """Return the body as text, and whether it was cut; far more than the limit is not even waited for."""
        body, size = bytearray(), 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Invalid("The body ended too early")
            part = message.get("body", b"")
            size += len(part)
            body += part[: max(0, self._limit - len(body))]
            if not message.get("more_body") or size > MOST_DRAINED_BYTES:
                break
        return text_of(bytes(body), is_cut=size > self._limit), size > self._limit


def text_of(body: bytes, *, is_cut: bool) -> str | None:
    """Return *body* as text a database can hold; a character that was cut in half is left out."""
    if not body:
        return None
    text = getincrementaldecoder("utf-8")("replace").decode(body, final=not is_cut)
    return text.replace("\0", "\ufffd") or None
