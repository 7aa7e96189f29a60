"""The field of a race: servers of many systems, all up at the same time, and their tokens."""

import json
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.peers.environments import NotInstalled, python_for
from benchmarks.servers import wrk
from benchmarks.servers.issuer import Issuer, issuer
from benchmarks.servers.node import FOLDER, node
from benchmarks.servers.server_process import NotServed, check_guarded, check_open, served
from benchmarks.servers.systems import MANY, NODE, System
from benchmarks.tokens import AUDIENCE

RUN_SECONDS: Final = 1
"""The shortest that wrk knows: many short runs even out more than a few long ones."""

_MOST_FILLING_SECONDS: Final = 16

_FEWER: Final = 1_000
"""Tokens in a short run, more than the small cache of one system holds, as always."""


class Field:
    """What `field` yields.

    Arguments:
        left_out: by name, why a system cannot be measured.
    """

    def __init__(self, signer: Issuer, folder: Path, *, short: bool) -> None:
        self.left_out: dict[str, str] = {}
        self._most_tokens = _FEWER if short else MANY
        self._issuer = signer
        self._folder = folder
        self._files: dict[int, Path] = {}

    @contextmanager
    def started(
        self, systems: Mapping[str, System]
    ) -> Generator[dict[str, Callable[[], float]], None, None]:
        """Start servers that do their work; yield what measures requests per second of each."""
        started: dict[str, Callable[[], float]] = {}
        with ExitStack() as stack:
            for name, system in systems.items():
                try:
                    url = self._started(stack, name, system)
                except (NotInstalled, NotServed, wrk.NotMeasured) as err:
                    self.left_out[name] = str(err)
                    print(f"{name} is left out: {err}", file=sys.stderr)
                else:
                    started[name] = partial(self._rate, url, system)
            yield started

    def _started(self, stack: ExitStack, name: str, system: System) -> str:
        command = self._command(system)
        url = stack.enter_context(served(command, self._folder / f"{name}.log"))
        if system.is_guarded:
            check_guarded(url, self._issuer)
        else:
            check_open(url, self._issuer)
        self._warm(url, system)
        return url

    def _command(self, system: System) -> list[str | Path]:
        arguments: dict[str, Any] = {}
        if system.is_guarded:
            arguments = {
                "issuer": self._issuer.identifier,
                "audience": AUDIENCE,
                "jwks_uri": self._issuer.jwks_uri,
                **system.arguments,
            }
        program: list[str | Path]
        if system.environment == NODE:
            program = [node(), FOLDER / f"{system.adapter}.js"]
        else:
            python = python_for(system.environment) if system.environment else sys.executable
            program = [python, "-m", "benchmarks.servers.application_process", system.adapter]
        return [*program, system.maker, json.dumps(arguments)]

    def _warm(self, url: str, system: System) -> None:
        """Make a run that does not count, or one in which each token was seen."""
        seconds = RUN_SECONDS
        while True:
            answers = self._counted(url, system, seconds).answers
            if not system.filled or answers >= min(system.tokens, self._most_tokens):
                return
            seconds *= 2
            if seconds > _MOST_FILLING_SECONDS:
                raise NotServed(f"{answers} answers were all in {seconds // 2} s")

    def _rate(self, url: str, system: System) -> float:
        return self._counted(url, system, RUN_SECONDS).rate()

    def _counted(self, url: str, system: System, seconds: int) -> wrk.Counted:
        run = partial(wrk.run, url, self._tokens(system.tokens), seconds=seconds)
        try:
            return run()
        except wrk.NotMeasured as err:
            # A whole race is too long to be lost by one connection that broke.
            print(f"{system.adapter}, once more: {err}", file=sys.stderr)
            return run()

    def _tokens(self, wanted: int) -> Path:
        number = min(wanted, self._most_tokens)
        if number not in self._files:
            path = self._folder / f"{number}.tokens"
            path.write_text("".join(f"{token}\n" for token in self._issuer.tokens(number)))
            self._files[number] = path
        return self._files[number]


@contextmanager
def field(*, short: bool) -> Generator[Field, None, None]:
    """Yield a field without servers.

    Arguments:
        short: with fewer tokens, to see that it runs.
    """
    with tempfile.TemporaryDirectory() as folder, issuer() as signer:
        yield Field(signer, Path(folder), short=short)
