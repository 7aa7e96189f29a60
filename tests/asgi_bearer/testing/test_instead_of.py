"""Verifiers of an application, made when its module is imported, that trust a test's issuer."""

import asyncio
from typing import Any

import httpx
import pytest

from asgi_bearer import (
    AudienceMismatch,
    BearerMiddleware,
    ClaimRuleFailed,
    JWTVerifier,
    KeysUnavailable,
    Presented,
    Principal,
    SignatureInvalid,
    StaticKeys,
    TokenExpired,
)
from asgi_bearer.keys import KeySet, Missed
from asgi_bearer.testing import FakeIssuer, signing_key
from tests.support.asgi import answer_subject

TENANT = "https://tenant.example/"
API = "https://api.example/orders"

real = FakeIssuer(TENANT, API, signing_key("ES256", "k1", 5))
"""The tenant's own keys, which no test may need."""


class NeverAsked:
    """A key source that must not be asked, because it stands for the network."""

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        raise KeysUnavailable("the key source of the application was asked")


def application_verifier(**arguments: Any) -> JWTVerifier:
    settings: dict[str, Any] = {"issuer": TENANT, "audience": API, "keys": NeverAsked()}
    return JWTVerifier(**settings | arguments)


async def verified(verifier: JWTVerifier, token: str) -> Principal:
    return await verifier.verify(Presented(token))


async def test_the_verifier_trusts_the_issuer_within_the_block_only() -> None:
    verifier = application_verifier()

    with FakeIssuer.instead_of(verifier) as issuer:
        token = issuer.token(sub="bob")
        assert (await verified(verifier, token)).subject == "bob"
        assert (await verified(verifier, token)).issuer == TENANT

    with pytest.raises(KeysUnavailable):
        await verified(verifier, token)


async def test_neither_cached_tokens_nor_keys_cross_the_border_of_the_block() -> None:
    verifier = application_verifier(keys=StaticKeys(real.jwks()))
    cached = real.token()
    before = await verified(verifier, cached)

    with FakeIssuer.instead_of(verifier) as issuer:
        with pytest.raises(SignatureInvalid):
            await verified(verifier, cached)
        token = issuer.token()
        await verified(verifier, token)

    with pytest.raises(SignatureInvalid):
        await verified(verifier, token)
    assert await verified(verifier, cached) is before


async def test_the_configuration_of_the_application_still_counts() -> None:
    def is_staff(principal: Principal) -> bool:
        return principal.claims.get("staff") is True

    verifier = application_verifier(rules={"staff": is_staff})

    with FakeIssuer.instead_of(verifier) as issuer:
        await verified(verifier, issuer.token(staff=True))
        with pytest.raises(ClaimRuleFailed):
            await verified(verifier, issuer.token(staff=False))
        with pytest.raises(AudienceMismatch):
            await verified(verifier, issuer.token(aud="https://api.example/other"))


@pytest.mark.parametrize(
    "arguments",
    [
        {"algorithms": ["RS256"]},
        {"algorithms": ["PS384", "EdDSA"]},
        {"audience": ["b", "a"]},
        {"audience_claim": "client_id"},
        {"scope_claims": "scope"},
        {"scope_claims": "permissions"},
        {"scope_claims": [("realm_access", "roles"), "scope"]},
        {"profile": "rfc9068"},
        {"verified_tokens": 0},
        {"issuer": "kubernetes/serviceaccount"},
        {"issuer": "http://keycloak:8080/realms/a", "allow_http": {"keycloak:8080"}},
        {"keys": None, "issuer": "https://issuer.invalid"},
        {"keys": None, "jwks_uri": "https://issuer.invalid/keys"},
    ],
    ids=str,
)
async def test_tokens_are_as_the_verifier_is_configured(arguments: dict[str, Any]) -> None:
    if "allow_http" in arguments:
        arguments = {**arguments, "keys": None}
    verifier = application_verifier(**arguments)

    with FakeIssuer.instead_of(verifier) as issuer:
        principal = await verified(verifier, issuer.token(scope="a b"))

    assert principal.scopes == {"a", "b"}


async def test_arguments_replace_what_the_verifier_says() -> None:
    verifier = application_verifier(audience=["a", "b"])

    with FakeIssuer.instead_of(verifier, audience="b", shape="auth0") as issuer:
        principal = await verified(verifier, issuer.token())

    assert principal.claims["aud"] == ("b", f"{TENANT}userinfo")


