"""The last lines of a container's latest runs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "container_log_tails",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("container_id", ID, sa.ForeignKey("containers.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("lines", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_container_log_tails_container_id_at_ms", "container_log_tails", ["container_id", "at_ms"])
    op.create_index("ix_container_log_tails_at_ms", "container_log_tails", ["at_ms"])
