"""The tables of the slice. URLs and header values are encrypted."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, false

from tocsin.db.tables import Id, id_column, metadata

channels = Table(
    "channels",
    metadata,
    id_column(),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("headers", Text, nullable=False),
    Column("signing_secret", Text, nullable=False, server_default=""),
    Column("template", Text),
    Column("quiet_hours", Text),
    Column("max_per_minute", Integer, nullable=False, server_default="20"),
    Column("enabled", Boolean, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("last_status", Text),
    UniqueConstraint("name_key"),
    sqlite_autoincrement=True,
)

rules = Table(
    "channel_rules",
    metadata,
    id_column(),
    Column("channel_id", Id, ForeignKey("channels.id", ondelete="CASCADE"), nullable=False),
    Column("sources", Text, nullable=False),
    Column("severities", Text, nullable=False),
    Column("entity", Text),
    Column("group_name", Text),
    Column("after_minutes", Integer, nullable=False, server_default="0"),
    Column("created_at_ms", BigInteger, nullable=False),
    Index(None, "channel_id"),
    sqlite_autoincrement=True,
)

deliveries = Table(
    "deliveries",
    metadata,
    id_column(),
    Column("channel_id", Id, ForeignKey("channels.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Column("response_code", Integer),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("next_attempt_at_ms", BigInteger),
    Column("finished_at_ms", BigInteger),
    UniqueConstraint("key"),
    Index(None, "channel_id", "created_at_ms"),
    Index(None, "status", "next_attempt_at_ms"),
    Index(None, "finished_at_ms"),
    sqlite_autoincrement=True,
)

notices = Table(
    "notices",
    metadata,
    id_column(),
    Column("channel_id", Id, ForeignKey("channels.id", ondelete="CASCADE"), nullable=False),
    Column("delivery_id", Id, ForeignKey("deliveries.id", ondelete="CASCADE")),
    Column("alert_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("not_before_ms", BigInteger, nullable=False),
    Column("cause_id", BigInteger),
    Column("held", Boolean, nullable=False, server_default=false()),
    Column("escalation", Boolean, nullable=False, server_default=false()),
    Column("alert", Text, nullable=False),
    Index(None, "channel_id", "delivery_id", "id"),
    Index(None, "delivery_id"),
    Index(None, "alert_id"),
    Index(None, "cause_id"),
    sqlite_autoincrement=True,
)
