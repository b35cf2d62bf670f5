"""The tables of the slice. History lies in the order of time: every write is an append, every sweep a cut in front."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from tocsin.db.tables import Id, id_column, metadata

endpoints = Table(
    "endpoints",
    metadata,
    id_column(),
    Column("source", Text, nullable=False),
    Column("endpoint_type", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("name", Text),
    Column("container_id", Id, ForeignKey("containers.id", ondelete="SET NULL")),
    Column("label_key", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("config", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("badge_key", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("paused_at_ms", BigInteger),
    Column("suspended_at_ms", BigInteger),
    Column("deactivated_at_ms", BigInteger),
    Column("first_seen_at_ms", BigInteger, nullable=False),
    Column("last_seen_at_ms", BigInteger, nullable=False),
    Column("standing", Text, nullable=False),
    UniqueConstraint("container_id", "label_key"),
    Index(None, "badge_key", unique=True),
    sqlite_autoincrement=True,
)
"""`facts` are copies of what its container is; `standing` is as of the newest packed check: later ones follow in
`endpoint_checks`."""

checks = Table(
    "endpoint_checks",
    metadata,
    id_column(),
    Column("endpoint_id", Id, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("total_us", Integer, nullable=False),
    Column("http_status", SmallInteger),
    Column("dns_us", Integer),
    Column("connect_us", Integer),
    Column("tls_us", Integer),
    Column("first_byte_us", Integer),
    Column("error", Text),
    sqlite_autoincrement=True,
)
"""The newest checks, as they come. No index, and no foreign key: each would cost a page for each row."""

blocks = Table(
    "endpoint_blocks",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("endpoint_id", Id, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""The checks of one endpoint in one slot of ten minutes, packed."""

hours = Table(
    "endpoint_hours",
    metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("endpoint_id", Id, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""What the checks of one hour (since 1970) add up to."""

days = Table(
    "endpoint_days",
    metadata,
    Column("endpoint_id", Id, ForeignKey("endpoints.id", ondelete="CASCADE"), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("checks", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""What the checks of one UTC day (since 1970) add up to; written when the day is over. Bars
are drawn from the counts alone."""
