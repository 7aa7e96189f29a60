"""Tokens that do not verify with the cached keys: which of them cause a fetch, and when."""

import asyncio

import pytest

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import FetchFailed, Missed
from tests.support.published_keys import run_pending_tasks
from tests.support.remote_keys import Source, numbered_keys, request_keys


@pytest.mark.conforms("a rotation costs one fetch and no 401")
@pytest.mark.parametrize("unknown_kid", [True, False])
async def test_a_miss_causes_a_fetch_of_newer_keys(unknown_kid: bool) -> None:
    source = Source()
    old = await source.fetch_and_wait(1.0)
    source.answer = numbered_keys(2)

    assert await source.keys.key_set(Missed(old, unknown_kid)) == numbered_keys(2)
    assert source.fetches == 2


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_a_miss_with_a_set_that_was_replaced_causes_no_fetch() -> None:
    source = Source()
    old = await source.fetch_and_wait(1.0)
    source.answer = numbered_keys(2)
    newer = await source.keys.key_set(Missed(old, unknown_kid=True))

    for _ in range(100):
        assert await source.keys.key_set(Missed(old, unknown_kid=True)) is newer

    assert source.fetches == 2


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_a_miss_with_a_set_that_was_refreshed_causes_no_fetch() -> None:
    source = Source()
    old = await source.fetch_and_wait(90.0)
    source.answer = numbered_keys(2)
    await source.keys.key_set()
    await run_pending_tasks()

    assert await source.keys.key_set(Missed(old, unknown_kid=True)) == numbered_keys(2)
    assert source.fetches == 2


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_a_miss_with_a_set_that_was_replaced_twice_causes_no_fetch() -> None:
    """The current set has the same keys as the caller's set, but it is newer."""
    source = Source()
    seen = await source.fetch_and_wait(90.0)
    for number in (2, 1):
        source.answer = numbered_keys(number)
        await request_keys(source)
        source.clock.advance(90.0 if number == 2 else 0.0)

    answer = await source.keys.key_set(Missed(seen, unknown_kid=True))

    assert answer == seen
    assert answer is not seen
    assert source.fetches == 3


async def test_a_miss_returns_the_callers_set_if_no_newer_keys_exist() -> None:
    source = Source()
    old = await source.fetch_and_wait(1.0)

    assert await source.keys.key_set(Missed(old, unknown_kid=True)) is old


@pytest.mark.conforms("made-up key ids cost one fetch per cool-down")
@pytest.mark.parametrize(("later", "fetches"), [(0.0, 2), (9.9, 2), (10.0, 3), (79.0, 3)], ids=str)
async def test_misses_cause_one_fetch_per_cool_down(later: float, fetches: int) -> None:
    source = Source()
    old = await source.keys.key_set()
    await source.keys.key_set(Missed(old, unknown_kid=True))
    source.clock.advance(later)

    for _ in range(100):
        await source.keys.key_set(Missed(old, unknown_kid=True))

    assert source.fetches == fetches


@pytest.mark.conforms("a new key under the same kid is found")
async def test_unknown_key_ids_and_bad_signatures_have_separate_cool_downs() -> None:
    source = Source()
    old = await source.keys.key_set()
    await source.keys.key_set(Missed(old, unknown_kid=False))
    source.answer = numbered_keys(2)

    assert await source.keys.key_set(Missed(old, unknown_kid=True)) == numbered_keys(2)


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_a_miss_is_keys_unavailable_if_its_fetch_fails() -> None:
    """The issuer may have rotated its keys before it went down, even if the cached set is fresh."""
    source = Source()
    old = await source.fetch_and_wait(50.0)
    source.answer = FetchFailed("down")

    with pytest.raises(KeysUnavailable, match="down") as refused:
        await source.keys.key_set(Missed(old, unknown_kid=True))

    assert refused.value.retry_after == 1.0


async def test_after_a_failed_fetch_the_next_request_starts_a_refresh() -> None:
    """The cached set is fresh, but the failed fetch may have been for a token of a new key."""
    source = Source()
    old = await source.fetch_and_wait(50.0)
    source.answer = FetchFailed("down")
    await request_keys(source, Missed(old, unknown_kid=True))
    source.answer = numbered_keys(2)
    source.clock.advance(1.0)

    assert await source.keys.key_set() is old
    await run_pending_tasks()

    assert await source.keys.key_set() == numbered_keys(2)


@pytest.mark.conforms("made-up key ids cost one fetch per cool-down")
async def test_a_miss_with_a_stale_set_is_keys_unavailable_if_the_fetch_fails() -> None:
    source = Source()
    old = await source.fetch_and_wait(100.0)
    source.answer = FetchFailed("down")

    with pytest.raises(KeysUnavailable, match="down") as refused:
        await source.keys.key_set(Missed(old, unknown_kid=True))

    assert refused.value.retry_after == 1.0


@pytest.mark.conforms(
    "made-up key ids cost one fetch per cool-down",
    "failed fetches are repeated with a growing pause",
)
async def test_a_miss_with_a_stale_set_is_keys_unavailable_during_the_back_off() -> None:
    source = Source()
    old = await source.fetch_and_wait(100.0)
    source.answer = FetchFailed("down")
    await source.keys.key_set()
    await run_pending_tasks()

    source.clock.advance(0.75)

    for _ in range(100):
        with pytest.raises(KeysUnavailable, match="down") as refused:
            await source.keys.key_set(Missed(old, unknown_kid=True))
        assert refused.value.retry_after == pytest.approx(0.25)

    assert source.fetches == 2


