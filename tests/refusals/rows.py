"""What a row in a table of bad tokens is, and what the rows are made with."""

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from asgi_bearer import AccessTokenError, JWTVerifier, StaticKeys
from tests.support.fake_issuer import FakeClock, FakeIssuer, Json, SigningKey, b64, signing_key

MORE_KEYS = ("PS256", "ES256", "ES384", "ES512", "EdDSA")
"""Published next to the issuer's RS256 key, each with its algorithm as key id."""


@dataclass(frozen=True)
class Refused:
    """A token that must be refused.

    Arguments:
        name: what is wrong with it.
        expected: the refusal.
        token: makes it.
        profile: of the verifier.
    """

    name: str
    expected: type[AccessTokenError]
    token: Callable[[FakeIssuer], str]
    profile: str = "jwt"


def name_of(row: Refused) -> str:
    """Return the test id of a row."""
    return row.name


def new_issuer() -> FakeIssuer:
    """Return the issuer of the tables, whose clock stands still."""
    return FakeIssuer(clock=FakeClock())


def verifier(issuer: FakeIssuer, profile: str = "jwt") -> JWTVerifier:
    """Return a verifier that has the issuer's keys of all kinds."""
    return issuer.verifier(keys=_all_keys(), profile=profile)


@functools.cache
def _all_keys() -> StaticKeys:
    return StaticKeys(new_issuer().jwks(*(signing_key(alg, alg) for alg in MORE_KEYS)))


def signed(signing_input: str, key: SigningKey, alg: str | None = None) -> str:
    """Return a token with a true signature over any text."""
    return f"{signing_input}.{b64(key.sign(signing_input.encode(), alg))}"


def with_members(members: Mapping[str, object], *texts: str) -> str:
    """Return JSON of `members` and of members that are spelled out."""
    return f"{{{', '.join([json.dumps(dict(members))[1:-1], *texts])}}}"


def token_of(issuer: FakeIssuer, header: str | bytes | Json, claims: str | bytes | Json) -> str:
    """Return a token with a true signature over any header and payload."""
    return signed(f"{b64(header)}.{b64(claims)}", issuer.key)
