"""Tokens that are not a compact JWS with one JSON object in each part."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from asgi_bearer.errors import TokenEncrypted, TokenMalformed, TokenOpaque
from asgi_bearer.testing.attacks.rows import Attack, jwt_of
from asgi_bearer.testing.signing import b64, compact
from asgi_bearer.testing.tokens import TokenIssuer

_SEGMENTS: Final[Mapping[str, Callable[[list[str]], list[str]]]] = {
    # RFC 8725 §3.11.
    "two segments": lambda parts: parts[:2],
    "four segments": lambda parts: [*parts, "e30"],
    "a dot at the end": lambda parts: [*parts, ""],
    "a dot at the start": lambda parts: ["", *parts],
    "dots only": lambda parts: ["", "", ""],
    "empty header": lambda parts: ["", parts[1], parts[2]],
    "empty payload": lambda parts: [parts[0], "", parts[2]],
    "empty signature": lambda parts: [parts[0], parts[1], ""],
    # RFC 8725 §3.11, RFC 7516 §9: five segments are a JWE if the header says so.
    "five segments": lambda parts: [*parts, "AA", "AA"],
    "five segments that begin like an object": lambda parts: ["eyJ", "AA", "AA", "AA", "AA"],
    "JWE with compression": lambda parts: [b64({"alg": "dir", "zip": "DEF"}), "", "AA", "AA", "AA"],
    "JWE with many rounds": lambda parts: [
        b64({"alg": "PBES2-HS256+A128KW", "p2c": 2**31}),
        *("AA",) * 4,
    ],
}

_NOT_AN_OBJECT: Final[Mapping[str, str]] = {
    # RFC 7519 §7.2.
    "array": "[]",
    "string": '"x"',
    "number": "1",
    "true": "true",
    "null": "null",
    "not JSON": "x",
    "white space": " ",
    "two objects": "{}{}",
    "an object that is not closed": '{"iss":"x"',
    "a string that is not closed": '{"iss":"x',
    "comma at the end": '{"iss":"x",}',
    "single quotes": "{'iss':'x'}",
    "a comment": '{"iss":"x"/**/}',
    "a bare name": '{iss:"x"}',
}


def _segments(issuer: TokenIssuer, edit: Callable[[list[str]], list[str]]) -> str:
    return ".".join(edit(jwt_of(issuer).split(".")))


def header_of_text(issuer: TokenIssuer, text: str | bytes) -> str:
    """Return a token whose header is any text."""
    return compact(text, issuer.claims(), issuer.key)


def payload_of_text(issuer: TokenIssuer, text: str | bytes) -> str:
    """Return a token whose payload is any text."""
    return compact(issuer.header(), text, issuer.key)


def _encrypted(issuer: TokenIssuer, alg: str) -> str:
    return ".".join([b64({"alg": alg, "enc": "A256GCM"}), "AA", "AA", "AA", "AA"])


def _rows() -> Iterator[Attack]:
    wrong = "it is not a JWT"
    yield Attack("one segment", wrong, TokenOpaque, lambda issuer: jwt_of(issuer).split(".")[0])
    yield Attack("an opaque token", wrong, TokenOpaque, lambda issuer: "SlAV32hkKG~+/9==")
    yield Attack("an opaque token with a dot", wrong, TokenOpaque, lambda issuer: "ya29.a0AfH6SMB")
    wrong = "it is encrypted (RFC 7516 §9)"
    for alg in ("RSA-OAEP", "dir", "ECDH-ES", "PBES2-HS256+A128KW"):
        yield Attack(f"JWE by {alg}", wrong, TokenEncrypted, partial(_encrypted, alg=alg))
    wrong = "it has not three segments (RFC 7515 §7.1)"
    for name, edit in _SEGMENTS.items():
        yield Attack(name, wrong, TokenMalformed, partial(_segments, edit=edit))
    wrong = "a part is not a JSON object (RFC 7519 §7.2)"
    for name, text in _NOT_AN_OBJECT.items():
        for part, make in (("header", header_of_text), ("payload", payload_of_text)):
            yield Attack(f"{part}: {name}", wrong, TokenMalformed, partial(make, text=text))


STRUCTURES: Final = tuple(_rows())
