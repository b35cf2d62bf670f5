"""The tables of the slice."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, false

from tocsin.db.tables import Id, id_column, metadata

alerts = Table(
    "alerts",
    metadata,
    id_column(),
    Column("open_key", Text),  # what no two open alerts share; null once it is resolved
    Column("source", Text, nullable=False),
    Column("alert_type", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("entity_type", Text, nullable=False),
    Column("entity_key", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("fired_at_ms", BigInteger, nullable=False),
    Column("last_seen_at_ms", BigInteger, nullable=False),
    Column("occurrences", Integer, nullable=False),
    Column("due_at_ms", BigInteger),
    Column("resolved_at_ms", BigInteger),
    Column("resolution", Text),
    Column("acknowledged_at_ms", BigInteger),
    Column("acknowledged_by", Text),
    Column("acknowledged_note", Text),
    Column("escalated_at_ms", BigInteger),
    Column("silence_id", BigInteger),
    Column("cause_id", BigInteger),
    Column("flapping", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("open_key"),
    Index(None, "fired_at_ms", "id"),
    Index(None, "status", "severity", "fired_at_ms"),
    Index(None, "entity_type", "entity_key", "fired_at_ms"),
    Index(None, "due_at_ms"),
    Index(None, "cause_id"),
    Index(None, "resolved_at_ms"),
    sqlite_autoincrement=True,
)

parents = Table(
    "alert_parents",
    metadata,
    Column("parent", Text, primary_key=True),
    Column("fired_at_ms", BigInteger, primary_key=True),
    Column("alert_id", Id, ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True),
    Index(None, "alert_id"),
)
"""What the entity of an alert cannot do without, such as `host:nas`: how a cause finds its consequences."""
