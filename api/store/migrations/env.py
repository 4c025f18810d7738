"""Runs the migrations on the connection, and in the transaction, of `Store.migrate`."""

from alembic import context

from api.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
