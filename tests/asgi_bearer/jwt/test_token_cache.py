"""A good token that comes again is not verified again, and nothing else changes by it."""

import asyncio
import gc
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import CodeType, FrameType, FunctionType, ModuleType
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
from tests.support.fake_issuer import FakeClock, FakeIssuer, Json, compact, signing_key
from tests.support.published_keys import DOWN, Published, settled

LEEWAY = 30


async def outcome(verifier: JWTVerifier, token: str) -> str:
    """Return why `token` is refused, or `good`."""
    try:
        await verifier.verify(Presented(token))
    except AccessTokenError as err:
        return err.code
    return "good"


async def is_remembered(verifier: JWTVerifier, token: str, principal: Principal) -> bool:
    """Return whether a good token is answered with the very `principal` of before."""
    return await verifier.verify(Presented(token)) is principal


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def issuer(clock: FakeClock) -> FakeIssuer:
    return FakeIssuer(key=signing_key("ES256"), clock=clock)


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_a_good_token_that_comes_again_is_not_verified_again(issuer: FakeIssuer) -> None:
    verifier = issuer.verifier()
    token = issuer.token()

    principal = await verifier.verify(Presented(token))

    assert await is_remembered(verifier, token, principal)


async def test_with_none_to_remember_every_token_is_verified_each_time(issuer: FakeIssuer) -> None:
    verifier = issuer.verifier(verified_tokens=0)
    token = issuer.token()

    principal = await verifier.verify(Presented(token))

    assert not await is_remembered(verifier, token, principal)


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
@pytest.mark.parametrize(
    ("later", "code"),
    [
        (600 + LEEWAY - 0.5, "good"),
        (600 + LEEWAY, "token_expired"),
        (1e9, "token_expired"),
        (float("nan"), "token_expired"),
        # A clock that is set right may go back.
        (-LEEWAY, "good"),
        (-LEEWAY - 0.5, "token_not_yet_valid"),
    ],
)
async def test_a_remembered_token_is_good_as_long_as_it_says(
    issuer: FakeIssuer, clock: FakeClock, later: float, code: str
) -> None:
    verifier = issuer.verifier()
    token = issuer.token()
    await verifier.verify(Presented(token))
    clock.advance(later)

    assert await outcome(verifier, token) == code


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
@pytest.mark.parametrize(("first", "second"), [("nbf", "iat"), ("iat", "nbf")])
async def test_a_remembered_token_is_not_good_before_the_later_of_two_times(
    issuer: FakeIssuer, clock: FakeClock, first: str, second: str
) -> None:
    """A clock that is set right may go back."""
    verifier, now = issuer.verifier(), int(clock())
    token = issuer.token(**{first: now, second: now - 100})
    await verifier.verify(Presented(token))
    clock.advance(-LEEWAY - 1)

    assert await outcome(verifier, token) == "token_not_yet_valid"


async def test_what_a_refusal_by_a_rule_holds_cannot_change_what_is_remembered(
    issuer: FakeIssuer,
) -> None:
    """Its traceback has the frames of the verification, and whoever catches it can look in."""

    def never(_: Principal) -> bool:
        return False

    verifier = issuer.verifier(rules={"never": never})
    token = Presented(issuer.token())

    with pytest.raises(ClaimRuleFailed) as caught:
        await verifier.verify(token)

    held = [value for frame in caught.traceback for value in frame.frame.f_locals.values()]
    assert not any(isinstance(value, CompactJWS) for value in held)


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_no_token_is_kept(issuer: FakeIssuer) -> None:
    """It is known by a digest, and nothing that the verifier holds would serve a thief."""
    verifier = issuer.verifier()
    token = issuer.token()
    principal = await verifier.verify(Presented(token))
    assert await is_remembered(verifier, token, principal)

    kept = reachable_from(verifier)

    assert any(value is principal for value in kept)
    secret = token.rpartition(".")[2]
    assert not any(secret in value for value in kept if isinstance(value, str))
    assert not any(secret.encode() in value for value in kept if isinstance(value, bytes))


def reachable_from(root: object) -> list[object]:
    """Return all that `root` holds, directly or not, but for code."""
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
async def test_a_token_with_one_character_changed_is_another_token(issuer: FakeIssuer) -> None:
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


async def test_a_rule_is_asked_with_every_request(issuer: FakeIssuer) -> None:
    """What it says may change: it was not verified with the token."""
    answers = iter([True, False, True])

    def is_open(_: Principal) -> bool:
        return next(answers)

    verifier = issuer.verifier(rules={"open": is_open})
    token = Presented(issuer.token())

    await verifier.verify(token)
    with pytest.raises(AccessTokenError, match="rule open"):
        await verifier.verify(token)
    await verifier.verify(token)


