"""Tokens that are not a compact JWS with I-JSON inside. Most of them have a valid signature.

They are beside those of the public table."""

import json
from collections.abc import Callable, Iterator
from functools import partial

from asgi_bearer import TokenMalformed, TokenTooLarge
from asgi_bearer.testing import FakeIssuer
from asgi_bearer.testing.attacks import STRUCTURES
from asgi_bearer.testing.attacks.structures import header_of_text, payload_of_text
from asgi_bearer.testing.signing import b64, signed
from tests.refusals.rows import Refused, of_attacks, with_members


def _segments(issuer: FakeIssuer, edit: Callable[[list[str]], list[str]]) -> str:
    return ".".join(edit(issuer.token().split(".")))


def _with_encoded_segment(issuer: FakeIssuer, position: int, edit: Callable[[str], str]) -> str:
    """Return a token with one segment encoded differently; the signature covers the changed
    text."""
    # Seven question marks and seven greater-than signs put both - and _ into the segment.
    segments = [
        b64(with_members(issuer.header(), '"x": "???????>>>>>>>"')),
        b64(with_members(issuer.claims(), '"x": "???????>>>>>>>"')),
    ]
    if position < 2:
        segments[position] = edit(segments[position])
        try:
            return signed(".".join(segments), issuer.key)
        except UnicodeEncodeError:
            return ".".join([*segments, "AAAA"])
    head, payload, signature = signed(".".join(segments), issuer.key).split(".")
    return f"{head}.{payload}.{edit(signature)}"


def _padded(segment: str) -> str:
    return segment + "=" * (-len(segment) % 4 or 4)


def _with_stray_bits(segment: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # A segment of whole groups has no unused bits, so a segment with unused bits replaces it.
    segment = segment if len(segment) % 4 else b64("{}")
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) + 1]


def _with_impossible_length(segment: str) -> str:
    return segment + "A" * (1 - len(segment) % 4 + 4)


_SEGMENTS: dict[str, Callable[[list[str]], list[str]]] = {
    # RFC 8725 §3.11.
    "quotes around": lambda parts: ['"' + ".".join(parts) + '"'],
    "single quotes around": lambda parts: ["'" + ".".join(parts) + "'"],
    "space around": lambda parts: [" " + ".".join(parts) + " "],
    "the scheme in the token": lambda parts: ["Bearer " + ".".join(parts)],
    "two tokens": lambda parts: [".".join(parts) + "," + ".".join(parts)],
}

_JSON_SERIALISATION: dict[str, Callable[[str, str, str], object]] = {
    # RFC 8725 §3.11.
    "flattened JSON serialisation": lambda header, payload, signature: {
        "protected": header,
        "payload": payload,
        "signature": signature,
    },
    "general JSON serialisation": lambda header, payload, signature: {
        "payload": payload,
        "signatures": [{"protected": header, "signature": signature}],
    },
}

_ENCODINGS: dict[str, Callable[[str], str]] = {
    # RFC 7515 §2.
    "padding": _padded,
    "one =": lambda segment: segment + "=",
    "plus for minus": lambda segment: segment.replace("-", "+", 1),
    "slash for underscore": lambda segment: segment.replace("_", "/", 1),
    "a space inside": lambda segment: segment[:4] + " " + segment[4:],
    "a newline at the end": lambda segment: segment + "\n",
    "a newline inside": lambda segment: segment[:4] + "\r\n" + segment[4:],
    "stray low bits": _with_stray_bits,
    "an impossible length": _with_impossible_length,
    "a letter with an accent": lambda segment: segment[:4] + "é" + segment[4:],
    "full-width letters": lambda segment: "\uff45" + segment[1:],
    "a lone surrogate": lambda segment: segment[:4] + "\ud800" + segment[4:],
    "NUL": lambda segment: segment[:4] + "\0" + segment[4:],
    "a percent escape": lambda segment: segment[:4] + "%3D" + segment[4:],
    "an exclamation mark": lambda segment: segment[:4] + "!" + segment[4:],
}

_TOO_DEEP: dict[str, str | bytes] = {
    # RFC 7519 §7.2.
    "deep arrays": "[" * 10_000,
    "deep arrays, closed": "[" * 5_000 + "]" * 5_000,
    "deep objects": '{"a":' * 1_500 + "1" + "}" * 1_500,
}

