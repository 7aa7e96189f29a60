"""What is held against what, in requests per second, and how far apart it should be."""

from dataclasses import dataclass
from typing import Final

from benchmarks.report.result import Goal


@dataclass(frozen=True, slots=True)
class Comparison:
    """Requests per second of one system over those of another.

    Arguments:
        of, to: names of systems.
        what, against: the same for a person.
    """

    of: str
    to: str
    what: str
    against: str
    goal: Goal | None = None


_UNGUARDED = "the same without a guard"
_PASSING = "the same behind a middleware that does nothing"

OURS_COMPARED: Final = (
    Comparison("warm", "passing", "Starlette, 100 tokens, warm", _PASSING, Goal(at_least=0.96)),
    Comparison("warm", "open", "Starlette, 100 tokens, warm", _UNGUARDED, Goal(at_least=0.92)),
    Comparison(
        "warm-many", "passing", "Starlette, 10,000 tokens, warm", _PASSING, Goal(at_least=0.90)
    ),
    Comparison("bare", "bare-open", "no framework, 100 tokens, warm", _UNGUARDED, Goal(0.90)),
    Comparison("off", "open", "Starlette, cache off", _UNGUARDED, Goal(at_least=0.58)),
    Comparison("fresh", "open", "Starlette, each token as good as new", _UNGUARDED),
    Comparison("passing", "open", "Starlette, a middleware that does nothing", _UNGUARDED),
)


def _repeated(to: str, against: str, at_least: float) -> Comparison:
    return Comparison("warm", to, "ours, repeated tokens", against, Goal(at_least))


def _fresh(to: str, against: str) -> tuple[Comparison, ...]:
    """What is new each time is worth no cache; who has one all the same pays for it."""
    return (
        Comparison("off-many", to, "ours, new tokens, cache off", against, Goal(1.0)),
        Comparison("fresh", to, "ours, each token as good as new", against, Goal(1.0)),
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

RACE_COMPARED: Final = (
    _repeated("auth0", _AUTH0, 5.5),
    _repeated("fastmcp", _FASTMCP, 3.0),
    _repeated("mcp", _MCP, 3.0),
    _repeated("express", _EXPRESS, 4.5),
    _repeated("fastify", _FASTIFY, 2.2),
    Comparison("off", "pyjwt-middleware", "ours, cache off", _PLAIN, Goal(at_least=1.7)),
    Comparison("off", "fastify", "ours, cache off", _FASTIFY, Goal(at_least=1.0)),
    *_fresh("pyjwt", _PYJWT),
    *_fresh("jwks-client", _JWKS_CLIENT),
    *_fresh("litestar", _LITESTAR),
    *_fresh("authlib", _AUTHLIB),
    *_fresh("joserfc", _JOSERFC),
    _share("warm", "ours, repeated tokens", "open"),
    _share("fresh", "ours, each token as good as new", "open"),
    _share("off", "ours, cache off", "open"),
    _share("off-many", "ours, new tokens, cache off", "open"),
    _share("pyjwt-middleware", _PLAIN, "open"),
    _share("mcp", _MCP, "open"),
    _share("fastmcp", _FASTMCP, "open"),
    _share("authlib", _AUTHLIB, "open"),
    _share("joserfc", _JOSERFC, "open"),
    _share("pyjwt", _PYJWT, "fastapi-open"),
    _share("jwks-client", _JWKS_CLIENT, "fastapi-open"),
    _share("auth0", _AUTH0, "fastapi-open"),
    _share("litestar", _LITESTAR, "litestar-open"),
    _share("fastify", _FASTIFY, "fastify-open"),
    _share("express", _EXPRESS, "express-open"),
)
