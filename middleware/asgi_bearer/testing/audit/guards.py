"""What the audit changes in the guards meanwhile: they trust its token, and tell what is public."""

import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from asgi_bearer.caller import Principal
from asgi_bearer.credentials import Presented
from asgi_bearer.guard.public_paths import PublicPaths
from asgi_bearer.jwt.verifier import JWTVerifier

_ISSUER: Final = "https://assert-guarded.invalid/"


@contextmanager
def trusted_token() -> Generator[str]:
    """Return a random token without scopes that every `JWTVerifier` accepts meanwhile."""
    token = f"assert-guarded.{secrets.token_urlsafe(24)}"
    credentials = b"Bearer " + token.encode("ascii")
    verify = JWTVerifier.verify

    async def verify_or_trust(self: JWTVerifier, presented: Presented) -> Principal:
        if presented.credentials != credentials:
            return await verify(self, presented)
        return Principal(
            issuer=_ISSUER,
            subject="assert-guarded",
            client_id="assert-guarded",
            scopes=frozenset(),
            expires_at=float("inf"),
            claims={},
        )

    with patch.object(JWTVerifier, "verify", verify_or_trust):
        yield token


@contextmanager
def noted_public_paths() -> Generator[dict[int, PublicPaths]]:
    """Return a dictionary to which each guard adds its public paths when it sees a request."""
    noted: dict[int, PublicPaths] = {}
    match = PublicPaths.match

    def match_and_note(self: PublicPaths, scope: Mapping[str, Any]) -> bool:
        noted[id(self)] = self
        return match(self, scope)

    with patch.object(PublicPaths, "match", match_and_note):
        yield noted
