"""The tables of the slice."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, Table

from tocsin.db.tables import Id, id_column, metadata

tails = Table(
    "container_log_tails",
    metadata,
    id_column(),
    Column("container_id", Id, ForeignKey("containers.id", ondelete="CASCADE"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("lines", LargeBinary, nullable=False),  # JSON of the lines, deflated
    Index(None, "container_id", "at_ms"),
    Index(None, "at_ms"),
    sqlite_autoincrement=True,
)
