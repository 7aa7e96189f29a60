"""What our verifier refuses and PyJWT accepts: each difference has a name, a rule and a reason.

A rule looks at a token that PyJWT accepts, through PyJWT's reading and not through ours. Our
verifier must refuse that token if and only if a rule holds.
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
class Strictness:
    """One kind of token that PyJWT accepts and our verifier refuses.

    Arguments:
        name: what the token has.
        refusal: the class of our refusal.
        holds: the rule.
        why: why it is refused, and who says so.
    """

    name: str
    refusal: type[AccessTokenError]
    holds: Callable[[Reading], bool]
    why: str


def _values(value: object) -> Iterator[object]:
    """Yield `value` and all that is in it, names included."""
    yield value
    if is_object(value):
        yield from value
        yield from (inner for member in value.values() for inner in _values(member))
    elif is_array(value):
        yield from (inner for member in value for inner in _values(member))


def _depth(value: object) -> int:
    members = value.values() if is_object(value) else value if is_array(value) else None
    return 0 if members is None else 1 + max(map(_depth, members), default=0)


def _any_value(is_so: Callable[[object], bool]) -> Callable[[Reading], bool]:
    return lambda of: any(map(is_so, (*_values(of.header), *_values(of.claims))))


def _claims(*names: str, is_so: Callable[[object], bool]) -> Callable[[Reading], bool]:
    return lambda of: any(name in of.claims and is_so(of.claims[name]) for name in names)


def _is_other_text(text: bytes) -> bool:
    # PyJWT leaves the encoding to Python's guess, which also lets surrogates pass.
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


def _has_other_type(of: Reading) -> bool:
    if "typ" not in of.header:
        return of.profile == "rfc9068"
    typ = of.header["typ"]
    taken = r"at\+jwt" if of.profile == "rfc9068" else r"(at\+)?jwt"
    return not isinstance(typ, str) or not re.fullmatch(f"(application/)?{taken}", typ.lower())


def _is_no_number(value: object) -> bool:
    return isinstance(value, bool) or not isinstance(value, int | float)


def _is_out_of_range(value: object) -> bool:
    return isinstance(value, int | float) and not 0 <= value <= 253_402_300_799


def _is_ahead(of: Reading) -> bool:
    dates = [of.claims.get("nbf"), of.claims.get("iat")]
    return any(isinstance(date, float) and date > of.now + LEEWAY for date in dates)


def _is_no_name(value: object) -> bool:
    return not isinstance(value, str) or not re.fullmatch("[^\0-\x1f\x7f-\x9f]+", value)


def _is_no_scope(value: object) -> bool:
    return not isinstance(value, str) or not re.fullmatch(r"[ !#-\[\]-~]*", value)


def _is_no_scp(value: object) -> bool:
    if not is_array(value):
        return _is_no_scope(value)
    return any(_is_no_scope(name) or name == "" or " " in str(name) for name in value)


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


def _grants_something(of: Reading) -> bool:
    return any(str(of.claims.get(name) or "").strip() for name in ("scope", "scp"))


def _is_another_jwt(of: Reading) -> bool:
    typ, use = of.claims.get("typ", "Bearer"), of.claims.get("token_use", "access")
    about, token = {"email", "name"}, {"iat", "jti", "client_id", "azp", "cid", "appid"}
    kinds = [of.claims.get(name, "at") for name in ("token_type", "tokenType", "tokenName", "tty")]
    perhaps = [of.claims.get(name) for name in ("type", "purpose")]
    return (
        not of.claims.keys().isdisjoint(_OF_OTHER_JWTS)
        or use != "access"
        or not isinstance(typ, str)
        or not re.fullmatch(_ACCESS, typ, re.IGNORECASE)
        or any(not isinstance(kind, str) for kind in kinds)
        or any(
            isinstance(kind, str) and re.fullmatch(_OTHER, kind, re.IGNORECASE)
            for kind in [*kinds, *perhaps]
        )
        or (
            of.claims.keys().isdisjoint(token)
            and not of.claims.keys().isdisjoint(about)
            and not _grants_something(of)
        )
    )


STRICTNESSES: Final = (
    Strictness(
        "padding",
        TokenMalformed,
        lambda of: "=" in of.token,
        "A segment has one spelling, which is without padding (RFC 7515 §2).",
    ),
    Strictness(
        "another encoding",
        TokenMalformed,
        lambda of: any(map(_is_other_text, of.texts())),
        "Header and claims are UTF-8 without a byte order mark (RFC 7515 §5.2, RFC 8259 §8.1).",
    ),
    Strictness(
        "a lone surrogate",
        TokenMalformed,
        _any_value(_has_surrogate),
        "It is no character, and what comes of it differs (RFC 8259 §8.2, RFC 7493 §2.1).",
    ),
    Strictness(
        "a name twice",
        TokenMalformed,
        lambda of: any(map(_repeats_a_name, of.texts())),
        "Another reader could take the other value (RFC 7515 §4, RFC 7519 §4).",
    ),
    Strictness(
        "a number that is not finite",
        TokenMalformed,
        _any_value(_is_infinite),
        "JSON has no NaN and no Infinity, and 1e400 must not become one (RFC 8259 §6).",
    ),
    Strictness(
        "deep nesting",
        TokenMalformed,
        lambda of: max(_depth(of.header), _depth(of.claims)) > 16,
        "A parser may set a limit to depth, and a stack has one (RFC 8259 §9).",
    ),
    Strictness(
        "a long text",
        TokenTooLarge,
        lambda of: len(of.token) > 16 * 1024,
        "What is read before it is trusted has a bound; no RFC sets one.",
    ),
    Strictness(
        "crit or b64",
        CriticalHeaderNotUnderstood,
        lambda of: "crit" in of.header or "b64" in of.header,
        "No extension is understood here; b64 is one (RFC 7515 §4.1.11, RFC 7797 §6).",
    ),
    Strictness(
        "enc",
        TokenEncrypted,
        lambda of: "enc" in of.header,
        "A token with this member is encrypted and not signed (RFC 7516 §9).",
    ),
    Strictness(
        "the type of another token",
        TokenTypeNotAllowed,
        _has_other_type,
        "A token of one kind must not pass for one of another (RFC 8725 §3.11, RFC 9068 §4).",
    ),
    Strictness(
        "no kid where two keys fit",
        KeyAmbiguous,
        lambda of: "kid" not in of.header and of.header["alg"] == "RS256",
        "No key is tried on the chance that it fits (RFC 7515 §4.1.4).",
    ),
    Strictness(
        "a date that is no number",
        ClaimMalformed,
        _claims("exp", "nbf", "iat", is_so=_is_no_number),
        "A NumericDate is a JSON number, no string and no true (RFC 7519 §2).",
    ),
    Strictness(
        "a date out of range",
        ClaimMalformed,
        _claims("exp", "nbf", "iat", is_so=_is_out_of_range),
        "Seconds before 1970 or after 9999 are milliseconds or nonsense (RFC 7519 §2).",
    ),
    Strictness(
        "a date ahead by a fraction",
        TokenNotYetValid,
        _is_ahead,
        "A NumericDate may have a fraction, which PyJWT cuts off (RFC 7519 §2, §4.1.5).",
    ),
    Strictness(
        "no name in sub, client_id, azp, cid or appid",
        ClaimMalformed,
        _claims("sub", "client_id", "azp", "cid", "appid", is_so=_is_no_name),
        "They identify, and control characters break a log (RFC 7519 §4.1.2, RFC 8693 §4.3).",
    ),
    Strictness(
        "no scope names in scope",
        ClaimMalformed,
        lambda of: _claims("scope", is_so=_is_no_scp if of.profile == "jwt" else _is_no_scope)(of),
        "It is one string of scope-tokens and spaces (RFC 6749 §3.3, RFC 8693 §4.2), or an array.",
    ),
    Strictness(
        "no scope names in scp",
        ClaimMalformed,
        lambda of: of.profile == "jwt" and _claims("scp", is_so=_is_no_scp)(of),
        "Where it stands for scope it has the same grammar (RFC 6749 §3.3).",
    ),
    Strictness(
        "an ID token",
        IDTokenPresented,
        lambda of: (
            not of.claims.keys().isdisjoint(_OF_ID_TOKENS)
            or ("nonce" in of.claims and not _grants_something(of))
        ),
        "It was made for a client and opens no API (RFC 8725 §3.12).",
    ),
    Strictness(
        "another JWT of the issuer",
        OtherJWTPresented,
        _is_another_jwt,
        "What the issuer signed for another purpose opens no API (RFC 8725 §3.11, §3.12).",
    ),
    Strictness(
        "cnf",
        TokenBoundToKey,
        lambda of: "cnf" in of.claims,
        "It belongs to whoever proves a key, and Bearer proves none (RFC 7800 §3.1).",
    ),
    Strictness(
        "a missing claim of RFC 9068",
        ClaimMissing,
        lambda of: (
            of.profile == "rfc9068" and not of.claims.keys() >= {"sub", "client_id", "iat", "jti"}
        ),
        "The strict profile requires them all (RFC 9068 §2.2).",
    ),
    Strictness(
        "an empty jti",
        ClaimMalformed,
        lambda of: of.profile == "rfc9068" and of.claims.get("jti") == "",
        "An identifier that is empty is the same for all tokens (RFC 7519 §4.1.7).",
    ),
)
