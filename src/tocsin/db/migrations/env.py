"""Alembic's entry: runs on the connection and inside the transaction that `migrate.py` opened."""

from alembic import context

import tocsin.accounts.tables
import tocsin.alerts.tables
import tocsin.certificates.tables
import tocsin.channels.tables
import tocsin.containers.tables
import tocsin.endpoints.tables
import tocsin.heartbeats.tables
import tocsin.logs.tables
import tocsin.silences.tables
import tocsin.webhooks.tables  # noqa: F401 -- only this file knows the tables of every slice
from tocsin.db.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=False,
    compare_type=True,
)
context.run_migrations()
