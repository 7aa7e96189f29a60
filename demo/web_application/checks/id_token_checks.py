"""The checks of an ID token, as rows."""

import hmac
from collections.abc import Mapping

from asgi_bearer import InvalidTokenError, KeysUnavailable
from asgi_bearer.errors import shown
from asgi_bearer.jose import CompactJWS
from demo.web_application.checks.display import abbreviated
from demo.web_application.checks.id_token import IdTokens, half_hash
from demo.web_application.checks.results import Checklist
from demo.web_application.provider.authorization_request import Transaction


async def check_signature(checks: Checklist, token: str, id_tokens: IdTokens) -> CompactJWS:
    """Check that the provider signed it, and return the token."""
    try:
        jws = await id_tokens.signed(token)
    except InvalidTokenError as error:
        checks.fail(f"{error.code}: {error.reason}")
    except KeysUnavailable:
        checks.fail("The provider's keys are not to be had.", judged=False)
    key, alg = shown(jws.header.kid), shown(jws.header.alg)
    checks.judge(True, f"The provider's published key {key} made it with {alg}.")
    return jws


def check_claims(checks: Checklist, jws: CompactJWS, id_tokens: IdTokens, now: float) -> None:
    """Check who speaks, to whom, about whom and until when."""
    try:
        id_tokens.check_claims(jws.claims, now)
    except InvalidTokenError as error:
        checks.fail(f"{error.code}: {error.reason}")
    checks.judge(
        True,
        f"iss {shown(jws.claims['iss'])}, aud {shown(jws.claims['aud'])}, "
        f"sub {shown(jws.claims['sub'])}",
        "iat is past, exp is to come",
    )


def check_nonce(checks: Checklist, jws: CompactJWS, transaction: Transaction) -> None:
    """Check that the ID token was made for this request (OpenID Connect Core §3.1.3.7)."""
    received = jws.claims.get("nonce")
    good = isinstance(received, str) and hmac.compare_digest(
        received.encode("utf-8", "surrogatepass"), transaction.nonce.encode()
    )
    checks.judge(
        good, f"Sent: {abbreviated(transaction.nonce)}", f"In the ID token: {_brief(received)}"
    )


def check_hash(checks: Checklist, jws: CompactJWS, claim: str, value: str) -> None:
    """Check `c_hash` or `at_hash` against what came along (§3.3.2.9, §3.3.2.10)."""
    expected, received = half_hash(jws.header.alg, value), jws.claims.get(claim)
    what = "code" if claim == "c_hash" else "access token"
    checks.judge(
        received == expected,
        f"Half the hash of the {what} that came along: {abbreviated(expected)}",
        f"In the ID token: {_brief(received)}",
    )


def check_later_hash(checks: Checklist, jws: CompactJWS, access_token: str) -> None:
    """Check `at_hash` where it is optional (§3.1.3.8)."""
    if "at_hash" in jws.claims:
        check_hash(checks, jws, "at_hash", access_token)
    else:
        checks.none("It may be left out here, and is.")


def check_same_party(checks: Checklist, jws: CompactJWS, earlier: Mapping[str, object]) -> None:
    """Check that a later ID token is about the same person, by the same issuer (§3.3.3.6)."""
    checks.judge(
        all(jws.claims.get(name) == earlier.get(name) for name in ("iss", "sub")),
        f"First ID token: {shown(earlier.get('iss'))}, {shown(earlier.get('sub'))}",
        f"This ID token: {shown(jws.claims.get('iss'))}, {shown(jws.claims.get('sub'))}",
    )


def _brief(value: object) -> str:
    if value is None:
        return "none"
    return abbreviated(value) if isinstance(value, str) else "not a string"
