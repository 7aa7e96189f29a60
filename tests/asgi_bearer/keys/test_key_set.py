"""The key set: which keys are candidates for a token, and which keys are never used."""

from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asgi_bearer.errors import KeyAmbiguous
from asgi_bearer.keys.jwk import MAX_CANDIDATES, KeySet
from asgi_bearer.testing import SigningKey, signing_key
from asgi_bearer.testing.signing import Json, b64, private_key
from tests.support.documents import without

RSA = signing_key("RS256", "rsa").jwk()
EC = signing_key("ES256", "ec").jwk()
OKP = signing_key("EdDSA", "okp").jwk()
GOOD = signing_key("ES384", "good").jwk()


def key_set_of(*entries: object) -> KeySet:
    return KeySet.from_jwks({"keys": list(entries)})


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"])
def test_a_key_verifies_only_what_its_private_key_signed(alg: str) -> None:
    key = signing_key(alg)
    published = key_set_of(key.jwk()).keys[0]
    signature = key.sign(b"message")

    assert published.verifies(alg, b"message", signature)
    assert not published.verifies(alg, b"massage", signature)
    assert not published.verifies(alg, b"message", signature[:-1])
    assert not published.verifies(alg, b"message", bytes(len(signature)))


@pytest.mark.conforms("keys with the same kid are distinguished; at most four are tried")
def test_keys_of_different_types_may_share_a_key_id() -> None:
    key_set = key_set_of({**RSA, "kid": "same"}, {**EC, "kid": "same"}, {**OKP, "kid": "same"})

    for alg in ("RS256", "ES256", "EdDSA"):
        assert [alg in key.algorithms for key in key_set.candidates(alg, "same")] == [True]


@pytest.mark.conforms("keys with the same kid are distinguished; at most four are tried")
def test_at_most_four_keys_with_one_key_id_are_candidates() -> None:
    keys = [signing_key("ES256", "same", number).jwk() for number in range(50)]

    key_set = key_set_of(*keys)

    assert len(key_set.keys) == 50
    assert len(key_set.candidates("ES256", "same")) == MAX_CANDIDATES == 4


@pytest.mark.conforms("keys with the same kid are distinguished; at most four are tried")
def test_a_key_that_is_listed_twice_counts_once() -> None:
    key_set = key_set_of(EC, dict(EC), {**EC, "ext": True})

    assert len(key_set.keys) == 1


@pytest.mark.conforms("a token without kid is good if exactly one key fits")
def test_a_token_without_a_key_id_gets_the_only_key_that_fits() -> None:
    key_set = key_set_of(RSA, EC)

    assert [key.kid for key in key_set.candidates("ES256", None)] == ["ec"]


@pytest.mark.conforms("a token without kid is good if exactly one key fits")
def test_a_token_without_a_key_id_is_refused_if_several_keys_fit() -> None:
    key_set = key_set_of(EC, signing_key("ES256", "other", 1).jwk())

    with pytest.raises(KeyAmbiguous, match="no kid, and 2 keys fit ES256"):
        key_set.candidates("ES256", None)


@pytest.mark.conforms("a token without kid is good if exactly one key fits")
def test_a_token_without_a_key_id_may_have_no_candidate() -> None:
    assert key_set_of(EC).candidates("RS256", None) == ()


@pytest.mark.parametrize("kid", ["", "EC", "ec ", "../ec", "ec\x00"])
def test_key_ids_are_compared_byte_for_byte(kid: str) -> None:
    key_set = key_set_of(EC)

    assert key_set.candidates("ES256", kid) == ()
    assert not key_set.has(kid)


@pytest.mark.parametrize("kid", ["", None])
def test_an_empty_key_id_counts_as_no_key_id(kid: str | None) -> None:
    """Some issuers write an empty kid into their keys, some into their tokens."""
    nameless = {**EC, "kid": kid}
    key_set = key_set_of(nameless, RSA)

    assert [key.kid for key in key_set.keys] == [None, "rsa"]
    assert [key.kid for key in key_set.candidates("ES256", "")] == [None]
    assert [key.kid for key in key_set.candidates("ES256", None)] == [None]
    assert key_set.has("")


def test_a_token_with_an_empty_key_id_does_not_match_keys_that_have_one() -> None:
    key_set = key_set_of({**OKP, "kid": ""}, EC, RSA)

    assert key_set.candidates("ES256", "") == ()
    assert not key_set_of(EC, RSA).has("")


