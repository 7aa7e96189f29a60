"""Every token with one thing changed that the tables of odd parts have, each with its name."""

from collections.abc import Iterator
from typing import Final

from tests.agreement.odd_parts import (
    AROUND,
    BYTES_EVERYWHERE,
    ENCODINGS,
    FOREIGN,
    LITERALS,
    ODD_CLAIMS,
    ODD_HEADERS,
    encoded,
    respellings,
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
from tests.support.fake_issuer import b64

Named = Iterator[tuple[str, str]]
"""What was changed, and the token."""

_BY_KIND: Final = {
    "RSA": ("RS256", "RS384", "PS256", "PS384"),
    "EC": ("ES256",),
    "OKP": ("EdDSA", "Ed25519"),
}


def _of(header: Members, claims: Members) -> str:
    return signed(_segment(object_text(header)), _segment(object_text(claims)))


def _segment(text: str) -> str:
    return b64(encoded(text, "utf-8"))


def odd_values() -> Named:
    """Yield tokens with one odd value in a header or a claim."""
    for name, values in ODD_HEADERS.items():
        for value in values:
            yield f"{name}: {value!r}", _of(header_members("ed", **{name: value}), claims_members())
    for name, values in ODD_CLAIMS.items():
        for value in values:
            yield f"{name}: {value!r}", _of(header_members("ed"), claims_members(**{name: value}))


def odd_keys() -> Named:
    """Yield tokens that each key signed by each algorithm of its kind, in the name of each key."""
    claims = _segment(object_text(claims_members()))
    for signer, key in SIGNERS.items():
        for alg in _BY_KIND[key.kty]:
            for kid in (*SIGNERS, LEFT_OUT):
                header = _segment(object_text(header_members(signer, alg=alg, kid=kid)))
                yield f"{alg} by {signer}, kid {kid}", signed(header, claims, signer, alg)


def odd_members() -> Named:
    """Yield tokens with one member more: its value is doubtful, or its name is there already."""
    for text in LITERALS:
        yield f"header {text}", _of([*header_members("ed"), ('"x"', text)], claims_members())
        yield f"claims {text}", _of(header_members("ed"), [*claims_members(), ('"x"', text)])
    for name, value in header_members("ed"):
        yield f"{name} twice", _of([(name, value), *header_members("ed")], claims_members())
        yield f"{name} null", _of([(name, "null"), *header_members("ed")], claims_members())
    for name, value in claims_members():
        yield f"{name} twice", _of(header_members("ed"), [*claims_members(), (name, value)])
        yield f"{name} null", _of(header_members("ed"), [(name, "null"), *claims_members()])


def odd_texts() -> Named:
    """Yield tokens whose JSON has something around it, or is in another encoding."""
    header, claims = object_text(header_members("ed")), object_text(claims_members())
    for before, behind in AROUND:
        around = f"{before!r}, {behind!r}"
        yield f"header in {around}", signed(_segment(before + header + behind), _segment(claims))
        yield f"claims in {around}", signed(_segment(header), _segment(before + claims + behind))
    for encoding in ENCODINGS:
        yield f"header in {encoding}", signed(b64(encoded(header, encoding)), _segment(claims))
        yield f"claims in {encoding}", signed(_segment(header), b64(encoded(claims, encoding)))


def odd_bytes() -> Named:
    """Yield tokens with something put into the JSON, at every place there is."""
    header, claims = (
        object_text(members).encode() for members in (header_members("ed"), claims_members())
    )
    for put_in in BYTES_EVERYWHERE:
        for place in range(len(header) + 1):
            text = header[:place] + put_in + header[place:]
            yield f"header {text!r}", signed(b64(text), b64(claims))
        for place in range(len(claims) + 1):
            text = claims[:place] + put_in + claims[place:]
            yield f"claims {text!r}", signed(b64(header), b64(text))


def odd_segments() -> Named:
    """Yield tokens with one segment spelled in another way, signed as they are spelled."""
    # Each number of spaces leaves another number of bits over; the member needs - and _.
    for spaces in ("", " ", "  "):
        header, claims = (
            b64(object_text([*members, ('"x"', '"???????>>>>>>>"')]) + spaces)
            for members in (header_members("ed"), claims_members())
        )
        head, _, signature = signed(header, claims).rpartition(".")
        for character in FOREIGN:
            for text in respellings(header, 20, character):
                yield f"header {text!r}", signed(text, claims)
            for text in respellings(claims, 20, character):
                yield f"claims {text!r}", signed(header, text)
            for text in respellings(signature, 20, character):
                yield f"signature {text!r}", f"{head}.{text}"
