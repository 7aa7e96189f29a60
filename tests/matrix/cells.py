"""The cells of the matrix: all of them, and the slice that CI runs."""

from dataclasses import dataclass

from tests.matrix.frameworks import FRAMEWORKS, Framework
from tests.matrix.servers import SERVERS, Server


@dataclass(frozen=True, slots=True)
class Cell:
    """A framework on a server, run by a Python."""

    framework: Framework
    server: Server
    python: str

    def __str__(self) -> str:
        return f"{self.framework.name} on {self.server.name}, Python {self.python}"


def whole(pythons: list[str]) -> list[Cell]:
    """Return the cells of these Pythons."""
    return [
        Cell(framework, server, python)
        for python in pythons
        for framework in FRAMEWORKS
        for server in SERVERS
    ]


def slice_of(python: str) -> list[Cell]:
    """Return one cell for each framework; together they have every server."""
    return [
        Cell(framework, SERVERS[number % len(SERVERS)], python)
        for number, framework in enumerate(FRAMEWORKS)
    ]
