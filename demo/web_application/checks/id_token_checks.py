"""The checks of an ID token, with their results."""

import hmac
from collections.abc import Mapping

from asgi_bearer import InvalidTokenError, KeysUnavailable
from asgi_bearer.errors import shown
from asgi_bearer.jose import CompactJWS
from demo.web_application.checks.display import abbreviated
from demo.web_application.checks.id_token import IdTokens, half_hash
from demo.web_application.checks.results import Checks
from demo.web_application.provider.authorization_request import Transaction


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
