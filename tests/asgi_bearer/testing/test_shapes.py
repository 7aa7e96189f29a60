"""Tokens in the shapes of providers: accepted as access tokens, refused as ID tokens."""

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from asgi_bearer import AccessTokenError, IDTokenPresented, JWTVerifier, Presented, TokenMalformed
from asgi_bearer.testing import AUDIENCE, SHAPES, FakeIssuer

SIGNED = [name for name, shape in SHAPES.items() if shape.opaque is None]
PROVIDERS = (
    "auth0",
    "cognito",
    "entra-v1",
    "entra-v2",
    "google",
    "hydra",
    "keycloak",
    "okta",
    "zitadel",
)


def header_of(token: str) -> Any:
    segment = token.partition(".")[0]
    return json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def test_each_provider_has_tokens_for_persons_and_for_machines() -> None:
    assert {*PROVIDERS, *(f"{name}-machine" for name in PROVIDERS)} <= set(SHAPES)


@pytest.mark.parametrize("name", SIGNED)
async def test_the_verifier_of_an_issuer_accepts_tokens_of_its_shape(name: str) -> None:
    issuer = FakeIssuer(shape=name)

    principal = await issuer.verifier().verify(Presented(issuer.token(scope="a b", extra=1)))

    assert principal.scopes == {"a", "b"}
    assert principal.claims["extra"] == 1
    assert header_of(issuer.token()).get("typ") == SHAPES[name].typ


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("auth0", {}),
        ("cognito", {"audience_claim": "client_id"}),
        ("entra-v2", {"scope_claims": ["scp"]}),
        ("keycloak", {"scope_claims": ["scope", ("realm_access", "roles")]}),
        ("okta", {}),
        ("zitadel", {}),
    ],
)
async def test_a_token_of_another_shape_is_one_argument_away(
    name: str, arguments: dict[str, Any]
) -> None:
    """The issuer is of no provider; the verifier has the arguments of docs/providers.md."""
    issuer = FakeIssuer()
    verifier = issuer.verifier(**arguments)

    principal = await verifier.verify(Presented(issuer.token(name, scope="read:contacts")))

    assert "read:contacts" in principal.scopes


@pytest.mark.parametrize("name", SIGNED)
async def test_a_machine_is_its_own_subject_or_a_service_account(name: str) -> None:
    issuer = FakeIssuer(shape=name)

    principal = await issuer.verifier().verify(Presented(issuer.token()))

    is_machine = principal.subject not in ("alice", "auth0|alice", "alice@example.com")
    assert is_machine == name.endswith("-machine")


@pytest.mark.parametrize("name", SHAPES)
async def test_an_id_token_is_refused(name: str) -> None:
    issuer = FakeIssuer(shape=name)
    verifier: JWTVerifier = issuer.verifier()

    with pytest.raises(AccessTokenError) as refused:
        await verifier.verify(Presented(issuer.id_token()))

    assert refused.value.status == 401


async def test_an_id_token_is_refused_even_if_the_api_is_its_audience() -> None:
    issuer = FakeIssuer()

    with pytest.raises(IDTokenPresented):
        await issuer.verifier().verify(Presented(issuer.id_token("keycloak", aud=AUDIENCE)))


async def test_googles_access_tokens_are_opaque() -> None:
    issuer = FakeIssuer(shape="google")

    with pytest.raises(TokenMalformed):
        await issuer.verifier().verify(Presented(issuer.token()))


def test_claims_of_an_opaque_token_are_refused() -> None:
    with pytest.raises(ValueError, match="an opaque token has no claims: scope, sub"):
        FakeIssuer().token("google", scope="read:contacts", sub="bob")
