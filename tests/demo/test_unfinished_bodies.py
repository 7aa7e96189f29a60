"""A form that never arrives completely is refused in time, without a traceback."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.requests import Request
from starlette.types import Message

from demo.authorization_server.requests import parameters
from demo.authorization_server.requests.client_body import body_parameters
from demo.authorization_server.requests.oauth_error import OAuthError
from demo.web_application.session import browser
from demo.web_application.session.browser import ErrorPage

BEGUN: Message = {"type": "http.request", "body": b"grant_type=", "more_body": True}
GONE: Message = {"type": "http.disconnect"}

READERS: list[tuple[Callable[[Request], Awaitable[object]], type[Exception]]] = [
    (parameters.form_parameters, parameters.ParametersUnreadable),
    (body_parameters, OAuthError),
    (browser.form_fields, ErrorPage),
]
NAMES = ["authorize", "token endpoint", "web application"]


def posted(*messages: Message) -> Request:
    """Return a form request that sends these messages and then nothing more."""
    waiting = list(messages)

    async def receive() -> Message:
        return waiting.pop(0) if waiting else await asyncio.get_running_loop().create_future()

    content_type = (b"content-type", b"application/x-www-form-urlencoded")
    scope = {"type": "http", "method": "POST", "query_string": b"", "headers": [content_type]}
    return Request(scope, receive)


@pytest.mark.parametrize(("read", "refusal"), READERS, ids=NAMES)
async def test_a_form_that_does_not_arrive_in_time_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    read: Callable[[Request], Awaitable[object]],
    refusal: type[Exception],
) -> None:
    monkeypatch.setattr(parameters, "BODY_SECONDS", 0.01)
    monkeypatch.setattr(browser, "FORM_SECONDS", 0.01)

    async with asyncio.timeout(60):
        with pytest.raises(refusal):
            await read(posted(BEGUN))


@pytest.mark.parametrize(("read", "refusal"), READERS, ids=NAMES)
async def test_a_form_whose_sender_disconnects_is_refused(
    read: Callable[[Request], Awaitable[object]], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await read(posted(BEGUN, GONE))
