"""Ping: one echo request, in time.  Source: RFC 792, RFC 4443."""

import asyncio
from time import monotonic
from typing import NamedTuple

from tocsin.probes.base import Cause, Failed, Phases, Result
from tocsin.probes.connect import Dialer

NOT_ALLOWED = (
    "this machine does not let Tocsin ping; allow it with net.ipv4.ping_group_range, or the capability NET_RAW"
)


class IcmpSpec(NamedTuple):
    host: str


class IcmpProbe:
    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer

    async def probe(self, spec: IcmpSpec, timeout_s: float) -> Result:
        """Return whether, and after what time, an echo came back. Never raises for the target's fault."""
        started = monotonic()
        result = Result()
        dns = None
        try:
            async with asyncio.timeout(timeout_s + 0.5):
                address = (await self._dialer.addresses(spec.host))[0]
                dns = round((monotonic() - started) * 1_000_000)
                result.address = address
                took = await _echo(address, timeout_s)
                result.phases = Phases(total=took, dns=dns)
                return result
        except Failed as exc:
            result.cause, result.error = exc.cause, exc.error
        except TimeoutError:
            result.cause = self._dialer.why_late(spec.host)
            result.error = f"no answer within {timeout_s:g} s (looking up the name)"
        result.phases = Phases(total=round((monotonic() - started) * 1_000_000), dns=dns)
        return result


async def _echo(address: str, timeout_s: float) -> int:
    """Return the microseconds an echo took.  Raises Failed."""
    import icmplib

    failure = Failed(Cause.OURS, NOT_ALLOWED)
    for privileged in (False, True):  # without rights first: most systems of today allow it
        try:
            host = await icmplib.async_ping(address, count=1, timeout=timeout_s, privileged=privileged)
        except icmplib.SocketPermissionError:
            continue
        except icmplib.ICMPLibError as exc:
            raise Failed(Cause.UNREACHABLE, f"{address} cannot be pinged: {type(exc).__name__}") from None
        except OSError as exc:
            raise Failed(Cause.NO_ROUTE, f"no route to {address}: {exc.strerror}") from None
        if host.packets_received:
            return int(host.min_rtt * 1000)
        raise Failed(Cause.TIMEOUT_CONNECT, f"{address} does not answer a ping")
    raise failure
