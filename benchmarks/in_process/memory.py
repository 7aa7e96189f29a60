"""Measures that memory does not grow with the number of verified tokens."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

from benchmarks import ROOT
from benchmarks.report.result import Curve, Goal, Line, Result
from benchmarks.report.rounds import Spread

_MIB: Final = 2**20

_FLAT: Final = Goal(at_most=1.1)
"""The allocator may keep a tenth. Without limits on the cache, the ratio would be above ten."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Distinct tokens that one verifier verifies.

    Arguments:
        number: how many tokens.
        claims: bytes of claims in each; 0 for the usual claims.
        full: after so many tokens the cache is certainly full.
        every: how many tokens between two samples.
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
    """Measure and return the result."""
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
            "One process signs distinct tokens (ES256) and writes them to a pipe. Another verifies "
            "them with one verifier, whose cache has the default size, and records its resident "
            "memory. The cache limits its entries and its bytes: once it is full, a new entry "
            "replaces an old one. The goal allows a tenth for memory that the allocator keeps; "
            "without limits the ratio would be above ten."
        ),
        lines=tuple(lines),
        curves=tuple(curves),
        y_axis="resident memory, MiB",
    )


def _samples(stream: Stream) -> dict[int, int]:
    """Return the resident bytes after so many tokens."""
    program = [sys.executable, "-m", "benchmarks.in_process.memory_processes"]
    sign = [*program, "sign", str(stream.number), str(stream.claims)]
    verify = [*program, "verify", str(stream.every)]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(sign, cwd=ROOT, stdout=pipe) as signing,
        subprocess.Popen(verify, cwd=ROOT, stdin=signing.stdout, stdout=pipe) as verifying,
    ):
        if signing.stdout is not None:
            # If the verifier ends early, the signer now gets an error.
            signing.stdout.close()
        output, _ = verifying.communicate()
    samples: dict[int, int] = dict(map(json.loads, output.splitlines()))
    if verifying.returncode or signing.returncode or stream.number not in samples:
        raise RuntimeError(f"{stream.what}: not all were signed and verified")
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
        + ("" if goal else "; too few tokens to fill the cache"),
    )


def _curve(stream: Stream, samples: dict[int, int]) -> Curve:
    points = ((float(number), size / _MIB) for number, size in samples.items())
    return Curve(
        "resident", tuple((x, Spread(y, y, y)) for x, y in points), f"{stream.what} so far"
    )
