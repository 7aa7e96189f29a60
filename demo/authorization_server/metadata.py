"""The public documents of this server: its metadata, its key set, and a front page about them."""

from types import MappingProxyType
from typing import get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.authorization_server.authorize.parameter_rules import PROMPTS, RESPONSE_MODES
from demo.authorization_server.keys.signing_keys import ALGORITHM
from demo.authorization_server.registrations.claims import CLAIMS_BY_SCOPE, STANDARD_SCOPES
from demo.authorization_server.registrations.scopes import custom_claim_names
from demo.authorization_server.registrations.values import RESPONSE_TYPES, GrantType
from demo.authorization_server.requests.client_authentication import METHODS, SECRET_METHODS
from demo.authorization_server.server import Server
from demo.pages.rendering import Pages

KEY_SET_MAX_AGE = 600
"""Seconds that readers may cache the key set. They may learn of a new key so much later."""

_ENDPOINT_NAMES = MappingProxyType(
    {
        "Sign-in and consent": "authorization_endpoint",
        "Tokens": "token_endpoint",
        "Facts about the user": "userinfo_endpoint",
        "Taking tokens back": "revocation_endpoint",
        "Checking tokens": "introspection_endpoint",
        "Sign-out": "end_session_endpoint",
    }
)
"""The names of the endpoints on the front page."""

_TOKEN_CLAIMS = ("iss", "sub", "aud", "azp", "exp", "iat")
_SIGN_IN_CLAIMS = ("auth_time", "nonce", "c_hash", "at_hash")
"""The claims of an ID token besides those about the user."""


def metadata(server: Server) -> dict[str, object]:
    """Return the metadata (OpenID Connect Discovery §3, RFC 8414 §2); it names only what exists."""
    issuer, registrations = server.issuer, server.registrations
    apis, users = registrations.apis.values(), registrations.users.values()
    custom = sorted({name for user in users for name in custom_claim_names(user)})
    of_apis = [name for api in apis for name in api.scopes]
    standard = [name for names in CLAIMS_BY_SCOPE.values() for name in names]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}authorize",
        "token_endpoint": f"{issuer}oauth/token",
        "userinfo_endpoint": server.userinfo,
        "jwks_uri": f"{issuer}.well-known/jwks.json",
        "revocation_endpoint": f"{issuer}oauth/revoke",
        "introspection_endpoint": f"{issuer}oauth/introspect",
        "end_session_endpoint": f"{issuer}oidc/logout",
        "scopes_supported": list(dict.fromkeys([*STANDARD_SCOPES, *of_apis, *custom])),
        "claims_supported": [
            *_TOKEN_CLAIMS,
            *_SIGN_IN_CLAIMS,
            *(name for name in standard if any(name in user.claims for user in users)),
            *custom,
        ],
        "claim_types_supported": ["normal"],
        "response_types_supported": [" ".join(sorted(names)) for names in RESPONSE_TYPES],
        "response_modes_supported": list(RESPONSE_MODES),
        # `implicit` stands for the part of the Hybrid Flow that passes through the browser.
        "grant_types_supported": list(get_args(GrantType)),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "introspection_endpoint_auth_methods_supported": list(SECRET_METHODS),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": list(PROMPTS),
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


class MetadataEndpoints:
    """The endpoints that answer without any authentication."""

    def __init__(self, server: Server, pages: Pages) -> None:
        self._metadata = metadata(server)
        self._server = server
        self._pages = pages

    def routes(self) -> list[Route]:
        """Return the routes; both metadata addresses give the same document."""
        return [
            Route("/", self._front_page),
            Route("/.well-known/openid-configuration", self._metadata_document),
            Route("/.well-known/oauth-authorization-server", self._metadata_document),
            Route("/.well-known/jwks.json", self._key_set),
        ]

    async def _front_page(self, request: Request) -> Response:
        context = {
            "metadata": self._metadata,
            "apis": list(self._server.registrations.apis.values()),
            "endpoints": _ENDPOINT_NAMES,
        }
        return self._pages.response("front.html", context)

    async def _metadata_document(self, request: Request) -> Response:
        return JSONResponse(self._metadata)

    async def _key_set(self, request: Request) -> Response:
        published = self._server.published_keys()
        headers = {"Cache-Control": f"public, max-age={KEY_SET_MAX_AGE}"}
        return JSONResponse({"keys": [key.public_jwk() for key in published]}, headers=headers)
