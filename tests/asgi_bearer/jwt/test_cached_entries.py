"""Which token an entry of the cache stands for: the whole header is compared, not a part of it."""

import re

import pytest

from asgi_bearer import InvalidTokenError, JWTVerifier, Principal
from asgi_bearer.credentials import Presented
from asgi_bearer.jose.jws import Header
from asgi_bearer.jwt import token_cache
from asgi_bearer.jwt.token_cache import CachedToken, TokenCache
from asgi_bearer.keys import KeySet, StaticKeys
from asgi_bearer.testing import FakeClock, FakeIssuer, signing_key
from asgi_bearer.testing.signing import b64

LONGEST_SIGNATURE = 3072
"""Characters of a signature whose token is cached. That of an RSA key of 16,384 bits has 2,731."""

issuer = FakeIssuer(key=signing_key("ES256"), clock=FakeClock())
KEY_SET = KeySet.from_jwks(issuer.jwks())
PRINCIPAL = Principal("https://issuer.example/", "alice", None, frozenset(), 1e12, {})
HEADER = Header.of({"alg": "ES256", "kid": "k1"})


async def code(verifier: JWTVerifier, credentials: bytes) -> str:
    """Return the code of the refusal of an Authorization header, or the subject of its token."""
    try:
        header = Presented.in_scope({"headers": [(b"authorization", credentials)]})
        return str((await verifier.verify(header)).subject)
    except InvalidTokenError as err:
        return err.code


async def verify(verifier: JWTVerifier, credentials: bytes) -> Principal:
    """Verify the token in an Authorization header."""
    return await verifier.verify(Presented.in_scope({"headers": [(b"authorization", credentials)]}))


def entry() -> CachedToken:
    return CachedToken(PRINCIPAL, HEADER, KEY_SET.keys[0], 0.0, 1e12)


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_the_same_signing_input_with_another_signature_is_refused_and_evicts_nothing() -> (
    None
):
    verifier, good = issuer.verifier(), issuer.token().encode()
    principal = await verify(verifier, b"Bearer " + good)
    signing_input, _, signature = good.rpartition(b".")
    other_signature = issuer.token(jti="other").encode().rpartition(b".")[2]

    forged = [
        (b"B" if signature[:1] == b"A" else b"A") + signature[1:],
        other_signature,
        *(signature[:-6], signature[4:], signature + b"AAAA", signature * 40),
        *(b64(bytes(64)).encode(), b"A" * (LONGEST_SIGNATURE + 4)),
    ]
    for one in forged:
        assert one != signature
        for _ in range(2):
            credentials = b"Bearer " + signing_input + b"." + one
            assert await code(verifier, credentials) == "signature_invalid"
        assert await verify(verifier, b"Bearer " + good) is principal
    assert await code(verifier, b"Bearer " + signing_input + b".") == "token_malformed"
    assert await verify(verifier, b"Bearer " + good) is principal


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_a_known_signature_behind_another_signing_input_is_refused_and_evicts_nothing() -> (
    None
):
    """The cache finds an entry by its signature, and then compares the rest."""
    verifier, good = issuer.verifier(), issuer.token().encode()
    principal = await verify(verifier, b"Bearer " + good)
    header, payload, signature = good.split(b".")
    admin = b64(issuer.claims(sub="admin")).encode()

    forged = [
        (header, admin),
        (b64({**issuer.header(), "x": 1}).encode(), payload),
        (header, payload.swapcase()),
        (b64({**issuer.header(), "typ": "JWT"}).encode(), admin),
    ]
    for parts in forged:
        for _ in range(2):
            credentials = b"Bearer " + b".".join([*parts, signature])
            assert await code(verifier, credentials) in ("signature_invalid", "token_malformed")
        assert await verify(verifier, b"Bearer " + good) is principal


@pytest.mark.conforms(
    "the scheme name is compared without case",
    "empty credentials are 400; several spaces before the token are accepted",
)
async def test_each_spelling_of_the_header_is_accepted_and_one_token_has_one_entry() -> None:
    """A client can vary white space behind the scheme, so such a header is not cached."""
    verifier, token = issuer.verifier(), issuer.token().encode()
    spellings = [
        *(b"Bearer %s", b"bearer %s", b"BEARER %s", b"Bearer  %s", b"bearer" + b" " * 9 + b"%s"),
        *(b"Bearer %s ", b"Bearer %s\t ", b" Bearer %s", b"\tbEaReR  %s "),
    ]

    for spelling in [*spellings, *reversed(spellings), *spellings]:
        assert await code(verifier, spelling % token) == "alice"
    known = await verify(verifier, b"Bearer " + token)
    for spelling in spellings:
        is_cached = (await verify(verifier, spelling % token)) is known
        assert is_cached == (spelling not in (b"Bearer  %s", b"Bearer %s ", b"Bearer %s\t "))


