"""The systems that are asked whole requests: ours, and others in the frameworks they are made for.

The order is that of a round: what is compared stands side by side.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

OPEN: Final = "make_open_app"
PASSING: Final = "make_passing_app"

NODE: Final = "node"

FEW: Final = 100
MANY: Final = 10_000
"""Tokens that take turns."""


@dataclass(frozen=True, slots=True)
class System:
    """One server and the tokens that it is asked with.

    Arguments:
        adapter: a module of `benchmarks.peers`, or a script of its folder `node`.
        environment: what it runs in: `node`, or the name of a Python environment; none for ours.
        maker: the function of the adapter that returns the application.
        tokens: how many take turns.
        arguments: for `maker`, beside the issuer.
        filled: each token has been seen before the first round.
    """

    adapter: str
    environment: str = ""
    maker: str = "make_app"
    tokens: int = FEW
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    filled: bool = False

    @property
    def is_guarded(self) -> bool:
        """Whether it refuses anybody."""
        return self.maker not in (OPEN, PASSING)


_FRESH: Final = System("asgi_bearer", tokens=MANY, arguments={"verified_tokens": FEW})
_OFF: Final = System("asgi_bearer", arguments={"verified_tokens": 0})
_OPEN: Final = System("asgi_bearer", maker=OPEN)
_WARM: Final = System("asgi_bearer")

OURS: Final[Mapping[str, System]] = {
    "fresh": _FRESH,
    "off": _OFF,
    "open": _OPEN,
    "warm": _WARM,
    "passing": System("asgi_bearer", maker=PASSING),
    "warm-many": System("asgi_bearer", tokens=MANY, filled=True),
    "bare": System("asgi_bearer_bare"),
    "bare-open": System("asgi_bearer_bare", maker=OPEN),
}

RACE: Final[Mapping[str, System]] = {
    "off-many": System("asgi_bearer", tokens=MANY, arguments={"verified_tokens": 0}),
    "fresh": _FRESH,
    "pyjwt": System("pyjwt", "pyjwt", tokens=MANY),
    "jwks-client": System("jwks_client", "jwks_client", tokens=MANY),
    "fastapi-open": System("pyjwt", "pyjwt", OPEN),
    "auth0": System("auth0_fastapi_api", "auth0_fastapi_api"),
    "warm": _WARM,
    "mcp": System("mcp_sdk", "mcp_sdk"),
    "fastmcp": System("fastmcp", "fastmcp"),
    "open": _OPEN,
    "pyjwt-middleware": System("pyjwt_middleware", "pyjwt"),
    "off": _OFF,
    "fastify": System("fastify_jose", NODE),
    "fastify-open": System("fastify_jose", NODE, OPEN),
    "express": System("express_oauth2", NODE),
    "express-open": System("express_oauth2", NODE, OPEN),
    "litestar": System("litestar", "litestar", tokens=MANY),
    "litestar-open": System("litestar", "litestar", OPEN),
    "authlib": System("authlib", "authlib", tokens=MANY),
    "joserfc": System("authlib", "authlib", "make_joserfc_app", tokens=MANY),
}
