"""Verification of JWTs: claims, signature, and `JWTVerifier` for access tokens.

Public: the functions listed here verify other JWTs too, such as ID tokens.
"""

from asgi_bearer.jwt.claims import Expected, check_audience, check_issuer, check_names, validity
from asgi_bearer.jwt.signature import signing_key

__all__ = ["Expected", "check_audience", "check_issuer", "check_names", "signing_key", "validity"]
