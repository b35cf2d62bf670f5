"""Puts the edge together: layers outside, raw streams and pages beside the Litestar routes."""

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Litestar, Request
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from tocsin.db.tx import Actor
from tocsin.http import openapi
from tocsin.http.access import AccessGate, Authenticator, Principal, is_open
from tocsin.http.asgi import App, Message, Receive, Scope, Send
from tocsin.http.edge import Edge, Observe
from tocsin.http.errors import MethodNotAllowed, RouteNotFound, answer, refuse
from tocsin.http.guards import BodyGate, HostGuard, OriginGuard
from tocsin.http.pages import Pages
from tocsin.http.peer import Peer


def routes(handlers: Sequence[ControllerRouterHandler], objects: Mapping[str, Any]) -> Litestar:
    """Return the typed routes; *objects* are what their handlers ask for by name.

    Behind the access gate they may also ask for `caller`, who is calling, and `actor`, how the audit names them.
    """
    return Litestar(
        route_handlers=handlers,
        dependencies={
            **{name: Provide(_constant(value), sync_to_thread=False) for name, value in objects.items()},
            "caller": Provide(_caller, sync_to_thread=False),
            "actor": Provide(_actor(objects["peer"]), sync_to_thread=False),
        },
        exception_handlers={Exception: answer},
        openapi_config=openapi.config(),
        signature_types=[],
        debug=False,
        logging_config=None,
    )


def _constant(value: Any) -> Any:
    def provide() -> Any:
        return value

    return provide


def _caller(request: Request[Any, Any, Any]) -> Principal:
    principal: Principal = request.scope["state"]["principal"]
    return principal


def _actor(peer: Peer) -> Any:
    def provide(request: Request[Any, Any, Any]) -> Actor:
        return Actor(_caller(request).actor, peer.address(request.scope))

    return provide


class Router:
    """Which application answers which path.

    *raw* are exact paths, and one folder, `/badges/`; *raw_of_containers* what container paths end in.
    """

    def __init__(self, api: App, pages: Pages, raw: Mapping[str, App], raw_of_containers: Mapping[str, App]) -> None:
        self._api = api
        self._pages = pages
        self._raw = raw
        self._raw_of_containers = raw_of_containers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        app = self._find(path)
        if app is not self._api and scope["method"] not in {"GET", "HEAD"}:
            refusal = MethodNotAllowed("This route answers to GET only")
            await refuse(scope, send, refusal, [(b"allow", b"GET, HEAD")])
            return
        if app is None:
            await refuse(scope, send, RouteNotFound("There is no such route"))
            return
        if app is self._api and scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        await app(scope, receive, send)

    def _find(self, path: str) -> App | None:
        if path in self._raw:
            return self._raw[path]
        if path.startswith("/badges/"):
            return self._raw.get("/badges/")
        if path.startswith("/api/v1/"):
            if path.startswith("/api/v1/containers/"):
                for ending, app in self._raw_of_containers.items():
                    if path.endswith(ending):
                        return app
            return self._api
        if path == "/api/docs" or path.startswith("/api/docs/"):
            return self._pages.docs
        return None if path == "/api" or path.startswith("/api/") else self._pages


def _without_body(send: Send) -> Send:
    """Answer HEAD as GET would, headers only."""

    async def send_headers(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_headers


def harden(
    app: App,
    authenticator: Authenticator,
    *,
    observe: Observe,
    hosts: Sequence[str],
    base_url: str,
    cors_origins: Sequence[str],
    max_body_bytes: int,
    metrics_public: bool,
    ping: App,
) -> App:
    """Wrap *app* in every layer a request must pass, the innermost first.

    *ping* is open to everybody, by every name, and passes none of the layers: what is under `/ping`.
    """
    gated: App = BodyGate(app, max_body_bytes)
    gated = AccessGate(gated, authenticator, metrics_public=metrics_public)
    gated = OriginGuard(gated, base_url, cors_origins)
    gated = HostGuard(gated, hosts)
    edge = Edge(gated, observe)

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        """Pings go their own way. A base URL that ends in / doubles the one at the start; that must not lose a ping."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path.startswith("//"):
            path = scope["path"] = "/" + path.lstrip("/")
        if is_open(path):
            await ping(scope, receive, send)
        else:
            await edge(scope, receive, send)

    return entry
