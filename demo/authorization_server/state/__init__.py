"""What the authorization server remembers, in a database file."""
