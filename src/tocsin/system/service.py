"""What Tocsin knows about itself, asked at the moment of the call."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from tocsin.core.clock import wire_or_none
from tocsin.core.supervision import Supervisor
from tocsin.db.database import Database
from tocsin.db.tx import Read


class Engine(Protocol):
    """The status of one watched engine."""

    name: str
    address: str
    connected: bool
    since: Any
    error: str | None
    version: str | None


class System:
    """A view of the running parts; it owns none of them."""

    def __init__(
        self,
        db: Database,
        supervisor: Supervisor,
        engines: Callable[[], Sequence[Engine]],
        organisation_name: str,
        count: Callable[[Read], Mapping[str, int]],
    ) -> None:
        self._db = db
        self._supervisor = supervisor
        self._engines = engines
        self.organisation_name = organisation_name
        self._count = count

    async def used(self) -> Mapping[str, int]:
        """Return how many there are of what other programs have a limit for."""
        return await self._db.read(self._count)

    @property
    def database_failure(self) -> str | None:
        return self._db.failure

    @property
    def failed_reactions(self) -> int:
        return self._db.failed_reactions()

    @property
    def waiting_tasks(self) -> list[str]:
        """Return the tasks that wait for a restart, engines apart: their state is the runtime's."""
        health = self._supervisor.health.values()
        return [task.name for task in health if task.waiting and not task.name.startswith("engine ")]

    @property
    def runtime_word(self) -> str:
        engines = self._engines()
        if not engines:
            return "none"
        return "connected" if all(engine.connected for engine in engines) else "disconnected"

    def engines(self) -> list[dict[str, Any]]:
        return [
            {
                "name": engine.name,
                "address": engine.address,
                "connected": engine.connected,
                "since": wire_or_none(engine.since),
                "error": engine.error,
                "version": engine.version,
            }
            for engine in self._engines()
        ]
