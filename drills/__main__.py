"""Drives the promises about keys and clients, prints what was measured (see scripts/drills)."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.peers import environments
from drills.discovery import discovery, no_way_inward
from drills.expiry import an_expiry, http_caching
from drills.flood import a_flood
from drills.hostile_clients import hostile_clients
from drills.outage import a_dead_issuer, bad_answers, the_status
from drills.results import comparison, summary, table
from drills.rotation import a_rotation, a_withdrawn_key, the_same_id
from drills.shared_fetch import a_cold_burst, the_fetch_belongs_to_nobody, the_start
from drills.slow_processor import a_slow_processor
from drills.system_under_test import OURS, Bench, Figure

Drill = Callable[[Bench], Awaitable[list[Figure]]]

PROMISES: Final[dict[int, tuple[str, Drill]]] = {
    1: ("Rotation costs no 401 and one fetch", a_rotation),
    2: ("Expiry costs no request anything", an_expiry),
    3: ("A dead issuer costs no valid token", a_dead_issuer),
    4: ("A flood of unknown key ids costs one fetch per cool-down", a_flood),
    5: ("Same key id, new key", the_same_id),
    6: ("A fetched set is authoritative", a_withdrawn_key),
    7: ("A bad answer is not a set", bad_answers),
    8: ("HTTP caching", http_caching),
    9: ("The fetch belongs to nobody", the_fetch_belongs_to_nobody),
    10: ("Discovery has the same promises", discovery),
    11: ("No way inward", no_way_inward),
    12: ("Truthful status", the_status),
    13: ("Warm", the_start),
    14: ("A hostile client costs the API and its other clients little", hostile_clients),
    15: ("A slow processor, a process that stands still", a_slow_processor),
}

NAMES: Final = {number: name for number, (name, _) in PROMISES.items()}

FROM_OUTSIDE: Final[dict[int, Drill]] = {
    **{number: PROMISES[number][1] for number in range(1, 8)},
    13: a_cold_burst,
}
"""What can be driven without asking the key source."""

_TIMED: Final = frozenset({2, 4, 14})
"""They compare latencies and have the machine to themselves."""

KEYS_ONCE: Final = frozenset({"authlib", "litestar", "mcp_sdk"})
"""Adapters that take the keys when they start and never again: they are there to be timed."""

_SIDE_BY_SIDE: Final = 3
"""The others mostly wait."""


async def drive(bench: Bench, drills: dict[int, Drill]) -> list[Figure]:
    """Return the figures; a drill that breaks is a promise that fails."""
    figures: list[Figure] = []
    places = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(number: int, drill: Drill) -> None:
        began = time.monotonic()
        try:
            measured = await drill(bench)
        except Exception as err:
            # Whatever went wrong, the other drills can still be driven.
            measured = [
                Figure(number, "the drill broke", f"{type(err).__name__}: {err}", "", False)
            ]
        print(
            f"{bench.adapter}: {number} {NAMES[number]}: "
            f"{'pass' if all(figure.passed for figure in measured) else 'FAIL'} "
            f"({time.monotonic() - began:.1f} s)",
            file=sys.stderr,
        )
        figures.extend(measured)

    async def in_turn(number: int, drill: Drill) -> None:
        async with places:
            await one(number, drill)

    for number in _TIMED & drills.keys():
        await one(number, drills[number])
    await asyncio.gather(
        *(in_turn(number, drill) for number, drill in drills.items() if number not in _TIMED)
    )
    return figures


async def run(arguments: argparse.Namespace) -> int:
    """Drive what was asked for and return the exit status."""
    chosen = set(arguments.only or PROMISES)
    status = 0
    with tempfile.TemporaryDirectory() as name:
        if arguments.peers:
            columns = await _peers(arguments, Path(name), chosen)
            text = summary(columns, NAMES) + "\n" + comparison(columns)
        else:
            drills = {number: drill for number, (_, drill) in PROMISES.items() if number in chosen}
            figures = await drive(Bench(OURS, Path(name), short=arguments.short), drills)
            text = table(figures, NAMES)
            status = 0 if all(figure.passed for figure in figures) else 1
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text, encoding="utf-8")
    return status


async def _peers(
    arguments: argparse.Namespace, folder: Path, chosen: set[int]
) -> dict[str, Sequence[Figure]]:

    drills = {number: drill for number, drill in FROM_OUTSIDE.items() if number in chosen}
    columns: dict[str, Sequence[Figure]] = {}
    for name in arguments.peers:
        try:
            python = environments.python_for(name) if name != OURS else Path(sys.executable)
        except environments.NotInstalled as err:
            print(f"{name}: {err}", file=sys.stderr)
            continue
        columns[name] = await drive(Bench(name, folder, python, arguments.short), drills)
    return columns


def main() -> int:
    """Return 0 if all promises are kept."""
    parser = argparse.ArgumentParser(prog="scripts/drills", description=__doc__)
    parser.add_argument("--short", action="store_true", help="less of everything, for CI")
    parser.add_argument("--only", type=int, nargs="+", choices=PROMISES, metavar="NUMBER")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument(
        "--peers",
        nargs="*",
        metavar="NAME",
        help="drive these modules of benchmarks.peers instead, all without a name",
    )
    arguments = parser.parse_args()
    if arguments.peers is not None and not arguments.peers:
        found = environments.names()
        arguments.peers = [OURS, *sorted(found - KEYS_ONCE)]
    return asyncio.run(run(arguments))


if __name__ == "__main__":
    sys.exit(main())
