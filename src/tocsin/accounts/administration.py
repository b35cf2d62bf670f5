"""Routes for admins: users, tokens, and the record of who changed what."""

from typing import Annotated

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from tocsin.accounts.models import (
    AuditEntry,
    AuditList,
    NewToken,
    NewUser,
    Token,
    TokenEntry,
    TokenList,
    TokenMade,
    User,
    UserChange,
    UserEntry,
    UserList,
)
from tocsin.accounts.service import Accounts
from tocsin.core.clock import Clock, wire, wire_or_none
from tocsin.db.audit import Wanted, list_entries
from tocsin.db.database import Database
from tocsin.db.tx import Actor
from tocsin.http.access import Principal
from tocsin.http.params import Limit, Moment, Offset, PathId, Text, moment
from tocsin.http.strict import Strict

TAGS = ["Administration"]
ActorText = Annotated[str | None, QueryParameter(name="actor", description="Such as `user:ada`")]


@get("/api/v1/users", operation_id="listUsers", tags=TAGS)
async def list_users(accounts: NamedDependency[Accounts], limit: Limit = 100, offset: Offset = 0) -> UserList:
    """List users by name."""
    page, total = await accounts.list_users(limit, offset)
    entries = [_user(*found) for found in page]
    return UserList(users=entries, total=total, has_more=offset + len(entries) < total)


@post("/api/v1/users", dto=Strict[NewUser], return_dto=None, operation_id="createUser", tags=TAGS)
async def create_user(
    data: JSONBody[NewUser], accounts: NamedDependency[Accounts], actor: NamedDependency[Actor]
) -> UserEntry:
    """Add a user."""
    user = await accounts.add_user(data.name, data.role, data.password, actor)
    return _user(user, 0, 0)


@put("/api/v1/users/{user_id:str}", dto=Strict[UserChange], return_dto=None, operation_id="updateUser", tags=TAGS)
async def update_user(
    user_id: PathId, data: JSONBody[UserChange], accounts: NamedDependency[Accounts], actor: NamedDependency[Actor]
) -> UserEntry:
    """Change a user's name, role or password; what is left out stays. A new password ends their sessions."""
    await accounts.change_user(user_id, data, actor)
    return _user(*await accounts.get_user(user_id))


@delete("/api/v1/users/{user_id:str}", operation_id="deleteUser", tags=TAGS)
async def delete_user(user_id: PathId, accounts: NamedDependency[Accounts], actor: NamedDependency[Actor]) -> None:
    """Remove a user with their sessions and tokens."""
    await accounts.remove_user(user_id, actor)


@delete("/api/v1/users/{user_id:str}/sessions", operation_id="revokeUserSessions", tags=TAGS)
async def revoke_user_sessions(
    user_id: PathId, accounts: NamedDependency[Accounts], actor: NamedDependency[Actor]
) -> None:
    """Sign a user out everywhere."""
    await accounts.revoke_sessions_of(user_id, actor)


@get("/api/v1/tokens", operation_id="listTokens", tags=TAGS)
async def list_tokens(
    accounts: NamedDependency[Accounts], clock: NamedDependency[Clock], limit: Limit = 100, offset: Offset = 0
) -> TokenList:
    """List API tokens by name, without their secrets."""
    page, total = await accounts.list_tokens(limit, offset)
    entries = [_token(token, clock) for token in page]
    return TokenList(tokens=entries, total=total, has_more=offset + len(entries) < total)


@post("/api/v1/tokens", dto=Strict[NewToken], return_dto=None, operation_id="createToken", tags=TAGS)
async def create_token(
    data: JSONBody[NewToken],
    accounts: NamedDependency[Accounts],
    clock: NamedDependency[Clock],
    caller: NamedDependency[Principal],
    actor: NamedDependency[Actor],
) -> TokenMade:
    """Make a token. Its secret is in this answer and never shown again; it never may more than its owner."""
    token, secret = await accounts.create_token(data, caller.user_id, actor)
    return TokenMade(_token(token, clock), secret)


@delete("/api/v1/tokens/{token_id:str}", operation_id="revokeToken", tags=TAGS)
async def revoke_token(token_id: PathId, accounts: NamedDependency[Accounts], actor: NamedDependency[Actor]) -> None:
    """Revoke a token; it stops working at once."""
    await accounts.revoke_token(token_id, actor)


@get("/api/v1/audit", operation_id="listAudit", tags=TAGS)
async def list_audit(
    db: NamedDependency[Database],
    actor_is: ActorText = None,
    action: Text = None,
    entity: Text = None,
    since: Moment = None,
    until: Moment = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> AuditList:
    """List who changed what, newest first. `entity` ending in a colon, such as `user:`, means all of that kind."""
    wanted = Wanted(actor_is, action, entity, moment("since", since), moment("until", until))
    found, total = await db.read(lambda read: list_entries(read, wanted, limit, offset))
    entries = [
        AuditEntry(
            id=entry.id,
            at=wire(entry.at),
            actor=entry.actor,
            action=entry.action,
            entity=entry.entity,
            address=entry.address,
            change=dict(entry.change),
        )
        for entry in found
    ]
    return AuditList(entries=entries, total=total, has_more=offset + len(entries) < total)


def _user(user: User, sessions: int, tokens: int) -> UserEntry:
    return UserEntry(
        id=user.id,
        name=user.name,
        role=user.role,
        has_password=bool(user.password_hash),
        created_at=wire(user.created_at),
        last_seen_at=wire_or_none(user.last_seen_at),
        sessions=sessions,
        tokens=tokens,
    )


def _token(token: Token, clock: Clock) -> TokenEntry:
    return TokenEntry(
        id=token.id,
        name=token.name,
        scope=token.scope,
        owner=token.owner.name if token.owner else None,
        created_at=wire(token.created_at),
        expires_at=wire_or_none(token.expires_at),
        last_used_at=wire_or_none(token.last_used_at),
        expired=token.expires_at is not None and token.expires_at <= clock.now(),
    )


ROUTES = (
    list_users,
    create_user,
    update_user,
    delete_user,
    revoke_user_sessions,
    list_tokens,
    create_token,
    revoke_token,
    list_audit,
)
