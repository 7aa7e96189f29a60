"""Tokens with claims that must be refused, beside those of the public table.

All are signed with the issuer's key.
"""

from collections.abc import Iterator
from functools import partial

from asgi_bearer import (
    AccessTokenError,
    ClaimMalformed,
    ClaimMissing,
    IDTokenPresented,
    IssuerMismatch,
    TokenExpired,
    TokenNotYetValid,
)
from asgi_bearer.testing import FakeClock, FakeIssuer
from asgi_bearer.testing.attacks import CLAIMS
from asgi_bearer.testing.attacks.claims import INVALID_DATES, INVALID_NAMES
from asgi_bearer.testing.attacks.rows import with_claims
from tests.refusals.rows import Refused, of_attacks

NOW = FakeClock().now
LEEWAY = 30.0
"""The default leeway."""

_INVALID_DATES = {
    **INVALID_DATES,
    "an integer of 4300 digits": 10**4299,
}

_INVALID_SCOPES: dict[str, object] = {
    # RFC 6749 §3.3.
    "null": None,
    "a number": 1,
    "true": True,
    "an object": {"read:contacts": True},
    "with a tab": "read:contacts\twrite:contacts",
    "with a newline": "read:contacts\nwrite:contacts",
    "with a quote": 'read:"contacts"',
    "with a backslash": "read:\\contacts",
    "with a NUL": "read:contacts\x00",
    "with a letter outside ASCII": "read:contäcts",
    "with a no-break space": "read:contacts\u00a0x",
}

_CHANGES: dict[str, tuple[type[AccessTokenError], dict[str, object]]] = {
    # RFC 9068 §4.
    "iss with a port": (IssuerMismatch, {"iss": "https://issuer.example:443/"}),
    "iss with another scheme": (IssuerMismatch, {"iss": "http://issuer.example/"}),
    # RFC 7519 §4.1.4.
    "exp past the leeway": (TokenExpired, {"exp": NOW - LEEWAY - 1}),
    "exp at the leeway": (TokenExpired, {"exp": NOW - LEEWAY}),
    "exp minus zero": (TokenExpired, {"exp": -0.0}),
    # RFC 7519 §4.1.5.
    "nbf past the leeway": (TokenNotYetValid, {"nbf": NOW + LEEWAY + 1}),
    "nbf half a second past the leeway": (TokenNotYetValid, {"nbf": NOW + LEEWAY + 0.5}),
    # RFC 7519 §4.1.6.
    "iat past the leeway": (TokenNotYetValid, {"iat": NOW + LEEWAY + 1}),
    # RFC 7519 §2.
    **{
        f"{name} {words}": (ClaimMalformed, {name: value})
        for name in ("nbf", "iat")
        for words, value in _INVALID_DATES.items()
    },
    "exp an integer of 4300 digits": (ClaimMalformed, {"exp": 10**4299}),
    # RFC 7519 §4.1.2.
    **{
        f"{name} {words}": (ClaimMalformed, {name: value})
        for name in ("client_id", "azp", "cid", "appid")
        for words, value in INVALID_NAMES.items()
    },
    # RFC 6749 §3.3.
    **{
        f"scope {words}": (ClaimMalformed, {"scope": value})
        for words, value in _INVALID_SCOPES.items()
    },
    "scope with a number in it": (ClaimMalformed, {"scope": ["read:contacts", 1]}),
    "scope with two names in one string": (
        ClaimMalformed,
        {"scope": ["read:contacts write:contacts"]},
    ),
    "scope with an empty name": (ClaimMalformed, {"scope": [""]}),
    **{
        f"scp {words}": (ClaimMalformed, {"scp": value}) for words, value in _INVALID_SCOPES.items()
    },
    "scp with a number in it": (ClaimMalformed, {"scp": ["read:contacts", 1]}),
    "scp with two names in one string": (ClaimMalformed, {"scp": ["read:contacts write:contacts"]}),
    "scp with an empty name": (ClaimMalformed, {"scp": [""]}),
    # RFC 7519 §4.1.7.
    "jti a number": (ClaimMalformed, {"jti": 7}),
    "jti null": (ClaimMalformed, {"jti": None}),
    # RFC 8725 §3.12.
    "ID token with at_hash null": (IDTokenPresented, {"at_hash": None}),
}

_WITHOUT: dict[str, tuple[str, ...]] = {
    # RFC 9068 §2.2.
    "jwt": (),
    "rfc9068": ("sub", "client_id", "iat", "jti"),
}


def _without(issuer: FakeIssuer, name: str) -> str:
    return issuer.token(**{name: None})


def _rows() -> Iterator[Refused]:
    for profile, names in _WITHOUT.items():
        for name, (expected, changes) in _CHANGES.items():
            # The profile rfc9068 does not read scp.
            if profile == "jwt" or "scp" not in changes:
                token = partial(with_claims, changes=changes)
                yield Refused(f"{name}, {profile}", expected, token, profile)
        for name in names:
            yield Refused(
                f"no {name}, {profile}", ClaimMissing, partial(_without, name=name), profile
            )
    yield Refused(
        "scope an array, rfc9068",
        ClaimMalformed,
        partial(with_claims, changes={"scope": ["read:contacts"]}),
        "rfc9068",
    )
    yield Refused(
        "jti empty, rfc9068", ClaimMalformed, partial(with_claims, changes={"jti": ""}), "rfc9068"
    )


REFUSED_CLAIMS = [*of_attacks(CLAIMS, "jwt", "rfc9068"), *_rows()]
