"""Alembic's entry point: runs the migrations in the transaction of the connection from `schema`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
