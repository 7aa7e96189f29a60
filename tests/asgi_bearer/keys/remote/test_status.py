"""How a key source says it fares: true at each moment, and read without changing anything."""

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


def test_before_anything_was_fetched_the_status_says_never() -> None:
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
async def test_the_status_changes_with_the_time_alone(
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
async def test_while_keys_are_fetched_again_the_status_says_so_unless_there_is_worse_to_say(
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


async def test_a_fetch_that_a_token_caused_shows_as_refreshing() -> None:
    source = Source()
    old = await source.keys.key_set()
    source.pause()
    waiting = asyncio.create_task(source.keys.key_set(Missed(old, unknown_kid=True)))
    await run_pending_tasks()

    assert source.keys.status() == KeySetStatus("refreshing", 0.0, 500.0, None, 0.0, FETCHED)
    source.resume()
    await waiting


async def test_while_the_first_keys_are_fetched_there_never_were_any() -> None:
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
async def test_after_a_failure_the_status_says_why_and_when_the_next_attempt_is(
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


async def test_a_first_fetch_that_failed_is_told_too() -> None:
    source = Source()
    source.answer = FetchFailed("down")
    await request_keys(source)

    assert source.keys.status() == KeySetStatus(
        "never", None, 0.0, "down", 1.0, {**NOTHING, "failed": 1}
    )


async def test_the_fault_is_over_with_the_next_keys() -> None:
    source = Source()
    source.answer = FetchFailed("down")
    await request_keys(source)
    source.clock.advance(1.0)
    source.answer = numbered_keys(1)
    await request_keys(source)

    assert source.keys.status() == KeySetStatus(
        "fresh", 0.0, 500.0, None, 80.0, {**FETCHED, "failed": 1}
    )


async def test_closing_is_no_fault() -> None:
    source = Source()
    await source.fetch_and_wait(90.0)
    source.pause()
    await source.keys.key_set()
    await run_pending_tasks()

    await source.keys.aclose()

    assert source.keys.status() == KeySetStatus("fresh", 90.0, 410.0, None, 0.0, FETCHED)
    assert source.event_kinds == ["fetched", "key_added"]


def test_the_status_can_be_read_where_no_event_loop_runs() -> None:
    source = Source()
    asyncio.run(source.fetch_and_wait(90.0))

    assert source.keys.status() == KeySetStatus("fresh", 90.0, 410.0, None, 0.0, FETCHED)


def test_a_fetch_that_its_event_loop_left_behind_does_not_show() -> None:
    source = Source()

    async def begin() -> None:
        await source.fetch_and_wait(90.0)
        source.pause()
        await source.keys.key_set()
        await run_pending_tasks()
        assert source.keys.status().state == "refreshing"

    async def later() -> KeySetStatus:
        return source.keys.status()

    gone = asyncio.new_event_loop()
    gone.run_until_complete(begin())

    assert source.keys.status().state == "fresh"
    assert asyncio.run(later()).state == "fresh"

    gone.run_until_complete(source.keys.aclose())
    gone.close()


async def test_the_counts_of_a_status_stay_as_they_were() -> None:
    source = Source()
    await source.fetch_and_wait(90.0)
    before = source.keys.status()

    await request_keys(source)

    assert before.counts == FETCHED
    assert source.keys.status().counts == {**FETCHED, "unchanged": 1}
    assert isinstance(before.counts, MappingProxyType)


async def test_the_status_of_a_failure_that_a_token_caused_tells_the_pause() -> None:
    """Not when the set would be due: the next request of anybody is the next attempt."""
    source = Source()
    old = await source.keys.key_set()
    source.answer = FetchFailed("down")
    await request_keys(source, Missed(old, unknown_kid=True))

    event, status = source.events[-1]

    assert (event.kind, status.next_attempt) == ("failed", 1.0)
    assert source.keys.status() == status


async def test_a_thread_reads_that_keys_are_being_fetched() -> None:
    """A plain `def readyz()` of FastAPI runs in one."""
    source = Source()
    await source.fetch_and_wait(90.0)
    source.pause()
    await source.keys.key_set()
    await run_pending_tasks()

    assert (await asyncio.to_thread(source.keys.status)).state == "refreshing"
    await source.keys.aclose()


async def test_what_is_wrong_with_the_metadata_is_in_the_status_while_the_keys_are_in_order() -> (
    None
):
    source = Source()
    source.warning = "issuer is 'https://evil.example'"
    await source.keys.key_set()

    assert source.keys.status().state == "fresh"
    assert source.keys.status().fault == "issuer is 'https://evil.example'"

    source.warning = None
    await source.fetch_and_wait(90.0)
    await request_keys(source)
    assert source.keys.status().fault is None


async def test_the_status_names_what_is_left_out_of_the_set_that_serves() -> None:
    source = Source()
    assert source.keys.status().left_out == ()
    source.left_out = ("key 2 (kid 'enc') is not used: use is 'enc'",)
    await source.fetch_and_wait(90.0)

    assert source.keys.status().left_out == source.left_out
    assert source.events[0][1].left_out == source.left_out

    kept, source.left_out = source.left_out, ()
    source.answer = FetchFailed("down")
    await request_keys(source)
    assert source.keys.status().left_out == kept

    source.answer = numbered_keys(1)
    source.clock.advance(60.0)
    await request_keys(source)
    assert source.keys.status().left_out == ()
