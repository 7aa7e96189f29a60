"""Every token with one change from the tables of odd parts, each with a name."""

from collections.abc import Iterator
from typing import Final

from asgi_bearer.testing.signing import b64
from tests.agreement.odd_parts import (
    AROUND,
    BYTES_EVERYWHERE,
    ENCODINGS,
    FOREIGN,
    LITERALS,
    ODD_CLAIMS,
    ODD_HEADERS,
    encoded,
    other_encodings,
)
from tests.agreement.signed_tokens import (
    LEFT_OUT,
    SIGNERS,
    Members,
    claims_members,
    header_members,
    object_text,
    signed,
)

NamedTokens = Iterator[tuple[str, str]]
"""The name of the change, and the token."""

_BY_KIND: Final = {
    "RSA": ("RS256", "RS384", "PS256", "PS384"),
    "EC": ("ES256",),
    "OKP": ("EdDSA", "Ed25519"),
}


def _token(header: Members, claims: Members) -> str:
    return signed(_segment(object_text(header)), _segment(object_text(claims)))


def _segment(text: str) -> str:
    return b64(encoded(text, "utf-8"))


def odd_values() -> NamedTokens:
    """Yield tokens with one unusual value in a header or a claim."""
    for name, values in ODD_HEADERS.items():
        for value in values:
            yield (
                f"{name}: {value!r}",
                _token(header_members("ed", **{name: value}), claims_members()),
            )
    for name, values in ODD_CLAIMS.items():
        for value in values:
            yield (
                f"{name}: {value!r}",
                _token(header_members("ed"), claims_members(**{name: value})),
            )


def odd_keys() -> NamedTokens:
    """Yield tokens signed by each key with each algorithm of its type, under each key id."""
    claims = _segment(object_text(claims_members()))
    for signer, key in SIGNERS.items():
        for alg in _BY_KIND[key.kty]:
            for kid in (*SIGNERS, LEFT_OUT):
                header = _segment(object_text(header_members(signer, alg=alg, kid=kid)))
                yield f"{alg} by {signer}, kid {kid}", signed(header, claims, signer, alg)


def odd_members() -> NamedTokens:
    """Yield tokens with one more member: an unusual value, or a repeated name."""
    for text in LITERALS:
        yield f"header {text}", _token([*header_members("ed"), ('"x"', text)], claims_members())
        yield f"claims {text}", _token(header_members("ed"), [*claims_members(), ('"x"', text)])
    for name, value in header_members("ed"):
        yield f"{name} twice", _token([(name, value), *header_members("ed")], claims_members())
        yield f"{name} null", _token([(name, "null"), *header_members("ed")], claims_members())
    for name, value in claims_members():
        yield f"{name} twice", _token(header_members("ed"), [*claims_members(), (name, value)])
        yield f"{name} null", _token(header_members("ed"), [(name, "null"), *claims_members()])


def odd_texts() -> NamedTokens:
    """Yield tokens whose JSON has text around it or another encoding."""
    header, claims = object_text(header_members("ed")), object_text(claims_members())
    for before, behind in AROUND:
        around = f"{before!r}, {behind!r}"
        yield f"header in {around}", signed(_segment(before + header + behind), _segment(claims))
        yield f"claims in {around}", signed(_segment(header), _segment(before + claims + behind))
    for encoding in ENCODINGS:
        yield f"header in {encoding}", signed(b64(encoded(header, encoding)), _segment(claims))
        yield f"claims in {encoding}", signed(_segment(header), b64(encoded(claims, encoding)))


def odd_bytes() -> NamedTokens:
    """Yield tokens with bytes inserted into the JSON at every position."""
    header, claims = (
        object_text(members).encode() for members in (header_members("ed"), claims_members())
    )
    for inserted in BYTES_EVERYWHERE:
        for position in range(len(header) + 1):
            text = header[:position] + inserted + header[position:]
            yield f"header {text!r}", signed(b64(text), b64(claims))
        for position in range(len(claims) + 1):
            text = claims[:position] + inserted + claims[position:]
            yield f"claims {text!r}", signed(b64(header), b64(text))


def odd_segments() -> NamedTokens:
    """Yield tokens with one segment encoded differently; the signature covers the changed text."""
    # Each number of spaces leaves another number of unused bits; the member puts - and _ into the
    # segment.
    for spaces in ("", " ", "  "):
        header, claims = (
            b64(object_text([*members, ('"x"', '"???????>>>>>>>"')]) + spaces)
            for members in (header_members("ed"), claims_members())
        )
        head, _, signature = signed(header, claims).rpartition(".")
        for character in FOREIGN:
            for text in other_encodings(header, 20, character):
                yield f"header {text!r}", signed(text, claims)
            for text in other_encodings(claims, 20, character):
                yield f"claims {text!r}", signed(header, text)
            for text in other_encodings(signature, 20, character):
                yield f"signature {text!r}", f"{head}.{text}"
