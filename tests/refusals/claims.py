"""Tokens with claims that must be refused. All are signed with the issuer's key."""

import json
from collections.abc import Iterator, Mapping
from functools import partial

from asgi_bearer import (
    AccessTokenError,
    AudienceMismatch,
    ClaimMalformed,
    ClaimMissing,
    IDTokenPresented,
    IssuerMismatch,
    TokenBoundToKey,
    TokenExpired,
    TokenNotYetValid,
)
from asgi_bearer.testing import AUDIENCE, ISSUER, FakeClock, FakeIssuer
from tests.refusals.rows import Refused, token_of

NOW = FakeClock().now
LEEWAY = 30.0
"""The default leeway."""

_INVALID_DATES: dict[str, object] = {
    # RFC 7519 §2.
    "a string": "1700000600",
    "true": True,
    "false": False,
    "null": None,
    "an array": [NOW + 60],
    "an object": {},
    "negative": -1,
    "slightly negative": -0.5,
    "milliseconds": (NOW + 60) * 1000,
    "after the year 9999": 253_402_300_800,
    "1e300": 1e300,
    "an integer of 4300 digits": 10**4299,
}

_INVALID_NAMES: dict[str, object] = {
    # RFC 7519 §4.1.2.
    "empty": "",
    "null": None,
    "a number": 7,
    "true": True,
    "an array": ["alice"],
    "an object": {},
    "with a newline": "alice\nrefused: nothing",
    "with a NUL": "alice\x00",
    "with a DEL": "alice\x7f",
    "with a control character beyond ASCII": "alice\x85",
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
    "iss without the final slash": (IssuerMismatch, {"iss": ISSUER.rstrip("/")}),
    "iss with a second final slash": (IssuerMismatch, {"iss": ISSUER + "/"}),
    "iss in another case": (IssuerMismatch, {"iss": ISSUER.upper()}),
    "iss with a port": (IssuerMismatch, {"iss": "https://issuer.example:443/"}),
    "iss with another scheme": (IssuerMismatch, {"iss": "http://issuer.example/"}),
    "iss with a suffix": (IssuerMismatch, {"iss": ISSUER + "tenant"}),
    "iss cut short": (IssuerMismatch, {"iss": ISSUER[:-3]}),
    "iss with a space": (IssuerMismatch, {"iss": ISSUER + " "}),
    "iss with a NUL": (IssuerMismatch, {"iss": ISSUER + "\x00"}),
    "iss empty": (IssuerMismatch, {"iss": ""}),
    "iss null": (IssuerMismatch, {"iss": None}),
    "iss a number": (IssuerMismatch, {"iss": 1}),
    "iss an array": (IssuerMismatch, {"iss": [ISSUER]}),
    "iss an object": (IssuerMismatch, {"iss": {ISSUER: 1}}),
    # RFC 9068 §4.
    "aud of another API": (AudienceMismatch, {"aud": "https://api.example/orders"}),
    "aud empty": (AudienceMismatch, {"aud": ""}),
    "aud an empty array": (AudienceMismatch, {"aud": []}),
    "aud an array of an empty name": (AudienceMismatch, {"aud": [""]}),
    "aud cut short": (AudienceMismatch, {"aud": AUDIENCE[:-1]}),
    "aud with a suffix": (AudienceMismatch, {"aud": AUDIENCE + "/"}),
    "aud in another case": (AudienceMismatch, {"aud": AUDIENCE.upper()}),
    "aud two names in one string": (AudienceMismatch, {"aud": f"{AUDIENCE} https://x.example"}),
    # RFC 7519 §4.1.3.
    "aud null": (ClaimMalformed, {"aud": None}),
    "aud a number": (ClaimMalformed, {"aud": 1}),
    "aud an object": (ClaimMalformed, {"aud": {AUDIENCE: 1}}),
    "aud with a number in it": (ClaimMalformed, {"aud": [1, AUDIENCE]}),
    "aud with null in it": (ClaimMalformed, {"aud": [AUDIENCE, None]}),
    "aud nested": (ClaimMalformed, {"aud": [[AUDIENCE]]}),
    # RFC 7519 §4.1.4.
    "exp past the leeway": (TokenExpired, {"exp": NOW - LEEWAY - 1}),
    "exp at the leeway": (TokenExpired, {"exp": NOW - LEEWAY}),
    "exp 0": (TokenExpired, {"exp": 0}),
    "exp minus zero": (TokenExpired, {"exp": -0.0}),
    # RFC 7519 §4.1.5.
    "nbf past the leeway": (TokenNotYetValid, {"nbf": NOW + LEEWAY + 1}),
    "nbf half a second past the leeway": (TokenNotYetValid, {"nbf": NOW + LEEWAY + 0.5}),
    # RFC 7519 §4.1.6.
    "iat past the leeway": (TokenNotYetValid, {"iat": NOW + LEEWAY + 1}),
    "iat in an hour": (TokenNotYetValid, {"iat": NOW + 3600}),
    # RFC 7519 §2.
    **{
        f"{name} {words}": (ClaimMalformed, {name: value})
        for name in ("exp", "nbf", "iat")
        for words, value in _INVALID_DATES.items()
    },
    # RFC 7519 §4.1.2.
    **{
        f"{name} {words}": (ClaimMalformed, {name: value})
        for name in ("sub", "client_id", "azp", "cid", "appid")
        for words, value in _INVALID_NAMES.items()
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
    **{
        f"ID token with {name}": (IDTokenPresented, {name: "x"})
        for name in ("at_hash", "c_hash", "s_hash")
    },
    "ID token with at_hash null": (IDTokenPresented, {"at_hash": None}),
    "ID token with the client as audience": (AudienceMismatch, {"aud": "web", "nonce": "n"}),
    # RFC 9449 §7.2: a plain Bearer request carries no proof of possession.
    "cnf jkt": (TokenBoundToKey, {"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}),
    "cnf of a certificate": (
        TokenBoundToKey,
        {"cnf": {"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9"}},
    ),
    "cnf unknown": (TokenBoundToKey, {"cnf": {"kid": "x"}}),
    "cnf empty": (TokenBoundToKey, {"cnf": {}}),
    "cnf null": (TokenBoundToKey, {"cnf": None}),
    "cnf a string": (TokenBoundToKey, {"cnf": "x"}),
}

_WITHOUT: dict[str, tuple[str, ...]] = {
    # RFC 9068 §2.2.
    "jwt": ("iss", "aud", "exp"),
    "rfc9068": ("iss", "exp", "aud", "sub", "client_id", "iat", "jti"),
}


def _with(issuer: FakeIssuer, changes: Mapping[str, object]) -> str:
    # FakeIssuer leaves out a claim that is None; here None is JSON null.
    return token_of(issuer, issuer.header(), json.dumps({**issuer.claims(), **changes}))


def _without(issuer: FakeIssuer, name: str) -> str:
    return issuer.token(**{name: None})


def _rows() -> Iterator[Refused]:
    for profile, names in _WITHOUT.items():
        for name, (expected, changes) in _CHANGES.items():
            # The profile rfc9068 does not read scp.
            if profile == "jwt" or "scp" not in changes:
                token = partial(_with, changes=changes)
                yield Refused(f"{name}, {profile}", expected, token, profile)
        for name in names:
            yield Refused(
                f"no {name}, {profile}", ClaimMissing, partial(_without, name=name), profile
            )
        yield Refused(
            f"no claims, {profile}",
            ClaimMissing,
            lambda issuer: token_of(issuer, issuer.header(), {}),
            profile,
        )
    yield Refused(
        "scope an array, rfc9068",
        ClaimMalformed,
        partial(_with, changes={"scope": ["read:contacts"]}),
        "rfc9068",
    )
    yield Refused(
        "jti empty, rfc9068", ClaimMalformed, partial(_with, changes={"jti": ""}), "rfc9068"
    )


REFUSED_CLAIMS = list(_rows())
