"""Whole requests through real servers, ours and others, with wrk."""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from benchmarks.report.result import Line, Result
from benchmarks.report.rounds import interleaved, ratios, spread
from benchmarks.servers import wrk
from benchmarks.servers.comparisons import OURS_COMPARED, RACE_COMPARED, Comparison
from benchmarks.servers.measured_systems import RUN_SECONDS, Field, field
from benchmarks.servers.systems import OURS, RACE, System

_STARTS: Final = 3
_RACE_STARTS: Final = 2
"""Others are far enough away to be told apart sooner. Of two processes of one program, one can be a
tenth faster than the other for as long as they live, so each system is started anew."""

_ROUNDS: Final = 4
_RACE_ROUNDS: Final = 3
"""To a start."""

_HOW: Final = (
    f"Every system is one server process, those in Python on uvicorn, uvloop and httptools without "
    f"an access log, and all are up at the same time. wrk, with 1 thread and {wrk.CONNECTIONS} "
    f"connections, asks one after the other for {RUN_SECONDS} s, {_ROUNDS} times to each of "
    f"{_STARTS} starts, or {_RACE_ROUNDS} times to each of {_RACE_STARTS} where others take part, "
    f"with RS256 access tokens of about 900 bytes that take turns. The ratio is the requests per "
    f"second of the one by those of the other, whatever their frameworks. Before anything counts, "
    f"a guard has to let a good token pass and to refuse no token, and one that is forged, "
    f"expired, without the scope, for another audience or of another issuer. An answer that is not "
    f"a good one, and the run does not count."
)

_NO_WRK: Final = "Skipped: wrk is not installed; Debian has it as the package `wrk`."


def run(*, short: bool) -> Result:
    """Measure ours in itself and against others, or ours alone and once."""
    if not wrk.is_here():
        return _result((), _NO_WRK)
    with field(short=short) as servers:
        if short:
            found = lines(OURS_COMPARED, _rates(servers, OURS, starts=1, rounds=1))
        else:
            ours = _rates(servers, OURS, starts=_STARTS, rounds=_ROUNDS)
            race = _rates(servers, RACE, starts=_RACE_STARTS, rounds=_RACE_ROUNDS)
            found = lines(OURS_COMPARED, ours) + lines(RACE_COMPARED, race)
        return _result(found, _said(servers.left_out, short=short))


def _rates(
    servers: Field, systems: Mapping[str, System], *, starts: int, rounds: int
) -> dict[str, list[float]]:
    """Return the requests per second of each system that could be started each time."""
    rates: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(starts):
        with servers.started(systems) as subjects:
            for name, found in interleaved(subjects, rounds=rounds).items():
                rates[name] += found
    return {name: found for name, found in rates.items() if name not in servers.left_out}


def lines(
    comparisons: Iterable[Comparison], rates: Mapping[str, Sequence[float]]
) -> tuple[Line, ...]:
    """Return a line for each comparison of which both sides were measured."""
    return tuple(
        Line(
            what=compared.what,
            against=compared.against,
            ratio=ratios(rates[compared.of], rates[compared.to]),
            goal=compared.goal,
            remark=f"{_median(rates[compared.of])} to {_median(rates[compared.to])} requests/s",
        )
        for compared in comparisons
        if compared.of in rates and compared.to in rates
    )


def _median(rates: Sequence[float]) -> str:
    return f"{spread(rates).median:,.0f}"


def _said(left_out: Mapping[str, str], *, short: bool) -> str:
    said = ["This was a short run: ours alone, once."] if short else []
    said += [f"Left out: {name} ({reason})." for name, reason in left_out.items()]
    return " ".join(said)


def _result(found: tuple[Line, ...], remark: str) -> Result:
    return Result("http", "Whole requests", f"{_HOW} {remark}".strip(), found)


def main() -> None:
    """Measure some systems, and print requests per second and the ratio to the first of them."""
    systems = {**OURS, **RACE}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=systems, metavar="NAME", default=[*OURS])
    parser.add_argument("--starts", type=int, default=_STARTS)
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="to a start")
    given = parser.parse_args()
    with field(short=False) as servers:
        chosen = {name: systems[name] for name in given.only}
        rates = _rates(servers, chosen, starts=given.starts, rounds=given.rounds)
    first = next(iter(rates.values()))
    for name, found in rates.items():
        rate, ratio = spread(found), ratios(found, first)
        print(
            f"{name:20} {rate.median:8,.0f} requests/s [{rate.low:,.0f}..{rate.high:,.0f}]"
            f"  {ratio.median:.3f} [{ratio.low:.3f}..{ratio.high:.3f}]"
        )
    for line in lines((*OURS_COMPARED, *RACE_COMPARED), rates):
        goal = f"; {line.goal}: {line.verdict}" if line.goal else ""
        print(f"{line.ratio.median:.3f}  {line.what} / {line.against}{goal}")


if __name__ == "__main__":
    main()
