"""Text: the Markdown page and the JSON of a result, Markdown tables, the versions of packages."""

import json
import math
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Final

from benchmarks.report.result import Curve, Line, Result
from benchmarks.report.rounds import Spread

_MOST_POINTS: Final = 12
"""Of one curve in a table; the plot has all points."""


def page(result: Result) -> str:
    """Return title, method, plot and tables."""
    parts = [f"# {result.title}", result.how, f"![{result.title}]({result.name}.svg)"]
    if result.lines:
        parts.append(lines_table(result.lines))
    if result.curves:
        parts.append(curves_table(result))
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def lines_table(lines: Sequence[Line]) -> str:
    """Return a row for each line; there is a column of remarks if any line has one."""
    head = ["what", "against", "ratio", "goal", ""]
    rows = [
        [line.what, line.against, ratio_text(line.ratio), str(line.goal or ""), line.verdict]
        for line in lines
    ]
    if any(line.remark for line in lines):
        head.append("remark")
        rows = [[*row, line.remark] for row, line in zip(rows, lines, strict=True)]
    return markdown_table(head, rows)


def curves_table(result: Result) -> str:
    """Return a row for each curve, with some of its points."""
    rows = ((curve.name, curve.x_axis, _points(curve)) for curve in result.curves)
    return markdown_table(("curve", "x", f"x: {result.y_axis}"), rows)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; line breaks in a cell become spaces."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def versions(*packages: str) -> str:
    """Return the versions of Python and of these packages."""
    named = (f"{package} {version(package)}" for package in packages)
    return ", ".join((f"Python {platform.python_version()}", *named))


def json_text(result: Result) -> str:
    """Return the whole result, with the verdicts."""
    lines = [{**asdict(line), "verdict": line.verdict} for line in result.lines]
    return json.dumps({**asdict(result), "lines": lines}, indent=1) + "\n"


def ratio_text(ratio: Spread) -> str:
    """Return the median, and the quartiles unless they are equal."""
    median, low, high = map(_number, (ratio.median, ratio.low, ratio.high))
    return median if low == high else f"{median} [{low}..{high}]"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _points(curve: Curve) -> str:
    step = math.ceil(len(curve.points) / _MOST_POINTS)
    # Counted from the end, so that the last point stays.
    some = curve.points[::-1][::step][::-1]
    return ", ".join(f"{x:,.10g}: {_number(y.median)}" for x, y in some)


def _number(value: float) -> str:
    """Return the number with three significant digits."""
    magnitude = math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{max(0, 2 - magnitude)}f}"
