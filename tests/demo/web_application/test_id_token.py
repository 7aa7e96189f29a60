"""ID tokens: the algorithms of the library, the claims, and the hashes."""

import hashlib
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from asgi_bearer import (
    ALGORITHMS,
    AccessTokenError,
    KeysUnavailable,
    SignatureInvalid,
    StaticKeys,
    remote_keys,
)
from asgi_bearer.keys import FetchFailed, KeySet, Missed
from asgi_bearer.testing import SigningKey, signing_key
from asgi_bearer.testing.signing import compact
from demo.web_application.checks.id_token import IdTokens, half_hash
from tests.support.documents import FakeDocuments

ISSUER = "https://issuer.example/"
NOW = 1_700_000_000.0
KEYS = "https://issuer.example/keys"


def claims(**changes: Any) -> dict[str, Any]:
    all_claims = {
        "iss": ISSUER,
        "sub": "alice",
        "aud": "web",
        "iat": int(NOW),
        "exp": int(NOW) + 60,
        **changes,
    }
    return {name: value for name, value in all_claims.items() if value is not None}


def id_token(key: SigningKey, **header: Any) -> str:
    return compact({"alg": key.alg, "kid": key.kid, **header}, claims(), key)


def id_tokens(*keys: SigningKey) -> IdTokens:
    return IdTokens(ISSUER, "web", StaticKeys({"keys": [key.jwk() for key in keys]}))


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_every_algorithm_of_the_library_is_accepted(alg: str) -> None:
    key = signing_key(alg)

    jws = await id_tokens(key).signed(id_token(key))

    assert jws.claims["sub"] == "alice"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt"])
async def test_the_typ_jwt_is_accepted(typ: str) -> None:
    key = signing_key()

    jws = await id_tokens(key).signed(id_token(key, typ=typ))

    assert jws.header.members["typ"] == typ


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": None},
        {"kid": "k2"},
        {"kid": 7},
        {"crit": ["exp"]},
    ],
    ids=str,
)
async def test_a_wrong_header_is_refused(header: dict[str, Any]) -> None:
    key = signing_key()

    with pytest.raises(AccessTokenError):
        await id_tokens(key).signed(id_token(key, **header))


async def test_a_signature_of_an_unpublished_key_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        await id_tokens(signing_key()).signed(id_token(signing_key(number=1)))


async def test_a_token_without_a_key_id_needs_a_single_key() -> None:
    key, other = signing_key(), signing_key(kid="k2", number=1)
    token = compact({"alg": "RS256"}, claims(), key)

    jws = await id_tokens(key).signed(token)

    assert jws.header.kid is None
    with pytest.raises(AccessTokenError):
        await id_tokens(key, other).signed(token)


async def test_a_new_key_of_the_provider_is_fetched() -> None:
    old, new = signing_key(), signing_key(kid="k2", number=1)
    documents = FakeDocuments({KEYS: {"keys": [old.jwk()]}})
    tokens = IdTokens(ISSUER, "web", remote_keys(jwks_uri=KEYS, fetch=documents))
    await tokens.signed(id_token(old))
    documents.documents[KEYS] = {"keys": [new.jwk(), old.jwk()]}

    jws = await tokens.signed(id_token(new))

    assert jws.header.kid == "k2"
    assert len(documents.requested) == 2


async def test_without_the_providers_keys_the_token_is_not_judged() -> None:
    documents = FakeDocuments({KEYS: FetchFailed("away")})
    tokens = IdTokens(ISSUER, "web", remote_keys(jwks_uri=KEYS, fetch=documents))

    with pytest.raises(KeysUnavailable):
        await tokens.signed(id_token(signing_key()))


class OnceOnly:
    """A key source that has keys, but fails when it is asked for newer ones."""

    def __init__(self, *keys: SigningKey) -> None:
        self._keys = StaticKeys({"keys": [key.jwk() for key in keys]})

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        if missed is not None:
            raise KeysUnavailable("away")
        return await self._keys.key_set()


async def test_a_wrong_signature_is_refused_while_the_provider_is_away() -> None:
    tokens = IdTokens(ISSUER, "web", OnceOnly(signing_key()))

    with pytest.raises(SignatureInvalid):
        await tokens.signed(id_token(signing_key(number=1)))


async def test_an_unknown_key_is_not_judged_while_the_provider_is_away() -> None:
    tokens = IdTokens(ISSUER, "web", OnceOnly(signing_key()))

    with pytest.raises(KeysUnavailable):
        await tokens.signed(id_token(signing_key(kid="k2")))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ["web"]},
        {"azp": "web"},
        {"exp": NOW - 29},
        {"iat": NOW + 29},
        {"nbf": NOW},
        {"sub": "a" * 255},
        # ID tokens have no such claims; their values are ignored.
        {"client_id": ""},
        {"client_id": 5, "jti": 7},
    ],
    ids=str,
)
def test_valid_claims_pass(changes: dict[str, Any]) -> None:
    id_tokens(signing_key()).check_claims(claims(**changes), NOW)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "https://issuer.example"}, "issuer_mismatch"),
        ({"iss": None}, "claim_missing"),
        ({"aud": "other"}, "audience_mismatch"),
        ({"aud": []}, "audience_mismatch"),
        ({"aud": ["web", "other"]}, "audience_mismatch"),
        ({"aud": ["web", 7]}, "claim_malformed"),
        ({"aud": None}, "claim_missing"),
        ({"azp": "other"}, "audience_mismatch"),
        ({"azp": ["web"]}, "audience_mismatch"),
        ({"exp": NOW - 31}, "token_expired"),
        ({"exp": True}, "claim_malformed"),
        ({"exp": None}, "claim_missing"),
        ({"iat": NOW + 31}, "token_not_yet_valid"),
        ({"iat": None}, "claim_missing"),
        ({"nbf": NOW + 31}, "token_not_yet_valid"),
        ({"sub": None}, "claim_missing"),
        ({"sub": ""}, "claim_malformed"),
        ({"sub": 7}, "claim_malformed"),
        ({"sub": "a\nb"}, "claim_malformed"),
        ({"sub": "a" * 256}, "claim_malformed"),
    ],
    ids=str,
)
def test_each_wrong_claim_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(AccessTokenError) as refusal:
        id_tokens(signing_key()).check_claims(claims(**changes), NOW)

    assert refusal.value.code == code


def test_the_hash_is_that_of_the_examples_in_the_specification() -> None:
    """OpenID Connect Core, Appendix A.4 and A.6 (RS256)."""
    code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
    access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"

    assert half_hash("RS256", code) == "LDktKdoQak3Pk0cnXxCltA"
    assert half_hash("RS256", access_token) == "77QmUPtjPfzWtF2AnpK9RQ"


@pytest.mark.parametrize(
    ("alg", "name"),
    [
        ("PS256", "sha256"),
        ("ES384", "sha384"),
        ("RS512", "sha512"),
        ("EdDSA", "sha512"),
        ("Ed25519", "sha512"),
    ],
)
def test_the_hash_follows_the_algorithm(alg: str, name: str) -> None:
    digest = hashlib.new(name, b"code").digest()

    expected = urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")
    assert half_hash(alg, "code") == expected
