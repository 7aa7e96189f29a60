"""Answers that are sent in parts."""

import asyncio

from tests.matrix.behaviour import FIRST, SECOND, STREAM_ENDED, STREAM_WENT_ON
from tests.matrix.checks.client import DEADLINE, CheckFailed, Client, expect


async def streaming(client: Client) -> None:
    """The first part of an answer arrives while the application holds back the second one."""
    try:
        async with (
            asyncio.timeout(DEADLINE),
            client.http.stream("GET", "/stream", headers=client.bearer) as response,
        ):
            expect("the status", response.status_code, 200)
            parts = response.aiter_bytes()
            expect("the first part", await anext(parts), FIRST)
            await client.get("/release")
            expect("the rest", b"".join([part async for part in parts]), SECOND)
    except TimeoutError:
        raise CheckFailed("the first part is held back with the second one") from None


async def disconnect(client: Client) -> None:
    """The application sees that the client has gone in the middle of an answer."""
    async with client.http.stream("GET", "/endless", headers=client.bearer) as response:
        expect("the status", response.status_code, 200)
        await anext(response.aiter_bytes())
    await client.process.wait_for(STREAM_ENDED, STREAM_WENT_ON)
    if client.process.count(STREAM_WENT_ON):
        raise CheckFailed("the application went on after the client had gone")
