"""Litestar: scopes as guards, and a plugin that guards and documents an application.

A route handler is protected by `guards=[scopes("read:items")]`, on itself, its controller, its
router or the application, for HTTP and for WebSockets.
"""

try:
    from asgi_bearer.litestar.guards import (
        BearerRequest,
        BearerWebSocket,
        Refused,
        ScopesGuard,
        refused_response,
        scopes,
    )
    from asgi_bearer.litestar.plugin import BearerPlugin, GuardArguments
except ImportError as err:
    raise ImportError("asgi_bearer.litestar needs Litestar: pip install litestar") from err

__all__ = [
    "BearerPlugin",
    "BearerRequest",
    "BearerWebSocket",
    "GuardArguments",
    "Refused",
    "ScopesGuard",
    "refused_response",
    "scopes",
]
