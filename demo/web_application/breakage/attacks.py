"""The attacks of "Break it": each changes one thing in a finished sign-in or in a token."""

from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from asgi_bearer.jose import base64url_decode
from demo.web_application.breakage.verdicts import Targets, Verdict
from demo.web_application.checks.display import decoded
from demo.web_application.flow.contacts_api import READ_SCOPE, WRITE_SCOPE
from demo.web_application.session.session import SignedIn
from demo.web_application.settings import WebApplicationSettings

HOUR = 3600

Outcome = tuple[str, tuple[Verdict, ...]]
"""What was changed, and how the parties answered."""


@dataclass(frozen=True, slots=True)
class Attack:
    """An entry of the menu."""

    name: str
    title: str
    explanation: str
    outcome: Callable[[Targets, SignedIn], Awaitable[Outcome]]


async def _state(targets: Targets, signed_in: SignedIn) -> Outcome:
    other = replace(signed_in.transaction, state=targets.flow.token())
    verdict = await targets.own_checks(
        "This application checks the response again.", signed_in, other
    )
    return (
        "The response of your sign-in is compared with the state of another request, as if an "
        "attacker had sent your browser a response of their own.",
        (verdict,),
    )


async def _nonce(targets: Targets, signed_in: SignedIn) -> Outcome:
    other = replace(signed_in.transaction, nonce=targets.flow.token())
    verdict = await targets.own_checks(
        "This application checks the response again.", signed_in, other
    )
    return (
        "The ID token of your sign-in is compared with the nonce of another request, as if an "
        "attacker had stolen it there and replayed it here.",
        (verdict,),
    )


async def _signature(targets: Targets, signed_in: SignedIn) -> Outcome:
    response = dict(signed_in.response)
    tokens = signed_in.first_tokens
    if "id_token" in response:
        response["id_token"] = with_changed_signature(response["id_token"])
    else:
        tokens = replace(tokens, id_token=with_changed_signature(tokens.id_token))
    tampered = replace(signed_in, response=response, first_tokens=tokens)
    first = await targets.own_checks(
        "This application checks the ID token with the changed signature.",
        tampered,
        signed_in.transaction,
    )
    if decoded(signed_in.tokens.access_token) is None:
        second = Verdict(
            "The access token is opaque.",
            "The API",
            "not tried",
            note="An opaque token has no signature that could be changed.",
        )
    else:
        second = await targets.api(
            "The API gets the access token with the changed signature.",
            with_changed_signature(signed_in.tokens.access_token),
        )
    return (
        "One bit in the middle of the signature is changed: first in the ID token, then in the "
        "access token.",
        (first, second),
    )


async def _audience(targets: Targets, _signed_in: SignedIn) -> Outcome:
    verdict = await targets.api_with_client_token(
        "The API gets a token that was issued for another API.",
        targets.settings.other_audience,
        targets.settings.other_scope,
    )
    return (
        f"The audience: the same authorization server issued the token for "
        f"{targets.settings.other_audience} instead of {targets.settings.audience}.",
        (verdict,),
    )


async def _expiry(targets: Targets, _signed_in: SignedIn) -> Outcome:
    verdict = await targets.api_with_client_token(
        "The API gets the expired token.", targets.settings.audience, READ_SCOPE, expires_in=-HOUR
    )
    return (
        "The time: the exp claim of the token is an hour ago. The demo's authorization server "
        "issues such a token on request, because no API accepts it.",
        (verdict,),
    )


async def _scope(targets: Targets, _signed_in: SignedIn) -> Outcome:
    verdict = await targets.api_with_client_token(
        "The API gets the token with a request to read.", targets.settings.audience, WRITE_SCOPE
    )
    return f"The scope: {WRITE_SCOPE} instead of {READ_SCOPE}.", (verdict,)


async def _code_replay(targets: Targets, signed_in: SignedIn) -> Outcome:
    code, verifier = signed_in.response["code"], signed_in.transaction.code_verifier
    endpoint = targets.flow.endpoint
    verdicts = [
        await targets.token_endpoint(
            "The token endpoint gets the used code, with the right secret and verifier.",
            lambda: endpoint.exchange_code(code, verifier),
        )
    ]
    changed = "Only the time: your sign-in has used this code already."
    if verdicts[0].result == "no verdict":
        # Perhaps nothing was revoked: a test would then use up a valid refresh token.
        return changed, (*verdicts,)
    refresh_token = signed_in.tokens.refresh_token
    if refresh_token is not None:
        verdicts.append(
            await targets.token_endpoint(
                "The token endpoint gets the refresh token, which the replay has revoked.",
                lambda: endpoint.refresh(refresh_token),
            )
        )
    verdicts.append(await targets.userinfo(signed_in.tokens.access_token))
    return changed, (*verdicts,)


MENU = (
    Attack(
        "state", "Another state", "The response belongs to a request of another browser.", _state
    ),
    Attack("nonce", "Another nonce", "The ID token belongs to another sign-in.", _nonce),
    Attack(
        "signature", "Another signature", "One bit of a token's signature is changed.", _signature
    ),
    Attack("audience", "Another audience", "The token is genuine, but for another API.", _audience),
    Attack("expiry", "An expired token", "The token is genuine, but expired an hour ago.", _expiry),
    Attack("scope", "Another scope", "The token is genuine, but allows writing only.", _scope),
    Attack(
        "code-replay",
        "The code again",
        "The code of your sign-in is used a second time.",
        _code_replay,
    ),
)


def menu(settings: WebApplicationSettings) -> tuple[Attack, ...]:
    """Return the attacks that are possible with these settings."""
    return tuple(one for one in MENU if settings.other_audience or one.name != "audience")


def after_replay(signed_in: SignedIn, verdicts: Sequence[Verdict]) -> SignedIn:
    """Return what remains of a sign-in after the attack `code-replay`.

    Arguments:
        verdicts: about the code first; about the access token, whose use revokes nothing, last.
    """
    if verdicts[0].result == "no verdict":
        return signed_in
    return replace(
        signed_in,
        # The refresh token was sent, whatever the verdict.
        tokens=replace(signed_in.tokens, refresh_token=None),
        revoked=signed_in.revoked or all(one.result == "refused" for one in verdicts[:-1]),
    )


def with_changed_signature(token: str) -> str:
    """Return a compact JWS with one bit in the middle of its signature changed."""
    signed, _, signature = token.rpartition(".")
    octets = bytearray(base64url_decode(signature))
    octets[len(octets) // 2] ^= 1
    return f"{signed}.{urlsafe_b64encode(octets).rstrip(b'=').decode('ascii')}"
