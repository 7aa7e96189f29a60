"""What the operator registers: APIs, clients and users, read from a file."""
