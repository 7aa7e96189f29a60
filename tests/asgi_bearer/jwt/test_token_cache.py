"""The cache of verified tokens: a valid token that comes again is not verified again."""

import asyncio
import gc
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asgi_bearer import (
    AccessTokenError,
    ClaimRuleFailed,
    JWTVerifier,
    KeysUnavailable,
    Presented,
    Principal,
    StaticKeys,
)
from asgi_bearer.jose.jws import CompactJWS, Header
from asgi_bearer.jwt import token_cache
from asgi_bearer.jwt.token_cache import MAX_BYTES, WEIGHT_PER_BYTE, CachedToken, TokenCache
from asgi_bearer.keys import KeySet, Missed
from asgi_bearer.testing import FakeClock, FakeIssuer, signing_key
from asgi_bearer.testing.signing import Json, compact
from tests.asgi_bearer.jwt.interruption import call_interrupted
from tests.support.published_keys import DOWN, Published, run_pending_tasks

LEEWAY = 30


async def outcome(verifier: JWTVerifier, token: str) -> str:
    """Return the code of the refusal of `token`, or `good`."""
    try:
        await verifier.verify(Presented(token))
    except AccessTokenError as err:
        return err.code
    return "good"


async def is_cached(verifier: JWTVerifier, token: str, principal: Principal) -> bool:
    """Return whether `token` is answered with the same `principal` object as before."""
    return await verifier.verify(Presented(token)) is principal


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def issuer(clock: FakeClock) -> FakeIssuer:
    return FakeIssuer(key=signing_key("ES256"), clock=clock)


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_a_valid_token_that_comes_again_is_not_verified_again(issuer: FakeIssuer) -> None:
    verifier = issuer.verifier()
    token = issuer.token()

    principal = await verifier.verify(Presented(token))

    assert await is_cached(verifier, token, principal)


async def test_with_a_cache_of_size_zero_every_token_is_verified_each_time(
    issuer: FakeIssuer,
) -> None:
    verifier = issuer.verifier(verified_tokens=0)
    token = issuer.token()

    principal = await verifier.verify(Presented(token))

    assert not await is_cached(verifier, token, principal)


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
@pytest.mark.parametrize(
    ("later", "code"),
    [
        (600 + LEEWAY - 0.5, "good"),
        (600 + LEEWAY, "token_expired"),
        (1e9, "token_expired"),
        (float("nan"), "token_expired"),
        # An operator or NTP may set the clock back.
        (-LEEWAY, "good"),
        (-LEEWAY - 0.5, "token_not_yet_valid"),
    ],
)
async def test_a_cached_token_is_accepted_only_within_its_validity(
    issuer: FakeIssuer, clock: FakeClock, later: float, code: str
) -> None:
    verifier = issuer.verifier(keys=StaticKeys(issuer.jwks()))
    token = issuer.token()
    await verifier.verify(Presented(token))
    clock.advance(later)

    assert await outcome(verifier, token) == code


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
@pytest.mark.parametrize(("first", "second"), [("nbf", "iat"), ("iat", "nbf")])
async def test_a_cached_token_is_refused_before_the_later_of_nbf_and_iat(
    issuer: FakeIssuer, clock: FakeClock, first: str, second: str
) -> None:
    """An operator or NTP may set the clock back."""
    verifier, now = issuer.verifier(), int(clock())
    token = issuer.token(**{first: now, second: now - 100})
    await verifier.verify(Presented(token))
    clock.advance(-LEEWAY - 1)

    assert await outcome(verifier, token) == "token_not_yet_valid"


async def test_a_refusal_by_a_rule_exposes_no_object_of_the_cache(
    issuer: FakeIssuer,
) -> None:
    """Code that catches the error can read the local variables of the traceback's frames."""

    def never(_: Principal) -> bool:
        return False

    verifier = issuer.verifier(rules={"never": never})
    token = Presented(issuer.token())

    with pytest.raises(ClaimRuleFailed) as caught:
        await verifier.verify(token)

    local_variables = [
        value for frame in caught.traceback for value in frame.frame.f_locals.values()
    ]
    assert not any(isinstance(value, CompactJWS) for value in local_variables)


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_the_cache_stores_no_token(issuer: FakeIssuer) -> None:
    """Tokens are keyed by a digest; a memory dump of the verifier is of no use to a thief."""
    verifier = issuer.verifier()
    token = issuer.token()
    principal = await verifier.verify(Presented(token))
    assert await is_cached(verifier, token, principal)

    reachable = objects_reachable_from(verifier)

    assert any(value is principal for value in reachable)
    secret = token.rpartition(".")[2]
    assert not any(secret in value for value in reachable if isinstance(value, str))
    assert not any(secret.encode() in value for value in reachable if isinstance(value, bytes))


