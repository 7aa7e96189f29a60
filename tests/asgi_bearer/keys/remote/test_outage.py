"""The issuer is down, slow or sends nonsense: cached keys keep serving, and fetches stay few."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from asgi_bearer import BearerMiddleware
from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import Document, FetchFailed, NotServed, remote_keys
from asgi_bearer.testing import signing_key
from tests.support.asgi import answer_ok, bearer, client
from tests.support.documents import FakeDocuments
from tests.support.published_keys import DOWN, JWKS_URI, Published, run_pending_tasks

ALICE = "alice"


@pytest.mark.conforms(
    "without keys the answer is 503 with Retry-After and no challenge",
    "the last good key set serves within its bound",
)
async def test_without_keys_every_token_is_keys_unavailable(published: Published) -> None:
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
async def test_the_last_good_set_serves_until_its_end(
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
async def test_an_unknown_key_is_keys_unavailable_while_the_issuer_is_down(
    published: Published, age: float
) -> None:
    """The key may be new: with a 401, a client would throw away a valid token."""
    await published.verify()
    published.serve(DOWN)
    published.clock.advance(age)

    assert set(await published.verify_all(published.unknown_tokens(100))) == {"keys_unavailable"}


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_a_token_without_a_key_id_is_keys_unavailable_while_the_issuer_is_down(
    published: Published,
) -> None:
    """The token may be signed with a new key that is not cached yet."""
    await published.verify()
    published.issuer.key = signing_key("ES256", "k2", 2)
    published.serve(DOWN)

    token = published.issuer.token_with_header(kid=None)

    assert await published.verify_all([token]) == ["keys_unavailable"]


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_a_client_that_cancels_its_own_task_counts_as_a_failed_fetch(
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
async def test_a_refresh_that_returns_nonsense_does_not_replace_the_cached_set(
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
async def test_nonsense_in_the_first_fetch_is_keys_unavailable(
    published: Published, answer: object
) -> None:
    published.serve(answer)

    assert await published.verify_all([published.issuer.token()]) == ["keys_unavailable"]


async def seconds_of_fetches(published: Published, seconds: int, tokens: list[str]) -> list[int]:
    """Verify `tokens` every second; return the seconds in which a fetch began."""
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
async def test_fetches_back_off_during_an_outage_for_every_kind_of_token(
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

    assert await seconds_of_fetches(published, 200, tokens[kind]) == BACK_OFF


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_a_thousand_requests_during_an_outage_cause_one_fetch(
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
async def test_a_thousand_requests_during_an_outage_cause_one_fetch_per_back_off(
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

    # The back-off, and at most the time until the next request.
    intervals = [later - earlier for earlier, later in pairwise(attempts)]
    assert intervals == [pytest.approx(pause, abs=1 / 8) for pause in pauses]


@pytest.mark.conforms(
    "without keys the answer is 503 with Retry-After and no challenge",
    "the last good key set serves within its bound",
)
async def test_a_valid_token_is_never_refused_as_invalid_during_an_outage(
    published: Published,
) -> None:
    """It is accepted while the cached keys serve, and 503 afterwards."""
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
async def test_keys_serve_for_their_lifetime_plus_serve_stale(
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
async def test_a_long_lifetime_from_the_issuer_holds_during_an_outage(
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
async def test_the_503_response_says_when_the_next_fetch_may_succeed(
    published: Published,
) -> None:
    published.serve(DOWN)
    guarded = BearerMiddleware(answer_ok, verifier=published.verifier)
    after: list[tuple[int, str]] = []
    async with client(guarded) as http:
        for seconds in (0.0, 0.5, 0.5, 0.5, 1.5):
            published.clock.advance(seconds)
            response = await http.get("/", headers=bearer(published.issuer.token()))
            assert "www-authenticate" not in response.headers
            after.append((response.status_code, response.headers["retry-after"]))

    assert after == [(503, "1"), (503, "1"), (503, "2"), (503, "2"), (503, "4")]


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_the_first_successful_fetch_ends_an_outage(published: Published) -> None:
    published.serve(DOWN)
    await seconds_of_fetches(published, 5, [published.issuer.token()])
    published.publish()
    published.clock.advance(10.0)

    assert await published.verify_all([published.issuer.token()] * 100) == [ALICE] * 100
    assert published.keys.status().state == "fresh"


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_the_back_off_starts_again_after_a_recovery(published: Published) -> None:
    await published.verify()
    published.clock.advance(480.0)
    published.serve(DOWN)
    await seconds_of_fetches(published, 31, [published.issuer.token()])
    published.publish()
    published.clock.advance(60.0)
    await seconds_of_fetches(published, 1, [published.issuer.token()])
    published.clock.advance(480.0)
    published.serve(DOWN)

    assert await seconds_of_fetches(published, 10, [published.issuer.token()]) == [0, 1, 3, 7]


@pytest.mark.conforms(
    "a rotation costs one fetch and no 401",
    "the last good key set serves within its bound",
)
async def test_a_rotation_during_an_outage_is_found_once_the_issuer_answers(
    published: Published,
) -> None:
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
async def test_valid_tokens_do_not_wait_for_a_slow_issuer(published: Published) -> None:
    await published.verify()
    published.documents.pause()
    published.clock.advance(700.0)

    tokens = [published.issuer.token()] * 100
    assert await asyncio.wait_for(published.verify_all(tokens), 60.0) == [ALICE] * 100

    assert published.fetches == 2
    await published.keys.aclose()


@pytest.mark.conforms("fetches are bounded in size and time")
@pytest.mark.parametrize("age", [480.0, 599.5, 600.0, 4199.5])
async def test_no_request_waits_and_one_fetch_runs_when_a_lifetime_ends(
    published: Published, age: float
) -> None:
    """The fetch may take any time."""
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
async def test_a_fetch_from_an_issuer_that_hangs_ends_with_the_timeout() -> None:
    published = Published(timeout=0.02)
    published.documents.pause()

    with pytest.raises(KeysUnavailable, match=r"no keys within 0.02 s"):
        await asyncio.wait_for(published.verify(), 60.0)


@pytest.mark.conforms("a request that is cancelled does not end the shared fetch")
async def test_cancelling_the_first_caller_does_not_affect_the_others(
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
async def test_the_keys_are_cached_even_if_every_caller_was_cancelled(published: Published) -> None:
    published.documents.pause()
    callers = [asyncio.create_task(published.verify()) for _ in range(10)]
    await run_pending_tasks()

    for caller in callers:
        caller.cancel()
    published.documents.resume()
    await run_pending_tasks()

    assert published.keys.status().state == "fresh"
    assert published.fetches == 1


async def test_closing_ends_the_fetch_and_answers_the_waiting_callers(published: Published) -> None:
    published.documents.pause()
    waiting = asyncio.create_task(published.verify_all([published.issuer.token()] * 10))
    await run_pending_tasks()

    await published.keys.aclose()

    assert await waiting == ["keys_unavailable"] * 10
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_closing_does_not_count_as_a_failed_fetch(
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
def test_a_source_survives_an_event_loop_that_ended_during_a_fetch(
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
