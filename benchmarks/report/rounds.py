"""Rounds in which every subject has its turn, and what they say about two of them.

A ratio is made of two measurements of one round, so that whatever slows the machine for longer than
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
    """Where the measurements lie.

    Arguments:
        median: half of them are below it.
        low, high: the quartiles, between which the middle half lies.
    """

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Return median and quartiles of one value or more."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high)


def interleaved(
    subjects: Mapping[Name, Callable[[], float]], *, rounds: int
) -> dict[Name, list[float]]:
    """Return what each subject returned in each round.

    Each is called once a round, and every round begins with another one: none of them always
    comes after the same neighbour's rubbish, or first after a pause. The garbage collector runs
    before each call and stays on during it; what was there before the first is kept out of it.
    """
    names = list(subjects)
    returned: dict[Name, list[float]] = {name: [] for name in names}
    gc.collect()
    gc.freeze()
    try:
        for number in range(rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                gc.collect()
                returned[name].append(subjects[name]())
    finally:
        gc.unfreeze()
    return returned


def ratios(of: Sequence[float], to: Sequence[float]) -> Spread:
    """Return how `of` compares to `to`, round by round."""
    return spread([one / other for one, other in zip(of, to, strict=True)])