def objects_reachable_from(root: object) -> list[object]:
    """Return all objects that `root` refers to, directly or indirectly, except code."""
    found: dict[int, object] = {id(root): root}
    waiting = [root]
    while waiting:
        for value in gc.get_referents(waiting.pop()):
            code = isinstance(value, (type, ModuleType, FunctionType, CodeType))
            if not code and id(value) not in found:
                found[id(value)] = value
                waiting.append(value)
    return list(found.values())


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_a_cached_token_with_one_character_changed_is_refused(issuer: FakeIssuer) -> None:
    verifier = issuer.verifier()
    token = issuer.token()
    await verifier.verify(Presented(token))
    last = token[-6]
    changed = f"{token[:-6]}{'A' if last != 'A' else 'B'}{token[-5:]}"

    with pytest.raises(AccessTokenError):
        await verifier.verify(Presented(changed))


@pytest.mark.parametrize("refused", ["expired", "forged", "other-audience"])
async def test_a_refused_token_is_refused_each_time(issuer: FakeIssuer, refused: str) -> None:
    verifier = issuer.verifier()
    stranger = FakeIssuer(key=signing_key("ES256", number=9), clock=issuer.clock)
    token = {
        "expired": issuer.token(exp=1),
        "forged": stranger.token(),
        "other-audience": issuer.token(aud="https://other.example"),
    }[refused]

    codes = [await outcome(verifier, token) for _ in range(3)]

    assert len(set(codes)) == 1
    assert "good" not in codes


async def test_a_claim_rule_is_evaluated_for_every_request(issuer: FakeIssuer) -> None:
    """The result of a rule may change, so it is not cached."""
    answers = iter([True, False, True])

    def is_open(_: Principal) -> bool:
        return next(answers)

    verifier = issuer.verifier(rules={"open": is_open})
    token = Presented(issuer.token())

    await verifier.verify(token)
    with pytest.raises(AccessTokenError, match="rule open"):
        await verifier.verify(token)
    await verifier.verify(token)


async def refresh(published: Published) -> None:
    """Let a request start a refresh of the keys."""
    published.clock.advance(590.0)
    await published.keys.key_set()
    await run_pending_tasks()


@pytest.mark.conforms(
    "a withdrawn key is refused after the next fetch",
    "a verified token is cached until it or its key ends, as a digest, bounded",
)
async def test_a_cached_token_is_refused_after_its_key_is_withdrawn() -> None:
    published = Published()
    token = published.issuer.token(exp=int(published.clock()) + 10_000)
    await published.verify(token)
    published.rotate()
    await refresh(published)

    assert await published.verify_all([token]) == ["key_not_found"]


@pytest.mark.conforms(
    "a withdrawn key is refused after the next fetch",
    "a verified token is cached until it or its key ends, as a digest, bounded",
)
async def test_a_cached_token_is_refused_if_another_key_takes_its_key_id() -> None:
    published = Published()
    token = published.issuer.token(exp=int(published.clock()) + 10_000)
    await published.verify(token)
    published.rotate("k1", 2)
    await refresh(published)

    assert await published.verify_all([token]) == ["signature_invalid"]


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
@pytest.mark.parametrize("changes", [False, True], ids=["the same set", "a set with one more"])
async def test_a_token_stays_cached_over_a_refresh_that_keeps_its_key(changes: bool) -> None:
    published = Published()
    token = published.issuer.token(exp=int(published.clock()) + 10_000)
    principal = await published.verifier.verify(Presented(token))
    if changes:
        published.publish(signing_key("ES256", "k2", 2))
    await refresh(published)

    assert await is_cached(published.verifier, token, principal)
    assert await is_cached(published.verifier, token, principal)


