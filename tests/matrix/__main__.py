"""Runs the matrix (`scripts/test --matrix`) or its slice, and judges it by the known gaps.

A run of the whole matrix writes docs/frameworks/matrix.md.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.matrix.cell_run import MEANINGS, CellRun
from tests.matrix.cells import Cell, slice_of, whole
from tests.matrix.environments import THIS_PYTHON, interpreters, python_for
from tests.matrix.issuer import Issuer, serving_issuer
from tests.matrix.known_gaps import Failed, Outcomes, faults, known_gaps, unused
from tests.matrix.table import FILE, page

_AT_ONCE = 2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/test --matrix", description=__doc__)
    parser.add_argument(
        "--slice",
        action="store_true",
        help="each framework once and each server, on one Python, in less than two minutes",
    )
    parser.add_argument(
        "--only",
        metavar="TEXT",
        action="append",
        default=[],
        help="only the cells whose name contains the text, such as 'Quart on hypercorn'",
    )
    return parser.parse_args()


def main() -> int:
    """Run the cells; return 1 if a check fails without a known gap, or a gap no longer fails."""
    # So that SIGTERM ends the servers, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments = _arguments()
    bases = {THIS_PYTHON: sys.executable} if arguments.slice else interpreters()
    began = time.monotonic()
    pythons = {version: python_for(version, base) for version, base in bases.items()}
    print(f"environments: {time.monotonic() - began:.0f} s", flush=True)
    cells = slice_of(THIS_PYTHON) if arguments.slice else whole(list(pythons))
    cells = [cell for cell in cells if all(text in str(cell) for text in arguments.only)]
    began = time.monotonic()
    results = asyncio.run(_run(cells, pythons))
    print(f"{len(cells)} cells: {time.monotonic() - began:.0f} s")
    gaps = known_gaps()
    found = faults(results, gaps)
    if not arguments.slice and not arguments.only:
        found += unused(results, gaps)
        FILE.write_text(page(results, gaps, MEANINGS), encoding="utf-8")
        print(f"written: {FILE.name}")
    for fault in found:
        print(fault)
    checks = sum(map(len, results.values()))
    print(f"{checks - len(found)} passed, {len(found)} failed")
    return 1 if found or not checks else 0


async def _run(cells: list[Cell], pythons: Mapping[str, Path]) -> dict[Cell, Outcomes]:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def run(number: int, cell: Cell, issuer: Issuer) -> Outcomes:
        async with turns:
            began = time.monotonic()
            outcomes = await CellRun(cell, number, pythons[cell.python], issuer).run()
        failed = [name for name, outcome in outcomes.items() if isinstance(outcome, Failed)]
        result = f"gaps: {', '.join(failed)}" if failed else "passed"
        print(f"{cell}: {result} ({time.monotonic() - began:.1f} s)", flush=True)
        return outcomes

    async with serving_issuer() as issuer:
        outcomes = await asyncio.gather(
            *(run(number, cell, issuer) for number, cell in enumerate(cells))
        )
    return dict(zip(cells, outcomes, strict=True))


if __name__ == "__main__":
    sys.exit(main())
