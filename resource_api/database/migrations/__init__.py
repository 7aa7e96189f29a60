"""The migrations of the database, for alembic."""
