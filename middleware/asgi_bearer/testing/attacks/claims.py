"""Tokens with claims that must be refused. All are signed with the issuer's key."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from asgi_bearer.errors import (
    AccessTokenError,
    AudienceMismatch,
    ClaimMalformed,
    ClaimMissing,
    IDTokenPresented,
    IssuerMismatch,
    OtherJWTPresented,
    TokenBoundToKey,
    TokenExpired,
    TokenNotYetValid,
)
from asgi_bearer.testing.attacks.rows import Attack, Make, jwt_of, with_claims
from asgi_bearer.testing.signing import compact
from asgi_bearer.testing.tokens import TokenIssuer

INVALID_DATES: Final[Mapping[str, object]] = {
    # RFC 7519 §2.
    "a string": "1700000600",
    "true": True,
    "false": False,
    "null": None,
    "an array": [1_700_000_600],
    "an object": {},
    "negative": -1,
    "slightly negative": -0.5,
    "milliseconds": 1_700_000_600_000,
    "after the year 9999": 253_402_300_800,
    "1e300": 1e300,
}

INVALID_NAMES: Final[Mapping[str, object]] = {
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

_Value = Callable[[str], object]

_ISSUERS: Final[Mapping[str, _Value]] = {
    "iss with or without a final slash": lambda iss: iss[:-1] if iss[-1] == "/" else iss + "/",
    "iss with a second final slash": lambda iss: iss + "//",
    "iss in another case": lambda iss: iss.swapcase(),
    "iss of an attacker": lambda iss: "https://attacker.example/",
    "iss with a suffix": lambda iss: iss + "tenant",
    "iss with the issuer as a user name": lambda iss: iss.rstrip("/") + "@attacker.example/",
    "iss cut short": lambda iss: iss[:-3],
    "iss with a space": lambda iss: iss + " ",
    "iss with a NUL": lambda iss: iss + "\x00",
    "iss empty": lambda iss: "",
    "iss null": lambda iss: None,
    "iss a number": lambda iss: 1,
    "iss an array": lambda iss: [iss],
    "iss an object": lambda iss: {iss: 1},
}

_AUDIENCES: Final[Mapping[str, tuple[type[AccessTokenError], _Value]]] = {
    # RFC 9068 §4.
    "aud of another API": (AudienceMismatch, lambda aud: "https://another.example"),
    "aud empty": (AudienceMismatch, lambda aud: ""),
    "aud an empty array": (AudienceMismatch, lambda aud: []),
    "aud an array of an empty name": (AudienceMismatch, lambda aud: [""]),
    "aud cut short": (AudienceMismatch, lambda aud: aud[:-1]),
    "aud with a suffix": (AudienceMismatch, lambda aud: aud + "/"),
    "aud in another case": (AudienceMismatch, lambda aud: aud.swapcase()),
    "aud two names in one string": (AudienceMismatch, lambda aud: f"{aud} https://x.example"),
    # RFC 7519 §4.1.3.
    "aud null": (ClaimMalformed, lambda aud: None),
    "aud a number": (ClaimMalformed, lambda aud: 1),
    "aud an object": (ClaimMalformed, lambda aud: {aud: 1}),
    "aud with a number in it": (ClaimMalformed, lambda aud: [1, aud]),
    "aud with null in it": (ClaimMalformed, lambda aud: [aud, None]),
    "aud nested": (ClaimMalformed, lambda aud: [[aud]]),
}

_TIMES: Final[Mapping[str, tuple[type[AccessTokenError], str, float]]] = {
    "expired a day ago": (TokenExpired, "exp", -86_400),
    "expired ten minutes ago": (TokenExpired, "exp", -600),
    "nbf in ten minutes": (TokenNotYetValid, "nbf", 600),
    "iat in an hour": (TokenNotYetValid, "iat", 3600),
}
"""More than the largest leeway, which is five minutes."""

_BOUND: Final[Mapping[str, object]] = {
    "cnf jkt": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
    "cnf of a certificate": {"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9"},
    "cnf unknown": {"kid": "x"},
    "cnf empty": {},
    "cnf null": None,
    "cnf a string": "x",
}


def _with(issuer: TokenIssuer, name: str, value: object) -> str:
    return with_claims(issuer, {name: value})


def _without(issuer: TokenIssuer, name: str) -> str:
    return jwt_of(issuer, **{name: None})


def _with_issuer(issuer: TokenIssuer, value: _Value) -> str:
    return with_claims(issuer, {"iss": value(issuer.issuer)})


def _with_audience(issuer: TokenIssuer, value: _Value) -> str:
    return with_claims(issuer, {issuer.shape.audience_claim: value(issuer.audience)})


def _without_audience(issuer: TokenIssuer) -> str:
    return jwt_of(issuer, **{issuer.shape.audience_claim: None})


def _without_claims(issuer: TokenIssuer) -> str:
    return compact(issuer.header(), {}, issuer.key)


def _at(issuer: TokenIssuer, name: str, seconds: float) -> str:
    return with_claims(issuer, {name: int(issuer.clock()) + seconds})


def _id_token_for_the_client(issuer: TokenIssuer) -> str:
    # As a client sees it whose identifier is not that of the API.
    return with_claims(issuer, {issuer.shape.audience_claim: "another-client", "nonce": "n"})


def _logout_token(issuer: TokenIssuer) -> str:
    events: dict[str, object] = {"http://schemas.openid.net/event/backchannel-logout": {}}
    return with_claims(issuer, {"events": events, "sid": "5e55"})


_MISSING: Final[Mapping[str, Make]] = {
    "no iss": partial(_without, name="iss"),
    "no aud": _without_audience,
    "no exp": partial(_without, name="exp"),
    "no claims": _without_claims,
}


def _rows() -> Iterator[Attack]:
    wrong = "iss is not the issuer, byte for byte (RFC 9068 §4)"
    for name, value in _ISSUERS.items():
        yield Attack(name, wrong, IssuerMismatch, partial(_with_issuer, value=value))
    wrong = "aud does not name this API (RFC 9068 §4)"
    for name, (refusal, value) in _AUDIENCES.items():
        yield Attack(name, wrong, refusal, partial(_with_audience, value=value))
    for name, make in _MISSING.items():
        yield Attack(name, "a required claim is missing (RFC 9068 §2.2)", ClaimMissing, make)
    for name, (refusal, claim, seconds) in _TIMES.items():
        wrong = "it has expired (RFC 7519 §4.1.4)"
        if claim != "exp":
            wrong = "it is not valid yet (RFC 7519 §4.1.5)"
        yield Attack(name, wrong, refusal, partial(_at, name=claim, seconds=seconds))
    make = partial(_with, name="exp", value=0)
    yield Attack("exp 0", "it has expired (RFC 7519 §4.1.4)", TokenExpired, make)
    wrong = "exp is not a date (RFC 7519 §2)"
    for name, date in INVALID_DATES.items():
        yield Attack(f"exp {name}", wrong, ClaimMalformed, partial(_with, name="exp", value=date))
    wrong = "sub is not a name (RFC 7519 §4.1.2)"
    for name, subject in INVALID_NAMES.items():
        make = partial(_with, name="sub", value=subject)
        yield Attack(f"sub {name}", wrong, ClaimMalformed, make)
    wrong = "the token is bound to a key, and a Bearer request proves none (RFC 9449 §7.2)"
    for name, confirmation in _BOUND.items():
        make = partial(_with, name="cnf", value=confirmation)
        yield Attack(name, wrong, TokenBoundToKey, make)
    wrong = "it is an ID token (RFC 8725 §3.12)"
    for name in ("at_hash", "c_hash", "s_hash"):
        make = partial(_with, name=name, value="x")
        yield Attack(f"ID token with {name}", wrong, IDTokenPresented, make)
    yield Attack(
        "ID token with the client as audience", wrong, AudienceMismatch, _id_token_for_the_client
    )
    yield Attack(
        "logout token", "it is a logout token (RFC 8725 §3.12)", OtherJWTPresented, _logout_token
    )


CLAIMS: Final = tuple(_rows())
