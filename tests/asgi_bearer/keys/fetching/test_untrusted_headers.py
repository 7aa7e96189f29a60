"""Keys and URLs in a token's header are never used."""

import logging
from typing import Any

import pytest

from asgi_bearer.testing import FakeIssuer, signing_key
from asgi_bearer.testing.signing import compact
from tests.support.published_keys import JWKS_URI, Published

TRAP = "https://trap.example/jwks"
ATTACKER = signing_key("ES256", "trap", number=666)

POINTERS: list[tuple[str, dict[str, Any]]] = [
    ("jku", {"jku": TRAP}),
    ("x5u", {"x5u": TRAP}),
    ("jwk", {"jwk": ATTACKER.jwk()}),
    ("x5c", {"x5c": ["MIIB"]}),
    ("kid-is-an-address", {"kid": TRAP}),
    ("kid-is-a-path", {"kid": "../../../../dev/null"}),
    ("kid-is-the-empty-text", {"kid": ""}),
    ("all-of-them", {"jku": TRAP, "x5u": TRAP, "jwk": ATTACKER.jwk(), "x5c": ["MIIB"]}),
]


@pytest.mark.conforms("jku, x5u, jwk and x5c of a token are never used")
@pytest.mark.parametrize("known_kid", [True, False], ids=["known-kid", "unknown-kid"])
@pytest.mark.parametrize("header", [row[1] for row in POINTERS], ids=[row[0] for row in POINTERS])
async def test_a_key_from_the_token_is_not_used(header: dict[str, Any], known_kid: bool) -> None:
    published = Published()
    published.documents.documents[TRAP] = {"keys": [ATTACKER.jwk()]}
    forger = FakeIssuer(key=ATTACKER, clock=published.clock)
    kid = published.issuer.key.kid if known_kid else ATTACKER.kid

    outcomes = await published.verify_all([forger.token_with_header(**{"kid": kid, **header})])

    assert outcomes[0] in ("signature_invalid", "key_not_found")
    assert set(published.documents.requested) == {JWKS_URI}


@pytest.mark.conforms("jku, x5u, jwk and x5c of a token are never used")
async def test_keys_and_urls_in_a_valid_tokens_header_are_ignored() -> None:
    published = Published()
    published.documents.documents[TRAP] = {"keys": [ATTACKER.jwk()]}
    token = published.issuer.token_with_header(jku=TRAP, x5u=TRAP, jwk=ATTACKER.jwk())

    assert await published.verify_all([token]) == ["alice"]
    assert set(published.documents.requested) == {JWKS_URI}


REFUSED_EARLY: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("unknown-issuer", {}, {"iss": "https://evil.example/"}),
    ("no-issuer", {}, {"iss": None}),
    ("symmetric", {"alg": "HS256"}, {}),
    ("none", {"alg": "none"}, {}),
    ("kid-number", {"kid": 7}, {}),
    ("kid-list", {"kid": ["k1"]}, {}),
    ("crit", {"crit": ["jku"], "jku": TRAP}, {}),
    ("typ", {"typ": "dpop+jwt"}, {}),
]


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize(
    ("header", "claims"), [row[1:] for row in REFUSED_EARLY], ids=[row[0] for row in REFUSED_EARLY]
)
async def test_a_token_that_is_refused_before_the_key_lookup_causes_no_fetch(
    header: dict[str, Any], claims: dict[str, Any]
) -> None:
    published = Published()
    issuer = published.issuer
    token = compact(issuer.header(**header), issuer.claims(**claims), issuer.key)

    assert await published.verify_all([token]) != ["alice"]
    assert published.fetches == 0


@pytest.mark.conforms("symmetric keys and private members are not used")
async def test_a_public_key_cannot_be_used_as_an_hmac_secret() -> None:
    published = Published()
    symmetric = {"kty": "oct", "kid": "oct", "alg": "HS256", "k": "c2VjcmV0"}
    published.serve({"keys": [symmetric, published.issuer.key.jwk()]})
    token = published.issuer.token_with_header(kid="oct", alg="HS256")

    assert await published.verify_all([token]) == ["algorithm_not_allowed"]


async def test_no_token_and_no_key_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    published = Published()
    token, forged = published.issuer.token(), published.forged_tokens()[0]

    with caplog.at_level(logging.DEBUG):
        await published.verify_all([token, forged, *published.unknown_tokens(3)])
        published.clock.advance(10.0)
        published.rotate("k1", 2)
        await published.verify()
        published.serve(b"c2VjcmV0")
        published.clock.advance(500.0)
        await published.verify_all([token, forged])

    jwk = published.issuer.key.jwk()
    secrets = [*token.split("."), *forged.split("."), jwk["x"], jwk["y"], "c2VjcmV0"]
    assert "keys fetched" in caplog.messages
    assert not [secret for secret in secrets if secret in caplog.text]
