"""The use cases: to silence, to end a silence, and what happens when one begins or ends by itself."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from tocsin.core.clock import Clock, wire, wire_or_none
from tocsin.core.errors import Invalid
from tocsin.db.database import Database
from tocsin.db.tx import Actor, Tx
from tocsin.http.params import read_moment
from tocsin.silences import rules, store
from tocsin.silences.models import (
    MOST_SILENCES,
    NewSilence,
    Shown,
    Silence,
    SilenceCancelled,
    SilenceCreated,
    SilenceExpired,
    SilenceList,
    SilenceView,
    TooManySilences,
)

FURTHEST_START = timedelta(days=366)


class Silences:
    """*settle* looks at every open alert again; it is called when a silence begins or ends."""

    def __init__(self, db: Database, clock: Clock, settle: Callable[[], Awaitable[None]]) -> None:
        self._db = db
        self._clock = clock
        self._settle = settle
        self._looked_at = clock.now() - FURTHEST_START  # the first look takes in what happened while we were away

    async def page(self, shown: Shown, limit: int, offset: int) -> SilenceList:
        now = self._clock.now()
        found, total = await self._db.read(lambda read: store.list_page(read, shown, now, limit, offset))
        return SilenceList(
            rules=[view(silence, now) for silence in found], total=total, has_more=offset + len(found) < total
        )

    async def create(self, wanted: NewSilence, actor: Actor) -> SilenceView:
        """Raises Invalid, TooManySilences."""
        now = self._clock.now()
        silence = _checked(wanted, now, actor)

        def work(tx: Tx) -> Silence:
            if store.count_not_over(tx, now) >= MOST_SILENCES:
                raise TooManySilences(f"There are {MOST_SILENCES} silences already; end one first")
            made = store.insert_silence(tx, silence)
            shown = view(made, now)
            tx.audit(actor, "silence.create", f"silence:{made.id}", _audited(shown))
            tx.emit(SilenceCreated(rule=shown, timestamp=wire(now)))
            return made

        made = await self._db.write(work)
        await self._settle()
        return view(made, now)

    async def cancel(self, silence_id: int, actor: Actor) -> None:
        """End a silence; one that is over stays as it is.  Raises NotFound."""
        now = self._clock.now()

        def work(tx: Tx) -> bool:
            silence = store.get(tx, silence_id)
            if silence.cancelled_at is not None or rules.expires_at(silence) <= now:
                return False
            store.end(tx, silence_id, now)
            tx.audit(actor, "silence.cancel", f"silence:{silence_id}")
            tx.emit(SilenceCancelled(id=silence_id, timestamp=wire(now)))
            return True

        if await self._db.write(work):
            await self._settle()

    async def turn(self) -> None:
        """Take note of silences that have begun or ended by themselves."""
        now, since = self._clock.now(), self._looked_at
        turning = await self._db.read(lambda read: store.list_turning(read, since, now))
        self._looked_at = now
        if not turning:
            return
        ended = [silence.id for silence in turning if not silence.announced_end and rules.expires_at(silence) <= now]

        def work(tx: Tx) -> None:
            for silence_id in ended:
                store.end(tx, silence_id, None)
                tx.emit(SilenceExpired(id=silence_id, timestamp=wire(now)))

        if ended:
            await self._db.write(work)
        await self._settle()


def _checked(wanted: NewSilence, now: datetime, actor: Actor) -> Silence:
    filters = (wanted.entity_type, wanted.source, wanted.severity, wanted.entity_name, wanted.group)
    if not any(filters) and not wanted.is_global:
        raise Invalid("A silence without a filter silences everything; say global: true if you mean it", field="global")
    if wanted.entity_id is not None and wanted.entity_type is None:
        raise Invalid("entity_id needs an entity_type", field="entity_type")
    starts_at = _start(wanted.starts_at) or now
    if not now - timedelta(minutes=1) <= starts_at <= now + FURTHEST_START:
        raise Invalid("starts_at must lie between now and a year from now", field="starts_at")
    return Silence(
        id=0,
        starts_at=starts_at,
        duration_seconds=wanted.duration_seconds,
        entity_type=wanted.entity_type,
        entity_id=wanted.entity_id,
        source=wanted.source,
        severity=wanted.severity,
        entity_name=wanted.entity_name,
        group=wanted.group,
        reason=wanted.reason,
        created_by=actor.name.partition(":")[2] or actor.name,
        created_at=now,
    )


def _start(text: str | None) -> datetime | None:
    try:
        return None if text is None else read_moment(text)
    except ValueError as exc:
        raise Invalid(f"starts_at {exc}", field="starts_at") from None


def _audited(shown: SilenceView) -> dict[str, object]:
    """Return what the audit shows: how long, and of what; without a filter it is everything."""
    filters = {
        "entity_type": shown.entity_type,
        "entity_id": shown.entity_id,
        "source": shown.source,
        "severity": shown.severity,
        "entity_name": shown.entity_name,
        "group": shown.group,
    }
    given = {name: value for name, value in filters.items() if value is not None}
    return {
        "from": shown.starts_at,
        "until": shown.expires_at,
        "reason": shown.reason,
        "global": not given,
        **given,
    }


def view(silence: Silence, now: datetime) -> SilenceView:
    return SilenceView(
        id=silence.id,
        entity_type=silence.entity_type,
        entity_id=silence.entity_id,
        source=silence.source,
        severity=silence.severity,
        entity_name=silence.entity_name,
        group=silence.group,
        reason=silence.reason,
        created_by=silence.created_by,
        starts_at=wire(silence.starts_at),
        duration_seconds=silence.duration_seconds,
        expires_at=wire(rules.expires_at(silence)),
        is_active=rules.is_active(silence, now),
        cancelled_at=wire_or_none(silence.cancelled_at),
        created_at=wire(silence.created_at),
    )
