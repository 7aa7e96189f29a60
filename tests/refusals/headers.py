"""Tokens with a JOSE header that must be refused, beside those of the public table.

All are signed with the issuer's key.
"""

from functools import partial

from asgi_bearer import KeyNotFound, TokenTypeNotAllowed
from asgi_bearer.testing.attacks import HEADERS
from asgi_bearer.testing.attacks.rows import with_header, without_header
from tests.refusals.rows import Refused, of_attacks

_TYPES_OF_PROFILE_JWT: dict[str, object] = {
    # RFC 9068 §2.1: only the profile jwt accepts them.
    "typ JWT": "JWT",
    "typ jwt": "jwt",
    "typ application/jwt": "application/jwt",
}

REFUSED_HEADERS = [
    *of_attacks(HEADERS, "jwt", "rfc9068"),
    # RFC 8725 §3.10.
    Refused(
        "kid of 10,000 characters", KeyNotFound, partial(with_header, members={"kid": "k" * 10_000})
    ),
    *(
        Refused(
            f"{name}, rfc9068",
            TokenTypeNotAllowed,
            partial(with_header, members={"typ": typ}),
            "rfc9068",
        )
        for name, typ in _TYPES_OF_PROFILE_JWT.items()
    ),
    Refused("no typ, rfc9068", TokenTypeNotAllowed, partial(without_header, name="typ"), "rfc9068"),
]
