"""Where keys come from.

A source of your own is a `KeySource`; `key_set_from` makes the `KeySet` that it returns.
"""

from asgi_bearer.keys.build import remote_keys
from asgi_bearer.keys.cache import CachedKeys, KeySetStatus
from asgi_bearer.keys.fetch import Fetch, FetchFailed, NotServed
from asgi_bearer.keys.jwk import Key, KeySet, key_set_from
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
    "key_set_from",
    "remote_keys",
]
