"""ID tokens: signature, claims, and the hashes `c_hash` and `at_hash`, with the results."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256, sha384, sha512

from asgi_bearer import (
    ALGORITHMS,
    AudienceMismatch,
    ClaimMalformed,
    ClaimMissing,
    InvalidTokenError,
    KeySource,
    KeysUnavailable,
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
from demo.web_application.checks.display import MAX_TOKEN_BYTES, abbreviated
from demo.web_application.checks.results import Checks
from demo.web_application.provider.authorization_request import Transaction

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
        jws = parse(token, max_bytes=MAX_TOKEN_BYTES)
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


async def check_signature(checks: Checks, token: str, id_tokens: IdTokens) -> CompactJWS:
    """Check that the provider signed the token, and return it decoded."""
    try:
        jws = await id_tokens.signed(token)
    except InvalidTokenError as error:
        checks.fail(f"{error.code}: {error.reason}")
    except KeysUnavailable:
        checks.fail("The provider's keys are not available.", judged=False)
    key, alg = shown(jws.header.kid), shown(jws.header.alg)
    checks.record(True, f"Signed with {alg} by the provider's published key {key}.")
    return jws


def check_claims(checks: Checks, jws: CompactJWS, id_tokens: IdTokens, now: float) -> None:
    """Check issuer, audience, subject and times."""
    try:
        id_tokens.check_claims(jws.claims, now)
    except InvalidTokenError as error:
        checks.fail(f"{error.code}: {error.reason}")
    checks.record(
        True,
        f"iss {shown(jws.claims['iss'])}, aud {shown(jws.claims['aud'])}, "
        f"sub {shown(jws.claims['sub'])}",
        "iat is in the past, exp in the future",
    )


def check_nonce(checks: Checks, jws: CompactJWS, transaction: Transaction) -> None:
    """Check that the ID token was issued for this request (OpenID Connect Core §3.1.3.7)."""
    received = jws.claims.get("nonce")
    passed = isinstance(received, str) and hmac.compare_digest(
        received.encode("utf-8", "surrogatepass"), transaction.nonce.encode()
    )
    checks.record(
        passed, f"Sent: {abbreviated(transaction.nonce)}", f"In the ID token: {_brief(received)}"
    )


def check_hash(checks: Checks, jws: CompactJWS, claim: str, value: str) -> None:
    """Check `c_hash` or `at_hash` against the code or access token (§3.3.2.9, §3.3.2.10)."""
    expected, received = half_hash(jws.header.alg, value), jws.claims.get(claim)
    hashed = "code" if claim == "c_hash" else "access token"
    checks.record(
        received == expected,
        f"Left half of the hash of the {hashed}: {abbreviated(expected)}",
        f"In the ID token: {_brief(received)}",
    )


def check_optional_at_hash(checks: Checks, jws: CompactJWS, access_token: str) -> None:
    """Check `at_hash` in an ID token of the token endpoint (§3.1.3.8)."""
    if "at_hash" in jws.claims:
        check_hash(checks, jws, "at_hash", access_token)
    else:
        checks.nothing_to_check("It is optional here, and this ID token does not contain it.")


def check_same_subject(checks: Checks, jws: CompactJWS, earlier: Mapping[str, object]) -> None:
    """Check that a later ID token names the same issuer and person (§3.3.3.6)."""
    checks.record(
        all(jws.claims.get(name) == earlier.get(name) for name in ("iss", "sub")),
        f"First ID token: {shown(earlier.get('iss'))}, {shown(earlier.get('sub'))}",
        f"This ID token: {shown(jws.claims.get('iss'))}, {shown(jws.claims.get('sub'))}",
    )


def _brief(value: object) -> str:
    if value is None:
        return "none"
    return abbreviated(value) if isinstance(value, str) else "not a string"
