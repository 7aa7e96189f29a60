"""One key serves one algorithm, even if the key set does not name it (RFC 8725 §3.1)."""

from typing import Any

import pytest

from asgi_bearer import InvalidTokenError, KeyAmbiguous, KeyNotFound, Presented, StaticKeys
from asgi_bearer.jose.algorithms import RSA_ALGORITHMS, rsa_default
from asgi_bearer.testing import FakeClock, FakeIssuer, signing_key
from asgi_bearer.testing.signing import compact

issuer = FakeIssuer(key=signing_key(), clock=FakeClock())


def token(alg: str, **header: Any) -> Presented:
    """Return a token signed by the issuer's RSA key with any RSA algorithm."""
    return Presented(compact(issuer.header(alg=alg, **header), issuer.claims(), issuer.key, alg))


def keys(**changes: Any) -> StaticKeys:
    """Return the issuer's key with changed members."""
    return StaticKeys({"keys": [issuer.key.jwk(**changes)]})


@pytest.mark.conforms("one key serves one algorithm")
@pytest.mark.parametrize("alg", RSA_ALGORITHMS)
@pytest.mark.parametrize("verified_tokens", [0, 10], ids=["cache off", "cache on"])
async def test_an_rsa_key_without_alg_serves_rs256_only(alg: str, verified_tokens: int) -> None:
    verifier = issuer.verifier(keys=keys(alg=None), verified_tokens=verified_tokens)

    for _ in range(3):
        if alg == "RS256":
            assert (await verifier.verify(token(alg))).subject == "alice"
        else:
            with pytest.raises(KeyNotFound):
                await verifier.verify(token(alg))


@pytest.mark.parametrize("accepted", RSA_ALGORITHMS)
@pytest.mark.parametrize("alg", RSA_ALGORITHMS)
async def test_an_rsa_key_without_alg_serves_the_only_rsa_algorithm_that_is_accepted(
    alg: str, accepted: str
) -> None:
    verifier = issuer.verifier(keys=keys(alg=None), algorithms=[accepted, "ES256"])

    if alg == accepted:
        assert (await verifier.verify(token(alg))).subject == "alice"
    else:
        with pytest.raises(InvalidTokenError):
            await verifier.verify(token(alg))


@pytest.mark.parametrize("alg_of_key", RSA_ALGORITHMS)
async def test_a_key_with_alg_serves_that_algorithm_only(alg_of_key: str) -> None:
    verifier = issuer.verifier(keys=keys(alg=alg_of_key))

    for alg in RSA_ALGORITHMS:
        if alg == alg_of_key:
            assert (await verifier.verify(token(alg))).subject == "alice"
        else:
            with pytest.raises(KeyNotFound):
                await verifier.verify(token(alg))


@pytest.mark.parametrize("kid", [issuer.key.kid, "another"])
async def test_a_key_listed_twice_serves_the_algorithm_that_one_of_its_entries_names(
    kid: str,
) -> None:
    twice = StaticKeys({"keys": [issuer.key.jwk(alg=None, kid=kid), issuer.key.jwk(alg="PS256")]})
    verifier = issuer.verifier(keys=twice)

    assert (await verifier.verify(token("PS256", kid=kid))).subject == "alice"
    with pytest.raises(KeyNotFound):
        await verifier.verify(token("RS256", kid=kid))


async def test_two_verifiers_with_the_same_keys_each_use_their_own_algorithm() -> None:
    shared = keys(alg=None)
    of_rs256 = issuer.verifier(keys=shared)
    of_ps256 = issuer.verifier(keys=shared, algorithms=["PS256"])

    assert (await of_rs256.verify(token("RS256"))).subject == "alice"
    assert (await of_ps256.verify(token("PS256"))).subject == "alice"
    with pytest.raises(InvalidTokenError):
        await of_rs256.verify(token("PS256"))


async def test_a_token_without_a_key_id_is_matched_only_with_keys_that_serve_its_algorithm() -> (
    None
):
    other = signing_key("RS256", "other", 1)
    of_ps256 = other.jwk(alg="PS256")
    one_fits = StaticKeys({"keys": [issuer.key.jwk(alg=None), of_ps256]})
    two_fit = StaticKeys({"keys": [issuer.key.jwk(alg=None), other.jwk(alg=None)]})

    assert (
        await issuer.verifier(keys=one_fits).verify(token("RS256", kid=None))
    ).subject == "alice"
    with pytest.raises(KeyAmbiguous):
        await issuer.verifier(keys=two_fit).verify(token("RS256", kid=None))


@pytest.mark.parametrize(
    ("accepted", "default"),
    [
        (["RS256"], "RS256"),
        (["PS512", "RS256", "RS384"], "RS256"),
        (["PS512", "ES256"], "PS512"),
        (["ES256", "EdDSA"], ""),
        (["RS384", "RS512"], None),
    ],
)
def test_the_accepted_algorithms_decide_what_an_rsa_key_without_alg_serves(
    accepted: list[str], default: str | None
) -> None:
    assert rsa_default(accepted) == default
