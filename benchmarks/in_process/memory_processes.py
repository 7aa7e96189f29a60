"""Signs tokens as fast as it can and writes them to standard output, a line each, keys first."""

import argparse
import json
import sys

from benchmarks.in_process.signing import Signer, jwk_set, long_claims

ALGORITHM = "ES256"
"""The quickest to sign of those that are common: the signer must keep up with the verifier."""


def main() -> None:
    """Write so many tokens, each of another user."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", type=int)
    parser.add_argument("--claims", type=int, default=0, metavar="BYTES", help="at least so many")
    arguments = parser.parse_args()
    signer = Signer.new(ALGORITHM)
    print(json.dumps(jwk_set(signer)))
    for user in range(arguments.number):
        sys.stdout.write(signer.token(long_claims(arguments.claims, user)) + "\n")


if __name__ == "__main__":
    main()
