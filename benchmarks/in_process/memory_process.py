"""Verifies the tokens on standard input (`stream`) with one verifier and says how large it is."""

import asyncio
import json
import resource
import sys
from contextlib import suppress
from pathlib import Path

from asgi_bearer import Presented, StaticKeys
from benchmarks.in_process import verifiers


async def main(every: int) -> None:
    """Print `[tokens, bytes]` after each `every` tokens."""
    lines = sys.stdin.buffer
    verifier = verifiers.ours(StaticKeys(json.loads(lines.readline())), cache=True)
    for number, line in enumerate(lines, start=1):
        await verifier.verify(Presented(line.rstrip().decode("ascii")))
        if number % every == 0:
            print(json.dumps([number, resident_bytes()]), flush=True)


def resident_bytes() -> int:
    """Return the memory that this process has now, or where that is not told, the most it had."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
