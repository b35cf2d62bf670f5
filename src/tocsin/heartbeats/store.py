"""The only SQL about heartbeats and how they stand. What every ping runs is plain SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import delete, func, insert, select, update

from tocsin.core.clock import from_ms, to_ms, to_ms_or_none
from tocsin.core.errors import NotFound
from tocsin.db.tx import Read, Tx
from tocsin.heartbeats.models import Heartbeat, HeartbeatStatus, Rules, Standing
from tocsin.heartbeats.rules import WAITING
from tocsin.heartbeats.tables import heartbeats, ping_keys

_COLUMNS = "id, uuid, slug, name, tags, rules, standing, created_at_ms, updated_at_ms"
_encoder = msgspec.json.Encoder()
_standing = msgspec.json.Decoder(Standing)
_rules = msgspec.json.Decoder(Rules)
_tags = msgspec.json.Decoder(tuple[str, ...])


class Wanted(NamedTuple):
    """What a list shows."""

    status: HeartbeatStatus | None = None
    tag: str | None = None


def get(read: Read, heartbeat_id: int) -> Heartbeat:
    """Raises NotFound."""
    found = find(read, heartbeat_id)
    if found is None:
        raise NotFound("Heartbeat not found")
    return found


def find(read: Read, heartbeat_id: int) -> Heartbeat | None:
    return _one(read.run(f"SELECT {_COLUMNS} FROM heartbeats WHERE id = ?", (heartbeat_id,)).fetchone())


def find_by_uuid(read: Read, uuid: str) -> Heartbeat | None:
    return _one(read.run(f"SELECT {_COLUMNS} FROM heartbeats WHERE uuid = ?", (uuid,)).fetchone())


def find_by_slug(read: Read, slug: str) -> Heartbeat | None:
    return _one(read.run(f"SELECT {_COLUMNS} FROM heartbeats WHERE slug = ?", (slug,)).fetchone())


def list_due(read: Read, now: datetime, limit: int) -> list[Heartbeat]:
    """Return those that have to be looked at, the oldest first."""
    sql = f"SELECT {_COLUMNS} FROM heartbeats WHERE due_at_ms < ? ORDER BY due_at_ms LIMIT ?"
    return _all(read.run(sql, (to_ms(now), limit)))


def list_waiting(read: Read, after_id: int, limit: int) -> list[Heartbeat]:
    """Return those that are waited for, by id."""
    sql = f"SELECT {_COLUMNS} FROM heartbeats WHERE id > ? AND due_at_ms IS NOT NULL ORDER BY id LIMIT ?"
    return _all(read.run(sql, (after_id, limit)))


def list_page(read: Read, wanted: Wanted, limit: int, offset: int) -> tuple[list[Heartbeat], int]:
    """Return one page, newest first, and how many there are in all."""
    where = []
    if wanted.status is not None:
        where.append(heartbeats.c.status == wanted.status.value)
    if wanted.tag is not None:
        quoted = _encoder.encode(wanted.tag).decode()
        where.append(func.replace(heartbeats.c.tags, quoted, "") != heartbeats.c.tags)  # LIKE differs in upper case
    columns = [heartbeats.c[name] for name in _COLUMNS.split(", ")]
    page = select(*columns).where(*where).order_by(heartbeats.c.id.desc()).limit(limit).offset(offset)
    total = read.execute(select(func.count()).select_from(heartbeats).where(*where)).scalar_one()
    return [_heartbeat(tuple(row)) for row in read.execute(page)], int(total)


def list_ids(read: Read) -> list[int]:
    return list(read.execute(select(heartbeats.c.id).order_by(heartbeats.c.id)).scalars())


def count(read: Read) -> int:
    return int(read.execute(select(func.count()).select_from(heartbeats)).scalar_one())


def count_by_status(read: Read) -> dict[str, int]:
    counted = select(heartbeats.c.status, func.count().label("number")).group_by(heartbeats.c.status)
    return {row.status: int(row.number) for row in read.execute(counted)}


def insert_heartbeat(tx: Tx, beat: Heartbeat) -> Heartbeat:
    """Store a new one and return it with its id."""
    row = {
        "uuid": beat.uuid,
        **_named(beat),
        **_standing_columns(beat.standing),
        "created_at_ms": to_ms(beat.created_at),
        "updated_at_ms": to_ms(beat.updated_at),
    }
    number = tx.execute(insert(heartbeats).returning(heartbeats.c.id), row).scalar_one()
    return msgspec.structs.replace(beat, id=int(number))


def save(tx: Tx, beat: Heartbeat) -> None:
    """Write all of it that can change."""
    values = {
        "uuid": beat.uuid,
        **_named(beat),
        **_standing_columns(beat.standing),
        "updated_at_ms": to_ms(beat.updated_at),
    }
    tx.execute(update(heartbeats).where(heartbeats.c.id == beat.id).values(values))


def save_standing(tx: Tx, heartbeat_id: int, standing: Standing) -> None:
    columns = _standing_columns(standing)
    sql = "UPDATE heartbeats SET status = ?, due_at_ms = ?, standing = ? WHERE id = ?"
    tx.run(sql, (columns["status"], columns["due_at_ms"], columns["standing"], heartbeat_id))


def delete_heartbeat(tx: Tx, heartbeat_id: int) -> None:
    """Delete it; its pings and runs go with it."""
    tx.execute(delete(heartbeats).where(heartbeats.c.id == heartbeat_id))


def is_slug_free(read: Read, slug: str, but: int = 0) -> bool:
    found = read.execute(select(heartbeats.c.id).where(heartbeats.c.slug == slug, heartbeats.c.id != but))
    return found.first() is None


# --- the key of URLs with slugs --------------------------------------------------------------------------------------


def find_key(read: Read) -> str | None:
    return read.execute(select(ping_keys.c.key).order_by(ping_keys.c.id.desc()).limit(1)).scalar()


def save_key(tx: Tx, key: str, now: datetime) -> None:
    """Replace the key: URLs with the one before end."""
    tx.execute(delete(ping_keys))
    tx.execute(insert(ping_keys), {"key": key, "created_at_ms": to_ms(now)})


# --- rows ------------------------------------------------------------------------------------------------------------


def _named(beat: Heartbeat) -> dict[str, Any]:
    return {
        "slug": beat.slug,
        "name": beat.name,
        "tags": _encoder.encode(beat.tags).decode(),
        "rules": _encoder.encode(beat.rules).decode(),
    }


def _standing_columns(standing: Standing) -> dict[str, Any]:
    return {
        "status": standing.status.value,
        "due_at_ms": to_ms_or_none(standing.due_at) if standing.status in WAITING else None,
        "standing": _encoder.encode(standing).decode(),
    }


def _all(cursor: Any) -> list[Heartbeat]:
    return [_heartbeat(row) for row in cursor.fetchall()]


def _one(row: Sequence[Any] | None) -> Heartbeat | None:
    return None if row is None else _heartbeat(row)


def _heartbeat(row: Sequence[Any]) -> Heartbeat:
    number, uuid, slug, name, tags, rules, standing, created_at_ms, updated_at_ms = row
    return Heartbeat(
        id=number,
        uuid=uuid,
        slug=slug,
        name=name,
        tags=_tags.decode(tags),
        rules=_rules.decode(rules),
        standing=_standing.decode(standing),
        created_at=from_ms(created_at_ms),
        updated_at=from_ms(updated_at_ms),
    )
