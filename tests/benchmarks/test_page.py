"""The result of a benchmark is shown without changes, and a goal that is not met is marked."""

import json

import pytest

from benchmarks.report.page import json_text, lines_table, page, ratio_text
from benchmarks.report.result import Curve, Goal, Line, Result
from benchmarks.report.rounds import Spread


def exactly(value: float) -> Spread:
    return Spread(value, value, value)


def result(*lines: Line, curves: tuple[Curve, ...] = ()) -> Result:
    return Result("micro", "One verification", "In rounds.", lines, curves, "MiB")


@pytest.mark.parametrize(
    ("goal", "ratio", "verdict"),
    [
        (Goal(at_most=1.5), Spread(1.5, 1.4, 9.0), "met"),
        (Goal(at_most=1.5), Spread(1.51, 1.0, 2.0), "NOT met"),
        (Goal(at_least=0.96), Spread(0.96, 0.5, 1.0), "met"),
        (Goal(at_least=0.96), Spread(0.95, 0.9, 1.0), "NOT met"),
        (Goal(at_least=0.9, at_most=1.1), exactly(1.0), "met"),
        (Goal(at_least=0.9, at_most=1.1), exactly(1.2), "NOT met"),
        (None, exactly(100.0), ""),
    ],
)
def test_a_goal_is_met_if_the_median_is_within_its_limits(
    goal: Goal | None, ratio: Spread, verdict: str
) -> None:
    line = Line("what", "against", ratio, goal)

    assert line.verdict == verdict
    assert result(line).not_met == ((line,) if verdict == "NOT met" else ())


def test_a_line_is_a_row_with_goal_and_verdict() -> None:
    rows = lines_table(
        [
            Line("guard", "no guard", Spread(1.084, 1.046, 1.2), Goal(at_most=1.5)),
            Line("import", "nothing", exactly(10.0)),
        ]
    ).splitlines()

    assert rows[0] == "| what | against | ratio | goal |  |"
    assert rows[2:] == [
        "| guard | no guard | 1.08 [1.05..1.20] | at most 1.5 | met |",
        "| import | nothing | 10.0 |  |  |",
    ]


def test_a_table_with_a_remark_has_a_column_of_remarks() -> None:
    rows = lines_table([Line("a", "b", exactly(1.0), remark="c | d")]).splitlines()

    assert rows[0] == "| what | against | ratio | goal |  | remark |"
    assert rows[2] == "| a | b | 1.00 |  |  | c \\| d |"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00"), (0.01234, "0.0123"), (0.999, "0.999"), (54.32, "54.3"), (1234.5, "1234")],
)
def test_a_ratio_is_shown_with_three_significant_digits(value: float, text: str) -> None:
    assert ratio_text(exactly(value)) == text


def test_a_negative_difference_is_shown() -> None:
    assert ratio_text(Spread(-0.05, -0.1, 0.02)) == "-0.0500 [-0.100..0.0200]"


def test_a_page_has_a_title_a_method_a_plot_and_tables() -> None:
    curve = Curve("resident", ((1_000.0, exactly(40.0)), (1_000_000.0, exactly(41.0))), "tokens")

    text = page(result(Line("a", "b", exactly(1.0)), curves=(curve,)))

    assert text.startswith(
        "# One verification\n\nIn rounds.\n\n![One verification](micro.svg)\n\n|"
    )
    assert text.endswith("| resident | tokens | 1,000: 40.0, 1,000,000: 41.0 |\n")


def test_a_long_curve_in_a_table_has_some_points_and_the_last_one() -> None:
    points = tuple((float(x), exactly(float(x))) for x in range(1, 101))

    row = page(result(curves=(Curve("resident", points, "requests"),))).splitlines()[-1]

    assert row.startswith("| resident | requests | 1: 1.00, 10: 10.0, ")
    assert row.endswith(", 91: 91.0, 100: 100 |")


def test_the_json_has_all_members_and_the_verdicts() -> None:
    line = Line("a", "b", Spread(2.0, 1.0, 3.0), Goal(at_most=1.0), "c")

    assert json.loads(json_text(result(line)))["lines"] == [
        {
            "what": "a",
            "against": "b",
            "ratio": {"median": 2.0, "low": 1.0, "high": 3.0},
            "goal": {"at_least": None, "at_most": 1.0},
            "remark": "c",
            "verdict": "NOT met",
        }
    ]
