"""Key sources: where the issuer's keys come from.

To write your own source, implement `KeySource` and return a `KeySet` from `KeySet.from_jwks`.
"""

from asgi_bearer.keys.builder import remote_keys
from asgi_bearer.keys.events import KeyEvent, KeyObserver, KeySetState, KeySetStatus, log_key_events
from asgi_bearer.keys.http import Document, Fetch, FetchFailed, NotServed
from asgi_bearer.keys.jwk import Key, KeySet, KeyWarning
from asgi_bearer.keys.remote import RemoteKeys
from asgi_bearer.keys.source import KeySource, Missed, StaticKeys, Warmable
from asgi_bearer.keys.urls import (
    MAX_ADDRESS_CHARACTERS,
    address_fault,
    allow_http_faults,
    issuer_fault,
    on_loopback,
    shown_address,
)

__all__ = [
    "MAX_ADDRESS_CHARACTERS",
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
    "address_fault",
    "allow_http_faults",
    "issuer_fault",
    "log_key_events",
    "on_loopback",
    "remote_keys",
    "shown_address",
]
