"""The unit of work: `write` waits until its change is on disk, `read` never waits for a writer."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import local
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from tocsin.core.clock import Clock
from tocsin.core.errors import StorageUnavailable
from tocsin.core.events import Frame
from tocsin.db.engine import is_sqlite, open_engine, storage_error
from tocsin.db.tx import Reaction, Reactions, Read, Tx
from tocsin.db.writer import Outcome, Unit, Writer

T = TypeVar("T")
log = structlog.get_logger(__name__)

READERS = 4
MOST_QUEUED = 4096


class Database:
    """One database for the whole program. Call `start` in the event loop, `stop` last of all."""

    def __init__(
        self, url: str, clock: Clock, publish: Callable[[Sequence[Frame]], None], reactions: Sequence[Reaction] = ()
    ) -> None:
        self._clock = clock
        self._publish = publish
        self._write_engine = open_engine(url)
        self._read_engine = open_engine(url, read_only=True)
        self._reactions = Reactions(reactions)
        self._writer: Writer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._room = asyncio.Semaphore(MOST_QUEUED)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._reader = local()
        self._reader_connections: list[Connection] = []
        self._versions: Counter[str] = Counter()
        self.failure: str | None = None
        self.refusals = 0
        """Writes the database refused since the start."""

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._writer = Writer(self._write_engine, self._clock, self._reactions, self._delivered)
        self._writer.start()
        await self.write(self._reactions.load)

    async def stop(self) -> None:
        """Finish what is queued, then close every connection."""
        if self._writer is not None:
            await asyncio.to_thread(self._writer.stop)
            self._writer = None
        await asyncio.to_thread(self._close_readers)

    def _close_readers(self) -> None:
        self._readers.shutdown()
        for connection in self._reader_connections:
            connection.close()

    @property
    def is_sqlite(self) -> bool:
        return is_sqlite(self._write_engine)

    def version(self, name: str) -> int:
        """Return how often *name* was touched by a commit of this process: a cheap key for snapshots."""
        return self._versions[name]

    def queued(self) -> int:
        return 0 if self._writer is None else self._writer.queued()

    def failed_reactions(self) -> int:
        """Return how many (reaction, entity) pairs wait for a retry."""
        return len(self._reactions.pending)

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run *work* as one unit and return its result once it is on disk.

        Raises what *work* raises (its changes are undone), or StorageUnavailable.
        """
        if self._writer is None or self._loop is None:
            raise StorageUnavailable("The database is closed")
        async with self._room:
            future: asyncio.Future[T] = self._loop.create_future()
            self._writer.submit(Unit(work, future))
            return await future  # a caller that goes away does not stop what is queued

    async def read(self, work: Callable[[Read], T]) -> T:
        """Run *work* in one snapshot, on a thread of the reading pool."""
        loop = asyncio.get_running_loop()
        awaitable: Awaitable[T] = loop.run_in_executor(self._readers, self._read, work)
        return await awaitable

    def _read(self, work: Callable[[Read], T]) -> T:
        begin = "BEGIN" if self.is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        try:
            connection = self._connection_of_this_thread()
            connection.exec_driver_sql(begin)
            try:
                return work(Read(connection))
            finally:
                if not connection.invalidated:
                    connection.exec_driver_sql("ROLLBACK")
        except Exception as exc:
            meaning = storage_error(exc)
            if meaning is None:
                raise
            self._forget_connection()
            raise meaning from exc

    def _connection_of_this_thread(self) -> Connection:
        connection: Connection | None = getattr(self._reader, "connection", None)
        if connection is None:
            connection = self._reader.connection = self._read_engine.connect()
            self._reader_connections.append(connection)
        return connection

    def _forget_connection(self) -> None:
        connection: Connection | None = getattr(self._reader, "connection", None)
        self._reader.connection = None
        if connection is not None:
            self._reader_connections.remove(connection)
            try:
                connection.close()
            except Exception:  # broad on purpose: it is broken already
                log.debug("broken connection did not close")

    def _delivered(self, outcomes: list[Outcome], frames: list[Frame], touched: set[str]) -> None:
        """Called by the writer thread after each group: one hop into the loop for results, versions and messages."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._resolve, outcomes, frames, touched)

    def _resolve(self, outcomes: list[Outcome], frames: list[Frame], touched: set[str]) -> None:
        self._versions.update(touched)
        self.failure = None
        for unit, result, error in outcomes:
            if isinstance(error, StorageUnavailable):
                self.failure = error.message
                self.refusals += 1
            if unit.future.done():
                continue
            if error is None:
                unit.future.set_result(result)
            else:
                unit.future.set_exception(error)
                unit.future.exception()  # nobody may be waiting any more; that is no fault
        self._publish(frames)
