"""What was measured, as Markdown tables."""

from collections.abc import Mapping, Sequence

from benchmarks.report.markdown import markdown_table
from drills.system_under_test import Figure

Columns = Mapping[str, Sequence[Figure]]


def table(figures: Sequence[Figure], promises: Mapping[int, str]) -> str:
    """Return all about one system: a row for each figure, in the order of the promises."""
    rows: list[Sequence[str]] = []
    for number, name in promises.items():
        for place, figure in enumerate(f for f in figures if f.promise == number):
            promise = f"{number}. {name}" if place == 0 else ""
            rows.append((promise, figure.drill, figure.measured, figure.bound, _verdict(figure)))
    return markdown_table(("promise", "drill", "measured", "bound", ""), rows)


def summary(columns: Columns, promises: Mapping[int, str]) -> str:
    """Return how many drills of each promise each system passed."""
    rows: list[Sequence[str]] = []
    for number, name in promises.items():
        verdicts = [[f.passed for f in fs if f.promise == number] for fs in columns.values()]
        if any(verdicts):
            counts = (f"{sum(v)} of {len(v)}" if v else "" for v in verdicts)
            rows.append((f"{number}. {name}", *counts))
    return markdown_table(("promise", *columns), rows)


def comparison(columns: Columns) -> str:
    """Return what each system measured in each drill."""
    drills = dict.fromkeys((f.promise, f.drill) for fs in columns.values() for f in fs)
    rows: list[Sequence[str]] = []
    for promise, drill in sorted(drills, key=lambda key: key[0]):
        found = (
            next((f for f in fs if (f.promise, f.drill) == (promise, drill)), None)
            for fs in columns.values()
        )
        cells = (f"{_verdict(f)}: {f.measured}" if f is not None else "" for f in found)
        rows.append((str(promise), drill, *cells))
    return markdown_table(("", "drill", *columns), rows)


def _verdict(figure: Figure) -> str:
    return "pass" if figure.passed else "FAIL"
