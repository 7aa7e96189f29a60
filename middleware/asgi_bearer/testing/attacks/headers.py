"""Tokens with a JOSE header that must be refused. All are signed with the issuer's key."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from asgi_bearer.errors import (
    AccessTokenError,
    AlgorithmNotAllowed,
    CriticalHeaderNotUnderstood,
    KeyNotFound,
    TokenEncrypted,
    TokenMalformed,
    TokenTypeNotAllowed,
)
from asgi_bearer.testing.attacks.rows import Attack, Make, with_header, without_header
from asgi_bearer.testing.signing import b64, compact
from asgi_bearer.testing.tokens import TokenIssuer

_Value = Callable[[str], object]

_NO_ALGORITHMS: Final = ("none", "None", "NONE", "nOnE", "none ", "\u0000none")

_ALGORITHMS: Final[Mapping[str, _Value]] = {
    # RFC 8725 §3.1.
    "alg in another case": lambda alg: alg.swapcase(),
    "alg with a first letter in another case": lambda alg: alg[0].swapcase() + alg[1:],
    "alg with a space": lambda alg: alg + " ",
    "alg with a NUL": lambda alg: alg + "\x00",
    "alg RS1": lambda alg: "RS1",
    "alg of a curve that is not supported": lambda alg: "ES256K",
    "alg Ed448": lambda alg: "Ed448",
    "alg of a key agreement": lambda alg: "ECDH-ES",
    "alg empty": lambda alg: "",
    "alg null": lambda alg: None,
    "alg true": lambda alg: True,
    "alg a number": lambda alg: 256,
    "alg an array": lambda alg: [alg],
    "alg an object": lambda alg: {alg: 1},
    "alg HS256": lambda alg: "HS256",
    "alg HS384": lambda alg: "HS384",
    "alg HS512": lambda alg: "HS512",
}

_CRITICAL: Final[Mapping[str, Mapping[str, object]]] = {
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

_KEY_IDS: Final[Mapping[str, tuple[type[AccessTokenError], _Value]]] = {
    # RFC 8725 §3.10.
    "kid null": (TokenMalformed, lambda kid: None),
    "kid a number": (TokenMalformed, lambda kid: 1),
    "kid true": (TokenMalformed, lambda kid: True),
    "kid an array": (TokenMalformed, lambda kid: [kid]),
    "kid an object": (TokenMalformed, lambda kid: {kid: 1}),
    "kid empty": (KeyNotFound, lambda kid: ""),
    "kid unknown": (KeyNotFound, lambda kid: "unknown"),
    "kid in another case": (KeyNotFound, lambda kid: kid.swapcase()),
    "kid with a space": (KeyNotFound, lambda kid: kid + " "),
    "kid a path": (KeyNotFound, lambda kid: "../../../../dev/null"),
    "kid with SQL": (KeyNotFound, lambda kid: "' OR '1'='1"),
    "kid a template": (KeyNotFound, lambda kid: "${jndi:ldap://trap.example/x}{{7*7}}%s%n"),
    "kid with a line break": (KeyNotFound, lambda kid: kid + "\r\nrefused: nothing, all is well"),
    "kid with a NUL": (KeyNotFound, lambda kid: kid + "\x00"),
    "kid with a right-to-left override": (KeyNotFound, lambda kid: "\u202e" + kid),
}

_TYPES: Final[Mapping[str, object]] = {
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


def _with_alg(issuer: TokenIssuer, value: _Value) -> str:
    return with_header(issuer, {"alg": value(issuer.key.alg)})


def _with_kid(issuer: TokenIssuer, value: _Value) -> str:
    return with_header(issuer, {"kid": value(str(issuer.key.kid))})


def _unsigned(issuer: TokenIssuer, end: str) -> str:
    return f"{b64({'alg': 'none'})}.{b64(issuer.claims())}{end}"


def _rows() -> Iterator[Attack]:
    wrong = "it is not signed (RFC 8725 §3.2)"
    for name in _NO_ALGORITHMS:
        shown = name.replace("\u0000", "NUL ").replace("none ", "none and a space")
        make: Make = partial(with_header, members={"alg": name})
        yield Attack(f"alg {shown}", wrong, AlgorithmNotAllowed, make)
    make = partial(_unsigned, end=".")
    yield Attack("alg none without a signature", wrong, AlgorithmNotAllowed, make)
    make = partial(_unsigned, end="")
    yield Attack("alg none without a third segment", wrong, TokenMalformed, make)
    wrong = "its algorithm is not one of those that are allowed (RFC 8725 §3.1)"
    for name, value in _ALGORITHMS.items():
        yield Attack(name, wrong, AlgorithmNotAllowed, partial(_with_alg, value=value))
    yield Attack("no alg", wrong, AlgorithmNotAllowed, partial(without_header, name="alg"))
    yield Attack(
        "no members",
        wrong,
        AlgorithmNotAllowed,
        lambda issuer: compact({}, issuer.claims(), issuer.key),
    )
    # RFC 8725 §3.11. RFC 7516 §9.
    for alg in ("RSA-OAEP", "RS256"):
        make = partial(with_header, members={"alg": alg, "enc": "A256GCM"})
        wrong = "it says that it is encrypted (RFC 7516 §9)"
        yield Attack(f"enc beside {alg}", wrong, TokenEncrypted, make)
    wrong = "its header has a critical member that is not understood (RFC 7515 §4.1.11)"
    for name, members in _CRITICAL.items():
        make = partial(with_header, members=members)
        yield Attack(name, wrong, CriticalHeaderNotUnderstood, make)
    wrong = "its key id names no key of the issuer (RFC 8725 §3.10)"
    for name, (refusal, value) in _KEY_IDS.items():
        yield Attack(name, wrong, refusal, partial(_with_kid, value=value))
    wrong = "it says that it is another kind of JWT (RFC 8725 §3.11)"
    for name, typ in _TYPES.items():
        make = partial(with_header, members={"typ": typ})
        yield Attack(name, wrong, TokenTypeNotAllowed, make)


HEADERS: Final = tuple(_rows())
