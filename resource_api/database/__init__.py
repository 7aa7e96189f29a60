"""The database: connections, tables, schema and migrations."""
