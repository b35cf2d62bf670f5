"""How heartbeats come to be, and the key that lets jobs make their own."""

import hmac
import secrets
import uuid
from datetime import datetime

from tocsin.core.clock import wire
from tocsin.db.tx import Actor, Tx
from tocsin.heartbeats import rules, store, wishes
from tocsin.heartbeats.models import (
    MOST_HEARTBEATS,
    PROVISIONED_GRACE_SECONDS,
    PROVISIONED_INTERVAL_SECONDS,
    Heartbeat,
    HeartbeatCreated,
    Rules,
)

KEY_BYTES = 16
BY_PING = Actor("ping key")


def make(tx: Tx, name: str, slug: str, tags: tuple[str, ...], wanted: Rules, now: datetime) -> Heartbeat:
    """Store a new heartbeat and tell of it."""
    standing = rules.begin(wanted, now)
    beat = Heartbeat(
        id=0,
        uuid=str(uuid.uuid4()),
        name=name,
        slug=slug,
        tags=tags,
        rules=wanted,
        standing=standing,
        created_at=now,
        updated_at=now,
    )
    beat = store.insert_heartbeat(tx, beat)
    tx.emit(HeartbeatCreated(heartbeat_id=beat.id, name=beat.name, status=standing.status, timestamp=wire(now)))
    return beat


def provision(tx: Tx, slug: str, now: datetime) -> Heartbeat:
    """Make the heartbeat that a ping to an unknown slug asks for: expected once a day."""
    wanted = Rules(interval_seconds=PROVISIONED_INTERVAL_SECONDS, grace_seconds=PROVISIONED_GRACE_SECONDS)
    beat = make(tx, slug, slug, (), wanted, now)
    tx.audit(BY_PING, "heartbeat.create", f"heartbeat:{beat.id}", {"name": [None, slug]})
    return beat


def has_room(tx: Tx) -> bool:
    return store.count(tx) < MOST_HEARTBEATS


def free_slug(tx: Tx, name: str) -> str:
    """Return a slug that follows from *name* and that nobody has."""
    wanted = wishes.slug_for(name)
    if store.is_slug_free(tx, wanted):
        return wanted
    return f"{wanted}-{secrets.token_hex(3)}"


def key(tx: Tx, now: datetime) -> str:
    """Return the ping key, a new one if there is none yet."""
    return store.find_key(tx) or new_key(tx, now)


def new_key(tx: Tx, now: datetime) -> str:
    made = secrets.token_urlsafe(KEY_BYTES)
    store.save_key(tx, made, now)
    return made


def is_same(known: str, given: str) -> bool:
    """Compare keys in a time that says nothing about them."""
    return hmac.compare_digest(known.encode(), given.encode())
