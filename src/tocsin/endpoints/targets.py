"""`host:port` as people write it, IPv6 in brackets."""

import ipaddress
import re

from tocsin.core.errors import Invalid

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})\Z", re.ASCII)


def parse_host_port(text: str, *, default_port: int | None = None, field: str = "target") -> tuple[str, int]:
    """Return host and port.  Raises Invalid: not `host:port`, or a port beyond 1 to 65535."""
    sentence = f"{field} must be host:port, such as db:5432 or [fd00::5]:5432"
    written = text.strip()
    host, colon, port = written.rpartition(":")
    if not colon or (host.count(":") and not host.endswith("]")) or written.endswith("]"):
        if default_port is None:
            raise Invalid(sentence, field=field)
        host, port = written, str(default_port)
    if not port.isascii() or not port.isdigit() or len(port) > 5 or not 1 <= int(port) <= 65_535:
        raise Invalid(f"{field}: the port must be a number from 1 to 65535", field=field)
    if host.startswith("[") and host.endswith("]") and is_address(host[1:-1]):
        host = host[1:-1]
    if is_address(host):
        return str(ipaddress.ip_address(host)), int(port)
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise Invalid(sentence, field=field) from None
    if not _HOST.match(ascii_host):
        raise Invalid(sentence, field=field)
    return ascii_host.lower().rstrip("."), int(port)


def is_address(text: str) -> bool:
    """Say whether *text* is an address; one with a zone is none that can be asked for."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text
