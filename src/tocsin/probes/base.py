"""What every probe returns: how far it came, how long each part took, and what it saw."""

import errno
from enum import StrEnum
from typing import NamedTuple

import msgspec


class Cause(StrEnum):
    """Why a probe did not get its answer.  Source: docs/spec/endpoints.md, causes."""

    NAME = "name"  # the name does not exist
    RESOLVER = "resolver"  # no name server told
    FORBIDDEN = "forbidden"  # the egress policy
    NO_ROUTE = "no_route"  # this machine has no way there
    UNREACHABLE = "unreachable"  # the network says that nobody is there
    REFUSED = "refused"
    TIMEOUT_CONNECT = "timeout_connect"  # nobody answered at all
    TIMEOUT = "timeout"  # somebody did, but not in time
    BROKEN_OFF = "broken_off"
    TLS = "tls"
    PROTOCOL = "protocol"
    OURS = "ours"  # we could not look: no memory, no descriptors, the process stood still


NETWORK = frozenset({Cause.RESOLVER, Cause.NO_ROUTE, Cause.UNREACHABLE, Cause.TIMEOUT_CONNECT})
"""Causes that a fault of our own network has as well."""


class Phases(NamedTuple):
    """Microseconds; None for what did not happen. `total` runs from the first packet to the answer's head."""

    total: int = 0
    dns: int | None = None
    connect: int | None = None
    tls: int | None = None
    first_byte: int | None = None


class HttpAnswer(msgspec.Struct, kw_only=True):
    """An HTTP response. `head` is as it came; `body` is what was read of it, unpacked; `truncated`: there was more."""

    status: int
    head: bytes
    body: bytes = b""
    truncated: bool = False

    @property
    def version(self) -> str:
        return self.head[5:8].decode("ascii", "replace")

    @property
    def headers(self) -> list[tuple[str, str]]:
        lines = self.head.decode("latin-1").replace("\r\n", "\n").split("\n")[1:]
        pairs = (line.partition(":") for line in lines if ":" in line)
        return [(name.strip(), value.strip()) for name, _, value in pairs]

    def header(self, name: str) -> str | None:
        """Return the value of a header (several joined by commas), None when there is none."""
        wanted = name.lower()
        found = [value for given, value in self.headers if given.lower() == wanted]
        return ", ".join(found) if found else None


class Result(msgspec.Struct, kw_only=True):
    """One look. With a `cause` it failed, and `error` is a sentence that holds no secret.

    `address` is who was asked; `answers` are what a name server said; `data` is what came over TCP.
    """

    phases: Phases = Phases()
    cause: Cause | None = None
    error: str | None = None
    address: str | None = None
    http: HttpAnswer | None = None
    data: bytes = b""
    answers: tuple[str, ...] = ()
    certificate: bytes | None = None
    tls_version: str | None = None


class Failed(Exception):
    """A step did not succeed. Travels inside this package only; a probe returns it as a Result."""

    def __init__(self, cause: Cause, error: str) -> None:
        super().__init__(error)
        self.cause = cause
        self.error = error


_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM}
_UNREACHABLE = {errno.EHOSTUNREACH, errno.EHOSTDOWN}
_NO_ROUTE = {errno.ENETUNREACH, errno.ENETDOWN, errno.EAFNOSUPPORT}


def from_os_error(exc: OSError, where: str) -> Failed:
    """Return what *exc*, met while connecting to *where*, means."""
    code = exc.errno
    if code in _OURS:
        return Failed(Cause.OURS, f"this machine could not open a connection: {exc.strerror}")
    if code in _NO_ROUTE:
        return Failed(Cause.NO_ROUTE, f"no route to {where}")
    if code in _UNREACHABLE:
        return Failed(Cause.UNREACHABLE, f"{where} is unreachable")
    if code == errno.ECONNREFUSED:
        return Failed(Cause.REFUSED, f"connection refused by {where}")
    if code == errno.ETIMEDOUT:
        return Failed(Cause.TIMEOUT_CONNECT, f"{where} does not answer")
    return Failed(Cause.BROKEN_OFF, f"connection to {where} broken off")
