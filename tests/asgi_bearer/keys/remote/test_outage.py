"""The issuer is down, slow or talks nonsense: what was good goes on, and nobody hammers it."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from asgi_bearer import BearerMiddleware
from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import Document, FetchFailed, NotServed, remote_keys
from tests.support.asgi import bearer, client
from tests.support.fake_issuer import FakeDocuments, signing_key
from tests.support.published_keys import DOWN, JWKS_URI, Published, run_pending_tasks

ALICE = "alice"


async def answers(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers 204."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def published() -> Published:
    return Published()


@pytest.mark.conforms(
    "without keys the answer is 503 with Retry-After and no challenge",
    "the last good key set serves within its bound",
)
async def test_without_keys_nothing_is_judged(published: Published) -> None:
    published.serve(DOWN)

    outcomes = await published.verify_all(
        [published.issuer.token(), *published.unknown_tokens(100)]
    )

    assert set(outcomes) == {"keys_unavailable"}
    assert published.fetches == 1


@pytest.mark.conforms("the last good key set serves within its bound")
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
    await published.verify()
    published.serve(DOWN)
    published.clock.advance(age)

    assert published.keys.status().state == state
    assert await published.verify_all([published.issuer.token()] * 100) == [outcome] * 100


@pytest.mark.conforms(
    "made-up key ids cost one fetch per cool-down",
    "failed fetches are repeated with a growing pause",
)
@pytest.mark.parametrize("age", [0.0, 599.0, 600.0], ids=["young", "fresh", "stale"])
async def test_an_unknown_key_is_not_refused_while_the_issuer_cannot_say_whether_it_is_new(
    published: Published, age: float
) -> None:
    """A client would throw away a good token of a key that came just before."""
    await published.verify()
    published.serve(DOWN)
    published.clock.advance(age)

    assert set(await published.verify_all(published.unknown_tokens(100))) == {"keys_unavailable"}


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_a_token_without_a_key_id_is_not_refused_while_the_issuer_is_down(
    published: Published,
) -> None:
    """The key that says no need not be the one that signed."""
    await published.verify()
    published.issuer.key = signing_key("ES256", "k2", 2)
    published.serve(DOWN)

    token = published.issuer.token_with_header(kid=None)

    assert await published.verify_all([token]) == ["keys_unavailable"]


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_a_client_that_cancels_itself_is_a_failed_attempt_like_any_other(
    published: Published,
) -> None:

    class Cancelling(FakeDocuments):
        async def __call__(self, url: str, *, etag: str | None = None) -> Document:
            self.requested.append(url)
            raise asyncio.CancelledError

    documents = Cancelling({})
    keys = remote_keys(jwks_uri=JWKS_URI, fetch=documents, clock=published.clock)
    for _ in range(100):
        with pytest.raises(KeysUnavailable):
            await keys.key_set()

    assert len(documents.requested) == 1
    assert keys.status().fault == "CancelledError"


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


@pytest.mark.conforms("a nonsense answer does not replace a good key set")
@pytest.mark.parametrize("answer", [row[1] for row in NONSENSE], ids=[row[0] for row in NONSENSE])
async def test_a_refresh_that_brings_nonsense_does_not_replace_a_good_set(
    published: Published, answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    await published.verify()
    published.serve(answer)
    published.clock.advance(500.0)
    await published.verify()
    await run_pending_tasks()

    assert published.fetches == 2
    assert await published.verify_all([published.issuer.token()]) == [ALICE]
    assert [record for record in caplog.messages if record.startswith("keys not fetched")]


@pytest.mark.conforms(
    "a nonsense answer instead of keys is 503",
    "a nonsense answer does not replace a good key set",
)
@pytest.mark.parametrize("answer", [row[1] for row in NONSENSE], ids=[row[0] for row in NONSENSE])
async def test_nonsense_at_the_first_fetch_is_an_outage(
    published: Published, answer: object
) -> None:
    published.serve(answer)

    assert await published.verify_all([published.issuer.token()]) == ["keys_unavailable"]


async def attempts_at(published: Published, seconds: int, tokens: list[str]) -> list[int]:
    """Verify `tokens` every second; return the seconds in which something was fetched."""
    attempts: list[int] = []
    start = published.clock.now
    for second in range(seconds):
        published.clock.now = start + second
        before = published.fetches
        await published.verify_all(tokens)
        await run_pending_tasks()
        attempts += [second] * (published.fetches - before)
    return attempts


BACK_OFF = [0, 1, 3, 7, 15, 31, 63, 111, 159]


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
@pytest.mark.parametrize("age", [None, 480.0, 4200.0], ids=["never", "refresh-due", "expired"])
@pytest.mark.parametrize("kind", ["known", "unknown", "forged", "all"])
async def test_an_outage_is_tried_at_growing_distances_whatever_is_asked(
    published: Published, age: float | None, kind: str
) -> None:
    if age is not None:
        await published.verify()
        published.clock.advance(age)
    tokens: dict[str, Any] = {
        "known": [published.issuer.token()] * 5,
        "unknown": published.unknown_tokens(5),
        "forged": published.forged_tokens(5),
    }
    tokens["all"] = [*tokens["known"], *tokens["unknown"], *tokens["forged"]]
    published.serve(DOWN)

    assert await attempts_at(published, 200, tokens[kind]) == BACK_OFF


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_a_thousand_requests_during_an_outage_cause_one_attempt(
    published: Published,
) -> None:
    published.serve(DOWN)

    outcomes = await published.verify_all([published.issuer.token()] * 1000)

    assert set(outcomes) == {"keys_unavailable"}
    assert published.fetches == 1


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
@pytest.mark.parametrize(
    ("chance", "pauses"), [(0.0, [1, 2, 4, 8, 16, 32, 48]), (1.0, [1.25, 2.5, 5, 10, 20, 40])]
)
@pytest.mark.parametrize("age", [None, 480.0], ids=["never", "refresh-due"])
async def test_a_thousand_requests_in_an_outage_cause_an_attempt_at_the_end_of_each_pause(
    age: float | None, chance: float, pauses: list[float]
) -> None:
    published = Published(random=lambda: chance)
    if age is not None:
        await published.verify()
        published.clock.advance(age)
    published.serve(DOWN)
    begun = published.clock.now
    attempts: list[float] = []
    for request in range(1000):
        published.clock.now = begun + request / 8
        before = published.fetches
        await published.verify_all([published.issuer.token()])
        await run_pending_tasks()
        attempts += [request / 8] * (published.fetches - before)

    # The pause itself, and at most the time until the next request.
    took = [later - earlier for earlier, later in pairwise(attempts)]
    assert took == [pytest.approx(pause, abs=1 / 8) for pause in pauses]


@pytest.mark.conforms(
    "without keys the answer is 503 with Retry-After and no challenge",
    "the last good key set serves within its bound",
)
async def test_in_an_outage_a_good_token_is_never_called_bad(published: Published) -> None:
    """Served as long as the set serves, and then not judged."""
    await published.verify()
    published.serve(DOWN)
    begun = published.clock.now
    outcomes: list[str] = []
    for minute in range(80):
        published.clock.now = begun + minute * 60
        outcomes += await published.verify_all([published.issuer.token()])
        await run_pending_tasks()

    assert outcomes == [ALICE] * 70 + ["keys_unavailable"] * 10


@pytest.mark.conforms("the last good key set serves within its bound")
@pytest.mark.parametrize(
    ("arguments", "serves"),
    [
        ({}, 4200.0),
        ({"serve_stale": 0.0}, 600.0),
        ({"serve_stale": 86_400.0}, 87_000.0),
        ({"ttl": 60.0, "serve_stale": 60.0}, 120.0),
    ],
    ids=["default", "none", "a-day", "a-minute"],
)
async def test_a_set_serves_for_its_lifetime_and_as_long_as_was_allowed_past_it(
    arguments: dict[str, Any], serves: float
) -> None:
    published = Published(**arguments)
    await published.verify()
    published.serve(DOWN)
    begun = published.clock.now
    outcomes: list[str] = []
    for age in (serves - 0.5, serves):
        published.clock.now = begun + age
        outcomes += await published.verify_all([published.issuer.token()])
        await run_pending_tasks()

    assert outcomes == [ALICE, "keys_unavailable"]


@pytest.mark.conforms(
    "the last good key set serves within its bound",
    "max-age, no-store, Age, ETag and 304 are honoured within bounds",
)
async def test_a_long_lifetime_that_the_issuer_gave_is_kept_in_an_outage(
    published: Published,
) -> None:
    published.publish(cache_control="max-age=7200")
    await published.verify()
    published.serve(DOWN)
    published.clock.advance(7200.0 + 3599.5)

    assert await published.verify_all([published.issuer.token()]) == [ALICE]
    published.clock.advance(0.5)
    assert await published.verify_all([published.issuer.token()]) == ["keys_unavailable"]


@pytest.mark.conforms(
    "without keys the answer is 503 with Retry-After and no challenge",
    "failed fetches are repeated with a growing pause",
)
async def test_without_keys_the_answer_says_when_the_next_attempt_may_help(
    published: Published,
) -> None:
    published.serve(DOWN)
    guarded = BearerMiddleware(answers, verifier=published.verifier)
    after: list[tuple[int, str]] = []
    async with client(guarded) as http:
        for seconds in (0.0, 0.5, 0.5, 0.5, 1.5):
            published.clock.advance(seconds)
            response = await http.get("/", headers=bearer(published.issuer.token()))
            assert "www-authenticate" not in response.headers
            after.append((response.status_code, response.headers["retry-after"]))

    assert after == [(503, "1"), (503, "1"), (503, "2"), (503, "2"), (503, "4")]


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_the_next_attempt_recovers(published: Published) -> None:
    published.serve(DOWN)
    await attempts_at(published, 5, [published.issuer.token()])
    published.publish()
    published.clock.advance(10.0)

    assert await published.verify_all([published.issuer.token()] * 100) == [ALICE] * 100
    assert published.keys.status().state == "fresh"


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_a_recovery_ends_the_row_of_failures(published: Published) -> None:
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


@pytest.mark.conforms(
    "a rotation costs one fetch and no 401",
    "the last good key set serves within its bound",
)
async def test_a_recovery_behind_the_requests_takes_up_a_rotation(published: Published) -> None:
    await published.verify()
    published.serve(DOWN)
    published.clock.advance(700.0)
    await published.verify()
    await run_pending_tasks()
    published.rotate()

    assert await published.verify_all([published.issuer.token()]) == ["keys_unavailable"]
    published.clock.advance(1.0)
    assert await published.verify_all([published.issuer.token()]) == [ALICE]


@pytest.mark.conforms("fetches are bounded in size and time")
async def test_good_tokens_do_not_wait_for_a_slow_issuer(published: Published) -> None:
    await published.verify()
    published.documents.pause()
    published.clock.advance(700.0)

    tokens = [published.issuer.token()] * 100
    assert await asyncio.wait_for(published.verify_all(tokens), 60.0) == [ALICE] * 100

    assert published.fetches == 2
    await published.keys.aclose()


@pytest.mark.conforms("fetches are bounded in size and time")
@pytest.mark.parametrize("age", [480.0, 599.5, 600.0, 4199.5])
async def test_across_the_end_of_a_lifetime_no_request_waits_and_one_fetch_runs(
    published: Published, age: float
) -> None:
    """The keys may take as long as they want."""
    await published.verify()
    published.documents.pause()
    published.clock.advance(age)

    for _ in range(100):
        assert (await asyncio.wait_for(published.verify(), 60.0)).subject == ALICE
        await run_pending_tasks()

    assert published.fetches == 2
    published.documents.resume()
    await run_pending_tasks()
    assert published.keys.status().state == "fresh"


@pytest.mark.conforms("fetches are bounded in size and time")
async def test_an_issuer_that_hangs_is_given_up_after_the_timeout() -> None:
    published = Published(timeout=0.02)
    published.documents.pause()

    with pytest.raises(KeysUnavailable, match=r"no keys within 0.02 s"):
        await asyncio.wait_for(published.verify(), 60.0)


@pytest.mark.conforms("a request that is cancelled does not end the shared fetch")
async def test_a_first_caller_that_goes_away_takes_nothing_from_the_others(
    published: Published,
) -> None:
    published.documents.pause()
    first = asyncio.create_task(published.verify())
    await run_pending_tasks()
    others = asyncio.create_task(published.verify_all([published.issuer.token()] * 99))
    await run_pending_tasks()

    first.cancel()
    await run_pending_tasks()
    published.documents.resume()

    assert await others == [ALICE] * 99
    assert first.cancelled()
    assert published.fetches == 1


@pytest.mark.conforms("a request that is cancelled does not end the shared fetch")
async def test_the_keys_arrive_though_every_caller_went_away(published: Published) -> None:
    published.documents.pause()
    callers = [asyncio.create_task(published.verify()) for _ in range(10)]
    await run_pending_tasks()

    for caller in callers:
        caller.cancel()
    published.documents.resume()
    await run_pending_tasks()

    assert published.keys.status().state == "fresh"
    assert published.fetches == 1


async def test_closing_leaves_no_task_and_answers_who_waits(published: Published) -> None:
    published.documents.pause()
    waiting = asyncio.create_task(published.verify_all([published.issuer.token()] * 10))
    await run_pending_tasks()

    await published.keys.aclose()

    assert await waiting == ["keys_unavailable"] * 10
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_closing_is_no_failure_that_the_next_request_has_to_wait_for(
    published: Published,
) -> None:
    published.documents.pause()
    waiting = asyncio.create_task(published.verify_all([published.issuer.token()]))
    await run_pending_tasks()
    await published.keys.aclose()
    await waiting
    published.documents.resume()

    assert await published.verify_all([published.issuer.token()]) == [ALICE]


def test_a_source_serves_two_event_loops_one_after_the_other(published: Published) -> None:
    outcomes = [asyncio.run(published.verify_all([published.issuer.token()])) for _ in range(2)]

    assert outcomes == [[ALICE], [ALICE]]
    assert published.fetches == 1


@pytest.mark.parametrize("age", [0.0, 700.0, 5000.0], ids=["fresh", "stale", "expired"])
def test_a_source_survives_an_event_loop_that_died_with_a_fetch_under_way(
    published: Published, age: float
) -> None:
    async def begin() -> None:
        published.documents.pause()
        _waiting = [asyncio.create_task(published.verify()) for _ in range(3)]
        await run_pending_tasks()

    async def go_on() -> list[str]:
        published.documents.resume()
        return await asyncio.wait_for(published.verify_all([published.issuer.token()] * 3), 60.0)

    asyncio.run(published.verify_all([published.issuer.token()]))
    published.clock.advance(age)
    asyncio.run(begin())

    assert asyncio.run(go_on()) == [ALICE] * 3
