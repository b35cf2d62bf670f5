"""The only SQL about containers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tocsin.containers import uptime
from tocsin.containers.models import Change, Container, Health, Severity, State, Traits
from tocsin.containers.tables import containers, days, runtime_ids, tombstones, transitions
from tocsin.containers.uptime import Segment, Tally
from tocsin.core.clock import from_ms, from_ms_or_none, to_ms, to_ms_or_none
from tocsin.core.errors import NotFound
from tocsin.db.tx import Read, Tx
from tocsin.runtimes.base import Died

TOUCHED = "containers"
MOST_NAMED = 20
_traits = msgspec.json.Decoder(Traits)
_BOOKKEEPING = {"last_event_at_us", "accounted_at_ms", "stop_requested_at_ms", "engine_restart_count", "runtime_id"}
_MICROSECOND = timedelta(microseconds=1)


class Transition(NamedTuple):
    """A stored line of a timeline: its number, its container, and what it says."""

    id: int
    container_id: int
    change: Change


# --- looking ---------------------------------------------------------------------------------------------------------


def get(read: Read, container_id: int) -> Container:
    """Raises NotFound: no such container."""
    row = read.execute(select(containers).where(containers.c.id == container_id)).one_or_none()
    if row is None:
        raise NotFound("Container not found")
    return _container(row)


def find_by_runtime_id(read: Read, host: str, runtime_id: str) -> Container | None:
    statement = (
        select(containers)
        .join(runtime_ids, runtime_ids.c.container_id == containers.c.id)
        .where(runtime_ids.c.host == host, runtime_ids.c.runtime_id == runtime_id)
    )
    row = read.execute(statement).one_or_none()
    return None if row is None else _container(row)


def find_by_key(read: Read, host: str, key: str) -> Container | None:
    row = read.execute(select(containers).where(containers.c.host == host, containers.c.key == key)).one_or_none()
    return None if row is None else _container(row)


def find_named(read: Read, host: str, project: str | None, name: str) -> list[int]:
    """Return the containers of a host that *name* means: a service of the same Compose project, else a name."""
    here = (containers.c.host == host, containers.c.archived_at_ms.is_(None))
    service = containers.c.key.startswith(f"compose:{project}/{name}/", autoescape=True)
    for means in (service, containers.c.name == name) if project else (containers.c.name == name,):
        found = list(read.execute(select(containers.c.id).where(*here, means).limit(MOST_NAMED)).scalars())
        if found:
            return found
    return []


def list_names(read: Read, host: str, limit: int) -> tuple[list[str], int]:
    """Return up to *limit* names of what lives on a host, and how many there are."""
    here = (containers.c.host == host, containers.c.archived_at_ms.is_(None))
    names = list(
        read.execute(select(containers.c.name).where(*here).order_by(containers.c.name).limit(limit)).scalars()
    )
    return names, int(read.execute(select(func.count()).select_from(containers).where(*here)).scalar_one())


def list_all(read: Read) -> list[Container]:
    """Return every container, archived ones too, by name."""
    return [_container(row) for row in read.execute(select(containers).order_by(containers.c.name, containers.c.id))]


def list_of_host(read: Read, host: str) -> list[Container]:
    return [_container(row) for row in read.execute(select(containers).where(containers.c.host == host))]


def list_hosts(read: Read) -> set[str]:
    """Return the hosts of containers that are neither missing nor archived."""
    present = (containers.c.archived_at_ms.is_(None), containers.c.missing_since_ms.is_(None))
    return set(read.execute(select(containers.c.host).where(*present).distinct()).scalars())


def list_runtime_ids(read: Read, container_id: int) -> list[str]:
    found = select(runtime_ids.c.runtime_id).where(runtime_ids.c.container_id == container_id)
    return list(read.execute(found).scalars())


def list_restart_alerts(read: Read) -> list[Container]:
    return [_container(row) for row in read.execute(select(containers).where(containers.c.restart_alert.is_not(None)))]


def list_missing(read: Read, before: datetime) -> list[Container]:
    """Return containers that were removed before *before* and are not archived."""
    statement = select(containers).where(
        containers.c.missing_since_ms <= to_ms(before), containers.c.archived_at_ms.is_(None)
    )
    return [_container(row) for row in read.execute(statement.limit(500))]


def last_event_at(read: Read, host: str) -> datetime | None:
    latest = read.execute(select(func.max(containers.c.last_event_at_us)).where(containers.c.host == host)).scalar()
    return _from_us(latest)


def list_transitions(
    read: Read, container_id: int, since: datetime, until: datetime | None, limit: int, offset: int
) -> tuple[list[Transition], int]:
    """Return one page, newest first, and how many there are between the two instants."""
    where = [transitions.c.container_id == container_id, transitions.c.at_ms >= to_ms(since)]
    if until is not None:
        where.append(transitions.c.at_ms <= to_ms(until))
    page = select(transitions).where(*where).order_by(transitions.c.at_ms.desc(), transitions.c.id.desc())
    rows = read.execute(page.limit(limit).offset(offset)).all()
    total = read.execute(select(func.count()).select_from(transitions).where(*where)).scalar_one()
    return [Transition(row.id, row.container_id, _change(row)) for row in rows], int(total)


def last_end(read: Read, container_id: int) -> Transition | None:
    """Return when and how a container ended last."""
    ends = transitions.c.new_state.in_([State.EXITED.value, State.COMPLETED.value, State.DEAD.value])
    mine = select(transitions).where(transitions.c.container_id == container_id, ends)
    newest = mine.order_by(transitions.c.at_ms.desc(), transitions.c.id.desc()).limit(1)
    row = read.execute(newest).one_or_none()
    return None if row is None else Transition(row.id, row.container_id, _change(row))


def count_restarts(read: Read, container_id: int, since: datetime) -> int:
    where = (transitions.c.container_id == container_id, transitions.c.at_ms > to_ms(since))
    return int(read.execute(select(func.coalesce(func.sum(transitions.c.restarts), 0)).where(*where)).scalar_one())


def tally_days(read: Read, container_id: int, first: date) -> Tally:
    """Return the total of the days from *first* on."""
    total = select(func.sum(days.c.up_ms).label("up_ms"), func.sum(days.c.down_ms).label("down_ms"))
    row = read.execute(total.where(days.c.container_id == container_id, days.c.day >= first)).one()
    return Tally(int(row.up_ms or 0), int(row.down_ms or 0))


def list_days(read: Read, first: date) -> dict[int, dict[date, Tally]]:
    """Return the days from *first* on, for every container that has any."""
    found: dict[int, dict[date, Tally]] = {}
    statement = select(days.c.container_id, days.c.day, days.c.up_ms, days.c.down_ms).where(days.c.day >= first)
    for row in read.execute(statement):
        found.setdefault(row.container_id, {})[row.day] = Tally(row.up_ms, row.down_ms)
    return found


def list_segments(read: Read, container: Container, start_ms: int, end_ms: int) -> list[Segment]:
    """Return how the container was between two instants: what held at the start, then each change."""
    mine = transitions.c.container_id == container.id
    columns = (transitions.c.at_ms, transitions.c.new_state, transitions.c.health, transitions.c.previous_state)
    before = (
        select(*columns)
        .where(mine, transitions.c.at_ms <= start_ms)
        .order_by(transitions.c.at_ms.desc(), transitions.c.id.desc())
        .limit(1)
    )
    inside = (
        select(*columns)
        .where(mine, transitions.c.at_ms > start_ms, transitions.c.at_ms < end_ms)
        .order_by(transitions.c.at_ms, transitions.c.id)
    )
    held, changes = read.execute(before).one_or_none(), read.execute(inside).all()
    if held is not None:
        first = Segment(start_ms, State(held.new_state), _health(held.health))
    elif changes:
        first = Segment(start_ms, State(changes[0].previous_state), None)
    else:
        first = Segment(start_ms, container.state, container.health)
    return [first, *(Segment(row.at_ms, State(row.new_state), _health(row.health)) for row in changes)]


# --- changing --------------------------------------------------------------------------------------------------------


def create(tx: Tx, container: Container) -> Container:
    """Insert *container* and return it with its id."""
    row = _row(container)
    container_id = tx.execute(insert(containers).returning(containers.c.id), row).scalar_one()
    tx.touch(TOUCHED)
    return msgspec.structs.replace(container, id=int(container_id))


def save(tx: Tx, before: Container, after: Container) -> None:
    """Write the columns that differ."""
    old, new = _row(before), _row(after)
    changed = {name: value for name, value in new.items() if old[name] != value}
    if changed:
        tx.execute(update(containers).where(containers.c.id == after.id).values(**changed))
    if changed.keys() - _BOOKKEEPING:
        tx.touch(TOUCHED)


def attach(tx: Tx, host: str, runtime_id: str, container_id: int) -> None:
    """Say that *runtime_id* is (now) an incarnation of this container."""
    tx.execute(delete(runtime_ids).where(runtime_ids.c.host == host, runtime_ids.c.runtime_id == runtime_id))
    tx.execute(insert(runtime_ids), {"host": host, "runtime_id": runtime_id, "container_id": container_id})


def detach(tx: Tx, host: str, runtime_id: str) -> None:
    tx.execute(delete(runtime_ids).where(runtime_ids.c.host == host, runtime_ids.c.runtime_id == runtime_id))


def record(tx: Tx, before: Container, changes: Sequence[Change]) -> None:
    """Append *changes* to the timeline of *before*, and the time between them to its days."""
    state, health, since_ms = before.state, before.health, to_ms(before.accounted_at)
    for change in changes:
        at_ms = to_ms(change.at)
        add_days(tx, before.id, uptime.by_day(state, health, since_ms, at_ms))
        tx.execute(insert(transitions), _transition_row(before.id, change))
        state, health, since_ms = change.new_state, change.health, at_ms


def add_days(tx: Tx, container_id: int, tallies: Iterable[tuple[date, Tally]]) -> None:
    for day, found in tallies:
        row = {"container_id": container_id, "day": day, "up_ms": found.up_ms, "down_ms": found.down_ms}
        dialect: Any = sqlite if tx.dialect == "sqlite" else postgresql
        statement = dialect.insert(days).values(row)
        new = statement.excluded
        tx.execute(
            statement.on_conflict_do_update(
                index_elements=[days.c.container_id, days.c.day],
                set_={"up_ms": days.c.up_ms + new.up_ms, "down_ms": days.c.down_ms + new.down_ms},
            )
        )


def amend(tx: Tx, container_id: int, seen: Died) -> None:
    """Complete the last line of the timeline, an end that was inferred, with what was seen of it."""
    last = (
        select(transitions.c.id)
        .where(transitions.c.container_id == container_id)
        .order_by(transitions.c.at_ms.desc(), transitions.c.id.desc())
        .limit(1)
    )
    inferred = update(transitions).where(transitions.c.id == last.scalar_subquery(), transitions.c.reconciled.is_(True))
    tx.execute(inferred.values(log_snippet=seen.log_excerpt, exit_code=seen.exit_code, reconciled=False))


def set_stale(tx: Tx, host: str, since: datetime | None) -> None:
    """Mark, or unmark, everything of *host* as last known rather than current."""
    mine = (containers.c.host == host, containers.c.archived_at_ms.is_(None))
    if since is not None:
        fresh = update(containers).where(*mine, containers.c.stale_since_ms.is_(None))
        tx.execute(fresh.values(stale_since_ms=to_ms(since)))
    else:
        stale = update(containers).where(*mine, containers.c.stale_since_ms.is_not(None))
        tx.execute(stale.values(stale_since_ms=None))
    tx.touch(TOUCHED)


def set_missing(tx: Tx, host: str, since: datetime) -> None:
    """Say that everything of *host* is gone: what does not come back is archived in time."""
    mine = (containers.c.host == host, containers.c.archived_at_ms.is_(None), containers.c.missing_since_ms.is_(None))
    tx.execute(update(containers).where(*mine).values(missing_since_ms=to_ms(since)))
    tx.touch(TOUCHED)


def remove(tx: Tx, container: Container) -> None:
    """Delete a container with all that is its own (by cascade), and do not discover it again while it is stopped."""
    ids = list_runtime_ids(tx, container.id)
    tx.execute(delete(containers).where(containers.c.id == container.id))
    for runtime_id in ids:
        tx.execute(insert(tombstones), {"host": container.host, "runtime_id": runtime_id})
    tx.touch(TOUCHED)


def list_tombstones(read: Read, host: str) -> set[str]:
    return set(read.execute(select(tombstones.c.runtime_id).where(tombstones.c.host == host)).scalars())


def lift_tombstones(tx: Tx, host: str, ids: Iterable[str]) -> None:
    mine = tombstones.c.host == host
    tx.execute(delete(tombstones).where(mine, tombstones.c.runtime_id.in_(list(ids))))


def sweep_transitions(tx: Tx, cutoff_ms: int, limit: int) -> int:
    old = select(transitions.c.id).where(transitions.c.at_ms < cutoff_ms).order_by(transitions.c.at_ms).limit(limit)
    return tx.execute(delete(transitions).where(transitions.c.id.in_(old.scalar_subquery()))).rowcount


def sweep_days(tx: Tx, cutoff_ms: int, limit: int) -> int:
    """Delete old days, whole days at a time (a day has one row for each container)."""
    oldest = tx.execute(select(func.min(days.c.day))).scalar()
    if oldest is None or oldest >= uptime.day_of(cutoff_ms):
        return 0
    tx.execute(delete(days).where(days.c.day == oldest))
    return limit


def sweep_archived(tx: Tx, cutoff_ms: int, limit: int) -> int:
    return _sweep_containers(tx, select(containers.c.id).where(containers.c.archived_at_ms < cutoff_ms).limit(limit))


def sweep_short_lived(tx: Tx, cutoff_ms: int, limit: int) -> int:
    """Delete archived containers that lived under an hour: one-off runs must not pile up."""
    lived_ms = containers.c.archived_at_ms - containers.c.first_seen_at_ms
    short = select(containers.c.id).where(containers.c.archived_at_ms < cutoff_ms, lived_ms < 3_600_000)
    return _sweep_containers(tx, short.limit(limit))


def _sweep_containers(tx: Tx, which: Select[tuple[int]]) -> int:
    count = tx.execute(delete(containers).where(containers.c.id.in_(which.scalar_subquery()))).rowcount
    if count:
        tx.touch(TOUCHED)
    return count


# --- rows ------------------------------------------------------------------------------------------------------------


def _container(row: Any) -> Container:
    return Container(
        id=row.id,
        host=row.host,
        key=row.key,
        runtime_id=row.runtime_id,
        name=row.name,
        image=row.image,
        state=State(row.state),
        health=_health(row.health),
        has_health_check=row.has_health_check,
        traits=_traits.decode(row.traits),
        first_seen_at=from_ms(row.first_seen_at_ms),
        last_state_change_at=from_ms(row.last_state_change_at_ms),
        accounted_at=from_ms(row.accounted_at_ms),
        started_at=_from_us(row.started_at_us),
        finished_at=_from_us(row.finished_at_us),
        exit_code=row.exit_code,
        error_detail=row.error_detail,
        restart_policy=row.restart_policy,
        restart_count=row.restart_count,
        engine_restart_count=row.engine_restart_count,
        stop_requested_at=from_ms_or_none(row.stop_requested_at_ms),
        restart_alert=Severity(row.restart_alert) if row.restart_alert else None,
        missing_since=from_ms_or_none(row.missing_since_ms),
        stale_since=from_ms_or_none(row.stale_since_ms),
        archived_at=from_ms_or_none(row.archived_at_ms),
        last_event_at=_from_us(row.last_event_at_us),
    )


def _row(container: Container) -> Mapping[str, Any]:
    return {
        "host": container.host,
        "key": container.key,
        "runtime_id": container.runtime_id,
        "name": container.name,
        "image": container.image,
        "state": container.state.value,
        "health": container.health.value if container.health else None,
        "has_health_check": container.has_health_check,
        "traits": msgspec.json.encode(container.traits).decode(),
        "first_seen_at_ms": to_ms(container.first_seen_at),
        "last_state_change_at_ms": to_ms(container.last_state_change_at),
        "accounted_at_ms": to_ms(container.accounted_at),
        "started_at_us": _to_us(container.started_at),
        "finished_at_us": _to_us(container.finished_at),
        "exit_code": container.exit_code,
        "error_detail": container.error_detail,
        "restart_policy": container.restart_policy,
        "restart_count": container.restart_count,
        "engine_restart_count": container.engine_restart_count,
        "stop_requested_at_ms": to_ms_or_none(container.stop_requested_at),
        "restart_alert": container.restart_alert.value if container.restart_alert else None,
        "missing_since_ms": to_ms_or_none(container.missing_since),
        "stale_since_ms": to_ms_or_none(container.stale_since),
        "archived_at_ms": to_ms_or_none(container.archived_at),
        "last_event_at_us": _to_us(container.last_event_at),
    }


def _change(row: Any) -> Change:
    return Change(
        at=from_ms(row.at_ms),
        previous_state=State(row.previous_state),
        new_state=State(row.new_state),
        health=_health(row.health),
        previous_health=_health(row.previous_health),
        new_health=_health(row.new_health),
        exit_code=row.exit_code,
        log_snippet=row.log_snippet,
        error_detail=row.error_detail,
        restarts=row.restarts,
        reconciled=row.reconciled,
    )


def _transition_row(container_id: int, change: Change) -> Mapping[str, Any]:
    fields = msgspec.structs.asdict(change)
    at: datetime = fields.pop("at")
    return {**{name: _plain(value) for name, value in fields.items()}, "container_id": container_id, "at_ms": to_ms(at)}


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, State | Health) else value


def _health(text: str | None) -> Health | None:
    return None if text is None else Health(text)


def _from_us(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else from_ms(0) + timedelta(microseconds=microseconds)


def _to_us(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - from_ms(0)) // _MICROSECOND
