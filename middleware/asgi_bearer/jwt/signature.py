"""Finds the issuer's key that signed a token. If none did, newer keys are requested."""

from typing import Final

from asgi_bearer.errors import KeyAmbiguous, KeyNotFound, KeysUnavailable, SignatureInvalid, shown
from asgi_bearer.jose.jws import Header, SplitJWS
from asgi_bearer.keys.jwk import Key, KeySet
from asgi_bearer.keys.source import KeySource, Missed

_MAX_REQUESTS_FOR_NEWER_KEYS: Final = 2
"""How often one token may request newer keys: the first fetch may have begun before the issuer's
keys changed, the second is made for this token."""

Signer = Key | KeyNotFound | KeyAmbiguous | SignatureInvalid
"""The key that signed a token, or the refusal. A refusal is not raised where it is found, because a
later failure to fetch keys would be chained to it."""


async def signing_key(
    token: SplitJWS,
    keys: KeySource,
    tried: tuple[KeySet, Signer] | None = None,
    *,
    rsa_default: str,
) -> tuple[Key, KeySet]:
    """Return the key that signed `token`, and its key set.

    Arguments:
        tried: the current key set and what `signer` returned for it; by default `keys` is asked.
        rsa_default: the algorithm of RSA keys without `alg`.

    Raises:
        InvalidTokenError: none of the issuer's keys signed the token.
        KeysUnavailable: there are no keys to decide with.
    """
    if tried is None:
        key_set = await keys.key_set()
        tried = key_set, signer(token, key_set, rsa_default)
    key_set, result = tried
    requests_left = _MAX_REQUESTS_FOR_NEWER_KEYS
    while not isinstance(result, Key):
        newer = key_set
        if requests_left and not isinstance(result, KeyAmbiguous):
            newer = await _newer_key_set(token, key_set, keys, result)
        if newer is key_set:
            raise result
        key_set = newer
        requests_left -= 1
        result = signer(token, key_set, rsa_default)
    return result, key_set


def signer(token: SplitJWS, key_set: KeySet, rsa_default: str) -> Signer:
    """Return the key in `key_set` that signed `token`, or the refusal."""
    alg, kid = token.header.alg, token.header.kid
    try:
        candidates = key_set.candidates(alg, kid, rsa_default=rsa_default)
    except KeyAmbiguous as err:
        return err.with_traceback(None)
    for key in candidates:
        if key.verifies(alg, token.signing_input, token.signature):
            return key
    refusal = SignatureInvalid if candidates else KeyNotFound
    return refusal(f"kid {shown(kid)}, alg {alg}")


def is_candidate(key: Key, header: Header, key_set: KeySet, rsa_default: str) -> bool:
    """Return whether `key`, which signed a token, would still be tried with `key_set`."""
    try:
        return key in key_set.candidates(header.alg, header.kid, rsa_default=rsa_default)
    except KeyAmbiguous:
        return False


async def _newer_key_set(
    token: SplitJWS, key_set: KeySet, keys: KeySource, refusal: KeyNotFound | SignatureInvalid
) -> KeySet:
    try:
        return await keys.key_set(Missed.by_kid(key_set, token.header.kid))
    except KeysUnavailable:
        if not isinstance(refusal, SignatureInvalid) or token.header.kid is None:
            raise
    # The key that the token names was found, so the failed signature is a final result.
    raise refusal
