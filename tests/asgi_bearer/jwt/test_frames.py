"""While an application runs, and after a refusal, no frame of this library holds the token."""

import gc
import traceback
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from asgi_bearer import AccessTokenError, BearerMiddleware, Presented
from asgi_bearer.starlette import Refused, requires
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer_fields, converse, http_scope

issuer = FakeIssuer()


class Breakdown(Exception):
    """The error that an application or a server raises."""


async def failing(_scope: Any, _receive: Any, send: Any) -> None:
    """Fail after the response has started."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise Breakdown


@requires("read:contacts")
async def failing_endpoint(request: Request) -> None:
    """Fail in an endpoint that requires a scope."""
    raise Breakdown


@requires("read:contacts")
def failing_function(request: Request) -> None:
    """Fail in an endpoint that requires a scope and is not async."""
    raise Breakdown


def in_starlette(endpoint: Any) -> Starlette:
    return Starlette(routes=[Route("/", endpoint)])


def scope_with(token: str, **changes: Any) -> dict[str, Any]:
    return http_scope(headers=bearer_fields(token), **changes)


async def frames_of(raised: type[Exception], running: Coroutine[Any, Any, Any]) -> list[FrameType]:
    """Return the library's frames in the traceback of the error that `running` raises."""
    with pytest.raises(raised) as caught:
        await running
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    return [frame for frame in frames if "/middleware/asgi_bearer/" in frame.f_code.co_filename]


def assert_without(token: str, frames: list[FrameType]) -> None:
    """Fail if an error reporter could read `token` in local variables; `scope` is exempt."""
    assert frames
    for frame in frames:
        shown = repr({name: value for name, value in frame.f_locals.items() if name != "scope"})
        for part in token.split("."):
            assert part not in shown, frame.f_code.co_qualname


@pytest.mark.conforms("no token appears in a log, a body or an exception")
@pytest.mark.parametrize(
    "app",
    [failing, in_starlette(failing_endpoint), in_starlette(failing_function)],
    ids=["bare", "requires", "requires, not async"],
)
@pytest.mark.parametrize("known", [False, True], ids=["new token", "known token"])
@pytest.mark.parametrize("optional", [False, True])
async def test_an_error_report_of_the_application_shows_no_token_in_the_librarys_frames(
    app: Any, known: bool, optional: bool
) -> None:
    """Error reporters show the local variables of each frame; the scope holds the headers."""
    verifier, token = issuer.verifier(), issuer.token()
    if known:
        await verifier.verify(Presented(token))
    guard = BearerMiddleware(app, verifier=verifier, optional=optional)

    frames = await frames_of(Breakdown, converse(guard, scope_with(token)))

    assert_without(token, frames)


async def answering(_scope: Any, _receive: Any, send: Any) -> None:
    """Start a response."""
    await send({"type": "http.response.start", "status": 200, "headers": []})


@pytest.mark.conforms("no token appears in a log, a body or an exception")
@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "make", [issuer.token, lambda: issuer.token(exp=1)], ids=["let in", "refused"]
)
async def test_an_error_report_of_the_server_shows_no_token_in_the_librarys_frames(
    make: Callable[[], str], kind: str, optional: bool
) -> None:
    """The response comes from the application if the request is accepted, else from the guard."""

    async def receive() -> Any:
        raise NotImplementedError

    async def send(_message: Any) -> None:
        raise Breakdown

    token = make()
    guard = BearerMiddleware(answering, verifier=issuer.verifier(), optional=optional)

    frames = await frames_of(Breakdown, guard(scope_with(token, type=kind), receive, send))

    assert_without(token, frames)


@pytest.mark.conforms("no token appears in a log, a body or an exception")
async def test_a_refusal_by_an_endpoint_shows_no_token_in_the_librarys_frames() -> None:
    token = issuer.token(scope="openid")

    async def reraising(scope: Any, _receive: Any, _send: Any) -> None:
        await failing_endpoint(Request(scope))

    guard = BearerMiddleware(reraising, verifier=issuer.verifier())

    frames = await frames_of(Refused, converse(guard, scope_with(token)))

    assert {"check", "protected_async"} <= {frame.f_code.co_name for frame in frames}
    assert_without(token, frames)


@pytest.mark.conforms("no token appears in a log, a body or an exception")
async def test_a_startup_that_fails_after_a_request_shows_no_token_in_the_librarys_frames() -> None:
    """The verifier stands in those frames; it stores tokens as digests only."""
    token, verifier = issuer.token(), WarmVerifier()

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await answering(scope, _receive, send)
        else:
            await _receive()
            raise Breakdown

    guard = BearerMiddleware(app, verifier=verifier)
    await converse(guard, scope_with(token))

    frames = await frames_of(
        Breakdown, converse(guard, {"type": "lifespan"}, {"type": "lifespan.startup"})
    )

    assert "run_lifespan" in {frame.f_code.co_name for frame in frames}
    assert_without(token, frames)


class WarmVerifier:
    """A verifier with a `warm` method."""

    def __init__(self) -> None:
        self.verify = issuer.verifier().verify

    def warm(self) -> None:
        """Do nothing."""

    async def aclose(self) -> None:
        """Do nothing."""


@pytest.mark.conforms("no token appears in a log, a body or an exception")
async def test_a_refused_token_is_freed_with_its_request() -> None:
    """No garbage collection is needed: a flood of refused tokens must not pile up."""
    app = BearerMiddleware(failing, verifier=issuer.verifier())
    token = issuer.token(exp=1, jti="refused")
    gc.collect()
    gc.disable()
    try:
        sent = await converse(app, scope_with(token))
        left = [it for it in gc.get_objects() if type(it) is Presented and it.token == token]
    finally:
        gc.enable()

    assert sent[0]["status"] == 401
    assert left == []


@pytest.mark.conforms("no token appears in a log, a body or an exception")
@pytest.mark.parametrize(
    "rest", [b" b", b"", b"." + b"x" * 70_000, b",c"], ids=["word", "as it is", "long", "comma"]
)
async def test_a_refusal_that_a_caller_of_verify_gets_shows_no_token(rest: bytes) -> None:
    """Such as a dependency of FastAPI, which calls the verifier itself."""
    token = issuer.token(exp=1)
    credentials = b"Bearer " + token.encode() + rest
    presented = Presented.in_scope({"headers": [(b"authorization", credentials)]})

    frames = await frames_of(AccessTokenError, issuer.verifier().verify(presented))

    assert_without(token, frames)
