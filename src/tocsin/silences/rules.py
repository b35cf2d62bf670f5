"""Which alerts a silence matches, and when. Pure."""

from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from tocsin.alerts.models import Alert
from tocsin.silences.models import Silence


def expires_at(silence: Silence) -> datetime:
    return silence.starts_at + timedelta(seconds=silence.duration_seconds)


def is_active(silence: Silence, now: datetime) -> bool:
    return silence.cancelled_at is None and silence.starts_at <= now < expires_at(silence)


def matches(silence: Silence, alert: Alert) -> bool:
    """Say whether all filters that are given match *alert*."""
    subject = alert.subject
    return (
        (silence.entity_type is None or silence.entity_type is subject.type)
        and (silence.entity_id is None or silence.entity_id == subject.id)
        and (silence.source is None or silence.source is alert.source)
        and (silence.severity is None or silence.severity is alert.severity)
        and (silence.group is None or silence.group == subject.group)
        and (silence.entity_name is None or fnmatchcase(subject.name.casefold(), silence.entity_name.casefold()))
    )
