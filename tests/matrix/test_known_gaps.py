"""A run of the matrix fails for what is new, and for a gap that no longer exists."""

from pathlib import Path

import pytest

from tests.matrix.cells import Cell
from tests.matrix.frameworks import FRAMEWORKS
from tests.matrix.known_gaps import (
    Failed,
    Gap,
    NotOffered,
    Outcome,
    Passed,
    faults,
    known_gaps,
    unused,
)
from tests.matrix.servers import SERVERS

CELL = Cell(FRAMEWORKS[1], SERVERS[4], "3.12")
GAP = Gap(("HEAD",), "a reason", ("Starlette",), ("hypercorn",), ("3.12",))
ELSEWHERE = {
    "another check": Gap(("200",), "a reason"),
    "another framework": Gap(("HEAD",), "a reason", frameworks=("Quart",)),
    "another server": Gap(("HEAD",), "a reason", servers=("daphne",)),
    "another Python": Gap(("HEAD",), "a reason", pythons=("3.11",)),
}


@pytest.mark.parametrize("gap", [GAP, Gap(("200", "HEAD"), "a reason")], ids=["narrow", "wide"])
def test_a_failure_with_a_known_gap_does_not_fail_the_run(gap: Gap) -> None:
    results = {CELL: {"HEAD": Failed("why")}}

    assert faults(results, [gap]) == []
    assert unused(results, [gap]) == []


@pytest.mark.parametrize("gap", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_failure_without_a_known_gap_fails_the_run(gap: Gap) -> None:
    results = {CELL: {"HEAD": Failed("why")}}

    assert faults(results, [gap]) == [f"{CELL}: HEAD: why"]


def test_a_gap_that_no_longer_fails_fails_the_run() -> None:
    (fault,) = faults({CELL: {"HEAD": Passed()}}, [GAP])

    assert fault == f"{CELL}: HEAD passes, but gaps.toml says: a reason"


@pytest.mark.parametrize("outcome", [Passed(), NotOffered("server")], ids=["passed", "not offered"])
def test_a_gap_that_no_cell_has_fails_a_run_of_the_whole_matrix(outcome: Outcome) -> None:
    assert unused({CELL: {"HEAD": outcome}}, [GAP]) == ["gaps.toml: no cell has this gap: a reason"]


def test_a_gap_names_what_it_covers_and_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "gaps.toml"
    file.write_text(
        '[[gap]]\nchecks = ["HEAD"]\nframeworks = ["Starlette"]\nservers = ["hypercorn"]\n'
        'pythons = ["3.12"]\nreason = "a reason"\n'
    )

    assert known_gaps(file) == [GAP]


def test_the_known_gaps_name_frameworks_and_servers_of_the_matrix() -> None:
    frameworks = {framework.name for framework in FRAMEWORKS}
    servers = {server.name for server in SERVERS}

    for gap in known_gaps():
        assert set(gap.frameworks) <= frameworks
        assert set(gap.servers) <= servers
