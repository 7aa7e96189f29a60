"""Runs the benchmarks and writes a page, a plot and a JSON file for each."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks import ROOT
from benchmarks.in_process import imports, memory, micro, scale
from benchmarks.instructions import table as instructions
from benchmarks.report.chart import svg
from benchmarks.report.page import json_text, page, ratio_text
from benchmarks.report.result import Result
from benchmarks.servers import throughput as http

BENCHMARKS: Final[dict[str, Callable[..., Result | tuple[Result, ...]]]] = {
    "instructions": instructions.run,
    "micro": micro.run,
    "http": http.run,
    "memory": memory.run,
    "imports": imports.run,
    "scale": scale.run,
}
"""In the order in which they run."""


def main() -> int:
    """Return 0 unless a benchmark failed, or a bound is not met; other goals are no failure."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="only test that the benchmarks run")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"some of {', '.join(BENCHMARKS)}; by default all"
    )
    parser.add_argument(
        "--into",
        type=Path,
        default=ROOT / "benchmarks" / "results",
        metavar="FOLDER",
        help="where the files are written",
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    arguments.into.mkdir(parents=True, exist_ok=True)

    results: list[Result] = []
    status = 0
    for name in arguments.names or BENCHMARKS:
        began = time.monotonic()
        try:
            found = BENCHMARKS[name](short=arguments.short)
        except Exception as err:
            # The other benchmarks can still run.
            print(f"{name} failed: {type(err).__name__}: {err}", file=sys.stderr)
            status = 1
            continue
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        for result in (found,) if isinstance(found, Result) else found:
            _write(result, arguments.into)
            print(page(result))
            results.append(result)
    for result in results:
        for line in result.not_met:
            print(f"NOT met: {line.what} / {line.against}: {ratio_text(line.ratio)}, {line.goal}")
            status = 1 if result.is_bound else status
    return status


def _write(result: Result, folder: Path) -> None:
    for ending, text in (("md", page(result)), ("svg", svg(result)), ("json", json_text(result))):
        (folder / f"{result.name}.{ending}").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
