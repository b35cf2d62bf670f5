"""Routes of the slice."""

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from tocsin.channels.models import (
    ChannelChange,
    ChannelList,
    ChannelView,
    DeliveryList,
    NewChannel,
    NewRule,
    RuleView,
    TestResult,
)
from tocsin.channels.service import Channels
from tocsin.db.tx import Actor
from tocsin.http.params import Limit, Offset, PathId
from tocsin.http.strict import Strict

TAGS = ["Channels"]


@get("/api/v1/channels", operation_id="listChannels", tags=TAGS)
async def list_channels(channels: NamedDependency[Channels], limit: Limit = 100, offset: Offset = 0) -> ChannelList:
    """List notification channels, secrets masked."""
    return await channels.page(limit, offset)


@post("/api/v1/channels", dto=Strict[NewChannel], return_dto=None, operation_id="createChannel", tags=TAGS)
async def create_channel(
    data: JSONBody[NewChannel], channels: NamedDependency[Channels], actor: NamedDependency[Actor]
) -> ChannelView:
    """Add a channel. For `email` the url is one address or several, separated by commas."""
    return await channels.create(data, actor)


@put(
    "/api/v1/channels/{channel_id:str}",
    dto=Strict[ChannelChange],
    return_dto=None,
    operation_id="updateChannel",
    tags=TAGS,
)
async def update_channel(
    channel_id: PathId,
    data: JSONBody[ChannelChange],
    channels: NamedDependency[Channels],
    actor: NamedDependency[Actor],
) -> ChannelView:
    """Change a channel; what is left out stays, and so does what is sent back masked."""
    return await channels.change(channel_id, data, actor)


@delete("/api/v1/channels/{channel_id:str}", operation_id="deleteChannel", tags=TAGS)
async def delete_channel(
    channel_id: PathId, channels: NamedDependency[Channels], actor: NamedDependency[Actor]
) -> None:
    """Delete a channel with what still waits for it."""
    await channels.delete(channel_id, actor)


@post("/api/v1/channels/{channel_id:str}/test", status_code=200, operation_id="testChannel", tags=TAGS)
async def test_channel(channel_id: PathId, channels: NamedDependency[Channels]) -> TestResult:
    """Send a test alert now, once, and say what came of it."""
    return await channels.test(channel_id)


@post(
    "/api/v1/channels/{channel_id:str}/rules",
    dto=Strict[NewRule],
    return_dto=None,
    operation_id="createRoutingRule",
    tags=TAGS,
)
async def create_rule(
    channel_id: PathId, data: JSONBody[NewRule], channels: NamedDependency[Channels], actor: NamedDependency[Actor]
) -> RuleView:
    """Narrow a channel down: with rules it gets only alerts that match one of them."""
    return await channels.add_rule(channel_id, data, actor)


@delete("/api/v1/channels/{channel_id:str}/rules/{rule_id:str}", operation_id="deleteRoutingRule", tags=TAGS)
async def delete_rule(
    channel_id: PathId, rule_id: PathId, channels: NamedDependency[Channels], actor: NamedDependency[Actor]
) -> None:
    """Delete a routing rule."""
    await channels.remove_rule(channel_id, rule_id, actor)


@get("/api/v1/channels/{channel_id:str}/deliveries", operation_id="listChannelDeliveries", tags=TAGS)
async def list_deliveries(
    channel_id: PathId, channels: NamedDependency[Channels], limit: Limit = 50, offset: Offset = 0
) -> DeliveryList:
    """List what was sent, newest first, and what came of it."""
    return await channels.deliveries(channel_id, limit, offset)


@post(
    "/api/v1/channels/{channel_id:str}/deliveries/{delivery_id:str}/retry",
    status_code=204,
    operation_id="retryDelivery",
    tags=TAGS,
)
async def retry_delivery(
    channel_id: PathId, delivery_id: PathId, channels: NamedDependency[Channels], actor: NamedDependency[Actor]
) -> None:
    """Send a failed delivery again."""
    await channels.send_again(channel_id, delivery_id, actor)


@get("/api/v1/alerts/{alert_id:str}/deliveries", operation_id="listAlertDeliveries", tags=["Alerts"])
async def list_alert_deliveries(
    alert_id: PathId, channels: NamedDependency[Channels], limit: Limit = 50, offset: Offset = 0
) -> DeliveryList:
    """List what was sent about one alert."""
    return await channels.deliveries_of_alert(alert_id, limit, offset)


ROUTES = (
    list_channels,
    create_channel,
    update_channel,
    delete_channel,
    test_channel,
    create_rule,
    delete_rule,
    list_deliveries,
    retry_delivery,
    list_alert_deliveries,
)
