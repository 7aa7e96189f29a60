"""oidc-provider, an authorization server by another author, as a process."""

import json
from pathlib import Path
from typing import Self

import httpx

from tests.interop.node import NodeProcess

AUDIENCE = "https://api.example/contacts"
OTHER_AUDIENCE = "https://api.example/calendar"
CLIENT_SECRET = "a secret that only this machine knows"
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
"""The signature algorithms; each has a client of its own (see `client_id`)."""


def client_id(algorithm: str) -> str:
    """Return the client whose ID tokens and access tokens are signed with this algorithm."""
    return f"web-application-{algorithm}"


class Provider(NodeProcess):
    """An authorization server that serves from `with` to the end of the block.

    Arguments:
        log: the file for its log.
    """

    def __init__(self, log: Path) -> None:
        super().__init__("provider.mjs", log)
        self._log = log
        self.issuer = ""

    def __enter__(self) -> Self:
        line = self.read_line()
        if not line:
            self.__exit__(None, None, None)
            raise AssertionError(f"oidc-provider does not serve:\n{self._log.read_text()}")
        self.issuer = str(json.loads(line)["issuer"])
        return self

    def rotate_keys(self) -> None:
        """Sign with new keys from now on; the earlier keys stay published."""
        httpx.post(f"{self.issuer}/rotate", trust_env=False).raise_for_status()
