"""Random tokens that differ from a valid one, at every level of encoding.

Most are signed after the change, so that the content decides and not the signature.
"""

import json
from collections.abc import Callable
from typing import Final

from hypothesis import strategies as st

from asgi_bearer.testing.signing import b64
from tests.agreement.odd_parts import (
    ANY_VALUES,
    AROUND,
    BASE64URL,
    BYTES,
    ENCODINGS,
    FOREIGN,
    LITERALS,
    NAMES,
    ODD_CLAIMS,
    ODD_HEADERS,
    Values,
    encoded,
    other_encodings,
)
from tests.agreement.signed_tokens import (
    DAY,
    LEFT_OUT,
    NOW,
    Members,
    claims_members,
    header_members,
    object_text,
    signed,
)

Change = tuple[str, object]

_SIGNERS: Final = st.sampled_from(["ed", "ed", "ed", "es", "rs", "ps", "rs-2"])
_BYTES: Final = st.sampled_from(BYTES)
_CHARACTERS: Final = st.sampled_from(BASE64URL) | st.sampled_from(FOREIGN) | st.characters()
_ANY_VALUES: Final[st.SearchStrategy[object]] = (
    st.sampled_from(ANY_VALUES) | st.integers() | st.floats() | st.text(max_size=5)
)


def _changes(table: dict[str, Values]) -> st.SearchStrategy[Change]:
    named = [(name, value) for name, values in table.items() for value in values]
    return st.sampled_from(named) | st.tuples(st.sampled_from(sorted(table)), _ANY_VALUES)


_HEADER_CHANGES: Final = st.lists(_changes(ODD_HEADERS), max_size=2)
_CLAIMS_CHANGES: Final = st.lists(_changes(ODD_CLAIMS), max_size=3)


@st.composite
def tokens_with_other_members(draw: st.DrawFn) -> str:
    """Draw a token with changed, additional or missing members in header and claims."""
    signer = draw(_SIGNERS)
    header = header_members(signer, **dict(draw(_HEADER_CHANGES)))
    claims = claims_members(**dict(draw(_CLAIMS_CHANGES)))
    alg = draw(st.sampled_from([None] * 9 + [{"rs": "RS384", "ps": "RS256"}.get(signer)]))
    return signed(b64(object_text(header)), b64(object_text(claims)), signer, alg)


_MEMBER_NAMES: Final = st.sampled_from([*NAMES * 4, *ODD_CLAIMS, *ODD_HEADERS])
_MEMBER_TEXTS: Final = st.sampled_from(LITERALS) | st.builds(
    json.dumps, _ANY_VALUES, ensure_ascii=st.booleans()
)


@st.composite
def _object_bytes(draw: st.DrawFn, members: Members) -> bytes:
    """Draw the text of an object with `members` and perhaps others, sometimes invalid JSON."""
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        member = (json.dumps(draw(_MEMBER_NAMES)), draw(_MEMBER_TEXTS))
        members.insert(draw(st.integers(0, len(members))), member)
    before, behind = draw(st.sampled_from([*[("", "")] * 2 * len(AROUND), *AROUND]))
    text = before + object_text(members) + behind
    if draw(st.integers(0, 9)) == 0:
        text = text.replace(" ", draw(st.sampled_from(["", "\n", "\t \r", "\u00a0", "\0"])))
    return encoded(text, draw(st.sampled_from([*["utf-8"] * 30, *ENCODINGS])))


@st.composite
def tokens_of_unusual_json(draw: st.DrawFn) -> str:
    """Draw a token whose header or claims are unusual or invalid JSON."""
    signer = draw(_SIGNERS)
    header, claims = (object_text(m).encode() for m in (header_members(signer), claims_members()))
    if draw(st.booleans()):
        header = draw(_object_bytes(header_members(signer)))
    else:
        claims = draw(_object_bytes(claims_members()))
    return signed(b64(header), b64(claims), signer)


@st.composite
def tokens_of_edited_bytes(draw: st.DrawFn) -> str:
    """Draw a token with a few bytes of its header and claims inserted, removed or replaced."""
    signer = draw(_SIGNERS)
    texts = [
        object_text([*members, ('"x"', '{"y": ["\\u00e9", 1.5, null]}')]).encode()
        for members in (header_members(signer), claims_members())
    ]
    for _ in range(draw(st.integers(1, 2))):
        part = draw(st.integers(0, 1))
        text = texts[part]
        start = draw(st.sampled_from([0, len(text)]) | st.integers(0, len(text)))
        taken = draw(st.sampled_from([0, 0, 0, 1, 2]))
        texts[part] = text[:start] + draw(_BYTES | st.binary(max_size=2)) + text[start + taken :]
    return signed(b64(texts[0]), b64(texts[1]), signer)


def _reencoded(segment: str) -> st.SearchStrategy[str]:
    """Draw another encoding of a base64url segment, of the same bytes or similar ones."""
    return st.builds(
        other_encodings, st.just(segment), st.integers(0, len(segment)), _CHARACTERS
    ).flatmap(st.sampled_from)


