"""Heartbeats, their pings and runs, and what those add up to."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _of_heartbeat() -> "sa.Column[int]":
    return sa.Column("heartbeat_id", ID, sa.ForeignKey("heartbeats.id", ondelete="CASCADE"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "heartbeats",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("uuid", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("due_at_ms", sa.BigInteger),
        sa.Column("standing", sa.Text, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_heartbeats_uuid", "heartbeats", ["uuid"], unique=True)
    op.create_index("ix_heartbeats_slug", "heartbeats", ["slug"], unique=True)
    op.create_index("ix_heartbeats_due_at_ms", "heartbeats", ["due_at_ms"])
    op.create_table(
        "heartbeat_pings",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        _of_heartbeat(),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("exit_code", sa.SmallInteger),
        sa.Column("run_id", sa.Text),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("source_ip", sa.Text, nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.Column("body", sa.Text),
        sa.Column("is_body_truncated", sa.Boolean, nullable=False),
        sa.Column("expected_at_ms", sa.BigInteger),
        sa.Column("deadline_at_ms", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_heartbeat_pings_heartbeat_id_id", "heartbeat_pings", ["heartbeat_id", "id"])
    op.create_index("ix_heartbeat_pings_at_ms", "heartbeat_pings", ["at_ms"])
    op.create_table(
        "heartbeat_executions",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        _of_heartbeat(),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text),
        sa.Column("started_at_ms", sa.BigInteger),
        sa.Column("completed_at_ms", sa.BigInteger),
        sa.Column("duration_ms", sa.BigInteger),
        sa.Column("exit_code", sa.SmallInteger),
        sa.Column("is_late", sa.Boolean, nullable=False),
        sa.Column("ping_id", ID),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_heartbeat_executions_heartbeat_id_id", "heartbeat_executions", ["heartbeat_id", "id"])
    op.create_index("ix_heartbeat_executions_at_ms", "heartbeat_executions", ["at_ms"])
    op.create_table(
        "heartbeat_days",
        sa.Column("heartbeat_id", ID, sa.ForeignKey("heartbeats.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("good", sa.Integer, nullable=False),
        sa.Column("bad", sa.Integer, nullable=False),
        sa.Column("incidents", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ping_keys",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_ping_keys_key", "ping_keys", ["key"], unique=True)
