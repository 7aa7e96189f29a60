"""The table of tokens that every guarded endpoint must refuse, whatever its configuration."""

from typing import Final

from asgi_bearer.testing.attacks.claims import CLAIMS
from asgi_bearer.testing.attacks.forgeries import FORGERIES
from asgi_bearer.testing.attacks.headers import HEADERS
from asgi_bearer.testing.attacks.rows import Attack, AttackToken, made_now
from asgi_bearer.testing.attacks.structures import STRUCTURES

ATTACKS: Final = (*FORGERIES, *CLAIMS, *HEADERS, *STRUCTURES)
"""For `@pytest.mark.parametrize("attack", ATTACKS)`. No token is made before the test runs."""

__all__ = [
    "ATTACKS",
    "CLAIMS",
    "FORGERIES",
    "HEADERS",
    "STRUCTURES",
    "Attack",
    "AttackToken",
    "made_now",
]
