"""The counts of wrk are read without changes, and comparisons use systems of the same rounds."""

import re
from pathlib import Path

import pytest

from benchmarks.peers import environments
from benchmarks.report.result import Goal
from benchmarks.servers import node
from benchmarks.servers.comparisons import OUR_COMPARISONS, PEER_COMPARISONS, SHARES, Comparison
from benchmarks.servers.issuer import running_issuer
from benchmarks.servers.systems import NODE, OUR_SYSTEMS, PEER_SYSTEMS
from benchmarks.servers.throughput import lines
from benchmarks.servers.wrk import Counts, NotMeasured, counts

PEERS = Path(environments.__file__).parent / "requirements"

_COUNTS = '{"responses": 7512, "microseconds": 1001000, "refused": 0, "broken": 0}'

_SHARED_PACKAGES = ("cryptography", "fastapi", "httptools", "starlette", "uvicorn", "uvloop")


def test_the_counts_are_found_after_the_output_of_wrk() -> None:
    found = counts(f"Running 1s test @ http://127.0.0.1:1\n  Requests/sec: 1.00\n{_COUNTS}\n")

    assert found == Counts(responses=7512, seconds=1.001, refused=0, broken=0)
    assert found.checked().rate() == pytest.approx(7512 / 1.001)


def test_a_run_without_counts_is_not_used() -> None:
    with pytest.raises(NotMeasured, match="unable to connect"):
        counts("unable to connect to 127.0.0.1:1 Connection refused\n")


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(Counts(1000, 1.0, refused=1, broken=0), id="a refusal"),
        pytest.param(Counts(1000, 1.0, refused=0, broken=1), id="a broken connection"),
        pytest.param(Counts(0, 1.0, refused=0, broken=0), id="no response"),
    ],
)
def test_a_run_with_refusals_or_errors_is_not_used(found: Counts) -> None:
    with pytest.raises(NotMeasured):
        found.checked()


def test_a_line_is_the_median_of_the_ratios_of_each_round() -> None:
    compared = Comparison("guarded", "open", "guarded", "open", Goal(at_least=0.9))

    (line,) = lines([compared], {"guarded": [90.0, 400.0, 95.0], "open": [100.0, 500.0, 100.0]})

    assert line.ratio.median == pytest.approx(0.9)
    assert line.goal == Goal(at_least=0.9)
    assert line.remark == "95 to 100 requests/s"


def test_a_comparison_with_a_system_that_was_left_out_has_no_line() -> None:
    compared = Comparison("ours", "theirs", "ours", "theirs")

    assert lines([compared], {"ours": [1.0]}) == ()


@pytest.mark.parametrize(
    ("comparisons", "systems"),
    [(OUR_COMPARISONS, OUR_SYSTEMS), (PEER_COMPARISONS, PEER_SYSTEMS), (SHARES, PEER_SYSTEMS)],
    ids=["ours", "peers", "shares"],
)
def test_every_comparison_uses_systems_of_the_same_rounds(
    comparisons: tuple[Comparison, ...], systems: dict[str, object]
) -> None:
    named = {name for compared in comparisons for name in (compared.of, compared.to)}

    assert named <= systems.keys()


def test_every_peer_is_compared_with_its_framework_without_a_guard() -> None:
    unguarded = {compared.of: compared.to for compared in SHARES}

    assert unguarded.keys() == {name for name, system in PEER_SYSTEMS.items() if system.is_guarded}
    assert not any(PEER_SYSTEMS[name].is_guarded for name in unguarded.values())


@pytest.mark.parametrize("package", _SHARED_PACKAGES)
def test_all_peers_have_the_same_version_of_a_shared_package(package: str) -> None:
    names = {system.environment for system in PEER_SYSTEMS.values()} - {"", NODE}
    pins = [(PEERS / f"{name}.txt").read_text() for name in names]
    found = {match[1] for pin in pins for match in re.finditer(rf"(?m)^{package}==(\S+)$", pin)}

    assert len(found) == 1


def test_every_version_of_a_node_package_is_exact() -> None:
    versions = re.findall(r'": "(\d[^"]*)"', (node.FOLDER / "package.json").read_text())

    assert len(versions) == 4
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)


def test_the_tokens_have_a_realistic_length_and_are_distinct() -> None:
    with running_issuer() as signer:
        tokens = list(signer.tokens(3))

    assert len(set(tokens)) == 3
    assert all(700 <= len(token) <= 1100 for token in tokens), [len(token) for token in tokens]
