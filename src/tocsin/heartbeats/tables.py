"""The tables of the slice."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, SmallInteger, Table, Text

from tocsin.db.tables import Id, id_column, metadata

heartbeats = Table(
    "heartbeats",
    metadata,
    id_column(),
    Column("uuid", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("due_at_ms", BigInteger),
    Column("standing", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Index(None, "uuid", unique=True),
    Index(None, "slug", unique=True),
    Index(None, "due_at_ms"),
    sqlite_autoincrement=True,
)
"""`standing` holds all that pings change; `status` and `due_at_ms` are what is searched by."""

pings = Table(
    "heartbeat_pings",
    metadata,
    id_column(),
    Column("heartbeat_id", Id, ForeignKey("heartbeats.id", ondelete="CASCADE"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("exit_code", SmallInteger),
    Column("run_id", Text),
    Column("method", Text, nullable=False),
    Column("source_ip", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("body", Text),
    Column("is_body_truncated", Boolean, nullable=False),
    Column("expected_at_ms", BigInteger),
    Column("deadline_at_ms", BigInteger),
    Index(None, "heartbeat_id", "id"),
    Index(None, "at_ms"),
    sqlite_autoincrement=True,
)

executions = Table(
    "heartbeat_executions",
    metadata,
    id_column(),
    Column("heartbeat_id", Id, ForeignKey("heartbeats.id", ondelete="CASCADE"), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("run_id", Text),
    Column("started_at_ms", BigInteger),
    Column("completed_at_ms", BigInteger),
    Column("duration_ms", BigInteger),
    Column("exit_code", SmallInteger),
    Column("is_late", Boolean, nullable=False),
    Column("ping_id", Id),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "heartbeat_id", "id"),
    Index(None, "at_ms"),
    sqlite_autoincrement=True,
)
"""`at_ms` is when it began, or ended if that is all there is to know: what retention counts from."""

days = Table(
    "heartbeat_days",
    metadata,
    Column("heartbeat_id", Id, ForeignKey("heartbeats.id", ondelete="CASCADE"), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("good", Integer, nullable=False),
    Column("bad", Integer, nullable=False),
    Column("incidents", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""Days that are over, counted since 1970; the day at hand is in `standing`."""

ping_keys = Table(
    "ping_keys",
    metadata,
    id_column(),
    Column("key", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Index(None, "key", unique=True),
)
"""One row: the key of URLs that name a heartbeat by its slug."""
