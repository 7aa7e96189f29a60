"""Renders the result of the whole matrix as docs/frameworks/matrix.md."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.matrix.cells import Cell
from tests.matrix.known_gaps import Failed, Gap, NotOffered, Outcomes, gap_of

FILE = Path(__file__).parents[2] / "docs" / "frameworks" / "matrix.md"

_HEAD = """\
# Frameworks and servers

`scripts/test --matrix` writes this page. It starts every framework behind `BearerMiddleware` on
every server and Python, and runs the checks below. The last run was on Python {pythons}.
`tests/matrix/requirements` has the versions of all frameworks and servers.

A cell says "passed", or which checks have a gap. The numbers stand for the notes below the table.
Where a gap is not on all Pythons, the cell names them.
"""


def page(results: Mapping[Cell, Outcomes], gaps: Iterable[Gap], meanings: Mapping[str, str]) -> str:
    """Return the page.

    Arguments:
        meanings: what each check expects.
    """
    notes = _Notes(list(gaps))
    frameworks = list(dict.fromkeys(cell.framework for cell in results))
    servers = list(dict.fromkeys(cell.server for cell in results))
    pythons = list(dict.fromkeys(cell.python for cell in results))
    rows = [
        [
            framework.name,
            *(
                notes.text([Cell(framework, server, python) for python in pythons], results)
                for server in servers
            ),
        ]
        for framework in frameworks
    ]
    parts = [
        _HEAD.format(pythons=", ".join(pythons)),
        _table(["framework", *(server.name for server in servers)], rows),
        notes.listed(),
        _table(["check", "what must hold"], [list(meaning) for meaning in meanings.items()]),
    ]
    return "\n".join(part for part in parts if part)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


class _Notes:
    """Numbered notes, in the order in which cells refer to them."""

    def __init__(self, gaps: list[Gap]) -> None:
        self._gaps = gaps
        self._numbers: dict[str, int] = {}

    def text(self, cells: list[Cell], results: Mapping[Cell, Outcomes]) -> str:
        """Return the text of a table's cell, for the cells of all Pythons."""
        failed: dict[str, list[Cell]] = {}
        not_offered: dict[str, dict[str, None]] = {}
        for cell in cells:
            for check, outcome in results[cell].items():
                match outcome:
                    case Failed():
                        failed.setdefault(check, []).append(cell)
                    case NotOffered(by):
                        not_offered.setdefault(by, {})[check] = None
                    case _:
                        pass
        # Checks with the same reasons stand together.
        checks_of: dict[str, list[str]] = {}
        for check, where in failed.items():
            checks_of.setdefault(self._suffix(check, cells, where), []).append(check)
        gaps = [f"{', '.join(checks)} {suffix}" for suffix, checks in checks_of.items()]
        numbers = [
            self._number(f"not offered by the {by}: {', '.join(checks)}.")
            for by, checks in not_offered.items()
        ]
        return " ".join(["; ".join(gaps) or "passed", *numbers])

    def _suffix(self, check: str, cells: list[Cell], where: list[Cell]) -> str:
        reasons = dict.fromkeys(
            gap.reason if gap else "unexpected, see the output of the run."
            for gap in (gap_of(self._gaps, cell, check) for cell in where)
        )
        pythons = [] if len(where) == len(cells) else [f"on {', '.join(c.python for c in where)}"]
        return " ".join([*pythons, *map(self._number, reasons)])

    def _number(self, note: str) -> str:
        return f"({self._numbers.setdefault(note, len(self._numbers) + 1)})"

    def listed(self) -> str:
        """Return all notes."""
        return "".join(
            f"{number}. {note[0].upper()}{note[1:]}\n" for note, number in self._numbers.items()
        )
