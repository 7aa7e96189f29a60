"""One key serves one algorithm, also where the key set does not name it (RFC 8725 §3.1)."""

from typing import Any

import pytest

from asgi_bearer import InvalidTokenError, KeyAmbiguous, KeyNotFound, Presented, StaticKeys
from asgi_bearer.jose.algorithms import RSA_ALGORITHMS, rsa_default
from tests.support.fake_issuer import FakeClock, FakeIssuer, compact, signing_key

issuer = FakeIssuer(clock=FakeClock())


def token(alg: str, **header: Any) -> Presented:
    """Return a token of the issuer's RSA key, signed by any of the algorithms of RSA."""
    return Presented(compact(issuer.header(alg=alg, **header), issuer.claims(), issuer.key, alg))


def keys(**changes: Any) -> StaticKeys:
    """Return the issuer's key with changed members."""
    return StaticKeys({"keys": [issuer.key.jwk(**changes)]})


@pytest.mark.conforms("one key serves one algorithm")
@pytest.mark.parametrize("alg", RSA_ALGORITHMS)
@pytest.mark.parametrize("verified_tokens", [0, 10], ids=["cache off", "cache on"])
async def test_an_rsa_key_without_alg_serves_rs256_alone(alg: str, verified_tokens: int) -> None:
    verifier = issuer.verifier(keys=keys(alg=None), verified_tokens=verified_tokens)

    for _ in range(3):
        if alg == "RS256":
            assert (await verifier.verify(token(alg))).subject == "alice"
        else:
            with pytest.raises(KeyNotFound):
                await verifier.verify(token(alg))


@pytest.mark.parametrize("accepted", RSA_ALGORITHMS)
@pytest.mark.parametrize("alg", RSA_ALGORITHMS)
async def test_or_else_the_only_one_that_is_accepted(alg: str, accepted: str) -> None:
    verifier = issuer.verifier(keys=keys(alg=None), algorithms=[accepted, "ES256"])

    if alg == accepted:
        assert (await verifier.verify(token(alg))).subject == "alice"
    else:
        with pytest.raises(InvalidTokenError):
            await verifier.verify(token(alg))


@pytest.mark.parametrize("named", RSA_ALGORITHMS)
async def test_a_key_that_names_its_algorithm_serves_that_one(named: str) -> None:
    verifier = issuer.verifier(keys=keys(alg=named))

    for alg in RSA_ALGORITHMS:
        if alg == named:
            assert (await verifier.verify(token(alg))).subject == "alice"
        else:
            with pytest.raises(KeyNotFound):
                await verifier.verify(token(alg))


@pytest.mark.parametrize("kid", [issuer.key.kid, "another"])
async def test_an_entry_without_alg_serves_what_another_entry_of_its_key_names(kid: str) -> None:
    twice = StaticKeys({"keys": [issuer.key.jwk(alg=None, kid=kid), issuer.key.jwk(alg="PS256")]})
    verifier = issuer.verifier(keys=twice)

    assert (await verifier.verify(token("PS256", kid=kid))).subject == "alice"
    with pytest.raises(KeyNotFound):
        await verifier.verify(token("RS256", kid=kid))


async def test_verifiers_that_share_keys_are_each_asked_for_their_own_algorithm() -> None:
    shared = keys(alg=None)
    of_rs256 = issuer.verifier(keys=shared)
    of_ps256 = issuer.verifier(keys=shared, algorithms=["PS256"])

    assert (await of_rs256.verify(token("RS256"))).subject == "alice"
    assert (await of_ps256.verify(token("PS256"))).subject == "alice"
    with pytest.raises(InvalidTokenError):
        await of_rs256.verify(token("PS256"))


async def test_without_a_key_id_only_the_keys_that_may_serve_are_counted() -> None:
    other = signing_key("RS256", "other", 1)
    of_ps256 = other.jwk(alg="PS256")
    one = StaticKeys({"keys": [issuer.key.jwk(alg=None), of_ps256]})
    two = StaticKeys({"keys": [issuer.key.jwk(alg=None), other.jwk(alg=None)]})

    assert (await issuer.verifier(keys=one).verify(token("RS256", kid=None))).subject == "alice"
    with pytest.raises(KeyAmbiguous):
        await issuer.verifier(keys=two).verify(token("RS256", kid=None))


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
def test_the_algorithm_of_keys_that_name_none(accepted: list[str], default: str | None) -> None:
    assert rsa_default(accepted) == default
