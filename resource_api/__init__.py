"""A contacts API behind access tokens: the first user of asgi-bearer, and an example of its use."""
