"""A result as a picture: its curves if it has any, otherwise its ratios.

SVG with its words as text: the same result is the same file, and a difference can be read.
"""

# matplotlib leaves the types of **kwargs open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import io
import math
from collections.abc import Sequence
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from benchmarks.report.result import Curve, Line, Result
from benchmarks.report.rounds import Spread

_STYLE: Final[dict[Any, object]] = {
    "svg.hashsalt": "asgi-bearer",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
}

_COLOURS: Final = {"met": "tab:green", "NOT met": "tab:red", "": "tab:blue"}

_MANY_TIMES: Final = 20
"""From here on the axis is logarithmic, or the small values could not be told apart."""


def svg(result: Result) -> str:
    """Return the picture."""
    with rc_context(_STYLE):
        figure = _curves(result) if result.curves else _lines(result)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _lines(result: Result) -> Figure:
    """A row for each ratio, its quartiles, and a mark where its goal is."""
    count = len(result.lines)
    figure = Figure(figsize=(9, 1.2 + 0.22 * count), layout="constrained")
    axes = figure.subplots()
    for row, line in enumerate(result.lines):
        _row(axes, row, line)
    axes.set_yticks(range(count), [f"{line.what} / {line.against}" for line in result.lines])
    axes.set_ylim(count - 0.5, -0.5)
    axes.axvline(1, color="black", linewidth=0.8)
    if _spans_much([line.ratio.median for line in result.lines]):
        axes.set_xscale("log")
        _show_numbers(axes.xaxis)
    axes.set_xlabel("ratio; | is the goal")
    axes.set_title(result.title)
    return figure


def _row(axes: Axes, row: int, line: Line) -> None:
    ratio = line.ratio
    axes.errorbar(
        ratio.median,
        row,
        xerr=[[ratio.median - ratio.low], [ratio.high - ratio.median]],
        fmt="o",
        color=_COLOURS[line.verdict],
        markersize=4,
    )
    for bound in (line.goal.at_least, line.goal.at_most) if line.goal else ():
        if bound is not None:
            axes.plot(bound, row, marker="|", color="black", markersize=11)


def _curves(result: Result) -> Figure:
    """A plot for each thing that is counted, with the curves that count it."""
    axes_names = list(dict.fromkeys(curve.x_axis or result.x_axis for curve in result.curves))
    columns = min(2, len(axes_names))
    rows = math.ceil(len(axes_names) / columns)
    figure = Figure(figsize=(4.5 * columns, 0.5 + 3.2 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for place, name in enumerate(axes_names):
        axes = grid[place // columns, place % columns]
        _plot(axes, [curve for curve in result.curves if (curve.x_axis or result.x_axis) == name])
        axes.set_xlabel(name)
        axes.set_ylabel(result.y_axis)
    for place in range(len(axes_names), rows * columns):
        grid[place // columns, place % columns].set_visible(False)
    figure.suptitle(result.title)
    return figure


def _plot(axes: Axes, curves: Sequence[Curve]) -> None:
    for curve in curves:
        xs = [x for x, _ in curve.points]
        ys: list[Spread] = [y for _, y in curve.points]
        few = "o" if len(xs) <= _MANY_TIMES else ""
        axes.plot(xs, [y.median for y in ys], marker=few, markersize=3, label=curve.name)
        axes.fill_between(xs, [y.low for y in ys], [y.high for y in ys], alpha=0.2)
    points = [point for curve in curves for point in curve.points]
    if _spans_much([x for x, _ in points]):
        axes.set_xscale("log")
        _show_numbers(axes.xaxis)
    if _spans_much([y.median for _, y in points]):
        axes.set_yscale("log")
        _show_numbers(axes.yaxis)
    else:
        axes.set_ylim(bottom=0)
    axes.legend(loc="best", frameon=False)


def _spans_much(values: Sequence[float]) -> bool:
    # A difference of two measurements may be negative; no axis shows that and the others.
    positive = [value for value in values if value > 0]
    return bool(positive) and max(positive) >= _MANY_TIMES * min(positive)


def _show_numbers(axis: Axis) -> None:
    """Name powers of ten as the numbers that they are."""
    axis.set_major_formatter("{x:,.10g}")
    axis.set_minor_formatter("")
