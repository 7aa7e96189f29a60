"""An issuer on loopback: serves its keys, and signs access tokens."""

import json
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.tokens import DAY, Signer, claims, jwk_set


@dataclass(frozen=True, slots=True)
class Issuer:
    """The issuer that all measured systems trust."""

    identifier: str
    jwks_uri: str
    signer: Signer

    def token(self, number: int = 0, **changes: object) -> str:
        """Return a token with valid claims, except `changes`; the number identifies the user."""
        return self.signer.token(claims(number, **{"iss": self.identifier, **changes}))

    def tokens(self, number: int) -> Iterator[str]:
        """Return valid tokens, each of another user."""
        return map(self.token, range(number))

    def invalid_tokens(self) -> dict[str, str | None]:
        """Return by name what a guard must refuse; None stands for a request without a token."""
        return {
            "no token": None,
            "forged": replace(self, signer=Signer.new("RS256")).token(),
            "expired": self.token(exp=int(time.time()) - DAY),
            "for another audience": self.token(aud="https://api.example/other"),
            "of another issuer": self.token(iss="https://other.example"),
            "without the scope": self.token(scope="openid profile", permissions=[]),
        }


@contextmanager
def running_issuer() -> Generator[Issuer, None, None]:
    """Serve the metadata and the keys of a new issuer."""
    documents: dict[str, bytes] = {}

    class Documents(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = documents.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body or b"{}")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Documents) as server:
        origin = f"http://127.0.0.1:{server.server_port}"
        issuer = Issuer(origin, f"{origin}/keys", Signer.new("RS256"))
        metadata = {"issuer": issuer.identifier, "jwks_uri": issuer.jwks_uri}
        documents["/keys"] = json.dumps(jwk_set(issuer.signer)).encode()
        for name in ("oauth-authorization-server", "openid-configuration"):
            documents[f"/.well-known/{name}"] = json.dumps(metadata).encode()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield issuer
        finally:
            server.shutdown()