async def refreshed(published: Published) -> None:
    """Let the keys be fetched again behind a request."""
    published.clock.advance(590.0)
    await published.keys.key_set()
    await settled()


@pytest.mark.conforms(
    "a withdrawn key is refused after the next fetch",
    "a verified token is cached until it or its key ends, as a digest, bounded",
)
async def test_a_token_leaves_with_its_key() -> None:
    published = Published()
    token = published.issuer.token(exp=int(published.clock()) + 10_000)
    await published.verify(token)
    published.rotate()
    await refreshed(published)

    assert await published.outcomes([token]) == ["key_not_found"]


@pytest.mark.conforms(
    "a withdrawn key is refused after the next fetch",
    "a verified token is cached until it or its key ends, as a digest, bounded",
)
async def test_a_token_leaves_with_its_key_though_another_takes_the_id() -> None:
    published = Published()
    token = published.issuer.token(exp=int(published.clock()) + 10_000)
    await published.verify(token)
    published.rotate("k1", 2)
    await refreshed(published)

    assert await published.outcomes([token]) == ["signature_invalid"]


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
@pytest.mark.parametrize("changes", [False, True], ids=["the same set", "a set with one more"])
async def test_a_token_whose_key_stays_is_remembered_beyond_a_refresh(changes: bool) -> None:
    published = Published()
    token = published.issuer.token(exp=int(published.clock()) + 10_000)
    principal = await published.verifier.verify(Presented(token))
    if changes:
        published.publish(signing_key("ES256", "k2", 2))
    await refreshed(published)

    assert await is_remembered(published.verifier, token, principal)
    assert await is_remembered(published.verifier, token, principal)


@pytest.mark.conforms("a token without kid is good if exactly one key fits")
async def test_a_token_that_names_no_key_is_judged_again_by_another_set() -> None:
    """It was good because one key alone could have signed it."""
    published = Published()
    claims = published.issuer.claims(exp=int(published.clock()) + 10_000)
    token = compact(published.issuer.header(kid=None), claims, published.issuer.key)
    await published.verify(token)
    published.publish(signing_key("ES256", "k2", 2))
    await refreshed(published)

    assert await published.outcomes([token]) == ["key_ambiguous"]


@pytest.mark.conforms("the last good key set serves within its bound")
async def test_a_remembered_token_is_not_judged_without_keys() -> None:
    """The last good set has ended: nobody knows whether its key is still the issuer's."""
    published = Published()
    token = published.issuer.token(exp=int(published.clock()) + 10_000)
    await published.verify(token)
    published.serve(DOWN)
    published.clock.advance(4200.0)

    assert published.verifier.recall(Presented(token).credentials) is None
    assert await published.outcomes([token]) == ["keys_unavailable"]


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_the_tokens_that_were_used_last_are_remembered(issuer: FakeIssuer) -> None:
    verifier = issuer.verifier(verified_tokens=2)
    tokens = [issuer.token(jti=name) for name in ("1", "2", "3")]
    principals = [await verifier.verify(Presented(token)) for token in tokens[:2]]
    assert await is_remembered(verifier, tokens[0], principals[0])

    await verifier.verify(Presented(tokens[2]))

    assert await is_remembered(verifier, tokens[0], principals[0])
    assert not await is_remembered(verifier, tokens[1], principals[1])


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_large_tokens_take_the_place_of_many(issuer: FakeIssuer) -> None:
    """All of them together weigh no more than 64 MiB."""
    verifier = issuer.verifier(verified_tokens=1_000_000)
    tokens = [issuer.token(jti=f"{n}", groups="x" * 10_000) for n in range(1000)]
    principals = [await verifier.verify(Presented(token)) for token in tokens]

    remembered = 0
    # From the newest on, so that none makes room for one that is asked for later.
    for token, principal in zip(reversed(tokens), reversed(principals), strict=True):
        remembered += await is_remembered(verifier, token, principal)

    assert 0 < remembered * len(tokens[0]) < MAX_BYTES
    assert remembered < len(tokens)


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_what_a_principal_says_cannot_be_changed_for_the_next_request(
    issuer: FakeIssuer,
) -> None:
    """Both requests get the same one."""
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
def test_a_number_of_tokens_out_of_bounds_is_refused(issuer: FakeIssuer, value: Any) -> None:
    with pytest.raises(ValueError, match="verified_tokens must be 0 to 1000000"):
        JWTVerifier(
            issuer=issuer.issuer,
            audience=issuer.audience,
            keys=StaticKeys(issuer.jwks()),
            verified_tokens=value,
        )


