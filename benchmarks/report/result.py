"""The result of a benchmark: ratios with their goals, and curves."""

from dataclasses import dataclass

from benchmarks.report.rounds import Spread


@dataclass(frozen=True, slots=True)
class Goal:
    """The limits for the median of a ratio."""

    at_least: float | None = None
    at_most: float | None = None

    def is_met(self, ratio: Spread) -> bool:
        """Return whether the median is within the limits."""
        return (self.at_least is None or ratio.median >= self.at_least) and (
            self.at_most is None or ratio.median <= self.at_most
        )

    def __str__(self) -> str:
        limits = {"at least": self.at_least, "at most": self.at_most}
        return ", ".join(f"{name} {limit:g}" for name, limit in limits.items() if limit is not None)


@dataclass(frozen=True, slots=True)
class Line:
    """One ratio: a line of the table.

    Arguments:
        what: the subject.
        against: the subject that it is divided by, measured in the same rounds.
        goal: None if the ratio is for information only.
    """

    what: str
    against: str
    ratio: Spread
    goal: Goal | None = None
    remark: str = ""

    @property
    def verdict(self) -> str:
        """`met`, `NOT met`, or empty without a goal."""
        if self.goal is None:
            return ""
        return "met" if self.goal.is_met(self.ratio) else "NOT met"


@dataclass(frozen=True, slots=True)
class Curve:
    """How a measured value grows.

    Arguments:
        points: pairs of x and y.
        x_axis: what x counts.
    """

    name: str
    points: tuple[tuple[float, Spread], ...]
    x_axis: str


@dataclass(frozen=True, slots=True)
class Result:
    """All ratios and curves of one benchmark.

    Arguments:
        name: the name of its files, without the ending.
        how: a paragraph that says how it was measured.
        is_bound: whether the run fails if a goal is not met; only for counts, which do not depend
            on the moment.
    """

    name: str
    title: str
    how: str
    lines: tuple[Line, ...]
    curves: tuple[Curve, ...] = ()
    y_axis: str = ""
    is_bound: bool = False

    @property
    def not_met(self) -> tuple[Line, ...]:
        """The lines whose goal is not met."""
        return tuple(line for line in self.lines if line.verdict == "NOT met")
