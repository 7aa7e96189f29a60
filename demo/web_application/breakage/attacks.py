"""The attacks of "Break it": each changes one thing in a finished sign-in or in a token."""

from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from asgi_bearer.jose import base64url_decode
from demo.web_application.breakage.verdicts import Targets, Verdict
from demo.web_application.checks.display import decoded
from demo.web_application.flow.contacts_api import READ_SCOPE, WRITE_SCOPE
from demo.web_application.session.session import SignedIn
from demo.web_application.settings import WebApplicationSettings

HOUR = 3600

_Outcome = tuple[str, tuple[Verdict, ...]]
"""What was changed, and the verdicts."""


@dataclass(frozen=True, slots=True)
class AttackResult:
    """What was changed, and how the parties answered."""

    title: str
    changed: str
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Attack:
    """An entry of the menu."""

    name: str
    title: str
    explanation: str


MENU = (
    Attack("state", "Another state", "The response belongs to a request of another browser."),
    Attack("nonce", "Another nonce", "The ID token belongs to another sign-in."),
    Attack("signature", "Another signature", "One bit of a token's signature is changed."),
    Attack("audience", "Another audience", "The token is genuine, but for another API."),
    Attack("expiry", "An expired token", "The token is genuine, but expired an hour ago."),
    Attack("scope", "Another scope", "The token is genuine, but allows writing only."),
    Attack("code-replay", "The code again", "The code of your sign-in is used a second time."),
)


@dataclass(frozen=True, slots=True)
class Attacks:
    """Makes the attacks, with the tokens and the responses of a sign-in."""

    settings: WebApplicationSettings
    targets: Targets
    token: Callable[[], str]

    def menu(self) -> tuple[Attack, ...]:
        """Return the attacks that are possible with these settings."""
        has_other_audience = bool(self.settings.other_audience)
        return tuple(attack for attack in MENU if has_other_audience or attack.name != "audience")

    async def result(self, name: str, signed_in: SignedIn) -> AttackResult | None:
        """Make one attack; None if the menu has no attack of this name."""
        titles = {attack.name: attack.title for attack in self.menu()}
        if name not in titles:
            return None
        attacks: Mapping[str, Callable[[SignedIn], Awaitable[_Outcome]]] = {
            "state": self._state,
            "nonce": self._nonce,
            "signature": self._signature,
            "audience": self._audience,
            "expiry": self._expiry,
            "scope": self._scope,
            "code-replay": self._code_replay,
        }
        changed, verdicts = await attacks[name](signed_in)
        return AttackResult(titles[name], changed, verdicts)

    async def _state(self, signed_in: SignedIn) -> _Outcome:
        other = replace(signed_in.transaction, state=self.token())
        verdict = await self.targets.own_checks(
            "This application checks the response again.", signed_in, other
        )
        return (
            "The response of your sign-in is compared with the state of another request, as if an "
            "attacker had sent your browser a response of their own.",
            (verdict,),
        )

    async def _nonce(self, signed_in: SignedIn) -> _Outcome:
        other = replace(signed_in.transaction, nonce=self.token())
        verdict = await self.targets.own_checks(
            "This application checks the response again.", signed_in, other
        )
        return (
            "The ID token of your sign-in is compared with the nonce of another request, as if an "
            "attacker had stolen it there and replayed it here.",
            (verdict,),
        )

    async def _signature(self, signed_in: SignedIn) -> _Outcome:
        response = dict(signed_in.response)
        tokens = signed_in.first_tokens
        if "id_token" in response:
            response["id_token"] = with_changed_signature(response["id_token"])
        else:
            tokens = replace(tokens, id_token=with_changed_signature(tokens.id_token))
        tampered = replace(signed_in, response=response, first_tokens=tokens)
        first = await self.targets.own_checks(
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
            second = await self.targets.api(
                "The API gets the access token with the changed signature.",
                with_changed_signature(signed_in.tokens.access_token),
            )
        return (
            "One bit in the middle of the signature is changed: first in the ID token, then in the "
            "access token.",
            (first, second),
        )

    async def _audience(self, _signed_in: SignedIn) -> _Outcome:
        verdict = await self.targets.api_with_client_token(
            "The API gets a token that was issued for another API.",
            self.settings.other_audience,
            self.settings.other_scope,
        )
        return (
            f"The audience: the same authorization server issued the token for "
            f"{self.settings.other_audience} instead of {self.settings.audience}.",
            (verdict,),
        )

    async def _expiry(self, _signed_in: SignedIn) -> _Outcome:
        verdict = await self.targets.api_with_client_token(
            "The API gets the expired token.", self.settings.audience, READ_SCOPE, expires_in=-HOUR
        )
        return (
            "The time: the exp claim of the token is an hour ago. The demo's authorization server "
            "issues such a token on request, because no API accepts it.",
            (verdict,),
        )

    async def _scope(self, _signed_in: SignedIn) -> _Outcome:
        verdict = await self.targets.api_with_client_token(
            "The API gets the token with a request to read.", self.settings.audience, WRITE_SCOPE
        )
        return f"The scope: {WRITE_SCOPE} instead of {READ_SCOPE}.", (verdict,)

    async def _code_replay(self, signed_in: SignedIn) -> _Outcome:
        code, verifier = signed_in.response["code"], signed_in.transaction.code_verifier
        endpoint = self.targets.flow.endpoint
        verdicts = [
            await self.targets.token_endpoint(
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
                await self.targets.token_endpoint(
                    "The token endpoint gets the refresh token, which the replay has revoked.",
                    lambda: endpoint.refresh(refresh_token),
                )
            )
        verdicts.append(await self.targets.userinfo(signed_in.tokens.access_token))
        return changed, (*verdicts,)


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
