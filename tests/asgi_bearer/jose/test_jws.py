"""Compact JWS: which tokens are refused before any key is looked up, and which are parsed."""

import pytest

from asgi_bearer import (
    AlgorithmNotAllowed,
    InvalidTokenError,
    KeyNotFound,
    TokenMalformed,
    TokenTooLarge,
)
from asgi_bearer.credentials import Presented
from asgi_bearer.jose.encoding import base64url_decode, json_object
from asgi_bearer.jose.jws import parse
from asgi_bearer.keys import KeySet, Missed
from asgi_bearer.testing.signing import b64
from tests.refusals.headers import REFUSED_HEADERS
from tests.refusals.rows import Refused, name_of, new_issuer, token_of, verifier, with_members
from tests.refusals.structures import REFUSED_STRUCTURES

MAX_BYTES = 16 * 1024


class UntouchedKeys:
    """A key source that fails when it is called."""

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        raise AssertionError("the verifier asked for keys")


@pytest.mark.conforms(
    "an oversized header or token is refused before it is parsed",
    "only the compact serialization with three segments is accepted",
    "base64url is canonical: no padding, no whitespace, no stray bits",
    "duplicate names in header or claims are refused",
    "header and claims are bounded JSON objects in UTF-8",
    "any crit header is refused",
    "alg none is refused in any spelling",
    "alg is compared with the accepted list before any key is looked up",
    "kid is treated as hostile text",
    "an encrypted token is refused at once",
    "profile rfc9068 accepts the type at+jwt only",
    "profile jwt accepts the types at+jwt and JWT, or none",
)
@pytest.mark.parametrize(
    "row",
    [
        *REFUSED_STRUCTURES,
        *(row for row in REFUSED_HEADERS if not issubclass(row.expected, KeyNotFound)),
    ],
    ids=name_of,
)
async def test_a_malformed_token_is_refused_before_any_key_is_looked_up(
    row: Refused,
) -> None:
    issuer = new_issuer()
    verifier = issuer.verifier(keys=UntouchedKeys(), profile=row.profile)

    with pytest.raises(row.expected) as refusal:
        await verifier.verify(Presented(row.token(issuer)))

    assert type(refusal.value) is row.expected


@pytest.mark.conforms("kid is treated as hostile text")
@pytest.mark.parametrize(
    "row",
    [row for row in REFUSED_HEADERS if row.expected is KeyNotFound],
    ids=name_of,
)
async def test_a_hostile_key_id_finds_no_key(row: Refused) -> None:
    issuer = new_issuer()

    with pytest.raises(KeyNotFound) as refusal:
        await verifier(issuer, row.profile).verify(Presented(row.token(issuer)))

    assert refusal.value.reason.isascii()
    assert refusal.value.reason.isprintable()
    assert len(refusal.value.reason) < 200


@pytest.mark.conforms(
    "profile rfc9068 accepts the type at+jwt only",
    "profile jwt accepts the types at+jwt and JWT, or none",
)
@pytest.mark.parametrize(
    ("typ", "profile"),
    [
        # RFC 9068 §2.1.
        ("at+jwt", "rfc9068"),
        ("AT+JWT", "rfc9068"),
        ("application/at+jwt", "rfc9068"),
        ("Application/At+Jwt", "rfc9068"),
        # RFC 8725 §3.11.
        ("at+jwt", "jwt"),
        ("AT+JWT", "jwt"),
        ("application/at+jwt", "jwt"),
        ("JWT", "jwt"),
        ("jwt", "jwt"),
        ("application/jwt", "jwt"),
        (None, "jwt"),
    ],
)
async def test_the_token_types_of_the_profile_are_accepted(typ: str | None, profile: str) -> None:
    issuer = new_issuer()
    token = issuer.token_with_header(typ=typ)

    assert (await verifier(issuer, profile).verify(Presented(token))).subject == "alice"


@pytest.mark.conforms("alg is compared with the accepted list before any key is looked up")
async def test_a_supported_algorithm_that_is_not_configured_is_refused() -> None:
    issuer = new_issuer()
    only_es256 = issuer.verifier(algorithms=["ES256"], keys=UntouchedKeys())

    with pytest.raises(AlgorithmNotAllowed):
        await only_es256.verify(Presented(issuer.token()))


