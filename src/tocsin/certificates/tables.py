"""The tables of the slice."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from tocsin.db.tables import Id, id_column, metadata

certificates = Table(
    "certificates",
    metadata,
    id_column(),
    Column("hostname", Text, nullable=False),
    Column("port", Integer, nullable=False),
    Column("protocol", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("endpoint_id", Id, ForeignKey("endpoints.id", ondelete="SET NULL")),
    Column("check_interval_seconds", Integer, nullable=False),
    Column("warning_thresholds", Text, nullable=False),
    Column("warn_at_lifetime_percent", Integer),
    Column("accept_untrusted", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("last_error", Text),
    Column("alerting", Text, nullable=False),
    Column("last_alerted_threshold", Integer),
    Column("consecutive_failures", Integer, nullable=False),
    Column("last_check_at_ms", BigInteger),
    Column("next_check_at_ms", BigInteger),
    Column("fingerprint", Text),
    Column("not_before_ms", BigInteger),
    Column("not_after_ms", BigInteger),
    Column("latest_check_id", Id),
    Column("created_at_ms", BigInteger, nullable=False),
    UniqueConstraint("hostname", "port"),
    Index(None, "next_check_at_ms"),
    Index(None, "endpoint_id"),
    sqlite_autoincrement=True,
)

certificate_checks = Table(
    "certificate_checks",
    metadata,
    id_column(),
    Column("certificate_id", Id, ForeignKey("certificates.id", ondelete="CASCADE"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("seen", Text, nullable=False),
    Index(None, "certificate_id", "id"),
    Index(None, "at_ms"),
    sqlite_autoincrement=True,
)
"""Only looks that showed something new; `seen` is the whole of it, chain included, as JSON."""

certificate_references = Table(
    "certificate_references",
    metadata,
    Column("certificate_id", Id, ForeignKey("certificates.id", ondelete="CASCADE"), primary_key=True),
    Column("container_id", Id, ForeignKey("containers.id", ondelete="CASCADE"), primary_key=True),
    Column("container_name", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Index(None, "container_id"),
)
"""Which containers name a monitor in their label."""
