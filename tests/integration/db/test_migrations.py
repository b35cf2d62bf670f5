"""The schema: the same from migrations and from the tables, backed up before it changes, never guessed at."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

import tocsin.accounts.tables
import tocsin.alerts.tables
import tocsin.certificates.tables
import tocsin.channels.tables
import tocsin.containers.tables
import tocsin.endpoints.tables
import tocsin.logs.tables
import tocsin.silences.tables
import tocsin.webhooks.tables  # noqa: F401
from tocsin.accounts import store
from tocsin.core.clock import SystemClock
from tocsin.db import migrate as migrations
from tocsin.db.engine import open_engine, sqlite_url
from tocsin.db.migrate import SchemaProblem, migrate
from tocsin.db.tables import metadata
from tocsin.db.tx import Read


def now():
    return SystemClock().now()


def test_migrations_make_exactly_the_tables_of_the_code(url: str):
    engine = open_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_what_the_first_version_stored_is_kept(start_of: str, tmp_path: Path):
    engine = open_engine(start_of)
    with engine.connect() as connection:
        migrations._upgrade(connection, "0001")
        for row in (
            "users (name, name_key, role, password_hash, created_at_ms) VALUES ('Ada', 'ada', 'admin', 'h', 1)",
            "sessions (token_hash, user_id, created_at_ms, last_seen_at_ms) VALUES ('s', 1, 1, 2)",
            "tokens (name, scope, token_hash, created_at_ms) VALUES ('ci', 'read', 't', 1)",
            "audit (at_ms, actor, action, entity, change) VALUES (1, 'shell', 'user.add', 'user:1', '{}')",
        ):
            connection.execute(text(f"INSERT INTO {row}"))
    migrate(engine, tmp_path / "backups", now())

    with engine.connect() as connection:
        token = Read(connection).execute(text("SELECT name, owner_id, expires_at_ms FROM tokens")).one()
        assert tuple(token) == ("ci", None, None)
        session, user = store.find_session(Read(connection), "s") or (None, None)
        assert session is not None
        assert user is not None
        assert (session.user_id, user.name, session.user_agent) == (1, "Ada", "")
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_a_second_start_changes_nothing(url: str, tmp_path: Path):
    engine = open_engine(url)
    migrate(engine, tmp_path / "again", now())
    assert not (tmp_path / "again").exists()
    engine.dispose()


def test_a_schema_from_the_future_is_refused_in_one_sentence(url: str, tmp_path: Path):
    engine = open_engine(url)
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaProblem, match="newer Tocsin"):
        migrate(engine, tmp_path / "backups", now())
    engine.dispose()


def test_an_old_schema_is_backed_up_before_it_is_changed(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    engine = open_engine(url)
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO events (type, at_ms, data) VALUES ('test', 1, '{}')"))
    known = migrations.revisions()
    monkeypatch.setattr(migrations, "revisions", lambda: [*known, "0999"])
    monkeypatch.setattr(migrations, "_upgrade", lambda connection: None)

    migrate(engine, tmp_path / "copies", now())

    copies = list((tmp_path / "copies").iterdir())
    assert len(copies) == 1
    assert copies[0].stat().st_mode & 0o777 == 0o600
    if engine.dialect.name == "sqlite":
        copy = open_engine(sqlite_url(copies[0]))
        with copy.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM events")).scalar() == 1
        copy.dispose()
    else:
        assert "CREATE TABLE" in copies[0].read_text()
    engine.dispose()
