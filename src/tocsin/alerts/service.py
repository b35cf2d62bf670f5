"""The use cases: what people ask and do, and what time does."""

from msgspec.structs import replace

from tocsin.alerts import store, views
from tocsin.alerts.engine import AlertEngine, say
from tocsin.alerts.models import (
    ActiveAlerts,
    Alert,
    AlertAcknowledged,
    AlertList,
    AlertView,
    AlreadyAcknowledged,
    NotActive,
    Status,
)
from tocsin.alerts.store import Wanted
from tocsin.containers.models import Severity
from tocsin.core.clock import Clock
from tocsin.core.errors import NotFound
from tocsin.db.database import Database
from tocsin.db.tx import Actor, Read, Tx


def find_view(read: Read, alert_id: int) -> AlertView | None:
    """Return an alert as it is now, None when there is none (any more)."""
    try:
        return views.view(store.get(read, alert_id))
    except NotFound:
        return None


class Alerts:
    def __init__(self, db: Database, clock: Clock, engine: AlertEngine) -> None:
        self._db = db
        self._clock = clock
        self._engine = engine

    async def page(self, wanted: Wanted, limit: int, offset: int) -> AlertList:
        """Return one page, newest first.  Raises InvalidParam: there is no alert `before_id`."""
        found, has_more, total = await self._db.read(lambda read: store.list_page(read, wanted, limit, offset))
        return AlertList(
            alerts=[views.view(alert) for alert in found],
            has_more=has_more,
            total=total,
            next_before_id=found[-1].id if has_more else None,
        )

    async def active(self, *, acknowledged: bool) -> ActiveAlerts:
        def look(read: Read) -> tuple[dict[Severity, list[Alert]], int]:
            found = {one: store.list_active(read, one, acknowledged=acknowledged) for one in Severity}
            return found, store.count_active(read, acknowledged=acknowledged)

        found, total = await self._db.read(look)
        critical, warning, info = ([views.view(alert) for alert in found[severity]] for severity in Severity)
        return ActiveAlerts(critical=critical, warning=warning, info=info, total=total)

    async def get(self, alert_id: int) -> AlertView:
        """Raises NotFound."""
        return views.view(await self._db.read(lambda read: store.get(read, alert_id)))

    async def acknowledge(self, alert_id: int, note: str | None, actor: Actor) -> AlertView:
        """Say that somebody takes care.  Raises NotFound, NotActive, AlreadyAcknowledged."""

        def work(tx: Tx) -> Alert:
            alert = store.get(tx, alert_id)
            if alert.status is not Status.ACTIVE:
                raise NotActive("Only an active alert can be acknowledged")
            if alert.acknowledged_at is not None:
                raise AlreadyAcknowledged(f"{alert.acknowledged_by} has acknowledged this alert already")
            by = actor.name.partition(":")[2] or actor.name
            after = replace(alert, acknowledged_at=tx.clock.now(), acknowledged_by=by, acknowledged_note=note)
            store.save(tx, after)
            tx.audit(actor, "alert.acknowledge", f"alert:{alert_id}", {"note": note} if note else {})
            say(tx, AlertAcknowledged, after)
            return after

        return views.view(await self._db.write(work))

    # --- timed work --------------------------------------------------------------------------------------------------

    async def fire_due(self) -> int:
        """Fire what has waited long enough; return how many."""
        now = self._clock.now()
        if not await self._db.read(lambda read: store.list_due(read, now)):
            return 0

        def work(tx: Tx) -> int:
            due = store.list_due(tx, now)
            for alert in due:
                self._engine.settle(tx, alert)
            return len(due)

        return await self._db.write(work)

    async def settle_silences(self) -> None:
        """Look at every open alert again, page by page: silences have begun or ended."""
        after_id = 0
        while True:
            page = await self._db.read(lambda read, after_id=after_id: store.list_open(read, after_id))  # type: ignore[misc]
            if not page:
                return
            after_id = page[-1].id
            ids = [alert.id for alert in page if alert.status is not Status.PENDING]
            await self._db.write(lambda tx, ids=ids: self._settle(tx, ids))  # type: ignore[misc]

    def _settle(self, tx: Tx, ids: list[int]) -> None:
        for alert_id in ids:
            alert = store.get(tx, alert_id)
            if alert.status in {Status.ACTIVE, Status.SILENCED}:
                self._engine.settle(tx, alert)
