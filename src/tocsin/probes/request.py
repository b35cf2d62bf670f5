"""HTTP requests: a URL taken apart, the bytes that go over the wire, where a redirect leads.  Source: RFC 9112."""

import re
from typing import NamedTuple

from yarl import URL

from tocsin import __version__
from tocsin.core.errors import Invalid
from tocsin.probes.base import Cause, Failed, HttpAnswer

_ODD = re.compile(r"[^\x21-\x7e]|%")
_OWN = {"connection", "content-length", "transfer-encoding", "upgrade", "expect"}


class Target(NamedTuple):
    """A URL taken apart once. `authority` is what the Host header says, `path` has its query."""

    scheme: str
    host: str
    port: int
    path: str
    authority: str


class HttpSpec(NamedTuple):
    """What to ask. *body_limit* 0: the head is enough, unless the status is not one of *expected* (evidence).

    *request* is what `build_request` makes of the rest; a check that is done often has it ready.
    """

    target: Target
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    verify: bool = True
    max_redirects: int = 5
    body_limit: int = 0
    expected: frozenset[int] = frozenset()
    wants_certificate: bool = False
    request: bytes = b""


def parse_target(url: str) -> Target:
    """Raises Invalid: not a URL that can be checked."""
    if any(ord(char) <= 32 or ord(char) == 127 for char in url) or "\\" in url:
        raise Invalid("target holds characters that no URL has", field="target")
    try:
        parts = URL(url)
        host, port = parts.raw_host, parts.port
    except ValueError:
        raise Invalid("target is not a URL", field="target") from None
    if parts.scheme not in {"http", "https"} or not host or not port or _ODD.search(host):
        raise Invalid("target must begin with http:// or https:// and name a host", field="target")
    if parts.raw_user is not None or parts.raw_password is not None:
        raise Invalid("target must not hold a user name or password; use the header Authorization", field="target")
    shown = f"[{host}]" if ":" in host else host
    standard = port == (443 if parts.scheme == "https" else 80)
    return Target(parts.scheme, host, port, parts.raw_path_qs or "/", shown if standard else f"{shown}:{port}")


def build_request(spec: HttpSpec) -> bytes:
    """Return the request as it goes over the wire."""
    given = {name.lower() for name, _ in spec.headers}
    lines = [f"{spec.method} {spec.target.path} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"Host: {spec.target.authority}")
    if "user-agent" not in given:
        lines.append(f"User-Agent: Tocsin/{__version__}")
    if "accept" not in given:
        lines.append("Accept: */*")
    if "accept-encoding" not in given:
        lines.append(f"Accept-Encoding: {'gzip, deflate' if spec.body_limit else 'identity'}")
    lines += [f"{name}: {value}" for name, value in spec.headers if name.lower() not in _OWN]
    if spec.body is not None or spec.method in {"POST", "PUT", "PATCH"}:
        lines.append(f"Content-Length: {len(spec.body or b'')}")
    lines.append("Connection: close")
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + (spec.body or b"")


def location_of(target: Target, answer: HttpAnswer) -> Target | None:
    """Return where a redirect leads, None when it says nothing usable.  Raises Failed: nowhere we go."""
    location = answer.header("location")
    if not location:
        return None
    try:
        here = URL(f"{target.scheme}://{target.authority}{target.path}", encoded=True)
        following = here.join(URL(location))
        return parse_target(str(following.with_user(None).with_fragment(None)))
    except (ValueError, Invalid):
        raise Failed(Cause.PROTOCOL, "redirected to something that is no http or https URL") from None


def is_same_origin(before: Target, after: Target) -> bool:
    """Say whether *after* is who was asked before, and no less safe to talk to."""
    one, other = (before.scheme, before.port), (after.scheme, after.port)
    return before.host == after.host and (one == other or (one, other) == (("http", 80), ("https", 443)))
