"""The tokens of the benchmarks: every verifier accepts valid ones, and junk has the stated size."""

from importlib.util import find_spec

import pytest

from asgi_bearer import Presented
from asgi_bearer.jwt.verifier import MAX_TOKEN_BYTES
from benchmarks.tokens import Signer, claims
from tests.support.missing import missing

ALGORITHMS = ["RS256", "PS384", "ES256", "ES512", "Ed25519"]


@pytest.fixture(autouse=True)
def joserfc() -> None:
    if find_spec("joserfc") is None:
        missing("joserfc is not installed; scripts/bench installs it")


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_every_verifier_accepts_a_valid_token(alg: str) -> None:
    from benchmarks.in_process import verifiers

    signer = Signer.new(alg)
    token = signer.token(claims(7))

    principal = await verifiers.ours(verifiers.remote(signer), cache=False).verify(Presented(token))
    verifiers.pyjwt(signer)(token)
    verifiers.joserfc_jwt(signer)(token)
    verifiers.signature_check(signer)(verifiers.signature_input(signer, token))

    assert principal.subject == claims(7)["sub"]
    assert {"read:contacts", "write:contacts"} <= principal.scopes


@pytest.mark.parametrize("change", [{"iss": "https://other.example/"}, {"aud": "x"}, {"exp": 1}])
def test_the_other_verifiers_also_check_the_claims(change: dict[str, object]) -> None:
    from benchmarks.in_process import verifiers

    signer = Signer.new("ES256")
    token = signer.token(claims() | change)

    for verify in (verifiers.pyjwt(signer), verifiers.joserfc_jwt(signer)):
        with pytest.raises(Exception, match=r"(?i)iss|aud|exp"):
            verify(token)


def test_junk_has_the_maximum_length_of_a_token() -> None:
    from benchmarks.in_process.refusals import invalid_requests

    sizes = {
        kind.what: len(kind.token or b"")
        for kind in invalid_requests(Signer.new("RS256"))
        if kind.what.startswith("16 KiB")
    }

    assert len(sizes) == 9
    assert all(0.99 * MAX_TOKEN_BYTES < size <= MAX_TOKEN_BYTES for size in sizes.values()), sizes
