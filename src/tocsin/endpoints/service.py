"""The use cases: what people do with endpoints."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

import structlog
from msgspec import UNSET
from msgspec.structs import replace
from yarl import URL

from tocsin.core.clock import Clock, to_ms
from tocsin.core.errors import Invalid, NotFound, TargetForbidden
from tocsin.core.secrets import MASK
from tocsin.core.vault import Vault, VaultError
from tocsin.db.database import Database
from tocsin.db.tx import Actor, Tx
from tocsin.endpoints import config as configuration
from tocsin.endpoints import history_store, rules, store, views
from tocsin.endpoints.blocks import SLOT_MS
from tocsin.endpoints.checker import Checker, Outcome
from tocsin.endpoints.models import Config, Endpoint, EndpointSource, NotStandalone, RemovalReason, TooManyEndpoints
from tocsin.endpoints.monitors import Monitors
from tocsin.endpoints.objects import CheckView, EndpointChange, NewEndpoint, Trial, TrialAnswer
from tocsin.endpoints.plan import Plan, evidence
from tocsin.endpoints.react import BADGE_BYTES, put_aside
from tocsin.probes.base import Cause, Failed

log = structlog.get_logger(__name__)

MOST_ENDPOINTS = 50_000
LONGEST_NAME = 255
LARGEST_ID = 2**63 - 1
KEPT_INACTIVE = timedelta(days=30)


class Reachable(Protocol):
    """Where a host may be contacted; the dialer of the probes."""

    async def addresses(self, host: str) -> tuple[str, ...]: ...


class Headers:
    """Seals and opens the values of headers; what cannot be opened any more is left out."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def seal(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: self._vault.encrypt(value) for name, value in headers.items()}

    def open(self, endpoint: Endpoint) -> Mapping[str, str]:
        found = {}
        for name, value in endpoint.config.headers.items():
            try:
                found[name] = self._vault.decrypt(value)
            except VaultError:
                log.warning("a header cannot be read with this key", endpoint_id=endpoint.id, header=name)
        return found


