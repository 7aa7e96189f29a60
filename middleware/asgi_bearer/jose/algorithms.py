"""The supported signature algorithms, and which key each of them needs.

Symmetric algorithms and `none` are not in the table, so neither a configuration nor a token can
select them (RFC 8725 §3.1, §3.2). The package cryptography verifies the signatures.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
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
"""Takes a signature and the signed bytes; raises `InvalidSignature` if they do not match."""


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """One row of the table of algorithms.

    Arguments:
        name: the `alg` value (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2).
        kty: the key type.
        crv: the curve, or None for RSA.
        digest: the hash function.
    """

    name: str
    kty: str
    crv: str | None
    digest: HashAlgorithm

    def check_with(self, key: PublicKey) -> SignatureCheck:
        """Return the function that verifies signatures made with `key`."""
        digest = self.digest
        if isinstance(key, RSAPublicKey):
            padding = PSS(MGF1(digest), digest.digest_size) if self.name[:2] == "PS" else PKCS1v15()
            return lambda signature, signed: key.verify(signature, signed, padding, digest)
        if isinstance(key, EllipticCurvePublicKey):
            ecdsa, size = ECDSA(digest), (key.key_size + 7) // 8
            return lambda signature, signed: key.verify(_der(signature, size), signed, ecdsa)
        return key.verify


def _der(signature: bytes, size: int) -> bytes:
    """Return an ECDSA signature (RFC 7518 §3.4) in the DER format that cryptography takes."""
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
"""The names of all supported algorithms; a verifier accepts them by default."""

RSA_ALGORITHMS: Final = tuple(name for name, row in TABLE.items() if row.kty == "RSA")


def rsa_default(accepted: Collection[str]) -> str | None:
    """Return the algorithm of an RSA key without `alg`; empty if no RSA algorithm is accepted.

    A key is used for one algorithm only (RFC 8725 §3.1; NIST SP 800-57 part 1 §5.2): RS256, which
    every issuer has (RFC 7518 §3.1, OpenID Connect Core §15.1), or else the only RSA algorithm
    that is accepted. None if several are accepted without RS256.
    """
    accepted_rsa = [name for name in RSA_ALGORITHMS if name in accepted]
    if "RS256" in accepted_rsa or not accepted_rsa:
        return "RS256" if accepted_rsa else ""
    return accepted_rsa[0] if len(accepted_rsa) == 1 else None


def served_by(kty: object, crv: object, alg: object) -> frozenset[str]:
    """Return the names of the algorithms that a key may be used for.

    An RSA key without `alg` gets all RSA algorithms here; the verifier selects one of them
    (`rsa_default`).

    Arguments:
        kty: the key type.
        crv: the curve, or None.
        alg: the `alg` of the key, or None. If present, it is the only algorithm (RFC 7517 §4.4).
            `EdDSA` and `Ed25519` mean the same here, because Ed25519 is the only Edwards curve in
            the table (RFC 9864 §2.2).
    """
    fitting = frozenset(row.name for row in TABLE.values() if (row.kty, row.crv) == (kty, crv))
    if alg is None:
        return fitting
    if not isinstance(alg, str) or alg not in fitting:
        return frozenset()
    return fitting if kty == "OKP" else frozenset({alg})
