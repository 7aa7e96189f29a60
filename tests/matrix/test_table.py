"""The page that a run of the matrix writes, and the cells that it has."""

from tests.matrix.cells import Cell, slice_of, whole
from tests.matrix.frameworks import FRAMEWORKS
from tests.matrix.known_gaps import Failed, Gap, NotOffered, Outcomes, Passed
from tests.matrix.servers import SERVERS
from tests.matrix.table import FILE, page

CELLS = [Cell(FRAMEWORKS[1], SERVERS[4], python) for python in ("3.11", "3.12")]
GAP = Gap(("HEAD",), "a reason.")


def cell_and_notes(old: Outcomes, new: Outcomes) -> tuple[str, list[str]]:
    """Return the text of the cell, and the notes, for the outcomes on two Pythons."""
    text = page(dict(zip(CELLS, (old, new), strict=True)), [GAP], {"HEAD": "a meaning"})
    (row,) = [line for line in text.splitlines() if line.startswith("| Starlette ")]
    notes, meanings = text.partition(row)[2].removeprefix("\n").split("| check |")
    assert "| HEAD | a meaning |" in meanings
    return row.split("|")[2].strip(), notes.strip().splitlines()


def test_a_cell_without_gaps_says_passed() -> None:
    assert cell_and_notes({"HEAD": Passed()}, {"HEAD": Passed()}) == ("passed", [])


def test_a_cell_with_a_gap_names_the_check_and_the_reason() -> None:
    failed: Outcomes = {"200": Passed(), "HEAD": Failed("why")}

    assert cell_and_notes(failed, failed) == ("HEAD (1)", ["1. A reason."])


def test_checks_with_the_same_reason_share_a_note() -> None:
    failed: Outcomes = {"HEAD": Failed("why"), "200": Failed("why"), "401": Passed()}
    text = page(dict.fromkeys(CELLS, failed), [Gap(("HEAD", "200"), "a reason.")], {})

    assert "| HEAD, 200 (1) |" in text
    assert "\n1. A reason.\n" in text
    assert "\n2." not in text


def test_a_gap_on_some_pythons_names_them() -> None:
    text, _ = cell_and_notes({"HEAD": Passed()}, {"HEAD": Failed("why")})

    assert text == "HEAD on 3.12 (1)"


def test_a_failure_without_a_known_gap_does_not_look_like_a_known_one() -> None:
    failed = {"200": Failed("why")}

    _, notes = cell_and_notes(failed, failed)

    assert notes == ["1. Unexpected, see the output of the run."]


def test_a_cell_says_what_is_not_offered() -> None:
    outcomes: Outcomes = {"HEAD": Passed(), "WebSocket accepted": NotOffered("framework")}

    text, notes = cell_and_notes(outcomes, outcomes)

    assert text == "passed (1)"
    assert notes == ["1. Not offered by the framework: WebSocket accepted."]


def test_the_slice_has_each_framework_once_and_every_server() -> None:
    cells = slice_of("3.12")

    assert [cell.framework for cell in cells] == list(FRAMEWORKS)
    assert {cell.server for cell in cells} == set(SERVERS)
    assert set(cells) < set(whole(["3.12"]))


def test_the_page_in_docs_has_all_frameworks_and_servers() -> None:
    first, _, _ = FILE.read_text().partition("| check |")
    rows = [line.split(" | ") for line in first.splitlines() if line.startswith("| ")]

    assert [name.strip("| ") for name in rows[0]] == ["framework", *(s.name for s in SERVERS)]
    assert [row[0].strip("| ") for row in rows[2:]] == [f.name for f in FRAMEWORKS]
    assert "Unexpected" not in FILE.read_text()
