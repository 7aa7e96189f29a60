"""What is registered at the demo's issuer: the client and the API that it issues tokens for."""

import secrets
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Client:
    """A confidential client; its `repr` does not show the secret."""

    client_id: str
    client_secret: str = field(repr=False)

    @classmethod
    def generated(cls) -> Self:
        """Make a client with a new id and secret."""
        return cls(f"demo-{secrets.token_hex(4)}", secrets.token_urlsafe(32))


@dataclass(frozen=True, slots=True)
class Api:
    """An API: the audience identifier of its tokens and the scopes it knows."""

    audience: str
    scopes: tuple[str, ...]


CONTACTS = Api("https://api.example/contacts", ("read:contacts", "write:contacts"))
"""The API of this repository as the demo registers it; its identifier is no address."""
