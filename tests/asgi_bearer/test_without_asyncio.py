"""The guard on another event loop than asyncio, such as trio."""

from typing import Any

import pytest

from asgi_bearer import BearerMiddleware, KeysUnavailable, StaticKeys
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import SHUTDOWN, STARTUP, Message, answer_ok, bearer_fields, http_scope
from tests.support.lifespan import ApplicationVerifier
from tests.support.published_keys import Published


async def returns_at_once(_scope: Any, _receive: Any, _send: Any) -> None:
    """Return without a lifespan."""


def without_asyncio(app: Any, scope: Message, *received: Message) -> list[Message]:
    """Run `app` to its end without an asyncio event loop; it must not wait."""
    waiting = list(received)
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(StopIteration):
        app(scope, receive, send).send(None)
    return sent


class WithoutAsyncio(ApplicationVerifier):
    """A verifier that fails because no asyncio event loop runs."""

    def warm(self) -> None:
        raise KeysUnavailable("keys are fetched on asyncio only")

    async def aclose(self) -> None:
        raise KeysUnavailable("keys are fetched on asyncio only")


def test_an_application_without_asyncio_starts_and_the_log_says_why_there_are_no_keys(
    caplog: pytest.LogCaptureFixture,
) -> None:
    guarded = BearerMiddleware(returns_at_once, verifier=WithoutAsyncio())

    sent = without_asyncio(guarded, {"type": "lifespan"}, STARTUP, SHUTDOWN)

    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert caplog.messages == [
        f"{what}: keys are fetched on asyncio only"
        for what in (
            "the keys cannot be fetched before the first request",
            "the verifier could not be closed",
        )
    ]


def test_static_keys_serve_without_asyncio() -> None:
    issuer = FakeIssuer()
    keys = StaticKeys(issuer.jwks())
    guarded = BearerMiddleware(answer_ok, verifier=issuer.verifier(keys=keys))

    sent = without_asyncio(guarded, http_scope(headers=bearer_fields(issuer.token())))

    assert sent[0]["status"] == 200


def test_remote_keys_without_asyncio_are_503_and_the_log_says_why(
    published: Published, caplog: pytest.LogCaptureFixture
) -> None:
    guarded = BearerMiddleware(answer_ok, verifier=published.verifier)

    without_asyncio(guarded, {"type": "lifespan"}, STARTUP, SHUTDOWN)
    sent = without_asyncio(guarded, http_scope(headers=bearer_fields(published.issuer.token())))

    assert sent[0]["status"] == 503
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert all("only on asyncio" in message for message in caplog.messages)
