"""Tokens that the issuer did not sign."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from asgi_bearer.errors import AlgorithmNotAllowed, SignatureInvalid
from asgi_bearer.testing.attacks.rows import Attack, Make, jwt_of
from asgi_bearer.testing.signing import Json, SigningKey, b64, compact, signing_key
from asgi_bearer.testing.tokens import TokenIssuer

_DIGESTS: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}

_ATTACKERS_NUMBER: Final = 666


def public_bytes(key: SigningKey, encoding: Encoding, form: PublicFormat) -> bytes:
    """Return the public key in this encoding."""
    encoded: bytes = key.private_key.public_key().public_bytes(encoding, form)
    return encoded


_PUBLIC_KEYS: Final[Mapping[str, Callable[[SigningKey], bytes]]] = {
    # RFC 8725 §3.1.
    "PEM": lambda key: public_bytes(key, Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "PEM without its newline": lambda key: public_bytes(
        key, Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    ).strip(),
    "DER": lambda key: public_bytes(key, Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "OpenSSH": lambda key: public_bytes(key, Encoding.OpenSSH, PublicFormat.OpenSSH),
    "JWK": lambda key: json.dumps(key.jwk()).encode(),
    "JWK without spaces": lambda key: json.dumps(key.jwk(), separators=(",", ":")).encode(),
    "empty": lambda key: b"",
}

_SIGNATURES: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    # RFC 7518 §3.3, §3.4.
    "signature all zero": lambda raw: bytes(len(raw)),
    "signature one": lambda raw: bytes(len(raw) - 1) + b"\1",
    "signature all ones": lambda raw: b"\xff" * len(raw),
    "signature without its last byte": lambda raw: raw[:-1],
    "signature with a trailing byte": lambda raw: raw + b"\0",
    "signature with a leading byte": lambda raw: b"\0" + raw,
    "signature of one byte": lambda raw: b"\0",
    "signature one bit off": lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
}


def hmac_token(issuer: TokenIssuer, alg: str, secret: Callable[[SigningKey], bytes]) -> str:
    """Return a token with an HMAC, whose secret is made from the issuer's public key."""
    signing_input = f"{b64(issuer.header(alg=alg))}.{b64(issuer.claims())}"
    mac = hmac.digest(secret(issuer.key), signing_input.encode(), _DIGESTS[alg])
    return f"{signing_input}.{b64(mac)}"


def hmac_attacks(secrets: Mapping[str, Callable[[SigningKey], bytes]]) -> Iterator[Attack]:
    """Return an attack for each secret and each HMAC."""
    wrong = "the issuer's public key is the secret of an HMAC (RFC 8725 §3.1)"
    for alg in _DIGESTS:
        for name, secret in secrets.items():
            make = partial(hmac_token, alg=alg, secret=secret)
            yield Attack(f"{alg} with the public key as {name}", wrong, AlgorithmNotAllowed, make)


def _edited(issuer: TokenIssuer, edit: Callable[[bytes], bytes]) -> str:
    signing_input = f"{b64(issuer.header())}.{b64(issuer.claims())}"
    return f"{signing_input}.{b64(edit(issuer.key.sign(signing_input.encode())))}"


def _swapped(issuer: TokenIssuer, position: int, segment: str) -> str:
    segments = jwt_of(issuer).split(".")
    segments[position] = segment
    return ".".join(segments)


def _attackers_key(issuer: TokenIssuer) -> SigningKey:
    return signing_key(issuer.key.alg, issuer.key.kid, _ATTACKERS_NUMBER)


def _by_attacker(issuer: TokenIssuer, header: Json | None = None) -> str:
    return compact(header or issuer.header(), issuer.claims(), _attackers_key(issuer))


def _with_attackers_jwk(issuer: TokenIssuer, **changes: object) -> str:
    return _by_attacker(issuer, issuer.header(**changes, jwk=_attackers_key(issuer).jwk()))


def _with_certificate(issuer: TokenIssuer) -> str:
    der = public_bytes(_attackers_key(issuer), Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    x5c = [base64.b64encode(der).decode()]
    return _with_attackers_jwk(issuer, x5u="https://trap.example/x5u", x5c=x5c)


_OTHERS: Final[Mapping[str, Make]] = {
    "changed claims": lambda issuer: _swapped(issuer, 1, b64(issuer.claims(scope="admin"))),
    "changed header": lambda issuer: _swapped(issuer, 0, b64(issuer.header(x="1"))),
    "the signature of another token": lambda issuer: _swapped(
        issuer, 2, jwt_of(issuer, sub="bob").split(".")[2]
    ),
    "another key with the same id": _by_attacker,
    "the attacker's key in jwk": _with_attackers_jwk,
    "the attacker's key in jwk, no kid": partial(_with_attackers_jwk, kid=None),
    "the attacker's key at jku": partial(_with_attackers_jwk, jku="https://trap.example/jwks"),
    "the attacker's key at x5u and in x5c": _with_certificate,
}


def _rows() -> Iterator[Attack]:
    yield from hmac_attacks(_PUBLIC_KEYS)
    wrong = "the signature is not that of the issuer (RFC 8725 §3.3)"
    for name, edit in _SIGNATURES.items():
        yield Attack(name, wrong, SignatureInvalid, partial(_edited, edit=edit))
    for name, make in _OTHERS.items():
        yield Attack(name, wrong, SignatureInvalid, make)


FORGERIES: Final = tuple(_rows())
