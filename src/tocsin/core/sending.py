"""Sending one request to the outside: under the egress policy, within a time limit, and what came of it.

What the other side answers is never passed on: it may hold secrets, and would make Tocsin an eye into other networks.
"""

import asyncio
import email.utils
import ipaddress
import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from tocsin.core.clock import Clock
from tocsin.core.egress import Address, EgressPolicy
from tocsin.core.errors import Invalid, TargetForbidden, Unavailable

TIMEOUT_S = 10.0
LONGEST_WAIT_S = 600.0
WORTH_A_RETRY = frozenset({408, 425, 429})


class Request(NamedTuple):
    url: str
    headers: Mapping[str, str]
    body: bytes


class Sent(NamedTuple):
    """Accepted. `error` says what of it was not, such as some of several recipients."""

    response_code: int | None
    error: str | None = None


class Retry(NamedTuple):
    """Not now. `error` is a class of failure, never what the other side said: that may hold secrets."""

    error: str
    response_code: int | None = None
    after_seconds: float | None = None


class Rejected(NamedTuple):
    """Never: trying again would change nothing."""

    error: str
    response_code: int | None = None


Outcome = Sent | Retry | Rejected


class _Resolver(AbstractResolver):
    """Returns only addresses that the policy allows: what was checked is what is connected to."""

    def __init__(self, policy: EgressPolicy) -> None:
        self._policy = policy

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [
            {"hostname": host, "host": str(address), "port": port, "family": _family(address), "proto": 0, "flags": 0}
            for address in await self._policy.resolve(host, port)
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _family(address: Address) -> int:
    return 2 if address.version == 4 else 10


class Sender:
    """Sends to URLs that people have given. *trust* is for tests; None trusts what the system does."""

    def __init__(self, policy: EgressPolicy, clock: Clock, trust: ssl.SSLContext | None = None) -> None:
        self._policy = policy
        self._clock = clock
        self._trust = trust
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def check(self, url: str) -> None:
        """Raises Invalid, TargetForbidden: nothing may ever be sent there."""
        host, port, scheme = parse_url(url)
        try:
            addresses = await self._addresses(host, port)
        except Unavailable as exc:
            raise Invalid(exc.message, field="url") from exc
        except TargetForbidden as exc:
            raise TargetForbidden(exc.message, field="url") from exc
        if scheme == "http" and any(address.is_global for address in addresses):
            raise Invalid("url must be https for an address on the internet", field="url")

    async def _addresses(self, host: str, port: int) -> list[Address]:
        try:
            literal = ipaddress.ip_address(host)
        except ValueError:
            return await self._policy.resolve(host, port)
        self._policy.check(host, literal)
        return [literal]

    async def send(self, request: Request) -> Outcome:
        """Post *request*. Never raises for the fault of the other side."""
        try:
            host, port, scheme = parse_url(request.url)
            addresses = await self._addresses(host, port)
            if scheme == "http" and any(address.is_global for address in addresses):
                return Rejected("forbidden_target")
            async with asyncio.timeout(TIMEOUT_S):
                return await self._post(request)
        except (Invalid, TargetForbidden):
            return Rejected("forbidden_target")
        except Unavailable:
            return Retry("dns")
        except TimeoutError:
            return Retry("timeout")
        except aiohttp.ClientConnectorDNSError:
            return Retry("dns")
        except (aiohttp.ClientSSLError, ssl.SSLError):
            return Retry("tls")
        except aiohttp.ClientConnectorError:
            return Retry("refused")
        except (aiohttp.ClientError, OSError):
            return Retry("broken_off")

    async def _post(self, request: Request) -> Outcome:
        session = self._open()
        async with session.post(
            request.url, data=request.body, headers=request.headers, allow_redirects=False, ssl=self._trust or True
        ) as response:
            code = response.status
            if 200 <= code < 300:
                return Sent(code)
            if code >= 500 or code in WORTH_A_RETRY:
                return Retry("http_status", code, self._retry_after(response.headers.get("Retry-After")))
            return Rejected("http_status", code)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(resolver=_Resolver(self._policy), limit=50, force_close=True)
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "Tocsin"},
                trust_env=False,
                auto_decompress=False,
            )
        return self._session

    def _retry_after(self, text: str | None) -> float | None:
        """Return the seconds that *text* asks to wait, at most ten minutes.  Source: RFC 9110, 10.2.3."""
        if not text:
            return None
        if text.isascii() and text.isdigit():
            return min(float(text[:9]), LONGEST_WAIT_S)
        try:
            moment = email.utils.parsedate_to_datetime(text)
            return min(max(0.0, (moment - self._clock.now()).total_seconds()), LONGEST_WAIT_S)
        except (ValueError, TypeError):
            return None


def parse_url(url: str) -> tuple[str, int, str]:
    """Return host, port and scheme.  Raises Invalid: no URL that anything may be sent to."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Invalid("url is not a URL", field="url") from None
    if any(ord(char) <= 32 or ord(char) == 127 for char in url) or "\\" in url:
        raise Invalid("url holds characters that no URL has", field="url")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Invalid("url must begin with https:// and name a host", field="url")
    if parts.username is not None or parts.password is not None:
        raise Invalid("url must not hold a user name or password; use a header", field="url")
    return _host(url), port or (443 if parts.scheme == "https" else 80), parts.scheme


def _host(url: str) -> str:
    """Return the host as the client that connects reads it: what is checked must be what is connected to."""
    try:
        host = URL(url).raw_host
    except ValueError:
        host = None
    if not host:
        raise Invalid("url is not a URL", field="url")
    return host
