"""That the verified tokens take no more memory the more of them there were."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

from benchmarks.child_process import ROOT
from benchmarks.report.result import Curve, Goal, Line, Result
from benchmarks.report.rounds import Spread

_MIB: Final = 2**20

_FLAT: Final = Goal(at_most=1.1)
"""A tenth is for what the allocator cannot give back; a cache without bounds is at ten and more."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Distinct tokens that pass through one verifier.

    Arguments:
        number: of tokens.
        claims: bytes of each; 0 for as few as an access token has.
        full: tokens after which the cache has long been full.
        every: tokens between two samples.
    """

    what: str
    number: int
    claims: int
    full: int
    every: int


_LONG: Final = (
    Stream("tokens of 0.7 KiB", 1_000_000, 0, full=50_000, every=10_000),
    Stream("tokens of 12 KiB", 20_000, 9_000, full=5_000, every=500),
)
_SHORT: Final = (
    Stream("tokens of 0.7 KiB", 3_000, 0, full=1_000, every=250),
    Stream("tokens of 12 KiB", 500, 9_000, full=250, every=50),
)


def run(*, short: bool) -> Result:
    """Return what was measured."""
    lines: list[Line] = []
    curves: list[Curve] = []
    for stream in _SHORT if short else _LONG:
        samples = _samples(stream)
        lines.append(_line(stream, samples, goal=None if short else _FLAT))
        curves.append(_curve(stream, samples))
    return Result(
        name="memory",
        title="Memory",
        how=(
            "One process signs distinct tokens (ES256) and writes them to a pipe; another reads "
            "and verifies them with one verifier, its cache of the default size, and notes its "
            "resident memory. The cache is bounded by entries and by bytes: once it is full, what "
            "comes in replaces what was there. A goal of a tenth more leaves room for what the "
            "allocator cannot give back; without bounds it would be ten times and more."
        ),
        lines=tuple(lines),
        curves=tuple(curves),
        y_axis="resident memory, MiB",
    )


def _samples(stream: Stream) -> dict[int, int]:
    """Return resident bytes by the number of tokens before."""
    program = [sys.executable, "-m"]
    options = [str(stream.number), "--claims", str(stream.claims)]
    with (
        subprocess.Popen(
            [*program, "benchmarks.in_process.memory_processes", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        ) as signing,
        subprocess.Popen(
            [*program, "benchmarks.in_process.memory_process", str(stream.every)],
            cwd=ROOT,
            stdin=signing.stdout,
            stdout=subprocess.PIPE,
        ) as verifying,
    ):
        if signing.stdout is not None:
            # The other has it now; should that end early, the signer must notice.
            signing.stdout.close()
        said, _ = verifying.communicate()
    samples: dict[int, int] = dict(map(json.loads, said.splitlines()))
    if verifying.returncode or signing.returncode or stream.number not in samples:
        raise RuntimeError(f"{stream.what}: not all of them were signed and verified")
    return samples


def _line(stream: Stream, samples: dict[int, int], goal: Goal | None) -> Line:
    half = stream.number // 2
    highest = max(size for number, size in samples.items() if number >= half)
    full = samples[stream.full]
    ratio = highest / full
    return Line(
        f"{stream.what}: resident memory, the highest from {half:,} to {stream.number:,} tokens",
        f"after {stream.full:,}",
        Spread(ratio, ratio, ratio),
        goal,
        f"{full / _MIB:.0f} MiB, then {highest / _MIB:.0f} MiB"
        + ("" if goal else "; too few to fill the cache"),
    )


def _curve(stream: Stream, samples: dict[int, int]) -> Curve:
    points = ((float(number), size / _MIB) for number, size in samples.items())
    return Curve(
        "resident", tuple((x, Spread(y, y, y)) for x, y in points), f"{stream.what} so far"
    )
