"""Connections: what SQLite and PostgreSQL need to be told, and what their errors mean to us."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from tocsin.core.errors import AppError, StorageUnavailable

BUSY_TIMEOUT_MS = 5000


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def open_engine(url: str, *, read_only: bool = False) -> Engine:
    """Return an engine in autocommit mode: every BEGIN, SAVEPOINT and COMMIT is ours to say.

    Autocommit makes both drivers keep their hands off transactions; the writer groups units as it needs.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
        return create_engine(
            parsed,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"connect_timeout": 5, "application_name": "tocsin", "options": "-c timezone=UTC"},
        )
    engine = create_engine(
        parsed,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000, "cached_statements": 512},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
        for pragma in _pragmas(read_only):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _pragmas(read_only: bool) -> tuple[str, ...]:
    common = ("foreign_keys = ON", f"busy_timeout = {BUSY_TIMEOUT_MS}", "temp_store = MEMORY", "cache_size = -8000")
    if read_only:
        return (*common, "query_only = ON")
    # FULL: what was acknowledged survives the power cut, at one fsync for each group
    return ("auto_vacuum = INCREMENTAL", "journal_mode = WAL", "synchronous = FULL", *common)


def is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


_MEANINGS = (
    (("database or disk is full", "no space left", "could not extend file", "disk full"), "The disk is full"),
    (("readonly database", "read-only", "unable to open database file"), "The data folder cannot be written"),
    (("malformed", "not a database", "disk image"), "The database is damaged"),
    (("disk i/o error",), "The disk reports errors"),
    (("database is locked",), "The database is locked by another program"),
)


def storage_error(exc: Exception) -> AppError | None:
    """Return what *exc* means when the database itself is at fault, None when the statement was (a bug)."""
    cause: BaseException | None = exc.orig if isinstance(exc, DBAPIError) else exc
    if type(cause).__module__.partition(".")[0] not in {"sqlite3", "psycopg"}:
        return None
    text = str(cause).lower()
    for needles, meaning in _MEANINGS:
        if any(needle in text for needle in needles):
            return StorageUnavailable(f"{meaning}; nothing was changed")
    if (isinstance(exc, DBAPIError) and exc.connection_invalidated) or "connection" in text:
        return StorageUnavailable("The database cannot be reached; nothing was changed")
    return None
