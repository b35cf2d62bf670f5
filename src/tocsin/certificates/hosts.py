"""Host names in one form, so that one host is watched once; what people and labels write for host and port. Pure."""

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from yarl import URL

from tocsin.probes.starttls import Protocol

MOST_OF_ONE_LABEL = 50
PORTS = {Protocol.TLS: 443, Protocol.SMTP: 587, Protocol.IMAP: 143, Protocol.POSTGRES: 5432}
_SCHEMES = {
    "": None,
    "http": Protocol.TLS,
    "https": Protocol.TLS,
    "tls": Protocol.TLS,
    "smtp": Protocol.SMTP,
    "imap": Protocol.IMAP,
    "postgres": Protocol.POSTGRES,
    "postgresql": Protocol.POSTGRES,
}
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_SENTENCE = "a host such as www.example.org, 192.0.2.7 or [2001:db8::7], with :port if it is not the usual one"


class Place(NamedTuple):
    """A host and port, and how TLS begins there."""

    hostname: str
    port: int
    protocol: Protocol = Protocol.TLS


class Written(NamedTuple):
    """What somebody wrote; None for what was left out."""

    hostname: str
    port: int | None
    protocol: Protocol | None

    def place(self) -> Place:
        protocol = self.protocol or Protocol.TLS
        return Place(self.hostname, self.port or PORTS[protocol], protocol)


def parse(text: str) -> Written:
    """Return what *text* says: `host`, `host:port`, either with a scheme before it; a path is left out.

    Raises ValueError with what is allowed.
    """
    scheme, colon, rest = text.strip().rpartition("://")
    if scheme.lower() not in _SCHEMES or (colon and not scheme):
        raise ValueError(f"before :// there may be {', '.join(filter(None, _SCHEMES))}")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    host, port = _split(authority)
    return Written(normal(host), _port(port), _SCHEMES[scheme.lower()])


def _split(authority: str) -> tuple[str, str]:
    if authority.startswith("["):
        host, bracket, port = authority[1:].partition("]")
        if not bracket or ":" not in host or (port and not port.startswith(":")):
            raise ValueError(_SENTENCE)
        return host, port
    if authority.count(":") > 1:  # an address of version 6 without brackets
        return authority, ""
    host, colon, port = authority.partition(":")
    return host, colon + port


def _port(text: str) -> int | None:
    if not text:
        return None
    digits = text[1:]
    if not digits.isascii() or not digits.isdigit() or len(digits) > 5 or not 1 <= int(digits) <= 65535:
        raise ValueError("a port is a number from 1 to 65535")
    return int(digits)


def normal(host: str) -> str:
    """Return *host* in lower case, as A-labels, without a dot at the end; addresses in their shortest form.

    Raises ValueError: it is neither a host name nor an address.
    """
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        name = (URL.build(scheme="https", host=host.removesuffix(".")).raw_host or "").removesuffix(".")
    except ValueError:
        raise ValueError(_SENTENCE) from None
    if not name or len(name) > 253 or not all(map(_LABEL.fullmatch, name.split("."))):
        raise ValueError(_SENTENCE)
    return name


def parse_list(text: str) -> list[Place]:
    """Return the places of a label, each host and port once, the first fifty; what cannot be read is left out."""
    found: dict[tuple[str, int], Place] = {}
    for part in text.split(","):
        try:
            place = parse(part).place()
        except ValueError:
            continue
        found.setdefault((place.hostname, place.port), place)
    return list(found.values())[:MOST_OF_ONE_LABEL]


def of_url(url: str) -> Place | None:
    """Return where the certificate of an https URL is shown; None for any other URL."""
    try:
        parts = urlsplit(url)
        if parts.scheme.lower() != "https" or not parts.hostname:
            return None
        return Place(normal(parts.hostname), parts.port or PORTS[Protocol.TLS])
    except ValueError:
        return None


def shown(hostname: str, port: int) -> str:
    """Return how people write it, without the usual port."""
    host = f"[{hostname}]" if ":" in hostname else hostname
    return host if port == PORTS[Protocol.TLS] else f"{host}:{port}"
