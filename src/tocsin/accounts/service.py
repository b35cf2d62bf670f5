"""Signing in and out, and who is behind a request.  Source: docs/spec/accounts.md."""

import hashlib
import secrets
from datetime import timedelta
from http.cookies import CookieError, SimpleCookie

import structlog

from tocsin.accounts import store
from tocsin.accounts.models import RoleName, Setup, SetupDone, TokenScope, User, WrongCode
from tocsin.accounts.passwords import Passwords
from tocsin.core.clock import Clock
from tocsin.core.errors import Unauthorized
from tocsin.core.limiter import Limiter
from tocsin.core.secrets import Secret
from tocsin.db.database import Database
from tocsin.db.tx import Tx
from tocsin.http.access import Principal, Role
from tocsin.http.asgi import Scope, header

log = structlog.get_logger(__name__)

COOKIE = "tocsin_session"
TOKEN_PREFIX = "tocsin_"  # noqa: S105 -- what tokens start with, so that scanners find leaked ones
IDLE, LONGEST = timedelta(days=7), timedelta(days=30)
SEEN_EVERY = timedelta(minutes=5)
CACHED_S = 5.0
MOST_CACHED = 10_000
_ROLES = {RoleName.VIEWER: Role.VIEWER, RoleName.EDITOR: Role.EDITOR, RoleName.ADMIN: Role.ADMIN}
_SCOPES = {TokenScope.READ: Role.VIEWER, TokenScope.WRITE: Role.EDITOR, TokenScope.ADMIN: Role.ADMIN}
NOBODY_ASKED = Principal(0, "anonymous", Role.ADMIN, "none")


