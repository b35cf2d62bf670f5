"""The only SQL about hosts."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select

from tocsin.containers.tables import hosts
from tocsin.core.clock import from_ms_or_none, to_ms
from tocsin.db.tx import Read, Tx


class Host(NamedTuple):
    """`lost_at` is since when it cannot be reached, None while it can; `announced` says that a fact told of it."""

    name: str
    lost_at: datetime | None = None
    error: str | None = None
    announced: bool = False
    ever_connected: bool = False


def find(read: Read, name: str) -> Host | None:
    row = read.execute(select(hosts).where(hosts.c.name == name)).one_or_none()
    return None if row is None else _host(row)


def list_all(read: Read) -> list[Host]:
    return [_host(row) for row in read.execute(select(hosts).order_by(hosts.c.name))]


def list_silent_losses(read: Read, before: datetime) -> list[Host]:
    """Return hosts that were lost before *before* and of which nothing was told."""
    lost = select(hosts).where(hosts.c.lost_at_ms <= to_ms(before), hosts.c.announced.is_(False))
    return [_host(row) for row in read.execute(lost.order_by(hosts.c.name))]


def list_uncertain(read: Read, since: datetime) -> list[str]:
    """Return hosts that were lost after *since* and of which nothing was told: nobody knows yet what it means."""
    lost = select(hosts.c.name).where(hosts.c.lost_at_ms >= to_ms(since), hosts.c.announced.is_(False))
    return list(read.execute(lost.order_by(hosts.c.name)).scalars())


def save(tx: Tx, host: Host) -> None:
    remove(tx, host.name)
    row = {
        "name": host.name,
        "lost_at_ms": to_ms(host.lost_at) if host.lost_at else None,
        "error": host.error,
        "announced": host.announced,
        "ever_connected": host.ever_connected,
    }
    tx.execute(insert(hosts), row)


def remove(tx: Tx, name: str) -> None:
    tx.execute(delete(hosts).where(hosts.c.name == name))


def _host(row: Any) -> Host:
    lost_at = from_ms_or_none(row.lost_at_ms)
    return Host(row.name, lost_at, row.error, row.announced, row.ever_connected)
