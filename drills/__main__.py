"""Runs the drills, prints what they measured and whether each promise is kept."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.peers import environments
from drills.bad_answers import bad_answers
from drills.discovery import discovery, forbidden_addresses
from drills.expiry import expiry, http_caching
from drills.flood import flood
from drills.hostile_clients import hostile_clients
from drills.outage import key_source_status, unreachable_issuer
from drills.parties import OURS, SystemUnderTest
from drills.results import DrillResult, comparison, results_table, summary
from drills.rotation import new_key_id, same_key_id, withdrawn_key
from drills.shared_fetch import shared_fetch
from drills.slow_processor import slow_processor
from drills.start import first_requests, start

Drill = Callable[[SystemUnderTest], Awaitable[list[DrillResult]]]

PROMISES: Final[dict[int, tuple[str, Drill]]] = {
    1: ("A new key id causes no 401 and one fetch", new_key_id),
    2: ("No request waits when keys expire", expiry),
    3: ("Valid tokens are accepted while the issuer is unreachable", unreachable_issuer),
    4: ("A flood of unknown key ids causes one fetch per cool-down", flood),
    5: ("A new key behind an existing key id is found", same_key_id),
    6: ("A withdrawn key is refused after the next fetch", withdrawn_key),
    7: ("A bad answer does not replace the key set", bad_answers),
    8: ("HTTP caching headers are followed", http_caching),
    9: ("Concurrent requests share one fetch", shared_fetch),
    10: ("Discovery finds the keys", discovery),
    11: ("No fetch from a private network", forbidden_addresses),
    12: ("The status of the key source is correct", key_source_status),
    13: ("Keys are fetched at the start", start),
    14: ("A hostile client takes little memory and time", hostile_clients),
    15: ("Slow processors and stopped processes cost no valid token", slow_processor),
}

NAMES: Final = {number: name for number, (name, _) in PROMISES.items()}

FOR_PEERS: Final[dict[int, Drill]] = {
    **{number: PROMISES[number][1] for number in range(1, 8)},
    13: first_requests,
}
"""The drills that need no access to the key source."""

_TIMED: Final = frozenset({2, 4, 14})
"""These compare latencies, so no other drill runs meanwhile."""

KEYS_LOADED_ONCE: Final = frozenset({"authlib", "litestar", "mcp_sdk"})
"""Adapters that load the keys only at the start; the benchmarks use them, the drills do not."""

_CONCURRENT: Final = 3
"""Drills at the same time; most of them wait."""


async def run_drills(system: SystemUnderTest, drills: dict[int, Drill]) -> list[DrillResult]:
    """Return the results; a drill that raises an error is a failed result."""
    results: list[DrillResult] = []
    slots = asyncio.Semaphore(_CONCURRENT)

    async def run_one(number: int, drill: Drill) -> None:
        async with slots:
            began = time.monotonic()
            try:
                found = await drill(system)
            except Exception as err:
                # The other drills can still run.
                error = f"{type(err).__name__}: {err}"
                found = [DrillResult(number, "an error occurred", error, "", False)]
        print(
            f"{system.adapter}: {number}. {NAMES[number]}: "
            f"{'pass' if all(result.passed for result in found) else 'FAIL'} "
            f"({time.monotonic() - began:.1f} s)",
            file=sys.stderr,
        )
        results.extend(found)

    for number in _TIMED & drills.keys():
        await run_one(number, drills[number])
    await asyncio.gather(
        *(run_one(number, drill) for number, drill in drills.items() if number not in _TIMED)
    )
    return results


async def run(arguments: argparse.Namespace) -> int:
    """Run the chosen drills and return the exit status."""
    chosen = set(arguments.only or PROMISES)
    status = 0
    with tempfile.TemporaryDirectory() as name:
        if arguments.peers:
            columns = await _peers(arguments, Path(name), chosen)
            text = summary(columns, NAMES) + "\n" + comparison(columns)
        else:
            drills = {number: drill for number, (_, drill) in PROMISES.items() if number in chosen}
            system = SystemUnderTest(OURS, Path(name), short=arguments.short)
            results = await run_drills(system, drills)
            text = results_table(results, NAMES)
            status = 0 if all(result.passed for result in results) else 1
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text, encoding="utf-8")
    return status


async def _peers(
    arguments: argparse.Namespace, folder: Path, chosen: set[int]
) -> dict[str, Sequence[DrillResult]]:
    drills = {number: drill for number, drill in FOR_PEERS.items() if number in chosen}
    columns: dict[str, Sequence[DrillResult]] = {}
    for name in arguments.peers:
        try:
            python = environments.python_for(name) if name != OURS else Path(sys.executable)
        except environments.NotInstalled as err:
            print(f"{name}: left out: {err}", file=sys.stderr)
            continue
        system = SystemUnderTest(name, folder, python, arguments.short)
        columns[name] = await run_drills(system, drills)
    return columns


def main() -> int:
    """Return 0 if all promises are kept."""
    parser = argparse.ArgumentParser(prog="scripts/drills", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer requests, as in CI")
    parser.add_argument(
        "--only", type=int, nargs="+", choices=PROMISES, metavar="NUMBER", help="of a promise"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table there")
    parser.add_argument(
        "--peers",
        nargs="*",
        metavar="NAME",
        help="test these modules of benchmarks.peers instead; without a name, all of them",
    )
    arguments = parser.parse_args()
    if arguments.peers is not None and not arguments.peers:
        arguments.peers = [OURS, *sorted(environments.names() - KEYS_LOADED_ONCE)]
    return asyncio.run(run(arguments))


if __name__ == "__main__":
    sys.exit(main())
