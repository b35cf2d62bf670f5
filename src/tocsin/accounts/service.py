"""The use cases: the first admin, signing in and out, users, sessions, tokens.  Source: docs/spec/accounts.md."""

import secrets
from datetime import timedelta
from typing import NamedTuple

import structlog
from msgspec import UNSET
from msgspec.structs import replace

from tocsin.accounts import store
from tocsin.accounts.identity import Identity, fingerprint, session_token
from tocsin.accounts.models import (
    NewToken,
    RoleName,
    Session,
    Setup,
    SetupDone,
    SignIn,
    Token,
    User,
    UserChange,
    WrongCode,
    WrongPassword,
)
from tocsin.accounts.passwords import Passwords
from tocsin.core.clock import Clock
from tocsin.core.errors import Forbidden, Unauthorized
from tocsin.core.limiter import Limiter
from tocsin.core.secrets import MASK, Secret
from tocsin.db.audit import difference
from tocsin.db.database import Database
from tocsin.db.tx import Actor, Read, Tx
from tocsin.http.access import Principal
from tocsin.http.asgi import Scope

log = structlog.get_logger(__name__)

TOKEN_PREFIX = "tocsin_"  # noqa: S105 -- what tokens start with, so that scanners find leaked ones


class Visitor(NamedTuple):
    """Where a sign-in comes from."""

    address: str
    user_agent: str = ""


