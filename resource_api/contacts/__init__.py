"""Contacts: what they are, the paths that serve them, and where they are kept."""
