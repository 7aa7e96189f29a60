"""Properties that hold for every token."""

import math
import string
import time

import jwt
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from asgi_bearer import AccessTokenError, InvalidTokenError
from asgi_bearer.credentials import Presented
from asgi_bearer.jose.frozen import frozen
from asgi_bearer.jose.jws import parse
from asgi_bearer.testing import AUDIENCE, ISSUER, FakeIssuer, signing_key
from asgi_bearer.testing.signing import b64, compact
from tests.refusals.rows import new_issuer, verifier

MAX_BYTES = 16 * 1024
BASE64URL = string.ascii_letters + string.digits + "-_"

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
JSON_OBJECTS = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=8), JSON_VALUES, max_size=4
)

ED25519 = FakeIssuer(key=signing_key("EdDSA"), clock=new_issuer().clock)
GOOD_TOKEN = ED25519.token()


@pytest.mark.conforms(
    "only the compact serialization with three segments is accepted",
    "base64url is canonical: no padding, no whitespace, no stray bits",
    "duplicate names in header or claims are refused",
    "header and claims are bounded JSON objects in UTF-8",
)
@given(
    st.text(max_size=80)
    | st.text(BASE64URL + ".", max_size=80)
    | st.lists(st.binary(max_size=30).map(b64), min_size=3, max_size=3).map(".".join)
    | st.tuples(JSON_OBJECTS, st.binary(max_size=30), st.text(BASE64URL, max_size=9)).map(
        lambda parts: f"{b64(parts[0])}.{b64(parts[1])}.{parts[2]}"
    )
)
@settings(max_examples=150, deadline=None)
def test_any_text_is_either_parsed_or_refused(text: str) -> None:
    try:
        token = parse(text, max_bytes=MAX_BYTES)
    except AccessTokenError:
        return

    assert f"{token.signing_input.decode()}.{b64(token.signature)}" == text


@pytest.mark.conforms(
    "only the compact serialization with three segments is accepted",
    "header and claims are bounded JSON objects in UTF-8",
)
@given(header=JSON_OBJECTS, claims=JSON_OBJECTS, signature=st.binary(min_size=1, max_size=80))
@settings(max_examples=100, deadline=None)
def test_a_parsed_token_has_the_header_and_claims_that_were_encoded(
    header: dict[str, object], claims: dict[str, object], signature: bytes
) -> None:
    text = f"{b64(header)}.{b64(claims)}.{b64(signature)}"

    token = parse(text, max_bytes=MAX_BYTES)

    assert (token.header.members, token.claims, token.signature) == (header, claims, signature)
    assert token.signing_input == f"{b64(header)}.{b64(claims)}".encode()


@pytest.mark.conforms(
    "a token that does not verify is 401 invalid_token",
    "base64url is canonical: no padding, no whitespace, no stray bits",
)
@given(
    position=st.integers(0, len(GOOD_TOKEN) - 1),
    character=st.sampled_from(BASE64URL + ".=+/ \n") | st.characters(),
)
@example(position=len(GOOD_TOKEN) - 1, character="=")
@settings(max_examples=150, deadline=None)
async def test_a_token_with_one_character_changed_is_refused(position: int, character: str) -> None:
    assume(GOOD_TOKEN[position] != character)
    changed = GOOD_TOKEN[:position] + character + GOOD_TOKEN[position + 1 :]

    assert await _is_refused(changed)


@pytest.mark.conforms("base64url is canonical: no padding, no whitespace, no stray bits")
async def test_a_token_with_another_last_character_in_a_segment_is_refused() -> None:
    """The last character of a segment has unused bits."""
    head, claims, signature = GOOD_TOKEN.split(".")

    for character in BASE64URL:
        for position, segment in enumerate((head, claims, signature)):
            segments = [head, claims, signature]
            segments[position] = segment[:-1] + character
            assert segments == [head, claims, signature] or await _is_refused(".".join(segments))


@pytest.mark.conforms(
    "a token that does not verify is 401 invalid_token",
    "only the compact serialization with three segments is accepted",
)
@given(
    start=st.integers(0, len(GOOD_TOKEN)),
    length=st.integers(0, 40),
    inserted=st.text(BASE64URL + ".=", max_size=40) | st.text(max_size=5),
)
@settings(max_examples=100, deadline=None)
async def test_a_token_with_an_exchanged_part_is_refused(
    start: int, length: int, inserted: str
) -> None:
    changed = GOOD_TOKEN[:start] + inserted + GOOD_TOKEN[start + length :]
    assume(changed != GOOD_TOKEN)

    assert await _is_refused(changed)


async def _is_refused(token: str) -> bool:
    try:
        await ED25519.verifier().verify(Presented(token))
    except InvalidTokenError:
        return True
    return False


