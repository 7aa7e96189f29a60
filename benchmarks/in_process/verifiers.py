"""The measured verifiers, each used as its documentation shows, with the same checks.

Signature, issuer, audience, expiry, `nbf` and `iat`, with 30 seconds of leeway.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence
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
from asgi_bearer.keys import Document, KeyEvent, KeySetStatus, KeySource
from benchmarks.in_process.timed_calls import timed
from benchmarks.tokens import AUDIENCE, ISSUER, JWKS_URI, Signer, jwk_set

LEEWAY: Final = 30

SIGNATURE_CHECK: Final = "the signature check alone"
"""The call of `cryptography` that every verifier needs, with a loaded key."""

Signed = tuple[bytes, bytes]
"""The signing input, and the signature in the form that `cryptography` takes."""


def ours(keys: KeySource, *, cache: bool, max_token_bytes: int = MAX_TOKEN_BYTES) -> JWTVerifier:
    """Return our verifier, with a cache of the default size or without one."""
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
    """Return a key source as applications use it; its fetch needs no network."""
    return remote_keys(jwks_uri=JWKS_URI, fetch=_Published(*signers), observer=_ignore)


def static(*signers: Signer) -> KeySource:
    """Return a key source with fixed keys."""
    return StaticKeys(jwk_set(*signers))


def signature_check(signer: Signer) -> Callable[[Signed], None]:
    """Return the call of `cryptography` that every verifier needs."""
    verify, extra = signer.private_key.public_key().verify, signer.extra

    def check(signed: Signed) -> None:
        signing_input, signature = signed
        verify(signature, signing_input, *extra)

    return check


def signature_input(signer: Signer, token: str) -> Signed:
    """Return the argument of `signature_check`; ECDSA signatures are converted to DER before."""
    signing_input, _, encoded = token.rpartition(".")
    signature = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    if signer.alg.startswith("ES"):
        half = len(signature) // 2
        numbers = (int.from_bytes(part) for part in (signature[:half], signature[half:]))
        signature = utils.encode_dss_signature(*numbers)
    return signing_input.encode(), signature


def timed_signature_check(signer: Signer, tokens: Sequence[str]) -> Callable[[], float]:
    """Return a function that checks the signatures and returns the seconds per check."""
    inputs = [signature_input(signer, token) for token in tokens]
    return timed(signature_check(signer), inputs)


def pyjwt(signer: Signer) -> Callable[[str], object]:
    """Return `jwt.decode` with a loaded key."""
    if signer.alg == "Ed25519":
        # PyJWT knows only the older name EdDSA; an earlier call may have registered this one.
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
    """Return joserfc's `jwt.decode` with a loaded key and its claims registry."""
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


class _Published:
    """A `Fetch` that returns the key set of these signers."""

    def __init__(self, *signers: Signer) -> None:
        self._body = json.dumps(jwk_set(*signers)).encode()

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        """Return the document for every URL."""
        return Document(self._body)


def _ignore(event: KeyEvent, status: KeySetStatus) -> None:
    # The benchmarks use unknown keys on purpose; no log line is needed.
    return None
