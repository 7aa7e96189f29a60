"""Keys get ready with the application, and nothing is left of them after it."""

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
from tests.support.asgi import Message, bearer, client, converse
from tests.support.fake_issuer import FakeIssuer, signing_key
from tests.support.lifespan import running
from tests.support.published_keys import DOWN, Published, run_pending_tasks
from tests.support.warm_verifiers import Verifier, WarmVerifier

STARTUP, SHUTDOWN = {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}


async def subject(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.user.subject)


def outermost(verifier: Any) -> Any:
    return BearerMiddleware(Starlette(routes=[Route("/", subject)]), verifier=verifier)


def inside_starlette(verifier: Any) -> Any:
    guard = Middleware(BearerMiddleware, verifier=verifier)
    return Starlette(routes=[Route("/", subject)], middleware=[guard])


def twice(verifier: Any) -> Any:
    return BearerMiddleware(inside_starlette(verifier), verifier=verifier)


MOUNTED = pytest.mark.parametrize("mounted", [outermost, inside_starlette, twice])


@pytest.fixture
def published() -> Published:
    return Published()


async def answer(app: Any, published: Published) -> tuple[int, str]:
    """Make a request with a good token."""
    async with client(app) as http:
        response = await http.get("/", headers=bearer(published.issuer.token()))
    return response.status_code, response.text


@MOUNTED
async def test_with_the_application_one_fetch_begins_and_serves_the_first_requests(
    mounted: Any, published: Published
) -> None:
    app = mounted(published.verifier)

    async with running(app):
        await run_pending_tasks()
        assert published.fetches == 1
        assert await answer(app, published) == (200, "alice")

    assert published.fetches == 1


@MOUNTED
async def test_the_start_does_not_wait_for_an_issuer_that_hangs(
    mounted: Any, published: Published
) -> None:
    published.documents.pause()

    async with running(mounted(published.verifier)):
        await run_pending_tasks()
        assert published.fetches == 1
        assert published.keys.status().state == "never"
        published.documents.resume()
        await run_pending_tasks()
        assert published.keys.status().state == "fresh"


async def test_a_first_request_that_comes_before_the_keys_waits_for_the_same_fetch(
    published: Published,
) -> None:
    published.documents.pause()
    app = outermost(published.verifier)

    async with running(app):
        waiting = asyncio.create_task(answer(app, published))
        await run_pending_tasks()
        published.documents.resume()
        assert await waiting == (200, "alice")

    assert published.fetches == 1


@pytest.mark.parametrize("fault", [DOWN, RuntimeError("broken client")], ids=["ours", "unknown"])
async def test_an_issuer_that_is_down_does_not_stop_the_start(
    published: Published, fault: Exception
) -> None:
    published.serve(fault)
    app = outermost(published.verifier)

    async with running(app):
        await run_pending_tasks()
        assert (await answer(app, published))[0] == 503
        published.publish()
        published.clock.advance(1.0)
        assert await answer(app, published) == (200, "alice")


@MOUNTED
async def test_the_end_of_the_application_ends_a_fetch_and_leaves_no_task(
    mounted: Any, published: Published
) -> None:
    published.documents.pause()

    async with running(mounted(published.verifier)):
        await run_pending_tasks()
        assert len(asyncio.all_tasks()) == 3  # The test, the application, the fetch.

    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert published.keys.status().fault is None


async def test_an_application_that_begins_anew_finds_the_keys_of_before(
    published: Published,
) -> None:
    app = outermost(published.verifier)
    for _ in range(3):
        async with running(app):
            await run_pending_tasks()
            assert await answer(app, published) == (200, "alice")

    assert published.fetches == 1


@MOUNTED
async def test_without_a_lifespan_the_first_request_fetches(
    mounted: Any, published: Published
) -> None:
    """Some servers have none."""
    app = mounted(published.verifier)

    assert await answer(app, published) == (200, "alice")
    assert published.fetches == 1


async def test_an_application_that_raises_in_its_start_is_left_alone(published: Published) -> None:
    """What the server makes of it is the server's affair; the requests are served."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            raise NotImplementedError("no lifespan here")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["user"].subject.encode()})

    guarded = BearerMiddleware(app, verifier=published.verifier)

    with pytest.raises(NotImplementedError, match="no lifespan here"):
        await converse(guarded, {"type": "lifespan"}, STARTUP)

    assert await answer(guarded, published) == (200, "alice")
    assert published.fetches == 1


@pytest.mark.conforms("a WebSocket is refused before accept; of other scopes only lifespan passes")
async def test_the_application_gets_scope_messages_and_send_as_the_server_made_them(
    published: Published,
) -> None:
    """Also messages of a kind that is not known."""
    scope: Message = {"type": "lifespan", "state": {}}
    messages: list[Message] = [dict(STARTUP), {"type": "lifespan.pause"}, dict(SHUTDOWN)]
    got: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        got.append(scope)
        for _ in messages:
            got.append(await receive())
            await send({"type": "lifespan.noted"})

    sent = await converse(BearerMiddleware(app, verifier=published.verifier), scope, *messages)

    assert [id(each) for each in got] == [id(each) for each in (scope, *messages)]
    assert sent == [{"type": "lifespan.noted"}] * 3


class HalfWarmVerifier(Verifier):
    """One whose `warm` is something else."""

    def warm(self, degrees: float) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    "verifier",
    [Verifier(), HalfWarmVerifier(), FakeIssuer(key=signing_key("ES256")).verifier()],
    ids=["own", "half", "static-keys"],
)
async def test_a_verifier_or_key_source_with_nothing_to_warm_works(verifier: Any) -> None:
    async with running(BearerMiddleware(Starlette(), verifier=verifier)):
        await run_pending_tasks()
        assert len(asyncio.all_tasks()) == 2


async def test_where_nothing_is_to_be_warmed_the_application_reads_from_the_server_itself() -> None:
    read: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        read.append(receive)

    async def receive() -> Any:
        raise NotImplementedError

    await BearerMiddleware(app, verifier=Verifier())({"type": "lifespan"}, receive, app)  # type: ignore[arg-type]  # nothing is sent

    assert read == [receive]


class NotingApplication:
    """Reads messages and notes them, among what its verifier notes."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        for _ in range(3):
            self._notes.append((await receive())["type"])


