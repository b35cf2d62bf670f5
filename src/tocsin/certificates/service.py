"""The use cases: what people ask for, and looking at certificates when it is time."""

from msgspec.structs import asdict

from tocsin.certificates import hosts, react, store, views, wishes
from tocsin.certificates.models import (
    MOST_CERTIFICATES,
    AlreadyAutoDetected,
    CannotDeleteAuto,
    CertificateAnswer,
    CertificateChange,
    CertificateChecks,
    CertificateCreated,
    CertificateDetail,
    CertificateList,
    CertificateMonitorUpdated,
    CertificateSource,
    CertificateView,
    DuplicateMonitor,
    Monitor,
    NewCertificate,
    Reference,
    TooManyCertificates,
)
from tocsin.certificates.react import Sources
from tocsin.certificates.store import Check, Wanted
from tocsin.certificates.watch import CertificateWatch
from tocsin.core.clock import Clock, wire
from tocsin.core.egress import EgressPolicy
from tocsin.core.errors import TargetForbidden, Unavailable
from tocsin.core.limiter import Limiter
from tocsin.db.audit import difference
from tocsin.db.database import Database
from tocsin.db.tx import Actor, Read, Tx

_AUDITED = (
    "hostname",
    "port",
    "protocol",
    "check_interval_seconds",
    "warning_thresholds",
    "warn_at_lifetime_percent",
    "accept_untrusted",
)


