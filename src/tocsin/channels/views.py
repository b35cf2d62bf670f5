"""Channels, rules and deliveries as answers, events and the audit show them: nothing secret. Pure."""

from urllib.parse import urlsplit

import msgspec

from tocsin.alerts.models import AlertView, EntityType, Source, Status
from tocsin.channels import delivery_store
from tocsin.channels.models import (
    Channel,
    ChannelHealth,
    ChannelType,
    ChannelView,
    DeliveryList,
    DeliveryStatus,
    DeliveryView,
    Kind,
    Notice,
    Rule,
    RuleView,
)
from tocsin.containers.models import Severity
from tocsin.core.clock import Clock, wire, wire_or_none
from tocsin.core.secrets import MASK


def masked(channel: Channel) -> str:
    """Return the URL as people may see it: where it goes, and its last four characters."""
    if channel.type is ChannelType.EMAIL:
        return channel.url
    if not channel.url:
        return MASK
    parts = urlsplit(channel.url)
    return f"{parts.scheme}://{parts.netloc}/{MASK}{channel.url[-4:]}"


def view(channel: Channel) -> ChannelView:
    return ChannelView(
        id=channel.id,
        name=channel.name,
        type=channel.type,
        url=masked(channel),
        has_secret=channel.type is not ChannelType.EMAIL,
        headers=dict.fromkeys(channel.headers, MASK),
        enabled=channel.enabled,
        template=channel.template,
        quiet_hours=channel.quiet_hours,
        max_per_minute=channel.max_per_minute,
        has_signing_secret=bool(channel.signing_secret),
        routing_rules=[rule_view(rule) for rule in channel.rules],
        health=ChannelHealth.FAILING if channel.last_status is DeliveryStatus.FAILED else ChannelHealth.HEALTHY,
        created_at=wire(channel.created_at),
        updated_at=wire(channel.updated_at),
    )


def rule_view(rule: Rule) -> RuleView:
    return RuleView(
        id=rule.id,
        channel_id=rule.channel_id,
        source_filter=",".join(rule.sources),
        severity_filter=",".join(rule.severities),
        entity=rule.entity,
        group=rule.group,
        after_minutes=rule.after_minutes,
        created_at=wire(rule.created_at),
    )


def audited(channel: Channel) -> dict[str, object]:
    """Return what the audit shows: nothing secret."""
    shown = view(channel)
    options = {"template": shown.template, "quiet_hours": shown.quiet_hours, "max_per_minute": shown.max_per_minute}
    return {
        "name": shown.name,
        "type": shown.type.value,
        "url": shown.url,
        "enabled": shown.enabled,
        "signed": shown.has_signing_secret,
        **msgspec.to_builtins(options),
    }


def delivery_list(rows: list[delivery_store.Row], total: int, offset: int) -> DeliveryList:
    shown = [
        DeliveryView(
            id=row.delivery.id,
            channel_id=row.delivery.channel_id,
            key=row.delivery.key,
            status=row.status,
            attempts=row.delivery.attempts,
            alert_ids=row.alert_ids,
            error=row.error,
            response_code=row.response_code,
            created_at=wire(row.delivery.created_at),
            next_attempt_at=wire(row.delivery.next_attempt_at) if row.status is DeliveryStatus.PENDING else None,
            finished_at=wire_or_none(row.finished_at),
        )
        for row in rows
    ]
    return DeliveryList(deliveries=shown, total=total, has_more=offset + len(shown) < total)


def test_notice(channel: Channel, clock: Clock) -> Notice:
    """Return the notice that a test sends."""
    now = wire(clock.now())
    alert = AlertView(
        id=0,
        source=Source.SYSTEM,
        alert_type="test",
        severity=Severity.INFO,
        status=Status.ACTIVE,
        message="This is a test: notifications reach you here",
        entity_type=EntityType.SYSTEM,
        entity_id=0,
        entity_name="test",
        entity_key="test",
        host=None,
        group=None,
        channels=None,
        details={},
        fired_at=now,
        resolved_at=None,
        resolution=None,
        acknowledged_at=None,
        acknowledged_by=None,
        acknowledged_note=None,
        escalated_at=None,
        last_seen_at=now,
        occurrences=1,
        silence_id=None,
        cause_id=None,
        flapping=False,
        created_at=now,
    )
    return Notice(0, channel.id, 0, Kind.TEST, "", alert)
