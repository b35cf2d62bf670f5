"""What the alert engine asks about certificates."""

from datetime import datetime

from tocsin.certificates import facts, store
from tocsin.certificates.models import CertificateAlert
from tocsin.db.tx import Read


def standing(read: Read, certificate_id: int, now: datetime) -> list[CertificateAlert] | None:
    """Return what rings about a monitor, None when there is no such monitor."""
    monitor = store.find(read, certificate_id)
    if monitor is None:
        return None
    known = store.latest(read, monitor)
    return facts.standing(monitor, known.seen if known is not None else None, now)


def wanted_by(read: Read, certificate_id: int) -> tuple[int | None, list[int]]:
    """Return the endpoint a monitor belongs to, and the containers that name it."""
    monitor = store.find(read, certificate_id)
    named_by = store.references(read, [certificate_id]).get(certificate_id, [])
    return (None if monitor is None else monitor.endpoint_id), [one.container_id for one in named_by]
