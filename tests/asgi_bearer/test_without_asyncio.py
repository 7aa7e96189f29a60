"""What the guard does on an event loop of somebody else's, such as trio."""

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
    """Has no lifespan."""


async def answers(_scope: Any, _receive: Any, send: Any) -> None:
    """Has no lifespan either."""
    await send({"type": "http.response.start", "status": 200, "headers": []})


def without_asyncio(app: Any, scope: Message, *received: Message) -> list[Message]:
    """Run `app` as an event loop of somebody else's (trio) would, up to its end; nothing waits."""
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
    """Return the request headers with a good token."""
    return [(b"authorization", f"Bearer {issuer.token()}".encode())]


class WithoutAsyncio(Verifier):
    """Says in its own words that there is no event loop of asyncio."""

    def warm(self) -> None:
        raise KeysUnavailable("keys are fetched on asyncio only")

    async def aclose(self) -> None:
        raise KeysUnavailable("keys are fetched on asyncio only")


def test_without_asyncio_an_application_starts_and_the_log_says_why_there_are_no_keys(
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


def test_without_asyncio_keys_that_are_at_hand_serve() -> None:
    issuer = FakeIssuer()
    guarded = BearerMiddleware(answers, verifier=issuer.verifier())

    sent = without_asyncio(guarded, http_scope(headers=fields(issuer)))

    assert sent[0]["status"] == 200


def test_without_asyncio_keys_that_must_be_fetched_are_a_503_and_the_log_says_why(
    published: Published, caplog: pytest.LogCaptureFixture
) -> None:
    guarded = BearerMiddleware(answers, verifier=published.verifier)

    without_asyncio(guarded, {"type": "lifespan"}, STARTUP, SHUTDOWN)
    sent = without_asyncio(guarded, http_scope(headers=fields(published.issuer)))

    assert sent[0]["status"] == 503
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert all("only on asyncio" in message for message in caplog.messages)
