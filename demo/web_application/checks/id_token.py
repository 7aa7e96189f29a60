"""ID tokens: the signature, the claims, and the hashes that tie them to what came with them."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256, sha384, sha512

from asgi_bearer import (
    ALGORITHMS,
    AudienceMismatch,
    ClaimMalformed,
    ClaimMissing,
    KeySource,
)
from asgi_bearer.errors import shown
from asgi_bearer.jose import CompactJWS, check_header, is_array, parse
from asgi_bearer.jwt import (
    Expected,
    check_audience,
    check_issuer,
    check_names,
    signing_key,
    validity,
)

MAX_BYTES = 16 * 1024
MAX_SUBJECT = 255
"""Characters (OpenID Connect Core §2)."""

LEEWAY = 30.0
"""Seconds that the provider's clock may differ."""

_TYPES: frozenset[str | None] = frozenset({"jwt", None})
"""An access token says `at+jwt`, and must not pass for an ID token (RFC 8725 §3.12)."""

_HASHES = {"256": sha256, "384": sha384, "512": sha512}


@dataclass(frozen=True, slots=True)
class IdTokens:
    """What an ID token for this application must be (OpenID Connect Core §3.1.3.7)."""

    issuer: str
    client_id: str
    keys: KeySource

    async def signed(self, token: str) -> CompactJWS:
        """Return a token whose signature is the provider's.

        Raises:
            InvalidTokenError: it is not, or the token says that it is something else.
            KeysUnavailable: the provider's keys are not to be had.
        """
        jws = parse(token, max_bytes=MAX_BYTES)
        check_header(jws.header, algorithms=ALGORITHMS, types=_TYPES)
        await signing_key(jws, self.keys, rsa_default="RS256")
        return jws

    def check_claims(self, claims: Mapping[str, object], now: float) -> None:
        """Check who speaks, to whom, about whom, and until when.

        Raises:
            InvalidTokenError: a claim is missing or says something else.
        """
        expected = Expected(self.issuer, frozenset({self.client_id}), LEEWAY)
        check_issuer(claims, expected)
        check_audience(claims, expected)
        audience = claims["aud"]
        if is_array(audience) and len(audience) != 1:
            # Nobody else is trusted with a token that says who is signed in here.
            raise AudienceMismatch(f"aud names others as well: {shown(audience)}")
        if claims.get("azp", self.client_id) != self.client_id:
            raise AudienceMismatch(f"azp is {shown(claims['azp'])}")
        if "iat" not in claims:
            raise ClaimMissing("iat is missing")
        validity(claims, expected, now)
        if "sub" not in claims:
            raise ClaimMissing("sub is missing")
        check_names({"sub": claims["sub"]}, expected)
        if len(str(claims["sub"])) > MAX_SUBJECT:
            raise ClaimMalformed(f"sub is longer than {MAX_SUBJECT} characters")


def half_hash(alg: str, value: str) -> str:
    """Return what `c_hash` or `at_hash` must be for a code or an access token (§3.3.2.11).

    Arguments:
        alg: of the ID token's header, one of the library's; its hash is the one that is used.
    """
    # Ed25519 hashes with SHA-512 inside; its names hold no number of bits of a hash.
    algorithm = _HASHES.get(alg[-3:], sha512)
    digest = algorithm(value.encode("utf-8")).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")
