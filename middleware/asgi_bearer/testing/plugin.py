"""The pytest plugin: an issuer, its tokens, and tokens that must be refused.

A project whose issuer or audience matters overrides the fixture `issuer`, and the others follow.
The rest of the library is imported when a fixture is first used.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from asgi_bearer.testing.attacks import AttackToken
    from asgi_bearer.testing.issuer import FakeIssuer


@pytest.fixture
def issuer() -> "FakeIssuer":
    """An authorization server in this process: `FakeIssuer`."""
    from asgi_bearer.testing.issuer import FakeIssuer

    return FakeIssuer()


@pytest.fixture
def token(issuer: "FakeIssuer") -> Callable[..., str]:
    """Return an access token of `issuer`: `token(scope="read:contacts", sub="bob")`."""
    return issuer.token


@pytest.fixture
def auth_headers(token: Callable[..., str]) -> Callable[..., dict[str, str]]:
    """Return the headers of a request with a token: takes the arguments of `token`."""

    def headers(*shape: Any, **claims: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {token(*shape, **claims)}"}

    return headers


@pytest.fixture
def attack_tokens(issuer: "FakeIssuer") -> "list[AttackToken]":
    """Tokens that must be refused, made now in the name of `issuer`."""
    from asgi_bearer.testing.attacks import ATTACKS, made_now

    return [made_now(attack, issuer) for attack in ATTACKS]
