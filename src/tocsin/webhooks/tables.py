"""The tables of the slice. URLs and secrets are encrypted."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from tocsin.db.tables import metadata

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("previous_secret", Text, nullable=False),
    Column("overlap_until_ms", BigInteger),
    Column("event_types", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("disabled_reason", Text),
    Column("failure_count", Integer, nullable=False),
    Column("last_status", Text),
    Column("last_delivery_at_ms", BigInteger),
    Column("cursor", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
)

deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("webhook_id", Text, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", BigInteger, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("http_status", Integer),
    Column("error", Text),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("next_attempt_at_ms", BigInteger),
    Column("finished_at_ms", BigInteger),
    Index(None, "webhook_id", "event_id"),
    Index(None, "webhook_id", "status", "event_id"),
    Index(None, "finished_at_ms"),
)
