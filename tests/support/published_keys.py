"""An issuer that publishes its keys, and an API that gets them from there, by a fake clock."""

import asyncio
import json
from typing import Any

from asgi_bearer import JWTVerifier, Presented, Principal
from asgi_bearer.keys import Document, FetchFailed, RemoteKeys, remote_keys
from tests.support.fake_issuer import (
    FakeClock,
    FakeDocuments,
    FakeIssuer,
    SigningKey,
    b64,
    signing_key,
)

JWKS_URI = "https://issuer.example/jwks"

DOWN = FetchFailed("the issuer is down")


class Pausable:
    """Something whose answers wait while its gate is closed."""

    _gate: asyncio.Event | None = None

    async def wait_while_paused(self) -> None:
        """Wait until the gate that is closed now is open."""
        if self._gate is not None:
            await self._gate.wait()

    def pause(self) -> None:
        """Let everything that is asked for from now on wait."""
        self._gate = asyncio.Event()

    def hang(self) -> None:
        """Let what waits wait for ever, and nothing else."""
        self._gate = None

    def resume(self) -> None:
        """Let go what waits."""
        if self._gate is not None:
            self._gate.set()
        self._gate = None


class PausableDocuments(Pausable, FakeDocuments):
    """Documents that are taken when they are asked for, and handed over once the gate is open."""

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        try:
            document: Document | Exception = await super().__call__(url, etag=etag)
        except Exception as err:
            document = err
        await self.wait_while_paused()
        if isinstance(document, Exception):
            raise document
        return document


class Published:
    """An issuer, its published keys, and a verifier that fetches them."""

    def __init__(self, key: SigningKey | None = None, **arguments: Any) -> None:
        self.clock = FakeClock()
        self.issuer = FakeIssuer(key=key or signing_key("ES256", "k1"), clock=self.clock)
        self.documents = PausableDocuments({})
        self.publish()
        settings: dict[str, Any] = {"random": lambda: 0.0, "clock": self.clock, **arguments}
        self.keys: RemoteKeys = remote_keys(jwks_uri=JWKS_URI, fetch=self.documents, **settings)
        self.verifier: JWTVerifier = self.issuer.verifier(keys=self.keys)

    @property
    def fetches(self) -> int:
        """How many documents were asked for."""
        return len(self.documents.requested)

    def publish(self, *others: SigningKey, **headers: str) -> None:
        """Serve the issuer's present key, and `others`; `cache_control` is a header."""
        body = json.dumps(self.issuer.jwks(*others)).encode()
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        self.serve(Document(body, fields))

    def serve(self, document: object) -> None:
        """Serve `document` as the key set, or raise it."""
        self.documents.documents[JWKS_URI] = document

    def rotate(self, kid: str = "k2", number: int = 2) -> None:
        """Sign with a new key from now on, and publish only that one."""
        self.issuer.key = signing_key("ES256", kid, number)
        self.publish()

    async def verify(self, token: str | None = None) -> Principal:
        """Verify `token`, or one that the issuer signs now."""
        return await self.verifier.verify(Presented(token or self.issuer.token()))

    async def verify_all(self, tokens: list[str]) -> list[str]:
        """Verify `tokens` all at once; return for each the code of its refusal, or its subject."""
        results = await asyncio.gather(
            *(self.verify(token) for token in tokens), return_exceptions=True
        )
        return [
            getattr(result, "code", repr(result))
            if isinstance(result, BaseException)
            else str(result.subject)
            for result in results
        ]

    def unknown_tokens(self, count: int, name: str = "random") -> list[str]:
        """Return tokens with `count` key ids that nobody published, the same for the same name."""
        claims = self.issuer.token().split(".", 1)[1]
        return [f"{b64(self.issuer.header(kid=f'{name}{n}'))}.{claims}" for n in range(count)]

    def forged_tokens(self, count: int = 1) -> list[str]:
        """Return tokens with a known key id that somebody else signed."""
        other = FakeIssuer(
            key=signing_key("ES256", self.issuer.key.kid, number=666), clock=self.clock
        )
        return [other.token(jti=f"{n}") for n in range(count)]


async def run_pending_tasks() -> None:
    """Let the tasks that can go on run until they wait."""
    for _ in range(20):
        await asyncio.sleep(0)
