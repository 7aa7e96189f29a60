"""A key that the issuer withdraws while the verifier still knows it, and sources of such keys."""

import gc
import itertools

import pytest

from asgi_bearer import InvalidTokenError, JWTVerifier, KeysUnavailable, Presented
from asgi_bearer.keys import KeySet, Missed
from asgi_bearer.testing import FakeClock, FakeIssuer, signing_key
from tests.asgi_bearer.jwt.key_sources import Scripted, jwks

issuer = FakeIssuer(key=signing_key("ES256"), clock=FakeClock())
OTHER = signing_key("ES256", "k2", 2)
SAME_ID = signing_key("ES256", "k1", 3)

KEY_SETS = {
    "own": KeySet.from_jwks(issuer.jwks()),
    "own and another": KeySet.from_jwks(issuer.jwks(OTHER)),
    "withdrawn": KeySet.from_jwks(jwks(OTHER.jwk())),
    "replaced": KeySet.from_jwks(jwks(SAME_ID.jwk())),
}


def has_own(key_set: KeySet) -> bool:
    """Return whether the issuer's first key is in the set."""
    return KEY_SETS["own"].keys[0] in key_set.keys


async def code(verifier: JWTVerifier, token: str) -> str:
    """Return the code of the refusal of `token`, or its subject."""
    try:
        return str((await verifier.verify(Presented(token))).subject)
    except InvalidTokenError as err:
        return err.code


@pytest.mark.conforms(
    "a withdrawn key is refused after the next fetch",
    "a verified token is cached until it or its key ends, as a digest, bounded",
)
@pytest.mark.parametrize("copies", [False, True], ids=["the same objects", "new objects"])
@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("own", "alice"),
        ("own and another", "alice"),
        ("withdrawn", "key_not_found"),
        ("replaced", "signature_invalid"),
    ],
)
@pytest.mark.parametrize("cached", [False, True], ids=["new token", "cached token"])
@pytest.mark.parametrize("is_long", [False, True], ids=["short", "long"])
async def test_a_token_is_accepted_only_with_a_key_that_the_source_still_returns(
    after: str, expected: str, cached: bool, copies: bool, is_long: bool
) -> None:
    """The verifier knows the key, because it has verified a token with it."""
    extra = {"groups": ["x" * 36] * 100} if is_long else {}
    keys = Scripted([KEY_SETS["own"], KEY_SETS[after]], copies=copies)
    verifier, known = issuer.verifier(keys=keys), issuer.token(**extra)
    await verifier.verify(Presented(known))

    token = known if cached else issuer.token(jti="another", **extra)

    assert [await code(verifier, token) for _ in range(3)] == [expected] * 3


@pytest.mark.conforms(
    "a withdrawn key is refused after the next fetch", "a new key under the same kid is found"
)
@pytest.mark.parametrize("copies", [False, True], ids=["the same objects", "new objects"])
@pytest.mark.parametrize("verified_tokens", [0, 10])
async def test_the_last_answer_of_the_key_source_decides_about_each_token(
    copies: bool, verified_tokens: int
) -> None:
    """For each sequence of answers, also if they change between two calls for one token."""
    one, other = issuer.token(), issuer.token()
    tokens = [one, other, one, one, other]
    accepted = 0
    for names in itertools.product(KEY_SETS, repeat=5):
        keys = Scripted([KEY_SETS[name] for name in names], copies=copies)
        verifier = issuer.verifier(keys=keys, verified_tokens=verified_tokens)
        for token in tokens:
            is_accepted = await code(verifier, token) == "alice"
            assert is_accepted == has_own(keys.last), names
            accepted += is_accepted
    assert 0 < accepted < len(tokens) * len(KEY_SETS) ** 5


@pytest.mark.conforms(
    "a new key under the same kid is found", "a withdrawn key is refused after the next fetch"
)
async def test_keys_that_change_under_the_same_key_id_verify_their_own_tokens_only() -> None:
    """There and back again, with tokens that are cached."""
    owners = [issuer, FakeIssuer(key=SAME_ID, clock=issuer.clock)]
    tokens = [owner.token() for owner in owners]
    sets = [KeySet.from_jwks(owner.jwks()) for owner in owners]
    answers: list[KeySet] = []

    class Changing:
        async def key_set(self, missed: Missed | None = None) -> KeySet:
            return answers[-1]

    verifier = issuer.verifier(keys=Changing())
    for turn in range(6):
        answers.append(sets[turn % 2])
        codes = [await code(verifier, token) for token in tokens * 2]

        expected = ["alice", "signature_invalid"]
        assert codes == (expected if turn % 2 == 0 else expected[::-1]) * 2


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_a_token_stays_cached_if_the_source_returns_an_equal_new_object_each_time() -> None:
    keys = Scripted([KEY_SETS["own"]], copies=True)
    verifier, token = issuer.verifier(keys=keys), Presented(issuer.token())

    principal = await verifier.verify(token)

    assert all([await verifier.verify(token) is principal for _ in range(5)])
    assert keys.missed == 0


@pytest.mark.conforms("the last good key set serves within its bound")
@pytest.mark.parametrize("cached", [False, True], ids=["new token", "cached token"])
async def test_known_keys_are_of_no_use_while_the_source_has_none(cached: bool) -> None:
    class Failing(Scripted):
        is_down = False

        async def key_set(self, missed: Missed | None = None) -> KeySet:
            if self.is_down:
                raise KeysUnavailable("down")
            return await super().key_set(missed)

    keys = Failing([KEY_SETS["own"]])
    verifier, token = issuer.verifier(keys=keys), issuer.token()
    await verifier.verify(Presented(token))
    keys.is_down = True

    for _ in range(2):
        with pytest.raises(KeysUnavailable):
            await verifier.verify(Presented(token if cached else issuer.token(jti="another")))


def living_key_sets() -> int:
    """Return how many key sets are in memory."""
    gc.collect()
    return sum(type(value) is KeySet for value in gc.get_objects())


@pytest.mark.parametrize("verified_tokens", [0, 10, 1000])
async def test_old_key_sets_do_not_stay_in_memory(verified_tokens: int) -> None:
    """If the source returns a new object each time; a cache of many tokens does not hold them."""
    keys = Scripted([KEY_SETS["own"]], copies=True)
    verifier = issuer.verifier(keys=keys, verified_tokens=verified_tokens)
    tokens = [Presented(issuer.token(jti=f"{number}")) for number in range(40)]
    before = living_key_sets()

    for _ in range(3):
        for token in tokens:
            await verifier.verify(token)

    # The one that the verifier knows, and the newest one of the cache.
    assert living_key_sets() - before <= 2
