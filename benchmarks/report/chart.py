"""The plot of a result as SVG: its curves if it has any, otherwise its ratios.

The same result always gives the same file, and the text stays text, so changes can be reviewed.
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

_LOGARITHMIC_FROM: Final = 20
"""An axis is logarithmic if its largest value is so many times its smallest."""

_MOST_MARKERS: Final = 20
"""Points of a curve that are drawn with markers."""


def svg(result: Result) -> str:
    """Return the plot."""
    with rc_context(_STYLE):
        figure = _curve_plots(result) if result.curves else _ratio_plot(result)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _ratio_plot(result: Result) -> Figure:
    """Return a row for each ratio, with its quartiles and a mark at its goal."""
    count = len(result.lines)
    figure = Figure(figsize=(9, 1.2 + 0.22 * count), layout="constrained")
    axes = figure.subplots()
    for row, line in enumerate(result.lines):
        _draw_ratio(axes, row, line)
    axes.set_yticks(range(count), [f"{line.what} / {line.against}" for line in result.lines])
    axes.set_ylim(count - 0.5, -0.5)
    axes.axvline(1, color="black", linewidth=0.8)
    if _needs_logarithmic_axis([line.ratio.median for line in result.lines]):
        axes.set_xscale("log")
        _show_numbers(axes.xaxis)
    has_goals = any(line.goal for line in result.lines)
    axes.set_xlabel("ratio; | marks the goal" if has_goals else "ratio")
    axes.set_title(result.title)
    return figure


def _draw_ratio(axes: Axes, row: int, line: Line) -> None:
    ratio = line.ratio
    axes.errorbar(
        ratio.median,
        row,
        xerr=[[ratio.median - ratio.low], [ratio.high - ratio.median]],
        fmt="o",
        color=_COLOURS[line.verdict],
        markersize=4,
    )
    for limit in (line.goal.at_least, line.goal.at_most) if line.goal else ():
        if limit is not None:
            axes.plot(limit, row, marker="|", color="black", markersize=11)


def _curve_plots(result: Result) -> Figure:
    """Return a plot for each x axis, with its curves."""
    axes_names = list(dict.fromkeys(curve.x_axis for curve in result.curves))
    columns = min(2, len(axes_names))
    rows = math.ceil(len(axes_names) / columns)
    figure = Figure(figsize=(4.5 * columns, 0.5 + 3.2 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for index, name in enumerate(axes_names):
        axes = grid[index // columns, index % columns]
        _draw_curves(axes, [curve for curve in result.curves if curve.x_axis == name])
        axes.set_xlabel(name)
        axes.set_ylabel(result.y_axis)
    for index in range(len(axes_names), rows * columns):
        grid[index // columns, index % columns].set_visible(False)
    figure.suptitle(result.title)
    return figure


def _draw_curves(axes: Axes, curves: Sequence[Curve]) -> None:
    for curve in curves:
        xs = [x for x, _ in curve.points]
        ys: list[Spread] = [y for _, y in curve.points]
        marker = "o" if len(xs) <= _MOST_MARKERS else ""
        axes.plot(xs, [y.median for y in ys], marker=marker, markersize=3, label=curve.name)
        axes.fill_between(xs, [y.low for y in ys], [y.high for y in ys], alpha=0.2)
    points = [point for curve in curves for point in curve.points]
    if _needs_logarithmic_axis([x for x, _ in points]):
        axes.set_xscale("log")
        _show_numbers(axes.xaxis)
    if _needs_logarithmic_axis([y.median for _, y in points]):
        axes.set_yscale("log")
        _show_numbers(axes.yaxis)
    else:
        axes.set_ylim(bottom=0)
    axes.legend(loc="best", frameon=False)


def _needs_logarithmic_axis(values: Sequence[float]) -> bool:
    # A difference of two measurements may be negative; a logarithmic axis leaves it out.
    positive = [value for value in values if value > 0]
    return bool(positive) and max(positive) >= _LOGARITHMIC_FROM * min(positive)


def _show_numbers(axis: Axis) -> None:
    """Label powers of ten as plain numbers."""
    axis.set_major_formatter("{x:,.10g}")
    axis.set_minor_formatter("")
