"""How one token is held against keys that come, go and change."""

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
from tests.refusals.rows import issuer
from tests.support.fake_issuer import FakeClock, FakeIssuer, Json, compact, signing_key

OLD = signing_key("RS256", "old", 1)
SAME_ID = signing_key("RS256", "k1", 1)


def jwks(*keys: Json) -> Json:
    """Return a key set document."""
    return {"keys": list(keys)}


class Rotation:
    """A key source that answers each miss with the next key set, at the end with a failure."""

    def __init__(self, *documents: Json, then: KeysUnavailable | None = None) -> None:
        self.sets = [StaticKeys(document) for document in documents]
        self.then = then
        self.missed: list[Missed] = []

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """Return the first set, or after a miss the next one; the last one stays."""
        if missed is not None:
            self.missed.append(missed)
            if len(self.sets) > 1:
                self.sets.pop(0)
            elif self.then is not None:
                raise self.then
        elif not self.sets and self.then is not None:
            raise self.then
        return await self.sets[0].key_set()


async def subject(of: FakeIssuer, keys: Rotation, token: str) -> str | None:
    """Return whose token it is, judged with `keys`."""
    return (await of.verifier(keys=keys).verify(Presented(token))).subject


async def test_a_good_token_asks_for_keys_once() -> None:
    of = issuer()
    keys = Rotation(of.jwks())

    assert await subject(of, keys, of.token()) == "alice"
    assert keys.missed == []


async def test_an_unknown_key_id_is_looked_up_in_newer_keys() -> None:
    of = issuer()
    keys = Rotation(jwks(OLD.jwk()), of.jwks(OLD))

    assert await subject(of, keys, of.token()) == "alice"
    assert [missed.unknown_kid for missed in keys.missed] == [True]


async def test_a_key_that_was_changed_under_its_id_is_looked_up_in_newer_keys() -> None:
    of = issuer()
    keys = Rotation(jwks(SAME_ID.jwk()), of.jwks())

    assert await subject(of, keys, of.token()) == "alice"
    assert [missed.unknown_kid for missed in keys.missed] == [False]


async def test_a_changed_key_without_an_id_is_looked_up_in_newer_keys() -> None:
    of = issuer()
    keys = Rotation(jwks(OLD.jwk(kid=None)), of.jwks())

    assert await subject(of, keys, of.token_with_header(kid=None)) == "alice"
    assert [missed.unknown_kid for missed in keys.missed] == [False]


async def test_a_caller_hands_down_the_very_set_that_it_saw() -> None:
    of = issuer()
    keys = Rotation(jwks(OLD.jwk()), jwks(SAME_ID.jwk()), of.jwks())
    first, second = [await source.key_set() for source in keys.sets[:2]]

    assert await subject(of, keys, of.token()) == "alice"
    assert keys.missed[0].key_set is first
    assert keys.missed[1].key_set is second


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(jwks(OLD.jwk()), KeyNotFound, id="unknown key id"),
        pytest.param(jwks(SAME_ID.jwk()), SignatureInvalid, id="the key says no"),
        pytest.param(jwks(SAME_ID.jwk(alg="PS256")), KeyNotFound, id="another algorithm"),
    ],
)
async def test_without_newer_keys_the_refusal_stands(
    document: Json, expected: type[InvalidTokenError]
) -> None:
    of = issuer()

    with pytest.raises(expected):
        await subject(of, Rotation(document), of.token())


@pytest.mark.conforms("without keys the answer is 503 with Retry-After and no challenge")
async def test_without_any_keys_the_token_is_not_judged() -> None:
    of = issuer()
    keys = Rotation(then=KeysUnavailable("down", retry_after=7.0))

    with pytest.raises(KeysUnavailable) as refusal:
        await subject(of, keys, of.token())

    assert refusal.value.retry_after == 7.0


