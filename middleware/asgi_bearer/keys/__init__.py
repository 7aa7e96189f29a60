"""Where keys come from.

A source of your own is a `KeySource`; `key_set_from` makes the `KeySet` that it returns.
"""

from asgi_bearer.keys.build import remote_keys
from asgi_bearer.keys.cache import CachedKeys
from asgi_bearer.keys.fetch import Document, Fetch, FetchFailed, NotServed
from asgi_bearer.keys.jwk import Key, KeySet, key_set_from
from asgi_bearer.keys.observe import (
    KeyEvent,
    KeyObserver,
    KeySetState,
    KeySetStatus,
    log_key_events,
)
from asgi_bearer.keys.source import AtHand, KeySource, Missed, StaticKeys, Warmable

__all__ = [
    "AtHand",
    "CachedKeys",
    "Document",
    "Fetch",
    "FetchFailed",
    "Key",
    "KeyEvent",
    "KeyObserver",
    "KeySet",
    "KeySetState",
    "KeySetStatus",
    "KeySource",
    "Missed",
    "NotServed",
    "StaticKeys",
    "Warmable",
    "key_set_from",
    "log_key_events",
    "remote_keys",
]
