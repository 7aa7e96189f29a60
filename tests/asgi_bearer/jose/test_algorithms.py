"""The signature algorithms: published examples, and the algorithms that each kind of key serves."""

import itertools

import pytest

from asgi_bearer import ALGORITHMS
from asgi_bearer.jose.algorithms import TABLE, served_by
from asgi_bearer.jose.encoding import base64url_decode
from asgi_bearer.keys import Key
from asgi_bearer.keys.jwk import KeySet
from asgi_bearer.testing import signing_key
from tests.vectors import rfc7515, rfc7520, rfc8037
from tests.vectors.signature import SignatureVector

VECTORS = (*rfc7515.VECTORS, *rfc7520.VECTORS, *rfc8037.VECTORS)
NONE: set[str] = set()
RSA_ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}


def only_key(jwk: dict[str, object]) -> Key:
    """Return the key of a set that holds one."""
    key_set = KeySet.from_jwks({"keys": [jwk]})
    warnings = key_set.warnings
    (key,) = key_set.keys
    assert warnings == ()
    return key


@pytest.mark.conforms(
    "curve and signature length belong to the algorithm",
    "Ed25519 is accepted by its own name and as EdDSA",
    "RS256 works without configuration",
)
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.source)
def test_a_published_signature_verifies(vector: SignatureVector) -> None:
    key = only_key(dict(vector.jwk))

    assert vector.alg in key.algorithms
    assert key.verifies(
        vector.alg, vector.signing_input.encode(), base64url_decode(vector.signature)
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.source)
def test_a_published_signature_verifies_no_other_text_signature_or_algorithm(
    vector: SignatureVector,
) -> None:
    key = only_key(dict(vector.jwk))
    signature = base64url_decode(vector.signature)
    signing_input = vector.signing_input.encode()

    assert not key.verifies(vector.alg, signing_input + b"A", signature)
    assert not key.verifies(vector.alg, signing_input, signature[:-1] + bytes([signature[-1] ^ 1]))
    for alg in key.algorithms - {vector.alg} - {"Ed25519"}:
        assert not key.verifies(alg, signing_input, signature)


@pytest.mark.conforms(
    "Ed25519 is accepted by its own name and as EdDSA",
    "RS256 works without configuration",
)
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_each_supported_algorithm_verifies_its_own_signature(alg: str) -> None:
    signer = signing_key(alg)
    key = only_key(signer.jwk())

    assert key.verifies(alg, b"header.claims", signer.sign(b"header.claims"))


@pytest.mark.conforms(
    "alg none is refused in any spelling",
    "an RSA public key never serves as an HMAC secret",
    "no symmetric algorithm can be configured",
)
def test_exactly_the_asymmetric_algorithms_are_supported() -> None:
    assert set(ALGORITHMS) == RSA_ALGORITHMS | {"ES256", "ES384", "ES512", "EdDSA", "Ed25519"}


