"""Alerts and silences."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("open_key", sa.Text),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("alert_type", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("entity_type", sa.Text, nullable=False),
        sa.Column("entity_key", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("fired_at_ms", sa.BigInteger, nullable=False),
        sa.Column("last_seen_at_ms", sa.BigInteger, nullable=False),
        sa.Column("occurrences", sa.Integer, nullable=False),
        sa.Column("due_at_ms", sa.BigInteger),
        sa.Column("resolved_at_ms", sa.BigInteger),
        sa.Column("resolution", sa.Text),
        sa.Column("acknowledged_at_ms", sa.BigInteger),
        sa.Column("acknowledged_by", sa.Text),
        sa.Column("acknowledged_note", sa.Text),
        sa.Column("escalated_at_ms", sa.BigInteger),
        sa.Column("silence_id", sa.BigInteger),
        sa.Column("cause_id", sa.BigInteger),
        sa.UniqueConstraint("open_key", name="uq_alerts_open_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alerts_fired_at_ms_id", "alerts", ["fired_at_ms", "id"])
    op.create_index("ix_alerts_status_severity_fired_at_ms", "alerts", ["status", "severity", "fired_at_ms"])
    op.create_index("ix_alerts_entity_type_entity_key", "alerts", ["entity_type", "entity_key"])
    op.create_index("ix_alerts_due_at_ms", "alerts", ["due_at_ms"])
    op.create_index("ix_alerts_resolved_at_ms", "alerts", ["resolved_at_ms"])
    op.create_table(
        "silences",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("starts_at_ms", sa.BigInteger, nullable=False),
        sa.Column("ends_at_ms", sa.BigInteger, nullable=False),
        sa.Column("duration_seconds", sa.Integer, nullable=False),
        sa.Column("entity_type", sa.Text),
        sa.Column("entity_id", sa.BigInteger),
        sa.Column("source", sa.Text),
        sa.Column("severity", sa.Text),
        sa.Column("entity_name", sa.Text),
        sa.Column("group_name", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("created_by", sa.Text),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("cancelled_at_ms", sa.BigInteger),
        sa.Column("announced_end", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_silences_ends_at_ms", "silences", ["ends_at_ms"])
