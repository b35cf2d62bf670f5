"""The only SQL about logs: the last lines of a container's latest runs, a ring that never grows."""

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import delete, insert, select

from tocsin.core.clock import from_ms, to_ms
from tocsin.db.tx import Read, Tx
from tocsin.logs.tables import tails
from tocsin.runtimes.base import LogLine

RUNS_KEPT = 3
MOST_TAILS = 10_000
"""In all: at some 5 KB each, never more than 50 MB."""
_decoder = msgspec.json.Decoder(list[LogLine])


class Tail(NamedTuple):
    at: datetime
    lines: list[LogLine]


def pack(lines: Sequence[LogLine]) -> bytes:
    """Return *lines* as they are stored. Do this outside of a transaction: it takes a moment."""
    return zlib.compress(msgspec.json.encode(list(lines)), 1)


def keep(tx: Tx, container_id: int, at: datetime, packed: bytes) -> None:
    """Keep the last lines of a run that ended, in place of the oldest ones of this container."""
    tx.execute(insert(tails), {"container_id": container_id, "at_ms": to_ms(at), "lines": packed})
    mine = (
        select(tails.c.id).where(tails.c.container_id == container_id).order_by(tails.c.at_ms.desc(), tails.c.id.desc())
    )
    oldest = mine.offset(RUNS_KEPT).limit(100)
    tx.execute(delete(tails).where(tails.c.id.in_(oldest.scalar_subquery())))


def newest(read: Read, container_id: int) -> Tail | None:
    """Return the last lines of a container's latest run that said anything."""
    mine = select(tails).where(tails.c.container_id == container_id)
    row = read.execute(mine.order_by(tails.c.at_ms.desc(), tails.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else Tail(from_ms(row.at_ms), _decoder.decode(zlib.decompress(row.lines)))


def sweep(tx: Tx, cutoff_ms: int, limit: int) -> int:
    """Delete old tails, and the oldest of too many."""
    old = select(tails.c.id).where(tails.c.at_ms < cutoff_ms).limit(limit)
    count = tx.execute(delete(tails).where(tails.c.id.in_(old.scalar_subquery()))).rowcount
    too_many = select(tails.c.id).order_by(tails.c.at_ms.desc(), tails.c.id.desc()).offset(MOST_TAILS).limit(limit)
    return count + tx.execute(delete(tails).where(tails.c.id.in_(too_many.scalar_subquery()))).rowcount
