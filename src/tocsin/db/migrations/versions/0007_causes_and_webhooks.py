"""Alerts that have causes and that flap; quiet hours, escalations and templates of channels; webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _alerts()
    _channels()
    _webhooks()


def _alerts() -> None:
    op.add_column("alerts", sa.Column("flapping", sa.Boolean, nullable=False, server_default=sa.false()))
    op.drop_index("ix_alerts_entity_type_entity_key", "alerts")
    op.create_index(
        "ix_alerts_entity_type_entity_key_fired_at_ms", "alerts", ["entity_type", "entity_key", "fired_at_ms"]
    )
    op.create_index("ix_alerts_cause_id", "alerts", ["cause_id"])
    op.create_table(
        "alert_parents",
        sa.Column("parent", sa.Text, primary_key=True),
        sa.Column("fired_at_ms", sa.BigInteger, primary_key=True),
        sa.Column("alert_id", ID, sa.ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index("ix_alert_parents_alert_id", "alert_parents", ["alert_id"])


def _channels() -> None:
    op.add_column("channels", sa.Column("signing_secret", sa.Text, nullable=False, server_default=""))
    op.add_column("channels", sa.Column("template", sa.Text))
    op.add_column("channels", sa.Column("quiet_hours", sa.Text))
    op.add_column("channels", sa.Column("max_per_minute", sa.Integer, nullable=False, server_default="20"))
    op.add_column("channel_rules", sa.Column("entity", sa.Text))
    op.add_column("channel_rules", sa.Column("after_minutes", sa.Integer, nullable=False, server_default="0"))
    op.add_column("notices", sa.Column("cause_id", sa.BigInteger))
    op.add_column("notices", sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("notices", sa.Column("escalation", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("ix_notices_cause_id", "notices", ["cause_id"])


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("previous_secret", sa.Text, nullable=False),
        sa.Column("overlap_until_ms", sa.BigInteger),
        sa.Column("event_types", sa.Text, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("disabled_reason", sa.Text),
        sa.Column("failure_count", sa.Integer, nullable=False),
        sa.Column("last_status", sa.Text),
        sa.Column("last_delivery_at_ms", sa.BigInteger),
        sa.Column("cursor", sa.BigInteger, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("webhook_id", sa.Text, sa.ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
        sa.Column("event_id", sa.BigInteger, nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("http_status", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("next_attempt_at_ms", sa.BigInteger),
        sa.Column("finished_at_ms", sa.BigInteger),
    )
    op.create_index("ix_webhook_deliveries_webhook_id_event_id", "webhook_deliveries", ["webhook_id", "event_id"])
    op.create_index(
        "ix_webhook_deliveries_webhook_id_status_event_id", "webhook_deliveries", ["webhook_id", "status", "event_id"]
    )
    op.create_index("ix_webhook_deliveries_finished_at_ms", "webhook_deliveries", ["finished_at_ms"])
