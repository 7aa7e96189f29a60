"""The server: several applications in one event loop, and its listening sockets."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from resource_api.server import CannotListen, Listener, ServerFailed, bind, serve, url


def application(name: str, events: list[str], *, starts: bool = True) -> Starlette:
    """Return an application that answers with its name and records its start and end."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        if not starts:
            raise RuntimeError("does not start")
        events.append(f"{name} starts")
        yield
        events.append(f"{name} ends")

    async def answer(request: Request) -> Response:
        return PlainTextResponse(name)

    return Starlette(routes=[Route("/", answer)], lifespan=lifespan)


async def test_several_applications_are_served_until_one_signal_ends_them() -> None:
    events: list[str] = []
    answers: list[str] = []
    up = asyncio.Event()
    with bind("127.0.0.1", 0) as first, bind("127.0.0.1", 0) as second:
        listeners = [
            Listener(application("a", events), first),
            Listener(application("b", events), second),
        ]
        addresses = [url(first), url(second)]
        serving = asyncio.create_task(serve(listeners, started=up.set))

        async with asyncio.timeout(60):
            await up.wait()
            async with httpx.AsyncClient() as client:
                answers += [(await client.get(address)).text for address in addresses]
            os.kill(os.getpid(), signal.SIGTERM)
            await serving

    assert answers == ["a", "b"]
    assert sorted(events) == ["a ends", "a starts", "b ends", "b starts"]


async def test_if_one_application_fails_to_start_the_others_are_shut_down() -> None:
    events: list[str] = []
    with bind("127.0.0.1", 0) as first, bind("127.0.0.1", 0) as second:
        listeners = [
            Listener(application("a", events), first),
            Listener(application("b", events, starts=False), second),
        ]

        async with asyncio.timeout(60):
            with pytest.raises(ServerFailed):
                await serve(listeners, started=lambda: events.append("started"))

    assert events == ["a starts", "a ends"]


def test_a_taken_port_cannot_be_bound_again() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(CannotListen, match=f"127.0.0.1 port {port}: the port is in use"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b", "fe80::1%x"])
def test_an_address_that_is_not_of_this_machine_cannot_be_bound(host: str) -> None:
    with pytest.raises(CannotListen, match=f"Cannot listen on {host} port 0: "):
        bind(host, 0)


async def test_a_connection_sends_its_answers_without_nagles_delay() -> None:
    uses_nagle: list[bool] = []

    class Connection(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            connection: socket.socket = transport.get_extra_info("socket")
            nodelay = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            uses_nagle.append(nodelay == 0)
            transport.close()

    with bind("127.0.0.1", 0) as listening:
        server = await asyncio.get_running_loop().create_server(Connection, sock=listening)
        async with server:
            reader, writer = await asyncio.open_connection(*listening.getsockname()[:2])
            await reader.read()
            writer.close()
            await writer.wait_closed()

    assert uses_nagle == [False]


def test_the_address_of_a_socket_is_a_url() -> None:
    with bind("localhost", 0) as listening:
        assert httpx.URL(url(listening)).port == listening.getsockname()[1]


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_the_address_of_an_ipv6_socket_is_a_url() -> None:
    with bind("::1", 0) as listening:
        assert httpx.URL(url(listening)).host == "::1"
