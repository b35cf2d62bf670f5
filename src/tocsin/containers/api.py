"""Routes of the slice: translate, nothing else."""

from typing import Annotated, Any

from litestar import Request, delete, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from tocsin.containers.models import (
    ContainerDetail,
    ContainerList,
    State,
    TransitionList,
)
from tocsin.containers.queries import ContainerQueries, Listing
from tocsin.containers.service import Containers
from tocsin.db.tx import Actor
from tocsin.http.caching import cached
from tocsin.http.params import Limit, Moment, Offset, PathId, Switch, Text, choice, moment, switch

TAGS = ["Containers"]
AnyRequest = Request[Any, Any, Any]


@get("/api/v1/containers", operation_id="listContainers", tags=TAGS)
async def list_containers(
    request: AnyRequest,
    container_queries: NamedDependency[ContainerQueries],
    archived: Switch = None,
    group: Text = None,
    state_is: Annotated[str | None, QueryParameter(name="state")] = None,
    host: Text = None,
    limit: Limit = 500,
    offset: Offset = 0,
) -> ContainerList:
    """List containers by group, by name. Ignored ones never appear; `group` is the name a group is shown under."""
    wanted = Listing(switch("archived", archived), group, choice("state", state_is, State), host, limit, offset)
    body, version = await container_queries.list_encoded(wanted)
    return cached(request, body, f"c{version}")  # type: ignore[return-value] # encoded already; the schema needs the struct


@get("/api/v1/containers/{container_id:str}", operation_id="getContainer", tags=TAGS)
async def get_container(container_id: PathId, container_queries: NamedDependency[ContainerQueries]) -> ContainerDetail:
    """Return one container, archived and ignored ones too, with its uptime."""
    return await container_queries.detail(container_id)


@delete("/api/v1/containers/{container_id:str}", operation_id="deleteContainer", tags=TAGS)
async def delete_container(
    container_id: PathId, containers: NamedDependency[Containers], actor: NamedDependency[Actor]
) -> None:
    """Delete a container that is not live, with its history."""
    await containers.delete(container_id, actor)


@get("/api/v1/containers/{container_id:str}/transitions", operation_id="listTransitions", tags=TAGS)
async def list_transitions(
    container_id: PathId,
    container_queries: NamedDependency[ContainerQueries],
    since: Moment = None,
    until: Moment = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> TransitionList:
    """List what happened to a container, newest first; the last 24 hours unless `since` says otherwise."""
    start, end = moment("since", since), moment("until", until)
    return await container_queries.transitions(container_id, start, end, limit, offset)


ROUTES = (list_containers, get_container, delete_container, list_transitions)
