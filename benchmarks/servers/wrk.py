"""Runs of wrk: one thread, 32 connections, the tokens of a file in turn."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

CONNECTIONS: Final = 32

_SCRIPT: Final = Path(__file__).with_name("rotate.lua")

_PATIENCE: Final = 10.0
"""Seconds beyond the run itself."""


class NotMeasured(RuntimeError):
    """A run whose figure would mean nothing."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What one run counted.

    Arguments:
        answers: all that came, refusals included.
        refused: answers of status 400 and above.
        broken: connections and requests that failed.
    """

    answers: int
    seconds: float
    refused: int
    broken: int

    def good(self) -> Self:
        """Return itself.

        Raises:
            NotMeasured: there was no answer, or one that was not good.
        """
        if not self.answers or self.refused or self.broken:
            raise NotMeasured(
                f"{self.answers} answers, {self.refused} refused, {self.broken} broken"
            )
        return self

    def rate(self) -> float:
        """Return the answers a second."""
        return self.answers / self.seconds


def is_here() -> bool:
    """Return whether wrk is installed."""
    return shutil.which("wrk") is not None


def counted(output: str) -> Counted:
    """Return what the script wrote at the end of `output`.

    Raises:
        NotMeasured: it wrote nothing.
    """
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            found = json.loads(line)
            return Counted(
                answers=found["answers"],
                seconds=found["microseconds"] / 1e6,
                refused=found["refused"],
                broken=found["broken"],
            )
    raise NotMeasured(f"wrk said nothing of what it counted: {output[-500:]}")


def run(url: str, tokens: Path, *, seconds: int) -> Counted:
    """Ask `url` as fast as it answers; wrk knows whole seconds only.

    Arguments:
        tokens: a file with one token a line.

    Raises:
        NotMeasured: there was no answer, or one that was not good.
    """
    load = ("-t1", f"-c{CONNECTIONS}", f"-d{seconds}s")
    try:
        done = subprocess.run(
            ["wrk", *load, "-s", _SCRIPT, url, "--", tokens],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds + _PATIENCE,
        )
    except subprocess.TimeoutExpired as err:
        raise NotMeasured(f"no end after {err.timeout:.0f} s") from err
    return counted(done.stdout).good()
