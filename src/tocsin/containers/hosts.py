"""The hosts that engines run on: reachable, lost, or no longer watched.  Source: docs/spec/containers.md, hosts.

A lost host says nothing about its containers: they keep their state, marked as last known. One fact tells that the
host cannot be reached, and only once it has stayed so for a while.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from tocsin.containers import host_store, store
from tocsin.containers.host_store import Host
from tocsin.containers.models import HostRecovered, HostUnreachable, RuntimeStatusChanged
from tocsin.core.clock import Clock, wire
from tocsin.db.database import Database
from tocsin.db.tx import Read, Tx

GRACE = timedelta(seconds=5)


class Hosts:
    """Takes in what the links to engines report.

    *expected* are the hosts that somebody named in the settings; of others (the local socket, which not every machine
    has) a loss is told only if they were ever there.
    """

    def __init__(self, db: Database, clock: Clock, *, expected: Collection[str], unreachable_after: timedelta) -> None:
        self._db = db
        self._clock = clock
        self._expected = frozenset(expected)
        self._unreachable_after = unreachable_after

    async def changed(self, name: str, *, connected: bool, error: str | None) -> None:
        """Record that the link to a host came up or broke."""
        now = self._clock.now()

        def work(tx: Tx) -> None:
            store.set_stale(tx, name, None if connected else now)
            host = host_store.find(tx, name) or Host(name)
            if connected:
                self._found(tx, host, now)
            else:
                lost_at = host.lost_at or now
                host_store.save(tx, host._replace(lost_at=lost_at, error=error))
            tx.emit(
                RuntimeStatusChanged(
                    connected=connected, name=name, label="Containers", error=error, timestamp=wire(now)
                )
            )

        await self._db.write(work)

    def _found(self, tx: Tx, host: Host, now: datetime) -> None:
        if host.announced:
            _recovered(tx, host, now, "connected")
        host_store.save(tx, Host(host.name, ever_connected=True))

    async def announce(self) -> int:
        """Tell of hosts that have been lost for long enough; return how many."""
        now = self._clock.now()
        due = await self._db.read(lambda read: host_store.list_silent_losses(read, now - self._unreachable_after))
        if not any(self._counts(host) for host in due):
            return 0

        def work(tx: Tx) -> int:
            due = host_store.list_silent_losses(tx, now - self._unreachable_after)
            lost = [host for host in due if self._counts(host)]
            for host in lost:
                host_store.save(tx, host._replace(announced=True))
                since = wire(host.lost_at or now)
                tx.emit(HostUnreachable(host=host.name, error=host.error or "", since=since, timestamp=wire(now)))
            return len(lost)

        return await self._db.write(work)

    def uncertain(self, read: Read) -> list[str]:
        """Return hosts that have just been lost: it is not clear yet whether they are unreachable."""
        longest = self._unreachable_after + GRACE
        return host_store.list_uncertain(read, self._clock.now() - longest)

    def _counts(self, host: Host) -> bool:
        return host.ever_connected or host.name in self._expected

    async def begin(self, watched: Collection[str]) -> None:
        """Forget what an earlier process had only begun to notice, and let go of hosts that are not *watched* any more.

        The containers of those are archived: nobody will ever tell how they are.
        """
        now = self._clock.now()

        def work(tx: Tx) -> None:
            for host in host_store.list_all(tx):
                if host.name not in watched:
                    if host.announced:
                        _recovered(tx, host, now, "removed")
                    host_store.remove(tx, host.name)
                elif host.lost_at is not None and not host.announced:
                    host_store.save(tx, host._replace(lost_at=None, error=None))
            for name in store.list_hosts(tx) - set(watched):
                store.set_missing(tx, name, now)

        await self._db.write(work)


def _recovered(tx: Tx, host: Host, now: datetime, reason: str) -> None:
    down_seconds = int((now - (host.lost_at or now)).total_seconds())
    tx.emit(HostRecovered(host=host.name, down_seconds=down_seconds, reason=reason, timestamp=wire(now)))
