"""A row in a table of tokens that must be refused, and functions that make such tokens."""

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from asgi_bearer import AccessTokenError, JWTVerifier, StaticKeys
from asgi_bearer.testing import Attack, FakeClock, FakeIssuer, signing_key
from asgi_bearer.testing.signing import Json, compact
from asgi_bearer.testing.tokens import TokenIssuer

MORE_KEYS = ("PS256", "ES256", "ES384", "ES512", "EdDSA")
"""Keys that the issuer publishes beside its RS256 key; the key id of each is its algorithm."""


@dataclass(frozen=True)
class Refused:
    """A token that must be refused.

    Arguments:
        name: what is wrong with the token.
        expected: the class of the refusal.
        token: a function that makes the token.
        profile: the profile of the verifier.
    """

    name: str
    expected: type[AccessTokenError]
    token: Callable[[FakeIssuer], str]
    profile: str = "jwt"


def name_of(row: Refused) -> str:
    """Return the test id of a row."""
    return row.name


def new_issuer() -> FakeIssuer:
    """Return the issuer of the tables; its clock stands still."""
    return FakeIssuer(key=signing_key(), clock=FakeClock())


def verifier(issuer: FakeIssuer, profile: str = "jwt") -> JWTVerifier:
    """Return a verifier with the issuer's keys of all types."""
    return issuer.verifier(keys=_all_keys(), profile=profile)


@functools.cache
def _all_keys() -> StaticKeys:
    return StaticKeys(new_issuer().jwks(*(signing_key(alg, alg) for alg in MORE_KEYS)))


def with_members(members: Mapping[str, object], *texts: str) -> str:
    """Return a JSON object with `members` and with members that are given as text."""
    return f"{{{', '.join([json.dumps(dict(members))[1:-1], *texts])}}}"


def of_attacks(attacks: Iterable[Attack], *profiles: str) -> list[Refused]:
    """Return the rows of the public table, for each of the profiles."""
    return [
        Refused(f"{attack.id}, {profile}", attack.refusal, attack.make, profile)
        for profile in profiles
        for attack in attacks
    ]


def token_of(issuer: TokenIssuer, header: str | bytes | Json, claims: str | bytes | Json) -> str:
    """Return a token with a valid signature over any header and payload."""
    return compact(header, claims, issuer.key)
