"""The addresses of the three parties, the sockets behind them, and redirects to the start page.

All sockets are bound before any server starts, so that a port in use ends the demo at once.
"""

import socket
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from resource_api.server import CannotListen, bind

HOST = "127.0.0.1"
"""The only address that the demo listens on; no option changes it."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The URLs of the parties, each with a final slash, and the folder of their files."""

    api: str
    issuer: str
    web_application: str
    data: Path


class PortsUnavailable(Exception):
    """One or more ports cannot be used; the message has a line for each."""


@contextmanager
def bound_sockets(ports: Mapping[str, int]) -> Generator[list[socket.socket]]:
    """Bind a socket to each port and close them all at the end of the block.

    Arguments:
        ports: by the command line option that sets the port.

    Raises PortsUnavailable, which names all ports that cannot be used.
    """
    with ExitStack() as stack:
        sockets: list[socket.socket] = []
        faults: list[str] = []
        for option, port in ports.items():
            try:
                sockets.append(stack.enter_context(bind(HOST, port)))
            except CannotListen as error:
                faults.append(
                    f"{error} Stop the program that uses it, or choose another port with {option}."
                )
        if faults:
            raise PortsUnavailable("\n".join(faults))
        yield sockets


def with_start_page(app: ASGIApp, start_page: str, *, hosts: Iterable[str]) -> ASGIApp:
    """Return the application, with `/` under these host names redirected to the start page.

    Other host names get the application's own answer, so that a page of another site whose name
    points to this machine (DNS rebinding) gains nothing.
    """
    hosts = frozenset(hosts)

    async def redirecting(scope: Scope, receive: Receive, send: Send) -> None:
        redirected = (
            scope["type"] == "http"
            and scope["path"] == "/"
            and scope["method"] in {"GET", "HEAD"}
            and Headers(scope=scope).get("host", "").partition(":")[0] in hosts
        )
        await (RedirectResponse(start_page, 303) if redirected else app)(scope, receive, send)

    return redirecting