@st.composite
def tokens_of_reencoded_segments(draw: st.DrawFn) -> str:
    """Draw a token with one segment encoded differently; the signature covers the changed text."""
    signer = draw(_SIGNERS)
    # These bytes put - and _ into the segment; its length leaves 0, 2 or 4 unused bits.
    segments = [
        b64(object_text([*members, ('"x"', f'"???????>>>>>>>{"?" * draw(st.integers(0, 2))}"')]))
        for members in (header_members(signer), claims_members())
    ]
    part = draw(st.integers(0, 2))
    if part < 2:
        segments[part] = draw(_reencoded(segments[part]))
        return signed(segments[0], segments[1], signer)
    head, _, signature = signed(segments[0], segments[1], signer).rpartition(".")
    return f"{head}.{draw(_reencoded(signature))}"


@st.composite
def tokens_of_edited_text(draw: st.DrawFn) -> str:
    """Draw a token whose text was changed after signing."""
    segments = [
        part
        for signer in (draw(_SIGNERS), draw(_SIGNERS))
        for part in signed(
            b64(object_text(header_members(signer))), b64(object_text(claims_members())), signer
        ).split(".")
    ]
    chosen = draw(st.sampled_from([(0, 1, 2), (3, 1, 2), (0, 1, 5), (0, 4, 5), (1, 0, 2), (0, 1)]))
    text = ".".join(segments[number] for number in chosen)
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.sampled_from([0, len(text)]) | st.integers(0, len(text)))
        taken = draw(st.sampled_from([0, 1, 1, 2, 40]))
        text = text[:start] + draw(_CHARACTERS | st.text(max_size=3)) + text[start + taken :]
    return text


_HEADERS_TO_SHARE: Final = [
    (signer, object_text(members))
    for signer, members in (
        *((signer, header_members(signer)) for signer in ("ed", "es", "rs", "rs-2", "ps")),
        *(("ed", header_members("ed", **{name: LEFT_OUT})) for name in ("alg", "kid", "typ")),
        ("ed", header_members("ed", kid="es")),
        ("ed", header_members("ed", alg="ES256")),
        ("ed", header_members("ed", alg="Ed25519")),
        ("rs", header_members("rs", kid="rs-2")),
        ("rs", header_members("rs", kid="ps")),
        ("ed", header_members("ed", typ="JWT")),
        ("ed", header_members("ed", typ="id+jwt")),
        ("ed", header_members("ed", crit=["b64"], b64=True)),
        ("ed", [*header_members("es"), *header_members("ed")]),
        ("ed", [*header_members("ed"), ('"x"', "NaN")]),
    )
]
_CLAIMS_TO_SHARE: Final = [
    object_text(members)
    for members in (
        *(claims_members(sub=subject) for subject in ("alice", "bob", "carol")),
        claims_members(aud="https://other.example/"),
        claims_members(exp=NOW - DAY),
        claims_members(iss="https://other.example/"),
        claims_members(cnf={}),
        claims_members(client_id=LEFT_OUT),
        [*claims_members(), ('"sub"', '"bob"')],
        header_members("ed"),
    )
]


@st.composite
def tokens_that_share_segments(draw: st.DrawFn) -> list[str]:
    """Draw several tokens that share headers, claims and signatures."""
    headers = draw(st.lists(st.sampled_from(_HEADERS_TO_SHARE), min_size=1, max_size=2))
    claims = draw(st.lists(st.sampled_from(_CLAIMS_TO_SHARE), min_size=1, max_size=2))
    tokens: list[str] = []
    for _ in range(draw(st.integers(2, 5))):
        signer, text = draw(st.sampled_from(headers))
        header = draw(_ENCODERS)(text)
        payload = draw(_ENCODERS)(draw(st.sampled_from(claims)))
        signature = draw(st.sampled_from(["own", "own", "own", "own", "another", "stolen"]))
        other = draw(st.sampled_from(["ed", "es", "rs"]))
        token = signed(header, payload, other if signature == "another" else signer)
        if tokens and signature == "stolen":
            token = f"{header}.{payload}.{tokens[-1].rpartition('.')[2]}"
        tokens.append(token)
    return tokens


def _with_unused_bits(text: str) -> str:
    return b64(text + " " * (2 - len(text) % 3))


def _with_stray_bits(text: str) -> str:
    segment = _with_unused_bits(text)
    return segment[:-1] + BASE64URL[BASE64URL.index(segment[-1]) + 1]


_ENCODERS: Final[st.SearchStrategy[Callable[[str], str]]] = st.sampled_from(
    [
        *([_with_unused_bits] * 6),
        b64,
        lambda text: b64(f"{text}\n"),
        lambda text: _with_unused_bits(text) + "=",
        lambda text: _with_unused_bits(text) + "\n",
        lambda text: _with_unused_bits(text)[:8] + "!" + _with_unused_bits(text)[8:],
        _with_stray_bits,
    ]
)
"""Encodings of one text that a lenient decoder mostly reads as the same bytes."""
