"""A database of each kind, migrated, with what it published."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from support.postgres import Postgres
from tocsin.core.clock import SystemClock
from tocsin.core.events import Frame
from tocsin.db.database import Database
from tocsin.db.engine import open_engine, sqlite_url
from tocsin.db.migrate import migrate
from tocsin.db.tx import Reaction


@pytest.fixture(params=["sqlite", "postgresql"])
def start_of(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with nothing in it."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "tocsin.db")
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.new_database()


@pytest.fixture
def url(start_of: str, tmp_path: Path) -> str:
    """The address of an empty, migrated database."""
    engine = open_engine(start_of)
    migrate(engine, tmp_path / "backups", SystemClock().now())
    engine.dispose()
    return start_of


Open = Callable[..., AbstractAsyncContextManager[Database]]


@pytest.fixture
def published() -> list[Frame]:
    return []


@pytest.fixture
def open_db(url: str, published: list[Frame]) -> Open:
    @asynccontextmanager
    async def begin(*reactions: Reaction) -> AsyncIterator[Database]:
        db = Database(url, SystemClock(), published.extend, reactions)
        await db.start()
        try:
            yield db
        finally:
            await db.stop()

    return begin


@pytest.fixture
async def db(open_db: Open) -> AsyncIterator[Database]:
    async with open_db() as database:
        yield database