async def test_a_miss_with_an_expired_set_waits_for_a_fetch() -> None:
    source = Source()
    old = await source.fetch_and_wait(500.0)
    source.answer = numbered_keys(2)

    assert await source.keys.key_set(Missed(old, unknown_kid=True)) == numbered_keys(2)


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_a_miss_joins_a_running_refresh_and_gets_its_keys() -> None:
    source = Source()
    old = await source.fetch_and_wait(90.0)
    source.answer = numbered_keys(2)
    source.pause()
    await source.keys.key_set()
    await run_pending_tasks()

    waiting = [
        asyncio.create_task(source.keys.key_set(Missed(old, unknown_kid=True))) for _ in range(200)
    ]
    await run_pending_tasks()
    source.resume()

    assert {id(key_set) for key_set in await asyncio.gather(*waiting)} == {
        id(await source.keys.key_set())
    }
    assert source.fetches == 2


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_a_miss_that_waited_for_a_refresh_is_keys_unavailable_if_its_own_fetch_fails() -> (
    None
):
    """The set was stale when the caller asked; the refresh made it fresh."""
    source = Source()
    old = await source.fetch_and_wait(100.0)
    source.pause()
    await source.keys.key_set()
    await run_pending_tasks()
    waiting = asyncio.create_task(source.keys.key_set(Missed(old, unknown_kid=True)))
    await run_pending_tasks()
    source.answer = FetchFailed("down")
    source.resume()

    with pytest.raises(KeysUnavailable, match="down"):
        await waiting
    assert source.fetches == 3


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_a_refresh_that_was_due_does_not_start_the_cool_down_of_a_miss() -> None:
    """The first miss after such a refresh may fetch at once."""
    source = Source()
    old = await source.fetch_and_wait(90.0)
    await source.keys.key_set()
    await run_pending_tasks()
    source.answer = numbered_keys(2)

    assert await source.keys.key_set(Missed(old, unknown_kid=True)) == numbered_keys(2)
    assert source.fetches == 3


@pytest.mark.conforms("made-up key ids cost one fetch per cool-down")
async def test_a_failed_fetch_does_not_start_the_cool_down() -> None:
    """Its back-off is shorter than a cool-down."""
    source = Source()
    old = await source.keys.key_set()
    source.answer = FetchFailed("down")
    await request_keys(source, Missed(old, unknown_kid=True))
    source.answer = numbered_keys(2)
    source.clock.advance(1.0)

    assert await source.keys.key_set(Missed(old, unknown_kid=True)) == numbered_keys(2)


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_no_miss_causes_a_fetch_during_the_back_off() -> None:
    source = Source()
    old = await source.keys.key_set()
    source.answer = FetchFailed("down")
    await request_keys(source, Missed(old, unknown_kid=True))
    source.clock.advance(0.5)

    for unknown_kid in (True, False):
        with pytest.raises(KeysUnavailable, match="down") as refused:
            await source.keys.key_set(Missed(old, unknown_kid))
        assert refused.value.retry_after == 0.5

    assert source.fetches == 2


@pytest.mark.conforms("made-up key ids cost one fetch per cool-down")
async def test_a_miss_is_keys_unavailable_if_the_set_goes_stale_during_a_failing_fetch() -> None:
    source = Source()
    old = await source.fetch_and_wait(50.0)
    source.answer = FetchFailed("down")
    source.pause()
    waiting = asyncio.create_task(source.keys.key_set(Missed(old, unknown_kid=True)))
    await run_pending_tasks()
    source.clock.advance(50.0)
    source.resume()

    with pytest.raises(KeysUnavailable, match="down"):
        await waiting


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_a_miss_may_fetch_if_its_cool_down_ends_while_it_waits_for_a_refresh() -> None:
    source = Source()
    source.lifetime = 10.0
    old = await source.keys.key_set()
    await source.keys.key_set(Missed(old, unknown_kid=True))
    source.pause()
    source.clock.advance(8.0)
    await source.keys.key_set()  # This starts a refresh.
    await run_pending_tasks()
    waiting = asyncio.create_task(source.keys.key_set(Missed(old, unknown_kid=True)))
    await run_pending_tasks()
    source.answer = numbered_keys(2)
    source.clock.advance(2.0)
    source.resume()

    assert await waiting == numbered_keys(2)


@pytest.mark.conforms("made-up key ids cost one fetch per cool-down")
async def test_an_issuer_that_fails_every_second_time_gets_one_more_fetch_per_cool_down() -> None:
    """The failed fetch starts the cool-down as well; only one retry follows it."""
    source = Source()
    source.lifetime = 86_400.0
    old = await source.keys.key_set()
    for _ in range(1000):
        failing = source.fetches % 2 == 1
        source.answer = FetchFailed("down") if failing else numbered_keys(1)
        await request_keys(source)
        await request_keys(source, Missed(old, unknown_kid=True))
        source.clock.advance(0.1)

    assert source.fetches <= 1 + 2 * 10


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_discovery_runs_again_if_a_fetch_did_not_find_the_key() -> None:
    """The issuer's metadata may name a new jwks_uri while the old URL still serves old keys."""
    source = Source()
    old = await source.keys.key_set()
    for unknown_kid in (False, True, True):
        await source.keys.key_set(Missed(old, unknown_kid))
        source.clock.advance(10.0)
    source.answer = numbered_keys(2)
    await source.keys.key_set(Missed(old, unknown_kid=True))
    source.clock.advance(90.0)
    await request_keys(source)

    assert source.rediscover_flags == [False, False, False, True, True, False]