@pytest.mark.conforms(
    "a token that does not verify is 401 invalid_token",
    "a verified token is cached until it or its key ends, as a digest, bounded",
)
async def test_no_spelling_of_the_header_lets_a_forged_token_pass_as_a_cached_one() -> None:
    verifier, token = issuer.verifier(), issuer.token().encode()
    for spelling in (b"Bearer %s", b"bearer %s", b"Bearer %s "):
        await verify(verifier, spelling % token)
    forged = FakeIssuer(key=signing_key("ES256", number=9), clock=issuer.clock).token().encode()

    for spelling in (b"Bearer %s", b"bearer %s", b"Bearer %s ", b"Bearer  %s"):
        assert await code(verifier, spelling % forged) == "signature_invalid"


@pytest.mark.conforms("another scheme counts as no credentials")
async def test_a_cached_token_with_another_scheme_is_not_found() -> None:
    tokens, token = TokenCache(9, rsa_default="RS256"), issuer.token().encode()
    tokens.add(b"Bearer " + token, entry(), KEY_SET)

    for scheme in (b"DPoP ", b"Digest ", b"", b"Bearer", b"Bearer  ", b"xBearer "):
        assert tokens.find(scheme + token) is None
    assert tokens.find(b"Bearer " + token) is not None


@pytest.mark.parametrize(
    ("length", "is_stored"), [(1, True), (LONGEST_SIGNATURE, True), (LONGEST_SIGNATURE + 1, False)]
)
def test_a_token_with_a_very_long_signature_is_not_stored(length: int, is_stored: bool) -> None:
    tokens = TokenCache(9, rsa_default="RS256")
    credentials = b"Bearer a.b." + b"c" * length

    tokens.add(credentials, entry(), KEY_SET)

    assert (tokens.find(credentials) is not None) == is_stored
    tokens.remove(credentials)
    assert tokens.find(credentials) is None


@pytest.mark.conforms("a withdrawn key is refused after the next fetch")
def test_an_entry_is_valid_with_each_set_that_has_its_key() -> None:
    """The same object, an equal one, one with more keys, and the first one again."""
    tokens, one = TokenCache(9, rsa_default="RS256"), entry()
    more = KeySet.from_jwks(issuer.jwks(signing_key("ES256", "k2", 2)))
    others = KeySet.from_jwks(FakeIssuer(key=signing_key("ES256", number=9)).jwks())
    tokens.add(b"Bearer a.b.c", one, KEY_SET)

    for key_set in (KEY_SET, KeySet(KEY_SET.keys), more, more, KEY_SET):
        assert tokens.holds(one, key_set)
        assert not tokens.holds(one, others)


def test_no_digest_of_a_very_long_signature_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would only keep the processor busy."""

    def fail(_: bytes) -> None:
        raise AssertionError("a digest was computed")

    monkeypatch.setattr(token_cache, "sha256", fail)
    tokens = TokenCache(9, rsa_default="RS256")

    tokens.add(b"Bearer a.b." + b"c" * (LONGEST_SIGNATURE + 1), entry(), KEY_SET)
    assert tokens.find(b"Bearer a.b." + b"c" * (LONGEST_SIGNATURE + 1)) is None
    assert tokens.find(b"Bearer " + b"c" * 60_000) is None


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_a_cached_token_is_compared_to_the_last_byte() -> None:
    """Every change of one byte of the header is refused, also where it changes only the scheme."""
    verifier, token = issuer.verifier(), issuer.token().encode()
    good = b"Bearer " + token
    principal = await verify(verifier, good)

    for at in range(len(b"Bearer "), len(good)):
        changed = good[:at] + (b"A" if good[at : at + 1] != b"A" else b"B") + good[at + 1 :]
        assert await code(verifier, changed) != "alice", at
    assert await verify(verifier, good) is principal


async def test_two_verifiers_do_not_share_a_cache() -> None:
    """Each has an audience of its own."""
    keys = StaticKeys(issuer.jwks())
    contacts = issuer.verifier(keys=keys)
    calendar = issuer.verifier(keys=keys, audience="https://api.example/calendar")
    credentials = b"Bearer " + issuer.token().encode()

    assert [await code(contacts, credentials) for _ in range(2)] == ["alice", "alice"]
    assert [await code(calendar, credentials) for _ in range(2)] == ["audience_mismatch"] * 2


def test_the_repr_of_an_entry_shows_no_part_of_the_token() -> None:
    tokens, one = TokenCache(9, rsa_default="RS256"), entry()
    tokens.add(b"Bearer header.secret.signature", one, KEY_SET)

    assert not re.search("secret|signature", f"{one!r} {tokens!r} {vars(tokens)!r}")