class Certificates:
    """*watch* looks at hosts; *sources* knows who else wants a monitor."""

    def __init__(
        self, db: Database, clock: Clock, egress: EgressPolicy, watch: CertificateWatch, sources: Sources
    ) -> None:
        self._db = db
        self._clock = clock
        self._egress = egress
        self._watch = watch
        self._sources = sources
        self._new = Limiter(clock, burst=60, seconds_each=1)
        self._by_hand = Limiter(clock, burst=2, seconds_each=5)

    # --- asking ------------------------------------------------------------------------------------------------------

    async def page(self, wanted: Wanted, limit: int, offset: int) -> CertificateList:
        def look(read: Read) -> tuple[list[tuple[Monitor, Check | None]], int, dict[int, list[Reference]]]:
            found, total = store.list_page(read, wanted, limit, offset)
            return found, total, store.references(read, [monitor.id for monitor, _ in found])

        found, total, named = await self._db.read(look)
        now = self._clock.now()
        items = [views.item(monitor, check, named.get(monitor.id, ()), now) for monitor, check in found]
        return CertificateList(certificates=items, total=total, has_more=offset + len(found) < total)

    async def get(self, certificate_id: int) -> CertificateDetail:
        """Raises NotFound."""

        def look(read: Read) -> CertificateDetail:
            monitor = store.get(read, certificate_id)
            check, now = store.latest(read, monitor), self._clock.now()
            detail = None if check is None else views.check_detail(check, now)
            return CertificateDetail(certificate=self._view(read, monitor), latest_check=detail)

        return await self._db.read(look)

    async def checks(self, certificate_id: int, limit: int, offset: int) -> CertificateChecks:
        """Raises NotFound."""

        def look(read: Read) -> tuple[list[Check], int]:
            store.get(read, certificate_id)
            return store.list_checks(read, certificate_id, limit, offset)

        found, total = await self._db.read(look)
        shown = [views.check_view(check, self._clock.now()) for check in found]
        has_more = offset + len(found) < total
        return CertificateChecks(monitor_id=certificate_id, checks=shown, total=total, has_more=has_more)

    def _view(self, read: Read, monitor: Monitor) -> CertificateView:
        named_by = store.references(read, [monitor.id]).get(monitor.id, ())
        return views.view(monitor, named_by, self._clock.now())

    # --- changing ----------------------------------------------------------------------------------------------------

    async def create(self, wanted: NewCertificate, actor: Actor) -> CertificateCreated:
        """Add a monitor, and wait a moment for its first look.

        Raises Invalid, AlreadyAutoDetected, DuplicateMonitor, TargetForbidden, TooManyCertificates, RateLimited.
        """
        monitor = wishes.new(wanted, self._clock.now())
        await self._db.read(lambda read: _check_free(read, monitor))
        self._new.spend(actor.name)
        await self._check_allowed(monitor)

        def work(tx: Tx) -> Monitor:
            _check_free(tx, monitor)
            if store.count(tx) >= MOST_CERTIFICATES:
                raise TooManyCertificates(f"There are {MOST_CERTIFICATES} certificates already; delete one first")
            made = react.create(tx, monitor)
            tx.audit(actor, "certificate.create", f"certificate:{made.id}", difference({}, _audited(made)))
            return made

        made = await self._db.write(work)
        await self._watch.look_within_budget(made.id)
        return await self._db.read(lambda read: self._created(read, made.id))

    def _created(self, read: Read, certificate_id: int) -> CertificateCreated:
        monitor = store.get(read, certificate_id)
        check = store.latest(read, monitor)
        shown = None if check is None else views.check_view(check, self._clock.now())
        return CertificateCreated(certificate=self._view(read, monitor), latest_check=shown)

    async def change(self, certificate_id: int, wanted: CertificateChange, actor: Actor) -> CertificateAnswer:
        """Raises NotFound, Invalid."""

        def work(tx: Tx) -> CertificateAnswer:
            before = store.get(tx, certificate_id)
            after = wishes.changed(before, wanted, tx.clock.now())
            store.save_wishes(tx, after)
            change = difference(_audited(before), _audited(after))
            tx.audit(actor, "certificate.update", f"certificate:{certificate_id}", change)
            tx.emit(
                CertificateMonitorUpdated(
                    monitor_id=after.id,
                    hostname=after.hostname,
                    port=after.port,
                    source=after.source,
                    timestamp=wire(tx.clock.now()),
                )
            )
            return CertificateAnswer(certificate=self._view(tx, after))

        return await self._db.write(work)

    async def delete(self, certificate_id: int, actor: Actor) -> None:
        """Raises NotFound; CannotDeleteAuto: it would come back."""

        def work(tx: Tx) -> None:
            monitor = store.get(tx, certificate_id)
            if monitor.source is CertificateSource.AUTO:
                raise CannotDeleteAuto("It is watched because an https endpoint is; delete that one")
            if monitor.source is CertificateSource.LABEL:
                raise CannotDeleteAuto("A container's label names it; remove it there")
            named_by = store.references(tx, [certificate_id]).get(certificate_id, [])
            react.delete(tx, monitor)
            tx.audit(actor, "certificate.delete", f"certificate:{certificate_id}", difference(_audited(monitor), {}))
            self._sources.revive(tx, monitor, named_by)

        await self._db.write(work)

    async def check(self, certificate_id: int) -> CertificateDetail:
        """Look now, and answer with what is known after five seconds at most.  Raises NotFound, RateLimited."""
        await self.get(certificate_id)
        self._by_hand.spend(str(certificate_id))
        await self._watch.look_within_budget(certificate_id)
        return await self.get(certificate_id)

    async def _check_allowed(self, monitor: Monitor) -> None:
        """Raises TargetForbidden. That a name cannot be resolved shows in the first look."""
        try:
            await self._egress.resolve(monitor.hostname, monitor.port)
        except TargetForbidden as exc:
            raise TargetForbidden(exc.message, field="hostname") from exc
        except Unavailable:
            pass


def _check_free(read: Read, monitor: Monitor) -> None:
    found = store.find_at(read, monitor.hostname, monitor.port)
    if found is None:
        return
    place = hosts.shown(found.hostname, found.port)
    if found.source is CertificateSource.AUTO:
        raise AlreadyAutoDetected(f"{place} is watched already, because an https endpoint is", field="hostname")
    raise DuplicateMonitor(f"{place} is watched already", field="hostname")


def _audited(monitor: Monitor) -> dict[str, object]:
    fields = asdict(monitor)
    return {name: fields[name] for name in _AUDITED}
