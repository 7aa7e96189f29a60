"""The guard: its ASGI middleware, its answer to a refused request, what it leaves in the scope."""
