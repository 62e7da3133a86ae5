"""Alembic's entry: it runs on the connection that `suite.results.store.database` hands over."""

from alembic import context

from suite.results.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, transactional_ddl=False
)
context.run_migrations()
