"""The signature algorithms that can be configured, and what each asks of a key.

Symmetric algorithms and `none` are not in the table, so that no configuration and no token can
reach them (RFC 8725 §3.1, §3.2). The signatures themselves are PyJWT's and cryptography's.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm, RSAPSSAlgorithm

if TYPE_CHECKING:
    from jwt.algorithms import Algorithm


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """One row of the table.

    Arguments:
        name: the `alg` value (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2).
        kty: the key type it needs.
        crv: the curve it needs, or None for RSA.
        implementation: PyJWT's object that checks the signature.
    """

    name: str
    kty: str
    crv: str | None
    implementation: "Algorithm"


_ED25519 = OKPAlgorithm()

TABLE: Final = MappingProxyType(
    {
        algorithm.name: algorithm
        for algorithm in (
            SignatureAlgorithm("RS256", "RSA", None, RSAAlgorithm(RSAAlgorithm.SHA256)),
            SignatureAlgorithm("RS384", "RSA", None, RSAAlgorithm(RSAAlgorithm.SHA384)),
            SignatureAlgorithm("RS512", "RSA", None, RSAAlgorithm(RSAAlgorithm.SHA512)),
            SignatureAlgorithm("PS256", "RSA", None, RSAPSSAlgorithm(RSAPSSAlgorithm.SHA256)),
            SignatureAlgorithm("PS384", "RSA", None, RSAPSSAlgorithm(RSAPSSAlgorithm.SHA384)),
            SignatureAlgorithm("PS512", "RSA", None, RSAPSSAlgorithm(RSAPSSAlgorithm.SHA512)),
            SignatureAlgorithm("ES256", "EC", "P-256", ECAlgorithm(ECAlgorithm.SHA256)),
            SignatureAlgorithm("ES384", "EC", "P-384", ECAlgorithm(ECAlgorithm.SHA384)),
            SignatureAlgorithm("ES512", "EC", "P-521", ECAlgorithm(ECAlgorithm.SHA512)),
            SignatureAlgorithm("EdDSA", "OKP", "Ed25519", _ED25519),
            SignatureAlgorithm("Ed25519", "OKP", "Ed25519", _ED25519),
        )
    }
)

ALGORITHMS: Final = tuple(TABLE)
"""The names of all supported algorithms; what a verifier allows unless told otherwise."""


def served_by(kty: object, crv: object, alg: object) -> frozenset[str]:
    """Return the names of the algorithms that a key of this kind may serve.

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
