"""Which of the issuer's keys signed a token; newer keys are asked for if none did."""

from typing import Final

from asgi_bearer.errors import KeyNotFound, KeysUnavailable, SignatureInvalid, shown
from asgi_bearer.jose.jws import CompactJWS
from asgi_bearer.keys.jwk import Key, KeySet
from asgi_bearer.keys.source import KeySource, Missed

_MAX_NEWER_KEY_SETS: Final = 2
"""Newer key sets that one token may ask for: one that was already on its way when the issuer's
keys changed, and one that is fetched for its sake."""


async def signing_key(
    token: CompactJWS, keys: KeySource, key_set: KeySet | None = None, *, rsa_default: str
) -> tuple[Key, KeySet]:
    """Return the key that signed `token`, and the set that it is in.

    Arguments:
        key_set: what `keys` have at hand; they are asked if that is None.
        rsa_default: the algorithm that RSA keys without `alg` serve.

    Raises:
        InvalidTokenError: none of the issuer's keys did.
        KeysUnavailable: nobody can say.
    """
    if key_set is None:
        key_set = await keys.key_set()
    sets_left = _MAX_NEWER_KEY_SETS
    while True:
        found = _signer(token, key_set, rsa_default)
        if isinstance(found, Key):
            return found, key_set
        newer = await _newer(token, key_set, keys, found) if sets_left else key_set
        if newer is key_set:
            raise found
        key_set = newer
        sets_left -= 1


async def _newer(
    token: CompactJWS, key_set: KeySet, keys: KeySource, refusal: KeyNotFound | SignatureInvalid
) -> KeySet:
    try:
        return await keys.key_set(Missed.by_kid(key_set, token.header.kid))
    except KeysUnavailable:
        if not isinstance(refusal, SignatureInvalid) or token.header.kid is None:
            raise
    # The key that the token names is here and says no: that is a judgement.
    raise refusal


def _signer(
    token: CompactJWS, key_set: KeySet, rsa_default: str
) -> Key | KeyNotFound | SignatureInvalid:
    """Return the key that signed `token`, or why there is none.

    That is not raised, because a failure to get newer keys would be chained to it.
    """
    alg, kid = token.header.alg, token.header.kid
    candidates = key_set.candidates(alg, kid, rsa_default=rsa_default)
    for key in candidates:
        if key.verifies(alg, token.signing_input, token.signature):
            return key
    refusal = SignatureInvalid if candidates else KeyNotFound
    return refusal(f"kid {shown(kid)}, alg {alg}")