class Keys:
    """Keys that the test changes."""

    def __init__(self, documents: list[Json]) -> None:
        self._sets = [KeySet.from_jwks(document) for document in documents]
        self.current: int | None = 0

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """Return the current set, or none."""
        key_set = self.at_hand()
        if key_set is None:
            raise KeysUnavailable("down")
        return key_set

    def at_hand(self) -> KeySet | None:
        """Return the current set, if there is one."""
        return None if self.current is None else self._sets[self.current]


ISSUER = FakeIssuer(key=signing_key("ES256"), clock=FakeClock())
OTHER = signing_key("ES256", "k2", 2)
KEY_SETS = [
    ISSUER.jwks(),
    ISSUER.jwks(OTHER),
    {"keys": [OTHER.jwk()]},
    # Another key takes the id, first beside the old one and then alone.
    {"keys": [OTHER.jwk(kid="k1"), ISSUER.key.jwk()]},
    {"keys": [OTHER.jwk(kid="k1")]},
    # The key stays, and serves something else.
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
async def test_every_answer_is_the_one_of_a_verifier_that_remembers_nothing(
    events: list[tuple[str, Any]],
) -> None:
    """Whatever happens to the clock and to the keys in between."""
    clock, keys = FakeClock(), Keys(KEY_SETS)
    remembers, forgets = (
        ISSUER.verifier(keys=keys, clock=clock, verified_tokens=number) for number in (2, 0)
    )
    for event, value in events:
        if event == "keys":
            keys.current = value
        elif event == "clock":
            clock.advance(value)
        else:
            recalled = remembers.recall(Presented(value).credentials)
            judged = await outcome(forgets, value)
            assert await outcome(remembers, value) == judged
            assert recalled is None or judged == "good"


def test_threads_can_share_what_is_remembered(issuer: FakeIssuer) -> None:
    """With keys that are known from the start; fetched ones serve one event loop."""
    verifier = issuer.verifier(verified_tokens=3)
    tokens = [issuer.token(jti=f"{number}") for number in range(9)]

    async def all_of_them() -> set[str]:
        return {await outcome(verifier, token) for token in tokens * 20}

    def in_a_loop_of_its_own(_: int) -> set[str]:
        return asyncio.run(all_of_them())

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(in_a_loop_of_its_own, range(4)))
    finally:
        sys.setswitchinterval(before)

    assert outcomes == [{"good"}] * 4


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
def test_another_thread_cannot_bring_a_withdrawn_key_back(issuer: FakeIssuer) -> None:
    """A look-up with the old keys is in the middle of it when another has the new ones."""
    old = KeySet.from_jwks(issuer.jwks())
    new = KeySet.from_jwks(FakeIssuer(key=signing_key("ES256", number=9)).jwks())
    principal = asyncio.run(issuer.verifier().verify(Presented(issuer.token())))
    header = Header.of({"alg": "ES256", "kid": old.keys[0].kid})
    moments, moment = 1, 0
    while moment < moments:
        tokens = TokenCache(2, rsa_default="RS256")
        for known in (b"one", b"two"):
            tokens.add(known, CachedToken(principal, header, old.keys[0], 0, 1e12, 1), old)
        moments = interrupted(
            partial(tokens.principal, b"one", lambda: old, issuer.clock),
            by=partial(tokens.principal, b"two", lambda: new, issuer.clock),
            at=moment,
            unless=vars(tokens)["_lock"].locked,
        )
        moment += 1

        assert tokens.principal(b"one", lambda: new, issuer.clock) is None, moment
    assert moment > 20


def interrupted(
    call: Callable[[], object],
    *,
    by: Callable[[], object],
    at: int,
    unless: Callable[[], bool],
) -> int:
    """Make `call`, and `by` before the instruction number `at` of it; return how many it has.

    Arguments:
        unless: says that `by` would have to wait at that moment.
    """
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if frame.f_code.co_filename != token_cache.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            count += 1
            if count - 1 == at and not unless():
                sys.settrace(None)
                by()
                sys.settrace(trace)
        return trace

    def run() -> None:
        sys.settrace(trace)
        try:
            call()
        finally:
            sys.settrace(None)

    # In a thread of its own: the measurement of coverage has the trace of this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()
    return count


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_ten_thousand_common_tokens_have_room(issuer: FakeIssuer) -> None:
    """By the weight that their size gives them; they are not made here."""
    token = issuer.token(scope="openid profile " + "read:contacts " * 20, aud=[issuer.audience] * 3)
    assert 700 < len(token) < 1000

    assert MAX_BYTES / (WEIGHT_PER_BYTE * len(token)) > 10_000
