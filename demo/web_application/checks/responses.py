"""What is checked of the two answers, in order: the one through the browser, and the exchange's.

Nothing of an answer is used before its check: the order here is the order of trust.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asgi_bearer.errors import shown
from demo.web_application.checks.display import abbreviated
from demo.web_application.checks.id_token import IdTokens
from demo.web_application.checks.id_token_checks import (
    check_claims,
    check_hash,
    check_later_hash,
    check_nonce,
    check_same_party,
    check_signature,
)
from demo.web_application.checks.results import Checklist, Row
from demo.web_application.provider.authorization_request import LIFETIME, Transaction, answered
from demo.web_application.provider.authorization_response import (
    COMPONENTS,
    fits_a_header,
)
from demo.web_application.provider.token_endpoint import TokenAnswer

FRONT_CHANNEL = (
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

EXCHANGE = ("code exchange", *LATER_ID_TOKEN)

_NONE = "There is none in this response type."

MAX_ERROR = 120
"""Characters of an error or its description that are shown; the answer could say anything."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer that passed.

    Arguments:
        transaction: the request that it answers.
        claims: of the ID token, None where there is none.
    """

    transaction: Transaction
    claims: Mapping[str, object] | None
    rows: tuple[Row, ...]


async def checked_response(
    response: Mapping[str, str],
    pending: Sequence[Transaction],
    id_tokens: IdTokens,
    *,
    names_issuer: bool,
    now: float,
) -> Checked:
    """Check the answer that came through the browser (OpenID Connect Core §3.3.2.8 to §3.3.2.12).

    Arguments:
        pending: the requests that this browser has been sent off with.
        names_issuer: whether the provider says that its answers hold `iss` (RFC 9207 §2.4).

    Raises:
        CheckFailed: the answer is not to be used.
    """
    checks = Checklist(FRONT_CHANNEL)
    transaction = _check_state(checks, response.get("state"), pending, now)
    _check_issuer(checks, response, id_tokens.issuer, required=names_issuer)
    _check_error(checks, response)
    _check_components(checks, response, transaction.selection.components)
    if "id_token" not in response:
        for _ in FRONT_CHANNEL[4:]:
            checks.none(_NONE)
        return Checked(transaction, None, checks.rows())
    jws = await check_signature(checks, response["id_token"], id_tokens)
    check_claims(checks, jws, id_tokens, now)
    check_nonce(checks, jws, transaction)
    check_hash(checks, jws, "c_hash", response["code"])
    if "access_token" in response:
        check_hash(checks, jws, "at_hash", response["access_token"])
    else:
        checks.none("No access token came with it.")
    return Checked(transaction, jws.claims, checks.rows())


async def checked_exchange(
    checks: Checklist, answer: TokenAnswer, first: Checked, id_tokens: IdTokens, *, now: float
) -> Checked:
    """Check the answer of the token endpoint (OpenID Connect Core §3.1.3.7, §3.3.3.6).

    Arguments:
        checks: the list `EXCHANGE`, with the exchange itself put down.

    Raises:
        CheckFailed: the answer is not to be used.
    """
    if answer.id_token is None:
        checks.fail("The answer holds no ID token, though openid was asked for.")
    jws = await check_signature(checks, answer.id_token, id_tokens)
    check_claims(checks, jws, id_tokens, now)
    check_nonce(checks, jws, first.transaction)
    check_later_hash(checks, jws, answer.access_token)
    if first.claims is None:
        checks.none("There is no ID token from the browser to compare with.")
    else:
        check_same_party(checks, jws, first.claims)
    return Checked(first.transaction, jws.claims, checks.rows())


async def check_refreshed_id_token(
    token: str,
    access_token: str,
    transaction: Transaction,
    earlier: Mapping[str, object],
    id_tokens: IdTokens,
    *,
    now: float,
) -> None:
    """Check the ID token that came with a refresh (OpenID Connect Core §12.2).

    Arguments:
        earlier: the claims of the ID token that it takes the place of.

    Raises:
        CheckFailed: the answer is not to be used.
    """
    checks = Checklist(LATER_ID_TOKEN)
    jws = await check_signature(checks, token, id_tokens)
    check_claims(checks, jws, id_tokens, now)
    if "nonce" in jws.claims:
        check_nonce(checks, jws, transaction)
    else:
        checks.none("It should be left out here, and is.")
    check_later_hash(checks, jws, access_token)
    check_same_party(checks, jws, earlier)


def _check_state(
    checks: Checklist, received: str | None, pending: Sequence[Transaction], now: float
) -> Transaction:
    if not pending:
        checks.fail("This browser has no sign-in under way.")
    if received is None:
        checks.fail(_kept(pending), "Received: none")
    transaction = answered(pending, received)
    compared = (_kept(pending), f"Received: {abbreviated(received)}")
    if transaction is None:
        checks.fail(*compared)
    if now - transaction.started > LIFETIME:
        checks.fail(*compared, f"The sign-in was begun more than {LIFETIME} seconds ago.")
    checks.judge(True, *compared)
    return transaction


def _kept(pending: Sequence[Transaction]) -> str:
    return f"Kept for this browser: {', '.join(abbreviated(kept.state) for kept in pending)}"


def _check_issuer(
    checks: Checklist, response: Mapping[str, str], issuer: str, *, required: bool
) -> None:
    received = response.get("iss")
    if received is None and response.get("id_token"):
        # Who announces `iss` has to send it, says RFC 9207 §2.4; but §4 lets it be left out where
        # something else in the answer names the issuer and is checked, as an ID token is before
        # the code goes anywhere. Some providers leave it out there.
        checks.none(
            f"Expected: {shown(issuer)}",
            f"Received: none{', though the provider announces one' if required else ''}.",
            "The ID token that came along names the issuer instead: see the row of its claims.",
        )
    elif received is None and not required:
        checks.none("The provider does not say that its answers hold one.")
    else:
        checks.judge(
            received == issuer, f"Expected: {shown(issuer)}", f"Received: {_received(received)}"
        )


def _check_error(checks: Checklist, response: Mapping[str, str]) -> None:
    error = response.get("error")
    if error is not None:
        description = response.get("error_description", "")
        checks.fail(f"The provider says: {error[:MAX_ERROR]}", description[:MAX_ERROR], error=error)
    checks.judge(True, "The provider reports no error.")


def _check_components(
    checks: Checklist, response: Mapping[str, str], asked: frozenset[str]
) -> None:
    wanted = frozenset("access_token" if name == "token" else name for name in asked)
    received = frozenset(name for name in COMPONENTS if response.get(name))
    compared = [f"Asked for: {_names(wanted)}", f"Received: {_names(received)}"]
    good = wanted == received == COMPONENTS & response.keys()
    if good and "access_token" in received:
        kind, seconds = response.get("token_type", ""), response.get("expires_in", "")
        compared.append(
            f"With the access token: token_type {shown(kind)}, expires_in {shown(seconds)}"
        )
        good = kind.lower() == "bearer" and seconds.isascii() and seconds.isdigit()
        if not fits_a_header(response["access_token"]):
            compared.append("The access token has characters that none can have.")
            good = False
    checks.judge(good, *compared)


def _received(value: str | None) -> str:
    return "none" if value is None else shown(value)


def _names(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
