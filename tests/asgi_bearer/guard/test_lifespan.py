"""Keys are fetched at start-up and closed at shutdown, together with the application."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from asgi_bearer import BearerMiddleware
from asgi_bearer.testing import FakeIssuer, signing_key
from tests.support.asgi import SHUTDOWN, STARTUP, Message, answer_subject, bearer, client, converse
from tests.support.lifespan import ApplicationVerifier, WarmVerifier, running
from tests.support.published_keys import DOWN, Published, run_pending_tasks


async def endpoint(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.user.subject)


def outermost(verifier: Any) -> Any:
    return BearerMiddleware(Starlette(routes=[Route("/", endpoint)]), verifier=verifier)


def inside_starlette(verifier: Any) -> Any:
    guard = Middleware(BearerMiddleware, verifier=verifier)
    return Starlette(routes=[Route("/", endpoint)], middleware=[guard])


def twice(verifier: Any) -> Any:
    return BearerMiddleware(inside_starlette(verifier), verifier=verifier)


PLACEMENTS = pytest.mark.parametrize("place", [outermost, inside_starlette, twice])


async def get(app: Any, published: Published) -> tuple[int, str]:
    """Make a request with a valid token; return the status and the body."""
    async with client(app) as http:
        response = await http.get("/", headers=bearer(published.issuer.token()))
    return response.status_code, response.text


@PLACEMENTS
async def test_one_fetch_at_start_up_serves_the_first_requests(
    place: Any, published: Published
) -> None:
    app = place(published.verifier)

    async with running(app):
        await run_pending_tasks()
        assert published.fetches == 1
        assert await get(app, published) == (200, "alice")

    assert published.fetches == 1


@PLACEMENTS
async def test_start_up_does_not_wait_for_an_issuer_that_hangs(
    place: Any, published: Published
) -> None:
    published.documents.pause()

    async with running(place(published.verifier)):
        await run_pending_tasks()
        assert published.fetches == 1
        assert published.keys.status().state == "never"
        published.documents.resume()
        await run_pending_tasks()
        assert published.keys.status().state == "fresh"


async def test_a_first_request_waits_for_the_fetch_of_the_start_up(
    published: Published,
) -> None:
    published.documents.pause()
    app = outermost(published.verifier)

    async with running(app):
        waiting = asyncio.create_task(get(app, published))
        await run_pending_tasks()
        published.documents.resume()
        assert await waiting == (200, "alice")

    assert published.fetches == 1


@pytest.mark.parametrize("fault", [DOWN, RuntimeError("broken client")], ids=["ours", "unknown"])
async def test_an_issuer_that_is_down_does_not_stop_the_start_up(
    published: Published, fault: Exception
) -> None:
    published.serve(fault)
    app = outermost(published.verifier)

    async with running(app):
        await run_pending_tasks()
        assert (await get(app, published))[0] == 503
        published.publish()
        published.clock.advance(1.0)
        assert await get(app, published) == (200, "alice")


@PLACEMENTS
async def test_shutdown_ends_a_fetch_and_leaves_no_task(place: Any, published: Published) -> None:
    published.documents.pause()

    async with running(place(published.verifier)):
        await run_pending_tasks()
        assert len(asyncio.all_tasks()) == 3  # The test, the application, the fetch.

    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert published.keys.status().fault is None


async def test_an_application_that_starts_again_uses_the_cached_keys(
    published: Published,
) -> None:
    app = outermost(published.verifier)
    for _ in range(3):
        async with running(app):
            await run_pending_tasks()
            assert await get(app, published) == (200, "alice")

    assert published.fetches == 1


@PLACEMENTS
async def test_without_a_lifespan_the_first_request_fetches_the_keys(
    place: Any, published: Published
) -> None:
    """Some servers do not run the lifespan."""
    app = place(published.verifier)

    assert await get(app, published) == (200, "alice")
    assert published.fetches == 1


async def test_an_error_in_the_start_up_of_the_application_reaches_the_server(
    published: Published,
) -> None:
    """The guard still serves requests if the server continues."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            raise NotImplementedError("no lifespan here")
        await answer_subject(scope, receive, send)

    guarded = BearerMiddleware(app, verifier=published.verifier)

    with pytest.raises(NotImplementedError, match="no lifespan here"):
        await converse(guarded, {"type": "lifespan"}, STARTUP)

    assert await get(guarded, published) == (200, "alice")
    assert published.fetches == 1


