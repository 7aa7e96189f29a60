"""The package oidc-provider as a process of its own: an authorization server we did not write."""

import json
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.interop.node import FOLDER, NODE

AUDIENCE = "https://api.example/contacts"
OTHER_AUDIENCE = "https://api.example/calendar"
CLIENT_SECRET = "a secret that only this machine knows"
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
"""What tokens are signed with, each at a client of its own: see `client_id`."""

DEADLINE = 120.0
"""Seconds, for a busy machine; a start takes about one."""


def client_id(algorithm: str) -> str:
    """Return the client whose ID tokens and access tokens are signed with this algorithm."""
    return f"web-application-{algorithm}"


class Provider:
    """An authorization server that serves from `with` until the end of the block.

    Arguments:
        log: the file where it writes what happens.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [NODE, FOLDER / "provider.mjs"],
                # It ends with its standard input, so also if this process dies.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        self.issuer = ""

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        late = threading.Timer(DEADLINE, self._process.kill)
        late.start()
        line = self._process.stdout.readline()
        late.cancel()
        if not line:
            self.__exit__(None, None, None)
            raise AssertionError(f"oidc-provider does not serve:\n{self._log.read_text()}")
        self.issuer = str(json.loads(line)["issuer"])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Popen's own end of a block closes the pipes and waits.
        with self._process:
            self._process.kill()

    def rotate_keys(self) -> None:
        """Make it sign with new keys from now on; the ones before stay published."""
        httpx.post(f"{self.issuer}/rotate", trust_env=False).raise_for_status()
