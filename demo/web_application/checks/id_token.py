"""ID tokens: signature, claims, and the hashes `c_hash` and `at_hash`."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256, sha384, sha512

from asgi_bearer import ALGORITHMS, AudienceMismatch, ClaimMalformed, ClaimMissing, KeySource
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
"""Seconds by which the provider's clock may differ."""

_TYPES: frozenset[str | None] = frozenset({"jwt", None})
"""An access token with `typ` `at+jwt` is not accepted as an ID token (RFC 8725 §3.12)."""

_HASHES = {"256": sha256, "384": sha384, "512": sha512}


@dataclass(frozen=True, slots=True)
class IdTokens:
    """Verifies ID tokens that are issued for this application (OpenID Connect Core §3.1.3.7)."""

    issuer: str
    client_id: str
    keys: KeySource

    async def signed(self, token: str) -> CompactJWS:
        """Verify the signature and return the decoded token.

        Raises:
            InvalidTokenError: the provider did not sign it, or its header names another type.
            KeysUnavailable: the provider's keys are not available.
        """
        jws = parse(token, max_bytes=MAX_BYTES)
        check_header(jws.header, algorithms=ALGORITHMS, types=_TYPES)
        await signing_key(jws, self.keys, rsa_default="RS256")
        return jws

    def check_claims(self, claims: Mapping[str, object], now: float) -> None:
        """Check issuer, audience, subject and times.

        Raises:
            InvalidTokenError: a claim is missing or has another value than expected.
        """
        expected = Expected(self.issuer, frozenset({self.client_id}), LEEWAY)
        check_issuer(claims, expected)
        check_audience(claims, expected)
        audience = claims["aud"]
        if is_array(audience) and len(audience) != 1:
            # Another application in `aud` could replay the token here.
            raise AudienceMismatch(f"aud names other audiences too: {shown(audience)}")
        if claims.get("azp", self.client_id) != self.client_id:
            raise AudienceMismatch(
                f"azp is {shown(claims['azp'])}, expected {shown(self.client_id)}"
            )
        if "iat" not in claims:
            raise ClaimMissing("iat is missing")
        validity(claims, expected, now)
        if "sub" not in claims:
            raise ClaimMissing("sub is missing")
        check_names({"sub": claims["sub"]}, expected)
        if len(str(claims["sub"])) > MAX_SUBJECT:
            raise ClaimMalformed(f"sub is longer than {MAX_SUBJECT} characters")


def half_hash(alg: str, value: str) -> str:
    """Return the expected `c_hash` of a code or `at_hash` of an access token (§3.3.2.11).

    Arguments:
        alg: of the ID token's header; it determines the hash function.
    """
    # Ed25519 and EdDSA use SHA-512; their names do not end in a number of bits.
    algorithm = _HASHES.get(alg[-3:], sha512)
    digest = algorithm(value.encode("utf-8")).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")
