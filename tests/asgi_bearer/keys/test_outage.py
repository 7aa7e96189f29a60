"""The issuer is down, slow or talks nonsense: what was good goes on, and nobody hammers it."""

import asyncio
from typing import Any

import pytest

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import FetchFailed, NotServed
from tests.asgi_bearer.keys.published import DOWN, Published, settled

ALICE = "alice"


@pytest.fixture
def published() -> Published:
    return Published()


async def test_without_keys_nothing_is_judged(published: Published) -> None:
    """Rows 25 and 88."""
    published.serve(DOWN)

    outcomes = await published.outcomes([published.issuer.token(), *published.unknown(100)])

    assert set(outcomes) == {"keys_unavailable"}
    assert published.fetches == 1


@pytest.mark.parametrize(
    ("age", "state", "outcome"),
    [
        (599.0, "fresh", ALICE),
        (601.0, "stale", ALICE),
        (4199.0, "stale", ALICE),
        (4200.0, "expired", "keys_unavailable"),
        (90_000.0, "expired", "keys_unavailable"),
    ],
)
async def test_the_last_good_set_serves_within_its_bound_and_not_longer(
    published: Published, age: float, state: str, outcome: str
) -> None:
    """Row 88."""
    await published.verify()
    published.serve(DOWN)
    published.clock.advance(age)

    assert published.keys.status().state == state
    assert await published.outcomes([published.issuer.token()] * 100) == [outcome] * 100


@pytest.mark.parametrize(
    ("age", "outcome"),
    [(0.0, "key_not_found"), (599.0, "key_not_found"), (600.0, "keys_unavailable")],
    ids=["young", "fresh", "stale"],
)
async def test_an_unknown_key_is_refused_only_while_the_set_is_fresh(
    published: Published, age: float, outcome: str
) -> None:
    """Row 86."""
    await published.verify()
    published.serve(DOWN)
    published.clock.advance(age)

    assert set(await published.outcomes(published.unknown(100))) == {outcome}


NONSENSE: list[tuple[str, object]] = [
    ("no-keys", {"keys": []}),
    ("empty-object", {}),
    ("html", b"<!doctype html><title>Sign in</title>"),
    ("empty", b""),
    ("half", b'{"keys":[{"kty":"EC",'),
    ("binary", bytes(range(256))),
    ("null", b"null"),
    ("only-encryption", {"keys": [{"kty": "RSA", "use": "enc", "n": "AQ", "e": "AQAB"}]}),
    ("status", NotServed("status 500 instead of 200")),
    ("timeout", FetchFailed("TimeoutError")),
    ("broken-client", RuntimeError("never seen")),
]


