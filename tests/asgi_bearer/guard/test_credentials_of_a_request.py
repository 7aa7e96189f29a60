"""Which requests reach the verifier, and which fault the guard names for a bad header."""

from typing import Any

import pytest

from asgi_bearer import CredentialsMissing, JWTVerifier, Presented, Principal
from asgi_bearer.testing import FakeClock, FakeIssuer, signing_key
from asgi_bearer.testing.signing import b64
from tests.support.asgi import Message, RecordingApplication, converse, http_scope

issuer = FakeIssuer(key=signing_key("ES256"), clock=FakeClock())
TOKEN = issuer.token().encode()
PRINCIPAL = Principal("https://issuer.example/", "alice", None, frozenset(), 1e12, {})


class RecordingVerifier:
    """A verifier of an application, which reads the token and accepts it."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.seen: list[Presented] = []
        self.refusal = refusal

    async def verify(self, presented: Presented) -> Principal:
        self.seen.append(presented)
        assert presented.token
        if self.refusal is not None:
            raise self.refusal
        return PRINCIPAL


def request(*values: bytes, **changes: Any) -> Message:
    """Return the scope of a request with these Authorization headers."""
    return http_scope(headers=[(b"authorization", value) for value in values], **changes)


async def status(guarded: Any, scope: Message) -> int:
    """Return the status of the answer to a request."""
    start, *_ = await converse(guarded, scope)
    found: int = start["status"]
    return found


async def refusal(guarded: Any, scope: Message) -> tuple[int, str | None]:
    """Return the status of a refusal and the error in its challenge."""
    start, *_ = await converse(guarded, scope)
    challenge = dict(start["headers"])[b"www-authenticate"].decode()
    _, found, rest = challenge.partition('error="')
    return start["status"], rest.partition('"')[0] if found else None


NOT_BEARER = [
    (),
    *((value,) for value in (b"Basic YTpi", b"DPoP a.b.c", b"Negotiate", b"BearerToken a", b"x")),
    *((value,) for value in (b"Bearer%20a", b"Digest a=b, c=d", b"Bear er", b"Bearers a.b.c")),
]
MALFORMED = [
    *(
        (value,)
        for value in (b"Bearer", b"bearer", b"Bearer ", b"  ", b"", b"Bearer\ta", b"\xff a")
    ),
]
REPEATED = [
    (b"Bearer a", b"Bearer a"),
    (b"Bearer a", b"Basic YTpi"),
    (b"Basic YTpi", b"Basic YTpi"),
    (b"", b""),
    (b"Bearer a.b.c",) * 3,
]
OUTSIDE_B64TOKEN = [
    *(
        (b"Bearer " + value,)
        for value in (b"a b", b"a,b", b"a=b", b"=", b"\xff", b"a\tb", b"a.b.c,d")
    ),
    *((b"bearer " + value,) for value in (b"a b", b'"a"')),
]


@pytest.mark.conforms(
    "another scheme counts as no credentials",
    "without credentials the challenge carries no error code",
)
@pytest.mark.parametrize("values", NOT_BEARER, ids=repr)
async def test_a_verifier_is_not_asked_about_a_request_without_bearer_credentials(
    values: tuple[bytes, ...],
) -> None:
    verifier, app = RecordingVerifier(), RecordingApplication()

    assert await refusal(issuer.guard(app, verifier=verifier), request(*values)) == (401, None)
    assert (verifier.seen, app.scopes) == ([], [])


@pytest.mark.conforms(
    "two Authorization headers are 400",
    "empty credentials are 400; several spaces before the token are accepted",
)
@pytest.mark.parametrize("values", [*MALFORMED[:2], *MALFORMED[3:], *REPEATED], ids=repr)
@pytest.mark.parametrize("optional", [False, True])
async def test_a_verifier_is_not_asked_about_a_repeated_header_or_one_without_a_token(
    values: tuple[bytes, ...], optional: bool
) -> None:
    verifier, app = RecordingVerifier(), RecordingApplication()
    guarded = issuer.guard(app, verifier=verifier, optional=optional)

    assert await refusal(guarded, request(*values)) == (400, "invalid_request")
    assert (verifier.seen, app.scopes) == ([], [])


@pytest.mark.conforms(
    "a token outside the b64token grammar is 400", "a malformed request is 400 invalid_request"
)
@pytest.mark.parametrize("values", [*MALFORMED, *OUTSIDE_B64TOKEN], ids=repr)
@pytest.mark.parametrize("optional", [False, True])
async def test_a_verifier_that_reads_a_malformed_token_refuses_the_request(
    values: tuple[bytes, ...], optional: bool
) -> None:
    """Also if it knows nothing of the grammar."""
    app = RecordingApplication()
    guarded = issuer.guard(app, verifier=RecordingVerifier(), optional=optional)

    assert await refusal(guarded, request(*values)) == (400, "invalid_request")
    assert app.scopes == []


@pytest.mark.conforms(
    "the client sends the token in the Authorization header, scheme Bearer",
    "the scheme name is compared without case",
)
@pytest.mark.parametrize("value", [b"Bearer %s", b"bearer %s", b"BEARER  %s", b" Bearer %s\t"])
async def test_a_verifier_is_given_the_token_and_the_header_that_holds_it(value: bytes) -> None:
    verifier, app = RecordingVerifier(), RecordingApplication()

    assert await status(issuer.guard(app, verifier=verifier), request(value % b"a.b/c==")) == 200
    (presented,) = verifier.seen
    assert presented.token == "a.b/c=="
    assert presented.credentials == b"Bearer a.b/c=="
    assert app.scopes[0]["user"] is PRINCIPAL


@pytest.mark.conforms(
    "with optional authentication a bad token is still 401",
    "another scheme counts as no credentials",
)
@pytest.mark.parametrize("values", NOT_BEARER, ids=repr)
async def test_with_optional_authentication_another_scheme_is_refused(
    values: tuple[bytes, ...],
) -> None:
    """Only a request without an Authorization header is anonymous."""
    for verifier in (RecordingVerifier(), issuer.verifier()):
        app = RecordingApplication()

        guarded = issuer.guard(app, verifier=verifier, optional=True)

        assert await status(guarded, request(*values)) == (401 if values else 200)
        assert [scope["user"].is_authenticated for scope in app.scopes] == [False][len(values) :]
        assert not (isinstance(verifier, RecordingVerifier) and verifier.seen)


@pytest.mark.conforms("with optional authentication a bad token is still 401")
@pytest.mark.parametrize("value", [b"Bearer a.b.c", b"bearer x"])
async def test_a_verifier_that_misses_credentials_does_not_make_a_request_anonymous(
    value: bytes,
) -> None:
    """There are Bearer credentials, so the client asked to be known by them."""
    app = RecordingApplication()
    verifier = RecordingVerifier(CredentialsMissing("a custom verifier"))

    guarded = issuer.guard(app, verifier=verifier, optional=True)

    assert await status(guarded, request(value)) == 401
    assert app.scopes == []


HEADER, PAYLOAD, SIGNATURE = TOKEN.split(b".")
LONG_HEADER, LONG_PAYLOAD, LONG_SIGNATURE = (
    issuer.token(groups=["x" * 36] * 100).encode().split(b".")
)
FOREIGN = b64({"iss": "https://stranger.example/", "x": "y" * 1200}).encode()
UNKNOWN_KEY = b64(issuer.header(kid="unknown")).encode()
PARTS = {
    "a good token": (HEADER, PAYLOAD, SIGNATURE),
    "a good token with a long payload": (LONG_HEADER, LONG_PAYLOAD, LONG_SIGNATURE),
    "another signature": (HEADER, PAYLOAD, b64(bytes(64)).encode()),
    "a long payload and another signature": (HEADER, LONG_PAYLOAD, SIGNATURE),
    "an unknown key": (UNKNOWN_KEY, PAYLOAD, SIGNATURE),
    "an unknown key and a long payload": (UNKNOWN_KEY, LONG_PAYLOAD, SIGNATURE),
    "a foreign issuer and a long payload": (UNKNOWN_KEY, FOREIGN, SIGNATURE),
    "no JSON": (HEADER, b"AAAA", SIGNATURE),
    "no header": (b"AAAA", PAYLOAD, SIGNATURE),
}


async def has_learnt(verifier: JWTVerifier) -> JWTVerifier:
    """Let a verifier verify the good tokens, so that it knows keys and tokens."""
    for token in (TOKEN, b".".join([LONG_HEADER, LONG_PAYLOAD, LONG_SIGNATURE])):
        await verifier.verify(Presented(token.decode()))
    return verifier


@pytest.mark.conforms(
    "a token outside the b64token grammar is 400", "a malformed request is 400 invalid_request"
)
@pytest.mark.parametrize("knows", [False, True], ids=["no keys known", "keys and token known"])
@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
async def test_a_character_outside_b64token_is_400_wherever_it_stands(
    parts: tuple[bytes, bytes, bytes], optional: bool, knows: bool
) -> None:
    """Whatever else is wrong with the token, also if the rest of it is known."""
    verifier = await has_learnt(issuer.verifier()) if knows else issuer.verifier()
    app = RecordingApplication()
    guarded = issuer.guard(app, verifier=verifier, optional=optional)
    for part in range(3):
        for at in (0, 1, len(parts[part]) // 2, len(parts[part])):
            for character in (b",", b" ", b"=a", b"\xc3\xa9", b"\x00", b'"', b"\n", b"%", b";"):
                if character == b" " and at in (0, len(parts[part])) and part in (0, 2):
                    continue  # White space around the token is accepted.
                changed = list(parts)
                changed[part] = parts[part][:at] + character + parts[part][at:]
                value = b"Bearer " + b".".join(changed)

                answer = await refusal(guarded, request(value))

                assert answer == (400, "invalid_request"), value
    assert app.scopes == []


@pytest.mark.conforms("a token outside the b64token grammar is 400")
@pytest.mark.parametrize(
    "value", [b"Bearer a b", b"Bearer a.b.c,d", b"Bearer a.b.c d", b"Bearer ,"]
)
@pytest.mark.parametrize("max_token_bytes", [1, 16_384])
async def test_a_header_outside_the_grammar_is_400_also_if_it_is_too_long(
    value: bytes, max_token_bytes: int
) -> None:
    guarded = issuer.guard(verifier=issuer.verifier(max_token_bytes=max_token_bytes))

    assert await refusal(guarded, request(value)) == (400, "invalid_request")


@pytest.mark.conforms("a token that does not verify is 401 invalid_token")
@pytest.mark.parametrize("character", [b"A", b"~", b"+", b"/", b".", b"=", b"=="])
async def test_a_known_token_with_one_more_character_of_b64token_is_401(character: bytes) -> None:
    """Some of them are not in the alphabet of base64url, but the header follows the grammar."""
    guarded = issuer.guard(verifier=await has_learnt(issuer.verifier()))

    answer = await refusal(guarded, request(b"Bearer " + TOKEN + character))

    assert answer == (401, "invalid_token")
