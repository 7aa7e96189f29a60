"""Whole requests through real servers, ours and others, with wrk."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from benchmarks.speed import wrk
from benchmarks.speed.comparisons import OURS_COMPARED, RACE_COMPARED, Comparison
from benchmarks.speed.field import RUN_SECONDS, field
from benchmarks.speed.result import Line, Result
from benchmarks.speed.rounds import interleaved, ratios, spread
from benchmarks.speed.systems import OURS, RACE

_ROUNDS: Final = 12
_RACE_ROUNDS: Final = 6
"""Others are far enough away to be told apart sooner."""

_HOW: Final = (
    f"Every system is one server process, those in Python on uvicorn, uvloop and httptools without "
    f"an access log, and all are up at the same time. wrk, with 1 thread and {wrk.CONNECTIONS} "
    f"connections, asks one after the other for {RUN_SECONDS} s, {_ROUNDS} times, or "
    f"{_RACE_ROUNDS} where others take part, with RS256 access tokens of about 900 bytes that take "
    f"turns. The ratio is the requests per second of the one by those of the other, whatever "
    f"their frameworks. Before anything counts, a guard has to let a good token pass and to refuse "
    f"no token, and one that is forged, expired, without the scope, for another audience or of "
    f"another issuer. An answer that is not a good one, and the run does not count."
)

_NO_WRK: Final = "Skipped: wrk is not installed; Debian has it as the package `wrk`."


def run(*, short: bool) -> Result:
    """Measure ours in itself and against others, or ours alone and once."""
    if not wrk.is_here():
        return _result((), _NO_WRK)
    with field(short=short) as servers:
        ours = servers.start(OURS)
        found = lines(OURS_COMPARED, interleaved(ours, rounds=1 if short else _ROUNDS))
        if not short:
            others = servers.start({n: system for n, system in RACE.items() if n not in OURS})
            subjects = {**ours, **others}
            race = {name: subjects[name] for name in RACE if name in subjects}
            found += lines(RACE_COMPARED, interleaved(race, rounds=_RACE_ROUNDS))
        return _result(found, _said(servers.left_out, short=short))


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
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    given = parser.parse_args()
    with field(short=False) as servers:
        subjects = servers.start({name: systems[name] for name in given.only})
        rates = interleaved(subjects, rounds=given.rounds)
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