_WITH_MEMBER: dict[str, str] = {
    # RFC 7519 §7.2.
    "NaN": '"x": NaN',
    "Infinity": '"x": Infinity',
    "minus Infinity": '"x": -Infinity',
    "1e400": '"x": 1e400',
    "-1e400": '"x": -1e400',
    "1e400 in an array": '"x": [1e400]',
    "an integer of 4301 digits": f'"x": {"9" * 4301}',
    "a leading zero": '"x": 01',
    "a plus sign": '"x": +1',
    "a hexadecimal number": '"x": 0x1',
    "a number that ends with a dot": '"x": 1.',
    "a raw newline in a string": '"x": "a\nb"',
    "a raw NUL in a string": '"x": "a\0b"',
    "an unknown escape": '"x": "\\x41"',
    "a high surrogate": '"x": "\\ud800"',
    "a low surrogate": '"x": "\\udc00"',
    "surrogates in the wrong order": '"x": "\\udc00\\ud800"',
    "a surrogate in a name": '"\\ud800": 1',
    "a surrogate deep inside": '"x": [{"y": ["\\uDBFF"]}]',
    "17 levels of arrays": '"x": ' + "[" * 16 + "]" * 16,
    "17 levels of objects": '"x": ' + '{"a":' * 16 + "1" + "}" * 16,
    "deep, after a string of brackets": '"x": "]]]]]]]]", "y": ' + "[" * 16 + "]" * 16,
    "deep, after an escaped quote": '"x": "\\"]]]]]]]", "y": ' + "[" * 16 + "]" * 16,
    # RFC 7515 §4.
    "a name twice": '"x": 1, "x": 1',
    "a name twice, once escaped": '"x": 1, "\\u0078": 1',
    "a name twice, nested": '"x": {"y": 1, "y": 2}',
    "a name twice, in an array": '"x": [{"y": 1, "y": 1}]',
    "an empty name twice": '"": 1, "": 1',
}

_BYTES: dict[str, Callable[[str], bytes]] = {
    # RFC 7519 §7.2.
    "a byte that is not UTF-8": lambda text: text.encode().replace(b"}", b', "x": "\xff"}'),
    "Latin-1": lambda text: text.replace("}", ', "x": "é"}').encode("latin-1"),
    "an overlong encoding": lambda text: text.encode().replace(b"}", b', "x": "\xc0\xaf"}'),
    "an encoded surrogate": lambda text: text.encode().replace(b"}", b', "x": "\xed\xa0\x80"}'),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "a byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "NUL at the end": lambda text: text.encode() + b"\0",
}


def _in_json(issuer: FakeIssuer, write: Callable[[str, str, str], object]) -> str:
    return json.dumps(write(*issuer.token().split(".")))


def _header_with(issuer: FakeIssuer, text: str) -> str:
    return header_of_text(issuer, with_members(issuer.header(), text))


def _payload_with(issuer: FakeIssuer, text: str) -> str:
    return payload_of_text(issuer, with_members(issuer.claims(), text))


def _header_in(issuer: FakeIssuer, encode: Callable[[str], bytes]) -> str:
    return header_of_text(issuer, encode(json.dumps(issuer.header())))


def _payload_in(issuer: FakeIssuer, encode: Callable[[str], bytes]) -> str:
    return payload_of_text(issuer, encode(json.dumps(issuer.claims())))


def _rows() -> Iterator[tuple[str, Callable[[FakeIssuer], str]]]:
    yield "empty", lambda issuer: ""
    for name, edit in _SEGMENTS.items():
        yield name, partial(_segments, edit=edit)
    for name, write in _JSON_SERIALISATION.items():
        yield name, partial(_in_json, write=write)
    for name, encode_segment in _ENCODINGS.items():
        yield f"header: {name}", partial(_with_encoded_segment, position=0, edit=encode_segment)
        yield f"payload: {name}", partial(_with_encoded_segment, position=1, edit=encode_segment)
        # A signature does not contain every character each time.
        if " for " not in name:
            yield (
                f"signature: {name}",
                partial(_with_encoded_segment, position=2, edit=encode_segment),
            )
    for name, text in _TOO_DEEP.items():
        yield f"header: {name}", partial(header_of_text, text=text)
        yield f"payload: {name}", partial(payload_of_text, text=text)
    for name, member in _WITH_MEMBER.items():
        yield f"header: {name}", partial(_header_with, text=member)
        yield f"payload: {name}", partial(_payload_with, text=member)
    for name, encode in _BYTES.items():
        yield f"header: {name}", partial(_header_in, encode=encode)
        yield f"payload: {name}", partial(_payload_in, encode=encode)
    # RFC 7515 §4.
    yield "alg twice", partial(_header_with, text='"alg": "none"')
    yield "aud twice", partial(_payload_with, text='"aud": "x"')
    yield "aud twice, once escaped", partial(_payload_with, text='"\\u0061ud": "x"')


REFUSED_STRUCTURES = [
    *of_attacks(STRUCTURES, "jwt", "rfc9068"),
    *(Refused(name, TokenMalformed, token) for name, token in _rows()),
    # RFC 9110 §11.2.
    Refused("16 KiB and a byte", TokenTooLarge, lambda issuer: "a" * (16 * 1024 + 1)),
    Refused("16 KiB of claims", TokenTooLarge, lambda issuer: issuer.token(x="a" * 16 * 1024)),
]
