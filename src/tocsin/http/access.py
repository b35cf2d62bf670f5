"""Who may call what. Deny by default: a route answers without credentials only if it stands in PUBLIC."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from tocsin.core.errors import AppError, Forbidden, Unauthorized
from tocsin.http.asgi import SAFE_METHODS, App, Receive, Scope, Send
from tocsin.http.errors import refuse


class Role(IntEnum):
    """A higher role may do all that a lower one may."""

    VIEWER = 1
    EDITOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Principal:
    """Who is calling. `via` is `session`, `token`, `proxy` or `none`; `id` is the user's or the token's.

    `user_id` is the user behind it: the one signed in, or the token's owner; None when there is none.
    """

    id: int
    name: str
    role: Role
    via: str
    user_id: int | None = None

    @property
    def actor(self) -> str:
        """Return how the audit names them."""
        return f"{'token' if self.via == 'token' else 'user'}:{self.name}"


class Authenticator(Protocol):
    async def authenticate(self, scope: Scope) -> Principal | None: ...


PUBLIC = frozenset(
    {
        ("GET", "/api/v1/health"),
        ("GET", "/api/v1/auth/setup"),
        ("POST", "/api/v1/auth/setup"),
        ("POST", "/api/v1/auth/login"),
    }
)
ADMIN_ONLY = ("/api/v1/users", "/api/v1/tokens", "/api/v1/audit")
OWN_ACCOUNT = ("/api/v1/auth",)
"""What everybody signed in may do: sign out, change their own password, end their own sessions."""
EDITORS_ONLY = ("/api/v1/heartbeats/ping-key",)
"""What even to see is to be able to change something."""
NOT_FOR_PAGES = ("/api", "/metrics")


def is_public(method: str, path: str) -> bool:
    """Say whether *path* answers without credentials: the short list, and the pages of the app with their files."""
    method = "GET" if method == "HEAD" else method
    return (method, path) in PUBLIC or (method == "GET" and not _under(path, NOT_FOR_PAGES))


def is_open(path: str) -> bool:
    """Say whether *path* passes no layer at all: whoever knows a ping URL may ping."""
    return path == "/ping" or path.startswith("/ping/")


def needed_role(method: str, path: str) -> Role:
    """Viewers read everything but accounts and the ping key; editors change monitors; admins do the rest."""
    if _under(path, ADMIN_ONLY):
        return Role.ADMIN
    if _under(path, EDITORS_ONLY):
        return Role.EDITOR
    return Role.VIEWER if method in SAFE_METHODS or _under(path, OWN_ACCOUNT) else Role.EDITOR


def _under(path: str, prefixes: Sequence[str]) -> bool:
    path = re.sub(r"/{2,}", "/", path)  # routes are found with doubled slashes too
    return any(path == prefix or path.startswith(prefix + "/") for prefix in prefixes)


class AccessGate:
    """Lets a request through with `scope["state"]["principal"]`, or answers 401 or 403."""

    def __init__(self, app: App, authenticator: Authenticator, *, metrics_public: bool) -> None:
        self._app = app
        self._authenticator = authenticator
        self._metrics_public = metrics_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        if is_public(method, path) or (self._metrics_public and path == "/metrics"):
            await self._app(scope, receive, send)
            return
        try:
            principal = await self._authenticator.authenticate(scope)
        except AppError as exc:  # too many wrong tries, or no database to look them up in
            await refuse(scope, send, exc)
            return
        if principal is None:
            await refuse(scope, send, Unauthorized("Sign in, or send a token: Authorization: Bearer …"))
            return
        needed = needed_role(method, path)
        if principal.role < needed:
            await refuse(scope, send, Forbidden(f"This needs the role {needed.word}; you are {principal.role.word}"))
            return
        scope["state"]["principal"] = principal
        await self._app(scope, receive, send)
