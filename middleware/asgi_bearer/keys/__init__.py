"""Where keys come from."""

from asgi_bearer.keys.build import remote_keys
from asgi_bearer.keys.cache import CachedKeys, KeySetStatus
from asgi_bearer.keys.fetch import Fetch, FetchFailed, NotServed
from asgi_bearer.keys.jwk import Key, KeySet
from asgi_bearer.keys.source import KeySource, Missed, StaticKeys

__all__ = [
    "CachedKeys",
    "Fetch",
    "FetchFailed",
    "Key",
    "KeySet",
    "KeySetStatus",
    "KeySource",
    "Missed",
    "NotServed",
    "StaticKeys",
    "remote_keys",
]
