"""DNS checks: what a name server says about a name.  Source: RFC 1035."""

import asyncio
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from tocsin.probes.base import Cause, Failed, Phases, Result, from_os_error
from tocsin.probes.connect import Dialer

RESOLV_CONF = Path("/etc/resolv.conf")
MOST_ANSWERS = 50


class DnsSpec(NamedTuple):
    """What to ask, and whom: host and port of a name server, None for the system's."""

    name: str
    record_type: str = "A"
    resolver: tuple[str, int] | None = None


class DnsProbe:
    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer

    async def probe(self, spec: DnsSpec, timeout_s: float) -> Result:
        """Return the answers. Never raises for the fault of a server."""
        started = monotonic()
        result = Result()
        late = Cause.RESOLVER  # until somebody is asked, or when it is our own who does not answer
        try:
            async with asyncio.timeout(timeout_s) as limit:
                if spec.resolver is None:
                    await self._ask_own(spec, result, limit.when() or 0.0)
                else:
                    host, port = spec.resolver
                    result.address = (await self._dialer.addresses(host))[0]
                    late = Cause.TIMEOUT_CONNECT
                    await _ask(spec, result, port)
        except Failed as exc:
            result.cause, result.error = exc.cause, exc.error
        except TimeoutError:
            result.cause, result.error = late, f"no answer within {timeout_s:g} s (looking up the name server)"
            if result.address is not None:
                result.error = f"name server {result.address} does not answer"
        except OSError as exc:
            failed = from_os_error(exc, result.address or "the name server")
            result.cause, result.error = failed.cause, failed.error
        result.phases = Phases(total=max(0, round((monotonic() - started) * 1_000_000)))
        return result

    async def _ask_own(self, spec: DnsSpec, result: Result, deadline: float) -> None:
        """Ask the name servers of this machine one after the other, as the system does, until one can tell."""
        loop = asyncio.get_running_loop()
        servers = await system_resolvers()
        for left, (result.address, port) in zip(range(len(servers), 0, -1), servers, strict=True):
            try:
                async with asyncio.timeout((deadline - loop.time()) / left):
                    return await _ask(spec, result, port)
            except TimeoutError:
                failure = Failed(Cause.RESOLVER, f"name server {result.address} does not answer")
            except OSError as exc:
                failure = from_os_error(exc, result.address)
                if failure.cause is Cause.OURS:
                    break
                failure.cause = Cause.RESOLVER
            except Failed as exc:
                if exc.cause is Cause.NAME and not isinstance(exc, _Helpless):
                    raise
                failure = Failed(Cause.RESOLVER, exc.error)
        raise failure


class _Helpless(Failed):
    """A name server that cannot or will not tell; another one may."""


async def _ask(spec: DnsSpec, result: Result, port: int) -> None:
    """Put the answers of the name server at the result's address into it.  Raises Failed, OSError."""
    import dns.asyncquery
    import dns.exception
    import dns.message
    import dns.rcode
    import dns.rdatatype

    address = result.address or ""
    kind = dns.rdatatype.from_text(spec.record_type)
    try:
        query = dns.message.make_query(_question(spec), kind)
    except dns.exception.DNSException:
        raise Failed(Cause.NAME, f"{spec.name[:100]} is no name that can be asked for") from None
    try:
        answer, _ = await dns.asyncquery.udp_with_fallback(query, address, port=port)
    except (dns.exception.DNSException, EOFError):
        raise Failed(Cause.PROTOCOL, f"the answer of {address} is not DNS") from None
    code = answer.rcode()
    if code in {dns.rcode.SERVFAIL, dns.rcode.REFUSED}:
        raise _Helpless(Cause.NAME, f"name server {address} says {dns.rcode.to_text(code)}")
    if code != dns.rcode.NOERROR:
        raise Failed(Cause.NAME, f"name server {address} says {dns.rcode.to_text(code)}")
    found = [item.to_text() for rrset in answer.answer if rrset.rdtype == kind for item in rrset]
    result.answers = tuple(found[:MOST_ANSWERS])


def _question(spec: DnsSpec) -> str:
    """Return the name to ask for; that of an address when it is the way back that is asked for."""
    import dns.exception
    import dns.reversename

    if spec.record_type == "PTR":
        try:
            return dns.reversename.from_address(spec.name).to_text()
        except (dns.exception.DNSException, ValueError):
            pass
    return spec.name


async def system_resolvers() -> list[tuple[str, int]]:
    """Return the name servers of this machine.  Raises Failed: there is none."""
    text = await asyncio.to_thread(_read_resolv_conf)
    words = [line.split() for line in text.splitlines()]
    found = [(line[1], 53) for line in words if len(line) > 1 and line[0] == "nameserver"]
    return found or [("127.0.0.1", 53)]


def _read_resolv_conf() -> str:
    try:
        return RESOLV_CONF.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
