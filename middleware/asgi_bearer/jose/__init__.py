"""Formats of tokens and keys: base64url, JSON, compact JWS, signature algorithms.

Public: applications can parse other JWTs with the functions listed here.
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
