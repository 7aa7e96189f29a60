"""Tokens that do not verify with the keys that are held: which of them cause a fetch, and when."""

import asyncio

import pytest

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import FetchFailed, Missed
from tests.support.published_keys import run_pending_tasks
from tests.support.remote_keys import Source, numbered_keys, request_keys


@pytest.mark.conforms("a rotation costs one fetch and no 401")
@pytest.mark.parametrize("unknown_kid", [True, False])
async def test_a_caller_that_missed_gets_newer_keys(unknown_kid: bool) -> None:
    source = Source()
    old = await source.fetch_and_wait(1.0)
    source.answer = numbered_keys(2)

    assert await source.keys.key_set(Missed(old, unknown_kid)) == numbered_keys(2)
    assert source.fetches == 2


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_a_caller_that_missed_with_a_set_since_replaced_causes_no_fetch() -> None:
    source = Source()
    old = await source.fetch_and_wait(1.0)
    source.answer = numbered_keys(2)
    newer = await source.keys.key_set(Missed(old, unknown_kid=True))

    for _ in range(100):
        assert await source.keys.key_set(Missed(old, unknown_kid=True)) is newer

    assert source.fetches == 2


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_a_caller_that_missed_with_a_set_refreshed_since_causes_no_fetch() -> None:
    source = Source()
    old = await source.fetch_and_wait(90.0)
    source.answer = numbered_keys(2)
    await source.keys.key_set()
    await run_pending_tasks()

    assert await source.keys.key_set(Missed(old, unknown_kid=True)) == numbered_keys(2)
    assert source.fetches == 2


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_a_caller_that_missed_with_a_set_that_left_and_came_back_causes_no_fetch() -> None:
    """It is another set, though the keys are those that the caller saw."""
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


async def test_the_very_set_that_was_seen_says_that_there_are_no_newer_keys() -> None:
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
async def test_the_two_kinds_of_miss_do_not_use_up_each_others_fetch() -> None:
    source = Source()
    old = await source.keys.key_set()
    await source.keys.key_set(Missed(old, unknown_kid=False))
    source.answer = numbered_keys(2)

    assert await source.keys.key_set(Missed(old, unknown_kid=True)) == numbered_keys(2)


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_a_miss_is_not_judged_if_its_fetch_fails_however_fresh_the_set_is() -> None:
    """The issuer may have rotated and gone down since."""
    source = Source()
    old = await source.fetch_and_wait(50.0)
    source.answer = FetchFailed("down")

    with pytest.raises(KeysUnavailable, match="down") as refused:
        await source.keys.key_set(Missed(old, unknown_kid=True))

    assert refused.value.retry_after == 1.0


async def test_after_a_failure_keys_are_fetched_again_behind_the_next_request_of_anybody() -> None:
    """A fresh set is not due; but what made the failure may have been a token of a new key."""
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
async def test_a_miss_with_a_stale_set_is_not_judged_if_the_fetch_fails() -> None:
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
async def test_a_miss_with_a_stale_set_is_not_judged_during_a_pause() -> None:
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


async def test_a_miss_with_a_set_that_expired_meanwhile_waits_for_another() -> None:
    source = Source()
    old = await source.fetch_and_wait(500.0)
    source.answer = numbered_keys(2)

    assert await source.keys.key_set(Missed(old, unknown_kid=True)) == numbered_keys(2)


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_a_miss_joins_the_refresh_that_is_under_way_and_takes_what_it_brings() -> None:
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
async def test_a_miss_that_waited_for_a_refresh_is_not_judged_if_its_own_fetch_fails() -> None:
    """The set was stale when the caller came; the refresh made it fresh."""
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
async def test_the_fetch_that_a_miss_waits_for_does_not_count_for_its_window_if_it_was_due() -> (
    None
):
    """The first miss after any other fetch is free."""
    source = Source()
    old = await source.fetch_and_wait(90.0)
    await source.keys.key_set()
    await run_pending_tasks()
    source.answer = numbered_keys(2)

    assert await source.keys.key_set(Missed(old, unknown_kid=True)) == numbered_keys(2)
    assert source.fetches == 3


@pytest.mark.conforms("made-up key ids cost one fetch per cool-down")
async def test_a_failed_fetch_uses_up_no_window() -> None:
    """Its own pause is shorter than a window."""
    source = Source()
    old = await source.keys.key_set()
    source.answer = FetchFailed("down")
    await request_keys(source, Missed(old, unknown_kid=True))
    source.answer = numbered_keys(2)
    source.clock.advance(1.0)

    assert await source.keys.key_set(Missed(old, unknown_kid=True)) == numbered_keys(2)


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_after_a_failure_no_miss_causes_a_fetch_before_the_pause_is_over() -> None:
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
async def test_a_set_that_goes_stale_while_its_callers_wait_refuses_nobody() -> None:
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
async def test_a_window_that_ends_while_a_caller_waits_for_a_refresh_is_free_for_it() -> None:
    source = Source()
    source.lifetime = 10.0
    old = await source.keys.key_set()
    await source.keys.key_set(Missed(old, unknown_kid=True))
    source.pause()
    source.clock.advance(8.0)
    await source.keys.key_set()  # Starts the refresh behind it.
    await run_pending_tasks()
    waiting = asyncio.create_task(source.keys.key_set(Missed(old, unknown_kid=True)))
    await run_pending_tasks()
    source.answer = numbered_keys(2)
    source.clock.advance(2.0)
    source.resume()

    assert await waiting == numbered_keys(2)


@pytest.mark.conforms("made-up key ids cost one fetch per cool-down")
async def test_an_issuer_that_fails_every_second_time_has_one_fetch_more_per_cool_down() -> None:
    """The failure begins the window as well, and what follows it is the only retry."""
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
async def test_a_key_that_a_fetch_did_not_find_is_looked_for_at_another_address() -> None:
    """The issuer's metadata may say so by now, and the old address serve old keys."""
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