@pytest.mark.parametrize("answer", [row[1] for row in NONSENSE], ids=[row[0] for row in NONSENSE])
async def test_a_refresh_that_brings_nonsense_does_not_replace_a_good_set(
    published: Published, answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Row 90."""
    await published.verify()
    published.serve(answer)
    published.clock.advance(500.0)
    await published.verify()
    await settled()

    assert published.fetches == 2
    assert await published.outcomes([published.issuer.token()]) == [ALICE]
    assert [record for record in caplog.messages if record.startswith("keys not fetched")]


@pytest.mark.parametrize("answer", [row[1] for row in NONSENSE], ids=[row[0] for row in NONSENSE])
async def test_nonsense_at_the_first_fetch_is_an_outage(
    published: Published, answer: object
) -> None:
    """Rows 26 and 90."""
    published.serve(answer)

    assert await published.outcomes([published.issuer.token()]) == ["keys_unavailable"]


async def attempts_at(published: Published, seconds: int, tokens: list[str]) -> list[int]:
    """Verify `tokens` every second; return the seconds in which something was fetched."""
    attempts: list[int] = []
    start = published.clock.now
    for second in range(seconds):
        published.clock.now = start + second
        before = published.fetches
        await published.outcomes(tokens)
        await settled()
        attempts += [second] * (published.fetches - before)
    return attempts


BACK_OFF = [0, 1, 3, 7, 15, 31, 63, 111, 159]


@pytest.mark.parametrize("age", [None, 480.0, 4200.0], ids=["never", "refresh-due", "expired"])
@pytest.mark.parametrize("kind", ["known", "unknown", "forged", "all"])
async def test_an_outage_is_tried_at_growing_distances_whatever_is_asked(
    published: Published, age: float | None, kind: str
) -> None:
    """Row 87."""
    if age is not None:
        await published.verify()
        published.clock.advance(age)
    tokens: dict[str, Any] = {
        "known": [published.issuer.token()] * 5,
        "unknown": published.unknown(5),
        "forged": published.forged(5),
    }
    tokens["all"] = [*tokens["known"], *tokens["unknown"], *tokens["forged"]]
    published.serve(DOWN)

    assert await attempts_at(published, 200, tokens[kind]) == BACK_OFF


async def test_a_thousand_requests_during_an_outage_cause_one_attempt(
    published: Published,
) -> None:
    """Row 87."""
    published.serve(DOWN)

    outcomes = await published.outcomes([published.issuer.token()] * 1000)

    assert set(outcomes) == {"keys_unavailable"}
    assert published.fetches == 1


async def test_the_next_attempt_recovers(published: Published) -> None:
    """Row 87."""
    published.serve(DOWN)
    await attempts_at(published, 5, [published.issuer.token()])
    published.publish()
    published.clock.advance(10.0)

    assert await published.outcomes([published.issuer.token()] * 100) == [ALICE] * 100
    assert published.keys.status().state == "fresh"


async def test_a_recovery_ends_the_row_of_failures(published: Published) -> None:
    """Row 87."""
    await published.verify()
    published.clock.advance(480.0)
    published.serve(DOWN)
    await attempts_at(published, 31, [published.issuer.token()])
    published.publish()
    published.clock.advance(60.0)
    await attempts_at(published, 1, [published.issuer.token()])
    published.clock.advance(480.0)
    published.serve(DOWN)

    assert await attempts_at(published, 10, [published.issuer.token()]) == [0, 1, 3, 7]


async def test_a_recovery_behind_the_requests_takes_up_a_rotation(published: Published) -> None:
    """Rows 85 and 88."""
    await published.verify()
    published.serve(DOWN)
    published.clock.advance(700.0)
    await published.verify()
    await settled()
    published.rotate()

    assert await published.outcomes([published.issuer.token()]) == ["keys_unavailable"]
    published.clock.advance(1.0)
    assert await published.outcomes([published.issuer.token()]) == [ALICE]


async def test_good_tokens_do_not_wait_for_a_slow_issuer(published: Published) -> None:
    """Row 83."""
    await published.verify()
    published.documents.close()
    published.clock.advance(700.0)

    tokens = [published.issuer.token()] * 100
    assert await asyncio.wait_for(published.outcomes(tokens), 5.0) == [ALICE] * 100

    assert published.fetches == 2
    await published.keys.aclose()


async def test_an_issuer_that_hangs_is_given_up_after_the_timeout() -> None:
    """Row 83."""
    published = Published(timeout=0.02)
    published.documents.close()

    with pytest.raises(KeysUnavailable, match=r"no keys within 0.02 s"):
        await asyncio.wait_for(published.verify(), 5.0)


async def test_a_first_caller_that_goes_away_takes_nothing_from_the_others(
    published: Published,
) -> None:
    """Row 92."""
    published.documents.close()
    first = asyncio.create_task(published.verify())
    await settled()
    others = asyncio.create_task(published.outcomes([published.issuer.token()] * 99))
    await settled()

    first.cancel()
    await settled()
    published.documents.open()

    assert await others == [ALICE] * 99
    assert first.cancelled()
    assert published.fetches == 1


async def test_the_keys_arrive_though_every_caller_went_away(published: Published) -> None:
    """Row 92."""
    published.documents.close()
    callers = [asyncio.create_task(published.verify()) for _ in range(10)]
    await settled()

    for caller in callers:
        caller.cancel()
    published.documents.open()
    await settled()

    assert published.keys.status().state == "fresh"
    assert published.fetches == 1


async def test_closing_leaves_no_task_and_answers_who_waits(published: Published) -> None:
    published.documents.close()
    waiting = asyncio.create_task(published.outcomes([published.issuer.token()] * 10))
    await settled()

    await published.keys.aclose()

    assert await waiting == ["keys_unavailable"] * 10
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_closing_is_no_failure_that_the_next_request_has_to_wait_for(
    published: Published,
) -> None:
    published.documents.close()
    waiting = asyncio.create_task(published.outcomes([published.issuer.token()]))
    await settled()
    await published.keys.aclose()
    await waiting
    published.documents.open()

    assert await published.outcomes([published.issuer.token()]) == [ALICE]


def test_a_source_serves_two_event_loops_one_after_the_other(published: Published) -> None:
    outcomes = [asyncio.run(published.outcomes([published.issuer.token()])) for _ in range(2)]

    assert outcomes == [[ALICE], [ALICE]]
    assert published.fetches == 1


@pytest.mark.parametrize("age", [0.0, 700.0, 5000.0], ids=["fresh", "stale", "expired"])
def test_a_source_survives_an_event_loop_that_died_with_a_fetch_under_way(
    published: Published, age: float
) -> None:
    async def begin() -> None:
        published.documents.close()
        _waiting = [asyncio.create_task(published.verify()) for _ in range(3)]
        await settled()

    async def go_on() -> list[str]:
        published.documents.open()
        return await asyncio.wait_for(published.outcomes([published.issuer.token()] * 3), 5.0)

    asyncio.run(published.outcomes([published.issuer.token()]))
    published.clock.advance(age)
    asyncio.run(begin())

    assert asyncio.run(go_on()) == [ALICE] * 3
