"""The record of who changed what: written in the transaction of the change, read newest first."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import func, select

from tocsin.core.clock import from_ms, to_ms
from tocsin.db.tables import audit
from tocsin.db.tx import Read

LONGEST_COUNT = 10_000


class Wanted(NamedTuple):
    """Which entries: by exact actor, action and entity (`user:` for all users, `user:3` for one), and by time."""

    actor: str | None = None
    action: str | None = None
    entity: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Entry(NamedTuple):
    id: int
    at: datetime
    actor: str
    action: str
    entity: str
    address: str | None
    change: Mapping[str, Any]


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{field: {"before": …, "after": …}}` for what differs. Mask secrets before you pass them."""
    fields = [*before, *(name for name in after if name not in before)]
    return {
        field: {"before": before.get(field), "after": after.get(field)}
        for field in fields
        if before.get(field) != after.get(field)
    }


def list_entries(read: Read, wanted: Wanted, limit: int, offset: int) -> tuple[list[Entry], int]:
    """Return one page, newest first, and how many there are (counted up to 10,000)."""
    where = []
    for column, value in ((audit.c.actor, wanted.actor), (audit.c.action, wanted.action)):
        if value is not None:
            where.append(column == value)
    if wanted.entity is not None:
        entity, is_kind = audit.c.entity, wanted.entity.endswith(":")
        where.append(entity.startswith(wanted.entity, autoescape=True) if is_kind else entity == wanted.entity)
    if wanted.since is not None:
        where.append(audit.c.at_ms >= to_ms(wanted.since))
    if wanted.until is not None:
        where.append(audit.c.at_ms <= to_ms(wanted.until))
    page = select(audit).where(*where).order_by(audit.c.at_ms.desc(), audit.c.id.desc()).limit(limit).offset(offset)
    entries = [_entry(row) for row in read.execute(page)]
    counted = select(audit.c.id).where(*where).limit(LONGEST_COUNT).subquery()
    total = read.execute(select(func.count()).select_from(counted)).scalar_one()
    return entries, max(int(total), offset + len(entries))


def _entry(row: Any) -> Entry:
    change = msgspec.json.decode(row.change)
    return Entry(row.id, from_ms(row.at_ms), row.actor, row.action, row.entity, row.address, change)