@pytest.mark.conforms("without keys the answer is 503 with Retry-After and no challenge")
async def test_an_unknown_key_id_is_not_judged_while_newer_keys_cannot_be_had() -> None:
    of = issuer()
    keys = Rotation(jwks(OLD.jwk()), then=KeysUnavailable("down"))

    with pytest.raises(KeysUnavailable):
        await subject(of, keys, of.token())


@pytest.mark.conforms(
    "a token that does not verify is 401 invalid_token",
    "without keys the answer is 503 with Retry-After and no challenge",
)
async def test_a_key_that_says_no_is_believed_while_newer_keys_cannot_be_had() -> None:
    of = issuer()
    keys = Rotation(jwks(SAME_ID.jwk()), then=KeysUnavailable("down"))

    with pytest.raises(SignatureInvalid) as refusal:
        await subject(of, keys, of.token())

    assert refusal.value.__cause__ is None


async def test_keys_that_change_at_each_look_do_not_keep_a_token_for_ever() -> None:
    of = issuer()
    keys = Rotation(*(jwks(OLD.jwk(kid=f"k{number}")) for number in range(100, 200)))

    with pytest.raises(KeyNotFound):
        await subject(of, keys, of.token())

    assert len(keys.missed) <= 3


@pytest.mark.conforms(
    "alg is compared with the accepted list before any key is looked up",
    "keys come over https, without redirects, from configured hosts",
)
async def test_a_token_of_another_issuer_asks_for_no_keys() -> None:
    """It costs no fetch."""
    of = issuer()
    keys = Rotation(then=KeysUnavailable("asked"))
    stranger = signing_key("RS256", "k1", 1)

    with pytest.raises(InvalidTokenError):
        await subject(of, keys, compact(of.header(), of.claims(iss="https://x.example"), stranger))


class SlowKeys:
    """Keys that take their time, by the clock of the verifier."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds
        self._keys = StaticKeys(FakeIssuer().jwks())

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        self._clock.advance(self._seconds)
        return await self._keys.key_set(missed)


@pytest.mark.conforms("a token is refused at exp and after it")
async def test_a_token_that_ends_while_the_keys_are_fetched_is_refused() -> None:
    """What counts is the time of the judgement."""
    clock = FakeClock()
    of = FakeIssuer(clock=clock)
    token = of.token(exp=int(clock()) + 3)
    verifier = of.verifier(keys=SlowKeys(clock, 4.0), leeway=0.0)

    with pytest.raises(TokenExpired):
        await verifier.verify(Presented(token))


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_newer_keys_are_asked_for_twice_at_most() -> None:
    """Those that were on their way when the keys changed, and those fetched for it."""
    of = issuer()
    others = [jwks(OLD.jwk(kid=f"other{number}")) for number in range(2)]

    assert await subject(of, Rotation(*others, of.jwks()), of.token()) == "alice"
    with pytest.raises(KeyNotFound):
        await subject(of, Rotation(jwks(OLD.jwk()), *others, of.jwks()), of.token())


class WarmKeys(Rotation):
    """Keys that get ready, and note it."""

    def __init__(self, *documents: Json) -> None:
        super().__init__(*documents)
        self.notes: list[str] = []

    def warm(self) -> None:
        """Note it."""
        self.notes.append("warm")

    async def aclose(self) -> None:
        """Note it."""
        self.notes.append("closed")


async def test_a_verifier_warms_and_closes_the_keys_that_it_was_given() -> None:
    of = issuer()
    keys = WarmKeys(of.jwks())
    verifier = of.verifier(keys=keys)

    verifier.warm()
    assert keys.notes == ["warm"]
    await verifier.aclose()
    assert keys.notes == ["warm", "closed"]
    assert (await verifier.verify(Presented(of.token()))).subject == "alice"


async def test_keys_that_need_no_warming_are_left_alone() -> None:
    of = issuer()
    keys = Rotation(of.jwks())
    verifier = of.verifier(keys=keys)

    verifier.warm()
    await verifier.aclose()

    assert await subject(of, keys, of.token()) == "alice"
