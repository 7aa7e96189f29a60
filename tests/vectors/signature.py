"""What a published signature example consists of."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SignatureVector:
    """A signature that must verify.

    Arguments:
        source: where it was published.
        alg: the algorithm that it was made with.
        jwk: the public key.
        signing_input: what was signed.
        signature: in base64url.
    """

    source: str
    alg: str
    jwk: Mapping[str, str]
    signing_input: str
    signature: str
