"""Where Tocsin may connect to on behalf of a user: one policy for probes, webhooks, channels and registries.

Public and private addresses are allowed. Loopback, link-local, cloud metadata, multicast and unspecified ones are
refused unless allowed by name or network. The address that was checked is the address to connect to, so a name that
changes its mind between check and use gains nothing.  Source: docs/spec/core.md, outbound requests.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.core.errors import TargetForbidden, Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_METADATA = frozenset(map(ipaddress.ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200")))
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")
_ISATAP = frozenset({bytes.fromhex("00005efe"), bytes.fromhex("02005efe")})
_COMPATIBLE = ipaddress.ip_network("::/96")


@dataclass(frozen=True)
class Rules:
    """Hosts (lower case) and networks of one list."""

    hosts: frozenset[str]
    networks: tuple[Network, ...]

    def match(self, host: str, address: Address) -> bool:
        return host.lower().rstrip(".") in self.hosts or any(
            address in network for network in self.networks if network.version == address.version
        )


def parse_rules(text: str) -> Rules:
    """Return the hosts and networks of a comma-separated list.  Raises ValueError: an item is neither."""
    hosts, networks = set(), []
    for item in filter(None, (part.strip() for part in text.split(","))):
        try:
            networks.append(ipaddress.ip_network(item, strict=False))
        except ValueError:
            if not all(c.isalnum() or c in "-._" for c in item):
                raise ValueError(f"{item!r} is neither a host name nor a network") from None
            hosts.add(item.lower().rstrip("."))
    return Rules(frozenset(hosts), tuple(networks))


class EgressPolicy:
    """Decides by *allow* and *deny* lists; deny wins over everything."""

    def __init__(self, allow: Rules, deny: Rules) -> None:
        self._allow = allow
        self._deny = deny

    def check(self, host: str, address: Address) -> None:
        """Raises TargetForbidden: *host* at *address* may not be contacted."""
        address = ipaddress.ip_address(address.packed)  # without a zone: it makes the same address look like another
        if self._deny.match(host, address):
            raise TargetForbidden(f"{host} ({address}) is refused by TOCSIN_EGRESS_DENY", field="target")
        for real in _reached(address):
            if self._deny.match(host, real):
                raise TargetForbidden(f"{host} ({real}) is refused by TOCSIN_EGRESS_DENY", field="target")
            if _is_local(real) and not self._allow.match(host, real):
                raise TargetForbidden(
                    f"{host} ({real}) is a local address; allow it with TOCSIN_EGRESS_ALLOW", field="target"
                )

    async def resolve(self, host: str, port: int, timeout_s: float = 5.0) -> list[Address]:
        """Return the addresses of *host* that may be contacted, in the resolver's order.

        Raises TargetForbidden: all are refused. Unavailable: the name cannot be resolved.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError) as exc:
            raise Unavailable(f"{host} cannot be resolved") from exc
        addresses = list(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))
        return self.filter(host, addresses)

    def filter(self, host: str, addresses: Sequence[Address]) -> list[Address]:
        """Return the allowed ones of *addresses*.  Raises TargetForbidden: none is."""
        allowed, refusal = [], TargetForbidden(f"{host} has no address", field="target")
        for address in addresses:
            try:
                self.check(host, address)
                allowed.append(address)
            except TargetForbidden as exc:
                refusal = exc
        if not allowed:
            raise refusal
        return allowed


def _reached(address: Address) -> list[Address]:
    """Return what a connection to *address* may end at: the IPv4 addresses that are hidden in it, else itself.

    Mapped, compatible and 6to4 ones, NAT64 (RFC 6052; RFC 8215 leaves open how long its prefix is), Teredo (RFC 4380:
    server, and client upside down), ISATAP (RFC 5214).
    """
    if not isinstance(address, ipaddress.IPv6Address):
        return [address]
    raw = address.packed
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return [ipaddress.IPv4Address(raw[12:])]
    if address in _LOCAL_NAT64:
        layouts = (raw[6:8] + raw[9:11], raw[7:8] + raw[9:12], raw[9:13], raw[12:])
        found = [ipaddress.IPv4Address(layout) for layout in layouts if layout[0] != 0]
        return [*found] or [address]
    if address.teredo is not None:
        return [*address.teredo]
    if raw[8:12] in _ISATAP:
        return [address, ipaddress.IPv4Address(raw[12:])]
    return [address.ipv4_mapped or address.sixtofour or address]


def _is_local(address: Address) -> bool:
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address in _METADATA
        or (address.version == 4 and address in ipaddress.ip_network("0.0.0.0/8"))
        or (address.version == 4 and address.is_reserved)  # 240.0.0.0/4, which some systems route
    )
