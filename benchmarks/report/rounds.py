"""Measures subjects in rounds, and compares two of them round by round.

Both sides of a ratio come from the same round, so anything that slows the machine for longer than
a round slows both.
"""

import gc
import statistics
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some measurements, and their quartiles `low` and `high`."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Return the median and the quartiles of at least one value."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high)


def interleaved(
    subjects: Mapping[Name, Callable[[], float]], *, rounds: int
) -> dict[Name, list[float]]:
    """Return the results of each subject, one for each round.

    Each subject is called once a round, and each round begins with another subject, so no subject
    always runs first or always after the same one. The garbage collector runs before each call and
    stays on during it; objects that existed before the first call are exempt from it.
    """
    names = list(subjects)
    results: dict[Name, list[float]] = {name: [] for name in names}
    gc.collect()
    gc.freeze()
    try:
        for number in range(rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                gc.collect()
                results[name].append(subjects[name]())
    finally:
        gc.unfreeze()
    return results


def ratios(of: Sequence[float], to: Sequence[float]) -> Spread:
    """Return the ratios of `of` to `to`, divided round by round."""
    return spread([a / b for a, b in zip(of, to, strict=True)])
