"""How a channel stands: what is to be told of it when the facts about it were lost."""

from datetime import datetime

from tocsin.channels import delivery_store, rules, store
from tocsin.channels.models import ChannelDeleted, ChannelFailing, ChannelRecovered, DeliveryStatus
from tocsin.core.clock import wire
from tocsin.db.tx import Read


def channel_fact(
    read: Read, channel_id: int, at: datetime
) -> ChannelFailing | ChannelRecovered | ChannelDeleted | None:
    """Return what is to be told of a channel as it is now, None when the last word still holds."""
    timestamp = wire(at)
    channel = store.find(read, channel_id)
    if channel is None:
        return ChannelDeleted(id=channel_id, timestamp=timestamp)
    if not channel.enabled or channel.last_status is not DeliveryStatus.FAILED:
        return ChannelRecovered(id=channel_id, name=channel.name, timestamp=timestamp)
    last = delivery_store.last_tried(read, channel_id)
    if last is None or not rules.rings(last.status, last.delivery.attempts):
        return None
    return ChannelFailing(
        id=channel_id,
        name=channel.name,
        error=last.error or "unknown",
        response_code=last.response_code,
        timestamp=timestamp,
    )
