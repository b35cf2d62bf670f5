"""Certificates, what was seen of them, and which containers name them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "certificates",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("hostname", sa.Text, nullable=False),
        sa.Column("port", sa.Integer, nullable=False),
        sa.Column("protocol", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("endpoint_id", ID, sa.ForeignKey("endpoints.id", ondelete="SET NULL")),
        sa.Column("check_interval_seconds", sa.Integer, nullable=False),
        sa.Column("warning_thresholds", sa.Text, nullable=False),
        sa.Column("warn_at_lifetime_percent", sa.Integer),
        sa.Column("accept_untrusted", sa.Boolean, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("alerting", sa.Text, nullable=False),
        sa.Column("last_alerted_threshold", sa.Integer),
        sa.Column("consecutive_failures", sa.Integer, nullable=False),
        sa.Column("last_check_at_ms", sa.BigInteger),
        sa.Column("next_check_at_ms", sa.BigInteger),
        sa.Column("fingerprint", sa.Text),
        sa.Column("not_before_ms", sa.BigInteger),
        sa.Column("not_after_ms", sa.BigInteger),
        sa.Column("latest_check_id", ID),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("hostname", "port"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_certificates_next_check_at_ms", "certificates", ["next_check_at_ms"])
    op.create_index("ix_certificates_endpoint_id", "certificates", ["endpoint_id"])
    op.create_table(
        "certificate_checks",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("certificate_id", ID, sa.ForeignKey("certificates.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_certificate_checks_certificate_id_id", "certificate_checks", ["certificate_id", "id"])
    op.create_index("ix_certificate_checks_at_ms", "certificate_checks", ["at_ms"])
    op.create_table(
        "certificate_references",
        sa.Column("certificate_id", ID, sa.ForeignKey("certificates.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("container_id", ID, sa.ForeignKey("containers.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("container_name", sa.Text, nullable=False),
        sa.Column("external_id", sa.Text, nullable=False),
    )
    op.create_index("ix_certificate_references_container_id", "certificate_references", ["container_id"])
