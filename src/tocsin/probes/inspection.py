"""What a look at a certificate found."""

import ipaddress
from datetime import datetime
from enum import StrEnum

import msgspec

LONGEST_CHAIN = 16


class Failure(StrEnum):
    """Why no certificate was seen. The value is the sentence that people read."""

    TIMEOUT = "handshake timeout"
    REFUSED = "connection refused"
    NOT_FOUND = "hostname not found"
    UNREACHABLE = "network unreachable"
    TLS = "TLS error"
    CONNECTION = "connection failed"
    NO_CERTIFICATE = "no certificate presented"
    STARTTLS = "starttls refused"
    FORBIDDEN = "target forbidden"


class ChainFault(StrEnum):
    """Why a chain does not lead to a root we trust."""

    SELF_SIGNED = "self_signed"
    INCOMPLETE = "incomplete"
    UNTRUSTED = "untrusted"
    EXPIRED_IN_CHAIN = "expired_in_chain"
    INVALID = "invalid"


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate as it was presented."""

    subject_cn: str
    issuer_cn: str
    issuer_org: str | None
    sans: tuple[str, ...]
    serial_number: str
    fingerprint_sha256: str
    signature_algorithm: str
    key_type: str
    not_before: datetime
    not_after: datetime


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What one handshake showed: the chain, leaf first, and what is wrong with it; or why there is none.

    That a leaf has expired is no fault of its chain: the two are told apart.
    """

    chain: tuple[Link, ...] = ()
    tls_version: str | None = None
    chain_fault: ChainFault | None = None
    chain_error: str | None = None
    hostname_match: bool | None = None
    weakness: str | None = None
    failure: Failure | None = None
    detail: str | None = None

    @property
    def leaf(self) -> Link | None:
        return self.chain[0] if self.chain else None

    @property
    def error_message(self) -> str | None:
        if self.failure is None:
            return None
        return f"{self.failure}: {self.detail}" if self.detail else self.failure.value


def is_address(hostname: str) -> bool:
    try:
        ipaddress.ip_address(hostname)
    except ValueError:
        return False
    return True
