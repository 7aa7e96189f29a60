"""A contacts API that needs access tokens: a deployable example of how to use asgi-bearer."""