class Accounts:
    """Everything that changes accounts. Who is calling is `Identity`'s to say."""

    def __init__(self, db: Database, clock: Clock, identity: Identity) -> None:
        self._db = db
        self._clock = clock
        self._identity = identity
        self._passwords = Passwords()
        self._by_address = Limiter(clock, burst=10, seconds_each=6)
        self._by_name = Limiter(clock, burst=20, seconds_each=10)
        self._code: str | None = None

    @property
    def sign_in(self) -> SignIn:
        return self._identity.sign_in

    # --- the first admin ---------------------------------------------------------------------------------------------

    async def prepare(self, admin_user: str, admin_password: Secret | None) -> str | None:
        """Make the first admin the settings name, or return the one-time code with which a person may do it."""
        if not await self.setup_required():
            return None
        if admin_user and admin_password is not None:
            await self.add_user(admin_user, RoleName.ADMIN, admin_password.reveal(), Actor("settings"))
            return None
        alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
        self._code = "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(3))
        return self._code

    async def setup_required(self) -> bool:
        return self.sign_in is SignIn.PASSWORD and await self._db.read(store.count_users) == 0

    async def setup(self, wanted: Setup, visitor: Visitor) -> tuple[User, str]:
        """Make the first admin and sign them in.  Raises SetupDone, WrongCode, RateLimited."""
        self._by_address.spend(visitor.address)
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
            store.insert_session(tx, fingerprint(token), user.id, *visitor)
            tx.audit(Actor(f"user:{user.name}", visitor.address), "setup", f"user:{user.id}")
            return user

        user = await self._db.write(work)
        self._code = None
        self._by_address.forgive(visitor.address)
        return user, token

    # --- signing in and out ------------------------------------------------------------------------------------------

    async def login(self, name: str, password: str, visitor: Visitor, old_session: str | None) -> tuple[User, str]:
        """Return the user and a new session's token; the session the browser had before, whose ever it was, ends.

        Raises Unauthorized, RateLimited; Forbidden: people sign in elsewhere.
        """
        self._by_address.spend(visitor.address)
        self._by_name.spend(name.casefold())
        if self.sign_in is SignIn.PROXY:
            raise Forbidden("The reverse proxy in front of Tocsin signs people in; there are no passwords here")
        user = await self._db.read(lambda read: store.find_user(read, name))
        stored = user.password_hash if user else None
        if not await self._passwords.verify(stored or None, password) or user is None:
            log.warning("sign-in refused", address=visitor.address)
            raise Unauthorized("The name or the password is wrong")
        token = secrets.token_urlsafe(32)

        def work(tx: Tx) -> None:
            if old_session is not None:
                store.delete_session(tx, fingerprint(old_session))
            store.insert_session(tx, fingerprint(token), user.id, *visitor)
            tx.audit(Actor(f"user:{user.name}", visitor.address), "login", f"user:{user.id}")

        await self._db.write(work)
        self._by_address.forgive(visitor.address)
        self._by_name.forgive(name.casefold())
        return user, token

    async def logout(self, scope: Scope) -> None:
        token = session_token(scope)
        if token is not None:
            await self._db.write(lambda tx: store.delete_session(tx, fingerprint(token)))

    async def change_own_password(
        self, caller: Principal, current: str, new: str, visitor: Visitor, actor: Actor
    ) -> str:
        """Return the token of the new session; all others end.

        Raises WrongPassword, RateLimited; Forbidden: the caller is nobody who signed in with a password.
        """
        if caller.via != "session":
            raise Forbidden("Only somebody who signed in with a password can change it")
        self._by_name.spend(caller.name.casefold())
        user = await self._db.read(lambda read: store.get_user(read, caller.id))
        if not await self._passwords.verify(user.password_hash or None, current):
            raise WrongPassword("This is not your present password", field="current_password")
        self._by_name.forgive(caller.name.casefold())
        password_hash = await self._passwords.hash(new)
        token = secrets.token_urlsafe(32)

        def work(tx: Tx) -> None:
            _set_password(tx, store.get_user(tx, caller.id), password_hash, actor)
            store.insert_session(tx, fingerprint(token), caller.id, *visitor)

        await self._db.write(work)
        return token

    # --- sessions ----------------------------------------------------------------------------------------------------

    async def own_sessions(self, caller: Principal, scope: Scope) -> list[tuple[Session, bool]]:
        """Return the caller's sessions, the one used last first, and which of them is this one."""
        if caller.via != "session":
            return []
        found = await self._db.read(lambda read: store.list_sessions(read, caller.id))
        current = fingerprint(session_token(scope) or "")
        return [(session, session.token_hash == current) for session in found]

    async def revoke_session(self, caller: Principal, session_id: int, actor: Actor) -> None:
        """Raises NotFound: the caller has no such session."""

        def work(tx: Tx) -> None:
            store.delete_session_of(tx, caller.id if caller.via == "session" else 0, session_id)
            tx.audit(actor, "session.revoke", f"user:{caller.id}", {"session": session_id})

        await self._db.write(work)

    async def revoke_other_sessions(self, caller: Principal, scope: Scope, actor: Actor) -> None:
        if caller.via != "session":
            return
        current = fingerprint(session_token(scope) or "")
        await self._db.write(lambda tx: _revoke_all(tx, caller.id, actor, but=current))

    async def revoke_sessions_of(self, user_id: int, actor: Actor) -> None:
        """Raises NotFound: no such user."""

        def work(tx: Tx) -> None:
            _revoke_all(tx, store.get_user(tx, user_id).id, actor)

        await self._db.write(work)

    # --- users -------------------------------------------------------------------------------------------------------

    async def list_users(self, limit: int, offset: int) -> tuple[list[tuple[User, int, int]], int]:
        """Return one page, by name, each with how many sessions and tokens they have; and how many users there are."""

        def look(read: Read) -> tuple[list[tuple[User, int, int]], int]:
            sessions, tokens = store.count_belongings(read)
            page = store.list_users(read, limit, offset)
            return [(user, sessions.get(user.id, 0), tokens.get(user.id, 0)) for user in page], store.count_users(read)

        return await self._db.read(look)

    async def get_user(self, user_id: int) -> tuple[User, int, int]:
        """Return a user, and how many sessions and tokens they have.  Raises NotFound."""

        def look(read: Read) -> tuple[User, int, int]:
            sessions, tokens = store.count_belongings(read)
            return store.get_user(read, user_id), sessions.get(user_id, 0), tokens.get(user_id, 0)

        return await self._db.read(look)

    async def add_user(self, name: str, role: RoleName, password: str, actor: Actor) -> User:
        """Raises Duplicate."""
        password_hash = await self._passwords.hash(password)

        def work(tx: Tx) -> User:
            user = store.insert_user(tx, name, role, password_hash)
            tx.audit(actor, "user.create", f"user:{user.id}", difference({}, {"name": name, "role": role.value}))
            return user

        return await self._db.write(work)

    async def change_user(self, user_id: int, change: UserChange, actor: Actor) -> None:
        """Change what *change* holds; a new password ends the user's sessions.

        Raises NotFound, Duplicate, LastAdmin.
        """
        password = change.password
        password_hash = None if password is UNSET else await self._passwords.hash(password)

        def work(tx: Tx) -> None:
            before = store.get_user(tx, user_id)
            after = replace(
                before,
                name=before.name if change.name is UNSET else change.name,
                role=before.role if change.role is UNSET else change.role,
            )
            if after != before:
                store.save_user(tx, after)
                tx.audit(actor, "user.update", f"user:{user_id}", difference(_shown(before), _shown(after)))
            if password_hash is not None:
                _set_password(tx, after, password_hash, actor)

        await self._db.write(work)

    async def reset_password(self, name: str, password: str, actor: Actor) -> None:
        """Raises NotFound."""
        password_hash = await self._passwords.hash(password)
        await self._db.write(lambda tx: _set_password(tx, store.get_user_by_name(tx, name), password_hash, actor))

    async def remove_user(self, user_id: int, actor: Actor) -> None:
        """Remove a user with their sessions and tokens.  Raises NotFound, LastAdmin."""
        await self._db.write(lambda tx: _remove_user(tx, store.get_user(tx, user_id), actor))

    async def remove_user_named(self, name: str, actor: Actor) -> None:
        """Raises NotFound, LastAdmin."""
        await self._db.write(lambda tx: _remove_user(tx, store.get_user_by_name(tx, name), actor))

    # --- tokens ------------------------------------------------------------------------------------------------------

    async def list_tokens(self, limit: int, offset: int) -> tuple[list[Token], int]:
        return await self._db.read(lambda read: (store.list_tokens(read, limit, offset), store.count_tokens(read)))

    async def create_token(self, wanted: NewToken, owner_id: int | None, actor: Actor) -> tuple[Token, str]:
        """Return a new token and its secret, which is shown this once and stored as a hash.  Raises Duplicate."""
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        days = wanted.expires_in_days
        expires_at = None if days is None else self._clock.now() + timedelta(days=days)

        def work(tx: Tx) -> Token:
            owner = None if owner_id is None else store.get_user(tx, owner_id)
            token = store.insert_token(tx, wanted.name, wanted.scope, fingerprint(secret), owner, expires_at)
            said = {"name": wanted.name, "scope": wanted.scope.value, "expires_in_days": days}
            tx.audit(actor, "token.create", f"token:{token.id}", difference({}, said))
            return token

        return await self._db.write(work), secret

    async def revoke_token(self, token_id: int, actor: Actor) -> None:
        """Raises NotFound."""
        await self._db.write(lambda tx: _revoke_token(tx, store.get_token(tx, token_id), actor))

    async def revoke_token_named(self, name: str, actor: Actor) -> None:
        """Raises NotFound."""
        await self._db.write(lambda tx: _revoke_token(tx, store.get_token_by_name(tx, name), actor))


def _set_password(tx: Tx, user: User, password_hash: str, actor: Actor) -> None:
    """Change a password and end every session that was opened with the old one."""
    store.save_user(tx, replace(user, password_hash=password_hash))
    store.delete_sessions_of(tx, user.id)
    tx.audit(actor, "user.password", f"user:{user.id}", {"password": {"before": MASK, "after": MASK}})


def _revoke_all(tx: Tx, user_id: int, actor: Actor, *, but: str | None = None) -> None:
    ended = store.delete_sessions_of(tx, user_id, but=but)
    tx.audit(actor, "sessions.revoke", f"user:{user_id}", {"sessions": ended})


def _remove_user(tx: Tx, user: User, actor: Actor) -> None:
    store.delete_user(tx, user.id)
    tx.audit(actor, "user.delete", f"user:{user.id}", difference(_shown(user), {}))


def _revoke_token(tx: Tx, token: Token, actor: Actor) -> None:
    store.delete_token(tx, token.id)
    before = {"name": token.name, "scope": token.scope.value}
    tx.audit(actor, "token.revoke", f"token:{token.id}", difference(before, {}))


def _shown(user: User) -> dict[str, str]:
    return {"name": user.name, "role": user.role.value}
