"""Alembic's entry: runs on the connection handed over by ``serving.store.migrate``."""

from __future__ import annotations

from alembic import context

from serving.store.page_tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
