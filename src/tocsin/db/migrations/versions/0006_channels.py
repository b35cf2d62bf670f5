"""Channels, their rules, and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _channels()
    _outbox()


def _channels() -> None:
    op.create_table(
        "channels",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("headers", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
        sa.Column("last_status", sa.Text),
        sa.UniqueConstraint("name_key", name="uq_channels_name_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "channel_rules",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("channel_id", ID, sa.ForeignKey("channels.id", ondelete="CASCADE"), nullable=False),
        sa.Column("sources", sa.Text, nullable=False),
        sa.Column("severities", sa.Text, nullable=False),
        sa.Column("group_name", sa.Text),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_channel_rules_channel_id", "channel_rules", ["channel_id"])


def _outbox() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("channel_id", ID, sa.ForeignKey("channels.id", ondelete="CASCADE"), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("group_key", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("response_code", sa.Integer),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("next_attempt_at_ms", sa.BigInteger),
        sa.Column("finished_at_ms", sa.BigInteger),
        sa.UniqueConstraint("key", name="uq_deliveries_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deliveries_channel_id_created_at_ms", "deliveries", ["channel_id", "created_at_ms"])
    op.create_index("ix_deliveries_status_next_attempt_at_ms", "deliveries", ["status", "next_attempt_at_ms"])
    op.create_index("ix_deliveries_finished_at_ms", "deliveries", ["finished_at_ms"])
    op.create_table(
        "notices",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("channel_id", ID, sa.ForeignKey("channels.id", ondelete="CASCADE"), nullable=False),
        sa.Column("delivery_id", ID, sa.ForeignKey("deliveries.id", ondelete="CASCADE")),
        sa.Column("alert_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("group_key", sa.Text, nullable=False),
        sa.Column("not_before_ms", sa.BigInteger, nullable=False),
        sa.Column("alert", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notices_channel_id_delivery_id_id", "notices", ["channel_id", "delivery_id", "id"])
    op.create_index("ix_notices_delivery_id", "notices", ["delivery_id"])
    op.create_index("ix_notices_alert_id", "notices", ["alert_id"])
