"""The checks of the authorization response and of the token response, in their order.

No part of a response is used before it has been checked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asgi_bearer.errors import shown
from demo.web_application.checks.display import abbreviated
from demo.web_application.checks.id_token import (
    IdTokens,
    check_claims,
    check_hash,
    check_nonce,
    check_optional_at_hash,
    check_same_subject,
    check_signature,
)
from demo.web_application.checks.results import CheckResult, Checks
from demo.web_application.provider.authorization_request import LIFETIME, Transaction, with_state
from demo.web_application.provider.authorization_response import COMPONENTS, is_header_safe
from demo.web_application.provider.token_endpoint import TokenResponse

AUTHORIZATION_RESPONSE = (
    "state",
    "iss",
    "error",
    "components",
    "ID token: signature",
    "ID token: claims",
    "nonce",
    "c_hash",
    "at_hash",
)

LATER_ID_TOKEN = (
    "ID token: signature",
    "ID token: claims",
    "nonce",
    "at_hash",
    "same issuer and subject",
)

TOKEN_RESPONSE = ("code exchange", *LATER_ID_TOKEN)

_NOT_INCLUDED = "This response type has no ID token."

MAX_ERROR = 120
"""Characters of an error or its description that a page shows; the sender chooses the text."""


@dataclass(frozen=True, slots=True)
class CheckedResponse:
    """An authorization response that passed all checks.

    Arguments:
        transaction: the request that it belongs to.
        claims: of its ID token, None if it has none.
    """

    transaction: Transaction
    claims: Mapping[str, object] | None
    results: tuple[CheckResult, ...]


async def check_authorization_response(
    response: Mapping[str, str],
    pending: Sequence[Transaction],
    id_tokens: IdTokens,
    *,
    names_issuer: bool,
    now: float,
) -> CheckedResponse:
    """Check the response that came through the browser (OpenID Connect Core §3.3.2.8-12).

    Arguments:
        pending: the requests of this browser that have no response yet.
        names_issuer: whether the provider's metadata promises `iss` (RFC 9207 §2.4).

    Raises:
        CheckFailed: the response must not be used.
    """
    checks = Checks(AUTHORIZATION_RESPONSE)
    transaction = _check_state(checks, response.get("state"), pending, now)
    _check_issuer(checks, response, id_tokens.issuer, required=names_issuer)
    _check_error(checks, response)
    _check_components(checks, response, transaction.selection.components)
    if "id_token" not in response:
        for _ in AUTHORIZATION_RESPONSE[4:]:
            checks.nothing_to_check(_NOT_INCLUDED)
        return CheckedResponse(transaction, None, checks.results())
    jws = await check_signature(checks, response["id_token"], id_tokens)
    check_claims(checks, jws, id_tokens, now)
    check_nonce(checks, jws, transaction)
    check_hash(checks, jws, "c_hash", response["code"])
    if "access_token" in response:
        check_hash(checks, jws, "at_hash", response["access_token"])
    else:
        checks.nothing_to_check("This response type has no access token.")
    return CheckedResponse(transaction, jws.claims, checks.results())


async def check_later_id_token(
    checks: Checks,
    response: TokenResponse,
    transaction: Transaction,
    earlier: Mapping[str, object] | None,
    id_tokens: IdTokens,
    *,
    now: float,
    may_omit_nonce: bool = False,
) -> Mapping[str, object]:
    """Check the ID token of a token response, and return its claims.

    The rules are in OpenID Connect Core §3.1.3.7, §3.3.3.6 and, for a refresh, §12.2.

    Arguments:
        checks: for `LATER_ID_TOKEN`, or for `TOKEN_RESPONSE` with the code exchange recorded.
        earlier: the claims of the ID token before it, None if there was none.
        may_omit_nonce: for a refresh.

    Raises:
        CheckFailed: the response must not be used.
    """
    if response.id_token is None:
        checks.fail("The response contains no ID token, although openid was requested.")
    jws = await check_signature(checks, response.id_token, id_tokens)
    check_claims(checks, jws, id_tokens, now)
    if may_omit_nonce and "nonce" not in jws.claims:
        checks.nothing_to_check("A refreshed ID token should not contain a nonce.")
    else:
        check_nonce(checks, jws, transaction)
    check_optional_at_hash(checks, jws, response.access_token)
    if earlier is None:
        checks.nothing_to_check("The authorization response has no ID token to compare with.")
    else:
        check_same_subject(checks, jws, earlier)
    return jws.claims


def _check_state(
    checks: Checks, received: str | None, pending: Sequence[Transaction], now: float
) -> Transaction:
    if not pending:
        checks.fail("This browser has not started a sign-in.")
    if received is None:
        checks.fail(_stored(pending), "Received: none")
    transaction = with_state(pending, received)
    compared = (_stored(pending), f"Received: {abbreviated(received)}")
    if transaction is None:
        checks.fail(*compared)
    if now - transaction.started > LIFETIME:
        checks.fail(*compared, f"The sign-in started more than {LIFETIME} seconds ago.")
    checks.record(True, *compared)
    return transaction


def _stored(pending: Sequence[Transaction]) -> str:
    return f"Stored for this browser: {', '.join(abbreviated(one.state) for one in pending)}"


def _check_issuer(
    checks: Checks, response: Mapping[str, str], issuer: str, *, required: bool
) -> None:
    received = response.get("iss")
    if received is None and response.get("id_token"):
        # A provider that announces `iss` must send it (RFC 9207 §2.4). RFC 9207 §4 lets a client
        # accept a response without it if an ID token names the issuer. Some providers do that.
        checks.nothing_to_check(
            f"Expected: {shown(issuer)}",
            f"Received: none{', although the provider announces one' if required else ''}.",
            "The ID token of this response names the issuer instead: see the check of its claims.",
        )
    elif received is None and not required:
        checks.nothing_to_check("The provider does not announce that its responses contain iss.")
    else:
        checks.record(
            received == issuer,
            f"Expected: {shown(issuer)}",
            f"Received: {'none' if received is None else shown(received)}",
        )


def _check_error(checks: Checks, response: Mapping[str, str]) -> None:
    error = response.get("error")
    if error is not None:
        description = response.get("error_description", "")
        checks.fail(f"The provider says: {error[:MAX_ERROR]}", description[:MAX_ERROR], error=error)
    checks.record(True, "The provider reports no error.")


def _check_components(
    checks: Checks, response: Mapping[str, str], requested: frozenset[str]
) -> None:
    expected = frozenset("access_token" if name == "token" else name for name in requested)
    received = frozenset(name for name in COMPONENTS if response.get(name))
    compared = [f"Requested: {_names(expected)}", f"Received: {_names(received)}"]
    passed = expected == received == COMPONENTS & response.keys()
    if passed and "access_token" in received:
        kind, seconds = response.get("token_type", ""), response.get("expires_in", "")
        compared.append(
            f"With the access token: token_type {shown(kind)}, expires_in {shown(seconds)}"
        )
        passed = kind.lower() == "bearer" and seconds.isascii() and seconds.isdigit()
        if not is_header_safe(response["access_token"]):
            compared.append("The access token contains characters that are not allowed.")
            passed = False
    checks.record(passed, *compared)


def _names(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