def test_a_key_id_is_known_even_if_its_key_serves_another_algorithm() -> None:
    key_set = key_set_of(EC)

    assert key_set.has("ec")
    assert key_set.candidates("RS256", "ec") == ()


def test_sets_with_the_same_keys_are_equal() -> None:
    assert key_set_of(EC, RSA) == key_set_of(EC, {**RSA, "ext": 1})


@pytest.mark.parametrize(
    "other",
    [
        [EC],
        [EC, {**RSA, "kid": "other"}],
        [EC, without(RSA, "alg")],
        [EC, SigningKey("rsa", "RS256", private_key("RS256", 1)).jwk()],
    ],
    ids=["one-less", "other-kid", "other-alg", "other-key-under-the-same-kid"],
)
def test_sets_with_different_keys_differ(other: list[Json]) -> None:
    assert key_set_of(EC, RSA) != key_set_of(*other)


ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
NEGATIVE_ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
LOW_ORDER: list[tuple[str, bytes]] = [
    ("zero", bytes(32)),
    ("one", b"\1" + bytes(31)),
    ("order-8", ORDER_8),
    ("other-order-8", NEGATIVE_ORDER_8),
    ("minus-one", b"\xec" + b"\xff" * 30 + b"\x7f"),
    ("zero-unreduced", b"\xed" + b"\xff" * 30 + b"\x7f"),
    ("one-unreduced", b"\xee" + b"\xff" * 30 + b"\x7f"),
]


UNIVERSAL_SIGNATURE = b"\1" + bytes(63)
"""R is the neutral element of the curve, and S is zero."""


def accepts_universal_signature(point: bytes) -> bool:
    """Return whether a signature that was made without a private key verifies for some message."""
    for number in range(200):
        try:
            Ed25519PublicKey.from_public_bytes(point).verify(UNIVERSAL_SIGNATURE, b"%d" % number)
        except InvalidSignature:
            continue
        return True
    return False


@pytest.mark.conforms("a broken or unknown key does not affect the others")
@pytest.mark.parametrize("sign_of_x", [0, 0x80], ids=["even", "odd"])
@pytest.mark.parametrize("point", [row[1] for row in LOW_ORDER], ids=[row[0] for row in LOW_ORDER])
def test_a_key_of_low_order_is_not_used(point: bytes, sign_of_x: int) -> None:
    point = point[:31] + bytes([point[31] | sign_of_x])
    assert accepts_universal_signature(point)

    key_set = KeySet.from_jwks({"keys": [{**OKP, "x": b64(point)}, GOOD]})
    warnings = key_set.warnings

    assert [key.kid for key in key_set.keys] == ["good"]
    assert [str(warning) for warning in warnings] == [
        "key 1 (kid 'okp') is not used: its point has a low order"
    ]


def changed(jwk: Json, changes: Json) -> Json:
    return {**jwk, **changes}


NAMES = ["kty", "kid", "use", "key_ops", "alg", "crv", "n", "e", "x", "y", "d", "k"]
WORDS = ["RSA", "EC", "OKP", "oct", "sig", "enc", "verify", "P-256", "Ed25519", "ES256", "AQAB", ""]
TEXT = st.text("aZ09-_=. \x00ü\ud800", max_size=8)
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
ENTRIES: Any = VALUES | st.builds(
    changed,
    st.sampled_from([{}, RSA, EC, OKP]),
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4),
)


@pytest.mark.conforms("a broken or unknown key does not affect the others")
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["keys", "Keys"]), VALUES | st.lists(ENTRIES, max_size=5)))
def test_any_document_is_read_as_a_key_set_or_refused(document: Json) -> None:
    try:
        key_set = KeySet.from_jwks(document)
    except ValueError:
        return
    assert key_set.keys


@pytest.mark.conforms("a broken or unknown key does not affect the others")
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ENTRIES, max_size=5), st.lists(ENTRIES, max_size=5))
def test_no_entry_affects_a_valid_key_beside_it(before: list[object], after: list[object]) -> None:
    key_set = key_set_of(*before, GOOD, *after)

    assert key_set_of(GOOD).keys[0] in key_set.candidates("ES384", "good")


def test_only_the_first_thousand_entries_are_read() -> None:
    entries = [signing_key("Ed25519").jwk()] + [{"kty": "none"}] * 1000

    key_set = KeySet.from_jwks({"keys": entries})
    warnings = key_set.warnings

    assert len(key_set.keys) == 1
    assert "only the first 1000" in str(warnings[0])
