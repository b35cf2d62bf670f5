"""The first tables: journal, audit, accounts, containers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _journal()
    _accounts()
    _containers()


def _journal() -> None:
    op.create_table(
        "events",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_at_ms", "events", ["at_ms"])
    op.create_table(
        "failed_reactions",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("reaction", sa.Text, nullable=False),
        sa.Column("entity", sa.Text, nullable=False),
        sa.Column("event_id", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failed_at_ms", sa.BigInteger, nullable=False),
        sa.Column("next_attempt_at_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("reaction", "entity", name="uq_failed_reactions_reaction_entity"),
    )
    op.create_table(
        "audit",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("entity", sa.Text, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_at_ms", "audit", ["at_ms"])


def _accounts() -> None:
    op.create_table(
        "users",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("name_key", name="uq_users_name_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.Text, primary_key=True),
        sa.Column("user_id", ID, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("last_seen_at_ms", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_table(
        "tokens",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("name", name="uq_tokens_name"),
        sa.UniqueConstraint("token_hash", name="uq_tokens_token_hash"),
        sqlite_autoincrement=True,
    )


def _containers() -> None:
    op.create_table(
        "containers",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("runtime_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("image", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("health", sa.Text),
        sa.Column("has_health_check", sa.Boolean, nullable=False),
        sa.Column("traits", sa.Text, nullable=False),
        sa.Column("first_seen_at_ms", sa.BigInteger, nullable=False),
        sa.Column("last_state_change_at_ms", sa.BigInteger, nullable=False),
        sa.Column("accounted_at_ms", sa.BigInteger, nullable=False),
        sa.Column("started_at_us", sa.BigInteger),
        sa.Column("finished_at_us", sa.BigInteger),
        sa.Column("exit_code", sa.Integer),
        sa.Column("error_detail", sa.Text),
        sa.Column("restart_policy", sa.Text, nullable=False),
        sa.Column("restart_count", sa.Integer, nullable=False),
        sa.Column("engine_restart_count", sa.Integer, nullable=False),
        sa.Column("stop_requested_at_ms", sa.BigInteger),
        sa.Column("restart_alert", sa.Text),
        sa.Column("missing_since_ms", sa.BigInteger),
        sa.Column("stale_since_ms", sa.BigInteger),
        sa.Column("archived_at_ms", sa.BigInteger),
        sa.Column("last_event_at_us", sa.BigInteger),
        sa.UniqueConstraint("host", "key", name="uq_containers_host_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_containers_archived_at_ms", "containers", ["archived_at_ms"])
    op.create_table(
        "container_runtime_ids",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("runtime_id", sa.Text, primary_key=True),
        sa.Column("container_id", ID, sa.ForeignKey("containers.id", ondelete="CASCADE"), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_container_runtime_ids_container_id", "container_runtime_ids", ["container_id"])
    op.create_table(
        "container_tombstones",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("runtime_id", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "container_transitions",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("container_id", ID, sa.ForeignKey("containers.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("previous_state", sa.Text, nullable=False),
        sa.Column("new_state", sa.Text, nullable=False),
        sa.Column("health", sa.Text),
        sa.Column("previous_health", sa.Text),
        sa.Column("new_health", sa.Text),
        sa.Column("exit_code", sa.Integer),
        sa.Column("log_snippet", sa.Text),
        sa.Column("error_detail", sa.Text),
        sa.Column("restarts", sa.Integer, nullable=False),
        sa.Column("reconciled", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_container_transitions_container_id_at_ms_id", "container_transitions", ["container_id", "at_ms", "id"]
    )
    op.create_index("ix_container_transitions_at_ms", "container_transitions", ["at_ms"])
    op.create_table(
        "container_days",
        sa.Column("container_id", ID, sa.ForeignKey("containers.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("up_ms", sa.BigInteger, nullable=False),
        sa.Column("down_ms", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
