"""What this library refuses and PyJWT accepts: each difference is a rule with a name and a reason.

Each rule looks at PyJWT's reading of an accepted token, not at this library's reading. This library
must refuse the token if and only if a rule applies.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from asgi_bearer import (
    AccessTokenError,
    ClaimMalformed,
    ClaimMissing,
    CriticalHeaderNotUnderstood,
    IDTokenPresented,
    KeyAmbiguous,
    OtherJWTPresented,
    TokenBoundToKey,
    TokenEncrypted,
    TokenMalformed,
    TokenNotYetValid,
    TokenTooLarge,
    TokenTypeNotAllowed,
)
from asgi_bearer.jose.encoding import is_array, is_object
from tests.agreement.pyjwt_reading import LEEWAY, Reading


@dataclass(frozen=True, slots=True)
class StricterRule:
    """A kind of token that PyJWT accepts and this library refuses.

    Arguments:
        name: what distinguishes the token.
        refusal: the class of this library's refusal.
        applies: whether the rule applies to a token.
        why: why this library refuses the token, with the standard that says so.
    """

    name: str
    refusal: type[AccessTokenError]
    applies: Callable[[Reading], bool]
    why: str


def _values(value: object) -> Iterator[object]:
    """Yield `value` and all values in it, names included."""
    yield value
    if is_object(value):
        yield from value
        yield from (inner for member in value.values() for inner in _values(member))
    elif is_array(value):
        yield from (inner for member in value for inner in _values(member))


def _depth(value: object) -> int:
    members = value.values() if is_object(value) else value if is_array(value) else None
    return 0 if members is None else 1 + max(map(_depth, members), default=0)


def _any_value(predicate: Callable[[object], bool]) -> Callable[[Reading], bool]:
    return lambda reading: any(map(predicate, (*_values(reading.header), *_values(reading.claims))))


def _claims(*names: str, predicate: Callable[[object], bool]) -> Callable[[Reading], bool]:
    return lambda reading: any(
        name in reading.claims and predicate(reading.claims[name]) for name in names
    )


def _is_not_utf_8(text: bytes) -> bool:
    # PyJWT lets Python guess the encoding, and Python also accepts surrogates.
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return json.detect_encoding(text) != "utf-8"


def _repeats_a_name(text: bytes) -> bool:
    objects: list[list[str]] = []
    json.loads(text, object_pairs_hook=lambda pairs: objects.append([name for name, _ in pairs]))
    return any(len(names) > len(set(names)) for names in objects)


def _is_infinite(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _has_surrogate(value: object) -> bool:
    return isinstance(value, str) and re.search("[\ud800-\udfff]", value) is not None


def _has_other_type(reading: Reading) -> bool:
    if "typ" not in reading.header:
        return reading.profile == "rfc9068"
    typ = reading.header["typ"]
    accepted = r"at\+jwt" if reading.profile == "rfc9068" else r"(at\+)?jwt"
    return not isinstance(typ, str) or not re.fullmatch(f"(application/)?{accepted}", typ.lower())


def _is_not_a_number(value: object) -> bool:
    return isinstance(value, bool) or not isinstance(value, int | float)


def _is_out_of_range(value: object) -> bool:
    return isinstance(value, int | float) and not 0 <= value <= 253_402_300_799


def _is_ahead(reading: Reading) -> bool:
    dates = [reading.claims.get("nbf"), reading.claims.get("iat")]
    return any(isinstance(date, float) and date > reading.now + LEEWAY for date in dates)


def _is_not_a_name(value: object) -> bool:
    return not isinstance(value, str) or not re.fullmatch("[^\0-\x1f\x7f-\x9f]+", value)


def _is_not_a_scope(value: object) -> bool:
    return not isinstance(value, str) or not re.fullmatch(r"[ !#-\[\]-~]*", value)


def _is_not_a_scp(value: object) -> bool:
    if not is_array(value):
        return _is_not_a_scope(value)
    return any(_is_not_a_scope(name) or name == "" or " " in str(name) for name in value)


_OF_OTHER_JWTS = {
    *("events", "toe", "logout_token", "code", "response", "error", "access_token", "id_token"),
    *("refresh_token", "response_type", "redirect_uri", "code_challenge", "granted_scopes"),
    *("token_introspection", "software_statement", "redirect_uris", "jwks"),
}
_OF_ID_TOKENS = {
    *("at_hash", "c_hash", "s_hash", "sub_jwk"),
    *(f"urn:openid:params:jwt:claim:{name}" for name in ("rt_hash", "auth_req_id")),
}
_ACCESS = r"bearer|dpop|at|jwt|(application/)?at\+jwt|access([_-]?token)?"
_OTHER = r"id(t|[_-]?token)?|rt|refresh([_-]?token)?|offline|logout([_-]?token)?"


def _grants_something(reading: Reading) -> bool:
    return any(_has_a_name(reading.claims.get(name)) for name in ("scope", "scp"))


def _has_a_name(value: object) -> bool:
    """Return whether the value is or contains a number or a text that is not blank."""
    if is_array(value):
        return any(map(_has_a_name, value))
    if is_object(value):
        return any(map(_has_a_name, value.values()))
    return type(value) in (int, float) or (isinstance(value, str) and value.strip() != "")


def _is_another_jwt(reading: Reading) -> bool:
    typ, use = reading.claims.get("typ", "Bearer"), reading.claims.get("token_use", "access")
    about, token = {"email", "name"}, {"iat", "jti", "client_id", "azp", "cid", "appid"}
    kinds = [
        reading.claims.get(name, "at") for name in ("token_type", "tokenType", "tokenName", "tty")
    ]
    ambiguous_kinds = [reading.claims.get(name) for name in ("type", "purpose")]
    return (
        not reading.claims.keys().isdisjoint(_OF_OTHER_JWTS)
        or use != "access"
        or not isinstance(typ, str)
        or not re.fullmatch(_ACCESS, typ, re.IGNORECASE)
        or any(not isinstance(kind, str) for kind in kinds)
        or any(
            isinstance(kind, str) and re.fullmatch(_OTHER, kind, re.IGNORECASE)
            for kind in [*kinds, *ambiguous_kinds]
        )
        or (
            reading.claims.keys().isdisjoint(token)
            and not reading.claims.keys().isdisjoint(about)
            and not _grants_something(reading)
        )
    )


STRICTER_RULES: Final = (
    StricterRule(
        "padding",
        TokenMalformed,
        lambda reading: "=" in reading.token,
        "A segment has one valid encoding, without padding (RFC 7515 §2).",
    ),
    StricterRule(
        "another encoding",
        TokenMalformed,
        lambda reading: any(map(_is_not_utf_8, reading.texts())),
        "Header and claims are UTF-8 without a byte order mark (RFC 7515 §5.2, RFC 8259 §8.1).",
    ),
    StricterRule(
        "a lone surrogate",
        TokenMalformed,
        _any_value(_has_surrogate),
        "It is not a character, and readers treat it differently (RFC 8259 §8.2, RFC 7493 §2.1).",
    ),
    StricterRule(
        "a name twice",
        TokenMalformed,
        lambda reading: any(map(_repeats_a_name, reading.texts())),
        "Another reader could use the other value (RFC 7515 §4, RFC 7519 §4).",
    ),
    StricterRule(
        "a number that is not finite",
        TokenMalformed,
        _any_value(_is_infinite),
        "JSON has no NaN and no Infinity, and 1e400 must not become one (RFC 8259 §6).",
    ),
    StricterRule(
        "deep nesting",
        TokenMalformed,
        lambda reading: max(_depth(reading.header), _depth(reading.claims)) > 16,
        "A parser may limit the depth, because its stack is limited (RFC 8259 §9).",
    ),
    StricterRule(
        "a long text",
        TokenTooLarge,
        lambda reading: len(reading.token) > 16 * 1024,
        "Untrusted input needs a size limit; no RFC sets one.",
    ),
    StricterRule(
        "crit or b64",
        CriticalHeaderNotUnderstood,
        lambda reading: "crit" in reading.header or "b64" in reading.header,
        "This library supports no extension, and b64 is one (RFC 7515 §4.1.11, RFC 7797 §6).",
    ),
    StricterRule(
        "enc",
        TokenEncrypted,
        lambda reading: "enc" in reading.header,
        "A token with this member is encrypted, not signed (RFC 7516 §9).",
    ),
    StricterRule(
        "the type of another token",
        TokenTypeNotAllowed,
        _has_other_type,
        "A JWT of another kind must not be accepted (RFC 8725 §3.11, RFC 9068 §4).",
    ),
    StricterRule(
        "no kid where two keys fit",
        KeyAmbiguous,
        lambda reading: "kid" not in reading.header and reading.header["alg"] == "RS256",
        "The verifier does not guess which key signed (RFC 7515 §4.1.4).",
    ),
    StricterRule(
        "a date that is not a number",
        ClaimMalformed,
        _claims("exp", "nbf", "iat", predicate=_is_not_a_number),
        "A NumericDate is a JSON number, not a string or true (RFC 7519 §2).",
    ),
    StricterRule(
        "a date out of range",
        ClaimMalformed,
        _claims("exp", "nbf", "iat", predicate=_is_out_of_range),
        "Seconds before 1970 or after 9999 are milliseconds or nonsense (RFC 7519 §2).",
    ),
    StricterRule(
        "a date ahead by a fraction",
        TokenNotYetValid,
        _is_ahead,
        "A NumericDate may have a fraction, which PyJWT cuts off (RFC 7519 §2, §4.1.5).",
    ),
    StricterRule(
        "an invalid sub, client_id, azp, cid or appid",
        ClaimMalformed,
        _claims("sub", "client_id", "azp", "cid", "appid", predicate=_is_not_a_name),
        "They are identifiers; control characters break logs (RFC 7519 §4.1.2, RFC 8693 §4.3).",
    ),
    StricterRule(
        "an invalid scope",
        ClaimMalformed,
        lambda reading: _claims(
            "scope", predicate=_is_not_a_scp if reading.profile == "jwt" else _is_not_a_scope
        )(reading),
        "It is a string of scope-tokens and spaces (RFC 6749 §3.3, RFC 8693 §4.2), or an array.",
    ),
    StricterRule(
        "an invalid scp",
        ClaimMalformed,
        lambda reading: (
            reading.profile == "jwt" and _claims("scp", predicate=_is_not_a_scp)(reading)
        ),
        "Used in place of scope, it has the same grammar (RFC 6749 §3.3).",
    ),
    StricterRule(
        "an ID token",
        IDTokenPresented,
        lambda reading: (
            not reading.claims.keys().isdisjoint(_OF_ID_TOKENS)
            or ("nonce" in reading.claims and not _grants_something(reading))
        ),
        "It is for a client, not for an API (RFC 8725 §3.12).",
    ),
    StricterRule(
        "another JWT of the issuer",
        OtherJWTPresented,
        _is_another_jwt,
        "The issuer signed it for another purpose (RFC 8725 §3.11, §3.12).",
    ),
    StricterRule(
        "cnf",
        TokenBoundToKey,
        lambda reading: "cnf" in reading.claims,
        "The client must prove possession of a key, and Bearer has no proof (RFC 7800 §3.1).",
    ),
    StricterRule(
        "a missing claim of RFC 9068",
        ClaimMissing,
        lambda reading: (
            reading.profile == "rfc9068"
            and not reading.claims.keys() >= {"sub", "client_id", "iat", "jti"}
        ),
        "The profile rfc9068 requires all of them (RFC 9068 §2.2).",
    ),
    StricterRule(
        "an empty jti",
        ClaimMalformed,
        lambda reading: reading.profile == "rfc9068" and reading.claims.get("jti") == "",
        "An empty identifier does not distinguish tokens (RFC 7519 §4.1.7).",
    ),
)