@pytest.mark.conforms("a token without kid is good if exactly one key fits")
async def test_a_cached_token_without_a_key_id_is_verified_again_with_a_new_key_set() -> None:
    """It was valid because exactly one key fitted."""
    published = Published()
    claims = published.issuer.claims(exp=int(published.clock()) + 10_000)
    token = compact(published.issuer.header(kid=None), claims, published.issuer.key)
    await published.verify(token)
    published.publish(signing_key("ES256", "k2", 2))
    await refresh(published)

    assert await published.verify_all([token]) == ["key_ambiguous"]


@pytest.mark.conforms("the last good key set serves within its bound")
async def test_a_cached_token_is_not_accepted_without_keys() -> None:
    """The last good key set has expired, so the issuer may have withdrawn the key."""
    published = Published()
    token = published.issuer.token(exp=int(published.clock()) + 10_000)
    await published.verify(token)
    published.serve(DOWN)
    published.clock.advance(4200.0)

    assert await published.verify_all([token]) == ["keys_unavailable"]


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_the_cache_keeps_the_tokens_that_were_used_last(issuer: FakeIssuer) -> None:
    verifier = issuer.verifier(verified_tokens=2)
    tokens = [issuer.token(jti=name) for name in ("1", "2", "3")]
    principals = [await verifier.verify(Presented(token)) for token in tokens[:2]]
    assert await is_cached(verifier, tokens[0], principals[0])

    await verifier.verify(Presented(tokens[2]))

    assert await is_cached(verifier, tokens[0], principals[0])
    assert not await is_cached(verifier, tokens[1], principals[1])


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_the_cache_is_bounded_by_the_size_of_its_tokens(issuer: FakeIssuer) -> None:
    """All entries together stay below 64 MiB."""
    verifier = issuer.verifier(verified_tokens=1_000_000)
    tokens = [issuer.token(jti=f"{n}", groups="x" * 10_000) for n in range(1000)]
    principals = [await verifier.verify(Presented(token)) for token in tokens]

    cached = 0
    # Newest first, so that no lookup evicts a token that is looked up later.
    for token, principal in zip(reversed(tokens), reversed(principals), strict=True):
        cached += await is_cached(verifier, token, principal)

    assert 0 < cached * len(tokens[0]) < MAX_BYTES
    assert cached < len(tokens)


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_an_application_cannot_change_the_cached_claims(
    issuer: FakeIssuer,
) -> None:
    """Both requests get the same principal."""
    verifier = issuer.verifier()
    token = Presented(issuer.token(groups=["a", {"b": ["c"]}], address={"city": "Here"}))
    claims: Any = (await verifier.verify(token)).claims

    changes: list[Callable[[], object]] = [
        lambda: claims.__setitem__("sub", "eve"),
        lambda: claims.__delitem__("scope"),
        lambda: claims.__ior__({"sub": "eve"}),
        lambda: claims.update(sub="eve"),
        lambda: claims.setdefault("admin", True),
        lambda: claims.pop("scope"),
        claims.popitem,
        claims.clear,
        lambda: claims["groups"].append("admin"),
        lambda: claims["groups"][1].update(b="admin"),
        lambda: claims["groups"][1]["b"].append("admin"),
        lambda: claims["address"].update(city="There"),
    ]
    for change in changes:
        with pytest.raises((AttributeError, TypeError)):
            change()

    again: Any = (await verifier.verify(token)).claims
    assert again["groups"] == ("a", {"b": ("c",)})
    assert again["address"] == {"city": "Here"}


@pytest.mark.parametrize("value", [-1, 1_000_001, True, 2.5, "16384", None])
def test_a_cache_size_out_of_bounds_is_refused(issuer: FakeIssuer, value: Any) -> None:
    with pytest.raises(ValueError, match="verified_tokens must be 0 to 1000000"):
        JWTVerifier(
            issuer=issuer.issuer,
            audience=issuer.audience,
            keys=StaticKeys(issuer.jwks()),
            verified_tokens=value,
        )


class ChangingKeys:
    """A key source whose set the test changes."""

    def __init__(self, documents: list[Json]) -> None:
        self._sets = [KeySet.from_jwks(document) for document in documents]
        self.current: int | None = 0

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """Return the current set; fail if there is none."""
        if self.current is None:
            raise KeysUnavailable("down")
        return self._sets[self.current]


