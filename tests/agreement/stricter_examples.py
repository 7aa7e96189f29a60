"""Examples for each stricter rule: tokens that break this rule only, by its name and profile."""

from typing import Final

from asgi_bearer.testing.signing import b64
from tests.agreement.pyjwt_reading import LEEWAY
from tests.agreement.signed_tokens import (
    DAY,
    LEFT_OUT,
    NOW,
    Members,
    claims_members,
    header_members,
    object_text,
    signed,
    token_of,
)

HEADER: Final = header_members("ed")
CLAIMS: Final = claims_members()


def _headers(*changes: dict[str, object]) -> list[str]:
    return [token_of(header=header_members("ed", **change)) for change in changes]


def _claims(*changes: dict[str, object]) -> list[str]:
    return [token_of(claims=claims_members(**change)) for change in changes]


def _each(names: tuple[str, ...], values: tuple[object, ...]) -> list[str]:
    return _claims(*({name: value} for name in names for value in values))


def _members(*values: str) -> list[str]:
    """Return tokens with one more member, whose value is JSON text, in the header or the claims."""
    return [
        token
        for value in values
        for token in (
            token_of(header=[*HEADER, ('"x"', value)]),
            token_of(claims=[*CLAIMS, ('"x"', value)]),
        )
    ]


def _encoded(encoding: str, errors: str = "strict", *more: tuple[str, str]) -> list[str]:
    header, claims = object_text([*HEADER, *more]), object_text([*CLAIMS, *more])
    return [
        signed(b64(header.encode(encoding, errors)), b64(object_text(CLAIMS))),
        signed(b64(object_text(HEADER)), b64(claims.encode(encoding, errors))),
    ]


def _padded() -> list[str]:
    def segment(members: Members) -> str:
        text = object_text(members)
        return b64(text + " " * (2 - len(text) % 3))

    header, claims = segment(HEADER), segment(CLAIMS)
    return [
        signed(f"{header}=", claims),
        signed(header, f"{claims}="),
        f"{signed(header, claims)}==",
    ]


def _longer_than(size: int) -> str:
    """Return the shortest token that is longer than `size`, or one that is a character longer."""
    filler = "x" * (size * 3 // 4 - len(object_text(HEADER)) - len(object_text(CLAIMS)) - 80)
    while len(token := token_of(claims=[*CLAIMS, ('"x"', f'"{filler}"')])) <= size:
        filler += "x"
    return token


_INVALID_NAMES: Final = ("", "alice\n", "\0", "\x7f", "a\x85")
_INVALID_SCOPES: Final[tuple[object, ...]] = ("a\tb", 'a "b"', "\\", "\u00e9", "a\n", 7, True, {})

EXAMPLES: Final[dict[tuple[str, str], list[str]]] = {
    ("padding", "jwt"): _padded(),
    ("another encoding", "jwt"): [
        *_encoded("utf-8-sig"),
        *_encoded("utf-16"),
        *_encoded("utf-16-le"),
        *_encoded("utf-32-be"),
    ],
    ("a lone surrogate", "jwt"): _members(
        '"\\ud800"', '"\\udc00\\ud800"', '[{"y": ["\\uDBFF"]}]', '{"\\udfff": 1}'
    ),
    ("a name twice", "jwt"): [
        *_members('1, "x": 1', '1, "\\u0078": 2', '{"y": 1, "y": 2}', '[{"": 1, "": 1}]'),
        token_of(header=[('"alg"', '"none"'), *HEADER]),
        token_of(claims=[('"aud"', '"https://other.example/"'), *CLAIMS]),
        token_of(claims=[*CLAIMS, ('"\\u0069ss"', CLAIMS[0][1])]),
    ],
    ("a number that is not finite", "jwt"): _members("NaN", "-Infinity", "1e400", "[-1e999]"),
    ("deep nesting", "jwt"): _members(
        "[" * 16 + "]" * 16, '{"a": ' * 16 + "1" + "}" * 16, '["]]]]", ' * 16 + "1" + "]" * 16
    ),
    ("a long text", "jwt"): [_longer_than(16 * 1024), *_claims({"x": "x" * 16 * 1024})],
    ("enc", "jwt"): _headers({"enc": "A256GCM"}, {"enc": None}),
    ("crit or b64", "jwt"): _headers(
        {"b64": True}, {"b64": 1}, {"b64": True, "crit": ["b64"]}, {"b64": "x", "crit": ["b64"]}
    ),
    ("the type of another token", "jwt"): _headers(
        {"typ": "logout+jwt"}, {"typ": ""}, {"typ": None}, {"typ": ["at+jwt"]}, {"typ": "JWT "}
    ),
    ("the type of another token", "rfc9068"): _headers({"typ": "JWT"}, {"typ": LEFT_OUT}),
    ("no kid where two keys fit", "jwt"): [
        signed(b64(object_text(header_members("rs", kid=LEFT_OUT))), b64(object_text(CLAIMS)), key)
        for key in ("rs", "rs-2")
    ],
    ("a date that is not a number", "jwt"): [
        *_claims({"exp": str(NOW + DAY)}, {"exp": f" {NOW + DAY}\n"}),
        *_each(("iat", "nbf"), (str(NOW), True, False, "1_0", "-1")),
    ],
    ("a date out of range", "jwt"): [
        *_claims({"exp": (NOW + DAY) * 1000}, {"exp": 1e300}, {"exp": 253_402_300_799.5}),
        *_claims({"exp": 10**4000}),
        *_each(("iat", "nbf"), (-1, -0.5, -1e300, -(10**400))),
    ],
    # PyJWT's clock is at NOW or later, so it accepts a date that it rounds down to NOW + 30.
    ("a date ahead by a fraction", "jwt"): _each(
        ("iat", "nbf"), (NOW + LEEWAY + 0.001, NOW + LEEWAY + 0.5, NOW + LEEWAY + 0.999)
    ),
    ("an invalid sub, client_id, azp, cid or appid", "jwt"): [
        *_each(("sub",), _INVALID_NAMES),
        *_each(("client_id", "azp", "cid", "appid"), (*_INVALID_NAMES, None, 7, ["web"])),
    ],
    ("an invalid scope", "jwt"): _each(("scope",), (*_INVALID_SCOPES, None, [""], ["a b"], [1])),
    ("an invalid scp", "jwt"): _each(("scp",), (*_INVALID_SCOPES, None, [""], ["a b"], [1])),
    ("an ID token", "jwt"): [
        *_each(("at_hash", "c_hash", "s_hash", "sub_jwk"), ("x", None)),
        *_claims({"nonce": "x", "scope": LEFT_OUT}, {"nonce": None, "scope": ""}),
        *_claims({"nonce": "x", "scope": " "}, {"nonce": "", "scope": LEFT_OUT, "scp": []}),
    ],
    ("another JWT of the issuer", "jwt"): [
        *_each(("events", "code", "response", "error"), ("x", {}, None)),
        *_each(("toe", "redirect_uri", "response_type", "jwks", "granted_scopes"), ("x", None)),
        *_each(("typ", "token_use"), ("ID", "refresh", "", None, 1)),
        *_each(("token_type", "tokenType", "tokenName", "tty"), ("ID", "refresh-token", None, 1)),
        *_each(("type", "purpose"), ("Refresh", "id_token")),
    ],
    ("cnf", "jwt"): _each(("cnf",), ({"jkt": "x"}, {}, None)),
    ("a missing claim of RFC 9068", "rfc9068"): _each(
        ("sub", "client_id", "iat", "jti"), (LEFT_OUT,)
    ),
    ("an empty jti", "rfc9068"): _claims({"jti": ""}),
}
