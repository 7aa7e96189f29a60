"""What wrk counted is read as it was, and what is compared can be compared."""

import re
from pathlib import Path

import pytest

from benchmarks.peers import environments
from benchmarks.report.result import Goal
from benchmarks.servers import node
from benchmarks.servers.comparisons import OURS_COMPARED, RACE_COMPARED, Comparison
from benchmarks.servers.http import lines
from benchmarks.servers.issuer import issuer
from benchmarks.servers.systems import NODE, OURS, RACE
from benchmarks.servers.wrk import Counted, NotMeasured, counted

PEERS = Path(environments.__file__).parent / "requirements"

_COUNTED = '{"answers": 7512, "microseconds": 1001000, "refused": 0, "broken": 0}'

_COMMON = ("cryptography", "fastapi", "httptools", "starlette", "uvicorn", "uvloop")


def test_what_the_script_counted_is_found_behind_what_wrk_prints() -> None:
    found = counted(f"Running 1s test @ http://127.0.0.1:1\n  Requests/sec: 1.00\n{_COUNTED}\n")

    assert found == Counted(answers=7512, seconds=1.001, refused=0, broken=0)
    assert found.good().rate() == pytest.approx(7512 / 1.001)


def test_a_run_of_wrk_that_says_nothing_is_no_measurement() -> None:
    with pytest.raises(NotMeasured, match="unable to connect"):
        counted("unable to connect to 127.0.0.1:1 Connection refused\n")


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(Counted(1000, 1.0, refused=1, broken=0), id="a refusal"),
        pytest.param(Counted(1000, 1.0, refused=0, broken=1), id="a broken connection"),
        pytest.param(Counted(0, 1.0, refused=0, broken=0), id="no answer"),
    ],
)
def test_a_run_with_anything_but_good_answers_is_no_measurement(found: Counted) -> None:
    with pytest.raises(NotMeasured):
        found.good()


def test_a_line_is_the_median_of_the_ratios_of_each_round() -> None:
    compared = Comparison("guarded", "open", "guarded", "open", Goal(at_least=0.9))

    (line,) = lines([compared], {"guarded": [90.0, 400.0, 95.0], "open": [100.0, 500.0, 100.0]})

    assert line.ratio.median == pytest.approx(0.9)
    assert line.goal == Goal(at_least=0.9)
    assert line.remark == "95 to 100 requests/s"


def test_what_was_left_out_has_no_line() -> None:
    compared = Comparison("ours", "theirs", "ours", "theirs")

    assert lines([compared], {"ours": [1.0]}) == ()


@pytest.mark.parametrize(
    ("comparisons", "systems"), [(OURS_COMPARED, OURS), (RACE_COMPARED, RACE)], ids=["ours", "race"]
)
def test_every_comparison_is_of_systems_in_the_same_rounds(
    comparisons: tuple[Comparison, ...], systems: dict[str, object]
) -> None:
    named = {name for compared in comparisons for name in (compared.of, compared.to)}

    assert named <= systems.keys()


def test_every_guarded_system_of_the_race_is_shown_beside_its_unguarded_twin() -> None:
    twins = {compared.of: compared.to for compared in RACE_COMPARED if compared.goal is None}

    assert twins.keys() == {name for name, system in RACE.items() if system.is_guarded}
    assert not any(RACE[twin].is_guarded for twin in twins.values())


@pytest.mark.parametrize("package", _COMMON)
def test_all_systems_of_the_race_have_the_same_version_of_what_they_share(package: str) -> None:
    names = {system.environment for system in RACE.values()} - {"", NODE}
    pins = [(PEERS / f"{name}.txt").read_text() for name in names]
    found = {match[1] for pin in pins for match in re.finditer(rf"(?m)^{package}==(\S+)$", pin)}

    assert len(found) == 1


def test_every_pin_of_node_is_exact() -> None:
    versions = re.findall(r'": "(\d[^"]*)"', (node.FOLDER / "package.json").read_text())

    assert len(versions) == 4
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)


def test_the_tokens_are_as_long_as_in_the_field_and_all_different() -> None:
    with issuer() as signer:
        tokens = list(signer.tokens(3))

    assert len(set(tokens)) == 3
    assert all(700 <= len(token) <= 1100 for token in tokens), [len(token) for token in tokens]
