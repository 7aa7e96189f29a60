"""How providers write their tokens: the header, the claims, and where the scopes are."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from asgi_bearer.jwt.cross_jwt_confusion import ScopeClaim
from asgi_bearer.testing import provider_claims
from asgi_bearer.testing.provider_claims import Facts
from asgi_bearer.testing.signing import Json

Claims = Callable[[Facts], Json]
Scopes = Callable[[str], Json]


def _in_scope(scope: str) -> Json:
    return {"scope": scope}


@dataclass(frozen=True)
class Shape:
    """How a provider writes its tokens.

    Arguments:
        claims: the claims of an access token, without the scopes.
        scopes: the claims that hold scopes, which are given as one string with spaces.
        id_token: what the provider adds to an ID token.
        typ: the header `typ` of an access token; None leaves it out.
        audience_claim: the claim that names the audience.
        scope_claims: where a verifier must look for the scopes, if not in its usual claims.
        opaque: the access token, if it is not a JWT.
    """

    claims: Claims
    scopes: Scopes = _in_scope
    id_token: Json | None = None
    typ: str | None = "JWT"
    audience_claim: str = "aud"
    scope_claims: tuple[ScopeClaim, ...] | None = None
    opaque: str | None = None


def _in_scp(scope: str) -> Json:
    return {"scp": scope}


def _in_scp_array(scope: str) -> Json:
    return {"scp": scope.split()}


def _in_roles(scope: str) -> Json:
    return {"roles": scope.split()}


def _shapes() -> dict[str, Shape]:
    entra = Shape(provider_claims.entra_v1, _in_scp, scope_claims=("scp", "roles"))
    shapes = {
        "rfc9068": Shape(provider_claims.rfc9068, typ="at+jwt"),
        "jwt": Shape(provider_claims.rfc9068),
        "auth0": Shape(provider_claims.auth0, id_token={"sid": "5e55"}),
        "cognito": Shape(
            provider_claims.cognito,
            id_token={"token_use": "id", "cognito:username": "alice"},
            typ=None,
            audience_claim="client_id",
        ),
        "entra-v1": entra,
        "entra-v2": replace(entra, claims=provider_claims.entra_v2),
        "google": Shape(provider_claims.google_machine, opaque="ya29.opaque-access-token-of-alice"),
        "hydra": Shape(provider_claims.hydra, _in_scp_array),
        "keycloak": Shape(provider_claims.keycloak, id_token={"typ": "ID", "sid": "5e55"}),
        "okta": Shape(provider_claims.okta, _in_scp_array, id_token={"ver": 1}, typ=None),
        "zitadel": Shape(provider_claims.zitadel),
    }
    machines = {
        "rfc9068": provider_claims.rfc9068_machine,
        "jwt": provider_claims.rfc9068_machine,
        "auth0": provider_claims.auth0_machine,
        "cognito": provider_claims.cognito_machine,
        "entra-v1": provider_claims.entra_v1_machine,
        "entra-v2": provider_claims.entra_v2_machine,
        "google": provider_claims.google_machine,
        "hydra": provider_claims.hydra_machine,
        "keycloak": provider_claims.keycloak_machine,
        "okta": provider_claims.okta_machine,
        "zitadel": provider_claims.zitadel_machine,
    }
    for name, claims in machines.items():
        machine = replace(shapes[name], claims=claims, opaque=None)
        if name.startswith("entra"):
            # An application has no scopes, but roles.
            machine = replace(machine, scopes=_in_roles)
        shapes[f"{name}-machine"] = machine
    return shapes


SHAPES: Final = MappingProxyType(_shapes())
"""By name. A `-machine` is the token of a client for itself (RFC 6749 §4.4), not for a person."""
