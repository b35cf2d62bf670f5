"""Sessions people can list and revoke, tokens with owner and expiry, addresses in the audit."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("audit", sa.Column("address", sa.Text))
    op.add_column("users", sa.Column("last_seen_at_ms", sa.BigInteger))
    with op.batch_alter_table("tokens") as tokens:
        tokens.add_column(sa.Column("owner_id", ID))
        tokens.add_column(sa.Column("expires_at_ms", sa.BigInteger))
        tokens.add_column(sa.Column("last_used_at_ms", sa.BigInteger))
        tokens.create_foreign_key("fk_tokens_owner_id", "users", ["owner_id"], ["id"], ondelete="CASCADE")
    op.create_index("ix_tokens_owner_id", "tokens", ["owner_id"])
    op.create_table(
        "user_sessions",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("user_id", ID, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("last_seen_at_ms", sa.BigInteger, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.UniqueConstraint("token_hash", name="uq_user_sessions_token_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_user_sessions_user_id", "user_sessions", ["user_id"])
    op.execute(
        "INSERT INTO user_sessions (token_hash, user_id, created_at_ms, last_seen_at_ms, address, user_agent) "
        "SELECT token_hash, user_id, created_at_ms, last_seen_at_ms, '', '' FROM sessions"
    )
    op.drop_table("sessions")
