"""Runs the servers of all systems at the same time, and measures their requests a second."""

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
from benchmarks.servers.issuer import Issuer, running_issuer
from benchmarks.servers.node import FOLDER, node
from benchmarks.servers.server_process import ServerFailed, check, running_server
from benchmarks.servers.systems import MANY, NODE, System
from benchmarks.tokens import AUDIENCE

RUN_SECONDS: Final = 1
"""The shortest run that wrk offers; many short runs vary less than a few long ones."""

_LONGEST_FILLING_SECONDS: Final = 16

_TOKENS_IN_SHORT_RUN: Final = 1_000
"""Still more than the small cache of one system holds."""


class MeasuredSystems:
    """Starts and measures systems that trust one issuer.

    Arguments:
        left_out: why a system cannot be measured, by its name.
    """

    def __init__(self, issuer: Issuer, folder: Path, *, short: bool) -> None:
        self.left_out: dict[str, str] = {}
        self._most_tokens = _TOKENS_IN_SHORT_RUN if short else MANY
        self._issuer = issuer
        self._folder = folder
        self._files: dict[int, Path] = {}

    @contextmanager
    def started(
        self, systems: Mapping[str, System]
    ) -> Generator[dict[str, Callable[[], float]], None, None]:
        """Start and check the servers; yield for each a function that returns its requests/s."""
        measuring: dict[str, Callable[[], float]] = {}
        with ExitStack() as stack:
            for name, system in systems.items():
                try:
                    url = self._start(stack, name, system)
                except (NotInstalled, ServerFailed, wrk.NotMeasured) as err:
                    self.left_out[name] = str(err)
                    print(f"{name} is left out: {err}", file=sys.stderr)
                else:
                    measuring[name] = partial(self._rate, url, system)
            yield measuring

    def _start(self, stack: ExitStack, name: str, system: System) -> str:
        command = self._command(system)
        url = stack.enter_context(running_server(command, self._folder / f"{name}.log"))
        check(url, self._issuer, guarded=system.is_guarded)
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
        """Run without counting; if the cache must be filled, until each token was sent."""
        seconds = RUN_SECONDS
        while True:
            responses = self._counts(url, system, seconds).responses
            if not system.filled or responses >= min(system.tokens, self._most_tokens):
                return
            seconds *= 2
            if seconds > _LONGEST_FILLING_SECONDS:
                raise ServerFailed(
                    f"only {responses} responses in {seconds // 2} s, too few to fill the cache"
                )

    def _rate(self, url: str, system: System) -> float:
        return self._counts(url, system, RUN_SECONDS).rate()

    def _counts(self, url: str, system: System, seconds: int) -> wrk.Counts:
        run = partial(wrk.run, url, self._token_file(system.tokens), seconds=seconds)
        try:
            return run()
        except wrk.NotMeasured as err:
            # One broken connection must not end a benchmark of several minutes.
            print(f"{system.adapter}: measured again: {err}", file=sys.stderr)
            return run()

    def _token_file(self, most: int) -> Path:
        number = min(most, self._most_tokens)
        if number not in self._files:
            path = self._folder / f"{number}.tokens"
            path.write_text("".join(f"{token}\n" for token in self._issuer.tokens(number)))
            self._files[number] = path
        return self._files[number]


@contextmanager
def measured_systems(*, short: bool) -> Generator[MeasuredSystems, None, None]:
    """Run an issuer and yield an object that starts systems.

    Arguments:
        short: use fewer tokens, only to test that everything runs.
    """
    with tempfile.TemporaryDirectory() as folder, running_issuer() as issuer:
        yield MeasuredSystems(issuer, Path(folder), short=short)
