"""The signature algorithms that can be configured, and what each asks of a key.

Symmetric algorithms and `none` are not in the table, so that no configuration and no token can
reach them (RFC 8725 §3.1, §3.2). The signatures themselves are cryptography's.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

SignatureCheck = Callable[[bytes, bytes], None]
"""Takes a signature and what was signed; raises `InvalidSignature` if it is none of that."""


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """One row of the table.

    Arguments:
        name: the `alg` value (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2).
        kty: the key type it needs.
        crv: the curve it needs, or None for RSA.
        digest: the hash function that it signs with.
    """

    name: str
    kty: str
    crv: str | None
    digest: HashAlgorithm

    def check_with(self, key: PublicKey) -> SignatureCheck:
        """Return what checks signatures by `key`, with all that it needs made beforehand."""
        digest = self.digest
        if isinstance(key, RSAPublicKey):
            padding = PSS(MGF1(digest), digest.digest_size) if self.name[:2] == "PS" else PKCS1v15()
            return partial(key.verify, padding=padding, algorithm=digest)
        if isinstance(key, EllipticCurvePublicKey):
            ecdsa, size = ECDSA(digest), (key.key_size + 7) // 8
            return lambda signature, signed: key.verify(_der(signature, size), signed, ecdsa)
        return key.verify


def _der(signature: bytes, size: int) -> bytes:
    """Return the two numbers of RFC 7518 §3.4 as cryptography wants them."""
    if len(signature) != 2 * size:
        raise InvalidSignature
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    return encode_dss_signature(r, s)


TABLE: Final = MappingProxyType(
    {
        algorithm.name: algorithm
        for algorithm in (
            SignatureAlgorithm("RS256", "RSA", None, SHA256()),
            SignatureAlgorithm("RS384", "RSA", None, SHA384()),
            SignatureAlgorithm("RS512", "RSA", None, SHA512()),
            SignatureAlgorithm("PS256", "RSA", None, SHA256()),
            SignatureAlgorithm("PS384", "RSA", None, SHA384()),
            SignatureAlgorithm("PS512", "RSA", None, SHA512()),
            SignatureAlgorithm("ES256", "EC", "P-256", SHA256()),
            SignatureAlgorithm("ES384", "EC", "P-384", SHA384()),
            SignatureAlgorithm("ES512", "EC", "P-521", SHA512()),
            SignatureAlgorithm("EdDSA", "OKP", "Ed25519", SHA512()),
            SignatureAlgorithm("Ed25519", "OKP", "Ed25519", SHA512()),
        )
    }
)

ALGORITHMS: Final = tuple(TABLE)
"""The names of all supported algorithms; what a verifier allows unless told otherwise."""


RSA_ALGORITHMS: Final = tuple(name for name, row in TABLE.items() if row.kty == "RSA")


def rsa_default(accepted: Collection[str]) -> str | None:
    """Return the algorithm that an RSA key without `alg` serves; empty if RSA is not accepted.

    One key serves one algorithm (RFC 8725 §3.1; NIST SP 800-57 part 1 §5.2): RS256, which every
    issuer has (RFC 7518 §3.1, OpenID Connect Core §15.1), or else the only one that is accepted.
    None if the accepted algorithms leave open which.
    """
    of_rsa = [name for name in RSA_ALGORITHMS if name in accepted]
    if "RS256" in of_rsa or not of_rsa:
        return "RS256" if of_rsa else ""
    return of_rsa[0] if len(of_rsa) == 1 else None


def served_by(kty: object, crv: object, alg: object) -> frozenset[str]:
    """Return the names of the algorithms that a key of this kind may serve.

    Those of an RSA key without `alg` are narrowed to one by the verifier (`rsa_default`).

    Arguments:
        kty: key type, as the key set has it.
        crv: its curve, None where it has none.
        alg: the key's own `alg`, None where it has none. It narrows the answer to itself
            (RFC 7517 §4.4); `EdDSA` and `Ed25519` are two names of one algorithm here, because
            this table holds no other Edwards curve (RFC 9864 §2.2).
    """
    fitting = frozenset(row.name for row in TABLE.values() if (row.kty, row.crv) == (kty, crv))
    if alg is None:
        return fitting
    if not isinstance(alg, str) or alg not in fitting:
        return frozenset()
    return fitting if kty == "OKP" else frozenset({alg})
