"""Hosts: since when they cannot be reached, and whether that was told."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "hosts",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("lost_at_ms", sa.BigInteger),
        sa.Column("error", sa.Text),
        sa.Column("announced", sa.Boolean, nullable=False),
        sa.Column("ever_connected", sa.Boolean, nullable=False),
    )
