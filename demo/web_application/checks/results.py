"""The checks of a sign-in as rows: what was compared with what, and the result."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

Outcome = Literal["passed", "failed", "none", "not reached"]


@dataclass(frozen=True, slots=True)
class Row:
    """One check, as a page shows it.

    Arguments:
        compared: lines; secrets and tokens in them are abbreviated.
        outcome: `none` where there was nothing to check, `not reached` behind a failure.
    """

    name: str
    compared: tuple[str, ...]
    outcome: Outcome


class CheckFailed(Exception):
    """A check failed, and nothing behind it was done.

    Arguments:
        rows: all rows, the failed one and those not reached among them.
        judged: False where a check could not be made, because the provider's keys or answers
            are not to be had.
        error: the code of an OAuth error, where the provider answered with one.
    """

    def __init__(self, rows: tuple[Row, ...], *, judged: bool = True, error: str = "") -> None:
        self.rows = rows
        self.judged = judged
        self.error = error
        super().__init__(next((row.name for row in rows if row.outcome == "failed"), ""))


class Checklist:
    """Checks with names and an order that are fixed; the first failure is the end.

    Raises:
        CheckFailed: from every method but `rows`, when a check fails.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._rows: list[Row] = []

    def judge(self, good: bool, *compared: str) -> None:
        """Put down the result of the next check."""
        if not good:
            self.fail(*compared)
        self._add("passed", compared)

    def none(self, *why: str) -> None:
        """Put down that the next check has nothing to look at."""
        self._add("none", why)

    def fail(self, *compared: str, judged: bool = True, error: str = "") -> NoReturn:
        """Put down that the next check failed, and end."""
        self._add("failed", compared)
        raise CheckFailed(self.rows(), judged=judged, error=error)

    def rows(self) -> tuple[Row, ...]:
        """Return all rows, also those that have not been reached."""
        rest = self._names[len(self._rows) :]
        return (*self._rows, *(Row(name, (), "not reached") for name in rest))

    def _add(self, outcome: Outcome, compared: tuple[str, ...]) -> None:
        self._rows.append(Row(self._names[len(self._rows)], compared, outcome))
