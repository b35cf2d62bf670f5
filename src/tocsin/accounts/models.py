"""Structs of the slice."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from tocsin.core.errors import Conflict, Forbidden

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f](?:[^\x00-\x1f]*[^\s\x00-\x1f])?$")]
Password = Annotated[str, Meta(min_length=10, max_length=256, description="10 to 256 characters")]


class RoleName(StrEnum):
    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


class TokenScope(StrEnum):
    """What a token may do: `read` as a viewer, `write` as an editor, `admin` all."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class User(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str
    role: RoleName
    password_hash: str


class SetupDone(Conflict):
    """There is an admin already."""


class WrongCode(Forbidden):
    pass


class Duplicate(Conflict):
    """The name is taken."""


class Setup(msgspec.Struct, forbid_unknown_fields=True):
    """The one-time code from the log, and the first admin."""

    code: Annotated[str, Meta(max_length=64)]
    name: Name
    password: Password


class Login(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=256)]
    password: Annotated[str, Meta(max_length=1024)]


class SetupState(msgspec.Struct):
    required: Annotated[bool, Meta(description="No admin yet: the set-up page makes the first")]


class UserView(msgspec.Struct):
    id: int
    name: str
    role: RoleName


class SignedIn(msgspec.Struct):
    user: UserView


class Me(msgspec.Struct):
    user: UserView
    via: Annotated[str, Meta(description="`session`, `token`, or `none` when nobody is asked to sign in")]
