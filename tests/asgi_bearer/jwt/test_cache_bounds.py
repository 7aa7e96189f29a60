"""What the cache of verified tokens evicts, and that its size stays within its bounds."""

import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asgi_bearer import Principal
from asgi_bearer.jose.jws import Header
from asgi_bearer.jwt import token_cache
from asgi_bearer.jwt.token_cache import MAX_BYTES, CachedToken, TokenCache
from asgi_bearer.keys import KeySet
from asgi_bearer.testing import FakeIssuer, signing_key
from tests.asgi_bearer.jwt.interruption import call_interrupted

MOST_SPARED = 8
"""Entries that one eviction spares."""

KEY_SET = KeySet.from_jwks(FakeIssuer(key=signing_key("ES256")).jwks())
PRINCIPAL = Principal("https://issuer.example/", "alice", None, frozenset(), 1e12, {})
HEADER = Header.of({"alg": "ES256", "kid": "k1"})

pytestmark = pytest.mark.conforms(
    "a verified token is cached until it or its key ends, as a digest, bounded"
)


def credentials_of(name: object, *, size: int = 0, variant: int = 0) -> bytes:
    """Return credentials with the signature `name` behind a signing input of about `size` bytes."""
    return f"Bearer {variant}{'x' * size}.payload.{name}".encode()


def new_entry() -> CachedToken:
    return CachedToken(PRINCIPAL, HEADER, KEY_SET.keys[0], 0.0, 1e12)


def filled(max_entries: int, count: int | None = None) -> TokenCache:
    """Return a cache with the tokens 1 to `count`, by default as many as it may hold."""
    tokens = TokenCache(max_entries, rsa_default="RS256")
    for name in range(1, (count or max_entries) + 1):
        tokens.add(credentials_of(name), new_entry(), KEY_SET)
    return tokens


def size_of(tokens: TokenCache) -> int:
    """Return the number of entries; fail if the dictionary and the queue differ."""
    entries, queue = vars(tokens)["_entries"], vars(tokens)["_queue"]
    assert dict(queue.items()) == entries
    assert queue.currsize == sum(queue.getsizeof(one) for one in entries.values()) <= MAX_BYTES
    return len(entries)


def held(tokens: TokenCache, names: range) -> list[int]:
    """Return which of the tokens are in the cache, without using them."""
    digests = vars(tokens)["_entries"]
    return [name for name in names if sha256(f"{name}".encode()).digest() in digests]


def use(tokens: TokenCache, *names: int) -> None:
    """Find these tokens, which must be in the cache."""
    for name in names:
        assert tokens.find(credentials_of(name)) is not None


def add(tokens: TokenCache, name: int) -> None:
    tokens.add(credentials_of(name), new_entry(), KEY_SET)


def test_an_unused_token_is_evicted_before_a_used_one() -> None:
    tokens = filled(4)
    use(tokens, 1, 2, 4)

    add(tokens, 5)

    assert held(tokens, range(1, 6)) == [1, 2, 4, 5]


def test_the_oldest_of_the_unused_tokens_is_evicted_first() -> None:
    tokens = filled(4)

    for name in (5, 6, 7):
        add(tokens, name)

    assert held(tokens, range(1, 8)) == [4, 5, 6, 7]


def test_a_used_token_is_spared_once_for_all_its_uses() -> None:
    """One use more spares it again."""
    tokens = filled(2)
    use(tokens, *[1] * 50)

    add(tokens, 3)
    assert held(tokens, range(1, 4)) == [1, 3]
    add(tokens, 4)
    assert held(tokens, range(1, 5)) == [3, 4]
    use(tokens, 3, 4)
    add(tokens, 5)
    assert len(held(tokens, range(1, 6))) == 2


def test_a_token_that_is_used_between_all_evictions_stays() -> None:
    tokens = filled(3)

    for name in range(10, 200):
        use(tokens, 1)
        add(tokens, name)

    assert held(tokens, range(10)) == [1]


def test_an_eviction_spares_at_most_eight_tokens() -> None:
    """Then the next one is evicted, although it was used; the spared ones come last."""
    tokens = filled(20)
    use(tokens, *range(1, 21))

    add(tokens, 21)
    assert held(tokens, range(22)) == [*range(1, 9), *range(10, 22)]
    add(tokens, 22)
    assert held(tokens, range(23)) == [*range(1, 9), *range(10, 18), *range(19, 23)]
    assert MOST_SPARED == 8


def instructions_to_add(max_entries: int) -> int:
    """Return how many instructions it takes to add a token to a cache of used tokens."""
    tokens = filled(max_entries)
    use(tokens, *range(1, max_entries + 1))
    call = partial(tokens.add, credentials_of(0), new_entry(), KEY_SET)
    return call_interrupted(call, by=bool, at=-1, module=token_cache)


def test_an_eviction_is_as_short_in_a_large_cache_as_in_a_small_one() -> None:
    few, many = instructions_to_add(MOST_SPARED + 2), instructions_to_add(3000)

    assert 0 < many <= few


@pytest.mark.parametrize("max_entries", [*range(1, 24), 100, 999, 1000, 4096, 8192])
def test_the_cache_holds_as_many_tokens_as_it_may_and_no_more(max_entries: int) -> None:
    tokens = filled(max_entries)
    assert size_of(tokens) == max_entries
    use(tokens, *range(1, max_entries + 1, 3))

    for name in range(-30, 0):
        add(tokens, name)
        assert len(vars(tokens)["_entries"]) <= max_entries
        use(tokens, name)

    assert size_of(tokens) == max_entries


