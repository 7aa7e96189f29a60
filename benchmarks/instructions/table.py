"""The benchmark `instructions`: its table, and the bounds that CI holds."""

import platform
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.instructions import names as named
from benchmarks.instructions.cachegrind import count_instructions
from benchmarks.report.page import versions
from benchmarks.report.result import Goal, Line, Result
from benchmarks.report.rounds import Spread

_BOUNDS: Final = Path(__file__).with_name("bounds.toml")
"""For each minor version of CPython, the largest ratio of each line."""


def run(*, short: bool) -> Result:
    """Count and return the result, the same for `short`: it takes less than a minute."""
    return Result(
        name="instructions",
        title="Processor instructions",
        how=(
            "Valgrind's cachegrind counts the instructions of a process. Each subject runs with "
            f"{named.TOKENS} tokens in turn, in one fork once and in another three times; the "
            "difference is divided by the calls. Requests are bytes on one connection of uvicorn's "
            "httptools protocol, without a network. The counts repeat to a fraction of a per cent "
            "on a busy machine. The application is one of Starlette behind a middleware that does "
            "nothing, or behind the guard. A known token is in the cache; for a new one it is off. "
            "`Check alone` is the call of cryptography with a loaded key, `beyond` the difference "
            "of two counts. Valgrind knows no SHA extension of the processor, so a digest counts "
            "more than it takes. "
            f"{versions('cryptography', 'uvicorn', 'starlette')}."
        ),
        lines=lines(count_instructions(), bounds(minor_version())),
        is_bound=True,
    )


def minor_version() -> str:
    """Return the minor version of this interpreter."""
    return ".".join(platform.python_version_tuple()[:2])


def bounds(python: str) -> Mapping[str, float]:
    """Return the bounds for a minor version of CPython, by line; empty if it has none."""
    found: Mapping[str, float] = tomllib.loads(_BOUNDS.read_text(encoding="utf-8")).get(python, {})
    return found


def lines(counts: Mapping[str, float], most: Mapping[str, float]) -> tuple[Line, ...]:
    """Return a line for each figure, with its bound.

    Arguments:
        counts: instructions of one call, by subject.
        most: the largest ratio, by line.
    """
    raw = named.RAW.format("RS256")
    beyond = {
        **{
            f"{name}: beyond no guard": (counts[name] - counts[named.NO_GUARD], named.NO_GUARD)
            for name in (named.KNOWN, named.KNOWN_WITHOUT_HEADER)
        },
        f"{named.KNOWN_WITHOUT_HEADER}: without the digest": (
            counts[named.KNOWN_WITHOUT_HEADER]
            - counts[named.NO_GUARD]
            - (counts[named.DIGEST] - counts[named.NOTHING]),
            named.NO_GUARD,
        ),
        f"{named.BARE_KNOWN}: beyond no guard": (
            counts[named.BARE_KNOWN] - counts[named.BARE],
            named.BARE,
        ),
        **{
            f"{name}: beyond no guard and check": (
                counts[name] - counts[named.NO_GUARD] - counts[raw],
                raw,
            )
            for name in (named.NEW, named.PYJWT)
        },
    }
    whole = {
        **{name: (counts[name], named.NO_GUARD) for name in (named.KNOWN, named.NEW, named.PYJWT)},
        **{
            named.VERIFY.format(alg): (
                counts[named.VERIFY.format(alg)] - counts[named.NOTHING_AWAITED],
                named.RAW.format(alg),
            )
            for alg in named.ALGORITHMS
        },
        named.VERIFY_KNOWN: (counts[named.VERIFY_KNOWN] - counts[named.NOTHING_AWAITED], raw),
        named.VERIFY_LONG: (counts[named.VERIFY_LONG], named.VERIFY_KNOWN),
        named.VERIFY_SCOPES: (counts[named.VERIFY_SCOPES], named.VERIFY_KNOWN),
        named.JUNK: (counts[named.JUNK], named.RAW_JUNK),
    }
    awaited = {named.SIGNATURE}
    steps = {
        f"step: {name}": (
            counts[name] - counts[named.NOTHING_AWAITED if name in awaited else named.NOTHING],
            raw,
        )
        for name in named.STEPS
    }
    return tuple(
        Line(
            name,
            against,
            _exactly(count / counts[against]),
            Goal(at_most=most[name]) if name in most else None,
            f"{count:,.0f} of {counts[against]:,.0f}",
        )
        for name, (count, against) in {**whole, **beyond, **steps}.items()
    )


def _exactly(ratio: float) -> Spread:
    return Spread(ratio, ratio, ratio)
