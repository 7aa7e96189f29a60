"""Each subject is measured once a round, and a ratio compares measurements of the same round."""

import gc
from functools import partial

import pytest

from benchmarks.report.rounds import Spread, interleaved, ratios, spread


def test_every_round_begins_with_another_subject_and_calls_each_once() -> None:
    called: list[str] = []

    def subject(name: str) -> float:
        called.append(name)
        return float(len(called))

    results = interleaved({name: partial(subject, name) for name in "abc"}, rounds=4)

    assert "".join(called) == "abcbcacababc"
    assert results == {"a": [1, 6, 8, 10], "b": [2, 4, 9, 11], "c": [3, 5, 7, 12]}


def test_a_subject_that_fails_leaves_no_frozen_objects() -> None:
    def failing() -> float:
        raise LookupError

    with pytest.raises(LookupError):
        interleaved({"a": failing}, rounds=1)

    assert gc.get_freeze_count() == 0


def test_a_ratio_is_calculated_round_by_round() -> None:
    # In the second round the machine was ten times slower for both.
    assert ratios([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == Spread(2.0, 2.0, 2.0)


def test_subjects_with_different_numbers_of_rounds_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7.0], Spread(7.0, 7.0, 7.0)),
        ([1.0, 2.0], Spread(1.5, 1.25, 1.75)),
        ([5.0, 1.0, 4.0, 2.0, 3.0], Spread(3.0, 2.0, 4.0)),
        ([1.0, 1.0, 1.0, 1.0, 1000.0], Spread(1.0, 1.0, 1.0)),
    ],
)
def test_a_spread_is_the_median_and_the_quartiles(values: list[float], expected: Spread) -> None:
    assert spread(values) == expected