@pytest.mark.conforms(
    "header and claims are bounded JSON objects in UTF-8",
    "unknown claims grant nothing",
)
@pytest.mark.parametrize(
    "members",
    [
        pytest.param('"x": ' + "[" * 15 + "]" * 15, id="16 levels"),
        pytest.param('"x": "' + "[{" * 3000 + '"', id="brackets in a string"),
        pytest.param('"x": "' + '\\"[' * 500 + '"', id="brackets behind escaped quotes"),
        pytest.param('"x": "\\\\", "y": ["' + "[" * 100 + '"]', id="an escaped backslash"),
        pytest.param('"x": [' + "[]," * 50 + "[]]", id="many brackets side by side"),
        pytest.param('"x": "\\u0000"', id="an escaped NUL"),
        pytest.param('"x": "\\ud83d\\ude00"', id="escaped surrogates in a pair"),
        pytest.param('"x": "\\\\ud800"', id="an escaped backslash before letters"),
        pytest.param('"x": "😀 é \u202e"', id="UTF-8"),
        pytest.param('"ключ": 1', id="a name in UTF-8"),
        pytest.param('"x": {"x": {"x": 1}}', id="a name in several objects"),
        pytest.param('"x": -0', id="minus zero"),
        pytest.param('"x": 1e-400', id="a number close to zero"),
        pytest.param('"x": 1.7976931348623157e308', id="the largest number"),
        pytest.param(f'"x": {"9" * 4300}', id="an integer of 4300 digits"),
        pytest.param('"": 1', id="an empty name"),
        pytest.param(' \r\n\t"x" :\n1 ', id="white space"),
    ],
)
async def test_unusual_json_with_one_meaning_is_accepted(members: str) -> None:
    """Unknown members are ignored."""
    issuer = new_issuer()
    token = token_of(
        issuer, with_members(issuer.header(), members), with_members(issuer.claims(), members)
    )
    lenient = issuer.verifier(max_token_bytes=4 * MAX_BYTES)

    assert (await lenient.verify(Presented(token))).subject == "alice"


@pytest.mark.conforms("an oversized header or token is refused before it is parsed")
def test_the_size_limit_is_exact() -> None:
    token = "a" * (MAX_BYTES - 4) + ".b.c"

    with pytest.raises(TokenTooLarge):
        parse(token + "d", max_bytes=MAX_BYTES)
    with pytest.raises(TokenMalformed):
        parse(token, max_bytes=MAX_BYTES)


@pytest.mark.conforms("no token appears in a log, a body or an exception")
def test_the_repr_of_a_parsed_token_shows_only_its_header() -> None:
    issuer = new_issuer()
    token = issuer.token(sub="secret-subject")

    parsed = parse(token, max_bytes=MAX_BYTES)

    shown = repr(parsed)
    assert "secret-subject" not in shown
    assert str(parsed.signature) not in shown
    assert str(parsed.signing_input) not in shown


@pytest.mark.parametrize(
    ("segment", "decoded"),
    [
        # RFC 4648 §10, without its padding.
        ("", b""),
        ("Zg", b"f"),
        ("YWI", b"ab"),
        ("Zm9v", b"foo"),
        ("Zm9vYg", b"foob"),
        ("Zm9vYmE", b"fooba"),
        ("Zm9vYmFy", b"foobar"),
        # RFC 7515 appendix C.
        ("A-z_4ME", bytes([3, 236, 255, 224, 193])),
    ],
)
def test_base64url_is_decoded(segment: str, decoded: bytes) -> None:
    assert base64url_decode(segment) == decoded


@pytest.mark.conforms("base64url is canonical: no padding, no whitespace, no stray bits")
@pytest.mark.parametrize(
    "segment", ["Zh", "Zn", "Zm9", "Zm8=", "Zg==", "Z", "A+z/4ME", "Zg\n", "é"]
)
def test_base64url_that_is_not_canonical_is_refused(segment: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        base64url_decode(segment)


def test_decoded_json_keeps_the_order_and_types_of_values() -> None:
    assert json_object(b'{"b": [1, 2.5, null, true], "a": {"c": "d"}}') == {
        "b": [1, 2.5, None, True],
        "a": {"c": "d"},
    }


@pytest.mark.conforms("no token appears in a log, a body or an exception")
def test_the_repr_of_a_parsed_token_does_not_show_the_token() -> None:
    token = new_issuer().token()

    shown = repr(parse(token, max_bytes=MAX_BYTES))

    assert not any(part in shown for part in token.split("."))


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("SlAV32hkKG", r"token_opaque: an opaque token \(dots: 0\)"),
        ("ya29.a0AfB", r"token_opaque: an opaque token \(dots: 1\)"),
        ("a.b.c.d.e", r"token_opaque: an opaque token \(dots: 4\)"),
        ("eyJhbGciOiJSUzI1NiJ9.e30", "token_malformed: 2 segments, but a signed JWT has three"),
        ("eyJhbGciOiJSUzI1NiJ9.a.b.c.d", "token_malformed: 5 segments"),
        (f"{b64({'alg': 'dir', 'enc': 'A256GCM'})}..AA.AA.AA", "token_encrypted: an encrypted"),
    ],
)
def test_the_message_for_the_operator_says_why_a_text_is_not_a_signed_jwt(
    token: str, message: str
) -> None:
    with pytest.raises(InvalidTokenError, match=message):
        parse(token, max_bytes=MAX_BYTES)
