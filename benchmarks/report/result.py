"""What a benchmark found: ratios with their goals, and curves."""

from dataclasses import dataclass

from benchmarks.report.rounds import Spread


@dataclass(frozen=True, slots=True)
class Goal:
    """The bounds within which the median of a ratio should be."""

    at_least: float | None = None
    at_most: float | None = None

    def is_met(self, ratio: Spread) -> bool:
        """Return whether the median is within the bounds."""
        return (self.at_least is None or ratio.median >= self.at_least) and (
            self.at_most is None or ratio.median <= self.at_most
        )

    def __str__(self) -> str:
        bounds = {"at least": self.at_least, "at most": self.at_most}
        return ", ".join(f"{name} {bound:g}" for name, bound in bounds.items() if bound is not None)


@dataclass(frozen=True, slots=True)
class Line:
    """One ratio.

    Arguments:
        what: was measured.
        against: what it is divided by, measured in the same rounds.
        goal: None where the ratio is for information.
    """

    what: str
    against: str
    ratio: Spread
    goal: Goal | None = None
    remark: str = ""

    @property
    def verdict(self) -> str:
        """`met`, `NOT met`, or nothing without a goal."""
        if self.goal is None:
            return ""
        return "met" if self.goal.is_met(self.ratio) else "NOT met"


@dataclass(frozen=True, slots=True)
class Curve:
    """How something grows.

    Arguments:
        points: x -> y.
        x_axis: what x counts, if curves of one benchmark count different things.
    """

    name: str
    points: tuple[tuple[float, Spread], ...]
    x_axis: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """All that one benchmark found.

    Arguments:
        name: of its files.
        how: it was measured; a paragraph.
    """

    name: str
    title: str
    how: str
    lines: tuple[Line, ...]
    curves: tuple[Curve, ...] = ()
    x_axis: str = ""
    y_axis: str = ""

    @property
    def not_met(self) -> tuple[Line, ...]:
        """The lines that miss their goals."""
        return tuple(line for line in self.lines if line.verdict == "NOT met")
