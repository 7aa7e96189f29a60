"""When keys are fetched and how long they serve, with a fake clock."""

import asyncio
import logging

import pytest

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import FetchFailed
from tests.support.published_keys import run_pending_tasks
from tests.support.remote_keys import Source, numbered_keys


async def test_no_keys_are_fetched_before_the_first_request() -> None:
    source = Source()

    assert (source.keys.status().state, source.keys.status().age) == ("never", None)
    assert source.fetches == 0


async def test_the_first_request_waits_for_the_fetch() -> None:
    source = Source()

    assert await source.keys.key_set() == numbered_keys(1)
    assert source.fetches == 1


@pytest.mark.parametrize(
    ("age", "state", "fetches"),
    [
        (0.0, "fresh", 1),
        (79.9, "fresh", 1),
        (80.0, "fresh", 2),
        (99.9, "fresh", 2),
        (100.0, "stale", 2),
        (499.9, "stale", 2),
    ],
)
async def test_a_request_gets_cached_keys_at_once_while_a_refresh_runs(
    age: float, state: str, fetches: int
) -> None:
    source = Source()
    old = await source.fetch_and_wait(age)
    source.answer = numbered_keys(2)

    assert source.keys.status().state == state
    assert source.keys.status().age == pytest.approx(age)
    assert await source.keys.key_set() is old
    await run_pending_tasks()

    assert source.fetches == fetches
    assert await source.keys.key_set() == numbered_keys(fetches)


@pytest.mark.parametrize("age", [500.0, 1e6])
async def test_a_request_waits_for_a_fetch_if_the_cached_keys_have_expired(age: float) -> None:
    source = Source()
    await source.fetch_and_wait(age)
    source.answer = numbered_keys(2)

    assert source.keys.status().state == "expired"
    assert await source.keys.key_set() == numbered_keys(2)
    assert (source.keys.status().state, source.keys.status().age) == ("fresh", 0.0)


async def test_a_thousand_requests_with_old_keys_cause_one_fetch() -> None:
    source = Source()
    await source.fetch_and_wait(90.0)

    for _ in range(1000):
        await source.keys.key_set()
    await run_pending_tasks()

    assert source.fetches == 2


async def test_a_refresh_with_the_same_keys_keeps_the_object_and_resets_its_age() -> None:
    source = Source()
    old = await source.fetch_and_wait(90.0)
    source.answer = numbered_keys(1)

    await source.keys.key_set()
    await run_pending_tasks()

    assert await source.keys.key_set() is old
    assert source.keys.status().age == 0.0


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_failed_fetches_are_repeated_with_a_growing_back_off() -> None:
    source = Source()
    source.answer = FetchFailed("down")
    pauses: list[float] = []

    for _ in range(8):
        with pytest.raises(KeysUnavailable) as refused:
            await source.keys.key_set()
        pauses.append(refused.value.retry_after)
        source.clock.advance(refused.value.retry_after)

    assert pauses == [1, 2, 4, 8, 16, 32, 48, 48]
    assert source.fetches == 8


async def test_during_the_back_off_the_error_says_how_much_of_it_is_left() -> None:
    source = Source()
    source.answer = FetchFailed("down")
    with pytest.raises(KeysUnavailable):
        await source.keys.key_set()
    source.clock.advance(0.75)

    with pytest.raises(KeysUnavailable, match="down") as refused:
        await source.keys.key_set()

    assert refused.value.retry_after == pytest.approx(0.25)
    assert source.fetches == 1


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_the_first_fetch_after_the_back_off_recovers() -> None:
    source = Source()
    source.answer = FetchFailed("down")
    with pytest.raises(KeysUnavailable):
        await source.keys.key_set()
    source.answer = numbered_keys(1)
    source.clock.advance(1.0)

    assert await source.keys.key_set() == numbered_keys(1)


FAULTS: list[tuple[Exception, str]] = [
    (FetchFailed("no answer"), "no answer"),
    (RuntimeError("Bearer s3cret"), "RuntimeError"),
    (MemoryError("s3cret"), "MemoryError"),
]


