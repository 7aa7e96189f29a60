"""From a key set document to usable keys; an unusable entry is skipped with a warning."""

import re

import pytest

from asgi_bearer.keys import KeySet
from asgi_bearer.testing import SigningKey, signing_key
from asgi_bearer.testing.signing import Json, b64, private_key
from tests.support.documents import without

RSA = signing_key("RS256", "rsa").jwk()
EC = signing_key("ES256", "ec").jwk()
OKP = signing_key("EdDSA", "okp").jwk()
GOOD = signing_key("ES384", "good").jwk()
RSA_FAMILY = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
ZEROS = b64(bytes(32))


def read_keys(*entries: object) -> tuple[KeySet, tuple[str, ...]]:
    key_set = KeySet.from_jwks({"keys": list(entries)})
    warnings = key_set.warnings
    return key_set, tuple(map(str, warnings))


def stray_bits(value: str) -> str:
    """Return `value` with another last character that decodes to the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return value[:-1] + alphabet[alphabet.index(value[-1]) + 1]


SMALL = SigningKey("small", "RS256", private_key("RS256", bits=1024))

FAULTY: list[tuple[str, object, str]] = [
    ("null", None, "it is not an object"),
    ("text", "key", "it is not an object"),
    ("list", [EC], "it is not an object"),
    ("kid-number", {**EC, "kid": 7}, "kid is not a string"),
    ("kid-list", {**EC, "kid": ["ec"]}, "kid is not a string"),
    ("alg-number", {**EC, "alg": 256}, "alg is not a string"),
    ("alg-list", {**OKP, "alg": ["EdDSA"]}, "alg is not a string"),
    ("alg-object", {**OKP, "alg": {"EdDSA": 1}}, "alg is not a string"),
    ("rsa-without-n", without(RSA, "n"), "n is not a string"),
    ("rsa-without-e", without(RSA, "e"), "e is not a string"),
    ("rsa-n-number", {**RSA, "n": 2**2048}, "n is not a string"),
    ("rsa-n-empty", {**RSA, "n": ""}, "n is empty"),
    ("rsa-n-padded", {**RSA, "n": RSA["n"] + "=="}, "not canonical base64url"),
    ("rsa-n-plain-base64", {**RSA, "n": "+/" + RSA["n"][2:]}, "not canonical base64url"),
    ("rsa-n-line-feed", {**RSA, "n": RSA["n"] + "\n"}, "base64url"),
    ("rsa-n-not-ascii", {**RSA, "n": "ü" + RSA["n"]}, "base64url"),
    ("rsa-e-stray-bits", {**RSA, "e": stray_bits("Aw")}, "not canonical base64url"),
    ("rsa-n-zero", {**RSA, "n": b64(bytes(256))}, "do not form a key"),
    ("rsa-e-zero", {**RSA, "e": b64(b"\0")}, "do not form a key"),
    ("rsa-e-one", {**RSA, "e": b64(b"\1")}, "do not form a key"),
    ("rsa-e-even", {**RSA, "e": b64(b"\2")}, "do not form a key"),
    ("rsa-e-above-n", {**RSA, "e": b64(b"\1" + bytes(255) + b"\1")}, "do not form a key"),
    ("rsa-1024", SMALL.jwk(), "RSA with 1024 bits, 2048 to 16384 are allowed"),
    ("rsa-1024-and-zeros", {**RSA, "n": b64(bytes(200) + b"\x81" * 100)}, "RSA with 800 bits"),
    ("ec-without-x", without(EC, "x"), "x is not a string"),
    ("ec-without-y", without(EC, "y"), "y is not a string"),
    ("ec-x-null", {**EC, "x": None}, "x is not a string"),
    ("ec-not-on-the-curve", {**EC, "y": EC["x"]}, "do not form a key"),
    ("ec-zero", {**EC, "x": ZEROS, "y": ZEROS}, "do not form a key"),
    ("ec-short", {**EC, "x": EC["x"][:40]}, "do not form a key"),
    ("ec-long", {**EC, "x": b64(bytes(64))}, "do not form a key"),
    ("ec-of-another-curve", {**EC, "crv": "P-384", "alg": "ES384"}, "do not form a key"),
    ("okp-without-x", without(OKP, "x"), "x is not a string"),
    ("okp-short", {**OKP, "x": b64(bytes(31))}, "do not form a key"),
    ("okp-long", {**OKP, "x": b64(bytes(33))}, "do not form a key"),
]

OTHER_PURPOSE: list[tuple[str, Json]] = [
    ("no-kty", without(EC, "kty")),
    ("kty-unknown", {**EC, "kty": "AKP"}),
    ("kty-other-case", {**EC, "kty": "ec"}),
    ("kty-list", {**EC, "kty": ["EC"]}),
    ("kty-oct", {"kty": "oct", "k": b64(bytes(64)), "kid": "oct", "alg": "HS256"}),
    ("kty-oct-as-rs256", {"kty": "oct", "k": b64(bytes(64)), "kid": "oct", "alg": "RS256"}),
    ("use-enc", {**EC, "use": "enc"}),
    ("use-list", {**EC, "use": ["sig"]}),
    ("key-ops-sign", {**EC, "key_ops": ["sign"]}),
    ("key-ops-text", {**EC, "key_ops": "verify"}),
    ("alg-of-another-type", {**RSA, "alg": "ES256"}),
    ("alg-of-another-curve", {**EC, "alg": "ES384"}),
    ("alg-symmetric", {**RSA, "alg": "HS256"}),
    ("alg-none", {**RSA, "alg": "none"}),
    ("alg-for-encryption", {**RSA, "alg": "RSA-OAEP"}),
    ("alg-other-case", {**RSA, "alg": "rs256"}),
    ("crv-missing", without(EC, "crv")),
    ("crv-unknown", {**EC, "crv": "secp256k1", "alg": "ES256K"}),
    ("crv-list", {**EC, "crv": ["P-256"]}),
    ("okp-x25519", {**OKP, "crv": "X25519"}),
    ("okp-ed448", {**OKP, "crv": "Ed448", "x": b64(bytes(57))}),
    ("okp-as-ed448", {**OKP, "alg": "Ed448"}),
]


@pytest.mark.conforms(
    "RSA keys have 2048 bits or more",
    "a broken or unknown key does not affect the others",
)
@pytest.mark.parametrize(
    ("entry", "warning"), [row[1:] for row in FAULTY], ids=[row[0] for row in FAULTY]
)
def test_a_faulty_key_is_skipped_with_a_warning(entry: object, warning: str) -> None:
    key_set, warnings = read_keys(entry, GOOD)

    assert [key.kid for key in key_set.keys] == ["good"]
    assert len(warnings) == 1
    assert re.match(r"key 1( \(kid .*\))? is not used: ", warnings[0])
    assert warning in warnings[0]


@pytest.mark.conforms(
    "a broken or unknown key does not affect the others",
    "use and key_ops are respected",
    "the alg of a key limits its use",
    "symmetric keys and private members are not used",
)
@pytest.mark.parametrize(
    "entry", [row[1] for row in OTHER_PURPOSE], ids=[row[0] for row in OTHER_PURPOSE]
)
def test_a_key_for_another_purpose_is_skipped_and_is_not_a_fault(entry: Json) -> None:
    key_set = KeySet.from_jwks({"keys": [entry, GOOD]})
    warnings = key_set.warnings

    assert [key.kid for key in key_set.keys] == ["good"]
    (warning,) = warnings
    assert re.match(r"key 1( \(kid .*\))? is not used: ", str(warning))
    assert not warning.is_fault


@pytest.mark.conforms(
    "a broken or unknown key does not affect the others",
    "use and key_ops are respected",
)
@pytest.mark.parametrize(
    "entry",
    [row[1] for row in FAULTY] + [row[1] for row in OTHER_PURPOSE],
    ids=[row[0] for row in FAULTY] + [row[0] for row in OTHER_PURPOSE],
)
def test_a_set_without_a_usable_key_is_refused(entry: object) -> None:
    with pytest.raises(
        ValueError, match=r"^the key set has no usable key; key 1( \(kid .*\))? is not used: "
    ):
        read_keys(entry)


EXTRA: list[tuple[str, Json]] = [
    ("unknown-members", {**EC, "ext": True, "issuer": {"deep": [1]}}),
    ("certificates", {**EC, "x5c": ["AAAA"], "x5u": "https://evil.example/", "x5t": "AAAA"}),
    ("key-ops", {**EC, "key_ops": ["sign", "verify", 7]}),
    ("no-use", without(EC, "use")),
    ("no-kid", without(EC, "kid")),
    ("kid-null", {**EC, "kid": None}),
    ("kid-empty", {**EC, "kid": ""}),
    ("use-null", {**EC, "use": None}),
    ("use-empty", {**EC, "use": ""}),
    ("key-ops-null", {**EC, "key_ops": None}),
    ("key-ops-empty", {**EC, "key_ops": []}),
    ("alg-null", {**EC, "alg": None}),
    ("alg-empty", {**EC, "alg": ""}),
    ("all-empty", {**EC, "use": "", "key_ops": [], "alg": "", "kid": None, "x5c": []}),
    ("huge-number", {**EC, "exp": 10**4000}),
]


@pytest.mark.conforms("a broken or unknown key does not affect the others")
@pytest.mark.parametrize("entry", [row[1] for row in EXTRA], ids=[row[0] for row in EXTRA])
def test_a_key_with_empty_or_unknown_members_is_used(entry: Json) -> None:
    key_set, warnings = read_keys(entry)

    assert [key.algorithms for key in key_set.keys] == [{"ES256"}]
    assert warnings == ()


NOT_KEY_SETS: list[tuple[str, Json]] = [
    ("empty-object", {}),
    ("keys-null", {"keys": None}),
    ("keys-object", {"keys": {"ec": EC}}),
    ("keys-text", {"keys": "EC"}),
    ("other-case", {"Keys": [EC]}),
    ("one-key-without-a-set", EC),
    ("pem-by-kid", {"ec": "-----BEGIN CERTIFICATE-----"}),
]


@pytest.mark.conforms("a nonsense answer does not replace a good key set")
@pytest.mark.parametrize(
    "document", [row[1] for row in NOT_KEY_SETS], ids=[r[0] for r in NOT_KEY_SETS]
)
def test_a_document_without_an_array_of_keys_is_refused(document: Json) -> None:
    with pytest.raises(ValueError, match="the key set has no array of keys"):
        KeySet.from_jwks(document)


@pytest.mark.conforms("a nonsense answer does not replace a good key set")
def test_an_empty_key_set_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^the key set has no usable key$"):
        read_keys()


def test_the_error_stays_short_with_many_faulty_keys() -> None:
    with pytest.raises(ValueError, match="key 3") as error:
        read_keys(*[{**EC, "alg": "x" * 5000}] * 500)

    assert len(str(error.value)) < 1000


SERVED: list[tuple[str, Json, set[str]]] = [
    ("rsa", without(RSA, "alg"), RSA_FAMILY),
    ("rsa-alg", RSA, {"RS256"}),
    ("rsa-pss", {**RSA, "alg": "PS512"}, {"PS512"}),
    ("p-256", without(EC, "alg"), {"ES256"}),
    ("p-384", without(GOOD, "alg"), {"ES384"}),
    ("p-521", signing_key("ES512").jwk(alg=None), {"ES512"}),
    ("ed25519", without(OKP, "alg"), {"EdDSA", "Ed25519"}),
    ("ed25519-eddsa", OKP, {"EdDSA", "Ed25519"}),
    ("ed25519-by-name", {**OKP, "alg": "Ed25519"}, {"EdDSA", "Ed25519"}),
]


@pytest.mark.conforms("the alg of a key limits its use")
@pytest.mark.parametrize(
    ("entry", "names"), [row[1:] for row in SERVED], ids=[row[0] for row in SERVED]
)
def test_the_type_and_alg_of_a_key_decide_which_algorithms_it_serves(
    entry: Json, names: set[str]
) -> None:
    key_set, _ = read_keys(entry)

    assert key_set.keys[0].algorithms == names


PRIVATE: list[tuple[str, Json]] = [
    ("rsa", {**RSA, "d": "c2VjcmV0", "p": "c2VjcmV0", "q": "c2VjcmV0"}),
    ("rsa-only-d", {**RSA, "d": 7}),
    ("ec", {**EC, "d": "c2VjcmV0"}),
    ("okp", {**OKP, "d": "c2VjcmV0"}),
    ("k-beside", {**EC, "k": "c2VjcmV0"}),
]


@pytest.mark.conforms("symmetric keys and private members are not used")
@pytest.mark.parametrize("entry", [row[1] for row in PRIVATE], ids=[row[0] for row in PRIVATE])
def test_only_the_public_members_of_a_private_key_are_used(entry: Json) -> None:
    key_set, warnings = read_keys(entry)

    (warning,) = warnings
    assert re.fullmatch(r"key 1 \(kid '\w+'\) is published with private members", warning)
    assert key_set.keys[0] == read_keys(without(entry, "d", "p", "q", "k"))[0].keys[0]
    assert "c2VjcmV0" not in repr(key_set) + repr(warnings)


def test_the_repr_of_a_key_set_shows_no_key_material() -> None:
    key_set, _ = read_keys(RSA)

    assert RSA["n"] not in repr(key_set)
    assert "rsa" in repr(key_set)


def test_an_empty_alg_counts_as_no_alg() -> None:
    for empty in ("", None):
        key_set, warnings = read_keys({**RSA, "alg": empty, "crv": empty})

        assert key_set == read_keys(without(RSA, "alg"))[0]
        assert warnings == ()


def test_the_warning_about_a_skipped_key_names_its_key_id_and_shows_no_key_material() -> None:
    _, warnings = read_keys({**EC, "use": "enc", "kid": "a\nb" + "c" * 999}, GOOD)
    # A warning is also a string.
    assert "; ".join(warnings) == str(warnings[0])

    assert warnings[0].startswith(r"key 1 (kid 'a\nbccc")
    assert warnings[0].endswith("is not used: use is 'enc'")
    assert len(warnings[0]) < 150
    assert EC["x"] not in warnings[0]
