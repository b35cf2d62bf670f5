"""Routes of the slice."""

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from tocsin.core.errors import InvalidParam
from tocsin.db.tx import Actor
from tocsin.http.params import Limit, Offset, PathId, Text, switch
from tocsin.http.strict import Strict
from tocsin.silences.models import NewSilence, Shown, SilenceList, SilenceView
from tocsin.silences.service import Silences

TAGS = ["Silences"]


@get("/api/v1/silence", operation_id="listSilences", tags=TAGS)
async def list_silences(
    silences: NamedDependency[Silences], active: Text = None, limit: Limit = 100, offset: Offset = 0
) -> SilenceList:
    """List silences, newest first: those that hold or are to come; with `active=false` the ended ones, `all` both."""
    return await silences.page(_shown(active), limit, offset)


def _shown(text: str | None) -> Shown:
    """Raises InvalidParam."""
    if text is not None and text.lower() == Shown.ALL:
        return Shown.ALL
    try:
        return Shown.ACTIVE if switch("active", text, default=True) else Shown.ENDED
    except InvalidParam:
        raise InvalidParam("active must be true, false or all", field="active") from None


@post("/api/v1/silence", dto=Strict[NewSilence], return_dto=None, operation_id="createSilence", tags=TAGS)
async def create_silence(
    data: JSONBody[NewSilence], silences: NamedDependency[Silences], actor: NamedDependency[Actor]
) -> SilenceView:
    """Keep the notifications of matching alerts back for a while."""
    return await silences.create(data, actor)


@delete("/api/v1/silence/{silence_id:str}", operation_id="cancelSilence", tags=TAGS)
async def cancel_silence(
    silence_id: PathId, silences: NamedDependency[Silences], actor: NamedDependency[Actor]
) -> None:
    """End a silence now: what is still wrong fires."""
    await silences.cancel(silence_id, actor)


ROUTES = (list_silences, create_silence, cancel_silence)
