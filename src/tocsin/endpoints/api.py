"""Routes of the slice."""

from typing import Annotated

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from tocsin.db.tx import Actor
from tocsin.endpoints.models import EndpointSource, EndpointStatus, EndpointType
from tocsin.endpoints.objects import (
    CheckList,
    CheckView,
    ContainerEndpoints,
    EndpointAnswer,
    EndpointChange,
    EndpointDays,
    EndpointDetail,
    EndpointList,
    NewEndpoint,
    ResponseRange,
    ResponseTimes,
    Trial,
    TrialAnswer,
)
from tocsin.endpoints.queries import EndpointQueries, Wanted
from tocsin.endpoints.service import Endpoints
from tocsin.http.params import Limit, Moment, Offset, PathId, Switch, Text, choice, moment, switch
from tocsin.http.strict import Strict

TAGS = ["Endpoints"]
Days = Annotated[int, QueryParameter(ge=1, le=365, description="How many days, today included")]


@get("/api/v1/endpoints", operation_id="listEndpoints", tags=TAGS)
async def list_endpoints(
    endpoint_queries: NamedDependency[EndpointQueries],
    status: Text = None,
    container: Text = None,
    orchestration_group: Text = None,
    type: Text = None,  # noqa: A002 -- the parameter's name on the wire
    source: Text = None,
    search: Text = None,
    include_inactive: Switch = None,
    limit: Limit = 500,
    offset: Offset = 0,
) -> EndpointList:
    """List endpoints, by container and label; those of no container by name."""
    wanted = Wanted(
        status=choice("status", status, EndpointStatus),
        container=container,
        orchestration_group=orchestration_group,
        endpoint_type=choice("type", type, EndpointType),
        source=choice("source", source, EndpointSource),
        search=search,
        include_inactive=switch("include_inactive", include_inactive),
    )
    return await endpoint_queries.page(wanted, limit, offset)


@post("/api/v1/endpoints", dto=Strict[NewEndpoint], return_dto=None, operation_id="createEndpoint", tags=TAGS)
async def create_endpoint(
    data: JSONBody[NewEndpoint],
    endpoints: NamedDependency[Endpoints],
    endpoint_queries: NamedDependency[EndpointQueries],
    actor: NamedDependency[Actor],
) -> EndpointAnswer:
    """Add an endpoint that belongs to no container. It is checked at once."""
    return EndpointAnswer(endpoint=endpoint_queries.shown(await endpoints.create(data, actor)))


@post(
    "/api/v1/endpoints/try", dto=Strict[Trial], return_dto=None, status_code=200, operation_id="tryEndpoint", tags=TAGS
)
async def try_endpoint(data: JSONBody[Trial], endpoints: NamedDependency[Endpoints]) -> TrialAnswer:
    """Check something once, before it is saved, and keep nothing of it."""
    return await endpoints.try_out(data)


@get("/api/v1/endpoints/{endpoint_id:str}", operation_id="getEndpoint", tags=TAGS)
async def get_endpoint(endpoint_id: PathId, endpoint_queries: NamedDependency[EndpointQueries]) -> EndpointDetail:
    """Return one endpoint and its uptime."""
    return await endpoint_queries.detail(endpoint_id)


@put(
    "/api/v1/endpoints/{endpoint_id:str}",
    dto=Strict[EndpointChange],
    return_dto=None,
    operation_id="updateEndpoint",
    tags=TAGS,
)
async def update_endpoint(
    endpoint_id: PathId,
    data: JSONBody[EndpointChange],
    endpoints: NamedDependency[Endpoints],
    endpoint_queries: NamedDependency[EndpointQueries],
    actor: NamedDependency[Actor],
) -> EndpointAnswer:
    """Change an endpoint; what is left out stays, and so do headers that are sent back masked."""
    return EndpointAnswer(endpoint=endpoint_queries.shown(await endpoints.change(endpoint_id, data, actor)))


@delete("/api/v1/endpoints/{endpoint_id:str}", operation_id="deleteEndpoint", tags=TAGS)
async def delete_endpoint(
    endpoint_id: PathId, endpoints: NamedDependency[Endpoints], actor: NamedDependency[Actor]
) -> None:
    """Delete an endpoint with its history. One that labels ask for goes with its label."""
    await endpoints.remove(endpoint_id, actor)


