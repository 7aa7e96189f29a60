"""One application per framework, each with the same endpoints."""
