"""Monitors that others want: labels of containers and https endpoints. They come and go in the same transaction.

Source: docs/spec/certificates.md, sources.
"""

from collections.abc import Callable
from typing import NamedTuple

import structlog
from msgspec.structs import replace

from tocsin.certificates import hosts, rules, store
from tocsin.certificates.hosts import Place
from tocsin.certificates.models import (
    MOST_CERTIFICATES,
    CertificateMonitorCreated,
    CertificateMonitorDeleted,
    CertificateMonitorUpdated,
    CertificateSource,
    Monitor,
    Reference,
)
from tocsin.containers.models import (
    Container,
    ContainerArchived,
    ContainerDiscovered,
    ContainerEvent,
    ContainerUpdated,
)
from tocsin.core.clock import wire
from tocsin.db.tx import Reaction, Read, Tx
from tocsin.endpoints.models import (
    Endpoint,
    EndpointDiscovered,
    EndpointEvent,
    EndpointRemoved,
    EndpointType,
    EndpointUpdated,
)

LABEL = "tls.certificates"
log = structlog.get_logger(__name__)


class Lookups(NamedTuple):
    """What is asked of others: SQL only, in the transaction at hand.

    `https` is an active endpoint that is checked by https at a host (in normal form) and port.
    """

    container: Callable[[Read, int], Container | None]
    endpoint: Callable[[Read, int], Endpoint | None]
    https: Callable[[Read, str, int], Endpoint | None]


class Sources:
    """Keeps monitors in step with who wants them. What people added themselves is never taken away here."""

    def __init__(self, ask: Lookups) -> None:
        self._ask = ask

    def reactions(self) -> tuple[Reaction, ...]:
        labels = (ContainerDiscovered, ContainerUpdated, ContainerArchived)
        https = (EndpointDiscovered, EndpointUpdated, EndpointRemoved)
        return (
            Reaction("certificates_of_labels", labels, self._on_container, self._settle_entity, _container_of),
            Reaction("certificates_of_endpoints", https, self._on_endpoint, self._settle_entity, _endpoint_of),
        )

    def _on_container(self, tx: Tx, fact: ContainerEvent) -> None:
        self.follow_container(tx, fact.container_id)

    def _on_endpoint(self, tx: Tx, fact: EndpointEvent) -> None:
        self.follow_endpoint(tx, fact.endpoint_id)

    def _settle_entity(self, tx: Tx, entity: str) -> None:
        kind, _, number = entity.partition(":")
        follow = self.follow_container if kind == "container" else self.follow_endpoint
        follow(tx, int(number))

    # --- labels ------------------------------------------------------------------------------------------------------

    def follow_container(self, tx: Tx, container_id: int) -> None:
        """Make the references of a container what its label says now."""
        container = self._ask.container(tx, container_id)
        places = _places(container)
        wanted = {(place.hostname, place.port) for place in places}
        for monitor in store.list_named_by(tx, container_id):
            if (monitor.hostname, monitor.port) not in wanted:
                store.unrefer(tx, monitor.id, container_id)
                self._settle(tx, monitor)
        self._settle_unwanted(tx)
        if container is not None:
            for place in places:
                self._refer(tx, container, place)

    def _refer(self, tx: Tx, container: Container, place: Place) -> None:
        monitor = store.find_at(tx, place.hostname, place.port)
        if monitor is None:
            monitor = _create(tx, place, CertificateSource.LABEL)
        elif monitor.source is CertificateSource.LABEL and monitor.protocol is not place.protocol:
            _hand_over(tx, replace(monitor, protocol=place.protocol, next_check_at=tx.clock.now()))
        if monitor is not None:
            reference = Reference(
                certificate_id=monitor.id,
                container_id=container.id,
                container_name=container.name,
                external_id=container.runtime_id,
            )
            store.refer(tx, reference)

    # --- endpoints ---------------------------------------------------------------------------------------------------

    def follow_endpoint(self, tx: Tx, endpoint_id: int) -> None:
        """Let an https endpoint have its monitor, and no other."""
        endpoint = self._ask.endpoint(tx, endpoint_id)
        place = _place_of(endpoint)
        for monitor in store.list_of_endpoint(tx, endpoint_id):
            if place is None or (monitor.hostname, monitor.port) != (place.hostname, place.port):
                self._settle(tx, monitor)
        self._settle_unwanted(tx)
        if endpoint is None or place is None:
            return
        found = store.find_at(tx, place.hostname, place.port)
        if found is None:
            _create(tx, place, CertificateSource.AUTO, endpoint)
        elif found.source is CertificateSource.AUTO:
            self._keep_pace(tx, found, endpoint)

    def _keep_pace(self, tx: Tx, monitor: Monitor, endpoint: Endpoint) -> None:
        """Look while an endpoint of this host and port is checked; let one that is have the monitor."""
        now = tx.clock.now()
        if endpoint.is_checked:
            if monitor.next_check_at is None or monitor.endpoint_id is None:
                _hand_over(tx, replace(monitor, endpoint_id=endpoint.id, next_check_at=monitor.next_check_at or now))
            return
        if monitor.endpoint_id != endpoint.id or monitor.next_check_at is None:
            return
        other = self._ask.https(tx, monitor.hostname, monitor.port)
        if other is not None and other.is_checked:
            _hand_over(tx, replace(monitor, endpoint_id=other.id))
            return
        paused = rules.pause(monitor, now)
        store.save_standing(tx, paused.after)
        for fact in paused.events:
            tx.emit(fact)
        _tell_updated(tx, paused.after)

    # --- who wants it ------------------------------------------------------------------------------------------------

    def _settle_unwanted(self, tx: Tx) -> None:
        """Where containers and endpoints are deleted for good, what points to them goes before we are told."""
        for monitor in store.list_unwanted(tx):
            self._settle(tx, monitor)

    def _settle(self, tx: Tx, monitor: Monitor) -> None:
        """Give a monitor to who else wants it; delete it when nobody does."""
        if monitor.source is CertificateSource.STANDALONE:
            return
        if monitor.source is CertificateSource.AUTO and self._is_wanted_by_endpoint(tx, monitor):
            return
        due = monitor.next_check_at or tx.clock.now()
        if store.references(tx, [monitor.id]):
            if monitor.source is not CertificateSource.LABEL:
                given = replace(monitor, source=CertificateSource.LABEL, endpoint_id=None, next_check_at=due)
                _hand_over(tx, given)
            return
        other = self._ask.https(tx, monitor.hostname, monitor.port)
        if other is not None:
            _hand_over(tx, replace(monitor, source=CertificateSource.AUTO, endpoint_id=other.id, next_check_at=due))
        else:
            delete(tx, monitor)

    def _is_wanted_by_endpoint(self, tx: Tx, monitor: Monitor) -> bool:
        endpoint = None if monitor.endpoint_id is None else self._ask.endpoint(tx, monitor.endpoint_id)
        place = _place_of(endpoint)
        return place is not None and (place.hostname, place.port) == (monitor.hostname, monitor.port)

    def revive(self, tx: Tx, monitor: Monitor, named_by: list[Reference]) -> None:
        """A monitor that somebody has deleted may still be wanted: then there is a new one."""
        for reference in named_by:
            self.follow_container(tx, reference.container_id)
        endpoint = self._ask.https(tx, monitor.hostname, monitor.port)
        if endpoint is not None:
            self.follow_endpoint(tx, endpoint.id)


