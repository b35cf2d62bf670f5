"""The one writer: a thread that takes everything queued, runs each unit apart, and commits once for all.

SQLite keeps units apart by savepoints. PostgreSQL runs small groups without them (each would be a round trip) and,
when a unit raises, rolls back and runs the group again one by one.  Source: docs/spec/core.md, writing.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection, Engine

from tocsin.core.clock import Clock
from tocsin.core.errors import AppError, StorageUnavailable
from tocsin.core.events import Frame
from tocsin.db.engine import is_sqlite, storage_error
from tocsin.db.tx import Reactions, Tx

log = structlog.get_logger(__name__)
LARGEST_GROUP = {"sqlite": 256, "postgresql": 32}


class Unit(NamedTuple):
    """A function of the transaction, and who waits for its result."""

    work: Callable[[Tx], Any]
    future: "asyncio.Future[Any]"


class Outcome(NamedTuple):
    unit: Unit
    result: Any
    error: BaseException | None


Deliver = Callable[[list[Outcome], list[Frame], set[str]], None]


class Writer:
    """Owns the writing connection. `submit` from the loop; results come back through *deliver*."""

    def __init__(self, engine: Engine, clock: Clock, reactions: Reactions, deliver: Deliver) -> None:
        self._engine = engine
        self._clock = clock
        self._reactions = reactions
        self._deliver = deliver
        self._sqlite = is_sqlite(engine)
        self._largest_group = LARGEST_GROUP[engine.dialect.name]
        self._queue: deque[Unit] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="writer")

    def start(self) -> None:
        self._thread.start()

    def submit(self, unit: Unit) -> None:
        with self._wake:
            self._queue.append(unit)
            self._wake.notify()

    def queued(self) -> int:
        return len(self._queue)

    def stop(self) -> None:
        """Finish the queue, end the thread, close the connection. Blocks."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._stopping:
                    self._wake.wait()
                if not self._queue:
                    break
                group = [self._queue.popleft() for _ in range(min(len(self._queue), self._largest_group))]
            self._commit(group)
        self._drop_connection()

    def _commit(self, group: Sequence[Unit]) -> None:
        """Run and commit *group*, then report; whatever happens, every unit gets its answer."""
        try:
            connection = self._begin()
        except Exception as exc:  # broad on purpose: the callers must hear of it, whatever it is
            self._refuse(group, exc)
            return
        txs: list[Tx] = []
        outcomes: list[Outcome] = []
        try:
            for unit in group:
                tx = Tx(connection, self._clock, self._reactions)
                outcome = self._run_apart(tx, unit) if len(group) > 1 and self._sqlite else self._run_bare(tx, unit)
                outcomes.append(outcome)
                if outcome.error is None:
                    txs.append(tx)
            connection.exec_driver_sql("COMMIT")
        except Exception as exc:  # broad on purpose, as above
            self._roll_back(connection)
            if len(group) > 1 and storage_error(exc) is None:
                for unit in group:
                    self._commit([unit])
            else:
                self._refuse(group, exc)
            return
        for tx in txs:
            tx.committed()
        frames = [frame for tx in txs for frame in tx.frames]
        self._deliver(outcomes, frames, set().union(*(tx.touched for tx in txs)))

    def _run_bare(self, tx: Tx, unit: Unit) -> Outcome:
        """Run *unit* with nothing around it: what it raises ends the whole group."""
        return Outcome(unit, unit.work(tx), None)

    def _run_apart(self, tx: Tx, unit: Unit) -> Outcome:
        try:
            with tx.savepoint("unit"):
                return Outcome(unit, unit.work(tx), None)
        except Exception as exc:  # broad on purpose: it belongs to the one who waits
            if not self._in_transaction():
                raise  # the database undid everything (a full disk does): nobody in the group succeeded
            return Outcome(unit, None, _told(exc))

    def _begin(self) -> Connection:
        """Open the transaction; a connection found broken before anything was done is replaced once."""
        begin = "BEGIN IMMEDIATE" if self._sqlite else "BEGIN"
        if self._connection is not None:
            try:
                self._connection.exec_driver_sql(begin)
                return self._connection
            except Exception as exc:  # broad on purpose: any failure here means a new connection
                log.warning("database connection lost", error=str(exc).splitlines()[0])
                self._drop_connection()
        self._connection = self._engine.connect()
        self._connection.exec_driver_sql(begin)
        return self._connection

    def _in_transaction(self) -> bool:
        driver = self._connection.connection.driver_connection if self._connection is not None else None
        return bool(getattr(driver, "in_transaction", False))

    def _roll_back(self, connection: Connection) -> None:
        try:
            if not self._sqlite or self._in_transaction():
                connection.exec_driver_sql("ROLLBACK")
        except Exception as exc:  # broad on purpose: a connection that cannot roll back is thrown away
            log.warning("rollback failed", error=str(exc).splitlines()[0])
            self._drop_connection()

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except Exception:  # broad on purpose: it is broken already
                log.debug("broken connection did not close")

    def _refuse(self, group: Sequence[Unit], exc: Exception) -> None:
        told = _told(exc)
        if isinstance(told, StorageUnavailable):
            log.error("database refused a write", error=str(exc).splitlines()[0], units=len(group))
        self._deliver([Outcome(unit, None, told) for unit in group], [], set())


def _told(exc: Exception) -> Exception:
    """Return what to raise at the caller for *exc*."""
    if isinstance(exc, AppError):
        return exc
    meaning = storage_error(exc)
    if meaning is None:
        return exc
    meaning.__cause__ = exc
    return meaning
