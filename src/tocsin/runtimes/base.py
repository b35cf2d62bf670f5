"""The Runtime protocol: what Tocsin asks of an engine, and the observations an engine yields."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

import msgspec

from tocsin.core.errors import AppError, Unavailable

EXCERPT_LINES, EXCERPT_BYTES = 50, 10_240


class RuntimeUnavailable(Unavailable):
    """The engine cannot be reached."""

    code = "runtime_unavailable"


class LogsUnavailable(Unavailable):
    """The engine refused to read the logs."""

    code = "logs_unavailable"


class ContainerGone(AppError):
    """The engine does not know this container (any more)."""

    code = "not_found"


@dataclass(frozen=True, kw_only=True)
class Details:
    """Everything an engine says about one container at one instant. Times are None where the engine has none."""

    runtime_id: str
    inspected_at: datetime  # by the engine's clock, just before it was asked
    name: str
    image: str
    status: str  # the engine's own word, such as `running` or `exited`
    health: str | None
    has_health_check: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    exit_code: int | None
    oom_killed: bool
    restart_count: int
    restart_policy: str
    tty: bool
    error: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Inventory:
    """Everything an engine has: every id it listed, and the details of those that could be inspected."""

    runtime_ids: frozenset[str]
    details: Sequence[Details]


class LogLine(msgspec.Struct, frozen=True, array_like=True):
    """One line, without its newline. `at` is the engine's time, RFC 3339, UTC; a `partial` line goes on in the next."""

    at: str
    stream: Literal["stdout", "stderr"]
    text: str
    partial: bool = False


class LogWindow(NamedTuple):
    """Which lines: the last `tail` (all when None) of those between two unix times, written as `seconds.nanoseconds`.

    The engine counts the tail before it looks at the times. With `follow` it goes on until the container stops.
    """

    tail: int | None = None
    since: str | None = None
    until: str | None = None
    follow: bool = False


@dataclass(frozen=True, kw_only=True)
class Observation:
    """Something an engine reported about a container. `at` is the engine's time."""

    runtime_id: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Created(Observation):
    """A container appeared, or was started without us knowing it: its details as inspected just now."""

    details: Details


@dataclass(frozen=True, kw_only=True)
class Started(Observation):
    pass


@dataclass(frozen=True, kw_only=True)
class Died(Observation):
    """The main process ended. `last_lines` are those of this run only."""

    exit_code: int | None
    oom_killed: bool
    last_lines: tuple[LogLine, ...] = ()

    @property
    def log_excerpt(self) -> str | None:
        """Return the final lines as one text of at most 10,240 bytes, None when there is nothing to read."""
        lines = self.last_lines[-EXCERPT_LINES:]
        text = "".join(line.text + ("" if line.partial else "\n") for line in lines).rstrip("\n")
        return text.encode()[-EXCERPT_BYTES:].decode("utf-8", "ignore") or None


@dataclass(frozen=True, kw_only=True)
class StopRequested(Observation):
    """Somebody sent a signal; whether it ends the process is told by `Died`. `signal` is a name such as `TERM`."""

    signal: str


@dataclass(frozen=True, kw_only=True)
class Paused(Observation):
    pass


@dataclass(frozen=True, kw_only=True)
class Unpaused(Observation):
    pass


@dataclass(frozen=True, kw_only=True)
class HealthChanged(Observation):
    health: str


@dataclass(frozen=True, kw_only=True)
class Renamed(Observation):
    name: str


@dataclass(frozen=True, kw_only=True)
class Destroyed(Observation):
    pass


class Watching(Protocol):
    """An open event subscription. Iterating ends with RuntimeUnavailable, never silently."""

    def __aiter__(self) -> AsyncIterator[Observation]: ...
    def pending(self) -> int: ...


class Runtime(Protocol):
    """One engine. Every call has a time limit and raises RuntimeUnavailable for the engine's faults."""

    name: str
    address: str

    async def version(self) -> str: ...
    def watch(self, since: datetime | None) -> AbstractAsyncContextManager[Watching]: ...
    async def containers(self) -> Inventory: ...
    async def inspect(self, runtime_id: str) -> Details: ...
    def now(self) -> datetime: ...
    def logs(self, runtime_id: str, wanted: LogWindow) -> AsyncIterator[list[LogLine]]: ...
    async def close(self) -> None: ...
