"""The process of an issuer, with the keys that it publishes."""

import functools
import json
import os
import time
from dataclasses import replace
from itertools import count

from benchmarks.child_process import ChildProcess, Json
from benchmarks.tokens import AUDIENCE, DAY, Signer, forged
from drills.processes.issuer_server import Document

JWKS = "/keys"
METADATA = "/.well-known/oauth-authorization-server"

_VALID_SECONDS = 400 * DAY
"""The drills advance clocks by hours at a time, and no drill tests expired tokens."""

_PRIVATE_KEYS = 6
"""Generating one is slow, and no drill uses more keys at a time."""


@functools.cache
def _signer(_: int) -> Signer:
    return Signer.new("RS256")


class IssuerProcess:
    """Controls an `issuer_server`, makes its keys and signs its tokens.

    Arguments:
        path: the path of the issuer identifier.
    """

    def __init__(self, child: ChildProcess, path: str = "") -> None:
        self._child = child
        self.origin = f"http://127.0.0.1:{child.hello['port']}"
        self.identifier = self.origin + path
        self.jwks_uri = self.origin + JWKS
        self._numbers = count()
        self.keys = [self.new_key()]

    def new_key(self, kid: str | None = None) -> Signer:
        """Return another key; after six, private keys are used again."""
        number = next(self._numbers)
        return replace(_signer(number % _PRIVATE_KEYS), kid=kid or f"key-{number}")

    async def serve(self, path: str, document: Document) -> None:
        """Serve `document` at `path` from now on."""
        await self._child.ask(
            do="serve",
            path=path,
            body=document.body.decode("latin-1"),
            status=document.status,
            headers=document.headers,
            delay=document.delay,
            manner=document.manner,
        )

    def jwks(self, *others: object) -> bytes:
        """Return the key set as JSON, with further entries."""
        return json.dumps({"keys": [*(key.jwk() for key in self.keys), *others]}).encode()

    async def publish(
        self, *keys: Signer, delay: float = 0.0, headers: dict[str, str] | None = None
    ) -> None:
        """Publish exactly these keys; without `keys`, the current ones."""
        self.keys = list(keys) or self.keys
        await self.serve(JWKS, Document(self.jwks(), delay=delay, headers=headers or {}))

    async def publish_metadata(self, path: str = METADATA, **changes: object) -> None:
        """Serve the metadata at a well-known path."""
        metadata = {"issuer": self.identifier, "jwks_uri": self.jwks_uri, **changes}
        await self.serve(path, Document(json.dumps(metadata).encode()))

    async def hang_up(self) -> None:
        """Reset open connections and refuse new ones."""
        await self._child.ask(do="hang_up")

    async def listen(self) -> None:
        """Accept connections again."""
        await self._child.ask(do="listen")

    async def requests(self, path: str | None = None) -> list[tuple[str, float, int]]:
        """Return path, time and status of each request; with `path`, only requests to it."""
        requests: list[tuple[str, float, int]] = await self._child.ask(do="requests")
        return [request for request in requests if path in (None, request[0])]

    async def fetches(self) -> int:
        """Return how often the key set was requested."""
        return len(await self.requests(JWKS))

    def claims(self) -> Json:
        """Return the claims of a valid token."""
        now = int(time.time())
        return {
            "iss": self.identifier,
            "sub": "alice",
            "aud": AUDIENCE,
            "client_id": "web",
            "iat": now,
            "exp": now + _VALID_SECONDS,
            "jti": os.urandom(8).hex(),
            "scope": "read:contacts",
        }

    def token(self, key: Signer | None = None, **header: str) -> str:
        """Return a valid token, signed by `key` or by the first key."""
        return (key or self.keys[0]).token(self.claims(), **header)

    def forged(self, kid: str) -> str:
        """Return a token with this key id and a forged signature."""
        return forged(self.claims(), kid)