@pytest.mark.conforms("a nonsense answer does not replace a good key set")
@pytest.mark.parametrize(("fault", "words"), FAULTS, ids=["ours", "unknown", "memory"])
async def test_any_failure_keeps_the_cached_keys_and_logs_no_foreign_message(
    fault: Exception, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source()
    old = await source.fetch_and_wait(90.0)
    source.answer = fault

    with caplog.at_level(logging.INFO, "asgi_bearer"):
        await source.keys.key_set()
        await run_pending_tasks()

    assert await source.keys.key_set() is old
    assert caplog.messages == [
        f"keys not fetched, usable for another 410 s, next attempt in 1 s: {words}"
    ]


async def test_fetched_keys_are_logged_once_per_change(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Source()

    with caplog.at_level(logging.INFO, "asgi_bearer"):
        for _ in range(3):
            await source.fetch_and_wait(90.0)
            await run_pending_tasks()

    assert caplog.messages == ["keys fetched", "key added: kid 'k1'"]


async def test_a_source_can_be_used_again_after_it_was_closed() -> None:
    source = Source()
    old = await source.fetch_and_wait(90.0)

    await source.keys.aclose()

    assert await source.keys.key_set() is old
    await source.keys.aclose()


@pytest.mark.parametrize(("chance", "due"), [(0.0, 80.0), (0.5, 77.5), (1.0, 75.0)])
async def test_a_refresh_is_due_after_75_to_80_percent_of_the_lifetime(
    chance: float, due: float
) -> None:
    source = Source()
    source.chance = chance
    await source.fetch_and_wait(due - 0.5)
    await source.keys.key_set()
    await run_pending_tasks()
    before = source.fetches
    source.clock.advance(0.5)
    await source.keys.key_set()
    await run_pending_tasks()

    assert (before, source.fetches) == (1, 2)


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
@pytest.mark.parametrize(
    ("lifetime", "age", "state"),
    [
        (60.0, 47.5, "fresh"),
        (60.0, 48.0, "due"),
        (60.0, 60.0, "stale"),
        (60.0, 459.5, "stale"),
        (60.0, 460.0, "expired"),
        (86_400.0, 69_119.0, "fresh"),
        (86_400.0, 69_120.0, "due"),
        (86_400.0, 86_400.0, "stale"),
        (86_400.0, 86_799.5, "stale"),
        (86_400.0, 86_800.0, "expired"),
    ],
)
async def test_each_fetch_sets_a_new_lifetime(lifetime: float, age: float, state: str) -> None:
    """The set before had a lifetime of 100 s."""
    source = Source()
    await source.fetch_and_wait(90.0)
    source.lifetime = lifetime
    await source.keys.key_set()
    await run_pending_tasks()
    source.clock.advance(age)

    status = source.keys.status()

    due = status.state == "fresh" and status.next_attempt == 0
    assert ("due" if due else status.state) == state


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_jitter_makes_a_back_off_longer_by_a_quarter_at_most() -> None:
    source = Source()
    source.chance = 1.0
    source.answer = FetchFailed("down")
    pauses: list[float] = []

    for _ in range(8):
        with pytest.raises(KeysUnavailable) as refused:
            await source.keys.key_set()
        pauses.append(refused.value.retry_after)
        source.clock.advance(refused.value.retry_after)

    assert pauses == [1.25, 2.5, 5, 10, 20, 40, 60, 60]


async def test_warming_starts_one_fetch_in_the_background() -> None:
    source = Source()
    source.pause()

    source.keys.warm()
    source.keys.warm()
    await run_pending_tasks()

    assert source.fetches == 1
    assert source.keys.status().state == "never"
    source.resume()
    await run_pending_tasks()
    assert source.keys.status().state == "fresh"


@pytest.mark.parametrize(
    ("age", "fetches"), [(0.0, 1), (79.5, 1), (80.0, 2), (100.0, 2), (500.0, 2)]
)
async def test_warming_fetches_only_if_a_refresh_is_due(age: float, fetches: int) -> None:
    source = Source()
    await source.fetch_and_wait(age)

    source.keys.warm()
    await run_pending_tasks()

    assert source.fetches == fetches


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
@pytest.mark.parametrize(("later", "fetches"), [(0.0, 1), (0.5, 1), (1.0, 2)])
async def test_warming_respects_the_back_off(later: float, fetches: int) -> None:
    source = Source()
    source.answer = FetchFailed("down")
    source.keys.warm()
    await run_pending_tasks()
    source.clock.advance(later)

    source.keys.warm()
    await run_pending_tasks()

    assert source.fetches == fetches


def test_warming_without_an_event_loop_fails_and_the_source_still_works() -> None:
    source = Source()

    with pytest.raises(RuntimeError, match="no asyncio event loop"):
        source.keys.warm()

    assert asyncio.run(source.keys.key_set()) == numbered_keys(1)
