"""Finds the issuer's key that signed a token. If none did, newer keys are requested."""

from typing import Final

from asgi_bearer.errors import KeyNotFound, KeysUnavailable, SignatureInvalid, shown
from asgi_bearer.jose.jws import CompactJWS
from asgi_bearer.keys.jwk import Key, KeySet
from asgi_bearer.keys.source import KeySource, Missed

_MAX_REQUESTS_FOR_NEWER_KEYS: Final = 2
"""How often one token may request newer keys: the first fetch may have begun before the issuer's
keys changed, the second is made for this token."""


async def signing_key(
    token: CompactJWS, keys: KeySource, key_set: KeySet | None = None, *, rsa_default: str
) -> tuple[Key, KeySet]:
    """Return the key that signed `token`, and its key set.

    Arguments:
        key_set: the current key set; if None, `keys` is asked for it.
        rsa_default: the algorithm of RSA keys without `alg`.

    Raises:
        InvalidTokenError: none of the issuer's keys signed the token.
        KeysUnavailable: there are no keys to decide with.
    """
    if key_set is None:
        key_set = await keys.key_set()
    requests_left = _MAX_REQUESTS_FOR_NEWER_KEYS
    while True:
        result = _signer(token, key_set, rsa_default)
        if isinstance(result, Key):
            return result, key_set
        newer = await _newer_key_set(token, key_set, keys, result) if requests_left else key_set
        if newer is key_set:
            raise result
        key_set = newer
        requests_left -= 1


async def _newer_key_set(
    token: CompactJWS, key_set: KeySet, keys: KeySource, refusal: KeyNotFound | SignatureInvalid
) -> KeySet:
    try:
        return await keys.key_set(Missed.by_kid(key_set, token.header.kid))
    except KeysUnavailable:
        if not isinstance(refusal, SignatureInvalid) or token.header.kid is None:
            raise
    # The key that the token names was found, so the failed signature is a final result.
    raise refusal


def _signer(
    token: CompactJWS, key_set: KeySet, rsa_default: str
) -> Key | KeyNotFound | SignatureInvalid:
    """Return the key that signed `token`, or the refusal.

    The refusal is not raised here, because a later failure to fetch keys would be chained to it.
    """
    alg, kid = token.header.alg, token.header.kid
    candidates = key_set.candidates(alg, kid, rsa_default=rsa_default)
    for key in candidates:
        if key.verifies(alg, token.signing_input, token.signature):
            return key
    refusal = SignatureInvalid if candidates else KeyNotFound
    return refusal(f"kid {shown(kid)}, alg {alg}")
