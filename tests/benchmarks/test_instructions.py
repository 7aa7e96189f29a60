"""The table of instruction counts and its bounds; counting itself is a benchmark."""

import asyncio
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.instructions import names as named
from benchmarks.instructions import table
from benchmarks.instructions.connection import Connection, request
from benchmarks.report.result import Result
from tests.support.asgi import RecordingApplication
from tests.support.missing import missing

COUNTS = {
    named.NOTHING: 1.0,
    named.NOTHING_AWAITED: 2.0,
    named.NO_GUARD: 1000.0,
    named.KNOWN: 1150.0,
    named.KNOWN_WITHOUT_HEADER: 1100.0,
    named.NEW: 1900.0,
    named.PYJWT: 3000.0,
    named.BARE: 500.0,
    named.BARE_KNOWN: 650.0,
    **{named.RAW.format(alg): 600.0 for alg in named.ALGORITHMS},
    **{named.VERIFY.format(alg): 902.0 for alg in named.ALGORITHMS},
    named.VERIFY_KNOWN: 62.0,
    named.VERIFY_LONG: 93.0,
    named.VERIFY_SCOPES: 93.0,
    named.JUNK: 1300.0,
    named.RAW_JUNK: 1000.0,
    **dict.fromkeys(named.STEPS, 31.0),
}
BEYOND = f"{named.KNOWN}: beyond no guard"
STEP = f"step: {named.CLAIMS}"


def test_each_line_divides_a_count_by_another_one() -> None:
    ratios = {line.what: line.ratio.median for line in table.lines(COUNTS, {})}

    assert ratios[named.KNOWN] == 1.15
    assert ratios[BEYOND] == 0.15
    assert ratios[f"{named.KNOWN_WITHOUT_HEADER}: without the digest"] == 0.07
    assert ratios[f"{named.NEW}: beyond no guard and check"] == 0.5
    assert ratios[named.VERIFY.format("RS256")] == 1.5
    assert ratios[named.VERIFY_LONG] == 1.5
    assert ratios[named.JUNK] == 1.3
    assert ratios[STEP] == 0.05


@pytest.mark.parametrize(
    ("most", "verdict"), [(0.15, "met"), (0.149, "NOT met"), (None, "")], ids=str
)
def test_a_count_above_its_bound_is_not_met(most: float | None, verdict: str) -> None:
    found = table.lines(COUNTS, {} if most is None else {BEYOND: most})

    assert {line.verdict for line in found if line.what == BEYOND} == {verdict}
    assert {line.verdict for line in found if line.what != BEYOND} == {""}


@pytest.mark.parametrize(("most", "status"), [(0.15, 0), (0.149, 1)])
@pytest.mark.parametrize("is_bound", [True, False])
def test_only_a_bound_that_is_not_met_fails_the_run(
    most: float, status: int, is_bound: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_spec("matplotlib") is None:
        missing("matplotlib is not installed; scripts/bench installs it")
    from benchmarks import __main__ as command

    def run(*, short: bool) -> Result:
        lines = table.lines(COUNTS, {BEYOND: most})
        return Result("instructions", "Counts", "Counted.", lines, is_bound=is_bound)

    monkeypatch.setitem(command.BENCHMARKS, "instructions", run)
    monkeypatch.setattr("sys.argv", ["bench", "instructions", "--into", str(tmp_path)])

    assert command.main() == (status if is_bound else 0)
    assert (tmp_path / "instructions.md").exists()


def test_an_unknown_benchmark_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec("matplotlib") is None:
        missing("matplotlib is not installed; scripts/bench installs it")
    from benchmarks import __main__ as command

    monkeypatch.setattr("sys.argv", ["bench", "instruction"])

    with pytest.raises(SystemExit) as ended:
        command.main()

    assert ended.value.code == 2


def test_every_bound_is_of_a_line_in_the_table() -> None:
    """A line that was renamed would lose its bound without a word."""
    lines = {line.what for line in table.lines(COUNTS, {})}
    ours = {what for what in lines if "PyJWT" not in what and named.DIGEST not in what}
    sections = tomllib.loads(Path(table.__file__).with_name("bounds.toml").read_text("utf-8"))

    assert list(sections) == ["3.11", "3.12", "3.13"]
    assert [set(bounds) for bounds in sections.values()] == [ours] * 3
    assert table.bounds("3.11") == sections["3.11"]
    assert table.bounds("2.7") == {}


def test_a_request_goes_through_the_server_to_the_application() -> None:
    loop, app = asyncio.new_event_loop(), RecordingApplication()
    try:
        Connection(loop, app).send([request("a.b.c"), request("d.e.f")])
    finally:
        loop.close()

    sent = [dict(scope["headers"])[b"authorization"] for scope in app.scopes]
    assert sent == [b"Bearer a.b.c", b"Bearer d.e.f"]


def test_a_response_with_another_status_is_an_error() -> None:
    loop = asyncio.new_event_loop()

    async def failing(_scope: object, _receive: object, _send: object) -> None:
        raise ValueError

    try:
        with pytest.raises(RuntimeError, match="500"):
            Connection(loop, failing).send([request("a.b.c")])
    finally:
        loop.close()