@pytest.mark.conforms("a WebSocket is refused before accept; of other scopes only lifespan passes")
async def test_the_application_gets_the_servers_scope_and_messages_unchanged(
    published: Published,
) -> None:
    """Messages of an unknown type included."""
    scope: Message = {"type": "lifespan", "state": {}}
    messages: list[Message] = [dict(STARTUP), {"type": "lifespan.pause"}, dict(SHUTDOWN)]
    received_objects: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        received_objects.append(scope)
        for _ in messages:
            received_objects.append(await receive())
            await send({"type": "lifespan.noted"})

    sent = await converse(BearerMiddleware(app, verifier=published.verifier), scope, *messages)

    assert [id(each) for each in received_objects] == [id(each) for each in (scope, *messages)]
    assert sent == [{"type": "lifespan.noted"}] * 3


class HalfWarmVerifier(ApplicationVerifier):
    """A verifier whose `warm` has another signature."""

    def warm(self, degrees: float) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    "verifier",
    [ApplicationVerifier(), HalfWarmVerifier(), FakeIssuer(key=signing_key("ES256")).verifier()],
    ids=["own", "half", "static-keys"],
)
async def test_a_verifier_or_key_source_without_warm_works(verifier: Any) -> None:
    async with running(BearerMiddleware(Starlette(), verifier=verifier)):
        await run_pending_tasks()
        assert len(asyncio.all_tasks()) == 2


async def test_without_warm_the_application_gets_the_servers_receive() -> None:
    read: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        read.append(receive)

    async def receive() -> Any:
        raise NotImplementedError

    await BearerMiddleware(app, verifier=ApplicationVerifier())({"type": "lifespan"}, receive, app)  # type: ignore[arg-type]  # nothing is sent

    assert read == [receive]


class RecordingApplication:
    """Records the types of the messages that it receives."""

    def __init__(self, calls: list[str]) -> None:
        self._calls = calls

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        for _ in range(3):
            self._calls.append((await receive())["type"])


async def test_a_verifier_is_warmed_before_and_closed_before_the_application() -> None:
    """The application may use the verifier in its start-up, and may close resources of the verifier
    in its shutdown."""
    calls: list[str] = []
    guarded = BearerMiddleware(RecordingApplication(calls), verifier=WarmVerifier(calls))

    await converse(guarded, {"type": "lifespan"}, STARTUP, {"type": "lifespan.pause"}, SHUTDOWN)

    assert calls == ["warm", "lifespan.startup", "lifespan.pause", "closed", "lifespan.shutdown"]


async def test_the_lifespan_of_the_application_runs(published: Published) -> None:
    calls: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        calls.append("begin")
        yield
        calls.append("end")

    app = Starlette(
        middleware=[Middleware(BearerMiddleware, verifier=published.verifier)], lifespan=lifespan
    )

    async with running(app):
        calls.append("serving")

    assert calls == ["begin", "serving", "end"]


async def serve_once(published: Published) -> tuple[int, str]:
    """Start an application, make one request, and shut it down."""
    app = outermost(published.verifier)
    async with running(app):
        await run_pending_tasks()
        return await get(app, published)


@pytest.mark.parametrize(("age", "fetches"), [(0.0, 1), (500.0, 2), (700.0, 2), (5000.0, 2)])
def test_a_verifier_serves_two_event_loops_one_after_the_other(
    published: Published, age: float, fetches: int
) -> None:
    first = asyncio.run(serve_once(published))
    published.clock.advance(age)
    second = asyncio.run(serve_once(published))

    assert [first, second] == [(200, "alice")] * 2
    assert published.fetches == fetches


def test_an_event_loop_that_ended_during_a_fetch_blocks_no_request(
    published: Published,
) -> None:
    async def start_fetch() -> None:
        published.documents.pause()
        published.verifier.warm()
        await run_pending_tasks()

    ended_loop = asyncio.new_event_loop()
    ended_loop.run_until_complete(start_fetch())
    published.documents.resume()

    assert asyncio.run(serve_once(published)) == (200, "alice")
    assert published.fetches == 2

    ended_loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(ended_loop)))
    ended_loop.close()


FORKING = """
import asyncio, os
from tests.support.published_keys import Published, run_pending_tasks

published = Published()

async def verified():
    published.documents.resume()
    async with asyncio.timeout(60):
        return (await published.verify()).subject

def in_a_child(age):
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        published.clock.advance(age)
        for _ in range(2):
            assert asyncio.run(verified()) == "alice"
        print(published.fetches, flush=True)
        os._exit(0)
    except BaseException as err:
        print(repr(err), flush=True)
        os._exit(1)

async def fetching():
    published.clock.advance(500.0)
    published.documents.pause()
    published.verifier.warm()
    await run_pending_tasks()
"""

