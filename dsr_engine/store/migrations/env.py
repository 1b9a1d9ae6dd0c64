"""What Alembic runs before the steps: it gets the connection of `store/schema.py`, transaction included, and makes none of its own."""

from alembic import context

from dsr_engine.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
