"""The alert as answers, events and notifications show it."""

from tocsin.alerts.models import Alert, AlertView
from tocsin.core.clock import wire, wire_or_none


def view(alert: Alert) -> AlertView:
    subject = alert.subject
    return AlertView(
        id=alert.id,
        source=alert.source,
        alert_type=alert.alert_type,
        severity=alert.severity,
        status=alert.status,
        message=alert.message,
        entity_type=subject.type,
        entity_id=subject.id or 0,
        entity_name=subject.name,
        entity_key=subject.key,
        host=subject.host,
        group=subject.group,
        channels=subject.channels,
        details=alert.details,
        fired_at=wire(alert.fired_at),
        resolved_at=wire_or_none(alert.resolved_at),
        resolution=alert.resolution,
        acknowledged_at=wire_or_none(alert.acknowledged_at),
        acknowledged_by=alert.acknowledged_by,
        acknowledged_note=alert.acknowledged_note,
        escalated_at=wire_or_none(alert.escalated_at),
        last_seen_at=wire(alert.last_seen_at),
        occurrences=alert.occurrences,
        silence_id=alert.silence_id,
        cause_id=alert.cause_id,
        flapping=alert.flapping,
        created_at=wire(alert.fired_at),
    )