@pytest.mark.conforms(
    "an RSA public key never serves as an HMAC secret",
    "one key serves one algorithm",
    "curve and signature length belong to the algorithm",
    "Ed25519 is accepted by its own name and as EdDSA",
)
@pytest.mark.parametrize(
    ("kty", "crv", "alg", "served"),
    [
        pytest.param("RSA", None, None, RSA_ALGORITHMS, id="RSA"),
        # RFC 8725 §3.1.
        pytest.param("RSA", None, "RS256", {"RS256"}, id="RSA for RS256"),
        pytest.param("RSA", None, "PS512", {"PS512"}, id="RSA for PS512"),
        pytest.param("RSA", None, "RSA-OAEP", NONE, id="RSA for encryption"),
        pytest.param("RSA", None, "ES256", NONE, id="RSA for ES256"),
        pytest.param("RSA", None, "HS256", NONE, id="RSA for HS256"),
        pytest.param("RSA", None, "rs256", NONE, id="RSA for rs256"),
        pytest.param("RSA", None, 256, NONE, id="RSA for a number"),
        pytest.param("RSA", None, ["RS256"], NONE, id="RSA for an array"),
        # RFC 7518 §3.4.
        pytest.param("EC", "P-256", None, {"ES256"}, id="P-256"),
        pytest.param("EC", "P-384", None, {"ES384"}, id="P-384"),
        pytest.param("EC", "P-521", None, {"ES512"}, id="P-521"),
        pytest.param("EC", "P-384", "ES256", NONE, id="P-384 for ES256"),
        pytest.param("EC", "P-256", "ES256", {"ES256"}, id="P-256 for ES256"),
        pytest.param("EC", "secp256k1", None, NONE, id="a curve that is not supported"),
        pytest.param("EC", None, None, NONE, id="no curve"),
        pytest.param("EC", ["P-256"], None, NONE, id="a curve in an array"),
        # RFC 9864 §2.2.
        pytest.param("OKP", "Ed25519", None, {"EdDSA", "Ed25519"}, id="Ed25519"),
        pytest.param("OKP", "Ed25519", "EdDSA", {"EdDSA", "Ed25519"}, id="Ed25519 for EdDSA"),
        pytest.param("OKP", "Ed25519", "Ed25519", {"EdDSA", "Ed25519"}, id="Ed25519 by its name"),
        pytest.param("OKP", "Ed25519", "ES256", NONE, id="Ed25519 for ES256"),
        pytest.param("OKP", "Ed25519", ["EdDSA"], NONE, id="Ed25519 for an array"),
        pytest.param("OKP", "Ed448", None, NONE, id="Ed448"),
        pytest.param("OKP", "X25519", None, NONE, id="X25519"),
        # RFC 8725 §3.1.
        pytest.param("oct", None, "HS256", NONE, id="symmetric"),
        pytest.param("oct", None, None, NONE, id="symmetric without alg"),
        pytest.param(None, None, None, NONE, id="no kty"),
        pytest.param(["RSA"], None, None, NONE, id="kty in an array"),
    ],
)
def test_kty_crv_and_alg_decide_which_algorithms_a_key_serves(
    kty: object, crv: object, alg: object, served: set[str]
) -> None:
    assert served_by(kty, crv, alg) == served


@pytest.mark.conforms("one key serves one algorithm")
@pytest.mark.parametrize(
    ("made", "claimed"), list(itertools.permutations(sorted(RSA_ALGORITHMS), 2))
)
def test_an_rsa_signature_verifies_with_its_own_algorithm_only(made: str, claimed: str) -> None:
    signer = signing_key("RS256")
    key = only_key(signer.jwk(alg=None))

    assert not key.verifies(claimed, b"text", signer.sign(b"text", made))


def test_the_table_of_algorithms_is_read_only() -> None:
    with pytest.raises(TypeError):
        TABLE["none"] = TABLE["RS256"]  # type: ignore[index]  # pyright: ignore[reportIndexIssue] - that is the test


@pytest.mark.conforms("curve and signature length belong to the algorithm")
@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512"])
def test_an_ecdsa_signature_of_another_length_is_refused(alg: str) -> None:
    """Two numbers of the curve's size, leading zeros included (RFC 7518 §3.4)."""
    signer = signing_key(alg)
    key = only_key(signer.jwk())
    signed = b"header.claims"
    # ECDSA is randomized: one signature in 256 (two for P-521) has a leading zero in its second
    # number.
    size = len(signer.sign(signed)) // 2
    signature = next(made for _ in itertools.count() if not (made := signer.sign(signed))[size])

    assert key.verifies(alg, signed, signature)
    assert not key.verifies(alg, signed, signature[:size] + signature[size + 1 :])
    assert not key.verifies(alg, signed, signature[:size] + b"\0" + signature[size:])
    assert not key.verifies(alg, signed, signature + b"\0")
    assert not key.verifies(alg, signed, b"")
