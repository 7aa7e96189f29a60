"""What a JWT must be: its claims, its signature, and the verifier that asks for both.

A public module: what it lists checks other JWTs than access tokens, such as ID tokens.
"""

from asgi_bearer.jwt.claims import Expected, check_audience, check_issuer, check_names, validity
from asgi_bearer.jwt.signature import signing_key

__all__ = [
    "Expected",
    "check_audience",
    "check_issuer",
    "check_names",
    "signing_key",
    "validity",
]
