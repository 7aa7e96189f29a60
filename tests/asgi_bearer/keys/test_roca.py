"""RSA moduli that a broken generator made."""

import math

import pytest

from asgi_bearer.keys.jwk import key_set_from
from asgi_bearer.keys.roca import is_roca_modulus
from tests.fake_issuer import b64, private_key, signing_key

PRIMORIAL = math.prod(n for n in range(2, 168) if all(n % d for d in range(2, n)))


def broken_prime(power: int, bits: int) -> int:
    """A number as the broken generator makes them: a power of 65537 modulo small primes."""
    return (1 << bits) // PRIMORIAL * PRIMORIAL + pow(65537, power, PRIMORIAL)


def test_a_modulus_of_the_broken_generator_is_recognised() -> None:
    assert is_roca_modulus(broken_prime(11, 1024) * broken_prime(12, 1024))


@pytest.mark.parametrize("number", range(3))
def test_a_sound_modulus_is_not(number: int) -> None:
    assert not is_roca_modulus(private_key("RS256", number).public_key().public_numbers().n)


def test_a_key_with_such_a_modulus_is_not_used() -> None:
    modulus = broken_prime(11, 1024) * broken_prime(12, 1024)
    encoded = b64(modulus.to_bytes((modulus.bit_length() + 7) // 8, "big"))
    good, broken = signing_key(), signing_key(kid="broken").jwk(n=encoded)

    key_set, remarks = key_set_from({"keys": [broken, good.jwk()]})

    assert [key.kid for key in key_set.keys] == ["k1"]
    assert "CVE-2017-15361" in remarks[0]
