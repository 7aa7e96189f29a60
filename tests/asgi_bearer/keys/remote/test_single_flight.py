"""One fetch at a time, which belongs to none of those who wait for it."""

import asyncio
import gc
from contextvars import ContextVar

import pytest

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import KeySet
from asgi_bearer.keys.single_flight import SingleFlight
from tests.support.published_keys import run_pending_tasks


class Fetches:
    """Fetches that end when they are told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.outcome: asyncio.Future[KeySet] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> KeySet:
        self.begun += 1
        return await self.outcome


def empty() -> KeySet:
    return KeySet(())


@pytest.mark.conforms("many first requests cause one fetch")
async def test_all_who_join_get_what_one_fetch_brings() -> None:
    flight, fetches = SingleFlight(), Fetches()
    waiting = [asyncio.create_task(flight.join(fetches)) for _ in range(100)]
    await run_pending_tasks()

    fetches.outcome.set_result(answer := empty())

    assert all(key_set is answer for key_set in await asyncio.gather(*waiting))
    assert fetches.begun == 1


@pytest.mark.conforms("many first requests cause one fetch")
async def test_all_who_join_get_the_failure() -> None:
    flight, fetches = SingleFlight(), Fetches()
    waiting = [asyncio.create_task(flight.join(fetches)) for _ in range(100)]
    await run_pending_tasks()

    fetches.outcome.set_exception(KeysUnavailable("down", retry_after=2.0))
    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert [str(result) for result in results] == ["keys_unavailable: down"] * 100
    assert fetches.begun == 1


async def test_after_a_fetch_has_ended_the_next_caller_begins_another() -> None:
    flight, first, second = SingleFlight(), Fetches(), Fetches()
    first.outcome.set_result(empty())
    second.outcome.set_result(empty())

    await flight.join(first)
    await flight.join(second)

    assert (first.begun, second.begun) == (1, 1)


@pytest.mark.conforms("a request that is cancelled does not end the shared fetch")
async def test_a_caller_that_is_cancelled_cancels_nothing_but_its_own_wait() -> None:
    flight, fetches = SingleFlight(), Fetches()
    first, second = (asyncio.create_task(flight.join(fetches)) for _ in range(2))
    await run_pending_tasks()

    first.cancel()
    await run_pending_tasks()
    fetches.outcome.set_result(answer := empty())

    assert await second is answer
    assert first.cancelled()


@pytest.mark.conforms("a request that is cancelled does not end the shared fetch")
async def test_a_fetch_goes_on_though_everybody_who_waited_was_cancelled() -> None:
    flight, fetches = SingleFlight(), Fetches()
    caller = asyncio.create_task(flight.join(fetches))
    await run_pending_tasks()

    caller.cancel()
    await run_pending_tasks()

    assert flight.is_running_here
    fetches.outcome.set_result(answer := empty())
    assert await flight.join(fetches) is answer
    assert fetches.begun == 1


async def test_a_started_fetch_makes_nobody_wait() -> None:
    flight, fetches = SingleFlight(), Fetches()

    flight.start(fetches)
    flight.start(fetches)
    await run_pending_tasks()

    assert flight.is_running_here
    assert fetches.begun == 1
    await flight.aclose()


async def test_a_failure_that_nobody_waits_for_is_not_complained_about() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    flight, fetches = SingleFlight(), Fetches()
    fetches.outcome.set_exception(KeysUnavailable("down"))

    flight.start(fetches)
    await run_pending_tasks()
    del flight, fetches
    gc.collect()
    await run_pending_tasks()

    assert complaints == []


async def test_closing_ends_the_fetch_and_leaves_no_task() -> None:
    flight, fetches = SingleFlight(), Fetches()
    flight.start(fetches)
    await run_pending_tasks()

    await flight.aclose()

    assert not flight.is_running_here
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_who_waits_while_the_flight_is_closed_is_told_that_there_are_no_keys() -> None:
    """A cancellation that nobody asked for would pass through every `except Exception`."""
    flight, fetches = SingleFlight(), Fetches()
    waiting = asyncio.create_task(flight.join(fetches))
    await run_pending_tasks()

    await flight.aclose()

    with pytest.raises(KeysUnavailable, match="closed"):
        await waiting


async def test_closing_twice_or_without_a_fetch_does_nothing() -> None:
    flight, fetches = SingleFlight(), Fetches()
    await flight.aclose()
    fetches.outcome.set_result(empty())
    await flight.join(fetches)

    await flight.aclose()
    await flight.aclose()

    assert not flight.is_running_here


async def test_after_closing_it_can_be_used_again() -> None:
    flight, first, second = SingleFlight(), Fetches(), Fetches()
    flight.start(first)
    await flight.aclose()
    second.outcome.set_result(answer := empty())

    assert await flight.join(second) is answer


def test_a_fetch_of_an_event_loop_that_is_gone_is_not_waited_for() -> None:
    flight = SingleFlight()

    async def begin() -> None:
        flight.start(Fetches())
        await run_pending_tasks()

    async def join() -> KeySet:
        fetches = Fetches()
        fetches.outcome.set_result(empty())
        return await asyncio.wait_for(flight.join(fetches), 60.0)

    gone = asyncio.new_event_loop()
    gone.run_until_complete(begin())  # And its task stays pending for ever.

    assert asyncio.run(join()) == empty()

    for task in asyncio.all_tasks(gone):
        task.cancel()
    gone.run_until_complete(run_pending_tasks())
    gone.close()


async def test_a_fetch_does_not_run_in_the_context_of_the_first_caller() -> None:
    request: ContextVar[str] = ContextVar("request", default="nobody's")
    seen: list[str] = []

    async def fetch() -> KeySet:
        seen.append(request.get())
        return empty()

    request.set("alice's")
    await SingleFlight().join(fetch)

    assert seen == ["nobody's"]


def test_closing_in_another_event_loop_leaves_a_fetch_alone() -> None:
    """That loop cannot end it, and would wait for ever."""
    flight = SingleFlight()

    async def begin() -> None:
        flight.start(Fetches())
        await run_pending_tasks()

    here = asyncio.new_event_loop()
    here.run_until_complete(begin())

    asyncio.run(asyncio.wait_for(flight.aclose(), 60.0))

    assert [task.cancelled() for task in asyncio.all_tasks(here)] == [False]
    here.run_until_complete(flight.aclose())
    here.close()


def test_without_an_event_loop_nothing_runs_and_nothing_can_begin() -> None:
    flight = SingleFlight()

    async def fetch() -> KeySet:
        raise AssertionError("began")

    assert not flight.is_running
    with pytest.raises(RuntimeError, match="no asyncio event loop"):
        flight.start(fetch)
    assert not flight.is_running


@pytest.mark.conforms("a request that is cancelled does not end the shared fetch")
async def test_who_is_cancelled_while_the_fetch_fails_sees_the_cancellation() -> None:
    flight, fetches = SingleFlight(), Fetches()
    caller = asyncio.create_task(flight.join(fetches))
    await run_pending_tasks()

    caller.cancel()
    fetches.outcome.set_exception(KeysUnavailable("down"))

    with pytest.raises(asyncio.CancelledError):
        await caller
