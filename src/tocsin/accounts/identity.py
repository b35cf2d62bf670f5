"""Who is behind a request: a session's cookie, a token, or the header of a proxy we trust.

Source: docs/spec/accounts.md.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http.cookies import CookieError, SimpleCookie

import msgspec

from tocsin.accounts import store
from tocsin.accounts.models import Name, RoleName, SignIn, TokenScope, User
from tocsin.core.clock import Clock
from tocsin.core.limiter import Limiter
from tocsin.core.secrets import Secret
from tocsin.db.database import Database
from tocsin.db.tx import Actor, Tx
from tocsin.http.access import Principal, Role
from tocsin.http.asgi import Scope, header
from tocsin.http.peer import Peer

COOKIE = "tocsin_session"
IDLE, LONGEST = timedelta(days=7), timedelta(days=30)
SEEN_EVERY = timedelta(minutes=5)
CACHED_S = 5.0
MOST_CACHED = 10_000
ROLES = {RoleName.VIEWER: Role.VIEWER, RoleName.EDITOR: Role.EDITOR, RoleName.ADMIN: Role.ADMIN}
_SCOPES = {TokenScope.READ: Role.VIEWER, TokenScope.WRITE: Role.EDITOR, TokenScope.ADMIN: Role.ADMIN}
NOBODY_ASKED = Principal(0, "anonymous", Role.ADMIN, "none")

Find = Callable[[str], Awaitable[Principal | None]]


def fingerprint(token: str) -> str:
    """Return what is stored of a token. It is random and long, so one fast hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


class Identity:
    """Answers who is calling. *user_header* counts only from trusted proxies, and only when they sign people in.

    A person whom the proxy vouches for and whom we do not know becomes a viewer, or an admin if named *admin_user*.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        peer: Peer,
        *,
        sign_in: SignIn,
        user_header: str,
        admin_user: str,
        api_token: Secret | None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._peer = peer
        self.sign_in = sign_in
        self._user_header = user_header.lower().encode()
        self._admin_user = admin_user
        self._api_token = api_token
        self._strangers = Limiter(clock, burst=60, seconds_each=1)
        self._cache: dict[str, tuple[float, int, Principal]] = {}

    async def authenticate(self, scope: Scope) -> Principal | None:
        """Return who is behind a request, None when nobody we know is.  Raises RateLimited: too many wrong tries."""
        if self.sign_in is SignIn.NONE:
            return NOBODY_ASKED
        authorization = header(scope, b"authorization")
        if authorization is not None:
            kind, _, token = authorization.partition(" ")
            found = await self._by_token(token.strip()) if kind.lower() == "bearer" else None
        elif self.sign_in is SignIn.PROXY:
            name = self._vouched_name(scope)
            return None if name is None else await self._cached("proxy", name, self._find_vouched)
        else:
            session = session_token(scope)
            if session is None:
                return None
            found = await self._cached("session", session, self._find_session)
        if found is None:
            self._strangers.spend(self._peer.address(scope))
        return found

    async def _by_token(self, token: str) -> Principal | None:
        if self._api_token is not None and self._api_token.equals(token):
            return Principal(0, "environment", Role.ADMIN, "token")
        return await self._cached("token", token, self._find_token)

    async def _cached(self, kind: str, secret: str, find: Find) -> Principal | None:
        """Look up at most every 5 s: other processes (the command line) may revoke it. Strangers are not remembered."""
        key, version, now = kind + fingerprint(secret), self._db.version(store.TOUCHED), self._clock.monotonic()
        found = self._cache.get(key)
        if found is not None and found[0] > now and found[1] == version:
            return found[2]
        principal = await find(secret)
        if principal is None:
            self._cache.pop(key, None)
            return None
        if len(self._cache) >= MOST_CACHED:
            self._cache.clear()
        self._cache[key] = (now + CACHED_S, version, principal)
        return principal

    async def _find_session(self, token: str) -> Principal | None:
        token_hash, now = fingerprint(token), self._clock.now()
        found = await self._db.read(lambda read: store.find_session(read, token_hash))
        if found is None:
            return None
        session, user = found
        if now - session.last_seen_at > IDLE or now - session.created_at > LONGEST:
            return None
        if now - session.last_seen_at > SEEN_EVERY:
            await self._db.write(lambda tx: store.touch_session(tx, session))
        return _principal(user, "session")

    async def _find_token(self, secret: str) -> Principal | None:
        token_hash, now = fingerprint(secret), self._clock.now()
        token = await self._db.read(lambda read: store.find_token(read, token_hash))
        if token is None or (token.expires_at is not None and token.expires_at <= now):
            return None
        if token.last_used_at is None or now - token.last_used_at > SEEN_EVERY:
            await self._db.write(lambda tx: store.use_token(tx, token.id))
        role = _SCOPES[token.scope] if token.owner is None else min(_SCOPES[token.scope], ROLES[token.owner.role])
        return Principal(token.id, token.name, role, "token", token.owner.id if token.owner else None)

    # --- behind a proxy that signs people in -------------------------------------------------------------------------

    def _vouched_name(self, scope: Scope) -> str | None:
        """Return the one name a trusted proxy gives; two headers mean that one of them is the client's own."""
        if not self._peer.is_trusted_proxy(scope):
            return None
        values = [value for key, value in scope["headers"] if key == self._user_header]
        if len(values) != 1:
            return None
        try:
            return msgspec.convert(values[0].decode().strip(), Name)
        except (UnicodeDecodeError, msgspec.ValidationError):
            return None

    async def _find_vouched(self, name: str) -> Principal | None:
        user = await self._db.read(lambda read: store.find_user(read, name))
        now = self._clock.now()
        if user is None:
            user = await self._db.write(lambda tx: self._welcome(tx, name))
        elif user.last_seen_at is None or now - user.last_seen_at > SEEN_EVERY:
            known = user
            await self._db.write(lambda tx: store.seen(tx, known.id))
        return _principal(user, "proxy")

    def _welcome(self, tx: Tx, name: str) -> User:
        known = store.find_user(tx, name)
        if known is not None:
            return known
        role = RoleName.ADMIN if name.casefold() == self._admin_user.casefold() else RoleName.VIEWER
        user = store.insert_user(tx, name, role, "")
        store.seen(tx, user.id)
        tx.audit(Actor("proxy"), "user.create", f"user:{user.id}", {"name": name, "role": role.value})
        return user


def _principal(user: User, via: str) -> Principal:
    return Principal(user.id, user.name, ROLES[user.role], via, user.id)


def session_token(scope: Scope) -> str | None:
    """Return the token in the session cookie, if there is one."""
    try:
        morsel = SimpleCookie(header(scope, b"cookie") or "").get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel is not None and morsel.value else None
