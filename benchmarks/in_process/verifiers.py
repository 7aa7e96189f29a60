"""Whoever verifies an access token, each as its documentation has it and with the same checks:
signature, issuer, audience, expiry, `nbf`, `iat`, 30 seconds of leeway.
"""

from base64 import urlsafe_b64decode
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

import joserfc.jwk
import joserfc.jwt
import jwt
from cryptography.hazmat.primitives.asymmetric import utils
from jwt.algorithms import OKPAlgorithm

from asgi_bearer import JWTVerifier, StaticKeys, remote_keys
from asgi_bearer.jwt.verifier import MAX_TOKEN_BYTES
from asgi_bearer.keys import KeyEvent, KeySetStatus, KeySource
from benchmarks.in_process.signing import ISSUER, JWKS_URI, Published, Signer, jwk_set
from benchmarks.tokens import AUDIENCE

LEEWAY: Final = 30

Signed = tuple[bytes, bytes]
"""What was signed, and the signature as `cryptography` takes it."""


def ours(keys: KeySource, *, cache: bool, max_token_bytes: int = MAX_TOKEN_BYTES) -> JWTVerifier:
    """Return the verifier, with the cache of its default size or without one."""
    verifier = partial(
        JWTVerifier,
        issuer=ISSUER,
        audience=AUDIENCE,
        keys=keys,
        leeway=LEEWAY,
        max_token_bytes=max_token_bytes,
    )
    return verifier() if cache else verifier(verified_tokens=0)


def remote(*signers: Signer) -> KeySource:
    """Return the keys as applications have them: fetched, by something that need not wait."""
    return remote_keys(jwks_uri=JWKS_URI, fetch=Published(*signers), observer=_say_nothing)


def static(*signers: Signer) -> KeySource:
    """Return the keys as they are known from the start."""
    return StaticKeys(jwk_set(*signers))


def raw(signer: Signer) -> Callable[[Signed], None]:
    """Return the one call of `cryptography` that no verifier can do without."""
    verify, extra = signer.private_key.public_key().verify, signer.extra

    def check(signed: Signed) -> None:
        signing_input, signature = signed
        verify(signature, signing_input, *extra)

    return check


def signed(signer: Signer, token: str) -> Signed:
    """Return what `raw` takes; the signature of an elliptic curve as DER, ready made."""
    signing_input, _, encoded = token.rpartition(".")
    signature = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    if signer.alg.startswith("ES"):
        half = len(signature) // 2
        numbers = (int.from_bytes(part) for part in (signature[:half], signature[half:]))
        signature = utils.encode_dss_signature(*numbers)
    return signing_input.encode(), signature


def pyjwt(signer: Signer) -> Callable[[str], object]:
    """Return `jwt.decode` with a loaded key."""
    if signer.alg == "Ed25519":
        # It knows the algorithm by its older name, EdDSA, alone, or from an earlier call.
        with suppress(ValueError):
            jwt.register_algorithm("Ed25519", OKPAlgorithm())
    key = signer.private_key.public_key()
    return lambda token: jwt.decode(
        token,
        key,
        algorithms=[signer.alg],
        audience=AUDIENCE,
        issuer=ISSUER,
        leeway=LEEWAY,
        options={"require": ["iss", "aud", "exp"]},
    )


def joserfc_jwt(signer: Signer) -> Callable[[str], object]:
    """Return joserfc's `jwt.decode` with a loaded key, and its registry of claims."""
    key = joserfc.jwk.import_key(signer.jwk())
    registry = joserfc.jwt.JWTClaimsRegistry(
        leeway=LEEWAY,
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
    )

    def verify(token: str) -> object:
        decoded = joserfc.jwt.decode(token, key, algorithms=[signer.alg])
        registry.validate(decoded.claims)
        return decoded.claims

    return verify


def _say_nothing(event: KeyEvent, status: KeySetStatus) -> None:
    # Unknown keys are named on purpose.
    return None
