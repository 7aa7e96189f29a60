"""The arithmetic of the cool-down and the back-off."""

from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_bearer.keys.schedule import BackOff, CoolDown


def test_the_first_miss_may_fetch() -> None:
    cool_down = CoolDown(10.0)

    assert cool_down.is_over(-5.0, unknown_kid=True)
    assert cool_down.is_over(0.0, unknown_kid=False)


@pytest.mark.parametrize(
    ("later", "over"), [(0.0, False), (9.9, False), (10.0, True), (60.0, True)]
)
def test_a_cool_down_ends_after_its_length(later: float, over: bool) -> None:
    cool_down = CoolDown(10.0)

    cool_down.start(100.0, unknown_kid=True)

    assert cool_down.is_over(100.0 + later, unknown_kid=True) is over


@pytest.mark.parametrize("unknown_kid", [True, False])
def test_each_kind_of_miss_has_its_own_cool_down(unknown_kid: bool) -> None:
    cool_down = CoolDown(10.0)

    cool_down.start(100.0, unknown_kid=unknown_kid)

    assert not cool_down.is_over(100.0, unknown_kid=unknown_kid)
    assert cool_down.is_over(100.0, unknown_kid=not unknown_kid)


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
def test_a_back_off_doubles_up_to_the_longest() -> None:
    back_off = BackOff(shortest=1.0, longest=60.0, random=lambda: 0.0)

    pauses = [back_off.failed(0.0) for _ in range(8)]

    assert pauses == [1, 2, 4, 8, 16, 32, 48, 48]


def test_a_success_ends_the_back_off() -> None:
    back_off = BackOff(shortest=1.0, longest=60.0, random=lambda: 0.0)
    back_off.failed(0.0)
    back_off.failed(0.0)

    back_off.succeeded()

    assert back_off.remaining(0.0) == 0.0
    assert back_off.failed(0.0) == 1.0


@pytest.mark.parametrize(
    ("now", "remaining"), [(100.0, 1.0), (100.75, 0.25), (101.0, 0.0), (500.0, 0.0)]
)
def test_the_rest_of_a_back_off_shrinks_to_zero(now: float, remaining: float) -> None:
    back_off = BackOff(shortest=1.0, longest=60.0, random=lambda: 0.0)

    back_off.failed(100.0)

    assert back_off.remaining(now) == remaining


@pytest.mark.parametrize("now", [-1e6, 0.0, 1e6])
def test_no_back_off_runs_before_the_first_failure(now: float) -> None:
    """A monotonic clock may begin at any number."""
    assert BackOff(shortest=1.0, longest=60.0, random=lambda: 0.0).remaining(now) == 0.0


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
@pytest.mark.parametrize(
    ("chance", "pauses"),
    [
        (0.0, [1, 2, 4, 8, 16, 32, 48, 48]),
        (0.5, [1.125, 2.25, 4.5, 9, 18, 36, 54, 54]),
        (1.0, [1.25, 2.5, 5, 10, 20, 40, 60, 60]),
    ],
)
def test_jitter_makes_a_back_off_longer_by_a_quarter_at_most(
    chance: float, pauses: list[float]
) -> None:
    """The next back-off doubles without the jitter."""
    back_off = BackOff(shortest=1.0, longest=60.0, random=lambda: chance)

    assert [back_off.failed(0.0) for _ in range(8)] == pauses


@given(
    times=st.lists(st.integers(0, 10**6), min_size=1, max_size=50),
    chances=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=50),
)
def test_a_back_off_is_never_outside_its_bounds(times: list[int], chances: list[float]) -> None:
    chance = cycle(chances)
    back_off = BackOff(shortest=1.0, longest=60.0, random=lambda: next(chance))

    for now in sorted(times):
        pause = back_off.failed(now)
        assert 1.0 <= pause <= 60.0
        assert back_off.remaining(now) == pytest.approx(pause)
