"""The tables of the slice."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text

from tocsin.db.tables import id_column, metadata

silences = Table(
    "silences",
    metadata,
    id_column(),
    Column("starts_at_ms", BigInteger, nullable=False),
    Column("ends_at_ms", BigInteger, nullable=False),
    Column("duration_seconds", Integer, nullable=False),
    Column("entity_type", Text),
    Column("entity_id", BigInteger),
    Column("source", Text),
    Column("severity", Text),
    Column("entity_name", Text),
    Column("group_name", Text),
    Column("reason", Text),
    Column("created_by", Text),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("cancelled_at_ms", BigInteger),
    Column("announced_end", Boolean, nullable=False),
    Index(None, "ends_at_ms"),
    sqlite_autoincrement=True,
)
