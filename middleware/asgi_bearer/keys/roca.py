"""RSA moduli that a broken generator made, and that can be factored (ROCA, CVE-2017-15361)."""

from functools import cache
from typing import Final

_PRIMES: Final = (
    *(3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89),
    *(97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167),
)


@cache
def _powers() -> tuple[tuple[int, frozenset[int]], ...]:
    return tuple((p, frozenset(pow(65537, k, p) for k in range(p))) for p in _PRIMES)


def is_roca_modulus(modulus: int) -> bool:
    """Return whether `modulus` bears the fingerprint of the broken generator.

    Its primes are powers of 65537 modulo all small primes, and so is their product. A sound
    modulus passes by chance about once in two hundred million.
    """
    return all(modulus % prime in powers for prime, powers in _powers())
