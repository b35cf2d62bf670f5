"""The tables of the slice."""

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from tocsin.db.tables import Id, id_column, metadata

containers = Table(
    "containers",
    metadata,
    id_column(),
    Column("host", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("runtime_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("image", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("health", Text),
    Column("has_health_check", Boolean, nullable=False),
    Column("traits", Text, nullable=False),
    Column("first_seen_at_ms", BigInteger, nullable=False),
    Column("last_state_change_at_ms", BigInteger, nullable=False),
    Column("accounted_at_ms", BigInteger, nullable=False),
    Column("started_at_us", BigInteger),
    Column("finished_at_us", BigInteger),
    Column("exit_code", Integer),
    Column("error_detail", Text),
    Column("restart_policy", Text, nullable=False),
    Column("restart_count", Integer, nullable=False),
    Column("engine_restart_count", Integer, nullable=False),
    Column("stop_requested_at_ms", BigInteger),
    Column("restart_alert", Text),
    Column("missing_since_ms", BigInteger),
    Column("stale_since_ms", BigInteger),
    Column("archived_at_ms", BigInteger),
    Column("last_event_at_us", BigInteger),
    UniqueConstraint("host", "key"),
    Index(None, "archived_at_ms"),
    sqlite_autoincrement=True,
)

runtime_ids = Table(
    "container_runtime_ids",
    metadata,
    Column("host", Text, primary_key=True),
    Column("runtime_id", Text, primary_key=True),
    Column("container_id", Id, ForeignKey("containers.id", ondelete="CASCADE"), nullable=False),
    Index(None, "container_id"),
    sqlite_with_rowid=False,
)

hosts = Table(
    "hosts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("lost_at_ms", BigInteger),
    Column("error", Text),
    Column("announced", Boolean, nullable=False),
    Column("ever_connected", Boolean, nullable=False),
)

tombstones = Table(
    "container_tombstones",
    metadata,
    Column("host", Text, primary_key=True),
    Column("runtime_id", Text, primary_key=True),
    sqlite_with_rowid=False,
)
"""Runtime ids a person deleted here while the engine still has them: not discovered again until they start."""

transitions = Table(
    "container_transitions",
    metadata,
    id_column(),
    Column("container_id", Id, ForeignKey("containers.id", ondelete="CASCADE"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("previous_state", Text, nullable=False),
    Column("new_state", Text, nullable=False),
    Column("previous_health", Text),
    Column("new_health", Text),
    Column("health", Text),
    Column("exit_code", Integer),
    Column("log_snippet", Text),
    Column("error_detail", Text),
    Column("restarts", Integer, nullable=False),
    Column("reconciled", Boolean, nullable=False),
    Index(None, "container_id", "at_ms", "id"),
    Index("ix_container_transitions_at_ms", "at_ms"),
    sqlite_autoincrement=True,
)

days = Table(
    "container_days",
    metadata,
    Column("container_id", Id, ForeignKey("containers.id", ondelete="CASCADE"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("up_ms", BigInteger, nullable=False),
    Column("down_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
