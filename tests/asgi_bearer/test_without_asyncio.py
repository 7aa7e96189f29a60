"""The guard on another event loop than asyncio, such as trio."""

from typing import Any

import pytest

from asgi_bearer import BearerMiddleware, KeysUnavailable
from tests.support.asgi import Message, http_scope
from tests.support.fake_issuer import FakeIssuer
from tests.support.published_keys import Published
from tests.support.warm_verifiers import Verifier

STARTUP, SHUTDOWN = {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}


@pytest.fixture
def published() -> Published:
    return Published()


async def returns_at_once(_scope: Any, _receive: Any, _send: Any) -> None:
    """Return without a lifespan."""


async def answers(_scope: Any, _receive: Any, send: Any) -> None:
    """Answer 200 without a lifespan."""
    await send({"type": "http.response.start", "status": 200, "headers": []})


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


def fields(issuer: FakeIssuer) -> list[tuple[bytes, bytes]]:
    """Return request headers with a valid token."""
    return [(b"authorization", f"Bearer {issuer.token()}".encode())]


class WithoutAsyncio(Verifier):
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
    guarded = BearerMiddleware(answers, verifier=issuer.verifier())

    sent = without_asyncio(guarded, http_scope(headers=fields(issuer)))

    assert sent[0]["status"] == 200


def test_remote_keys_without_asyncio_are_503_and_the_log_says_why(
    published: Published, caplog: pytest.LogCaptureFixture
) -> None:
    guarded = BearerMiddleware(answers, verifier=published.verifier)

    without_asyncio(guarded, {"type": "lifespan"}, STARTUP, SHUTDOWN)
    sent = without_asyncio(guarded, http_scope(headers=fields(published.issuer)))

    assert sent[0]["status"] == 503
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert all("only on asyncio" in message for message in caplog.messages)
