"""The systems that serve whole requests: ours, and peers in the frameworks that they support.

Each round runs them in this order, so the two sides of a comparison are neighbours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

UNGUARDED: Final = "make_unguarded_app"
NO_OP: Final = "make_no_op_app"

NODE: Final = "node"

FEW: Final = 100
MANY: Final = 10_000
"""Distinct tokens that the client sends in turn."""


@dataclass(frozen=True, slots=True)
class System:
    """One server, and how many tokens the client sends to it.

    Arguments:
        adapter: a module of `benchmarks.peers`, or a script in its folder `node`.
        environment: `node`, or the name of a Python environment; empty for this environment.
        maker: the function of the adapter that returns the application.
        tokens: how many distinct tokens the client sends in turn.
        arguments: for `maker`, in addition to the issuer.
        filled: each token is sent before the first round, so the cache holds it.
    """

    adapter: str
    environment: str = ""
    maker: str = "make_app"
    tokens: int = FEW
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    filled: bool = False

    @property
    def is_guarded(self) -> bool:
        """Whether it verifies tokens."""
        return self.maker not in (UNGUARDED, NO_OP)


_MISSES: Final = System("asgi_bearer", tokens=MANY, arguments={"verified_tokens": FEW})
_OFF: Final = System("asgi_bearer", arguments={"verified_tokens": 0})
_UNGUARDED: Final = System("asgi_bearer", maker=UNGUARDED)
_CACHED: Final = System("asgi_bearer")

OUR_SYSTEMS: Final[Mapping[str, System]] = {
    "misses": _MISSES,
    "off": _OFF,
    "unguarded": _UNGUARDED,
    "cached": _CACHED,
    "no-header": System("asgi_bearer", arguments={"cache_control": False}),
    "no-op": System("asgi_bearer", maker=NO_OP),
    "cached-many": System("asgi_bearer", tokens=MANY, filled=True),
    "bare": System("asgi_bearer_bare"),
    "bare-unguarded": System("asgi_bearer_bare", maker=UNGUARDED),
}

PEER_SYSTEMS: Final[Mapping[str, System]] = {
    "off-many": System("asgi_bearer", tokens=MANY, arguments={"verified_tokens": 0}),
    "misses": _MISSES,
    "pyjwt": System("pyjwt", "pyjwt", tokens=MANY),
    "jwks-client": System("jwks_client", "jwks_client", tokens=MANY),
    "fastapi-unguarded": System("pyjwt", "pyjwt", UNGUARDED),
    "auth0": System("auth0_fastapi_api", "auth0_fastapi_api"),
    "cached": _CACHED,
    "mcp": System("mcp_sdk", "mcp_sdk"),
    "fastmcp": System("fastmcp", "fastmcp"),
    "unguarded": _UNGUARDED,
    "pyjwt-middleware": System("pyjwt_middleware", "pyjwt"),
    "off": _OFF,
    "fastify": System("fastify_jose", NODE),
    "fastify-unguarded": System("fastify_jose", NODE, UNGUARDED),
    "express": System("express_oauth2", NODE),
    "express-unguarded": System("express_oauth2", NODE, UNGUARDED),
    "litestar": System("litestar", "litestar", tokens=MANY),
    "litestar-unguarded": System("litestar", "litestar", UNGUARDED),
    "authlib": System("authlib", "authlib", tokens=MANY),
    "joserfc": System("authlib", "authlib", "make_joserfc_app", tokens=MANY),
}
