"""BlackSheep: authentication with access tokens, and policies that ask for scopes.

After `use_bearer(app, verifier)` every handler needs a token, `@auth("read:items")` asks for a
scope, and `@allow_anonymous()` lets a handler answer without a token.
"""

try:
    from asgi_bearer.blacksheep.application import use_bearer
    from asgi_bearer.blacksheep.authentication import BearerAuthentication, BearerUser, principal
    from asgi_bearer.blacksheep.openapi import BearerOpenAPIHandler
    from asgi_bearer.blacksheep.policies import Refused, ScopePolicies, ScopesRequirement
except ImportError as err:
    raise ImportError("asgi_bearer.blacksheep needs BlackSheep: pip install blacksheep") from err

__all__ = [
    "BearerAuthentication",
    "BearerOpenAPIHandler",
    "BearerUser",
    "Refused",
    "ScopePolicies",
    "ScopesRequirement",
    "principal",
    "use_bearer",
]