class Endpoints:
    """Everything that people change."""

    def __init__(
        self, db: Database, clock: Clock, headers: Headers, monitors: Monitors, checker: Checker, reachable: Reachable
    ) -> None:
        self._db = db
        self._clock = clock
        self._headers = headers
        self._monitors = monitors
        self._checker = checker
        self._reachable = reachable

    async def create(self, wanted: NewEndpoint, actor: Actor) -> Endpoint:
        """Add a standalone endpoint, and check it at once.  Raises Invalid, TargetForbidden, TooManyEndpoints."""
        now = self._clock.now()
        name = _name(wanted.name)
        target = configuration.check_target(wanted.endpoint_type, wanted.target)
        config = configuration.change(Config(), wanted)
        key = secrets.token_hex(16)
        endpoint = Endpoint(
            id=0,
            source=EndpointSource.STANDALONE,
            endpoint_type=wanted.endpoint_type,
            target=target,
            name=name,
            label_key=key,
            external_id=key,
            config=replace(config, headers=self._headers.seal(config.headers)),
            badge_key=secrets.token_urlsafe(BADGE_BYTES),
            first_seen_at=now,
            last_seen_at=now,
        )
        await self._check_reachable(self._monitors.plan(endpoint))

        def work(tx: Tx) -> Endpoint:
            if store.count_active(tx) >= MOST_ENDPOINTS:
                raise TooManyEndpoints(f"There are {MOST_ENDPOINTS} endpoints already, more than one program can check")
            made = store.create(tx, endpoint)
            tx.audit(actor, "endpoint.create", f"endpoint:{made.id}", {"name": name, "target": _audited(made)})
            tx.emit(views.discovered(made, now))
            return made

        made = await self._db.write(work)
        await self._checker.settled()
        return made

    async def change(self, endpoint_id: int, wanted: EndpointChange, actor: Actor) -> Endpoint:
        """Change a standalone endpoint.  Raises NotFound, NotStandalone, Invalid, TargetForbidden."""
        before = await self._db.read(lambda read: store.get(read, endpoint_id))
        await self._check_reachable(self._monitors.plan(self._changed(_standalone(before), wanted)))

        def work(tx: Tx) -> Endpoint:
            known = _standalone(store.get(tx, endpoint_id))
            after = self._changed(known, wanted)
            if after == known:
                return known
            now = tx.clock.now()
            after = replace(after, generation=known.generation + 1, last_seen_at=now)
            store.save(tx, known, after)
            change = {"name": after.name, "target": _audited(after)}
            tx.audit(actor, "endpoint.update", f"endpoint:{endpoint_id}", change)
            tx.emit(views.updated(after, now))
            return after

        after = await self._db.write(work)
        await self._checker.settled()
        return after

    def _changed(self, before: Endpoint, wanted: EndpointChange) -> Endpoint:
        endpoint_type = before.endpoint_type if wanted.endpoint_type is UNSET else wanted.endpoint_type
        target = before.target if wanted.target is UNSET or not wanted.target.strip() else wanted.target
        name = before.name if wanted.name is UNSET or not wanted.name.strip() else _name(wanted.name)
        plain = replace(before.config, headers=self._headers.open(before))
        config = configuration.change(plain, wanted)
        target = configuration.check_target(endpoint_type, target)
        if config.headers and (wanted.headers is UNSET or MASK in wanted.headers.values()):
            _check_secrets(before.target, target)
        is_same = config.headers == plain.headers
        return replace(
            before,
            endpoint_type=endpoint_type,
            target=target,
            name=name,
            config=replace(config, headers=before.config.headers if is_same else self._headers.seal(config.headers)),
        )

    async def remove(self, endpoint_id: int, actor: Actor) -> None:
        """Delete a standalone endpoint with its history.  Raises NotFound, NotStandalone."""

        def work(tx: Tx) -> None:
            endpoint = _standalone(store.get(tx, endpoint_id))
            now = tx.clock.now()
            _delete(tx, endpoint)
            tx.audit(actor, "endpoint.delete", f"endpoint:{endpoint_id}", {"name": endpoint.name})
            tx.emit(views.removed(endpoint, RemovalReason.USER_DELETED, now))

        await self._db.write(work)
        await self._checker.settled()

    async def pause(self, endpoint_id: int, actor: Actor) -> Endpoint:
        """Check it no more until it is resumed; what rings about it ends.  Raises NotFound."""

        def work(tx: Tx) -> Endpoint:
            known = self._current(_active(store.get(tx, endpoint_id)))
            if known.paused_at is not None:
                return known
            now = tx.clock.now()
            tx.audit(actor, "endpoint.pause", f"endpoint:{endpoint_id}")
            put_aside(tx, known, replace(known, paused_at=now), "paused", now)
            return store.get(tx, endpoint_id)

        after = await self._db.write(work)
        await self._checker.settled()
        return after

    async def resume(self, endpoint_id: int, actor: Actor) -> Endpoint:
        """Raises NotFound."""

        def work(tx: Tx) -> Endpoint:
            known = _active(store.get(tx, endpoint_id))
            if known.paused_at is None:
                return known
            now = tx.clock.now()
            after = replace(known, paused_at=None, generation=known.generation + 1)
            store.save(tx, known, after)
            tx.audit(actor, "endpoint.resume", f"endpoint:{endpoint_id}")
            tx.emit(views.updated(after, now))
            return after

        after = await self._db.write(work)
        await self._checker.settled()
        return after

    def _current(self, stored: Endpoint) -> Endpoint:
        """Return *stored* with the standing that the newest checks have found."""
        monitor = self._monitors.find(stored.id)
        is_same = monitor is not None and monitor.endpoint.generation == stored.generation
        return replace(stored, standing=monitor.standing) if monitor is not None and is_same else stored

    async def check_now(self, endpoint_id: int) -> CheckView:
        """Check at once.  Raises NotFound, Invalid: it is not checked at all."""
        endpoint = await self._db.read(lambda read: _active(store.get(read, endpoint_id)))
        if not endpoint.is_checked:
            raise Invalid("This endpoint is paused, or its container does not run: it is not checked")
        outcome = await self._checker.check_now(endpoint_id)
        return views.check_view(endpoint_id, outcome.check)

    async def try_out(self, wanted: Trial) -> TrialAnswer:
        """Check something once without keeping it.  Raises Invalid, TargetForbidden."""
        target = configuration.check_target(wanted.endpoint_type, wanted.target)
        lent: Mapping[str, str] = {}
        if wanted.endpoint_id is not None:
            number = wanted.endpoint_id
            lender = await self._db.read(lambda read: store.find(read, number)) if 0 < number <= LARGEST_ID else None
            if lender is None:
                raise Invalid("endpoint_id must be an endpoint that there is", field="endpoint_id")
            lent = self._headers.open(lender)
            if wanted.headers is not UNSET and MASK in wanted.headers.values():
                _check_secrets(lender.target, target)
        config = configuration.change(Config(headers=dict(lent)), wanted)
        if wanted.headers is UNSET:
            config = replace(config, headers={})
        now = self._clock.now()
        endpoint = Endpoint(
            id=0,
            source=EndpointSource.STANDALONE,
            endpoint_type=wanted.endpoint_type,
            target=target,
            name=None,
            config=replace(config, headers=self._headers.seal(config.headers)),
            first_seen_at=now,
            last_seen_at=now,
        )
        plan = self._monitors.plan(endpoint)
        await self._check_reachable(plan)
        return _trial_view(await self._checker.try_out(plan))

    async def _check_reachable(self, plan: Plan) -> None:
        """Raises TargetForbidden: the egress policy refuses the target. A name unknown now may be known later."""
        if plan.host is None:
            return
        try:
            await self._reachable.addresses(plan.host)
        except Failed as exc:
            if exc.cause is Cause.FORBIDDEN:
                raise TargetForbidden(exc.error, field="target") from None

    async def forget(self, limit: int = 100) -> int:
        """Delete endpoints of containers that are long gone, with their history; return how many."""
        before = self._clock.now() - KEPT_INACTIVE
        old = await self._db.read(lambda read: store.list_forgotten(read, before, limit))
        for endpoint_id in old:
            await self._db.write(lambda tx, endpoint_id=endpoint_id: _delete(tx, store.get(tx, endpoint_id)))  # type: ignore[misc]
        return len(old)


