"""How a token is verified while the issuer's keys change or cannot be fetched."""

import pytest

from asgi_bearer import (
    InvalidTokenError,
    KeyNotFound,
    KeysUnavailable,
    SignatureInvalid,
    TokenExpired,
)
from asgi_bearer.credentials import Presented
from asgi_bearer.keys import KeySet, Missed, StaticKeys
from asgi_bearer.testing import FakeClock, FakeIssuer, signing_key
from asgi_bearer.testing.signing import Json, compact
from tests.asgi_bearer.jwt.key_sources import Rotation, jwks
from tests.refusals.rows import new_issuer

OLD = signing_key("RS256", "old", 1)
SAME_ID = signing_key("RS256", "k1", 1)


async def subject(issuer: FakeIssuer, keys: Rotation, token: str) -> str | None:
    """Verify `token` with `keys` and return its subject."""
    return (await issuer.verifier(keys=keys).verify(Presented(token))).subject


async def test_a_valid_token_needs_one_lookup_of_keys() -> None:
    issuer = new_issuer()
    keys = Rotation(issuer.jwks())

    assert await subject(issuer, keys, issuer.token()) == "alice"
    assert keys.missed == []


async def test_an_unknown_key_id_is_looked_up_in_newer_keys() -> None:
    issuer = new_issuer()
    keys = Rotation(jwks(OLD.jwk()), issuer.jwks(OLD))

    assert await subject(issuer, keys, issuer.token()) == "alice"
    assert [missed.unknown_kid for missed in keys.missed] == [True]


async def test_a_key_that_changed_under_the_same_id_is_looked_up_in_newer_keys() -> None:
    issuer = new_issuer()
    keys = Rotation(jwks(SAME_ID.jwk()), issuer.jwks())

    assert await subject(issuer, keys, issuer.token()) == "alice"
    assert [missed.unknown_kid for missed in keys.missed] == [False]


async def test_a_changed_key_without_an_id_is_looked_up_in_newer_keys() -> None:
    issuer = new_issuer()
    keys = Rotation(jwks(OLD.jwk(kid=None)), issuer.jwks())

    assert await subject(issuer, keys, issuer.token_with_header(kid=None)) == "alice"
    assert [missed.unknown_kid for missed in keys.missed] == [False]


async def test_the_verifier_tells_the_key_source_which_set_it_used() -> None:
    issuer = new_issuer()
    keys = Rotation(jwks(OLD.jwk()), jwks(SAME_ID.jwk()), issuer.jwks())
    first, second = [await source.key_set() for source in keys.sets[:2]]

    assert await subject(issuer, keys, issuer.token()) == "alice"
    assert keys.missed[0].key_set is first
    assert keys.missed[1].key_set is second


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(jwks(OLD.jwk()), KeyNotFound, id="unknown key id"),
        pytest.param(jwks(SAME_ID.jwk()), SignatureInvalid, id="signature of another key"),
        pytest.param(jwks(SAME_ID.jwk(alg="PS256")), KeyNotFound, id="another algorithm"),
    ],
)
async def test_a_token_is_refused_if_no_newer_keys_exist(
    document: Json, expected: type[InvalidTokenError]
) -> None:
    issuer = new_issuer()

    with pytest.raises(expected):
        await subject(issuer, Rotation(document), issuer.token())


@pytest.mark.conforms("without keys the answer is 503 with Retry-After and no challenge")
async def test_without_keys_the_verifier_raises_keys_unavailable() -> None:
    issuer = new_issuer()
    keys = Rotation(error=KeysUnavailable("down", retry_after=7.0))

    with pytest.raises(KeysUnavailable) as refusal:
        await subject(issuer, keys, issuer.token())

    assert refusal.value.retry_after == 7.0


@pytest.mark.conforms("without keys the answer is 503 with Retry-After and no challenge")
async def test_an_unknown_key_id_is_keys_unavailable_while_newer_keys_cannot_be_fetched() -> None:
    issuer = new_issuer()
    keys = Rotation(jwks(OLD.jwk()), error=KeysUnavailable("down"))

    with pytest.raises(KeysUnavailable):
        await subject(issuer, keys, issuer.token())


