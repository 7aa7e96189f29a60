"""How tokens and keys are written: base64url, JSON, compact JWS, signature algorithms.

A public module: what it lists is for applications that read JWTs of their own.
"""

from asgi_bearer.jose.algorithms import rsa_default
from asgi_bearer.jose.encoding import base64url_decode, is_array, is_object, json_object
from asgi_bearer.jose.jws import CompactJWS, check_header, parse

__all__ = [
    "CompactJWS",
    "base64url_decode",
    "check_header",
    "is_array",
    "is_object",
    "json_object",
    "parse",
    "rsa_default",
]
