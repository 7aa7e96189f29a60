"""Where requests are verified: over WSGI in one event loop of the process, over ASGI in that of the
server. So keys are fetched once, also in the background."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import path

from asgi_bearer import Presented, Principal
from asgi_bearer.django import BearerRequest
from asgi_bearer.django.configuration import configuration
from asgi_bearer.django.loop_thread import LoopThread
from asgi_bearer.django.verification import verify_async
from asgi_bearer.keys.events import KeyEvent, KeySetStatus
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.django.django_site import site
from tests.support.published_keys import Published

issuer = FakeIssuer()


def who(request: BearerRequest) -> HttpResponse:
    return HttpResponse(request.principal and request.principal.subject)


urlpatterns = [path("", who)]


def get(token: str) -> HttpResponse:
    client = Client(headers={"Authorization": f"Bearer {token}"})
    response: Any = client.get("/")
    return cast("HttpResponse", response)


def test_threads_over_wsgi_share_one_fetch(published: Published) -> None:
    tokens = [published.issuer.token(jti=f"{number}") for number in range(8)]
    begun = threading.Barrier(8)

    def get_together(token: str) -> int:
        begun.wait(60)
        return get(token).status_code

    with site(urlpatterns, {"VERIFIER": published.verifier}), ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(get_together, tokens))
        statuses += list(threads.map(get_together, tokens))

    assert statuses == [200] * 16
    assert published.fetches == 1


def test_unknown_keys_over_wsgi_cause_one_fetch(published: Published) -> None:
    with site(urlpatterns, {"VERIFIER": published.verifier}), ThreadPoolExecutor(8) as threads:
        get(published.issuer.token())
        responses = list(threads.map(get, published.unknown_tokens(30)))

    assert {response.status_code for response in responses} == {401}
    assert published.fetches == 2


def test_a_fetch_in_the_background_ends_although_its_request_has_ended() -> None:
    refreshed = threading.Event()

    def observe(event: KeyEvent, status: KeySetStatus) -> None:
        if event.kind == "unchanged":
            refreshed.set()

    published = Published(observer=observe)
    token = published.issuer.token(exp=int(published.clock()) + 100_000)
    with site(urlpatterns, {"VERIFIER": published.verifier}):
        get(token)
        published.clock.advance(590)
        response = get(token)
        assert refreshed.wait(60)

    assert response.status_code == 200
    assert published.keys.status().state == "fresh"


def test_new_keys_are_fetched_over_wsgi(published: Published) -> None:
    with site(urlpatterns, {"VERIFIER": published.verifier}):
        get(published.issuer.token())
        published.rotate()
        published.clock.advance(60)
        response = get(published.issuer.token())

    assert response.status_code == 200


class Recorder:
    """Records the event loop and the thread that verify."""

    def __init__(self) -> None:
        self.loops: list[asyncio.AbstractEventLoop] = []
        self._verifier = issuer.verifier()

    async def verify(self, presented: Presented) -> Principal:
        self.loops.append(asyncio.get_running_loop())
        return await self._verifier.verify(presented)


async def test_each_request_over_asgi_is_verified_in_the_loop_of_the_server() -> None:
    recorder = Recorder()
    setting = {"VERIFIER": recorder}
    headers = {"Authorization": f"Bearer {issuer.token()}"}

    # A synchronous middleware inside makes Django run this one in a thread.
    for middleware in ((), (f"{__name__}.synchronous_middleware",)):
        order = ["asgi_bearer.django.BearerMiddleware", *middleware]
        with site(urlpatterns, setting, middleware=order):
            await AsyncClient().get("/", headers=headers)

    assert recorder.loops == [asyncio.get_running_loop()] * 2


def synchronous_middleware(get_response: Any) -> Any:
    def respond(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = get_response(request)
        return response

    return respond


def test_an_async_view_over_wsgi_verifies_in_the_loop_of_all_others() -> None:
    recorder = Recorder()

    async def verifying(request: HttpRequest) -> HttpResponse:
        refused = await verify_async(request, configuration(), optional=False)
        return HttpResponse(status=200 if refused is None else refused.status)

    with site(urlpatterns, {"VERIFIER": recorder}):
        get(issuer.token())
    with site([path("", verifying)], {"VERIFIER": recorder}, middleware=()):
        response = get(issuer.token())

    assert response.status_code == 200
    assert len(recorder.loops) == 2
    assert len(set(recorder.loops)) == 1


def test_a_waiting_thread_that_is_interrupted_ends_the_verification(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    thread = LoopThread()
    begun, cancelled = threading.Event(), threading.Event()

    async def wait_for_ever() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    def interrupted(self: object, timeout: float | None = None) -> None:
        begun.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        thread.run(wait_for_ever())

    assert cancelled.wait(60)


def test_a_forked_process_has_an_event_loop_of_its_own() -> None:
    thread = LoopThread()

    async def process() -> int:
        return os.getpid()

    assert thread.run(process()) == os.getpid()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - the child has no tracer
        try:
            os.write(writing, b"own" if thread.run(process()) == os.getpid() else b"none")
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        assert answer.read() == b"own"
    os.waitpid(child, 0)


def test_a_thread_that_a_fork_ended_is_replaced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks: list[Callable[[], None]] = []

    def register(*, after_in_child: Callable[[], None]) -> None:
        hooks.append(after_in_child)

    async def ident() -> int:
        return threading.get_ident()

    monkeypatch.setattr(os, "register_at_fork", register)
    thread = LoopThread()
    first = thread.run(ident())
    hooks[0]()

    assert thread.run(ident()) == thread.run(ident()) != first
    assert len(hooks) == 1