def fingerprint(token: str) -> str:
    """Return what is stored of a token. It is random and long, so one fast hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


class Accounts:
    """Users, sessions and tokens. *required* False lets everybody in as admin; *api_token* is the settings' one."""

    def __init__(self, db: Database, clock: Clock, *, required: bool, api_token: Secret | None) -> None:
        self._db = db
        self._clock = clock
        self._required = required
        self._api_token = api_token
        self._passwords = Passwords()
        self._by_address = Limiter(clock, burst=10, seconds_each=6)
        self._by_name = Limiter(clock, burst=20, seconds_each=10)
        self._cache: dict[str, tuple[float, int, Principal | None]] = {}
        self._code: str | None = None

    # --- the first admin ---------------------------------------------------------------------------------------------

    async def prepare(self, admin_user: str, admin_password: Secret | None) -> str | None:
        """Make the first admin the settings name, or return the one-time code with which a person may do it."""
        if not self._required or await self._db.read(store.count_users) > 0:
            return None
        if admin_user and admin_password is not None:
            await self.add_user(admin_user, RoleName.ADMIN, admin_password.reveal(), actor="settings")
            return None
        alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
        self._code = "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(3))
        return self._code

    async def setup_required(self) -> bool:
        return self._required and await self._db.read(store.count_users) == 0

    async def setup(self, wanted: Setup, address: str) -> tuple[User, str]:
        """Make the first admin and sign them in.  Raises SetupDone, WrongCode, RateLimited."""
        self._by_address.spend(address)
        if not await self.setup_required():
            raise SetupDone("Tocsin is set up already; sign in")
        if self._code is None or not secrets.compare_digest(self._code.encode(), wanted.code.strip().upper().encode()):
            raise WrongCode("This is not the code; the log of Tocsin shows it", field="code")
        password_hash = await self._passwords.hash(wanted.password)
        token = secrets.token_urlsafe(32)

        def work(tx: Tx) -> User:
            if store.count_users(tx) > 0:
                raise SetupDone("Tocsin is set up already; sign in")
            user = store.insert_user(tx, wanted.name, RoleName.ADMIN, password_hash)
            store.insert_session(tx, fingerprint(token), user.id)
            tx.audit(f"user:{user.name}", "setup", f"user:{user.id}")
            return user

        user = await self._db.write(work)
        self._code = None
        self._by_address.forgive(address)
        return user, token

    # --- signing in and out ------------------------------------------------------------------------------------------

    async def login(self, name: str, password: str, address: str) -> tuple[User, str]:
        """Return the user and a new session's token.  Raises Unauthorized, RateLimited."""
        self._by_address.spend(address)
        self._by_name.spend(name.casefold())
        user = await self._db.read(lambda read: store.find_user(read, name))
        if not await self._passwords.verify(user.password_hash if user else None, password) or user is None:
            log.warning("sign-in refused", address=address)
            raise Unauthorized("The name or the password is wrong")
        token = secrets.token_urlsafe(32)

        def work(tx: Tx) -> None:
            store.insert_session(tx, fingerprint(token), user.id)
            tx.audit(f"user:{user.name}", "login", f"user:{user.id}", {"address": address})

        await self._db.write(work)
        self._by_address.forgive(address)
        self._by_name.forgive(name.casefold())
        return user, token

    async def logout(self, scope: Scope) -> None:
        token = session_token(scope)
        if token is not None:
            await self._db.write(lambda tx: store.delete_session(tx, fingerprint(token)))

    # --- who is calling ----------------------------------------------------------------------------------------------

    async def authenticate(self, scope: Scope) -> Principal | None:
        """Return who is behind a request, None when nobody we know is."""
        if not self._required:
            return NOBODY_ASKED
        authorization = header(scope, b"authorization")
        if authorization is not None:
            kind, _, token = authorization.partition(" ")
            return await self._by_token(token.strip()) if kind.lower() == "bearer" else None
        session = session_token(scope)
        return None if session is None else await self._cached("session", session)

    async def _by_token(self, token: str) -> Principal | None:
        if self._api_token is not None and self._api_token.equals(token):
            return Principal(0, "environment", Role.ADMIN, "token")
        return await self._cached("token", token)

    async def _cached(self, kind: str, token: str) -> Principal | None:
        """Look a token up, at most every 5 s: other processes (the command line) may revoke it."""
        key, version, now = kind + fingerprint(token), self._db.version(store.TOUCHED), self._clock.monotonic()
        found = self._cache.get(key)
        if found is not None and found[0] > now and found[1] == version:
            return found[2]
        principal = await (self._find_session(token) if kind == "session" else self._find_token(token))
        if len(self._cache) >= MOST_CACHED:
            self._cache.clear()
        self._cache[key] = (now + CACHED_S, version, principal)
        return principal

    async def _find_session(self, token: str) -> Principal | None:
        token_hash, now = fingerprint(token), self._clock.now()
        found = await self._db.read(lambda read: store.find_session(read, token_hash))
        if found is None:
            return None
        user, opened_at, seen_at = found
        if now - seen_at > IDLE or now - opened_at > LONGEST:
            return None
        if now - seen_at > SEEN_EVERY:
            await self._db.write(lambda tx: store.touch_session(tx, token_hash))
        return Principal(user.id, user.name, _ROLES[user.role], "session")

    async def _find_token(self, token: str) -> Principal | None:
        found = await self._db.read(lambda read: store.find_token(read, fingerprint(token)))
        if found is None:
            return None
        token_id, name, scope = found
        return Principal(token_id, name, _SCOPES[scope], "token")

    # --- from the shell ----------------------------------------------------------------------------------------------

    async def add_user(self, name: str, role: RoleName, password: str, *, actor: str) -> User:
        """Raises Duplicate."""
        password_hash = await self._passwords.hash(password)

        def work(tx: Tx) -> User:
            user = store.insert_user(tx, name, role, password_hash)
            tx.audit(actor, "user.add", f"user:{user.id}", {"name": name, "role": role.value})
            return user

        return await self._db.write(work)

    async def change_password(self, name: str, password: str, *, actor: str) -> None:
        """Raises NotFound."""
        password_hash = await self._passwords.hash(password)

        def work(tx: Tx) -> None:
            store.set_password(tx, name, password_hash)
            tx.audit(actor, "user.password", f"user:{name}")

        await self._db.write(work)

    async def create_token(self, name: str, scope: TokenScope, *, actor: str) -> str:
        """Return a new token; it is shown this once and stored as a hash.  Raises Duplicate."""
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)

        def work(tx: Tx) -> None:
            token_id = store.insert_token(tx, name, scope, fingerprint(token))
            tx.audit(actor, "token.create", f"token:{token_id}", {"name": name, "scope": scope.value})

        await self._db.write(work)
        return token


def session_token(scope: Scope) -> str | None:
    try:
        morsel = SimpleCookie(header(scope, b"cookie") or "").get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel is not None and morsel.value else None