def _usually(right: object, *wrong: object) -> st.SearchStrategy[object]:
    return st.one_of(
        st.just(right), st.just(right), st.just(right), st.sampled_from(wrong), JSON_VALUES
    )


# This library and PyJWT both read the real time when the test runs; no date is near a limit.
REAL_TIME_ISSUER = FakeIssuer(clock=time.time)
NOW = math.floor(REAL_TIME_ISSUER.clock())
DAY = 86_400
LEEWAY = 30

CLAIMS = st.fixed_dictionaries(
    {
        "iss": _usually(ISSUER, ISSUER.rstrip("/"), [ISSUER]),
        "aud": _usually(AUDIENCE, [AUDIENCE, "x"], [], ["x"], [AUDIENCE, 1]),
        "exp": _usually(NOW + DAY, NOW + DAY + 0.5, NOW - DAY, str(NOW + DAY)),
    },
    optional={
        "nbf": _usually(NOW - DAY, 0, NOW + DAY),
        "iat": _usually(NOW - DAY, NOW - 0.5, NOW + DAY),
        "sub": _usually("alice", ""),
        "jti": _usually("0af1", "", 7),
        "client_id": _usually("web", ""),
        "azp": _usually("web", ""),
        "scope": _usually("read:contacts", "", ["read:contacts"]),
        "scp": _usually("read:contacts", ["read:contacts"]),
        "x": JSON_VALUES,
    },
)


@pytest.mark.conforms(
    "profile rfc9068 requires its seven claims",
    "a token is refused at exp and after it",
    "a token is refused before nbf",
    "a token whose iat lies in the future is refused",
    "dates are JSON numbers",
    "iss equals the configured issuer, byte for byte",
    "keys verify tokens of their own issuer only",
    "aud holds the identifier of this API",
    "aud is a string or an array of strings",
)
@given(claims=CLAIMS, profile=st.sampled_from(["jwt", "rfc9068"]))
@settings(max_examples=150, deadline=None)
async def test_pyjwt_accepts_every_token_that_this_library_accepts(
    claims: dict[str, object], profile: str
) -> None:
    """PyJWT is an independent implementation."""
    token = compact(REAL_TIME_ISSUER.header(), claims, REAL_TIME_ISSUER.key)
    try:
        principal = await verifier(REAL_TIME_ISSUER, profile).verify(Presented(token))
    except AccessTokenError:
        return

    pyjwt_claims = jwt.decode(
        token,
        REAL_TIME_ISSUER.key.private_key.public_key(),
        algorithms=["RS256"],
        audience=AUDIENCE,
        issuer=ISSUER,
        leeway=LEEWAY,
        options={"require": ["exp", "iss", "aud"]},
    )
    assert frozen(pyjwt_claims) == principal.claims


@pytest.mark.conforms(
    "dates are JSON numbers",
    "aud is a string or an array of strings",
    "sub is a non-empty string; clients are distinguished from users",
)
@given(
    name=st.sampled_from(
        ["iss", "aud", "exp", "nbf", "iat", "sub", "jti", "client_id", "azp", "scope", "scp", "cnf"]
    ),
    value=JSON_VALUES | st.integers(-(10**400), 10**400) | st.just(10**4299),
    profile=st.sampled_from(["jwt", "rfc9068"]),
)
@settings(max_examples=150, deadline=None)
async def test_any_value_of_any_claim_is_either_accepted_or_refused(
    name: str, value: object, profile: str
) -> None:
    issuer = new_issuer()
    claims = {**issuer.claims(), name: value}
    token = compact(issuer.header(), claims, issuer.key)

    try:
        principal = await verifier(issuer, profile).verify(Presented(token))
    except InvalidTokenError:
        return

    assert principal.claims == frozen(claims)
    assert math.isfinite(principal.expires_at)


@pytest.mark.conforms(
    "any crit header is refused",
    "alg none is refused in any spelling",
    "alg is compared with the accepted list before any key is looked up",
    "jku, x5u, jwk and x5c of a token are never used",
    "kid is treated as hostile text",
)
@given(
    header=st.dictionaries(
        st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "x5u"]), JSON_VALUES
    )
)
@settings(max_examples=100, deadline=None)
async def test_any_header_is_either_accepted_or_refused(header: dict[str, object]) -> None:
    issuer = new_issuer()
    members = {**issuer.header(), **header}
    token = compact(members, issuer.claims(), issuer.key)

    try:
        await verifier(issuer).verify(Presented(token))
    except InvalidTokenError:
        return

    assert (members["alg"], members["kid"]) == ("RS256", "k1")
    assert not {"crit", "b64"} & set(members)