ISSUER = FakeIssuer(key=signing_key("ES256"), clock=FakeClock())
OTHER = signing_key("ES256", "k2", 2)
KEY_SETS = [
    ISSUER.jwks(),
    ISSUER.jwks(OTHER),
    {"keys": [OTHER.jwk()]},
    # Another key takes the key id: first beside the old key, then alone.
    {"keys": [OTHER.jwk(kid="k1"), ISSUER.key.jwk()]},
    {"keys": [OTHER.jwk(kid="k1")]},
    # The same key under another key id.
    {"keys": [ISSUER.key.jwk(kid="k3"), OTHER.jwk()]},
]
TOKENS = [
    ISSUER.token(),
    ISSUER.token(nbf=int(ISSUER.clock()) + 100, exp=int(ISSUER.clock()) + 200),
    ISSUER.token(exp=1),
    compact(ISSUER.header(kid=None), ISSUER.claims(), ISSUER.key),
    compact(ISSUER.header(kid="k2"), ISSUER.claims(), OTHER),
]
EVENTS = st.one_of(
    st.tuples(st.just("token"), st.sampled_from(TOKENS)),
    st.tuples(st.just("keys"), st.sampled_from([None, *range(len(KEY_SETS))])),
    st.tuples(st.just("clock"), st.sampled_from([-400.0, -50.0, 0.5, 29.5, 100.0, 600.0])),
)


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
@given(events=st.lists(EVENTS, min_size=2, max_size=30))
@settings(max_examples=300, deadline=None)
async def test_a_verifier_with_a_cache_gives_the_same_answers_as_one_without(
    events: list[tuple[str, Any]],
) -> None:
    """For every order of tokens, clock changes and key changes."""
    clock, keys = FakeClock(), ChangingKeys(KEY_SETS)
    with_cache, without_cache = (
        ISSUER.verifier(keys=keys, clock=clock, verified_tokens=number) for number in (2, 0)
    )
    for event, value in events:
        if event == "keys":
            keys.current = value
        elif event == "clock":
            clock.advance(value)
        else:
            expected = await outcome(without_cache, value)
            assert await outcome(with_cache, value) == expected


def test_threads_can_share_a_verifier(issuer: FakeIssuer) -> None:
    """With static keys; fetched keys serve one event loop."""
    verifier = issuer.verifier(verified_tokens=3)
    tokens = [issuer.token(jti=f"{number}") for number in range(9)]

    async def all_codes() -> set[str]:
        return {await outcome(verifier, token) for token in tokens * 20}

    def run_in_own_loop(_: int) -> set[str]:
        return asyncio.run(all_codes())

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(run_in_own_loop, range(4)))
    finally:
        sys.setswitchinterval(before)

    assert outcomes == [{"good"}] * 4


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
def test_a_thread_with_old_keys_cannot_restore_a_token_of_a_withdrawn_key(
    issuer: FakeIssuer,
) -> None:
    """A second thread looks up a token with the new keys, at each point of a look-up with the old
    keys."""
    old = KeySet.from_jwks(issuer.jwks())
    new = KeySet.from_jwks(FakeIssuer(key=signing_key("ES256", number=9)).jwks())
    principal = asyncio.run(issuer.verifier().verify(Presented(issuer.token())))
    header = Header.of({"alg": "ES256", "kid": old.keys[0].kid})
    instructions, instruction = 1, 0
    while instruction < instructions:
        tokens = TokenCache(2, rsa_default="RS256")
        for known in (b"one.1", b"two.2"):
            tokens.add(known, CachedToken(principal, header, old.keys[0], 0, 1e12), old)
        instructions = call_interrupted(
            partial(is_held, tokens, b"one.1", old),
            by=partial(is_held, tokens, b"two.2", new),
            at=instruction,
            module=token_cache,
            would_block=vars(tokens)["_lock"].locked,
        )
        instruction += 1

        assert not is_held(tokens, b"one.1", new), instruction
    assert instruction > 20


def is_held(tokens: TokenCache, credentials: bytes, key_set: KeySet) -> bool:
    """Return whether the cache holds a token that `key_set` verifies."""
    entry = tokens.find(credentials)
    return entry is not None and tokens.holds(entry, key_set)


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_the_cache_has_room_for_ten_thousand_common_tokens(issuer: FakeIssuer) -> None:
    """Computed from the weight that an entry of this size has."""
    token = issuer.token(scope="openid profile " + "read:contacts " * 20, aud=[issuer.audience] * 3)
    assert 700 < len(token) < 1000

    assert MAX_BYTES / (WEIGHT_PER_BYTE * len(token)) > 10_000