@post("/api/v1/endpoints/{endpoint_id:str}/pause", status_code=200, operation_id="pauseEndpoint", tags=TAGS)
async def pause_endpoint(
    endpoint_id: PathId,
    endpoints: NamedDependency[Endpoints],
    endpoint_queries: NamedDependency[EndpointQueries],
    actor: NamedDependency[Actor],
) -> EndpointAnswer:
    """Check it no more for now. What rings about it ends."""
    return EndpointAnswer(endpoint=endpoint_queries.shown(await endpoints.pause(endpoint_id, actor)))


@post("/api/v1/endpoints/{endpoint_id:str}/resume", status_code=200, operation_id="resumeEndpoint", tags=TAGS)
async def resume_endpoint(
    endpoint_id: PathId,
    endpoints: NamedDependency[Endpoints],
    endpoint_queries: NamedDependency[EndpointQueries],
    actor: NamedDependency[Actor],
) -> EndpointAnswer:
    """Check it again."""
    return EndpointAnswer(endpoint=endpoint_queries.shown(await endpoints.resume(endpoint_id, actor)))


@post("/api/v1/endpoints/{endpoint_id:str}/check", status_code=200, operation_id="checkEndpoint", tags=TAGS)
async def check_endpoint(endpoint_id: PathId, endpoints: NamedDependency[Endpoints]) -> CheckView:
    """Check it now; the answer is what was found."""
    return await endpoints.check_now(endpoint_id)


@get("/api/v1/endpoints/{endpoint_id:str}/checks", operation_id="listChecks", tags=TAGS)
async def list_checks(
    endpoint_id: PathId,
    endpoint_queries: NamedDependency[EndpointQueries],
    since: Moment = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> CheckList:
    """List checks, newest first."""
    return await endpoint_queries.checks(endpoint_id, moment("since", since), limit, offset)


@get("/api/v1/endpoints/{endpoint_id:str}/uptime/daily", operation_id="getEndpointDays", tags=TAGS)
async def get_days(
    endpoint_id: PathId, endpoint_queries: NamedDependency[EndpointQueries], days: Days = 90
) -> EndpointDays:
    """Return uptime and incidents of each UTC day, today first."""
    return await endpoint_queries.days(endpoint_id, days)


@get("/api/v1/endpoints/{endpoint_id:str}/response-times", operation_id="getResponseTimes", tags=TAGS)
async def get_response_times(
    endpoint_id: PathId,
    endpoint_queries: NamedDependency[EndpointQueries],
    range: Text = None,  # noqa: A002 -- the parameter's name on the wire
) -> ResponseTimes:
    """Return the response times of a range (24h unless said otherwise), step by step."""
    wanted = choice("range", range or ResponseRange.DAY, ResponseRange) or ResponseRange.DAY
    return await endpoint_queries.response_times(endpoint_id, wanted)


@get("/api/v1/dashboard/sparklines", operation_id="getSparklines", tags=["Dashboard"])
async def get_sparklines(
    endpoint_queries: NamedDependency[EndpointQueries], limit: Limit = 500, offset: Offset = 0
) -> dict[str, list[int | None]]:
    """Return the last 20 response times in ms of endpoints by their id, oldest first, null where a check failed."""
    return endpoint_queries.sparklines(limit, offset)


@get("/api/v1/containers/{container_id:str}/endpoints", operation_id="listContainerEndpoints", tags=["Containers"])
async def list_of_container(
    container_id: PathId,
    endpoint_queries: NamedDependency[EndpointQueries],
    limit: Limit = 50,
    offset: Offset = 0,
) -> ContainerEndpoints:
    """List the endpoints that belong to a container."""
    return await endpoint_queries.of_container(container_id, limit, offset)


ROUTES = (
    list_endpoints,
    create_endpoint,
    try_endpoint,
    get_endpoint,
    update_endpoint,
    delete_endpoint,
    pause_endpoint,
    resume_endpoint,
    check_endpoint,
    list_checks,
    get_days,
    get_response_times,
    get_sparklines,
    list_of_container,
)
