"""Structs of the slice."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tocsin.core.clock import Instant
from tocsin.core.errors import Conflict, Forbidden

_VISIBLE_ENDS = r"^[^\s\x00-\x1f](?:[^\x00-\x1f]*[^\s\x00-\x1f])?$(?!\n)"  # $ alone lets a last newline through
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=_VISIBLE_ENDS)]
Password = Annotated[str, Meta(min_length=10, max_length=256, description="10 to 256 characters")]
GivenPassword = Annotated[str, Meta(max_length=1024)]
"""What somebody typed as their present password: of any length, or older rules would lock people out."""


class RoleName(StrEnum):
    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


class TokenScope(StrEnum):
    """What a token may do: `read` as a viewer, `write` as an editor, `admin` all."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class SignIn(StrEnum):
    """How people sign in: with a password, at a reverse proxy, or not at all."""

    PASSWORD = "password"  # noqa: S105 -- a word, not a secret
    PROXY = "proxy"
    NONE = "none"


# --- stored ----------------------------------------------------------------------------------------------------------


class User(msgspec.Struct, frozen=True, kw_only=True):
    """`password_hash` is empty for somebody whom only a proxy can sign in."""

    id: int
    name: str
    role: RoleName
    password_hash: str
    created_at: datetime
    last_seen_at: datetime | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    user_id: int
    token_hash: str
    created_at: datetime
    last_seen_at: datetime
    address: str
    user_agent: str


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """`owner` is the user who made it, None for one made from the shell; it never may more than they may."""

    id: int
    name: str
    scope: TokenScope
    created_at: datetime
    owner: User | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


class SetupDone(Conflict):
    """There is an admin already."""


class WrongCode(Forbidden):
    pass


class WrongPassword(Forbidden):
    code = "wrong_password"


class Duplicate(Conflict):
    """The name is taken."""


class LastAdmin(Conflict):
    """Nobody would be left who may administer."""

    code = "last_admin"


# --- bodies ----------------------------------------------------------------------------------------------------------


class Setup(msgspec.Struct, forbid_unknown_fields=True):
    """The one-time code from the log, and the first admin."""

    code: Annotated[str, Meta(max_length=64)]
    name: Name
    password: Password


class Login(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=256)]
    password: GivenPassword


class PasswordChange(msgspec.Struct, forbid_unknown_fields=True):
    current_password: GivenPassword
    new_password: Password


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    name: Name
    role: RoleName
    password: Password


class UserChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    name: Name | UnsetType = UNSET
    role: RoleName | UnsetType = UNSET
    password: Password | UnsetType = UNSET


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    name: Name
    scope: TokenScope
    expires_in_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


# --- answers ---------------------------------------------------------------------------------------------------------


class SetupState(msgspec.Struct):
    required: Annotated[bool, Meta(description="No admin yet: the set-up page makes the first")]
    sign_in: SignIn


class UserView(msgspec.Struct):
    id: int
    name: str
    role: RoleName


class SignedIn(msgspec.Struct):
    user: UserView


class Me(msgspec.Struct):
    user: UserView
    via: Annotated[str, Meta(description="`session`, `token`, `proxy`, or `none` when nobody is asked to sign in")]


class UserEntry(msgspec.Struct, kw_only=True):
    id: int
    name: str
    role: RoleName
    has_password: bool
    created_at: Instant
    last_seen_at: Instant | None
    sessions: int
    tokens: int


class UserList(msgspec.Struct, kw_only=True):
    users: list[UserEntry]
    total: int
    has_more: bool


class SessionEntry(msgspec.Struct, kw_only=True):
    id: int
    created_at: Instant
    last_seen_at: Instant
    address: str
    user_agent: str
    current: Annotated[bool, Meta(description="The session of this very request")]


class SessionList(msgspec.Struct, kw_only=True):
    sessions: list[SessionEntry]
    total: int
    has_more: bool


class TokenEntry(msgspec.Struct, kw_only=True):
    id: int
    name: str
    scope: TokenScope
    owner: Annotated[str | None, Meta(description="Who made it; null for the shell")]
    created_at: Instant
    expires_at: Instant | None
    last_used_at: Annotated[Instant | None, Meta(description="Exact to five minutes")]
    expired: bool


class TokenList(msgspec.Struct, kw_only=True):
    tokens: list[TokenEntry]
    total: int
    has_more: bool


class TokenMade(msgspec.Struct):
    token: TokenEntry
    secret: Annotated[str, Meta(description="Shown this once")]


class AuditEntry(msgspec.Struct, kw_only=True):
    id: int
    at: Instant
    actor: Annotated[str, Meta(examples=["user:ada", "token:ci", "shell"])]
    action: Annotated[str, Meta(examples=["user.update"])]
    entity: Annotated[str, Meta(examples=["user:3"])]
    address: str | None
    change: Annotated[dict[str, Any], Meta(description="`{field: {before, after}}`; secrets are masked")]


class AuditList(msgspec.Struct, kw_only=True):
    entries: list[AuditEntry]
    total: int
    has_more: bool
