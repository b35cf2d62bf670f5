"""Fixtures that stand for real things: an engine, a database server, the running program."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from support.engine import Engine
from support.flavours import DEFAULT, Engines
from support.postgres import Postgres
from support.program import Program, running, until
from tocsin.core.logs import configure


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    """Warnings are worth reading in a failure; each request is not."""
    configure("info", "console")


@pytest.fixture(scope="session")
def big_folder() -> Iterator[Path]:
    """A folder that other users can reach, outside of pytest's private one."""
    with tempfile.TemporaryDirectory(prefix="tocsin-test-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def engines(big_folder: Path) -> Iterator[Engines]:
    found = Engines(big_folder)
    yield found
    found.destroy()


@pytest.fixture
def flavour(request: pytest.FixtureRequest) -> str:
    """Which engine the test runs on: see `on_every_engine`."""
    return str(getattr(request, "param", DEFAULT))


@pytest.fixture
def engine(engines: Engines, flavour: str) -> Iterator[Engine]:
    """The engine, with nothing on it."""
    found = engines.shared(flavour)
    found.remove_all()
    yield found
    found.remove_all()


@pytest.fixture
def fresh_engine(engines: Engines, flavour: str) -> Iterator[Engine]:
    """An engine of the test's own, not started, that may come to harm."""
    found = engines.make(flavour, f"{flavour}-fresh")
    yield found
    found.destroy()


@pytest.fixture(scope="session")
def postgres(big_folder: Path) -> Iterator[Postgres]:
    server = Postgres(big_folder / "postgres")
    server.start()
    yield server
    server.stop()


T = TypeVar("T")
Start = Callable[..., AbstractAsyncContextManager[Program]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start the program on the test's own data folder; again with the same folder is a restart."""

    def begin(**environment: Any) -> AbstractAsyncContextManager[Program]:
        return running(tmp_path / "data", **environment)

    return begin


@pytest.fixture
async def program(start: Start) -> AsyncIterator[Program]:
    """The program without an engine."""
    async with start() as running_program:
        yield running_program


@pytest.fixture
async def watching(start: Start, engine: Engine) -> AsyncIterator[Program]:
    """The program, watching the engine."""
    async with start(TOCSIN_RUNTIME="docker", TOCSIN_DOCKER_HOST=engine.url, TOCSIN_ARCHIVE_AFTER="1s") as found:
        status = found.tocsin.watches[0].status
        await until(_value(lambda: status.connected), bool)
        yield found


def _value(read: Callable[[], T]) -> Callable[[], Awaitable[T]]:
    async def look() -> T:
        return read()

    return look
