"""The tables of the slice. Nothing secret is stored: passwords as Argon2id, sessions and tokens as SHA-256."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text, UniqueConstraint

from tocsin.db.tables import Id, id_column, metadata

users = Table(
    "users",
    metadata,
    id_column(),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),  # the name in lower case: nobody can be "Ada" beside "ada"
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),  # empty for those whom a proxy signs in
    Column("created_at_ms", BigInteger, nullable=False),
    Column("last_seen_at_ms", BigInteger),
    UniqueConstraint("name_key"),
    sqlite_autoincrement=True,
)

sessions = Table(
    "user_sessions",
    metadata,
    id_column(),
    Column("token_hash", Text, nullable=False),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("last_seen_at_ms", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    UniqueConstraint("token_hash"),
    Index(None, "user_id"),
    sqlite_autoincrement=True,
)

tokens = Table(
    "tokens",
    metadata,
    id_column(),
    Column("name", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("token_hash", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("owner_id", Id, ForeignKey("users.id", ondelete="CASCADE")),  # none: made from the shell
    Column("expires_at_ms", BigInteger),
    Column("last_used_at_ms", BigInteger),
    UniqueConstraint("name"),
    UniqueConstraint("token_hash"),
    Index(None, "owner_id"),
    sqlite_autoincrement=True,
)
