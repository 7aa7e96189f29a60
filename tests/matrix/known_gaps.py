"""The gaps that are known, with their reasons, and the judgement of a run by them."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.matrix.cells import Cell

FILE = Path(__file__).with_name("gaps.toml")


@dataclass(frozen=True, slots=True)
class Passed:
    """The cell holds what the check expects."""


@dataclass(frozen=True, slots=True)
class NotOffered:
    """The framework or the server does not offer what would be checked."""

    by: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The cell does not hold what the check expects."""

    why: str


Outcome = Passed | NotOffered | Failed
Outcomes = Mapping[str, Outcome]
"""The outcome of each check of a cell."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Checks that are known to fail in some cells.

    Without frameworks, servers or Pythons it covers all of them.
    """

    checks: tuple[str, ...]
    reason: str
    frameworks: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()

    def covers(self, cell: Cell, check: str) -> bool:
        """Return whether the check is known to fail in this cell."""
        return (
            check in self.checks
            and cell.framework.name in (self.frameworks or (cell.framework.name,))
            and cell.server.name in (self.servers or (cell.server.name,))
            and cell.python in (self.pythons or (cell.python,))
        )


def known_gaps(file: Path = FILE) -> list[Gap]:
    """Return the gaps that the file lists."""
    listed: list[dict[str, Any]] = tomllib.loads(file.read_text(encoding="utf-8")).get("gap", [])
    return [
        Gap(
            checks=tuple(table["checks"]),
            reason=table["reason"],
            frameworks=tuple(table.get("frameworks", ())),
            servers=tuple(table.get("servers", ())),
            pythons=tuple(table.get("pythons", ())),
        )
        for table in listed
    ]


def gap_of(gaps: Iterable[Gap], cell: Cell, check: str) -> Gap | None:
    """Return the gap that covers the check in this cell."""
    return next((gap for gap in gaps if gap.covers(cell, check)), None)


def faults(results: Mapping[Cell, Outcomes], gaps: Iterable[Gap]) -> list[str]:
    """Return what makes the run fail: failures that no gap covers, and gaps that no longer fail."""
    gaps = list(gaps)
    found: list[str] = []
    for cell, outcomes in results.items():
        for check, outcome in outcomes.items():
            gap = gap_of(gaps, cell, check)
            match outcome:
                case Failed(why) if gap is None:
                    found.append(f"{cell}: {check}: {why}")
                case Passed() if gap is not None:
                    found.append(f"{cell}: {check} passes, but gaps.toml says: {gap.reason}")
                case _:
                    pass
    return found


def unused(results: Mapping[Cell, Outcomes], gaps: Iterable[Gap]) -> list[str]:
    """Return the gaps that cover no failure of a run of the whole matrix."""
    failures = [
        (cell, check)
        for cell, outcomes in results.items()
        for check, outcome in outcomes.items()
        if isinstance(outcome, Failed)
    ]
    return [
        f"gaps.toml: no cell has this gap: {gap.reason}"
        for gap in gaps
        if not any(gap.covers(cell, check) for cell, check in failures)
    ]
