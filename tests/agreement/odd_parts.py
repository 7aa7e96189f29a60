"""Unusual values, texts, bytes and characters to build tokens from."""

import json
import string
from typing import Final

from asgi_bearer.testing import AUDIENCE, ISSUER
from tests.agreement.signed_tokens import DAY, LEFT_OUT, NOW, SIGNERS

BASE64URL: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
"""In order: the next character differs in the lowest bit, which may be unused in a last
character."""

Values = tuple[object, ...]

ANY_VALUES: Final[Values] = tuple(
    json.loads(
        r"""[null, true, false, 0, 1, -1, 2147483648, 9223372036854775808, 100000000000000000000,
        0.5, -0.0, 5e-324, 1e308, 1e309, "", "x", "\u0000", "\n", "\"", "\\", "\u00e9", "\u2028",
        "\ud83d\ude00", "\ud800", "\udc00\ud83d", [], [null], [[]], [1, 1.0, "1"], ["x", ["y"]],
        [[[{}]]], [{"x": []}], [""], ["x", "y", "z"], {}, {"": 0}, {"x": {"x": {}}},
        {"x": [1, {"y": null}]}, {"iss": "x"}, {"\ud800": 1}]"""
    )
)

_DATES: Final[Values] = (
    # None is near a limit, because PyJWT's clock runs.
    *(NOW - DAY, NOW - DAY + 0.5, NOW + DAY, NOW + DAY + 0.5),
    *(str(NOW - DAY), str(NOW + DAY), f" {NOW + DAY} ", f"{NOW + DAY}.0", "1e9", "\u0661", ""),
    *(True, False, None, [NOW], {}, 0, -0.0, -1, -0.5, 1e300, -1e300, 10**400, -(10**400)),
    *((NOW + DAY) * 1000, 253_402_300_799, 253_402_300_800, 253_402_300_799.5, LEFT_OUT),
)
_PARTIES: Final[Values] = (
    *("bob", "", " ", "a\nb", "a\0", "\x7f", "\x85", "\xa0", "\u2028", "\ud800", "é", "😀"),
    *(None, True, 7, ["alice"], {}, LEFT_OUT),
)
_SCOPES: Final[Values] = (
    *("", " ", "a  b", "a b ", "a\tb", "a\n", 'a"', "\\", "é", "\0", "\x7f", "~!"),
    *(None, True, 7, {}, [], ["a", "b"], ["a b"], [""], [1], [["a"]], ["a", None], LEFT_OUT),
)
_TYPES: Final[Values] = (
    *("JWT", "jwt", "AT+JWT", "application/at+jwt", "application/jwt", "Application/JWT"),
    *(
        "at+jwt ",
        "text/at+jwt",
        "logout+jwt",
        "id+jwt",
        "",
        "application/",
        "\uff2aWT",
        "\uff41t+jwt",
        "at+JWT\n",
    ),
    *("application/application/jwt", "JOSE", None, True, 1, [], ["JWT"], LEFT_OUT),
)
ODD_CLAIMS: Final[dict[str, Values]] = {
    "iss": (ISSUER.rstrip("/"), ISSUER + "\0", ISSUER.upper(), [ISSUER], {}, None, 1, LEFT_OUT),
    "aud": (
        *([AUDIENCE], [AUDIENCE, "x"], ["x", AUDIENCE], ["x", ""], [AUDIENCE] * 2, f"{AUDIENCE} x"),
        *([], "", ["x"], [AUDIENCE, 1], [[AUDIENCE]], {AUDIENCE: 1}, None, False, 0, LEFT_OUT),
    ),
    "exp": _DATES,
    "nbf": _DATES,
    "iat": _DATES,
    "sub": _PARTIES,
    "client_id": _PARTIES,
    "azp": _PARTIES,
    "scope": _SCOPES,
    "scp": _SCOPES,
    "jti": ("", "\0", None, 7, [], LEFT_OUT),
    "nonce": ("n", None),
    "at_hash": ("h", {}),
    "cnf": ({}, None, {"jkt": "x"}),
    "x": ("\ud83d", "\ud83d\ude00", {"exp": 1}, [[]], float("nan"), float("inf")),
    "": ("", {"": ""}),
}
ODD_HEADERS: Final[dict[str, Values]] = {
    "alg": (
        *("none", "None", "HS256", "RS256", "RS384", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"),
        *("eddsa", "Ed448", "", None, True, 1, [], ["EdDSA"], {}, LEFT_OUT),
    ),
    "kid": (*SIGNERS, "ED", "ed ", "", "\0", "\ud800", None, True, 1, ["ed"], {}, LEFT_OUT),
    "typ": _TYPES,
    "crit": ([], ["b64"], ["exp"], "b64", None, {}, [1]),
    "b64": (True, False, None, 1, 0, "false", []),
    "jku": ("https://other.example/keys",),
    "jwk": (SIGNERS["es"].jwk(), {}, None),
    "x5c": ([], ["AA=="]),
    "zip": ("DEF",),
    "cty": ("JWT", None),
    "x": ODD_CLAIMS["x"],
}

LITERALS: Final = (
    *("NaN", "-NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1E308", "1e-400", "-0", "-0.0"),
    *("1.0", "1.", ".5", "01", "+1", "0x1", "1_0", "1e5", "True", "null", "", "'x'", "1e", "-"),
    *('"', '"\\', '"\\ud800"', '"\\udc00\\ud83d"', '"\\ud83d\\ude00"', '"\\x41"', '"\\u12"'),
    *('"\n"', '"\0"', '"\t"', '"\x7f"', '"\ud800"', '"é"', '"\\u0000"', '"\\/"', '"\u2028"'),
    *('{"y": 1, "y": 1}', '[{"y": 1, "\\u0079": 2}]', '{"x": 1}', '{"": 1, "": 2}', "{,}"),
    *("[1,]", "[1 2]", "[]]", "{}}", "/**/1", "1//", "9" * 4300, "9" * 4301, "1, 2", "1}"),
    *(
        left * depth + "1" + right * depth
        for left, right in (("[", "]"), ('{"a":', "}"), ('["]",', "]"), ('[{"a":', "}]"))
        for depth in (7, 8, 14, 15, 16, 17, 20, 30)
    ),
)
"""Values as JSON text, valid or not."""

NAMES: Final = (*"xyz", "", "é", "\ud800")

AROUND: Final = (
    *((space, "") for space in (" ", "\n", "\r", "\t", "\u00a0", "\u2028", "\v", "\f", "\x1f")),
    *(("", space) for space in (" ", "\n", "\r", "\t", "\u00a0", "\u2028", "\v", "\f", "\x1f")),
    *((junk, "") for junk in ("\ufeff", "\0", "x", "{}", ",", "{", '"', "/**/", "{},")),
    *(("", junk) for junk in ("\ufeff", "\0", "x", "{}", ",", "}", '"', "//", ";", "]", "null")),
    *((" \n\r\t", "\t\r\n "), ("[", "]"), ('{"x":', "}"), ("(", ")"), ("'", "'"), (" {", "} ")),
)
"""Text before and after an object."""

ENCODINGS: Final = (
    *("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
    "latin-1",
)

BYTES_EVERYWHERE: Final = (
    *(b" ", b"\v", b"\0", b",", b'"', b"\\", b"{", b"0"),
    *(b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf"),
)
"""Bytes to insert into JSON at each position."""

BYTES: Final = (
    *BYTES_EVERYWHERE,
    *(bytes([byte]) for byte in b"\n\t\r\f:}[]-+e.x"),
    *(b"\x80", b"\xc0\xaf", b"\xc3\xa9"),
    *(b"\\u0000", b"\\ud800", b"NaN", b"1e999", b"null", b"{}", b"[[[[", b"/**/"),
    *(b'"x":1,', b'"alg":"none",', b'"exp":1,'),
)
"""Further bytes to insert into JSON."""

FOREIGN: Final = "=.+/ \n\r\t\v\f\0\x7f\x80\xe9\u0130\u212a\uff21\ud800%,~!"
"""Characters to insert into base64url."""


def encoded(text: str, encoding: str) -> bytes:
    """Return the bytes of a text, lone surrogates included; Latin-1 replaces other characters by
    `?`."""
    return text.encode(encoding, "replace" if encoding == "latin-1" else "surrogatepass")


def other_encodings(segment: str, position: int, character: str) -> list[str]:
    """Return other encodings of a base64url segment, of the same bytes or similar ones.

    Arguments:
        position: where a character is inserted or replaced.
        character: the character to insert.
    """
    head, tail = segment[:position], segment[position:]
    neighbour = BASE64URL[(BASE64URL.find(segment[-1:]) + 1) % 64]
    return [
        *(segment + "=" * count for count in (1, 2, 4, -len(segment) % 4)),
        *(segment[:-1], segment[:-1] + neighbour, segment[:-1] + character, segment + "A"),
        *(segment + character, character + segment, head + character + tail),
        *(head + character + tail[1:], head + 4 * character + tail, head + "\r\n" + tail),
        segment.replace("-", "+").replace("_", "/"),
        "",
    ]
