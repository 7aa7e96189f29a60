"""The plot of a result has text labels, and the same result always gives the same plot."""

from importlib.util import find_spec

import pytest

from benchmarks.report.result import Curve, Goal, Line, Result
from benchmarks.report.rounds import Spread
from tests.support.missing import missing

ROUGHLY_ONE = Spread(1.0, 0.9, 1.1)


def plot(*lines: Line, curves: tuple[Curve, ...] = ()) -> str:
    """Return the plot of a result."""
    if find_spec("matplotlib") is None:
        missing("matplotlib is not installed; scripts/bench installs it")
    from benchmarks.report.chart import svg

    result = Result("scale", "How it grows", "", lines, curves, "ratio")
    first, second = svg(result), svg(result)
    assert first == second
    return first


def test_a_ratio_is_labelled_with_both_subjects() -> None:
    text = plot(Line("guard", "no guard", ROUGHLY_ONE, Goal(at_most=1.5)))

    assert ">guard / no guard</text>" in text
    assert ">How it grows</text>" in text


def test_ratios_far_apart_have_a_logarithmic_axis_even_beside_a_negative_difference() -> None:
    far_apart = (Spread(value, value, value) for value in (-0.1, 0.01, 100.0))

    text = plot(*(Line("a", "b", ratio) for ratio in far_apart))

    assert all(f">{power}</text>" in text for power in ("0.1", "1", "10"))


@pytest.mark.parametrize("panels", [1, 2, 3])
def test_curves_with_different_x_axes_have_separate_plots(panels: int) -> None:
    points = ((1.0, ROUGHLY_ONE), (1_000_000.0, ROUGHLY_ONE))
    names = ("tokens", "keys", "scopes")[:panels]

    text = plot(curves=tuple(Curve("cache on", points, name) for name in names))

    assert all(f">{name}</text>" in text for name in names)
    assert text.count(">cache on</text>") == panels
    assert ">1,000,000</text>" in text


def test_a_plot_contains_no_date_and_no_version() -> None:
    text = plot(Line("a", "b", ROUGHLY_ONE))

    assert "<dc:date>" not in text
    assert "Matplotlib v" not in text
