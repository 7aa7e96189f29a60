"""Measures whole requests through real servers, ours and peers, with wrk."""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from benchmarks.report.result import Line, Result
from benchmarks.report.rounds import interleaved, ratios, spread
from benchmarks.servers import wrk
from benchmarks.servers.comparisons import OUR_COMPARISONS, PEER_COMPARISONS, SHARES, Comparison
from benchmarks.servers.measured_systems import RUN_SECONDS, MeasuredSystems, measured_systems
from benchmarks.servers.systems import OUR_SYSTEMS, PEER_SYSTEMS, System

_STARTS: Final = 3
_PEER_STARTS: Final = 2
"""Two processes of one program can differ in speed by a tenth, so each system is started several
times. Peers differ from us by more, so fewer starts are enough."""

_ROUNDS: Final = 4
_PEER_ROUNDS: Final = 3
"""For each start."""

_HOW: Final = (
    f"Each system is one server process; in Python it runs on uvicorn, uvloop and httptools "
    f"without an access log. All servers run at the same time, and wrk, with 1 thread and "
    f"{wrk.CONNECTIONS} connections, sends requests to one after the other, for {RUN_SECONDS} s "
    f"each. Our systems are started {_STARTS} times and measured {_ROUNDS} times after each start; "
    f"in the comparison with peers, {_PEER_STARTS} starts with {_PEER_ROUNDS} measurements. The "
    f"client sends RS256 access tokens of about 900 bytes in turn. The ratio is the requests a "
    f"second of one system divided by those of the other, even if their frameworks differ. Before "
    f"the measurement each guard must accept a valid token, and refuse a request without a token "
    f"and tokens that are forged, expired, without the scope, for another audience or of another "
    f"issuer. A run with a refusal or an error does not count."
)

_SHARES_HOW: Final = (
    "The requests a second of each guarded application, divided by those of an application of the "
    "same framework without a guard, measured in the same rounds as the comparison with peers."
)

_NO_WRK: Final = "Skipped: wrk is not installed (Debian package `wrk`)."


def run(*, short: bool) -> tuple[Result, ...]:
    """Measure our systems, and compare them with peers; a short run measures ours once."""
    if not wrk.is_installed():
        return (_result((), _NO_WRK),)
    starts, rounds = (1, 1) if short else (_STARTS, _ROUNDS)
    with measured_systems(short=short) as measured:
        ours = _rates(measured, OUR_SYSTEMS, starts=starts, rounds=rounds)
        peers: dict[str, list[float]] = {}
        if not short:
            peers = _rates(measured, PEER_SYSTEMS, starts=_PEER_STARTS, rounds=_PEER_ROUNDS)
    http = _result(
        lines(OUR_COMPARISONS, ours) + lines(PEER_COMPARISONS, peers),
        _remark(measured.left_out, short=short),
    )
    title = "The share of requests a second that each guard leaves"
    shares = Result("shares", title, _SHARES_HOW, lines(SHARES, peers))
    return (http,) if short else (http, shares)


def _rates(
    measured: MeasuredSystems, systems: Mapping[str, System], *, starts: int, rounds: int
) -> dict[str, list[float]]:
    """Return the requests a second of each system that started every time."""
    rates: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(starts):
        with measured.started(systems) as subjects:
            for name, found in interleaved(subjects, rounds=rounds).items():
                rates[name] += found
    return {name: found for name, found in rates.items() if name not in measured.left_out}


def lines(
    comparisons: Iterable[Comparison], rates: Mapping[str, Sequence[float]]
) -> tuple[Line, ...]:
    """Return a line for each comparison whose two systems were measured."""
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


def _remark(left_out: Mapping[str, str], *, short: bool) -> str:
    remarks = ["This was a short run: our systems, measured once."] if short else []
    remarks += [f"Left out: {name} ({reason})." for name, reason in left_out.items()]
    return " ".join(remarks)


def _result(found: tuple[Line, ...], remark: str) -> Result:
    return Result("http", "Whole requests", f"{_HOW} {remark}".strip(), found)


def main() -> None:
    """Measure some systems; print their requests a second and their ratios to the first."""
    systems = {**OUR_SYSTEMS, **PEER_SYSTEMS}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=systems, metavar="NAME", default=[*OUR_SYSTEMS]
    )
    parser.add_argument("--starts", type=int, default=_STARTS)
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="for each start")
    arguments = parser.parse_args()
    with measured_systems(short=False) as measured:
        chosen = {name: systems[name] for name in arguments.only}
        rates = _rates(measured, chosen, starts=arguments.starts, rounds=arguments.rounds)
    first = next(iter(rates.values()))
    for name, found in rates.items():
        rate, ratio = spread(found), ratios(found, first)
        print(
            f"{name:20} {rate.median:8,.0f} requests/s [{rate.low:,.0f}..{rate.high:,.0f}]"
            f"  {ratio.median:.3f} [{ratio.low:.3f}..{ratio.high:.3f}]"
        )
    for line in lines((*OUR_COMPARISONS, *PEER_COMPARISONS, *SHARES), rates):
        goal = f"; {line.goal}: {line.verdict}" if line.goal else ""
        print(f"{line.ratio.median:.3f}  {line.what} / {line.against}{goal}")


if __name__ == "__main__":
    main()
