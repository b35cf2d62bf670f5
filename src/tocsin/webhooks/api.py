"""Routes of the slice."""

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from tocsin.db.tx import Actor
from tocsin.http.params import Limit, Offset, PathName
from tocsin.http.strict import Strict
from tocsin.webhooks import rules
from tocsin.webhooks.models import (
    EventTypeList,
    NewWebhook,
    WebhookChange,
    WebhookDeliveryList,
    WebhookList,
    WebhookTestResult,
    WebhookView,
)
from tocsin.webhooks.service import Webhooks

TAGS = ["Webhooks"]


@get("/api/v1/webhooks", operation_id="listWebhooks", tags=TAGS)
async def list_webhooks(webhooks: NamedDependency[Webhooks], limit: Limit = 100, offset: Offset = 0) -> WebhookList:
    """List webhook subscriptions, newest first."""
    return await webhooks.page(limit, offset)


@post("/api/v1/webhooks", dto=Strict[NewWebhook], return_dto=None, operation_id="createWebhook", tags=TAGS)
async def create_webhook(
    data: JSONBody[NewWebhook], webhooks: NamedDependency[Webhooks], actor: NamedDependency[Actor]
) -> WebhookView:
    """Subscribe to events from now on. With a secret every request is signed."""
    return await webhooks.create(data, actor)


@get("/api/v1/webhooks/event-types", operation_id="listEventTypes", tags=TAGS)
async def list_event_types() -> EventTypeList:
    """List what can be subscribed to: everything, whole families, single events."""
    return EventTypeList(event_types=rules.known_types())


@get("/api/v1/webhooks/{webhook_id:str}", operation_id="getWebhook", tags=TAGS)
async def get_webhook(webhook_id: PathName, webhooks: NamedDependency[Webhooks]) -> WebhookView:
    """Return one subscription."""
    return await webhooks.get(webhook_id)


@put(
    "/api/v1/webhooks/{webhook_id:str}",
    dto=Strict[WebhookChange],
    return_dto=None,
    operation_id="updateWebhook",
    tags=TAGS,
)
async def update_webhook(
    webhook_id: PathName,
    data: JSONBody[WebhookChange],
    webhooks: NamedDependency[Webhooks],
    actor: NamedDependency[Actor],
) -> WebhookView:
    """Change, pause or resume a subscription. After a new secret the old one signs too for a day."""
    return await webhooks.change(webhook_id, data, actor)


@delete("/api/v1/webhooks/{webhook_id:str}", operation_id="deleteWebhook", tags=TAGS)
async def delete_webhook(
    webhook_id: PathName, webhooks: NamedDependency[Webhooks], actor: NamedDependency[Actor]
) -> None:
    """Delete a subscription with what still waits for it."""
    await webhooks.delete(webhook_id, actor)


@post("/api/v1/webhooks/{webhook_id:str}/test", status_code=200, operation_id="testWebhook", tags=TAGS)
async def test_webhook(
    webhook_id: PathName, webhooks: NamedDependency[Webhooks], actor: NamedDependency[Actor]
) -> WebhookTestResult:
    """Send a signed test payload now, once. A paused subscription goes on when it is accepted."""
    return await webhooks.test(webhook_id, actor)


@get("/api/v1/webhooks/{webhook_id:str}/deliveries", operation_id="listWebhookDeliveries", tags=TAGS)
async def list_webhook_deliveries(
    webhook_id: PathName, webhooks: NamedDependency[Webhooks], limit: Limit = 50, offset: Offset = 0
) -> WebhookDeliveryList:
    """List what was sent, newest first, and what came of it."""
    return await webhooks.deliveries(webhook_id, limit, offset)


@post(
    "/api/v1/webhooks/{webhook_id:str}/deliveries/{delivery_id:str}/retry",
    status_code=204,
    operation_id="retryWebhookDelivery",
    tags=TAGS,
)
async def retry_webhook_delivery(
    webhook_id: PathName, delivery_id: PathName, webhooks: NamedDependency[Webhooks], actor: NamedDependency[Actor]
) -> None:
    """Send a failed delivery again."""
    await webhooks.send_again(webhook_id, delivery_id, actor)


ROUTES = (
    list_webhooks,
    create_webhook,
    list_event_types,
    get_webhook,
    update_webhook,
    delete_webhook,
    test_webhook,
    list_webhook_deliveries,
    retry_webhook_delivery,
)
