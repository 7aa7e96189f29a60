"""Tests without an identity provider: an issuer in the process of the test, and bad tokens.

The pytest plugin `asgi_bearer.testing.plugin` has fixtures for both. It is active wherever the
package is installed.
"""

from asgi_bearer.testing.attacks import ATTACKS, Attack, AttackToken
from asgi_bearer.testing.audit import assert_guarded
from asgi_bearer.testing.clock import FakeClock
from asgi_bearer.testing.issuer import AUDIENCE, ISSUER, FakeIssuer
from asgi_bearer.testing.shapes import SHAPES, Shape
from asgi_bearer.testing.signing import SigningKey, signing_key

__all__ = [
    "ATTACKS",
    "AUDIENCE",
    "ISSUER",
    "SHAPES",
    "Attack",
    "AttackToken",
    "FakeClock",
    "FakeIssuer",
    "Shape",
    "SigningKey",
    "assert_guarded",
    "signing_key",
]