FORKS = [
    ("never-used", "in_a_child(0.0)", "1"),
    ("fresh", "asyncio.run(verified()); in_a_child(0.0)", "1"),
    ("stale", "asyncio.run(verified()); in_a_child(700.0)", "2"),
    ("expired", "asyncio.run(verified()); in_a_child(5000.0)", "2"),
    (
        "while-keys-are-fetched-in-a-loop-that-goes-on",
        "loop = asyncio.new_event_loop(); loop.run_until_complete(verified());"
        "loop.run_until_complete(fetching()); in_a_child(0.0); published.documents.resume();"
        "loop.run_until_complete(run_pending_tasks());"
        "print(published.keys.status().age); loop.close()",
        "3\n0.0",
    ),
    (
        "while-keys-are-fetched-for-the-first-time",
        "loop = asyncio.new_event_loop(); loop.run_until_complete(fetching());"
        "in_a_child(0.0); loop.run_until_complete(published.keys.aclose()); loop.close()",
        "2",
    ),
    (
        "in-a-running-loop",
        "async def fork():\n    await verified(); await fetching(); in_a_child(0.0)\n"
        "    published.documents.resume(); await run_pending_tasks()\nasyncio.run(fork())",
        "3",
    ),
]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.parametrize(
    ("steps", "printed"), [row[1:] for row in FORKS], ids=[row[0] for row in FORKS]
)
def test_a_key_source_works_in_a_forked_process(steps: str, printed: str) -> None:
    """Some servers load the application and then fork. The child's count includes its parent's
    fetches."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{FORKING}\n{steps}"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (run.stdout.strip(), run.stderr, run.returncode) == (printed, "", 0)


class BrokenVerifier(ApplicationVerifier):
    """A verifier whose `warm` and `aclose` fail with a secret in the message."""

    def warm(self) -> None:
        raise RuntimeError("s3cret")

    async def aclose(self) -> None:
        raise RuntimeError("s3cret")


async def test_a_verifier_that_fails_does_not_stop_start_up_or_shutdown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        log.append("start")
        yield
        log.append("end")

    async with running(BearerMiddleware(Starlette(lifespan=lifespan), verifier=BrokenVerifier())):
        assert log == ["start"]

    assert log == ["start", "end"]
    assert caplog.messages == [
        "the keys cannot be fetched before the first request: RuntimeError",
        "the verifier could not be closed: RuntimeError",
    ]


async def test_a_failed_start_up_of_the_application_leaves_no_fetch(published: Published) -> None:
    """The server sends no shutdown after it."""
    published.documents.pause()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await run_pending_tasks()
        raise RuntimeError("no database")

    guard = BearerMiddleware(app, verifier=published.verifier)
    with pytest.raises(RuntimeError, match="no database"):
        await converse(guard, {"type": "lifespan"}, STARTUP)

    assert published.fetches == 1
    assert len(asyncio.all_tasks()) == 1


async def test_the_verifier_is_closed_before_the_server_learns_of_a_failed_start_up() -> None:
    """The server may end the process at once."""
    calls: list[str] = []

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        calls.append("reported")
        raise RuntimeError("no database")

    guarded = BearerMiddleware(app, verifier=WarmVerifier(calls))

    with pytest.raises(RuntimeError, match="no database"):
        await converse(guarded, {"type": "lifespan"}, STARTUP)

    assert calls == ["warm", "closed", "reported"]


async def test_the_verifier_is_closed_before_the_server_learns_of_the_end_of_the_shutdown() -> None:
    """The server may end the process at once."""
    calls: list[str] = []

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed"})
        calls.append("reported")

    guarded = BearerMiddleware(app, verifier=WarmVerifier(calls))

    await converse(guarded, {"type": "lifespan"}, STARTUP, SHUTDOWN)

    assert calls == ["warm", "closed", "reported"]


async def test_a_mounted_guard_gets_no_lifespan_and_fetches_with_the_first_request(
    published: Published,
) -> None:
    """Starlette does not pass the lifespan to mounted applications."""
    app = Starlette(routes=[Mount("/", outermost(published.verifier))])

    async with running(app):
        await run_pending_tasks()
        assert published.fetches == 0
        assert await get(app, published) == (200, "alice")

    assert published.fetches == 1
