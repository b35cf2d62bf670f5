"""Two views of one connection: `Read` looks; `Tx` also changes, journals facts and runs what reacts to them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import structlog
from sqlalchemy import Connection, CursorResult, Executable, delete, insert, select, update

from tocsin.core.clock import Clock, to_ms, wire
from tocsin.core.events import Event, Frame, encode, name_of
from tocsin.db import tables

log = structlog.get_logger(__name__)

DEEPEST_CASCADE = 5
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=30)


class Actor(NamedTuple):
    """Who changes something, for the audit: `user:ada`, `token:ci`, `shell`, `settings`; and from which address."""

    name: str
    address: str | None = None


@dataclass(frozen=True)
class Reaction:
    """Who answers to which facts, inside the transaction that states them.

    `react` handles one fact. `entity` names whose state it concerns; after a failure that entity is settled by
    `rederive`, from its current state, before it may react to facts again.  Source: docs/spec/core.md, reactions.
    """

    name: str
    events: tuple[type[Event], ...]
    react: Callable[["Tx", Any], None]
    rederive: Callable[["Tx", str], None]
    entity: Callable[[Any], str]


class ReactionFailed(Event, frozen=True, kw_only=True, tag="self_health.reaction_failed"):
    """A reaction raised: its work was rolled back alone and waits for a retry. Nothing reacts to this one."""

    reaction: str
    entity: str
    error: str


class ReactionRecovered(Event, frozen=True, kw_only=True, tag="self_health.reaction_recovered"):
    """What waited for a retry has been settled; nothing of this reaction waits any more."""

    reaction: str


class Reactions:
    """The reaction table, and which (reaction, entity) pairs wait for a retry. Used by the writer thread only."""

    def __init__(self, table: Sequence[Reaction] = ()) -> None:
        self.by_name = {reaction.name: reaction for reaction in table}
        self._by_event: dict[type[Event], list[Reaction]] = {}
        for reaction in table:
            for event_type in reaction.events:
                self._by_event.setdefault(event_type, []).append(reaction)
        self.pending: set[tuple[str, str]] = set()

    def to(self, event: Event) -> list[Reaction]:
        return self._by_event.get(type(event), [])

    def load(self, read: "Read") -> None:
        """Remember after a restart what had failed before it."""
        failed = tables.failed_reactions
        self.pending = {(row.reaction, row.entity) for row in read.execute(select(failed.c.reaction, failed.c.entity))}


class Read:
    """A look at the database, in one snapshot."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        result = self._connection.execute(statement, parameters) if parameters else self._connection.execute(statement)
        assert isinstance(result, CursorResult)  # Core statements always answer with a cursor  # noqa: S101
        return result

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Run plain SQL (`?` for each value) and return the driver's cursor.

        For the few statements that run a thousand times a second: a fifth of the price of going through SQLAlchemy.
        """
        driver: Any = self._connection.connection.driver_connection
        return driver.execute(sql if self.dialect == "sqlite" else sql.replace("?", "%s"), parameters)

    @property
    def dialect(self) -> str:
        return self._connection.dialect.name


class Tx(Read):
    """One unit of work. It may run twice (a failed group is run again one by one): nothing but SQL belongs here."""

    def __init__(self, connection: Connection, clock: Clock, reactions: Reactions) -> None:
        super().__init__(connection)
        self.clock = clock
        self.frames: list[Frame] = []
        self.touched: set[str] = set()
        self._reactions = reactions
        self._pending: set[tuple[str, str]] = set()
        self._settled: set[tuple[str, str]] = set()
        self._depth = 0

    def emit(self, event: Event) -> int:
        """Journal *event*, run its reactions, and return its number. It is published after the commit."""
        name, data = name_of(event), encode(event)
        row = {"type": name, "at_ms": to_ms(self.clock.now()), "data": data.decode()}
        number = int(self.execute(insert(tables.events).returning(tables.events.c.id), row).scalar_one())
        self.frames.append(Frame(number, name, data))
        for reaction in self._reactions.to(event):
            self._react(reaction, event, number)
        return number

    def touch(self, name: str) -> None:
        """Say that what *name* stands for has changed: snapshots and caches of it are rebuilt after the commit."""
        self.touched.add(name)

    def audit(self, actor: Actor, action: str, entity: str, change: Mapping[str, Any] | None = None) -> None:
        """Record who did what to which *entity*, such as `user:3`. Never pass a secret in *change*."""
        row = {
            "at_ms": to_ms(self.clock.now()),
            "actor": actor.name,
            "address": actor.address,
            "action": action,
            "entity": entity,
            "change": msgspec.json.encode(dict(change or {})).decode(),
        }
        self.execute(insert(tables.audit), row)

    @contextmanager
    def savepoint(self, name: str) -> Iterator[None]:
        """Keep what happens inside apart: an exception undoes it alone, and is passed on."""
        frames, touched = len(self.frames), set(self.touched)
        driver: Any = self._connection.connection.driver_connection  # half the price of going through SQLAlchemy
        driver.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self._undo(driver, name)
            del self.frames[frames:]
            self.touched = touched
            raise
        driver.execute(f"RELEASE SAVEPOINT {name}")

    def _undo(self, driver: Any, name: str) -> None:
        """Go back to a savepoint; where the database has undone everything by itself (a full disk), there is none."""
        if self.dialect == "sqlite" and not driver.in_transaction:
            return
        driver.execute(f"ROLLBACK TO SAVEPOINT {name}")
        driver.execute(f"RELEASE SAVEPOINT {name}")

    def committed(self) -> None:
        """Called by the writer after COMMIT: what this unit learned about failed reactions now holds."""
        self._reactions.pending |= self._pending
        self._reactions.pending -= self._settled

    def _react(self, reaction: Reaction, event: Event, number: int) -> None:
        entity = reaction.entity(event)
        if (reaction.name, entity) in self._reactions.pending | self._pending:
            return  # it will be settled from the current state, in order
        self._depth += 1
        try:
            if self._depth > DEEPEST_CASCADE:
                raise RecursionError(f"reactions to reactions are {self._depth} deep")
            with self.savepoint(f"reaction_{self._depth}"):
                reaction.react(self, event)
        except Exception as exc:  # broad on purpose: a bug in a reaction must not stop the watching
            log.exception("reaction failed", reaction=reaction.name, entity=entity, event_id=number)
            self._remember_failure(reaction, entity, number, exc)
        finally:
            self._depth -= 1

    def _remember_failure(self, reaction: Reaction, entity: str, number: int, exc: Exception) -> None:
        now, error = self.clock.now(), f"{type(exc).__name__}: {exc}"[:500]
        row = {
            "reaction": reaction.name,
            "entity": entity,
            "event_id": number,
            "error": error,
            "attempts": 1,
            "failed_at_ms": to_ms(now),
            "next_attempt_at_ms": to_ms(now + FIRST_RETRY),
        }
        self.execute(insert(tables.failed_reactions), row)
        self._pending.add((reaction.name, entity))
        self.emit(ReactionFailed(reaction=reaction.name, entity=entity, error=error, timestamp=wire(now)))

    def retry_reactions(self) -> int:
        """Settle due failures from the current state, oldest first; return how many still fail."""
        failed, now = tables.failed_reactions, self.clock.now()
        due = self.execute(
            select(failed).where(failed.c.next_attempt_at_ms <= to_ms(now)).order_by(failed.c.id).limit(100)
        ).all()
        still_failing = 0
        for row in due:
            reaction = self._reactions.by_name.get(row.reaction)
            try:
                if reaction is not None:  # a reaction that no longer exists has nothing to settle
                    with self.savepoint("reaction_retry"):
                        reaction.rederive(self, row.entity)
                self.execute(delete(failed).where(failed.c.id == row.id))
                self._settled.add((row.reaction, row.entity))
                self._tell_recovery(row.reaction)
            except Exception as exc:  # broad on purpose, as in _react
                still_failing += 1
                pause = min(FIRST_RETRY * 2 ** min(row.attempts, 16), LONGEST_RETRY)
                log.warning("reaction still fails", reaction=row.reaction, entity=row.entity, error=str(exc))
                self.execute(
                    update(failed)
                    .where(failed.c.id == row.id)
                    .values(attempts=row.attempts + 1, error=str(exc)[:500], next_attempt_at_ms=to_ms(now + pause))
                )
        return still_failing

    def _tell_recovery(self, name: str) -> None:
        waiting = select(tables.failed_reactions.c.id).where(tables.failed_reactions.c.reaction == name).limit(1)
        if self.execute(waiting).first() is None:
            self.emit(ReactionRecovered(reaction=name, timestamp=wire(self.clock.now())))


def reaction_fact(read: Read, name: str, at: datetime) -> ReactionFailed | ReactionRecovered:
    """Return what is to be told of a reaction as it is now: the newest failure that waits, or that none does."""
    failed = tables.failed_reactions
    newest = select(failed).where(failed.c.reaction == name).order_by(failed.c.id.desc()).limit(1)
    row = read.execute(newest).one_or_none()
    if row is None:
        return ReactionRecovered(reaction=name, timestamp=wire(at))
    return ReactionFailed(reaction=name, entity=row.entity, error=row.error, timestamp=wire(at))


def journal_after(read: Read, last_id: int, limit: int) -> list[Frame]:
    """Return up to *limit* journalled frames with an id above *last_id*, oldest first."""
    events = tables.events
    rows = read.execute(
        select(events.c.id, events.c.type, events.c.data)
        .where(events.c.id > last_id)
        .order_by(events.c.id)
        .limit(limit)
    )
    return [Frame(row.id, row.type, row.data.encode()) for row in rows]


def journal_bounds(read: Read) -> tuple[int, int]:
    """Return the oldest and the newest id in the journal, (0, 0) when it is empty."""
    from_end = select(tables.events.c.id).order_by(tables.events.c.id.desc()).limit(1)
    from_start = select(tables.events.c.id).order_by(tables.events.c.id).limit(1)
    newest, oldest = read.execute(from_end).scalar(), read.execute(from_start).scalar()
    return (int(oldest), int(newest)) if oldest is not None and newest is not None else (0, 0)
