"""The status of a key source: correct at each moment, and read without side effects."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import get_args

import pytest

from asgi_bearer.keys import FetchFailed, KeySetStatus, Missed
from asgi_bearer.keys.events import EventKind, KeySetState
from tests.support.published_keys import run_pending_tasks
from tests.support.remote_keys import Source, numbered_keys, request_keys

NOTHING: Mapping[EventKind, int] = dict.fromkeys(get_args(EventKind), 0)
FETCHED: Mapping[EventKind, int] = {**NOTHING, "fetched": 1, "key_added": 1}


def test_before_the_first_fetch_the_state_is_never() -> None:
    assert Source().keys.status() == KeySetStatus("never", None, 0.0, None, 0.0, NOTHING)


@pytest.mark.parametrize(
    ("age", "state", "serves", "next_attempt"),
    [
        (0.0, "fresh", 500.0, 80.0),
        (79.5, "fresh", 420.5, 0.5),
        (80.0, "fresh", 420.0, 0.0),
        (99.5, "fresh", 400.5, 0.0),
        (100.0, "stale", 400.0, 0.0),
        (499.5, "stale", 0.5, 0.0),
        (500.0, "expired", 0.0, 0.0),
        (1e6, "expired", 0.0, 0.0),
    ],
)
async def test_the_status_changes_as_time_passes(
    age: float, state: KeySetState, serves: float, next_attempt: float
) -> None:
    source = Source()
    await source.fetch_and_wait(age)

    assert source.keys.status() == KeySetStatus(state, age, serves, None, next_attempt, FETCHED)


@pytest.mark.parametrize(
    ("age", "state", "serves"),
    [
        (80.0, "refreshing", 420.0),
        (99.5, "refreshing", 400.5),
        (100.0, "stale", 400.0),
        (500.0, "expired", 0.0),
    ],
)
async def test_during_a_refresh_the_state_is_refreshing_unless_the_keys_are_stale_or_expired(
    age: float, state: KeySetState, serves: float
) -> None:
    source = Source()
    await source.fetch_and_wait(age)
    source.pause()
    source.keys.warm()
    await run_pending_tasks()

    assert source.keys.status() == KeySetStatus(state, age, serves, None, 0.0, FETCHED)
    source.resume()
    await run_pending_tasks()
    assert source.keys.status().state == "fresh"


async def test_during_a_fetch_for_a_miss_the_state_is_refreshing() -> None:
    source = Source()
    old = await source.keys.key_set()
    source.pause()
    waiting = asyncio.create_task(source.keys.key_set(Missed(old, unknown_kid=True)))
    await run_pending_tasks()

    assert source.keys.status() == KeySetStatus("refreshing", 0.0, 500.0, None, 0.0, FETCHED)
    source.resume()
    await waiting


async def test_during_the_first_fetch_the_state_is_never() -> None:
    source = Source()
    source.pause()
    source.keys.warm()
    await run_pending_tasks()

    assert source.keys.status() == KeySetStatus("never", None, 0.0, None, 0.0, NOTHING)
    await source.keys.aclose()


@pytest.mark.parametrize(
    ("age", "state", "serves"),
    [
        (80.0, "fresh", 420.0),
        (100.0, "stale", 400.0),
        (500.0, "expired", 0.0),
    ],
)
async def test_after_a_failed_fetch_the_status_has_the_fault_and_the_time_of_the_next_fetch(
    age: float, state: KeySetState, serves: float
) -> None:
    source = Source()
    await source.fetch_and_wait(age)
    source.answer = FetchFailed("down")
    await request_keys(source)
    source.clock.advance(0.25)

    status = source.keys.status()

    assert (status.state, status.fault, status.next_attempt) == (state, "down", 0.75)
    assert (status.age, status.serves) == (age + 0.25, max(serves - 0.25, 0.0))
    assert status.counts["failed"] == 1


async def test_a_failed_first_fetch_is_in_the_status() -> None:
    source = Source()
    source.answer = FetchFailed("down")
    await request_keys(source)

    assert source.keys.status() == KeySetStatus(
        "never", None, 0.0, "down", 1.0, {**NOTHING, "failed": 1}
    )


async def test_a_successful_fetch_clears_the_fault() -> None:
    source = Source()
    source.answer = FetchFailed("down")
    await request_keys(source)
    source.clock.advance(1.0)
    source.answer = numbered_keys(1)
    await request_keys(source)

    assert source.keys.status() == KeySetStatus(
        "fresh", 0.0, 500.0, None, 80.0, {**FETCHED, "failed": 1}
    )


async def test_closing_is_not_a_fault() -> None:
    source = Source()
    await source.fetch_and_wait(90.0)
    source.pause()
    await source.keys.key_set()
    await run_pending_tasks()

    await source.keys.aclose()

    assert source.keys.status() == KeySetStatus("fresh", 90.0, 410.0, None, 0.0, FETCHED)
    assert source.event_kinds == ["fetched", "key_added"]


def test_the_status_can_be_read_without_an_event_loop() -> None:
    source = Source()
    asyncio.run(source.fetch_and_wait(90.0))

    assert source.keys.status() == KeySetStatus("fresh", 90.0, 410.0, None, 0.0, FETCHED)


def test_a_fetch_of_an_event_loop_that_ended_is_not_in_the_status() -> None:
    source = Source()

    async def begin() -> None:
        await source.fetch_and_wait(90.0)
        source.pause()
        await source.keys.key_set()
        await run_pending_tasks()
        assert source.keys.status().state == "refreshing"

    async def later() -> KeySetStatus:
        return source.keys.status()

    ended_loop = asyncio.new_event_loop()
    ended_loop.run_until_complete(begin())

    assert source.keys.status().state == "fresh"
    assert asyncio.run(later()).state == "fresh"

    ended_loop.run_until_complete(source.keys.aclose())
    ended_loop.close()


async def test_the_counts_of_a_status_do_not_change_later() -> None:
    source = Source()
    await source.fetch_and_wait(90.0)
    before = source.keys.status()

    await request_keys(source)

    assert before.counts == FETCHED
    assert source.keys.status().counts == {**FETCHED, "unchanged": 1}
    assert isinstance(before.counts, MappingProxyType)


async def test_after_a_failed_fetch_for_a_miss_the_status_has_the_back_off() -> None:
    """The next request of any client starts a fetch, even if the keys are not due."""
    source = Source()
    old = await source.keys.key_set()
    source.answer = FetchFailed("down")
    await request_keys(source, Missed(old, unknown_kid=True))

    event, status = source.events[-1]

    assert (event.kind, status.next_attempt) == ("failed", 1.0)
    assert source.keys.status() == status


async def test_another_thread_sees_that_a_refresh_runs() -> None:
    """FastAPI runs a plain `def readyz()` in a thread."""
    source = Source()
    await source.fetch_and_wait(90.0)
    source.pause()
    await source.keys.key_set()
    await run_pending_tasks()

    assert (await asyncio.to_thread(source.keys.status)).state == "refreshing"
    await source.keys.aclose()


async def test_a_fault_of_the_metadata_is_in_the_status_while_the_keys_are_fresh() -> None:
    source = Source()
    source.warning = "issuer is 'https://evil.example'"
    await source.keys.key_set()

    assert source.keys.status().state == "fresh"
    assert source.keys.status().fault == "issuer is 'https://evil.example'"

    source.warning = None
    await source.fetch_and_wait(90.0)
    await request_keys(source)
    assert source.keys.status().fault is None


async def test_the_status_names_the_skipped_keys_of_the_current_set() -> None:
    source = Source()
    assert source.keys.status().left_out == ()
    source.left_out = ("key 2 (kid 'enc') is not used: use is 'enc'",)
    await source.fetch_and_wait(90.0)

    assert source.keys.status().left_out == source.left_out
    assert source.events[0][1].left_out == source.left_out

    skipped, source.left_out = source.left_out, ()
    source.answer = FetchFailed("down")
    await request_keys(source)
    assert source.keys.status().left_out == skipped

    source.answer = numbered_keys(1)
    source.clock.advance(60.0)
    await request_keys(source)
    assert source.keys.status().left_out == ()
