"""Routes of the slice."""

from typing import Annotated

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from tocsin.alerts.models import (
    Acknowledge,
    ActiveAlerts,
    AlertList,
    AlertView,
    EntityType,
    Source,
    Status,
)
from tocsin.alerts.service import Alerts
from tocsin.alerts.store import Wanted
from tocsin.containers.models import Severity
from tocsin.core.errors import InvalidParam
from tocsin.db.tx import Actor
from tocsin.http.params import LARGEST_ID, Limit, Moment, Offset, PathId, Switch, Text, choice, moment, switch
from tocsin.http.strict import Strict

TAGS = ["Alerts"]
BeforeId = Annotated[int | None, QueryParameter(ge=1, le=LARGEST_ID, description="`next_before_id` of the page before")]

CauseId = Annotated[int | None, QueryParameter(ge=1, le=LARGEST_ID, description="The alert above")]


@get("/api/v1/alerts", operation_id="listAlerts", tags=TAGS)
async def list_alerts(
    alerts: NamedDependency[Alerts],
    source: Text = None,
    severity: Text = None,
    status: Text = None,
    entity_type: Text = None,
    entity_id: Text = None,
    cause_id: CauseId = None,
    acknowledged: Switch = None,
    since: Moment = None,
    until: Moment = None,
    before: Moment = None,
    before_id: BeforeId = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> AlertList:
    """List alerts, newest first: active, silenced and resolved ones. The cursor of the next page is `before_id`."""
    shown = choice("status", status, Status)
    if shown is Status.PENDING:
        raise InvalidParam("status must be one of active, silenced, resolved", field="status")
    wanted = Wanted(
        source=choice("source", source, Source),
        severity=choice("severity", severity, Severity),
        status=shown,
        entity_type=choice("entity_type", entity_type, EntityType),
        entity_key=entity_id,
        cause_id=cause_id,
        acknowledged=None if acknowledged is None else switch("acknowledged", acknowledged),
        since=moment("since", since),
        until=moment("until", until),
        before=moment("before", before),
        before_id=before_id,
    )
    return await alerts.page(wanted, limit, offset)


@get("/api/v1/alerts/active", operation_id="listActiveAlerts", tags=TAGS)
async def list_active(alerts: NamedDependency[Alerts], include_acknowledged: Switch = None) -> ActiveAlerts:
    """List active alerts by severity; acknowledged ones only if asked for."""
    return await alerts.active(acknowledged=switch("include_acknowledged", include_acknowledged))


@get("/api/v1/alerts/{alert_id:str}", operation_id="getAlert", tags=TAGS)
async def get_alert(alert_id: PathId, alerts: NamedDependency[Alerts]) -> AlertView:
    """Return one alert."""
    return await alerts.get(alert_id)


@post(
    "/api/v1/alerts/{alert_id:str}/acknowledge",
    dto=Strict[Acknowledge],
    return_dto=None,
    status_code=200,
    operation_id="acknowledgeAlert",
    tags=TAGS,
)
async def acknowledge(
    alert_id: PathId, data: JSONBody[Acknowledge], alerts: NamedDependency[Alerts], actor: NamedDependency[Actor]
) -> AlertView:
    """Say that you take care of it. Who acknowledges is who calls; `acknowledged_by` is kept as a note."""
    return await alerts.acknowledge(alert_id, data.acknowledged_by, actor)


ROUTES = (list_alerts, list_active, get_alert, acknowledge)
