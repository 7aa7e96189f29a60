"""Refuses weak public keys: too small, too costly, or of a kind that is broken."""

from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from asgi_bearer.jose.algorithms import PublicKey

MIN_RSA_BITS: Final = 2048
"""RFC 7518 §3.3."""

MAX_RSA_BITS: Final = 16_384
"""OpenSSL does not verify with a larger modulus."""

MAX_RSA_EXPONENT_BITS: Final = 64
"""OpenSSL does not verify with a larger exponent, and each bit costs time."""

_PRIMES: Final = (
    *(3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89),
    *(97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167),
)

_P: Final = 2**255 - 19
_ORDER_8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_LOW_ORDER: Final = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})
"""y of the eight points of low order (RFC 8032 §5.1). Anybody can forge signatures for them. An
all-zero key is one of them, and cryptography accepts them all."""


def weakness(key: PublicKey) -> str | None:
    """Return why signatures made with `key` could be forged or are too costly, or None."""
    if isinstance(key, RSAPublicKey):
        return _rsa_weakness(key)
    if isinstance(key, Ed25519PublicKey):
        # The highest bit is the sign of x (RFC 8032 §5.1.2).
        y = int.from_bytes(key.public_bytes_raw(), "little") % 2**255
        return "its point has a low order" if y % _P in _LOW_ORDER else None
    # cryptography checks that the point is on the curve, and these curves have none of low order.
    return None


def _rsa_weakness(key: RSAPublicKey) -> str | None:
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        return f"RSA with {key.key_size} bits, {MIN_RSA_BITS} to {MAX_RSA_BITS} are allowed"
    numbers = key.public_numbers()
    if numbers.e.bit_length() > MAX_RSA_EXPONENT_BITS:
        return f"RSA with an exponent of more than {MAX_RSA_EXPONENT_BITS} bits"
    if numbers.n % 2 == 0:
        return "RSA with an even modulus"
    if _is_roca_modulus(numbers.n):
        return "RSA with a modulus that can be factored (CVE-2017-15361)"
    return None


@cache
def _powers() -> tuple[tuple[int, frozenset[int]], ...]:
    return tuple((p, frozenset(pow(65537, k, p) for k in range(p))) for p in _PRIMES)


def _is_roca_modulus(modulus: int) -> bool:
    """Return whether `modulus` has the fingerprint of a broken key generator (ROCA).

    The primes of that generator are powers of 65537 modulo all small primes, and so is their
    product. About one of 200 million good moduli matches by chance.
    """
    return all(modulus % prime in powers for prime, powers in _powers())