def _create(tx: Tx, place: Place, source: CertificateSource, endpoint: Endpoint | None = None) -> Monitor | None:
    """Return the new monitor; None when there are too many."""
    if store.count(tx) >= MOST_CERTIFICATES:
        log.warning("too many certificates", hostname=place.hostname, limit=MOST_CERTIFICATES)
        return None
    now = tx.clock.now()
    is_looked_at = endpoint is None or endpoint.is_checked
    monitor = Monitor(
        id=0,
        hostname=place.hostname,
        port=place.port,
        protocol=place.protocol,
        source=source,
        endpoint_id=None if endpoint is None else endpoint.id,
        accept_untrusted=endpoint is not None and not endpoint.config.tls_verify,
        next_check_at=now if is_looked_at else None,
        created_at=now,
    )
    return create(tx, monitor)


def create(tx: Tx, monitor: Monitor) -> Monitor:
    made = store.create(tx, monitor)
    tx.emit(
        CertificateMonitorCreated(
            monitor_id=made.id,
            hostname=made.hostname,
            port=made.port,
            source=made.source,
            timestamp=wire(tx.clock.now()),
        )
    )
    return made


def delete(tx: Tx, monitor: Monitor) -> None:
    store.remove(tx, monitor.id)
    now = wire(tx.clock.now())
    tx.emit(CertificateMonitorDeleted(monitor_id=monitor.id, hostname=monitor.hostname, timestamp=now))


def _hand_over(tx: Tx, monitor: Monitor) -> None:
    store.save_source(tx, monitor)
    _tell_updated(tx, monitor)


def _tell_updated(tx: Tx, monitor: Monitor) -> None:
    tx.emit(
        CertificateMonitorUpdated(
            monitor_id=monitor.id,
            hostname=monitor.hostname,
            port=monitor.port,
            source=monitor.source,
            timestamp=wire(tx.clock.now()),
        )
    )


def _places(container: Container | None) -> list[Place]:
    if container is None or container.archived_at is not None or container.traits.is_ignored:
        return []
    return hosts.parse_list(dict(container.traits.monitors).get(LABEL, ""))


def _place_of(endpoint: Endpoint | None) -> Place | None:
    if endpoint is None or not endpoint.active or endpoint.endpoint_type is not EndpointType.HTTP:
        return None
    return hosts.of_url(endpoint.target)


def _container_of(fact: ContainerEvent) -> str:
    return f"container:{fact.container_id}"


def _endpoint_of(fact: EndpointEvent) -> str:
    return f"endpoint:{fact.endpoint_id}"
