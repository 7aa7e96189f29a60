"""Where keys come from.

A source of your own is a `KeySource`; `KeySet.from_jwks` makes the `KeySet` that it returns.
"""

from asgi_bearer.keys.builder import remote_keys
from asgi_bearer.keys.events import (
    KeyEvent,
    KeyObserver,
    KeySetState,
    KeySetStatus,
    log_key_events,
)
from asgi_bearer.keys.http import Document, Fetch, FetchFailed, NotServed
from asgi_bearer.keys.jwk import Key, KeySet, KeyWarning
from asgi_bearer.keys.remote import RemoteKeys
from asgi_bearer.keys.source import AtHand, KeySource, Missed, StaticKeys, Warmable

__all__ = [
    "AtHand",
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
    "KeyWarning",
    "Missed",
    "NotServed",
    "RemoteKeys",
    "StaticKeys",
    "Warmable",
    "log_key_events",
    "remote_keys",
]
