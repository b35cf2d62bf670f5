"""What a job said last."""

from datetime import datetime

from tocsin.db.tx import Read
from tocsin.heartbeats import evidence, history_store
from tocsin.heartbeats.models import Heartbeat


def last_words(read: Read, beat: Heartbeat) -> tuple[datetime, str] | None:
    """Return when a job last said something, and its last lines; None when it never did, or that is not kept."""
    ping_id = beat.standing.last_body_ping_id
    found = None if ping_id is None else history_store.find_body(read, ping_id)
    return None if found is None else (found[0], evidence.tail(found[1]))
