"""`end_with_token`: a WebSocket or a stream ends when its access token ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from asgi_bearer import BearerMiddleware
from asgi_bearer.testing import FakeClock, FakeIssuer
from tests.support.asgi import bearer, bearer_fields, http_scope, websocket_scope
from tests.support.published_keys import run_pending_tasks

EXPIRED = "The access token has expired."
CLOSE = {"type": "websocket.close", "code": 1008, "reason": EXPIRED}
DISCONNECTED = {"type": "websocket.disconnect", "code": 1008, "reason": EXPIRED}
GONE = {"type": "http.disconnect"}
ACCEPT = {"type": "websocket.accept"}
DENIAL: dict[str, Any] = {"type": "websocket.http.response.start", "status": 404, "headers": []}
LENGTH = (b"Content-Length", b"8")


def start(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": list(headers)}


def body(text: bytes = b"", *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": text, "more_body": more}


class WatchedClock(FakeClock):
    """A clock that tells when it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.read = asyncio.Event()

    def __call__(self) -> float:
        self.read.set()
        return super().__call__()


class Connection:
    """A connection to an application behind a guard.

    Its token ends when the test calls `end_token`, or has ended within the leeway before the
    request. The guard's timer is real, so it is set to a millisecond.
    """

    def __init__(
        self, app: Any, *, websocket: bool = False, late: bool = False, **arguments: Any
    ) -> None:
        self.sent: list[Any] = []
        self.waiting: asyncio.Queue[Any] = asyncio.Queue()
        self.clock = WatchedClock()
        issuer = FakeIssuer(clock=self.clock)
        token = issuer.token(exp=self.clock.now + 60)
        self.scope = (
            websocket_scope(headers=bearer(token))
            if websocket
            else http_scope(headers=bearer_fields(token))
        )
        self.clock.advance(60 if late else 60 - 0.001)
        settings: dict[str, Any] = {"cache_control": False, "clock": self.clock, **arguments}
        settings.setdefault("end_with_token", True)
        self.guard = BearerMiddleware(app, verifier=issuer.verifier(), **settings)

    def end_token(self) -> None:
        self.clock.advance(1)

    async def guard_knows(self) -> None:
        """Wait until the guard has read the clock again."""
        self.clock.read.clear()
        await self.clock.read.wait()
        await run_pending_tasks()

    def client_sends(self, message: dict[str, Any]) -> None:
        self.waiting.put_nowait(message)

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def run(self) -> list[Any]:
        async with asyncio.timeout(60):
            await self.guard(self.scope, self.waiting.get, self.send)
        return self.sent


async def test_a_websocket_is_closed_when_its_token_ends() -> None:
    received: list[Any] = []

    async def listening(_scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)
        for _ in range(3):
            received.append(await receive())
            connection.end_token()

    connection = Connection(listening, websocket=True)
    connection.client_sends({"type": "websocket.receive", "text": "hello"})

    assert await connection.run() == [ACCEPT, CLOSE]
    assert received == [
        {"type": "websocket.receive", "text": "hello"},
        DISCONNECTED,
        DISCONNECTED,
    ]


