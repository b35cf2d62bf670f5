"""A laboratory: the probes as the program makes them, but names lead where the test says, and nothing may leak."""

import asyncio
import ipaddress
import socket
import tracemalloc
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from support.pki import Authority
from support.program import until
from support.targets import Target
from tocsin.core.egress import Address, EgressPolicy, parse_rules
from tocsin.probes.base import Result
from tocsin.probes.connect import Dialer, Slots, Trust
from tocsin.probes.dns import DnsProbe
from tocsin.probes.http import HttpProbe
from tocsin.probes.icmp import IcmpProbe
from tocsin.probes.names import Names
from tocsin.probes.request import HttpSpec, parse_target
from tocsin.probes.tcp import TcpProbe, TcpSpec

LOCAL = "127.0.0.0/8, ::1"
TIMEOUT_S = 1.0
GRACE_S = 0.5  # for a machine that is busy, beyond the timeout


@dataclass
class Lab:
    """`book` has names; an exception is raised. Other names are asked of the system."""

    allow: str = LOCAL
    deny: str = ""
    ca_file: Path | None = None
    book: dict[str, list[str] | Exception] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = Names(monotonic, self.look_up)
        policy = EgressPolicy(parse_rules(self.allow), parse_rules(self.deny))
        self.dialer = Dialer(self.names, policy, Trust(self.ca_file))
        slots = Slots()
        self._http = HttpProbe(self.dialer, slots)
        self._tcp = TcpProbe(self.dialer, slots)
        self.dns = DnsProbe(self.dialer)
        self.icmp = IcmpProbe(self.dialer)

    def look_up(self, host: str) -> list[Address]:
        found = self.book.get(host)
        if isinstance(found, Exception):
            raise found
        if found is None:
            entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            found = [str(entry[4][0]) for entry in entries]
        return [ipaddress.ip_address(address) for address in found]

    async def get(self, url: str, timeout_s: float = TIMEOUT_S, **options: Any) -> Result:
        """Check over HTTP, in time, whatever happens."""
        return await self.http(HttpSpec(parse_target(url), **options), timeout_s)

    async def http(self, spec: HttpSpec, timeout_s: float = TIMEOUT_S) -> Result:
        async with asyncio.timeout(timeout_s + GRACE_S):
            return await self._http.probe(spec, timeout_s)

    async def tcp(self, spec: TcpSpec, timeout_s: float = TIMEOUT_S) -> Result:
        async with asyncio.timeout(timeout_s + GRACE_S):
            return await self._tcp.probe(spec, timeout_s)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def ca_file(authority: Authority, tmp_path: Path) -> Path:
    return authority.write(tmp_path)


@pytest.fixture
async def lab(ca_file: Path) -> AsyncIterator[Lab]:
    """Trusts the authority of the tests, and may reach this machine. Leaves no task behind."""
    found = Lab(ca_file=ca_file)
    before = asyncio.all_tasks()
    yield found
    found.names.close()
    await until(lambda: _others(before), lambda left: not left, 5)


async def _others(before: set[asyncio.Task[Any]]) -> list[str]:
    return [str(task) for task in asyncio.all_tasks() - before if task is not asyncio.current_task()]


async def left(target: Target) -> None:
    """Wait until nobody holds a connection to *target*."""

    async def look() -> int:
        return target.open

    await until(look, lambda count: count == 0, 5)


@contextmanager
def within_megabytes(most: float) -> Iterator[None]:
    """What is held at once in this block, servers of the test included, stays below that."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most * 2**20, f"{peak / 2**20:.1f} MB"


def secrets_in(result: Result, *secrets: str) -> Mapping[str, str]:
    """Return the texts of *result* that hold one of *secrets*."""
    texts = {"error": result.error or "", "address": result.address or ""}
    return {name: text for name, text in texts.items() if any(secret in text for secret in secrets)}
