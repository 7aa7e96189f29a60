"""The programs of the memory benchmark: one signs tokens, the other verifies them.

The signer writes the key set and then the tokens to its output, a line each; the verifier reads
them from its input and writes its resident memory.
"""

import asyncio
import json
import sys

from asgi_bearer import Presented, StaticKeys
from benchmarks.child_process import own_memory
from benchmarks.in_process import verifiers
from benchmarks.tokens import Signer, jwk_set, long_claims

ALGORITHM = "ES256"
"""The common algorithm that signs fastest: the signer must keep up with the verifier."""


def sign(number: int, claims: int) -> None:
    """Write a key set and so many tokens, with at least so many bytes of claims."""
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
            print(json.dumps([number, own_memory("VmRSS")]), flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sign", number, claims]:
            sign(int(number), int(claims))
        case ["verify", every]:
            asyncio.run(verify(int(every)))
        case _:
            sys.exit("expected: sign NUMBER BYTES, or verify EVERY")
