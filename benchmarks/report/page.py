"""A result as text: a page of Markdown for people, JSON for programs."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from benchmarks.report.markdown import markdown_table
from benchmarks.report.result import Curve, Line, Result
from benchmarks.report.rounds import Spread

_MOST_POINTS: Final = 12
"""Points of one curve in a table; its plot has all of them."""


def page(result: Result) -> str:
    """Return title, method, plot and tables."""
    parts = [f"# {result.title}", result.how, f"![{result.title}]({result.name}.svg)"]
    if result.lines:
        parts.append(lines_table(result.lines))
    if result.curves:
        parts.append(curves_table(result))
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def lines_table(lines: Sequence[Line]) -> str:
    """Return a row for each line; remarks have a column if there are any."""
    head = ["what", "against", "ratio", "goal", ""]
    rows = [
        [line.what, line.against, shown(line.ratio), str(line.goal or ""), line.verdict]
        for line in lines
    ]
    if any(line.remark for line in lines):
        head.append("remark")
        rows = [[*row, line.remark] for row, line in zip(rows, lines, strict=True)]
    return markdown_table(head, rows)


def curves_table(result: Result) -> str:
    """Return a row for each curve, with some of its points."""
    rows = ((curve.name, curve.x_axis or result.x_axis, _points(curve)) for curve in result.curves)
    return markdown_table(("curve", "x", f"x: {result.y_axis}"), rows)


def json_text(result: Result) -> str:
    """Return everything, and the verdicts."""
    lines = [{**asdict(line), "verdict": line.verdict} for line in result.lines]
    return json.dumps({**asdict(result), "lines": lines}, indent=1) + "\n"


def shown(ratio: Spread) -> str:
    """Return the median, and the quartiles if they are not the same."""
    median, low, high = map(_number, (ratio.median, ratio.low, ratio.high))
    return median if low == high else f"{median} [{low}..{high}]"


def _points(curve: Curve) -> str:
    step = math.ceil(len(curve.points) / _MOST_POINTS)
    # Counted from the end: the last point is the one that matters.
    some = curve.points[::-1][::step][::-1]
    return ", ".join(f"{x:,.10g}: {_number(y.median)}" for x, y in some)


def _number(value: float) -> str:
    """Three digits that count."""
    magnitude = math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{max(0, 2 - magnitude)}f}"
