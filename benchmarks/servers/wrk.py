"""Runs wrk with one thread, 32 connections and the tokens of a file, and reads what it counted."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

CONNECTIONS: Final = 32

_SCRIPT: Final = Path(__file__).with_name("rotate.lua")

_TIMEOUT: Final = 10.0
"""Seconds after the end of the run."""


class NotMeasured(RuntimeError):
    """A run that cannot be used."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one run.

    Arguments:
        responses: including refusals.
        refused: responses with status 400 and above.
        broken: connections and requests that failed.
    """

    responses: int
    seconds: float
    refused: int
    broken: int

    def checked(self) -> Self:
        """Return this object.

        Raises:
            NotMeasured: there was no response, or a refusal or error.
        """
        if not self.responses or self.refused or self.broken:
            raise NotMeasured(
                f"{self.responses} responses, {self.refused} refused, {self.broken} broken"
            )
        return self

    def rate(self) -> float:
        """Return the responses a second."""
        return self.responses / self.seconds


def is_installed() -> bool:
    """Return whether wrk is installed."""
    return shutil.which("wrk") is not None


def counts(output: str) -> Counts:
    """Return the counts that `rotate.lua` wrote at the end of `output`.

    Raises:
        NotMeasured: it wrote none.
    """
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            found = json.loads(line)
            return Counts(
                responses=found["responses"],
                seconds=found["microseconds"] / 1e6,
                refused=found["refused"],
                broken=found["broken"],
            )
    raise NotMeasured(f"wrk wrote no counts: {output[-500:]}")


def run(url: str, tokens: Path, *, seconds: int) -> Counts:
    """Send requests to `url` as fast as it responds, for whole seconds.

    Arguments:
        tokens: a file with one token a line.

    Raises:
        NotMeasured: there was no response, or a refusal or error.
    """
    load = ("-t1", f"-c{CONNECTIONS}", f"-d{seconds}s")
    try:
        done = subprocess.run(
            ["wrk", *load, "-s", _SCRIPT, url, "--", tokens],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds + _TIMEOUT,
        )
    except subprocess.TimeoutExpired as err:
        raise NotMeasured(f"wrk did not end within {err.timeout:.0f} s") from err
    return counts(done.stdout).checked()
