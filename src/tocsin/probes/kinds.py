"""All kinds of probes, and what they share."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tocsin.core.egress import EgressPolicy
from tocsin.probes.base import Cause, Result
from tocsin.probes.connect import Dialer, Slots, Trust
from tocsin.probes.dns import DnsProbe, DnsSpec
from tocsin.probes.http import HttpProbe
from tocsin.probes.icmp import IcmpProbe, IcmpSpec
from tocsin.probes.names import Names
from tocsin.probes.request import HttpSpec
from tocsin.probes.tcp import TcpProbe, TcpSpec


class Unusable(NamedTuple):
    """Nothing that can be asked, and why."""

    reason: str


Spec = HttpSpec | TcpSpec | DnsSpec | IcmpSpec | Unusable


class Probes:
    """One object for the whole program. A new protocol is one file, and one line in `probe`."""

    def __init__(self, policy: EgressPolicy, monotonic: Callable[[], float], ca_file: Path | None = None) -> None:
        self.names = Names(monotonic)
        self.dialer = Dialer(self.names, policy, Trust(ca_file))
        self.slots = Slots()
        self.http = HttpProbe(self.dialer, self.slots)
        self._tcp = TcpProbe(self.dialer, self.slots)
        self._dns = DnsProbe(self.dialer)
        self._icmp = IcmpProbe(self.dialer)

    def close(self) -> None:
        self.names.close()

    async def probe(self, spec: Spec, timeout_s: float) -> Result:
        """Return what came of one look at *spec*. Never raises for the target's fault."""
        match spec:
            case HttpSpec():
                return await self.http.probe(spec, timeout_s)
            case TcpSpec():
                return await self._tcp.probe(spec, timeout_s)
            case DnsSpec():
                return await self._dns.probe(spec, timeout_s)
            case IcmpSpec():
                return await self._icmp.probe(spec, timeout_s)
            case Unusable(reason=reason):
                return Result(cause=Cause.OURS, error=reason)
