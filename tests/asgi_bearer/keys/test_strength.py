"""Public keys that are well-formed but weak."""

import math

import pytest

from asgi_bearer.keys.jwk import KeySet
from asgi_bearer.testing import signing_key
from asgi_bearer.testing.signing import b64

PRIMORIAL = math.prod(n for n in range(2, 168) if all(n % d for d in range(2, n)))
STRONG_MODULUS = signing_key().private_key.public_key().public_numbers().n


def broken_prime(power: int) -> int:
    """Return a number as a faulty generator makes it: a power of 65537 modulo the small primes."""
    return (1 << 1024) // PRIMORIAL * PRIMORIAL + pow(65537, power, PRIMORIAL)


def encoded_number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


WEAK = [
    pytest.param(
        {"n": encoded_number(broken_prime(11) * broken_prime(12))}, "CVE-2017-15361", id="roca"
    ),
    pytest.param({"n": encoded_number(STRONG_MODULUS + 1)}, "even modulus", id="even"),
    pytest.param({"n": encoded_number((1 << 16_384) + 1)}, "16385 bits", id="too-large"),
    pytest.param({"n": encoded_number((1 << 2046) + 1)}, "2047 bits", id="too-small"),
    pytest.param({"e": encoded_number((1 << 64) + 1)}, "exponent", id="costly-exponent"),
]


@pytest.mark.conforms("RSA keys have 2048 bits or more")
@pytest.mark.parametrize(("members", "warning"), WEAK)
def test_a_weak_rsa_key_is_skipped_with_a_warning_that_says_why(
    members: dict[str, str], warning: str
) -> None:
    weak, good = signing_key(kid="weak").jwk(**members), signing_key()

    key_set = KeySet.from_jwks({"keys": [weak, good.jwk()]})
    warnings = key_set.warnings

    assert [key.kid for key in key_set.keys] == ["k1"]
    assert warning in str(warnings[0])


@pytest.mark.conforms("a nonsense answer does not replace a good key set")
@pytest.mark.parametrize("members", [weak.values[0] for weak in WEAK])
def test_a_set_of_only_weak_keys_is_refused(members: dict[str, str]) -> None:
    """A source that has a good set must keep it."""
    with pytest.raises(ValueError, match="no usable key"):
        KeySet.from_jwks({"keys": [signing_key().jwk(**members)]})


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({}, id="usual"),
        pytest.param({"e": encoded_number(3)}, id="small-exponent"),
        pytest.param({"e": encoded_number((1 << 63) + 1)}, id="largest-exponent"),
        pytest.param({"n": encoded_number((1 << 16_383) + 1)}, id="largest-modulus"),
    ],
)
def test_a_strong_rsa_key_is_used(members: dict[str, str]) -> None:
    key_set = KeySet.from_jwks({"keys": [signing_key().jwk(**members)]})
    warnings = key_set.warnings

    assert len(key_set.keys) == 1
    assert warnings == ()
