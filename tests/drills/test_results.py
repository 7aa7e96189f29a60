"""What the drills measured is counted and shown as it was."""

import pytest

from drills.load import Answer, all_are, p99, statuses
from drills.results import comparison, summary, table
from drills.system_under_test import Figure


def test_p99_is_the_time_within_which_99_of_100_answers_came() -> None:
    answers = [Answer(200, float(number)) for number in range(200, 0, -1)]

    assert p99(answers) == 198.0


def test_statuses_are_counted_and_no_answer_is_one() -> None:
    answers = [Answer(200, 0.1), Answer(0, 10.0, fault="TimeoutError"), Answer(200, 0.1)]

    assert statuses(answers) == "2 x 200, 1 x no answer (TimeoutError)"
    assert not all_are(200, answers)


@pytest.mark.parametrize(("passed", "verdict"), [(True, "pass"), (False, "FAIL")])
def test_a_figure_is_a_row_with_its_verdict(passed: bool, verdict: str) -> None:
    rows = table([Figure(13, "start", "a | b", "1", passed)], {13: "Warm"}).splitlines()

    assert rows[2:] == [f"| 13. Warm | start | a \\| b | 1 | {verdict} |"]


def test_a_drill_that_one_system_was_not_put_through_stays_empty() -> None:
    columns = {"one": [Figure(1, "start", "fine", "1", True)], "other": []}

    assert comparison(columns).splitlines()[2:] == ["| 1 | start | pass: fine |  |"]


def test_a_summary_counts_what_each_system_passed_of_each_promise() -> None:
    figures = [Figure(1, "start", "fine", "1", True), Figure(1, "end", "bad", "1", False)]

    rows = summary({"one": figures, "other": []}, {1: "Rotation", 2: "Expiry"}).splitlines()

    assert rows[2:] == ["| 1. Rotation | 1 of 2 |  |"]
