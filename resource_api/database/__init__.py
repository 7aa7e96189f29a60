"""The database: connecting to it, its schema, and the migrations that lead there."""
