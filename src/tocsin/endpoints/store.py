"""The only SQL about endpoints themselves; their history is in `history_store.py`."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, func, insert, or_, select, update

from tocsin.core.clock import from_ms, from_ms_or_none, to_ms, to_ms_or_none
from tocsin.core.errors import NotFound
from tocsin.db.tx import Read, Tx
from tocsin.endpoints.models import Config, Endpoint, EndpointSource, EndpointType, Standing
from tocsin.endpoints.tables import endpoints

_FACTS = (
    "container_name", "host", "external_id", "orchestration_group", "orchestration_unit", "group", "alert_severity",
    "alert_channels",
)  # fmt: skip
_config = msgspec.json.Decoder(Config)
_standing = msgspec.json.Decoder(Standing)


def get(read: Read, endpoint_id: int) -> Endpoint:
    """Raises NotFound: no such endpoint."""
    found = find(read, endpoint_id)
    if found is None:
        raise NotFound("Endpoint not found")
    return found


def find(read: Read, endpoint_id: int) -> Endpoint | None:
    row = read.execute(select(endpoints).where(endpoints.c.id == endpoint_id)).one_or_none()
    return None if row is None else _endpoint(row)


def list_some(read: Read, ids: list[int]) -> list[Endpoint]:
    return [_endpoint(row) for row in read.execute(select(endpoints).where(endpoints.c.id.in_(ids)))]


def list_active(read: Read) -> list[Endpoint]:
    return [
        _endpoint(row) for row in read.execute(select(endpoints).where(endpoints.c.active).order_by(endpoints.c.id))
    ]


def list_inactive(read: Read, limit: int) -> list[Endpoint]:
    found = select(endpoints).where(endpoints.c.active.is_(False)).order_by(endpoints.c.id.desc()).limit(limit)
    return [_endpoint(row) for row in read.execute(found)]


def list_of_container(read: Read, container_id: int) -> list[Endpoint]:
    """Return the endpoints of a container, inactive ones too, by label."""
    mine = select(endpoints).where(endpoints.c.container_id == container_id).order_by(endpoints.c.label_key)
    return [_endpoint(row) for row in read.execute(mine)]


def list_left_behind(read: Read) -> list[Endpoint]:
    """Return active endpoints of labels whose container is deleted."""
    mine = (endpoints.c.active, endpoints.c.source == EndpointSource.LABEL.value, endpoints.c.container_id.is_(None))
    return [_endpoint(row) for row in read.execute(select(endpoints).where(*mine).order_by(endpoints.c.id))]


def known_among(read: Read, ids: Collection[int]) -> set[int]:
    """Return those of *ids* that there are, active or not."""
    return set(read.execute(select(endpoints.c.id).where(endpoints.c.id.in_(ids))).scalars())


def find_https(read: Read, needles: Collection[str]) -> list[Endpoint]:
    """Return active HTTPS endpoints whose target has one of *needles* in it."""
    like = or_(*(endpoints.c.target.icontains(needle, autoescape=True) for needle in needles))
    https = (endpoints.c.active, endpoints.c.target.istartswith("https://"))
    return [_endpoint(row) for row in read.execute(select(endpoints).where(*https, like).limit(1000))]


def count_active(read: Read) -> int:
    return int(read.execute(select(func.count()).select_from(endpoints).where(endpoints.c.active)).scalar_one())


def create(tx: Tx, endpoint: Endpoint) -> Endpoint:
    """Insert *endpoint* and return it with its id."""
    number = tx.execute(insert(endpoints).returning(endpoints.c.id), _row(endpoint)).scalar_one()
    return msgspec.structs.replace(endpoint, id=int(number))


def save(tx: Tx, before: Endpoint, after: Endpoint) -> None:
    """Write the columns that differ."""
    old, new = _row(before), _row(after)
    changed = {name: value for name, value in new.items() if old[name] != value}
    if changed:
        tx.execute(update(endpoints).where(endpoints.c.id == after.id).values(**changed))


def save_standing(tx: Tx, endpoint_id: int, generation: int, standing: Standing) -> bool:
    """Write *standing*; return whether the endpoint still is what was checked."""
    mine = (endpoints.c.id == endpoint_id, endpoints.c.generation == generation, endpoints.c.active)
    statement = update(endpoints).where(*mine).values(standing=_text(standing))
    return tx.execute(statement).rowcount == 1


def remove(tx: Tx, endpoint_id: int) -> None:
    tx.execute(delete(endpoints).where(endpoints.c.id == endpoint_id))


def list_forgotten(read: Read, before: datetime, limit: int) -> list[int]:
    """Return endpoints that have been inactive since before *before*."""
    old = select(endpoints.c.id).where(endpoints.c.deactivated_at_ms < to_ms(before), endpoints.c.active.is_(False))
    return list(read.execute(old.limit(limit)).scalars())


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _row(endpoint: Endpoint) -> Mapping[str, Any]:
    return {
        "source": endpoint.source.value,
        "endpoint_type": endpoint.endpoint_type.value,
        "target": endpoint.target,
        "name": endpoint.name,
        "container_id": endpoint.container_id,
        "label_key": endpoint.label_key,
        "facts": _text({name: getattr(endpoint, name) for name in _FACTS}),
        "config": _text(endpoint.config),
        "generation": endpoint.generation,
        "badge_key": endpoint.badge_key,
        "active": endpoint.active,
        "paused_at_ms": to_ms_or_none(endpoint.paused_at),
        "suspended_at_ms": to_ms_or_none(endpoint.suspended_at),
        "deactivated_at_ms": to_ms_or_none(endpoint.deactivated_at),
        "first_seen_at_ms": to_ms(endpoint.first_seen_at),
        "last_seen_at_ms": to_ms(endpoint.last_seen_at),
        "standing": _text(endpoint.standing),
    }


def _endpoint(row: Any) -> Endpoint:
    return Endpoint(
        id=row.id,
        source=EndpointSource(row.source),
        endpoint_type=EndpointType(row.endpoint_type),
        target=row.target,
        name=row.name,
        container_id=row.container_id,
        label_key=row.label_key,
        config=_config.decode(row.config),
        generation=row.generation,
        badge_key=row.badge_key,
        active=row.active,
        paused_at=from_ms_or_none(row.paused_at_ms),
        suspended_at=from_ms_or_none(row.suspended_at_ms),
        deactivated_at=from_ms_or_none(row.deactivated_at_ms),
        first_seen_at=from_ms(row.first_seen_at_ms),
        last_seen_at=from_ms(row.last_seen_at_ms),
        standing=_standing.decode(row.standing),
        **msgspec.json.decode(row.facts),
    )
