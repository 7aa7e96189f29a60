"""Which systems are compared in requests a second, with the goals for their ratios."""

from dataclasses import dataclass
from typing import Final

from benchmarks.report.result import Goal


@dataclass(frozen=True, slots=True)
class Comparison:
    """The ratio of one system to another.

    Arguments:
        of, to: names of systems.
        what, against: the two systems in words.
    """

    of: str
    to: str
    what: str
    against: str
    goal: Goal | None = None


_UNGUARDED = "the same without a guard"
_NO_OP = "the same behind a middleware that does nothing"

OUR_COMPARISONS: Final = (
    Comparison("cached", "no-op", "Starlette, 100 tokens, cached", _NO_OP, Goal(0.94)),
    Comparison(
        "no-header", "no-op", "Starlette, 100 tokens, cached, `cache_control=False`", _NO_OP
    ),
    Comparison("cached", "unguarded", "Starlette, 100 tokens, cached", _UNGUARDED),
    Comparison("cached-many", "no-op", "Starlette, 10,000 tokens, cached", _NO_OP, Goal(0.90)),
    Comparison(
        "bare", "bare-unguarded", "no framework, 100 tokens, cached", _UNGUARDED, Goal(0.88)
    ),
    Comparison("off", "unguarded", "Starlette, cache off", _UNGUARDED, Goal(0.52)),
    Comparison("misses", "unguarded", "Starlette, every token misses the cache", _UNGUARDED),
    Comparison("no-op", "unguarded", "Starlette, a middleware that does nothing", _UNGUARDED),
)


def _repeated(to: str, against: str, at_least: float) -> Comparison:
    return Comparison("cached", to, "ours, repeated tokens", against, Goal(at_least))


def _new(to: str, against: str) -> tuple[Comparison, ...]:
    """Compare new tokens without the cache, and with a cache that never helps."""
    return (
        Comparison("off-many", to, "ours, new tokens, cache off", against, Goal(1.0)),
        Comparison("misses", to, "ours, every token misses the cache", against, Goal(1.0)),
    )


def _share(of: str, what: str, to: str) -> Comparison:
    return Comparison(of, to, what, _UNGUARDED)


_PLAIN = "Starlette with plain PyJWT middleware"
_PYJWT = "FastAPI with PyJWKClient"
_JWKS_CLIENT = "FastAPI with jwks-client"
_AUTH0 = "auth0-fastapi-api"
_MCP = "the MCP SDK's bearer middleware"
_FASTMCP = "fastmcp JWTVerifier"
_FASTIFY = "fastify with jose"
_EXPRESS = "express-oauth2-jwt-bearer"
_LITESTAR = "Litestar JWTAuth"
_AUTHLIB = "Starlette with authlib.jose"
_JOSERFC = "Starlette with joserfc"

PEER_COMPARISONS: Final = (
    _repeated("auth0", _AUTH0, 5.5),
    _repeated("fastmcp", _FASTMCP, 3.4),
    _repeated("mcp", _MCP, 3.2),
    _repeated("express", _EXPRESS, 4.0),
    _repeated("fastify", _FASTIFY, 2.2),
    Comparison("off", "pyjwt-middleware", "ours, cache off", _PLAIN, Goal(at_least=1.7)),
    Comparison("off", "fastify", "ours, cache off", _FASTIFY, Goal(at_least=1.0)),
    *_new("pyjwt", _PYJWT),
    *_new("jwks-client", _JWKS_CLIENT),
    *_new("litestar", _LITESTAR),
    *_new("authlib", _AUTHLIB),
    *_new("joserfc", _JOSERFC),
)

SHARES: Final = (
    _share("cached", "ours, repeated tokens", "unguarded"),
    _share("misses", "ours, every token misses the cache", "unguarded"),
    _share("off", "ours, cache off", "unguarded"),
    _share("off-many", "ours, new tokens, cache off", "unguarded"),
    _share("pyjwt-middleware", _PLAIN, "unguarded"),
    _share("mcp", _MCP, "unguarded"),
    _share("fastmcp", _FASTMCP, "unguarded"),
    _share("authlib", _AUTHLIB, "unguarded"),
    _share("joserfc", _JOSERFC, "unguarded"),
    _share("pyjwt", _PYJWT, "fastapi-unguarded"),
    _share("jwks-client", _JWKS_CLIENT, "fastapi-unguarded"),
    _share("auth0", _AUTH0, "fastapi-unguarded"),
    _share("litestar", _LITESTAR, "litestar-unguarded"),
    _share("fastify", _FASTIFY, "fastify-unguarded"),
    _share("express", _EXPRESS, "express-unguarded"),
)
