"""Contacts: the model, the endpoints under /contacts, and the store."""
