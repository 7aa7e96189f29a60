"""The programs of the memory benchmark: one signs tokens, the other verifies them.

The signer writes the key set and then the tokens to its output, a line each; the verifier reads
them from its input and writes its resident memory.
"""

import argparse
import asyncio
import json
import resource
import sys
from contextlib import suppress
from pathlib import Path

from asgi_bearer import Presented, StaticKeys
from benchmarks.in_process import verifiers
from benchmarks.tokens import Signer, jwk_set, long_claims

ALGORITHM = "ES256"
"""The common algorithm that signs fastest: the signer must keep up with the verifier."""


def main() -> None:
    """Sign or verify."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    signing = commands.add_parser("sign")
    signing.add_argument("number", type=int, help="how many tokens, each of another user")
    signing.add_argument("--claims", type=int, default=0, metavar="BYTES", help="at least so many")
    verifying = commands.add_parser("verify")
    verifying.add_argument("every", type=int, help="how many tokens between two samples")
    arguments = parser.parse_args()
    if arguments.command == "sign":
        sign(arguments.number, arguments.claims)
    else:
        asyncio.run(verify(arguments.every))


def sign(number: int, claims: int) -> None:
    """Write a key set and so many tokens."""
    signer = Signer.new(ALGORITHM)
    print(json.dumps(jwk_set(signer)))
    for user in range(number):
        sys.stdout.write(signer.token(long_claims(claims, user)) + "\n")


async def verify(every: int) -> None:
    """Verify the tokens; after each `every` tokens write `[tokens, bytes]`."""
    lines = sys.stdin.buffer
    verifier = verifiers.ours(StaticKeys(json.loads(lines.readline())), cache=True)
    for number, line in enumerate(lines, start=1):
        await verifier.verify(Presented(line.rstrip().decode("ascii")))
        if number % every == 0:
            print(json.dumps([number, resident_bytes()]), flush=True)


def resident_bytes() -> int:
    """Return the resident memory, or the peak where the system does not report it."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
