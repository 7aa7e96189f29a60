"""The drills count responses and show results without changing them."""

import pytest

from drills.load import Response, all_are, p99, status_counts
from drills.results import DrillResult, comparison, results_table, summary


def test_p99_is_the_time_within_which_99_of_100_responses_arrived() -> None:
    responses = [Response(200, float(number)) for number in range(200, 0, -1)]

    assert p99(responses) == 198.0


def test_a_missing_response_is_counted_with_its_error() -> None:
    responses = [
        Response(200, 0.1),
        Response(0, 10.0, error="TimeoutError"),
        Response(200, 0.1),
    ]

    assert status_counts(responses) == "2 x 200, 1 x no response (TimeoutError)"
    assert not all_are(200, responses)


@pytest.mark.parametrize(("passed", "verdict"), [(True, "pass"), (False, "FAIL")])
def test_a_result_is_a_row_with_its_verdict(passed: bool, verdict: str) -> None:
    table = results_table([DrillResult(13, "start", "a | b", "1", passed)], {13: "Start"})

    assert table.splitlines()[2:] == [f"| 13. Start | start | a \\| b | 1 | {verdict} |"]


def test_a_drill_that_a_library_did_not_run_has_an_empty_cell() -> None:
    columns = {"one": [DrillResult(1, "start", "fine", "1", True)], "other": []}

    assert comparison(columns).splitlines()[2:] == ["| 1 | start | pass: fine |  |"]


def test_a_summary_counts_the_drills_that_each_library_passed() -> None:
    results = [
        DrillResult(1, "start", "fine", "1", True),
        DrillResult(1, "end", "bad", "1", False),
    ]

    rows = summary({"one": results, "other": []}, {1: "Rotation", 2: "Expiry"}).splitlines()

    assert rows[2:] == ["| 1. Rotation | 1 of 2 |  |"]
