"""HTTP apart from the contacts: bodies, problems, limits, the access log."""
