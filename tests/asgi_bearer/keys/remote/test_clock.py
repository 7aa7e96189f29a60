"""Clocks and random sources that return nonsense: keys expire, fetches stay few, and the source
recovers."""

import asyncio
import logging
import math
from collections.abc import Callable
from functools import partial
from itertools import count, repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import Missed
from asgi_bearer.keys.discovery import Discovery
from asgi_bearer.keys.freshness import Freshness
from asgi_bearer.keys.schedule import BackOff, CoolDown, FetchSchedule, random_fraction, read_clock
from asgi_bearer.testing import FakeClock
from tests.support.documents import FakeDocuments
from tests.support.published_keys import DOWN, Published, run_pending_tasks
from tests.support.remote_keys import Source, numbered_keys, request_keys

ISSUER = "https://issuer.example"
METADATA = f"{ISSUER}/.well-known/oauth-authorization-server"


def broken() -> float:
    raise RuntimeError("s3cret")


ANSWERS: list[tuple[str, Callable[[], Any]]] = [
    ("nan", lambda: math.nan),
    ("inf", lambda: math.inf),
    ("minus-inf", lambda: -math.inf),
    ("none", lambda: None),
    ("text", lambda: "12"),
    ("complex", lambda: 1j),
    ("too-large", lambda: 10**400),
    ("raises", broken),
]
NONSENSE = pytest.mark.parametrize(
    "answer", [row[1] for row in ANSWERS], ids=[row[0] for row in ANSWERS]
)