@pytest.mark.parametrize("max_entries", [8_283, 10_000, 12_000])
def test_a_large_cache_of_small_tokens_holds_as_many_as_it_may_and_no_more(
    max_entries: int,
) -> None:
    """The least weight of an entry is a whole number of bytes."""
    tokens = TokenCache(max_entries, rsa_default="RS256")

    for name in range(max_entries + 100):
        add(tokens, name)

    assert size_of(tokens) == max_entries


def test_large_tokens_evict_as_many_others_as_they_need_room() -> None:
    tokens = TokenCache(100_000, rsa_default="RS256")
    for name in range(1000):
        tokens.add(credentials_of(name, size=5_000), new_entry(), KEY_SET)
    assert size_of(tokens) == 1000
    before = vars(tokens)["_queue"].currsize

    for name in range(1000, 1400):
        tokens.add(credentials_of(name, size=60_000), new_entry(), KEY_SET)
        assert tokens.find(credentials_of(name, size=60_000)) is not None

    assert 100 < size_of(tokens) < 200
    assert before < vars(tokens)["_queue"].currsize <= MAX_BYTES


LARGE = MAX_BYTES // token_cache.WEIGHT_PER_BYTE
SIZES = [0, 10, LARGE // 5, LARGE // 3, LARGE // 2, LARGE - 100]
"""Sizes of signing inputs; the cache of the property is nearly filled by one of the largest."""

STEPS = st.tuples(
    st.sampled_from(["add", "add", "add", "find", "find", "remove"]),
    st.integers(0, 9),
    st.sampled_from(SIZES[:2] * 4 + SIZES),
)


# A token that takes the place of its own entry, for which that entry is evicted first.
REPLACED = [("add", 0, LARGE // 3), ("add", 1, LARGE // 3), ("add", 0, LARGE - 100)]


@example(max_entries=100, steps=REPLACED)
@given(max_entries=st.sampled_from([1, 2, 3, 5, 8, 100]), steps=st.lists(STEPS, max_size=60))
@settings(max_examples=200)
def test_the_dictionary_and_the_queue_agree_after_each_step(
    max_entries: int, steps: list[tuple[str, int, int]]
) -> None:
    """And what is found is always what was stored last for these credentials."""
    tokens = TokenCache(max_entries, rsa_default="RS256")
    stored: dict[int, tuple[int, CachedToken]] = {}
    texts = {(name, size): credentials_of(name, size=size) for _, name, size in steps}
    for step, name, size in steps:
        credentials = texts[name, size]
        if step == "add":
            stored[name] = size, new_entry()
            tokens.add(credentials, stored[name][1], KEY_SET)
            assert tokens.find(credentials) is stored[name][1]
        elif step == "remove":
            tokens.remove(credentials)
            stored.pop(name, None)
            assert tokens.find(credentials) is None
        elif (found := tokens.find(credentials)) is not None:
            assert (size, found) == stored[name]
        assert size_of(tokens) <= min(max_entries, len(stored))


def test_the_dictionary_and_the_queue_agree_after_thousands_of_steps() -> None:
    chosen, tokens = random.Random(13), TokenCache(50, rsa_default="RS256")  # noqa: S311
    for _ in range(20_000):
        random_step(tokens, chosen)
        assert len(vars(tokens)["_entries"]) == len(vars(tokens)["_queue"]) <= 50

    assert size_of(tokens) > 20


def random_step(tokens: TokenCache, chosen: random.Random) -> None:
    """Add, find or remove one of a hundred tokens."""
    credentials = credentials_of(chosen.randrange(100), variant=chosen.randrange(2))
    kind = chosen.randrange(10)
    if kind < 4:
        tokens.add(credentials, new_entry(), KEY_SET)
    elif kind < 9:
        found = tokens.find(credentials)
        assert found is None or credentials.startswith(found.signed)
    else:
        tokens.remove(credentials)


def test_threads_can_add_find_and_remove_tokens_at_once() -> None:
    tokens, before = TokenCache(20, rsa_default="RS256"), sys.getswitchinterval()

    def run(seed: int) -> int:
        chosen, most = random.Random(seed), 0  # noqa: S311
        for _ in range(3_000):
            random_step(tokens, chosen)
            most = max(most, len(vars(tokens)["_entries"]))
        return most

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            most = list(pool.map(run, range(4)))
    finally:
        sys.setswitchinterval(before)

    assert 10 < size_of(tokens) <= 20
    assert max(most) <= 20


def changes(tokens: TokenCache) -> dict[str, Callable[[], object]]:
    """Return everything that changes the cache or an entry, for token 2 and a new one."""
    return {
        "add new": partial(tokens.add, credentials_of(9), new_entry(), KEY_SET),
        "add again": partial(tokens.add, credentials_of(2), new_entry(), KEY_SET),
        "add larger": partial(tokens.add, credentials_of(2, size=90), new_entry(), KEY_SET),
        "remove": partial(tokens.remove, credentials_of(2)),
        "find": partial(tokens.find, credentials_of(2)),
    }


@pytest.mark.parametrize("second", changes(TokenCache(1, rsa_default="")))
@pytest.mark.parametrize("first", changes(TokenCache(1, rsa_default="")))
def test_the_dictionary_and_the_queue_agree_if_a_thread_interrupts_another(
    first: str, second: str
) -> None:
    """At every instruction at which the other thread would not wait for the lock."""
    at, instructions = 0, 1
    calls: list[None] = []
    while at < instructions:
        tokens = filled(3)
        use(tokens, 1)
        instructions = call_interrupted(
            changes(tokens)[first],
            by=partial(call_and_count, changes(tokens)[second], calls),
            at=at,
            module=token_cache,
            would_block=vars(tokens)["_lock"].locked,
        )
        at += 1

        assert 1 <= size_of(tokens) <= 3
    assert len(calls) > 10


def call_and_count(call: Callable[[], object], calls: list[None]) -> None:
    calls.append(None)
    call()
