"""Routes of the slice."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import JSONBody

from tocsin.accounts.models import Login, Me, RoleName, Setup, SetupState, SignedIn, User, UserView
from tocsin.accounts.service import COOKIE, LONGEST, Accounts
from tocsin.http.access import Principal
from tocsin.http.peer import Peer
from tocsin.http.strict import Strict

AnyRequest = Request[Any, Any, Any]


@get("/api/v1/auth/setup", operation_id="getSetup", tags=["Accounts"])
async def get_setup(accounts: NamedDependency[Accounts]) -> SetupState:
    """Say whether the first admin is still to be made."""
    return SetupState(await accounts.setup_required())


@post("/api/v1/auth/setup", dto=Strict[Setup], return_dto=None, operation_id="setUp", tags=["Accounts"])
async def set_up(
    data: JSONBody[Setup], request: AnyRequest, accounts: NamedDependency[Accounts], peer: NamedDependency[Peer]
) -> Response[SignedIn]:
    """Make the first admin, with the one-time code from the log, and sign them in."""
    user, token = await accounts.setup(data, peer.address(request.scope))
    return _signed_in(user, token, 201, secure=peer.is_https(request.scope))


@post(
    "/api/v1/auth/login", dto=Strict[Login], return_dto=None, status_code=200, operation_id="signIn", tags=["Accounts"]
)
async def sign_in(
    data: JSONBody[Login], request: AnyRequest, accounts: NamedDependency[Accounts], peer: NamedDependency[Peer]
) -> Response[SignedIn]:
    """Open a session; its cookie comes with the answer."""
    user, token = await accounts.login(data.name, data.password, peer.address(request.scope))
    return _signed_in(user, token, 200, secure=peer.is_https(request.scope))


@post("/api/v1/auth/logout", status_code=204, operation_id="signOut", tags=["Accounts"])
async def sign_out(request: AnyRequest, accounts: NamedDependency[Accounts]) -> Response[None]:
    """End the session."""
    await accounts.logout(request.scope)
    return Response(None, status_code=204, cookies=[Cookie(key=COOKIE, value="", path="/", max_age=0, httponly=True)])


@get("/api/v1/auth/me", operation_id="getMe", tags=["Accounts"])
async def get_me(request: AnyRequest) -> Me:
    """Say who is calling."""
    principal: Principal = request.scope["state"]["principal"]
    return Me(UserView(principal.id, principal.name, RoleName(principal.role.word)), principal.via)


def _signed_in(user: User, token: str, status: int, *, secure: bool) -> Response[SignedIn]:
    cookie = Cookie(
        key=COOKIE,
        value=token,
        path="/",
        max_age=int(LONGEST.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=secure,
    )
    return Response(SignedIn(UserView(user.id, user.name, user.role)), status_code=status, cookies=[cookie])


ROUTES = (get_setup, set_up, sign_in, sign_out, get_me)
