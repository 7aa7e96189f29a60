"""Tokens with a valid signature over any text: the keys, and the valid token that mutations start
from."""

import functools
import json
import math
import time
from collections.abc import Iterable, Mapping
from typing import Final

from asgi_bearer import StaticKeys
from asgi_bearer.testing import AUDIENCE, ISSUER, SigningKey, signing_key
from asgi_bearer.testing.signing import Json, b64

NOW: Final = math.floor(time.time())
"""Real time, because PyJWT reads the system clock."""

DAY: Final = 86_400
"""Far from every limit, however long a run takes."""

SIGNERS: Final[Mapping[str, SigningKey]] = {
    # One RSA key under two key ids for two algorithms, and a second RSA key for the first
    # algorithm.
    "rs": signing_key("RS256", "rs"),
    "ps": signing_key("PS256", "ps"),
    "rs-2": signing_key("RS256", "rs-2", 1),
    "es": signing_key("ES256", "es"),
    "ed": signing_key("EdDSA", "ed"),
}

LEFT_OUT: Final = object()
"""In place of a value: the member is left out. None stands for JSON null."""

Members = list[tuple[str, str]]
"""The members of a JSON object; each name and each value is JSON text, and names may repeat."""


@functools.cache
def static_keys() -> StaticKeys:
    """Return the public keys of all signers."""
    return StaticKeys({"keys": [key.jwk() for key in SIGNERS.values()]})


def header_members(signer: str, **changes: object) -> Members:
    """Return the members of a valid header, with changes."""
    return _changed({"alg": SIGNERS[signer].alg, "typ": "at+jwt", "kid": signer}, changes)


def claims_members(**changes: object) -> Members:
    """Return the members of claims that are valid in both profiles, with changes."""
    return _changed(
        {
            "iss": ISSUER,
            "sub": "alice",
            "aud": AUDIENCE,
            "client_id": "web",
            "iat": NOW - DAY,
            "exp": NOW + DAY,
            "jti": "0af1",
            "scope": "read:contacts",
        },
        changes,
    )


def _changed(valid: Json, changes: Mapping[str, object]) -> Members:
    return [
        (json.dumps(name), json.dumps(value))
        for name, value in {**valid, **changes}.items()
        if value is not LEFT_OUT
    ]


def object_text(members: Iterable[tuple[str, str]]) -> str:
    """Return a JSON object with these members."""
    return "{" + ", ".join(f"{name}: {value}" for name, value in members) + "}"


@functools.lru_cache(maxsize=2048)
def signed(header: str, claims: str, signer: str = "ed", alg: str | None = None) -> str:
    """Return any two segments with a valid signature over them."""
    signing_input = f"{header}.{claims}"
    signature = SIGNERS[signer].sign(signing_input.encode("utf-8", "surrogatepass"), alg)
    return f"{signing_input}.{b64(signature)}"


def token_of(header: Members | None = None, claims: Members | None = None) -> str:
    """Return a token with these members, signed with the Ed25519 key."""
    return signed(
        b64(object_text(header_members("ed") if header is None else header)),
        b64(object_text(claims_members() if claims is None else claims)),
    )