async def test_a_verifier_gets_ready_before_the_application_and_is_closed_before_it() -> None:
    """The application may use it when it starts, and takes away what it stands on when it ends."""
    notes: list[str] = []
    guarded = BearerMiddleware(NotingApplication(notes), verifier=WarmVerifier(notes))

    await converse(guarded, {"type": "lifespan"}, STARTUP, {"type": "lifespan.pause"}, SHUTDOWN)

    assert notes == ["warm", "lifespan.startup", "lifespan.pause", "closed", "lifespan.shutdown"]


async def test_the_application_starts_with_its_own_lifespan(published: Published) -> None:
    notes: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        notes.append("begin")
        yield
        notes.append("end")

    app = Starlette(
        middleware=[Middleware(BearerMiddleware, verifier=published.verifier)], lifespan=lifespan
    )

    async with running(app):
        notes.append("serving")

    assert notes == ["begin", "serving", "end"]


async def serve_once(published: Published) -> tuple[int, str]:
    """Run an application from start to end, with one request."""
    app = outermost(published.verifier)
    async with running(app):
        await run_pending_tasks()
        return await answer(app, published)


@pytest.mark.parametrize(("age", "fetches"), [(0.0, 1), (500.0, 2), (700.0, 2), (5000.0, 2)])
def test_two_event_loops_one_after_the_other_are_served(
    published: Published, age: float, fetches: int
) -> None:
    first = asyncio.run(serve_once(published))
    published.clock.advance(age)
    second = asyncio.run(serve_once(published))

    assert [first, second] == [(200, "alice")] * 2
    assert published.fetches == fetches


def test_an_event_loop_that_died_while_the_keys_were_fetched_holds_nobody_up(
    published: Published,
) -> None:
    async def die() -> None:
        published.documents.pause()
        published.verifier.warm()
        await run_pending_tasks()

    gone = asyncio.new_event_loop()
    gone.run_until_complete(die())
    published.documents.resume()

    assert asyncio.run(serve_once(published)) == (200, "alice")
    assert published.fetches == 2

    gone.run_until_complete(asyncio.gather(*asyncio.all_tasks(gone)))
    gone.close()


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
def test_a_source_works_in_a_process_that_was_forked_from_one_that_used_it(
    steps: str, printed: str
) -> None:
    """Servers that load the application and then fork; the child counts its parent's fetches."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{FORKING}\n{steps}"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (run.stdout.strip(), run.stderr, run.returncode) == (printed, "", 0)


class BrokenVerifier(Verifier):
    """Cannot get ready, nor be put away; its words may quote anything."""

    def warm(self) -> None:
        raise RuntimeError("s3cret")

    async def aclose(self) -> None:
        raise RuntimeError("s3cret")


async def test_a_verifier_that_breaks_keeps_nobody_from_starting_and_ending(
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


async def test_a_start_that_fails_leaves_no_fetch_behind(published: Published) -> None:
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


async def test_where_a_start_fails_the_verifier_is_closed_before_the_server_hears_of_it() -> None:
    """A server may wait for the application to end, or end it at once."""
    notes: list[str] = []

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        notes.append("told")
        raise RuntimeError("no database")

    guarded = BearerMiddleware(app, verifier=WarmVerifier(notes))

    with pytest.raises(RuntimeError, match="no database"):
        await converse(guarded, {"type": "lifespan"}, STARTUP)

    assert notes == ["warm", "closed", "told"]


async def test_at_the_end_the_verifier_is_closed_before_the_application_has_ended() -> None:
    """A server may end the process as soon as it hears of the end, or wait for ever."""
    notes: list[str] = []

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed"})
        notes.append("told")

    guarded = BearerMiddleware(app, verifier=WarmVerifier(notes))

    await converse(guarded, {"type": "lifespan"}, STARTUP, SHUTDOWN)

    assert notes == ["warm", "closed", "told"]


async def test_below_a_mount_there_is_no_lifespan_and_the_first_request_fetches(
    published: Published,
) -> None:
    """Starlette hands it on to no mounted application."""
    app = Starlette(routes=[Mount("/", outermost(published.verifier))])

    async with running(app):
        await run_pending_tasks()
        assert published.fetches == 0
        assert await answer(app, published) == (200, "alice")

    assert published.fetches == 1