@pytest.mark.conforms(
    "a token that does not verify is 401 invalid_token",
    "without keys the answer is 503 with Retry-After and no challenge",
)
async def test_a_wrong_signature_is_refused_even_while_newer_keys_cannot_be_fetched() -> None:
    issuer = new_issuer()
    keys = Rotation(jwks(SAME_ID.jwk()), error=KeysUnavailable("down"))

    with pytest.raises(SignatureInvalid) as refusal:
        await subject(issuer, keys, issuer.token())

    assert refusal.value.__cause__ is None


async def test_the_verifier_gives_up_if_the_keys_change_at_each_lookup() -> None:
    issuer = new_issuer()
    keys = Rotation(*(jwks(OLD.jwk(kid=f"k{number}")) for number in range(100, 200)))

    with pytest.raises(KeyNotFound):
        await subject(issuer, keys, issuer.token())

    assert len(keys.missed) <= 3


@pytest.mark.conforms(
    "alg is compared with the accepted list before any key is looked up",
    "keys come over https, without redirects, from configured hosts",
)
async def test_a_token_of_another_issuer_causes_no_lookup_of_keys() -> None:
    issuer = new_issuer()
    keys = Rotation(error=KeysUnavailable("asked"))
    stranger = signing_key("RS256", "k1", 1)

    with pytest.raises(InvalidTokenError):
        await subject(
            issuer, keys, compact(issuer.header(), issuer.claims(iss="https://x.example"), stranger)
        )


class SlowKeys:
    """A key source that takes `seconds` by the verifier's clock."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds
        self._keys = StaticKeys(FakeIssuer().jwks())

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        self._clock.advance(self._seconds)
        return await self._keys.key_set(missed)


@pytest.mark.conforms("a token is refused at exp and after it")
async def test_a_token_that_expires_while_the_keys_are_fetched_is_refused() -> None:
    """The time after the fetch counts."""
    clock = FakeClock()
    issuer = FakeIssuer(clock=clock)
    token = issuer.token(exp=int(clock()) + 3)
    verifier = issuer.verifier(keys=SlowKeys(clock, 4.0), leeway=0.0)

    with pytest.raises(TokenExpired):
        await verifier.verify(Presented(token))


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_the_verifier_asks_for_newer_keys_at_most_twice() -> None:
    """Once for a fetch that began before the keys changed, and once for a fetch after that."""
    issuer = new_issuer()
    others = [jwks(OLD.jwk(kid=f"other{number}")) for number in range(2)]

    assert await subject(issuer, Rotation(*others, issuer.jwks()), issuer.token()) == "alice"
    with pytest.raises(KeyNotFound):
        await subject(issuer, Rotation(jwks(OLD.jwk()), *others, issuer.jwks()), issuer.token())


class RecordingKeys(Rotation):
    """A key source with `warm` and `aclose`, which records their calls."""

    def __init__(self, *documents: Json) -> None:
        super().__init__(*documents)
        self.calls: list[str] = []

    def warm(self) -> None:
        self.calls.append("warm")

    async def aclose(self) -> None:
        self.calls.append("closed")


async def test_a_verifier_warms_and_closes_its_key_source() -> None:
    issuer = new_issuer()
    keys = RecordingKeys(issuer.jwks())
    verifier = issuer.verifier(keys=keys)

    verifier.warm()
    assert keys.calls == ["warm"]
    await verifier.aclose()
    assert keys.calls == ["warm", "closed"]
    assert (await verifier.verify(Presented(issuer.token()))).subject == "alice"


async def test_a_key_source_without_warm_and_aclose_is_accepted() -> None:
    issuer = new_issuer()
    keys = Rotation(issuer.jwks())
    verifier = issuer.verifier(keys=keys)

    verifier.warm()
    await verifier.aclose()

    assert await subject(issuer, keys, issuer.token()) == "alice"
