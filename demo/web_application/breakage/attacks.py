"""Break it: one thing is changed, and whoever must notice is shown noticing."""

from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from asgi_bearer.jose import base64url_decode
from demo.web_application.breakage.verdicts import Attempt, Attempts
from demo.web_application.checks.display import decoded
from demo.web_application.flow.contacts_api import READ_SCOPE, WRITE_SCOPE
from demo.web_application.session.session import SignedIn
from demo.web_application.settings import WebApplicationSettings

HOUR = 3600


@dataclass(frozen=True, slots=True)
class Broken:
    """What was changed, and what came of it."""

    title: str
    changed: str
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the menu."""

    what: str
    title: str
    explanation: str


MENU = (
    Entry("state", "Another state", "The answer belongs to a request that was never made here."),
    Entry("nonce", "Another nonce", "The ID token is from another sign-in."),
    Entry("signature", "Another signature", "One bit of a token's signature is turned over."),
    Entry("audience", "Another audience", "A genuine token, made for another API."),
    Entry("expiry", "An expired token", "A genuine token that ended an hour ago."),
    Entry("scope", "Another scope", "A genuine token that may write, and not read."),
    Entry("code-replay", "The code again", "A code that has been used is used once more."),
)


@dataclass(frozen=True, slots=True)
class Breakage:
    """What can be broken, with what this application keeps of a sign-in."""

    settings: WebApplicationSettings
    attempts: Attempts
    token: Callable[[], str]

    def menu(self) -> tuple[Entry, ...]:
        """Return the entries that make sense with these settings."""
        there_is_another = bool(self.settings.other_audience)
        return tuple(entry for entry in MENU if there_is_another or entry.what != "audience")

    async def broken(self, what: str, signed_in: SignedIn) -> Broken | None:
        """Break one thing; None where there is no such entry."""
        entries = {entry.what: entry for entry in self.menu()}
        if what not in entries:
            return None
        ways: Mapping[str, Callable[[SignedIn], Awaitable[tuple[str, tuple[Attempt, ...]]]]] = {
            "state": self._state,
            "nonce": self._nonce,
            "signature": self._signature,
            "audience": self._audience,
            "expiry": self._expiry,
            "scope": self._scope,
            "code-replay": self._code_replay,
        }
        changed, attempts = await ways[what](signed_in)
        return Broken(entries[what].title, changed, attempts)

    async def _state(self, signed_in: SignedIn) -> tuple[str, tuple[Attempt, ...]]:
        other = replace(signed_in.transaction, state=self.token())
        attempt = await self.attempts.checked_again(
            "The answer is checked again.", signed_in, other
        )
        return (
            "The answer of your sign-in is held against the state of another request, as if "
            "somebody had slipped you theirs.",
            (attempt,),
        )

    async def _nonce(self, signed_in: SignedIn) -> tuple[str, tuple[Attempt, ...]]:
        other = replace(signed_in.transaction, nonce=self.token())
        attempt = await self.attempts.checked_again(
            "The answer is checked again.", signed_in, other
        )
        return (
            "The ID token of your sign-in is held against the nonce of another request, as if it "
            "had been taken from there and replayed.",
            (attempt,),
        )

    async def _signature(self, signed_in: SignedIn) -> tuple[str, tuple[Attempt, ...]]:
        response = dict(signed_in.response)
        given = signed_in.given
        if "id_token" in response:
            response["id_token"] = with_one_bit_turned(response["id_token"])
        else:
            given = replace(given, id_token=with_one_bit_turned(given.id_token))
        tampered = replace(signed_in, response=response, given=given)
        first = await self.attempts.checked_again(
            "The ID token with the other signature is checked.", tampered, signed_in.transaction
        )
        if decoded(signed_in.tokens.access_token) is None:
            second = Attempt(
                "The access token is opaque.",
                "The API",
                "not tried",
                note="It has no signature that could be changed.",
            )
        else:
            second = await self.attempts.called(
                "The access token with the other signature is sent to the API.",
                with_one_bit_turned(signed_in.tokens.access_token),
            )
        return (
            "One bit in the middle of the signature: first in the ID token, then in the access "
            "token.",
            (first, second),
        )

    async def _audience(self, signed_in: SignedIn) -> tuple[str, tuple[Attempt, ...]]:
        attempt = await self.attempts.called_with_own_token(
            "A token for another API is sent to this one.",
            self.settings.other_audience,
            self.settings.other_scope,
        )
        return (
            f"The audience: a token from the same authorization server, for "
            f"{self.settings.other_audience} instead of {self.settings.audience}.",
            (attempt,),
        )

    async def _expiry(self, signed_in: SignedIn) -> tuple[str, tuple[Attempt, ...]]:
        attempt = await self.attempts.called_with_own_token(
            "The expired token is sent to the API.",
            self.settings.audience,
            READ_SCOPE,
            expires_in=-HOUR,
        )
        return (
            "The time: the token's exp is an hour ago. The demo's authorization server makes such "
            "a token if it is asked; it is of no use to anybody.",
            (attempt,),
        )

    async def _scope(self, signed_in: SignedIn) -> tuple[str, tuple[Attempt, ...]]:
        attempt = await self.attempts.called_with_own_token(
            "The token is sent to the API, to read.", self.settings.audience, WRITE_SCOPE
        )
        return f"The scope: {WRITE_SCOPE} instead of {READ_SCOPE}.", (attempt,)

    async def _code_replay(self, signed_in: SignedIn) -> tuple[str, tuple[Attempt, ...]]:
        code, verifier = signed_in.response["code"], signed_in.transaction.code_verifier
        attempts = [
            await self.attempts.asked(
                "The used code is sent to the token endpoint, with the right secret and verifier.",
                lambda: self.attempts.flow.endpoint.code(code, verifier),
            )
        ]
        changed = "Nothing but the time: the code of your sign-in comes a second time."
        if attempts[0].result == "not judged":
            # Nothing was revoked for all we know, and the refresh token is too good to be tried.
            return changed, (*attempts,)
        refresh_token = signed_in.tokens.refresh_token
        if refresh_token is not None:
            attempts.append(
                await self.attempts.asked(
                    "The refresh token is tried: the replay revoked all that the code gave.",
                    lambda: self.attempts.flow.endpoint.refresh(refresh_token),
                )
            )
        attempts.append(await self.attempts.userinfo(signed_in.tokens.access_token))
        return changed, (*attempts,)


def after_replay(signed_in: SignedIn, attempts: Sequence[Attempt]) -> SignedIn:
    """Return what is left of a sign-in after `code-replay`: the code was tried, and then the rest.

    Arguments:
        attempts: with the code first, and with the access token, which revokes nothing, last.
    """
    if attempts[0].result == "not judged":
        return signed_in
    asked = attempts[:-1]
    return replace(
        signed_in,
        # Whatever came of it, it has been used.
        tokens=replace(signed_in.tokens, refresh_token=None),
        revoked=signed_in.revoked or all(attempt.result == "refused" for attempt in asked),
    )


def with_one_bit_turned(token: str) -> str:
    """Return a compact JWS with one bit in the middle of its signature turned over."""
    signed, _, signature = token.rpartition(".")
    octets = bytearray(base64url_decode(signature))
    octets[len(octets) // 2] ^= 1
    return f"{signed}.{urlsafe_b64encode(octets).rstrip(b'=').decode('ascii')}"
