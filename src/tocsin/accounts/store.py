"""The only SQL about accounts."""

from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tocsin.accounts.models import Duplicate, RoleName, TokenScope, User
from tocsin.accounts.tables import sessions, tokens, users
from tocsin.core.clock import from_ms, to_ms
from tocsin.core.errors import NotFound
from tocsin.db.tx import Read, Tx

TOUCHED = "accounts"


def count_users(read: Read) -> int:
    return int(read.execute(select(func.count()).select_from(users)).scalar_one())


def find_user(read: Read, name: str) -> User | None:
    row = read.execute(select(users).where(users.c.name_key == name.casefold())).one_or_none()
    return None if row is None else _user(row)


def list_users(read: Read) -> list[User]:
    return [_user(row) for row in read.execute(select(users).order_by(users.c.name_key).limit(500))]


def insert_user(tx: Tx, name: str, role: RoleName, password_hash: str) -> User:
    """Raises Duplicate: somebody has this name."""
    if find_user(tx, name) is not None:
        raise Duplicate(f"There is a user {name} already", field="name")
    row = {
        "name": name,
        "name_key": name.casefold(),
        "role": role.value,
        "password_hash": password_hash,
        "created_at_ms": to_ms(tx.clock.now()),
    }
    user_id = tx.execute(insert(users).returning(users.c.id), row).scalar_one()
    tx.touch(TOUCHED)
    return User(id=int(user_id), name=name, role=role, password_hash=password_hash)


def set_password(tx: Tx, name: str, password_hash: str) -> None:
    """Change a password and end every session that was opened with the old one.  Raises NotFound."""
    user = find_user(tx, name)
    if user is None:
        raise NotFound(f"There is no user {name}")
    tx.execute(update(users).where(users.c.id == user.id).values(password_hash=password_hash))
    tx.execute(delete(sessions).where(sessions.c.user_id == user.id))
    tx.touch(TOUCHED)


def delete_user(tx: Tx, name: str) -> None:
    """Raises NotFound."""
    if tx.execute(delete(users).where(users.c.name_key == name.casefold())).rowcount == 0:
        raise NotFound(f"There is no user {name}")
    tx.touch(TOUCHED)


def insert_session(tx: Tx, token_hash: str, user_id: int) -> None:
    now_ms = to_ms(tx.clock.now())
    row = {"token_hash": token_hash, "user_id": user_id, "created_at_ms": now_ms, "last_seen_at_ms": now_ms}
    tx.execute(insert(sessions), row)


def find_session(read: Read, token_hash: str) -> tuple[User, datetime, datetime] | None:
    """Return whose session it is, when it was opened and when it was last used."""
    statement = (
        select(users, sessions.c.created_at_ms.label("opened_at_ms"), sessions.c.last_seen_at_ms)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.token_hash == token_hash)
    )
    row = read.execute(statement).one_or_none()
    return None if row is None else (_user(row), from_ms(row.opened_at_ms), from_ms(row.last_seen_at_ms))


def touch_session(tx: Tx, token_hash: str) -> None:
    mine = update(sessions).where(sessions.c.token_hash == token_hash)
    tx.execute(mine.values(last_seen_at_ms=to_ms(tx.clock.now())))


def delete_session(tx: Tx, token_hash: str) -> None:
    tx.execute(delete(sessions).where(sessions.c.token_hash == token_hash))
    tx.touch(TOUCHED)


def sweep_sessions(tx: Tx, cutoff_ms: int, limit: int) -> int:
    old = select(sessions.c.token_hash).where(sessions.c.last_seen_at_ms < cutoff_ms).limit(limit)
    return tx.execute(delete(sessions).where(sessions.c.token_hash.in_(old.scalar_subquery()))).rowcount


def insert_token(tx: Tx, name: str, scope: TokenScope, token_hash: str) -> int:
    """Raises Duplicate: a token has this name."""
    row = {"name": name, "scope": scope.value, "token_hash": token_hash, "created_at_ms": to_ms(tx.clock.now())}
    try:
        with tx.savepoint("token"):
            token_id = tx.execute(insert(tokens).returning(tokens.c.id), row).scalar_one()
    except IntegrityError:
        raise Duplicate(f"There is a token {name} already", field="name") from None
    tx.touch(TOUCHED)
    return int(token_id)


def find_token(read: Read, token_hash: str) -> tuple[int, str, TokenScope] | None:
    row = read.execute(select(tokens).where(tokens.c.token_hash == token_hash)).one_or_none()
    return None if row is None else (row.id, row.name, TokenScope(row.scope))


def list_tokens(read: Read) -> list[tuple[str, TokenScope, datetime]]:
    rows = read.execute(select(tokens).order_by(tokens.c.name).limit(500))
    return [(row.name, TokenScope(row.scope), from_ms(row.created_at_ms)) for row in rows]


def delete_token(tx: Tx, name: str) -> None:
    """Raises NotFound."""
    if tx.execute(delete(tokens).where(tokens.c.name == name)).rowcount == 0:
        raise NotFound(f"There is no token {name}")
    tx.touch(TOUCHED)


def _user(row: object) -> User:
    fields = row._mapping  # type: ignore[attr-defined]
    return User(
        id=fields["id"], name=fields["name"], role=RoleName(fields["role"]), password_hash=fields["password_hash"]
    )
