"""Where the three parties are: their addresses, and the sockets that they listen on.

All sockets are bound before any server starts, so that a port in use ends the demo at once.
"""

import socket
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from resource_api.server import CannotListen, bind

HOST = "127.0.0.1"
"""The only address that the demo listens on; there is no option for another."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parties are, each with a final slash, and the folder that their files are in."""

    api: str
    issuer: str
    web_application: str
    data: Path


@dataclass(frozen=True, slots=True)
class Port:
    """A port to listen on, and the option that chooses it."""

    number: int
    option: str


class PortsUnavailable(Exception):
    """One or more ports cannot be had; the message has a line for each."""


@contextmanager
def bound(ports: Iterable[Port]) -> Generator[list[socket.socket]]:
    """Hold a bound socket for each port, or none.

    Raises PortsUnavailable, naming all the ports that cannot be had.
    """
    with ExitStack() as sockets:
        held: list[socket.socket] = []
        faults: list[str] = []
        for port in ports:
            try:
                held.append(sockets.enter_context(bind(HOST, port.number)))
            except CannotListen as error:
                faults.append(f"{error} Stop what uses it, or choose another with {port.option}.")
        if faults:
            raise PortsUnavailable("\n".join(faults))
        yield held
