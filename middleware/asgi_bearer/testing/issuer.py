"""`FakeIssuer`: an authorization server in the process of the test, which signs any claims."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final, Self
from urllib.parse import urlsplit

from asgi_bearer import BearerMiddleware, JWTVerifier, RemoteKeys, remote_keys
from asgi_bearer.keys import issuer_fault
from asgi_bearer.testing.app import DocumentsApp, InProcess
from asgi_bearer.testing.clock import FakeClock, RunningClock
from asgi_bearer.testing.documents import Documents
from asgi_bearer.testing.shapes import Shape
from asgi_bearer.testing.signing import Json, SigningKey, signing_key
from asgi_bearer.testing.tokens import TokenIssuer

ISSUER: Final = "https://issuer.example/"
AUDIENCE: Final = "https://api.example/contacts"

_ROTATED: Final = 1000
"""The number of the first key of a rotation; lower numbers are for the keys of tests."""


async def _answer_ok(_scope: Any, _receive: Any, send: Any) -> None:
    """Answer every scope with an empty 200."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class FakeIssuer(TokenIssuer, Documents):
    """An authorization server that publishes its keys and signs any claims.

    Nothing goes over a socket, unless a test calls `serve`.

    Arguments:
        issuer: its identifier.
        audience: the API that its tokens are for.
        key: signs the tokens. The default is a key for ES256, because making one takes less than a
            millisecond; `signing_key("RS256")` takes a tenth of a second, once in a process.
        clock: the time of the tokens and of the verifiers. The default stands still at the time at
            which the issuer was made. `time.time` runs, for tests that take minutes.
        shape: whose tokens it issues unless a test asks for others: a key of `SHAPES`, such as
            `keycloak`.

    Attributes:
        key: the key that signs now; it may be replaced.
        others: the keys that are published beside it.
        clock: `clock.advance(60)` lets a minute pass.
        app: the ASGI application that serves the documents.
        requested: the paths of the documents that were requested.
    """

    def __init__(
        self,
        issuer: str = ISSUER,
        audience: str = AUDIENCE,
        key: SigningKey | None = None,
        clock: Callable[[], float] | None = None,
        *,
        shape: str | Shape = "rfc9068",
    ) -> None:
        if clock is None:
            clock = FakeClock(float(int(time.time())))
        elif not isinstance(clock, FakeClock):
            clock = RunningClock(clock)
        TokenIssuer.__init__(self, issuer, audience, key or signing_key("ES256"), clock, shape)
        Documents.__init__(self)
        self.others: list[SigningKey] = []
        self.app = DocumentsApp(self)
        self._rotations = 0

    def jwks(self, *others: SigningKey) -> Json:
        """Return the key set document."""
        return {"keys": [key.jwk() for key in (self.key, *self.others, *others)]}

    def rotate(self, *, withdraw: bool = False) -> SigningKey:
        """Sign with a new key from now on, and publish it; return that key.

        Arguments:
            withdraw: no longer publish the other keys.
        """
        self.others = [] if withdraw else [self.key, *self.others]
        self._rotations += 1
        number = _ROTATED + self._rotations
        self.key = signing_key(self.key.alg, f"rotated-{self._rotations}", number)
        return self.key

    @property
    def jwks_uri(self) -> str:
        """The URL of the key set."""
        origin, path = self._address()
        return f"{origin}{path}/jwks"

    def documents(self) -> dict[str, Json]:
        """Return the metadata (RFC 8414, OpenID Connect Discovery) and the key set, by path."""
        origin, path = self._address()
        metadata: Json = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{origin}{path}/authorize",
            "token_endpoint": f"{origin}{path}/token",
            "jwks_uri": self.jwks_uri,
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.key.alg],
        }
        return {
            f"{path}/.well-known/openid-configuration": metadata,
            f"/.well-known/oauth-authorization-server{path}": metadata,
            f"{path}/jwks": self.jwks(),
        }

    def remote_keys(self, **arguments: Any) -> RemoteKeys:
        """Return a key source that fetches this issuer's documents in process.

        Arguments:
            arguments: of `asgi_bearer.remote_keys`, such as `timeout=0.1`.
        """
        origin, _ = self._address()
        # In process, http is as safe as https. An identifier that is not a URL has no metadata.
        settings: Json = {"allow_http": [urlsplit(origin).netloc]}
        if issuer_fault(self.issuer, **settings) is None:
            settings["issuer"] = self.issuer
        else:
            settings["jwks_uri"] = self.jwks_uri
        settings |= {
            "fetch": InProcess(self, origin),
            "clock": self.clock,
            **arguments,
        }
        return remote_keys(**settings)

    def verifier(self, **arguments: Any) -> JWTVerifier:
        """Return a verifier that accepts this issuer's tokens.

        Arguments:
            arguments: of `JWTVerifier`, instead of the issuer's own.
        """
        settings: Json = {
            "issuer": self.issuer,
            "audience": self.audience,
            "audience_claim": self.shape.audience_claim,
            "scope_claims": self.shape.scope_claims,
            "clock": self.clock,
            **arguments,
        }
        if "keys" not in settings:
            settings["keys"] = self.remote_keys()
        return JWTVerifier(**settings)

    def guard(self, app: Any = _answer_ok, **arguments: Any) -> BearerMiddleware:
        """Return the middleware in front of `app`; by default it accepts this issuer's tokens."""
        if "verifier" not in arguments:
            arguments["verifier"] = self.verifier()
        return BearerMiddleware(app, **arguments)

    @contextmanager
    def serve(self) -> Generator[str]:
        """Within the block, serve the documents on a free loopback port; the value is the URL.

        The URL is the issuer's identifier within the block.
        """
        from asgi_bearer.testing.server import serving

        before = self.issuer
        with serving(self) as url:
            self.issuer = url
            try:
                yield url
            finally:
                self.issuer = before

    @classmethod
    @contextmanager
    def instead_of(cls, *verifiers: JWTVerifier, **arguments: Any) -> Generator[Self]:
        """Within the block, `verifiers` trust a new issuer with their issuer's name, and only it.

        They keep all else that they were configured with: audience, algorithms, scopes, rules. Keys
        are fetched from the new issuer, in process, and the time is that of its clock. Afterwards
        the verifiers are as they were, with the keys and the cached tokens that they had.

        Arguments:
            verifiers: those of the application; all of one issuer.
            arguments: of `FakeIssuer`, instead of what the first verifier is configured with.

        Raises:
            ValueError: the verifiers are not of one issuer.
            TypeError: an object is not a `JWTVerifier`.
        """
        from asgi_bearer.testing.stand_in import configuration, trusting

        issuer = cls(**{**configuration(verifiers), **arguments})
        with trusting(issuer, verifiers):
            yield issuer

    def _address(self) -> tuple[str, str]:
        """Return the origin and the path of the identifier; one that is not a URL has ours."""
        parts = urlsplit(self.issuer)
        if not (parts.scheme in ("https", "http") and parts.netloc):
            return ISSUER.rstrip("/"), ""
        return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
