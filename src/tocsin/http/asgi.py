"""Small things every ASGI layer needs: types, headers, plain answers, who is calling."""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from tocsin.core.egress import Network

Scope = Any
"""What a request is, `MutableMapping[str, Any]`: each library gives the same shape a type of its own."""
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first header *name* (lower case), None when it is absent."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


async def respond(
    send: Send, status: int, body: bytes, content_type: str, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Send a whole answer."""
    start = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})


def client_address(scope: Scope, trusted: tuple[Network, ...]) -> str:
    """Return who is calling: the peer, or what trusted proxies say of the one before them.

    `X-Forwarded-For` is read from the right, as far as the proxies are ours; the rest anybody could have written.
    """
    peer = str((scope.get("client") or ("", 0))[0])
    if not is_trusted(peer, trusted):
        return peer
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    for hop in reversed(",".join(lines).split(",")):
        address = hop.strip()
        if not _is_address(address):
            break
        peer = address
        if not is_trusted(address, trusted):
            break
    return peer


def is_https(scope: Scope, trusted: tuple[Network, ...]) -> bool:
    if scope.get("scheme") == "https":
        return True
    peer = str((scope.get("client") or ("", 0))[0])
    return is_trusted(peer, trusted) and header(scope, b"x-forwarded-proto") == "https"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_trusted(address: str, trusted: tuple[Network, ...]) -> bool:
    """Say whether *address* lies in one of the *trusted* networks."""
    if not trusted or not _is_address(address):
        return False
    parsed = ipaddress.ip_address(address)
    return any(parsed in network for network in trusted if network.version == parsed.version)
