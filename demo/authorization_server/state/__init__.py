"""What the authorization server remembers, in one SQLite file."""
