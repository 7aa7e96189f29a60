"""Litestar's JWTAuth, with the issuer's public key in PEM form as its `token_secret`."""

from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from litestar import Litestar, Request, get
from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.security.jwt import JWTAuth, Token


async def _user(token: Token, connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    return token.sub


def _reader(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    if "read:contacts" not in connection.auth.extras.get("scope", "").split():
        raise PermissionDeniedException


@get("/contacts", guards=[_reader])
async def _contacts(request: Request[str, Token, Any]) -> dict[str, str]:
    return {"owner": request.user}


def make_app(*, issuer: str, audience: str, jwks_uri: str) -> Litestar:
    """Return the application."""
    (key,) = jwt.PyJWKClient(jwks_uri).get_signing_keys()
    pem: bytes = key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    auth = JWTAuth[str, Token](
        retrieve_user_handler=_user,
        token_secret=pem.decode(),
        algorithm="RS256",
        accepted_issuers=[issuer],
        accepted_audiences=[audience],
    )
    return Litestar([_contacts], on_app_init=[auth.on_app_init], openapi_config=None)


@get("/contacts")
async def _open_contacts() -> dict[str, str]:
    return {"owner": "anonymous"}


def make_unguarded_app() -> Litestar:
    """Return the same application without a guard."""
    return Litestar([_open_contacts], openapi_config=None)