def _delete(tx: Tx, endpoint: Endpoint) -> None:
    """Delete an endpoint and all that is its own, wherever its history may lie."""
    now_ms, first_ms = to_ms(tx.clock.now()), to_ms(endpoint.first_seen_at)
    hours = history_store.hours_between(first_ms, now_ms)
    with_checks = history_store.read_hours(tx, endpoint.id, hours).keys()
    per_hour = history_store.HOUR_MS // SLOT_MS
    slots = [hour * per_hour + part for hour in with_checks for part in range(per_hour)]
    history_store.delete_history(tx, endpoint.id, slots)
    history_store.delete_hours(tx, endpoint.id, sorted(with_checks))
    store.remove(tx, endpoint.id)


def _check_secrets(before: str, after: str) -> None:
    """Raises Invalid: values of headers that nobody can read would travel to another host."""
    old, new = URL(before), URL(after)
    if (old.scheme, old.host, old.port) != (new.scheme, new.host, new.port):
        raise Invalid("headers: their values have to be sent again when target names another host", field="headers")


def _standalone(endpoint: Endpoint) -> Endpoint:
    if endpoint.source is not EndpointSource.STANDALONE:
        raise NotStandalone("This endpoint comes from the labels of a container; change them there")
    return _active(endpoint)


def _active(endpoint: Endpoint) -> Endpoint:
    if not endpoint.active:
        raise NotFound("Endpoint not found")
    return endpoint


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(f"name must have 1 to {LONGEST_NAME} printable characters", field="name")
    return name


def _audited(endpoint: Endpoint) -> str:
    return rules.shown_target(endpoint.target)


def _trial_view(outcome: Outcome) -> TrialAnswer:
    shown: dict[str, Any] = evidence(outcome.verdict, outcome.result)
    check = views.check_view(0, outcome.check)
    return TrialAnswer(
        success=check.success,
        status=check.status,
        response_time_ms=check.response_time_ms,
        http_status=check.http_status,
        error_message=check.error_message,
        phases=check.phases,
        evidence=views.evidence_view(shown),
    )