async def test_several_verifiers_of_one_issuer_trust_the_same_one() -> None:
    orders, admin = application_verifier(), application_verifier(audience="admin")

    with FakeIssuer.instead_of(orders, admin) as issuer:
        await verified(orders, issuer.token())
        await verified(admin, issuer.token(aud="admin"))


async def test_verifiers_of_several_issuers_have_one_each() -> None:
    one, other = application_verifier(), application_verifier(issuer="https://other.example/")

    with FakeIssuer.instead_of(one) as first, FakeIssuer.instead_of(other) as second:
        assert (await verified(one, first.token())).issuer == TENANT
        assert (await verified(other, second.token())).issuer == "https://other.example/"

    with (
        pytest.raises(
            ValueError,
            match=r"one issuer, not of 'https://other.example/', 'https://tenant.example/'",
        ),
        FakeIssuer.instead_of(one, other),
    ):
        pass


def test_no_verifier_and_another_kind_of_verifier_are_refused() -> None:
    with pytest.raises(ValueError, match="verifiers of one issuer, not of none"):
        FakeIssuer.instead_of().__enter__()
    with pytest.raises(TypeError, match="takes JWTVerifier objects, not FakeIssuer; pass the"):
        FakeIssuer.instead_of(real).__enter__()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - on purpose


async def test_blocks_may_be_nested() -> None:
    verifier = application_verifier()

    with FakeIssuer.instead_of(verifier) as outer:
        with FakeIssuer.instead_of(verifier, key=signing_key("ES256", number=6)) as inner:
            await verified(verifier, inner.token())
        await verified(verifier, outer.token())
        with pytest.raises(SignatureInvalid):
            await verified(verifier, inner.token())


async def test_blocks_may_end_in_any_order() -> None:
    """Two threads, or two fixtures, may replace the issuer of one verifier."""
    verifier = application_verifier(keys=StaticKeys(real.jwks()))
    first = FakeIssuer.instead_of(verifier, key=signing_key("ES256", number=7))
    second = FakeIssuer.instead_of(verifier, key=signing_key("ES256", number=8))

    fake = first.__enter__()
    fake_too = second.__enter__()
    first.__exit__(None, None, None)
    await verified(verifier, fake_too.token())
    second.__exit__(None, None, None)

    await verified(verifier, real.token())
    for issuer in (fake, fake_too):
        with pytest.raises(SignatureInvalid):
            await verified(verifier, issuer.token())


async def test_the_verifier_is_as_before_after_a_failed_test() -> None:
    verifier = application_verifier(keys=StaticKeys(real.jwks()))

    with pytest.raises(LookupError), FakeIssuer.instead_of(verifier):
        raise LookupError

    await verified(verifier, real.token())


async def test_time_passes_for_the_verifier_with_the_clock_of_the_issuer() -> None:
    verifier = application_verifier()

    with FakeIssuer.instead_of(verifier) as issuer:
        token = issuer.token()
        await verified(verifier, token)
        issuer.clock.advance(3600)
        with pytest.raises(TokenExpired):
            await verified(verifier, token)


async def test_an_application_that_already_runs_trusts_the_issuer() -> None:
    verifier = application_verifier()
    app = BearerMiddleware(answer_subject, verifier=verifier)
    transport = httpx.ASGITransport(app=app)

    async with httpx.AsyncClient(transport=transport, base_url="https://api.example") as http:
        with FakeIssuer.instead_of(verifier) as issuer:
            headers = {"authorization": f"Bearer {issuer.token()}"}
            assert (await http.get("/", headers=headers)).text == "alice"
        assert (await http.get("/", headers=headers)).status_code == 503


def test_each_test_may_have_an_event_loop_of_its_own() -> None:
    verifier = application_verifier()

    for _ in range(3):
        with FakeIssuer.instead_of(verifier) as issuer:
            assert asyncio.run(verified(verifier, issuer.token())).subject == "alice"


def test_production_code_finds_no_way_to_replace_keys() -> None:
    """The class has no public name for it."""
    public = [name for name in dir(JWTVerifier) if not name.startswith("_")]

    assert public == ["aclose", "openid_configuration", "verify", "warm"]
