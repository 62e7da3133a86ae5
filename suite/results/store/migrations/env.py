"""Alembic's entry point. It runs on the connection that `suite.results.store.database` passes in."""

from alembic import context

from suite.results.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, transactional_ddl=False
)
context.run_migrations()