async def test_a_stream_ends_when_its_token_ends() -> None:
    received: list[Any] = []

    async def streaming(_scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        await send(body(b"one", more=True))
        connection.end_token()
        received.append(await receive())
        await send(body(b"two", more=True))
        raise AssertionError("send must raise after the end")

    connection = Connection(streaming)

    assert await connection.run() == [start(), body(b"one", more=True), body()]
    assert received == [GONE]


async def test_a_stream_that_has_sent_no_body_ends() -> None:
    async def silent(_scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        connection.end_token()
        await receive()

    connection = Connection(silent)

    assert await connection.run() == [start(), body()]


@pytest.mark.parametrize(
    ("websocket", "messages", "sent"),
    [
        pytest.param(True, [ACCEPT], [ACCEPT, CLOSE], id="an accepted WebSocket"),
        pytest.param(
            False,
            [start(), body(b"one", more=True)],
            [start(), body(b"one", more=True), body()],
            id="a stream",
        ),
        pytest.param(False, [start(), body(b"one")], None, id="a response of one message"),
        pytest.param(
            False,
            [start(LENGTH), body(b"half", more=True), body(b"half")],
            None,
            id="a response with a length",
        ),
        pytest.param(
            False,
            [start(), {"type": "http.response.pathsend", "path": "/file"}],
            None,
            id="a file",
        ),
        pytest.param(
            True,
            [DENIAL],
            None,
            id="a denial of the application",
        ),
        pytest.param(True, [{"type": "websocket.close", "code": 1000}], None, id="a close"),
        pytest.param(
            True,
            [ACCEPT, {"type": "websocket.close", "code": 1000}],
            [ACCEPT, CLOSE],
            id="a close after accept",
        ),
    ],
)
async def test_a_token_that_ended_before_the_response(
    websocket: bool, messages: list[Any], sent: list[Any] | None
) -> None:
    """The leeway let the request in; what can be ended begins and ends."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await run_pending_tasks()
        for message in messages:
            await send(message)

    connection = Connection(app, websocket=websocket, late=True)

    assert await connection.run() == (messages if sent is None else sent)


async def test_a_response_that_has_begun_with_a_length_is_sent_whole() -> None:
    async def download(_scope: Any, _receive: Any, send: Any) -> None:
        await send(start(LENGTH))
        await send(body(b"half", more=True))
        connection.end_token()
        await connection.guard_knows()
        await send(body(b"half"))

    connection = Connection(download)

    assert (await connection.run())[-1] == body(b"half")


async def test_a_client_that_leaves_first_ends_the_connection() -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        assert await receive() == GONE

    connection = Connection(app)
    connection.client_sends(GONE)

    assert await connection.run() == [start()]


async def test_no_message_is_lost_if_the_application_cancels_receive() -> None:
    received: list[Any] = []

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        with anyio.move_on_after(0):
            await receive()
        connection.client_sends({"type": "http.request", "body": b"x"})
        received.append(await receive())

    connection = Connection(app)
    await connection.run()

    assert received == [{"type": "http.request", "body": b"x"}]


async def test_two_tasks_that_receive_get_different_messages() -> None:
    received: list[Any] = []

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        received[:] = await asyncio.gather(receive(), receive())

    connection = Connection(app)
    connection.client_sends({"body": b"1"})
    connection.client_sends({"body": b"2"})
    await connection.run()

    assert received == [{"body": b"1"}, {"body": b"2"}]


async def endless(_request: Request) -> StreamingResponse:
    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield b"tick"
            await asyncio.sleep(0)

    return StreamingResponse(chunks())


@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
async def test_an_endless_stream_of_starlette_ends_without_an_error(spec_version: str) -> None:
    """Starlette listens for the disconnect or, since version 2.4 of ASGI, for the `OSError`."""
    connection = Connection(Starlette(routes=[Route("/", endless)]), late=True)
    connection.scope["asgi"] = {"version": "3.0", "spec_version": spec_version}

    sent = await connection.run()

    assert (sent[0]["type"], sent[-1]) == ("http.response.start", body())
    assert all(message["more_body"] for message in sent[1:-1])


async def error_of_send(send: Any) -> OSError:
    """Begin a stream whose token has ended; return what `send` raises."""
    await run_pending_tasks()
    await send(start())
    await send(body(more=True))
    with pytest.raises(OSError, match="the access token has ended") as caught:
        await send(body())
    return caught.value


def because_of(err: Exception) -> Exception:
    """Return an error that a framework raises because of `err`."""
    gone = ValueError("the client has gone")
    gone.__context__ = err
    return gone


def itself(err: Exception) -> Exception:
    return err


def in_group(err: Exception) -> Exception:
    return ExceptionGroup("in a task group", [err])


def beside_another(err: Exception) -> Exception:
    return ExceptionGroup("in a task group", [err, ValueError("a bug")])


def in_a_circle(_err: Exception) -> Exception:
    bug = ValueError("a bug")
    bug.__cause__ = bug
    return bug


def another(_err: Exception) -> Exception:
    return ValueError("a bug")


@pytest.mark.parametrize(
    ("make", "hidden"),
    [
        (itself, True),
        (because_of, True),
        (in_group, True),
        (beside_another, False),
        (another, False),
        (in_a_circle, False),
    ],
)
async def test_only_an_error_because_of_the_end_is_not_raised(
    make: Callable[[Exception], Exception], hidden: bool
) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        raise make(await error_of_send(send))

    connection = Connection(app, late=True)
    expected = nullcontext() if hidden else pytest.raises((ValueError, ExceptionGroup))

    with expected:
        await connection.run()

    assert connection.sent == [start(), body(more=True), body()]


class Breaking(Connection):
    """A connection whose server fails once the application has accepted."""

    err: Exception

    async def send(self, message: Any) -> None:
        if self.sent:
            raise self.err
        await super().send(message)


@pytest.mark.parametrize("err", [OSError(), RuntimeError()], ids=["OSError", "RuntimeError"])
async def test_a_server_that_cannot_send_the_end_is_no_error(err: Exception) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)
        connection.end_token()
        assert await receive() == DISCONNECTED

    connection = Breaking(app, websocket=True)
    connection.err = err

    assert await connection.run() == [ACCEPT]


async def test_a_clock_that_breaks_ends_the_connection() -> None:
    def broken() -> float:
        raise ValueError("no time")

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)
        assert await receive() == DISCONNECTED

    connection = Connection(app, websocket=True, clock=broken)

    assert await connection.run() == [ACCEPT, CLOSE]


@pytest.mark.parametrize("arguments", [{"end_with_token": False}, {"public": {"/"}}])
async def test_other_connections_do_not_end(arguments: dict[str, Any]) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)
        connection.end_token()
        await run_pending_tasks()
        await send({"type": "websocket.send", "text": "x"})

    connection = Connection(app, websocket=True, late=True, **arguments)

    assert await connection.run() == [ACCEPT, {"type": "websocket.send", "text": "x"}]


async def test_a_connection_that_is_over_leaves_no_task_behind() -> None:
    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        with anyio.move_on_after(0):
            await receive()

    before = asyncio.all_tasks()
    await Connection(app).run()
    await run_pending_tasks()

    assert asyncio.all_tasks() == before
