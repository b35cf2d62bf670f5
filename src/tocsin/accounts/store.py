"""The only SQL about accounts."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tocsin.accounts.models import Duplicate, LastAdmin, RoleName, Session, Token, TokenScope, User
from tocsin.accounts.tables import sessions, tokens, users
from tocsin.core.clock import from_ms, from_ms_or_none, to_ms
from tocsin.core.errors import NotFound
from tocsin.db.tx import Read, Tx

TOUCHED = "accounts"
MOST_SESSIONS = 100
"""For each user; a script that signs in again and again must not fill the table."""

# --- users -----------------------------------------------------------------------------------------------------------


def count_users(read: Read) -> int:
    return int(read.execute(select(func.count()).select_from(users)).scalar_one())


def find_user(read: Read, name: str) -> User | None:
    row = read.execute(select(users).where(users.c.name_key == name.casefold())).one_or_none()
    return None if row is None else _user(row)


def get_user(read: Read, user_id: int) -> User:
    """Raises NotFound."""
    row = read.execute(select(users).where(users.c.id == user_id)).one_or_none()
    if row is None:
        raise NotFound("User not found")
    return _user(row)


def get_user_by_name(read: Read, name: str) -> User:
    """Raises NotFound."""
    user = find_user(read, name)
    if user is None:
        raise NotFound(f"There is no user {name}")
    return user


def list_users(read: Read, limit: int = 500, offset: int = 0) -> list[User]:
    found = select(users).order_by(users.c.name_key).limit(limit).offset(offset)
    return [_user(row) for row in read.execute(found)]


def count_belongings(read: Read) -> tuple[dict[int, int], dict[int, int]]:
    """Return how many sessions and how many tokens each user has, by the user's id."""
    return _count(read, sessions.c.user_id), _count(read, tokens.c.owner_id)


def _count(read: Read, column: ColumnElement[int]) -> dict[int, int]:
    counted = select(column.label("user_id"), func.count().label("many")).where(column.is_not(None)).group_by(column)
    return {row.user_id: row.many for row in read.execute(counted)}


def insert_user(tx: Tx, name: str, role: RoleName, password_hash: str) -> User:
    """Raises Duplicate: somebody has this name."""
    _check_name(tx, name, None)
    now_ms = to_ms(tx.clock.now())
    row = {
        "name": name,
        "name_key": name.casefold(),
        "role": role.value,
        "password_hash": password_hash,
        "created_at_ms": now_ms,
    }
    user_id = tx.execute(insert(users).returning(users.c.id), row).scalar_one()
    tx.touch(TOUCHED)
    return User(id=int(user_id), name=name, role=role, password_hash=password_hash, created_at=from_ms(now_ms))


def save_user(tx: Tx, after: User) -> None:
    """Write name, role and password.  Raises Duplicate, LastAdmin."""
    _check_name(tx, after.name, after.id)
    if after.role is not RoleName.ADMIN:
        _keep_an_admin(tx, after.id)
    columns = {
        "name": after.name,
        "name_key": after.name.casefold(),
        "role": after.role.value,
        "password_hash": after.password_hash,
    }
    tx.execute(update(users).where(users.c.id == after.id).values(**columns))
    tx.touch(TOUCHED)


def delete_user(tx: Tx, user_id: int) -> None:
    """Delete a user with their sessions and tokens (by cascade).  Raises LastAdmin."""
    _keep_an_admin(tx, user_id)
    tx.execute(delete(users).where(users.c.id == user_id))
    tx.touch(TOUCHED)


def seen(tx: Tx, user_id: int) -> None:
    tx.execute(update(users).where(users.c.id == user_id).values(last_seen_at_ms=to_ms(tx.clock.now())))


def _check_name(read: Read, name: str, own_id: int | None) -> None:
    other = find_user(read, name)
    if other is not None and other.id != own_id:
        raise Duplicate(f"There is a user {other.name} already", field="name")


def _keep_an_admin(read: Read, leaving_id: int) -> None:
    admins = set(read.execute(select(users.c.id).where(users.c.role == RoleName.ADMIN.value)).scalars())
    if admins == {leaving_id}:
        raise LastAdmin("This is the last administrator; make somebody else one first")


# --- sessions --------------------------------------------------------------------------------------------------------


def insert_session(tx: Tx, token_hash: str, user_id: int, address: str, user_agent: str) -> None:
    now_ms = to_ms(tx.clock.now())
    row = {
        "token_hash": token_hash,
        "user_id": user_id,
        "created_at_ms": now_ms,
        "last_seen_at_ms": now_ms,
        "address": address,
        "user_agent": user_agent,
    }
    tx.execute(insert(sessions), row)
    mine = select(sessions.c.id).where(sessions.c.user_id == user_id).order_by(sessions.c.id.desc())
    too_many = mine.limit(1).offset(MOST_SESSIONS).scalar_subquery()
    tx.execute(delete(sessions).where(sessions.c.user_id == user_id, sessions.c.id <= too_many))
    seen(tx, user_id)


def find_session(read: Read, token_hash: str) -> tuple[Session, User] | None:
    row = read.execute(select(sessions).where(sessions.c.token_hash == token_hash)).one_or_none()
    if row is None:
        return None
    session = _session(row)
    return session, get_user(read, session.user_id)


