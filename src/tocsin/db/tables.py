"""The one MetaData, and the tables no slice owns: journal, failed reactions, audit."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text, UniqueConstraint

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows only in a column of type INTEGER."""


def id_column() -> "Column[int]":
    return Column("id", Id, primary_key=True, autoincrement=True)


events = Table(
    "events",
    metadata,
    id_column(),
    Column("type", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    Index(None, "at_ms"),
    sqlite_autoincrement=True,  # an id is never used twice, not even after the newest row was deleted
)

failed_reactions = Table(
    "failed_reactions",
    metadata,
    id_column(),
    Column("reaction", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("event_id", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failed_at_ms", BigInteger, nullable=False),
    Column("next_attempt_at_ms", BigInteger, nullable=False),
    UniqueConstraint("reaction", "entity"),
)

audit = Table(
    "audit",
    metadata,
    id_column(),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("address", Text),
    Index(None, "at_ms"),
    sqlite_autoincrement=True,
)

__all__ = ["Id", "audit", "events", "failed_reactions", "id_column", "metadata"]
