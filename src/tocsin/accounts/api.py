"""Routes of the slice that concern oneself: set-up, signing in and out, one's own password and sessions."""

from typing import Any

from litestar import Request, Response, delete, get, post, put
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import JSONBody

from tocsin.accounts.identity import COOKIE, LONGEST, session_token
from tocsin.accounts.models import (
    Login,
    Me,
    PasswordChange,
    RoleName,
    SessionEntry,
    SessionList,
    Setup,
    SetupState,
    SignedIn,
    User,
    UserView,
)
from tocsin.accounts.service import Accounts, Visitor
from tocsin.core.clock import wire
from tocsin.db.tx import Actor
from tocsin.http.access import Principal
from tocsin.http.params import PathId
from tocsin.http.peer import Peer
from tocsin.http.strict import Strict

TAGS = ["Accounts"]
LONGEST_USER_AGENT = 300
AnyRequest = Request[Any, Any, Any]


@get("/api/v1/auth/setup", operation_id="getSetup", tags=TAGS)
async def get_setup(accounts: NamedDependency[Accounts]) -> SetupState:
    """Say whether the first admin is still to be made, and how people sign in."""
    return SetupState(await accounts.setup_required(), accounts.sign_in)


@post("/api/v1/auth/setup", dto=Strict[Setup], return_dto=None, operation_id="setUp", tags=TAGS)
async def set_up(
    data: JSONBody[Setup], request: AnyRequest, accounts: NamedDependency[Accounts], peer: NamedDependency[Peer]
) -> Response[SignedIn]:
    """Make the first admin, with the one-time code from the log, and sign them in."""
    user, token = await accounts.setup(data, _visitor(request, peer))
    return _signed_in(user, token, 201, secure=peer.is_https(request.scope))


@post("/api/v1/auth/login", dto=Strict[Login], return_dto=None, status_code=200, operation_id="signIn", tags=TAGS)
async def sign_in(
    data: JSONBody[Login], request: AnyRequest, accounts: NamedDependency[Accounts], peer: NamedDependency[Peer]
) -> Response[SignedIn]:
    """Open a session; its cookie comes with the answer."""
    old_session = session_token(request.scope)
    user, token = await accounts.login(data.name, data.password, _visitor(request, peer), old_session)
    return _signed_in(user, token, 200, secure=peer.is_https(request.scope))


@post("/api/v1/auth/logout", status_code=204, operation_id="signOut", tags=TAGS)
async def sign_out(request: AnyRequest, accounts: NamedDependency[Accounts]) -> Response[None]:
    """End the session."""
    await accounts.logout(request.scope)
    return Response(None, status_code=204, cookies=[Cookie(key=COOKIE, value="", path="/", max_age=0, httponly=True)])


@get("/api/v1/auth/me", operation_id="getMe", tags=TAGS)
async def get_me(caller: NamedDependency[Principal]) -> Me:
    """Say who is calling."""
    return Me(UserView(caller.id, caller.name, RoleName(caller.role.word)), caller.via)


@put(
    "/api/v1/auth/password",
    dto=Strict[PasswordChange],
    return_dto=None,
    status_code=204,
    operation_id="changePassword",
    tags=TAGS,
)
async def change_password(
    data: JSONBody[PasswordChange],
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Principal],
    actor: NamedDependency[Actor],
    peer: NamedDependency[Peer],
) -> Response[None]:
    """Change one's own password. This session goes on under a new cookie; all others end."""
    visitor = _visitor(request, peer)
    token = await accounts.change_own_password(caller, data.current_password, data.new_password, visitor, actor)
    return Response(None, status_code=204, cookies=[_cookie(token, secure=peer.is_https(request.scope))])


@get("/api/v1/auth/sessions", operation_id="listOwnSessions", tags=TAGS)
async def list_sessions(
    request: AnyRequest, accounts: NamedDependency[Accounts], caller: NamedDependency[Principal]
) -> SessionList:
    """List one's own sessions, the one used last first; none for callers without a session."""
    found = await accounts.own_sessions(caller, request.scope)
    entries = [
        SessionEntry(
            id=session.id,
            created_at=wire(session.created_at),
            last_seen_at=wire(session.last_seen_at),
            address=session.address,
            user_agent=session.user_agent,
            current=current,
        )
        for session, current in found
    ]
    return SessionList(sessions=entries, total=len(entries), has_more=False)


@delete("/api/v1/auth/sessions/{session_id:str}", operation_id="revokeOwnSession", tags=TAGS)
async def revoke_session(
    session_id: PathId,
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Principal],
    actor: NamedDependency[Actor],
) -> None:
    """End one of one's own sessions."""
    await accounts.revoke_session(caller, session_id, actor)


@delete("/api/v1/auth/sessions", operation_id="revokeOtherSessions", tags=TAGS)
async def revoke_other_sessions(
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Principal],
    actor: NamedDependency[Actor],
) -> None:
    """End all of one's own sessions but this one."""
    await accounts.revoke_other_sessions(caller, request.scope, actor)


def _visitor(request: AnyRequest, peer: Peer) -> Visitor:
    agent = "".join(char for char in request.headers.get("user-agent", "") if char.isprintable())
    return Visitor(peer.address(request.scope), agent[:LONGEST_USER_AGENT])


def _signed_in(user: User, token: str, status: int, *, secure: bool) -> Response[SignedIn]:
    body = SignedIn(UserView(user.id, user.name, user.role))
    return Response(body, status_code=status, cookies=[_cookie(token, secure=secure)])


def _cookie(token: str, *, secure: bool) -> Cookie:
    age_s = int(LONGEST.total_seconds())
    return Cookie(key=COOKIE, value=token, path="/", max_age=age_s, httponly=True, samesite="lax", secure=secure)


ROUTES = (
    get_setup,
    set_up,
    sign_in,
    sign_out,
    get_me,
    change_password,
    list_sessions,
    revoke_session,
    revoke_other_sessions,
)