def list_sessions(read: Read, user_id: int) -> list[Session]:
    """Return the newest 500 sessions of a user, the one used last first."""
    mine = select(sessions).where(sessions.c.user_id == user_id)
    rows = read.execute(mine.order_by(sessions.c.last_seen_at_ms.desc(), sessions.c.id.desc()).limit(500))
    return [_session(row) for row in rows]


def touch_session(tx: Tx, session: Session) -> None:
    mine = update(sessions).where(sessions.c.id == session.id)
    tx.execute(mine.values(last_seen_at_ms=to_ms(tx.clock.now())))
    seen(tx, session.user_id)


def delete_session(tx: Tx, token_hash: str) -> None:
    tx.execute(delete(sessions).where(sessions.c.token_hash == token_hash))
    tx.touch(TOUCHED)


def delete_session_of(tx: Tx, user_id: int, session_id: int) -> None:
    """Raises NotFound: this user has no such session."""
    mine = (sessions.c.id == session_id, sessions.c.user_id == user_id)
    if tx.execute(delete(sessions).where(*mine)).rowcount == 0:
        raise NotFound("Session not found")
    tx.touch(TOUCHED)


def delete_sessions_of(tx: Tx, user_id: int, *, but: str | None = None) -> int:
    """End every session of a user except the one with the hash *but*; return how many."""
    mine = [sessions.c.user_id == user_id]
    if but is not None:
        mine.append(sessions.c.token_hash != but)
    tx.touch(TOUCHED)
    return tx.execute(delete(sessions).where(*mine)).rowcount


def sweep_sessions(tx: Tx, cutoff_ms: int, limit: int) -> int:
    old = select(sessions.c.id).where(sessions.c.last_seen_at_ms < cutoff_ms).limit(limit)
    return tx.execute(delete(sessions).where(sessions.c.id.in_(old.scalar_subquery()))).rowcount


# --- tokens ----------------------------------------------------------------------------------------------------------


def insert_token(
    tx: Tx, name: str, scope: TokenScope, token_hash: str, owner: User | None, expires_at: datetime | None
) -> Token:
    """Raises Duplicate: a token has this name."""
    now = tx.clock.now()
    row = {
        "name": name,
        "scope": scope.value,
        "token_hash": token_hash,
        "created_at_ms": to_ms(now),
        "owner_id": owner.id if owner else None,
        "expires_at_ms": to_ms(expires_at) if expires_at else None,
    }
    try:
        with tx.savepoint("token"):
            token_id = tx.execute(insert(tokens).returning(tokens.c.id), row).scalar_one()
    except IntegrityError:
        raise Duplicate(f"There is a token {name} already", field="name") from None
    tx.touch(TOUCHED)
    return Token(id=int(token_id), name=name, scope=scope, created_at=now, owner=owner, expires_at=expires_at)


def find_token(read: Read, token_hash: str) -> Token | None:
    row = read.execute(_with_owner().where(tokens.c.token_hash == token_hash)).one_or_none()
    return None if row is None else _token(row)


def get_token(read: Read, token_id: int) -> Token:
    """Raises NotFound."""
    row = read.execute(_with_owner().where(tokens.c.id == token_id)).one_or_none()
    if row is None:
        raise NotFound("Token not found")
    return _token(row)


def get_token_by_name(read: Read, name: str) -> Token:
    """Raises NotFound."""
    row = read.execute(_with_owner().where(tokens.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"There is no token {name}")
    return _token(row)


def count_tokens(read: Read) -> int:
    return int(read.execute(select(func.count()).select_from(tokens)).scalar_one())


def list_tokens(read: Read, limit: int = 500, offset: int = 0) -> list[Token]:
    rows = read.execute(_with_owner().order_by(tokens.c.name).limit(limit).offset(offset))
    return [_token(row) for row in rows]


def use_token(tx: Tx, token_id: int) -> None:
    tx.execute(update(tokens).where(tokens.c.id == token_id).values(last_used_at_ms=to_ms(tx.clock.now())))


def delete_token(tx: Tx, token_id: int) -> None:
    tx.execute(delete(tokens).where(tokens.c.id == token_id))
    tx.touch(TOUCHED)


# --- rows ------------------------------------------------------------------------------------------------------------


def _with_owner() -> Any:
    owner = [users.c[name].label(f"owner_{name}") for name in users.c.keys() if name != "id"]  # noqa: SIM118 -- not a dict
    return select(tokens, *owner).outerjoin(users, users.c.id == tokens.c.owner_id)


def _user(row: Any, prefix: str = "") -> User:
    fields = row._mapping
    return User(
        id=fields[f"{prefix}id"],
        name=fields[f"{prefix}name"],
        role=RoleName(fields[f"{prefix}role"]),
        password_hash=fields[f"{prefix}password_hash"],
        created_at=from_ms(fields[f"{prefix}created_at_ms"]),
        last_seen_at=from_ms_or_none(fields[f"{prefix}last_seen_at_ms"]),
    )


def _session(row: Any) -> Session:
    return Session(
        id=row.id,
        user_id=row.user_id,
        token_hash=row.token_hash,
        created_at=from_ms(row.created_at_ms),
        last_seen_at=from_ms(row.last_seen_at_ms),
        address=row.address,
        user_agent=row.user_agent,
    )


def _token(row: Any) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        scope=TokenScope(row.scope),
        created_at=from_ms(row.created_at_ms),
        owner=None if row.owner_id is None else _user(row, "owner_"),
        expires_at=from_ms_or_none(row.expires_at_ms),
        last_used_at=from_ms_or_none(row.last_used_at_ms),
    )
