"""Renders the result of the whole matrix as docs/frameworks/matrix.md."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.matrix.cells import Cell
from tests.matrix.known_gaps import Failed, Gap, NotOffered, Outcomes, gap_of

FILE = Path(__file__).parents[2] / "docs" / "frameworks" / "matrix.md"

_HEAD = """\
# Frameworks and servers

`scripts/test --matrix` writes this page. It starts every framework behind `BearerMiddleware` on
every server and Python, and checks in each cell: {checks}.
The last run was on Python {pythons}. `tests/matrix/requirements` has the versions of all
frameworks and servers.

A cell says "passed", or which checks have a gap. The numbers stand for the notes below. Where a
gap is not on all Pythons, the cell names them.
"""


def page(results: Mapping[Cell, Outcomes], gaps: Iterable[Gap]) -> str:
    """Return the page."""
    notes = _Notes(list(gaps))
    frameworks = list(dict.fromkeys(cell.framework for cell in results))
    servers = list(dict.fromkeys(cell.server for cell in results))
    pythons = list(dict.fromkeys(cell.python for cell in results))
    checks = dict.fromkeys(check for outcomes in results.values() for check in outcomes)
    rows = [
        ["framework", *(server.name for server in servers)],
        ["---"] * (len(servers) + 1),
        *(
            [
                framework.name,
                *(
                    notes.text([Cell(framework, server, python) for python in pythons], results)
                    for server in servers
                ),
            ]
            for framework in frameworks
        ),
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    head = _HEAD.format(checks=", ".join(checks), pythons=", ".join(pythons))
    return f"{head}\n{table}\n\n{notes.listed()}"


class _Notes:
    """Numbered notes, in the order in which cells refer to them."""

    def __init__(self, gaps: list[Gap]) -> None:
        self._gaps = gaps
        self._numbers: dict[str, int] = {}

    def text(self, cells: list[Cell], results: Mapping[Cell, Outcomes]) -> str:
        """Return the text of a table's cell, for the cells of all Pythons."""
        failed: dict[str, list[Cell]] = {}
        not_offered: dict[str, None] = {}
        for cell in cells:
            for check, outcome in results[cell].items():
                match outcome:
                    case Failed():
                        failed.setdefault(check, []).append(cell)
                    case NotOffered(by):
                        not_offered[f"{check}: not offered by the {by}."] = None
                    case _:
                        pass
        gaps = [self._gap(check, cells, where) for check, where in failed.items()]
        numbers = [self._number(note) for note in not_offered]
        return " ".join([", ".join(gaps) or "passed", *numbers])

    def _gap(self, check: str, cells: list[Cell], where: list[Cell]) -> str:
        reasons = {
            f"{check}: {gap.reason if gap else 'unexpected, see the output of the run.'}": None
            for gap in (gap_of(self._gaps, cell, check) for cell in where)
        }
        pythons = [] if len(where) == len(cells) else [f"on {', '.join(c.python for c in where)}"]
        return " ".join([check, *pythons, *map(self._number, reasons)])

    def _number(self, note: str) -> str:
        return f"({self._numbers.setdefault(note, len(self._numbers) + 1)})"

    def listed(self) -> str:
        """Return all notes."""
        return "".join(f"{number}. {note}\n" for note, number in self._numbers.items())
