"""The results of drills, and their tables in Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.report.page import markdown_table


@dataclass(frozen=True, slots=True)
class DrillResult:
    """What one drill measured.

    Arguments:
        promise: its number.
        drill: what was done.
        measured, expected: for a reader.
    """

    promise: int
    drill: str
    measured: str
    expected: str
    passed: bool

    @property
    def verdict(self) -> str:
        """`pass` or `FAIL`."""
        return "pass" if self.passed else "FAIL"


Columns = Mapping[str, Sequence[DrillResult]]
"""The results of each library, by its name."""


def results_table(results: Sequence[DrillResult], promises: Mapping[int, str]) -> str:
    """Return a row for each result of one library, in the order of the promises."""
    rows: list[Sequence[str]] = []
    for number, name in promises.items():
        for index, result in enumerate(r for r in results if r.promise == number):
            promise = f"{number}. {name}" if index == 0 else ""
            rows.append((promise, result.drill, result.measured, result.expected, result.verdict))
    return markdown_table(("promise", "drill", "measured", "expected", ""), rows)


def summary(columns: Columns, promises: Mapping[int, str]) -> str:
    """Return how many drills of each promise each library passed."""
    rows: list[Sequence[str]] = []
    for number, name in promises.items():
        passed = [[r.passed for r in column if r.promise == number] for column in columns.values()]
        if any(passed):
            counts = (f"{sum(p)} of {len(p)}" if p else "" for p in passed)
            rows.append((f"{number}. {name}", *counts))
    return markdown_table(("promise", *columns), rows)


def comparison(columns: Columns) -> str:
    """Return what each library measured in each drill."""
    drills = dict.fromkeys((r.promise, r.drill) for column in columns.values() for r in column)
    rows: list[Sequence[str]] = []
    for promise, drill in sorted(drills, key=lambda key: key[0]):
        results = (
            next((r for r in column if (r.promise, r.drill) == (promise, drill)), None)
            for column in columns.values()
        )
        cells = (f"{r.verdict}: {r.measured}" if r is not None else "" for r in results)
        rows.append((str(promise), drill, *cells))
    return markdown_table(("", "drill", *columns), rows)
