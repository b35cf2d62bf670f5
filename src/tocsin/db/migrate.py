"""Bring the schema to this program's version: refuse a newer one, back up first, one transaction a step.

Alembic is imported only when there is something to do: an up-to-date start does not pay for it.
"""

import re
import shutil
import sqlite3
import subprocess
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine, inspect, text

from tocsin.db.engine import is_sqlite

log = structlog.get_logger(__name__)

_MIGRATIONS = Path(__file__).parent / "migrations"
_REVISION = re.compile(r"(\d{4})_\w+\.py")
LARGEST_QUICK_CHECK_BYTES = 64 << 20
BACKUPS_KEPT = 5


class SchemaProblem(Exception):
    """The program must not start on this database; the message says why and what to do."""


def revisions() -> list[str]:
    """Return every revision of this program, oldest first (they are numbered, one file each)."""
    names = (_REVISION.fullmatch(path.name) for path in (_MIGRATIONS / "versions").iterdir())
    return sorted(match[1] for match in names if match)


def current_revision(connection: Connection) -> str | None:
    """Return the revision the database is at, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(engine: Engine, backups: Path, now: datetime) -> None:
    """Bring the database to the newest revision.

    Raises SchemaProblem: it belongs to a newer Tocsin, it is damaged, or there is no room for the backup.
    """
    _check(engine)
    with engine.connect() as connection:
        known, current = revisions(), current_revision(connection)
        if current == known[-1]:
            return
        if current is not None and current not in known:
            raise SchemaProblem(
                f"The database was written by a newer Tocsin (schema {current}, this program knows up to {known[-1]}); "
                "start the newer version, or restore the backup made before the upgrade"
            )
        if current is not None:
            _back_up(engine, connection, backups / f"before-{known[-1]}-{now:%Y%m%dT%H%M%S}")
        log.info("migrating the database", current=current, target=known[-1])
        _upgrade(connection)


def _upgrade(connection: Connection, to: str = "head") -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_sqlite(connection.engine) else "BEGIN")
    try:
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise


def _check(engine: Engine) -> None:
    """Look through a SQLite file that is small enough for that, without writing a byte to it.

    Raises SchemaProblem: it is damaged.
    """
    path = Path(engine.url.database or "")
    if not is_sqlite(engine) or not path.exists() or not 0 < path.stat().st_size <= LARGEST_QUICK_CHECK_BYTES:
        return
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        verdict = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as exc:
        if exc.sqlite_errorcode not in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise
        verdict = str(exc)
    finally:
        connection.close()
    if verdict != "ok":
        raise SchemaProblem(damaged(path, verdict))


def damaged(path: Path, detail: str) -> str:
    return (
        f"The database {path} is damaged ({detail.splitlines()[0]}); it was left as it is: "
        "move it away to start afresh, or put a backup in its place"
    )


def _back_up(engine: Engine, connection: Connection, target: Path) -> None:
    """Copy the database before its schema changes, and keep the newest copies only."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if is_sqlite(engine):
        copy = target.with_suffix(".db")
        size = Path(engine.url.database or "").stat().st_size
        if shutil.disk_usage(target.parent).free < size + (16 << 20):
            raise SchemaProblem(
                f"There is no room in {target.parent} for the backup before the migration ({size} bytes)"
            )
        connection.exec_driver_sql("VACUUM INTO ?", (str(copy),))
    else:
        copy = target.with_suffix(".sql")
        if shutil.which("pg_dump") is None:
            log.warning(
                "no pg_dump here, so no backup before the migration: it is one transaction and undone on failure"
            )
            return
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        done = subprocess.run(  # noqa: S603 -- a fixed program, the address comes from the settings
            ["pg_dump", "--no-owner", "--file", str(copy), url],  # noqa: S607
            check=False,
            capture_output=True,
            timeout=3600,
        )
        if done.returncode != 0:
            log.warning("pg_dump failed, so there is no backup before the migration", error=done.stderr.decode()[:300])
            return
    copy.chmod(0o600)
    log.info("backup before the migration", file=str(copy))
    for old in sorted(target.parent.glob("before-*"), key=lambda path: path.stat().st_mtime)[:-BACKUPS_KEPT]:
        old.unlink()
