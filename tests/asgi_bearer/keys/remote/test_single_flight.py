"""One fetch at a time, shared by all callers that wait for it."""

import asyncio
import gc
from contextvars import ContextVar

import pytest

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import KeySet
from asgi_bearer.keys.single_flight import SingleFlight
from tests.support.published_keys import run_pending_tasks


class ControlledFetch:
    """A fetch that ends when the test sets its outcome."""

    def __init__(self) -> None:
        self.starts = 0
        self.outcome: asyncio.Future[KeySet] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> KeySet:
        self.starts += 1
        return await self.outcome


def empty() -> KeySet:
    return KeySet(())


@pytest.mark.conforms("many first requests cause one fetch")
async def test_all_callers_get_the_keys_of_one_fetch() -> None:
    flight, fetches = SingleFlight(), ControlledFetch()
    waiting = [asyncio.create_task(flight.join(fetches)) for _ in range(100)]
    await run_pending_tasks()

    fetches.outcome.set_result(answer := empty())

    assert all(key_set is answer for key_set in await asyncio.gather(*waiting))
    assert fetches.starts == 1


@pytest.mark.conforms("many first requests cause one fetch")
async def test_all_callers_get_the_failure_of_one_fetch() -> None:
    flight, fetches = SingleFlight(), ControlledFetch()
    waiting = [asyncio.create_task(flight.join(fetches)) for _ in range(100)]
    await run_pending_tasks()

    fetches.outcome.set_exception(KeysUnavailable("down", retry_after=2.0))
    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert [str(result) for result in results] == ["keys_unavailable: down"] * 100
    assert fetches.starts == 1


async def test_a_caller_after_the_end_of_a_fetch_starts_another() -> None:
    flight, first, second = SingleFlight(), ControlledFetch(), ControlledFetch()
    first.outcome.set_result(empty())
    second.outcome.set_result(empty())

    await flight.join(first)
    await flight.join(second)

    assert (first.starts, second.starts) == (1, 1)


@pytest.mark.conforms("a request that is cancelled does not end the shared fetch")
async def test_cancelling_one_caller_does_not_cancel_the_fetch() -> None:
    flight, fetches = SingleFlight(), ControlledFetch()
    first, second = (asyncio.create_task(flight.join(fetches)) for _ in range(2))
    await run_pending_tasks()

    first.cancel()
    await run_pending_tasks()
    fetches.outcome.set_result(answer := empty())

    assert await second is answer
    assert first.cancelled()


@pytest.mark.conforms("a request that is cancelled does not end the shared fetch")
async def test_the_fetch_continues_if_every_caller_was_cancelled() -> None:
    flight, fetches = SingleFlight(), ControlledFetch()
    caller = asyncio.create_task(flight.join(fetches))
    await run_pending_tasks()

    caller.cancel()
    await run_pending_tasks()

    assert flight.is_running_here
    fetches.outcome.set_result(answer := empty())
    assert await flight.join(fetches) is answer
    assert fetches.starts == 1


async def test_starting_a_fetch_does_not_wait_for_it() -> None:
    flight, fetches = SingleFlight(), ControlledFetch()

    flight.start(fetches)
    flight.start(fetches)
    await run_pending_tasks()

    assert flight.is_running_here
    assert fetches.starts == 1
    await flight.aclose()


async def test_a_failure_without_a_waiting_caller_is_not_reported_by_the_event_loop() -> None:
    reports: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
    flight, fetches = SingleFlight(), ControlledFetch()
    fetches.outcome.set_exception(KeysUnavailable("down"))

    flight.start(fetches)
    await run_pending_tasks()
    del flight, fetches
    gc.collect()
    await run_pending_tasks()

    assert reports == []


async def test_closing_ends_the_fetch_and_leaves_no_task() -> None:
    flight, fetches = SingleFlight(), ControlledFetch()
    flight.start(fetches)
    await run_pending_tasks()

    await flight.aclose()

    assert not flight.is_running_here
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_caller_that_waits_while_the_source_is_closed_gets_keys_unavailable() -> None:
    """A cancellation would pass through every `except Exception` of the caller."""
    flight, fetches = SingleFlight(), ControlledFetch()
    waiting = asyncio.create_task(flight.join(fetches))
    await run_pending_tasks()

    await flight.aclose()

    with pytest.raises(KeysUnavailable, match="closed"):
        await waiting


async def test_closing_twice_or_without_a_fetch_does_nothing() -> None:
    flight, fetches = SingleFlight(), ControlledFetch()
    await flight.aclose()
    fetches.outcome.set_result(empty())
    await flight.join(fetches)

    await flight.aclose()
    await flight.aclose()

    assert not flight.is_running_here


async def test_a_closed_flight_can_be_used_again() -> None:
    flight, first, second = SingleFlight(), ControlledFetch(), ControlledFetch()
    flight.start(first)
    await flight.aclose()
    second.outcome.set_result(answer := empty())

    assert await flight.join(second) is answer


def test_a_fetch_of_an_event_loop_that_ended_is_not_waited_for() -> None:
    flight = SingleFlight()

    async def begin() -> None:
        flight.start(ControlledFetch())
        await run_pending_tasks()

    async def join() -> KeySet:
        fetches = ControlledFetch()
        fetches.outcome.set_result(empty())
        return await asyncio.wait_for(flight.join(fetches), 60.0)

    ended_loop = asyncio.new_event_loop()
    ended_loop.run_until_complete(begin())  # Its task stays pending.

    assert asyncio.run(join()) == empty()

    for task in asyncio.all_tasks(ended_loop):
        task.cancel()
    ended_loop.run_until_complete(run_pending_tasks())
    ended_loop.close()


async def test_a_fetch_does_not_run_in_the_context_of_the_first_caller() -> None:
    request: ContextVar[str] = ContextVar("request", default="default")
    values: list[str] = []

    async def fetch() -> KeySet:
        values.append(request.get())
        return empty()

    request.set("alice's")
    await SingleFlight().join(fetch)

    assert values == ["default"]


def test_closing_in_another_event_loop_does_not_touch_the_fetch() -> None:
    """The other event loop cannot end the fetch, and would wait forever."""
    flight = SingleFlight()

    async def begin() -> None:
        flight.start(ControlledFetch())
        await run_pending_tasks()

    first_loop = asyncio.new_event_loop()
    first_loop.run_until_complete(begin())

    asyncio.run(asyncio.wait_for(flight.aclose(), 60.0))

    assert [task.cancelled() for task in asyncio.all_tasks(first_loop)] == [False]
    first_loop.run_until_complete(flight.aclose())
    first_loop.close()


def test_without_an_event_loop_no_fetch_can_start() -> None:
    flight = SingleFlight()

    async def fetch() -> KeySet:
        raise AssertionError("began")

    assert not flight.is_running
    with pytest.raises(RuntimeError, match="no asyncio event loop"):
        flight.start(fetch)
    assert not flight.is_running


@pytest.mark.conforms("a request that is cancelled does not end the shared fetch")
async def test_a_cancelled_caller_sees_the_cancellation_even_if_the_fetch_fails() -> None:
    flight, fetches = SingleFlight(), ControlledFetch()
    caller = asyncio.create_task(flight.join(fetches))
    await run_pending_tasks()

    caller.cancel()
    fetches.outcome.set_exception(KeysUnavailable("down"))

    with pytest.raises(asyncio.CancelledError):
        await caller
