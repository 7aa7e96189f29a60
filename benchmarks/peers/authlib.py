"""Authlib in a Starlette endpoint: its own resource protection supports other frameworks only.

`make_app` decodes with `authlib.jose`, which is deprecated and widely used; `make_joserfc_app`
with joserfc, which Authlib's documentation recommends instead. The keys are loaded at the start.
"""

import json
import urllib.request
import warnings
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Decode = Callable[[str], dict[str, Any] | None]


def make_app(*, issuer: str, audience: str, jwks_uri: str) -> Starlette:
    """Return the application that uses `authlib.jose`."""
    warnings.simplefilter("ignore")
    from authlib.jose import JsonWebKey, JsonWebToken
    from authlib.jose.errors import JoseError

    keys = JsonWebKey.import_key_set(_key_set(jwks_uri))
    tokens = JsonWebToken(["RS256"])
    options = _required_claims(issuer, audience)

    def decode(token: str) -> dict[str, Any] | None:
        try:
            claims = tokens.decode(token, keys, claims_options=options)
            claims.validate()
        except (JoseError, ValueError):
            return None
        return claims

    return _app(decode)


def make_joserfc_app(*, issuer: str, audience: str, jwks_uri: str) -> Starlette:
    """Return the application that uses joserfc."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    keys = KeySet.import_key_set(_key_set(jwks_uri))
    registry = jwt.JWTClaimsRegistry(**_required_claims(issuer, audience))

    def decode(token: str) -> dict[str, Any] | None:
        try:
            claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
            registry.validate(claims)
        except (JoseError, ValueError):
            return None
        return claims

    return _app(decode)


def _required_claims(issuer: str, audience: str) -> dict[str, Any]:
    return {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": audience},
        "exp": {"essential": True},
    }


def _key_set(jwks_uri: str) -> dict[str, Any]:
    with urllib.request.urlopen(jwks_uri) as response:  # noqa: S310 (the issuer on loopback)
        return json.load(response)


def _app(decode: Decode) -> Starlette:
    async def contacts(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        claims = decode(token) if scheme == "Bearer" else None
        if claims is None:
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        if "read:contacts" not in claims.get("scope", "").split():
            return Response(status_code=403)
        return JSONResponse({"owner": claims["sub"]})

    return Starlette(routes=[Route("/contacts", contacts)])
