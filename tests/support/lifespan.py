"""Runs the lifespan of an ASGI application, and verifiers that take part in it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from asgi_bearer import Presented, Principal

Message = dict[str, Any]


@asynccontextmanager
async def running(app: Any) -> AsyncGenerator[None]:
    """Start `app` before the `with` block and shut it down afterwards."""
    received: asyncio.Queue[Message] = asyncio.Queue()
    sent: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    life = asyncio.create_task(app(scope, received.get, sent.put))
    async with asyncio.timeout(60):
        await received.put({"type": "lifespan.startup"})
        assert (await sent.get())["type"] == "lifespan.startup.complete"
    try:
        yield
    finally:
        async with asyncio.timeout(60):
            await received.put({"type": "lifespan.shutdown"})
            assert (await sent.get())["type"] == "lifespan.shutdown.complete"
            await life


class ApplicationVerifier:
    """A verifier that an application wrote, without `warm`."""

    async def verify(self, presented: Presented) -> Principal:
        raise NotImplementedError


class WarmVerifier(ApplicationVerifier):
    """A verifier with `warm` and `aclose`, which records their calls."""

    def __init__(self, calls: list[str]) -> None:
        self._calls = calls

    def warm(self) -> None:
        self._calls.append("warm")

    async def aclose(self) -> None:
        self._calls.append("closed")
