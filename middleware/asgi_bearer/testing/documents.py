"""What an issuer answers to requests for its documents, and how these answers fail in a test."""

import json
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from asgi_bearer.testing.gate import Gate


class Answer(NamedTuple):
    """An HTTP response: its status, its body, and its media type."""

    status: int
    body: bytes
    media_type: str = "application/json"


class Documents(ABC):
    """Documents by path. A test can replace them or hold them back.

    Attributes:
        requested: the paths that were requested, in this order.
    """

    def __init__(self) -> None:
        self.requested: list[str] = []
        self._gate = Gate()
        self._instead: list[Answer] = []

    @abstractmethod
    def documents(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the documents, by their paths."""

    @contextmanager
    def answering(
        self, body: bytes, *, status: int = 200, media_type: str = "application/json"
    ) -> Generator[None]:
        """Within the block, answer every request with `body`, such as `b"<html>"`."""
        self._instead.append(Answer(status, body, media_type))
        try:
            yield
        finally:
            self._instead.pop()

    @contextmanager
    def outage(self) -> Generator[None]:
        """Within the block, answer every request with 503."""
        with self.answering(b"", status=503):
            yield

    @contextmanager
    def held_back(self) -> Generator[None]:
        """Within the block, answer no request; send the answers when the block ends."""
        self._gate.close()
        try:
            yield
        finally:
            self._gate.open()

    async def answer(self, path: str) -> Answer:
        """Return the answer to GET `path`, once answers are not held back."""
        answer = self._answer_now(path)
        await self._gate.wait()
        return answer

    def answer_in_thread(self, path: str) -> Answer:
        """Return the same as `answer`, without an event loop."""
        answer = self._answer_now(path)
        self._gate.wait_in_thread()
        return answer

    def _answer_now(self, path: str) -> Answer:
        self.requested.append(path)
        if self._instead:
            return self._instead[-1]
        document = self.documents().get(path)
        if document is None:
            return Answer(404, b"")
        return Answer(200, json.dumps(document).encode())
