"""The registrations: APIs, clients and users, which the operator writes into a TOML file."""