class Clock(FakeClock):
    """A clock that returns something else while `answer` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: Callable[[], Any] | None = None

    def __call__(self) -> float:
        return super().__call__() if self.answer is None else self.answer()


@NONSENSE
async def test_the_keys_expire_while_the_clock_returns_nonsense(answer: Callable[[], Any]) -> None:
    clock = Clock()
    source = Source(clock)
    await source.fetch_and_wait(10.0)
    source.answer = DOWN
    clock.answer = answer

    status = source.keys.status()

    assert (status.state, status.age, status.serves) == ("expired", None, 0.0)
    assert status.fault == "the clock of the key source went back, or returns no valid time"
    assert 0 <= status.next_attempt <= 60
    with pytest.raises(KeysUnavailable) as refused:
        await source.keys.key_set()
    assert 0 < refused.value.retry_after <= 60


@NONSENSE
async def test_the_keys_serve_again_once_the_clock_is_right(answer: Callable[[], Any]) -> None:
    clock = Clock()
    source = Source(clock)
    old = await source.fetch_and_wait(10.0)
    clock.answer = answer
    source.answer = DOWN
    await request_keys(source)
    clock.answer = None

    # The failed fetch is repeated after its back-off; the keys have their true age.
    assert await source.keys.key_set() is old
    assert source.keys.status().serves == 490.0
    source.answer = numbered_keys(2)
    clock.advance(1.0)
    await request_keys(source)
    assert await source.keys.key_set() == numbered_keys(2)
    assert source.keys.status().state == "fresh"


@NONSENSE
async def test_keys_that_were_fetched_under_a_wrong_clock_serve_only_the_waiting_callers(
    answer: Callable[[], Any],
) -> None:
    clock = Clock()
    source = Source(clock)
    clock.answer = answer

    waited = await asyncio.gather(*(source.keys.key_set() for _ in range(100)))

    assert waited == [numbered_keys(1)] * 100
    assert source.keys.status().state == "expired"
    assert source.fetches == 1


@NONSENSE
async def test_a_wrong_clock_does_not_cause_many_fetches(answer: Callable[[], Any]) -> None:
    clock = Clock()
    source = Source(clock)
    await source.fetch_and_wait(10.0)
    clock.answer = answer

    for _ in range(200):
        await request_keys(source)
        await request_keys(source, Missed(numbered_keys(7), unknown_kid=True))
        source.keys.warm()
        await run_pending_tasks()

    assert source.fetches == 2
    source.steady.advance(1.0)
    await request_keys(source)
    assert source.fetches == 3


@NONSENSE
async def test_keys_that_were_fetched_under_a_wrong_clock_are_fetched_again(
    answer: Callable[[], Any],
) -> None:
    clock = Clock()
    source = Source(clock)
    clock.answer = answer
    await source.keys.key_set()
    source.answer = numbered_keys(2)
    clock.answer = None

    assert await source.keys.key_set() == numbered_keys(2)
    assert source.keys.status().state == "fresh"
    assert source.fetches == 2


@NONSENSE
async def test_the_age_of_keys_counts_from_the_start_of_a_fetch_that_ended_under_a_wrong_clock(
    answer: Callable[[], Any],
) -> None:
    clock = Clock()
    source = Source(clock)
    source.pause()
    waiting = asyncio.create_task(source.keys.key_set())
    await run_pending_tasks()
    clock.answer = answer
    source.resume()
    key_set = await waiting
    clock.answer = None
    clock.advance(79.0)

    assert await source.keys.key_set() is key_set
    assert source.keys.status().age == 79.0
    assert source.fetches == 1


@NONSENSE
async def test_failures_under_a_wrong_clock_cause_no_back_off_under_a_right_clock(
    answer: Callable[[], Any],
) -> None:
    clock = Clock()
    source = Source(clock)
    source.answer = DOWN
    clock.answer = answer
    await request_keys(source)
    await request_keys(source)
    assert source.fetches == 1
    clock.answer = None
    source.answer = numbered_keys(1)

    assert await source.keys.key_set() == numbered_keys(1)


async def test_keys_are_fetched_again_if_the_clock_went_back() -> None:
    """Otherwise the keys, withdrawn ones included, would serve longer by the time it went back."""
    source = Source()
    await source.fetch_and_wait(10.0)
    source.answer = numbered_keys(2)
    source.clock.advance(-1e6)

    assert (source.keys.status().state, source.keys.status().age) == ("expired", None)
    assert await source.keys.key_set() == numbered_keys(2)
    assert source.keys.status().state == "fresh"
    assert source.fetches == 2


async def test_the_source_recovers_from_a_clock_that_was_far_ahead() -> None:
    source = Source()
    source.clock.advance(1e9)
    await source.keys.key_set()
    source.answer = numbered_keys(2)
    source.clock.advance(-1e9)

    assert await source.keys.key_set() == numbered_keys(2)


async def test_a_back_off_ends_if_the_clock_went_back() -> None:
    source = Source()
    source.answer = DOWN
    await request_keys(source)
    source.clock.advance(-1e6)
    source.answer = numbered_keys(1)

    assert source.keys.status().next_attempt == 0.0
    assert await source.keys.key_set() == numbered_keys(1)


async def test_a_cool_down_ends_if_the_clock_went_back() -> None:
    source = Source()
    source.clock.advance(100.0)
    old = await source.fetch_and_wait(50.0)
    await request_keys(source, Missed(old, unknown_kid=True))
    source.clock.advance(-20.0)
    source.answer = numbered_keys(1, 2)

    key_set = await source.keys.key_set(Missed(await source.keys.key_set(), unknown_kid=True))

    assert key_set == numbered_keys(1, 2)


async def test_a_clock_that_always_goes_back_does_not_cause_many_fetches() -> None:
    clock, backwards = Clock(), count(0, -1)
    source = Source(clock)
    clock.answer = lambda: next(backwards)

    for _ in range(200):
        await request_keys(source)
        source.keys.warm()
        await run_pending_tasks()

    assert source.fetches <= 3


async def test_an_outage_and_a_clock_that_goes_back_do_not_cause_many_fetches() -> None:
    clock, backwards = Clock(), count(0, -1)
    source = Source(clock)
    source.answer = DOWN
    clock.answer = lambda: next(backwards)

    for _ in range(200):
        await request_keys(source)

    assert source.fetches <= 3


ANYTHING = st.floats(max_value=1e11) | st.sampled_from([math.nan, math.inf, None, "1", 0, 10, 100])


@given(answers=st.lists(ANYTHING, min_size=1))
def test_the_source_recovers_from_any_clock(answers: list[Any]) -> None:
    async def drive() -> None:
        clock = Clock()
        source = Source(clock)
        for answer in answers:
            clock.answer = partial(next, repeat(answer))
            await request_keys(source)
            status = source.keys.status()
            assert status.serves >= 0
            assert status.next_attempt >= 0
        clock.answer = None
        source.answer = numbered_keys(2)
        clock.advance(1e12)
        assert await source.keys.key_set() == numbered_keys(2)

    asyncio.run(drive())


async def test_a_wrong_clock_is_logged_as_critical(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    source = Source(clock)
    await source.fetch_and_wait(10.0)
    source.answer = DOWN
    clock.answer = lambda: math.nan

    with caplog.at_level(logging.WARNING, "asgi_bearer"):
        await request_keys(source)

    assert caplog.records[0].levelno == logging.CRITICAL
    assert "the clock of the key source" in caplog.messages[0]
    assert "s3cret" not in caplog.text


async def test_valid_tokens_are_503_under_a_wrong_clock_and_accepted_again_afterwards() -> None:
    clock = Clock()
    published = Published(clock=clock)
    token = published.issuer.token()
    assert await published.verify_all([token]) == ["alice"]
    published.serve(DOWN)
    clock.answer = lambda: math.nan

    assert await published.verify_all([token] * 3) == ["keys_unavailable"] * 3
    clock.answer = None
    assert await published.verify_all([token] * 3) == ["alice"] * 3


@NONSENSE
async def test_metadata_is_fetched_again_if_its_age_is_unknown(
    answer: Callable[[], Any],
) -> None:
    clock = Clock()
    documents = FakeDocuments({METADATA: {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/1"}})
    freshness = Freshness(default=600.0, shortest=60.0, longest=600.0)
    locate = Discovery(ISSUER, documents, freshness=freshness, patience=3.0, clock=clock)
    await locate(rediscover=False)
    clock.answer = answer
    await locate(rediscover=False)
    documents.documents[METADATA] = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/2"}
    clock.answer = None

    assert await locate(rediscover=False) == f"{ISSUER}/2"
    assert len(documents.requested) == 3
    await locate(rediscover=False)
    clock.advance(-1.0)
    await locate(rediscover=False)
    assert len(documents.requested) == 4


@NONSENSE
async def test_the_last_known_jwks_uri_is_used_if_discovery_fails_under_a_wrong_clock(
    answer: Callable[[], Any],
) -> None:
    clock = Clock()
    documents = FakeDocuments({METADATA: {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/1"}})
    freshness = Freshness(default=600.0, shortest=60.0, longest=600.0)
    locate = Discovery(ISSUER, documents, freshness=freshness, patience=3.0, clock=clock)
    await locate(rediscover=False)
    documents.documents.clear()
    clock.answer = answer

    assert await locate(rediscover=False) == f"{ISSUER}/1"


@pytest.mark.parametrize("value", [0, 0.0, -5.5, 1e300, 2**70])
def test_a_number_is_a_valid_time(value: float) -> None:
    assert read_clock(lambda: value) == value


@NONSENSE
def test_a_value_that_is_not_a_number_is_not_a_time(answer: Callable[[], Any]) -> None:
    assert math.isnan(read_clock(answer))


def test_true_is_not_a_time() -> None:
    assert math.isnan(read_clock(lambda: True))


@pytest.mark.parametrize("value", [0.0, 0.5, 1])
def test_a_number_from_0_to_1_is_a_valid_random_value(value: float) -> None:
    assert random_fraction(lambda: value) == value


@NONSENSE
def test_an_invalid_random_value_counts_as_zero(answer: Callable[[], Any]) -> None:
    assert random_fraction(answer) == 0.0


@pytest.mark.parametrize("value", [-0.1, 1.1, 1e9])
def test_a_random_value_out_of_bounds_adds_nothing_to_a_back_off(value: float) -> None:
    assert BackOff(shortest=1.0, longest=60.0, random=lambda: value).failed(0.0) == 1.0


@NONSENSE
async def test_an_invalid_random_value_does_not_affect_the_keys(answer: Callable[[], Any]) -> None:
    published = Published(random=answer)

    assert await published.verify_all([published.issuer.token()]) == ["alice"]
    assert published.keys.status().next_attempt == 480.0
    published.clock.advance(500.0)
    published.serve(DOWN)
    await published.verify_all([published.issuer.token()])
    await run_pending_tasks()
    assert published.keys.status().next_attempt == 1.0


def test_a_back_off_and_a_cool_down_last_while_the_time_is_unknown() -> None:
    back_off = BackOff(shortest=4.0, longest=60.0, random=lambda: 0.0)
    back_off.failed(100.0)
    cool_down = CoolDown(10.0)

    assert back_off.remaining(math.nan) == 4.0
    assert not cool_down.is_over(math.nan, unknown_kid=True)
    cool_down.start(100.0, unknown_kid=True)
    assert not cool_down.is_over(math.nan, unknown_kid=True)


def test_a_back_off_and_a_cool_down_that_began_at_an_unknown_time_end_once_the_time_is_known() -> (
    None
):
    back_off = BackOff(shortest=4.0, longest=60.0, random=lambda: 0.0)
    back_off.failed(math.nan)
    cool_down = CoolDown(10.0)
    cool_down.start(math.nan, unknown_kid=True)

    assert back_off.remaining(100.0) == 0.0
    assert cool_down.is_over(100.0, unknown_kid=True)


@pytest.mark.parametrize("now", [99.0, -1e9])
def test_a_back_off_and_a_cool_down_that_began_in_the_future_are_over(now: float) -> None:
    back_off = BackOff(shortest=4.0, longest=60.0, random=lambda: 0.0)
    back_off.failed(100.0)
    cool_down = CoolDown(10.0)
    cool_down.start(100.0, unknown_kid=True)

    assert back_off.remaining(now) == 0.0
    assert back_off.is_ahead(now)
    assert cool_down.is_over(now, unknown_kid=True)


def test_a_monotonic_clock_spaces_the_fetches_while_the_clock_is_wrong() -> None:
    steady = FakeClock(0.0)
    pace = FetchSchedule(
        BackOff(shortest=1.0, longest=60.0, random=lambda: 0.0), random=lambda: 0.0, steady=steady
    )
    attempts: list[float] = []

    for _ in range(200):
        if not pace.pause(math.nan):
            attempts.append(steady.now)
            pace.begin(math.nan)
            pace.succeeded(math.nan)
        steady.advance(1.0)

    assert attempts == [0, 1, 3, 7, 15, 31, 63, 111, 159]
    assert pace.pause(5.0) == 0.0
    pace.begin(5.0)
    pace.succeeded(6.0)
    assert pace.pause(math.nan) == 0.0
