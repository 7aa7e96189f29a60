"""The library accepts the issuer's tokens in both profiles."""

from typing import Literal

import httpx
import pytest

from asgi_bearer import AudienceMismatch, JWTVerifier, Presented, StaticKeys
from resource_api.demo.registrations import CONTACTS
from tests.resource_api.demo.conftest import CLIENT, ISSUER, NOW


async def token(issuer: httpx.AsyncClient, **parameters: str) -> Presented:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT.client_id,
        "client_secret": CLIENT.client_secret,
        "scope": "read:contacts",
        "subject": "alice",
        **parameters,
    }
    return Presented((await issuer.post("oauth/token", data=form)).json()["access_token"])


async def verifier(issuer: httpx.AsyncClient, profile: Literal["jwt", "rfc9068"]) -> JWTVerifier:
    keys = StaticKeys((await issuer.get(".well-known/jwks.json")).json())
    return JWTVerifier(
        issuer=ISSUER,
        audience=CONTACTS.audience,
        keys=keys,
        profile=profile,
        clock=lambda: NOW,
    )


@pytest.mark.parametrize("profile", ["jwt", "rfc9068"])
async def test_the_library_accepts_a_token_in_this_profile(
    issuer: httpx.AsyncClient, profile: Literal["jwt", "rfc9068"]
) -> None:
    principal = await (await verifier(issuer, profile)).verify(await token(issuer))

    assert (principal.issuer, principal.subject) == (ISSUER, "alice")
    assert principal.client_id == CLIENT.client_id
    assert principal.scopes == {"read:contacts"}


async def test_the_library_refuses_a_token_for_another_audience(issuer: httpx.AsyncClient) -> None:
    presented = await token(issuer, audience="https://other.example/")

    with pytest.raises(AudienceMismatch):
        await (await verifier(issuer, "jwt")).verify(presented)
