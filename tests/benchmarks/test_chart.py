"""The picture of a result says in words what it shows, and is the same for the same result."""

from importlib.util import find_spec

import pytest

from benchmarks.report.result import Curve, Goal, Line, Result
from benchmarks.report.rounds import Spread
from tests.support.missing import missing

ROUGHLY_ONE = Spread(1.0, 0.9, 1.1)


def picture(*lines: Line, curves: tuple[Curve, ...] = ()) -> str:
    """Return the picture of a result."""
    if find_spec("matplotlib") is None:
        missing("matplotlib is not installed; scripts/bench installs it")
    from benchmarks.report.chart import svg

    result = Result("scale", "How it grows", "", lines, curves, "tokens", "ratio")
    once, again = svg(result), svg(result)
    assert once == again
    return once


def test_ratios_are_named_by_what_is_divided_by_what() -> None:
    text = picture(Line("guard", "no guard", ROUGHLY_ONE, Goal(at_most=1.5)))

    assert ">guard / no guard</text>" in text
    assert ">How it grows</text>" in text


def test_ratios_far_apart_share_a_logarithmic_axis_with_a_negative_difference() -> None:
    far_apart = (Spread(value, value, value) for value in (-0.1, 0.01, 100.0))

    text = picture(*(Line("a", "b", ratio) for ratio in far_apart))

    assert all(f">{power}</text>" in text for power in ("0.1", "1", "10"))


@pytest.mark.parametrize("panels", [1, 2, 3])
def test_curves_that_count_different_things_have_plots_of_their_own(panels: int) -> None:
    points = ((1.0, ROUGHLY_ONE), (1_000_000.0, ROUGHLY_ONE))
    names = ("", "keys", "scopes")[:panels]

    text = picture(curves=tuple(Curve("cache on", points, name) for name in names))

    assert all(f">{name or 'tokens'}</text>" in text for name in names)
    assert text.count(">cache on</text>") == panels
    assert ">1,000,000</text>" in text


def test_no_date_and_no_version_is_in_a_picture() -> None:
    text = picture(Line("a", "b", ROUGHLY_ONE))

    assert "<dc:date>" not in text
    assert "Matplotlib v" not in text
