"""Endpoints, their checks, and what those add up to."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "endpoints",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("endpoint_type", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("container_id", ID, sa.ForeignKey("containers.id", ondelete="SET NULL")),
        sa.Column("label_key", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("badge_key", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("paused_at_ms", sa.BigInteger),
        sa.Column("suspended_at_ms", sa.BigInteger),
        sa.Column("deactivated_at_ms", sa.BigInteger),
        sa.Column("first_seen_at_ms", sa.BigInteger, nullable=False),
        sa.Column("last_seen_at_ms", sa.BigInteger, nullable=False),
        sa.Column("standing", sa.Text, nullable=False),
        sa.UniqueConstraint("container_id", "label_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_endpoints_badge_key", "endpoints", ["badge_key"], unique=True)
    op.create_table(
        "endpoint_checks",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("endpoint_id", ID, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("total_us", sa.Integer, nullable=False),
        sa.Column("http_status", sa.SmallInteger),
        sa.Column("dns_us", sa.Integer),
        sa.Column("connect_us", sa.Integer),
        sa.Column("tls_us", sa.Integer),
        sa.Column("first_byte_us", sa.Integer),
        sa.Column("error", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "endpoint_blocks",
        sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("endpoint_id", ID, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "endpoint_hours",
        sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("endpoint_id", ID, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "endpoint_days",
        sa.Column("endpoint_id", ID, sa.ForeignKey("endpoints.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("checks", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
