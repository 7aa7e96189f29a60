"""The chain of a remote key source as it is built, and the nonsense that is refused."""

import math
from typing import Any

import pytest

from asgi_bearer.keys import CachedKeys, remote_keys
from asgi_bearer.keys.discovery import Discovery
from asgi_bearer.keys.fetch import HttpxFetch
from asgi_bearer.keys.freshness import Freshness
from asgi_bearer.keys.remote import RemoteKeys
from tests.fake_issuer import FakeDocuments

ISSUER = "https://issuer.example/"
JWKS_URI = "https://issuer.example/jwks"


def inside(wrapper: object, name: str) -> object:
    """Return what `wrapper` wraps: the order of the chain is not to be seen from outside."""
    return getattr(wrapper, f"_{name}")


def test_the_chain_is_cache_then_one_attempt_then_discovery_then_one_get() -> None:
    cached = remote_keys(issuer=ISSUER)
    attempt = inside(cached, "fetch")
    discovery = inside(attempt, "locate")

    assert isinstance(cached, CachedKeys)
    assert isinstance(attempt, RemoteKeys)
    assert isinstance(discovery, Discovery)
    assert isinstance(inside(attempt, "fetch"), HttpxFetch)
    assert inside(discovery, "fetch") is inside(attempt, "fetch")


def test_with_an_address_of_keys_nothing_is_discovered() -> None:
    attempt = inside(remote_keys(issuer=ISSUER, jwks_uri=JWKS_URI), "fetch")

    assert not isinstance(inside(attempt, "locate"), Discovery)


def test_another_client_is_used_for_both_documents() -> None:
    documents = FakeDocuments({})
    attempt = inside(remote_keys(issuer=ISSUER, fetch=documents), "fetch")

    assert inside(attempt, "fetch") is documents
    assert inside(inside(attempt, "locate"), "fetch") is documents


def test_the_documented_defaults_reach_the_chain() -> None:
    cached = remote_keys(jwks_uri=JWKS_URI)
    attempt = inside(cached, "fetch")
    get = inside(attempt, "fetch")

    freshness = Freshness(default=600.0, shortest=60.0, longest=86_400.0)
    assert inside(attempt, "freshness") == freshness
    assert inside(cached, "serve_stale") == 3600.0
    assert inside(inside(cached, "cool_down"), "seconds") == 10.0
    assert inside(inside(cached, "back_off"), "shortest") == 1.0
    assert inside(inside(cached, "back_off"), "longest") == 48.0  # Chance adds a quarter.
    assert inside(attempt, "deadline") == inside(get, "timeout") == 5.0
    assert inside(get, "max_bytes") == 512 * 1024


BOUNDS: list[tuple[str, list[Any], list[Any]]] = [
    ("ttl", [60, 600.5, 86_400], [59.9, 86_401, 0, -1, math.nan, math.inf]),
    ("serve_stale", [0, 3600.0, 86_400], [-0.1, 86_401, math.nan, math.inf]),
    ("cool_down", [1, 10.0, 60], [0, 0.9, 60.1, -1, math.nan, math.inf]),
    ("timeout", [0.001, 5.0, 12], [0, -1, 30.1, math.nan, math.inf]),
    ("max_bytes", [1024, 16 * 2**20], [0, 1023, 16 * 2**20 + 1, -1]),
]
REFUSED = [(name, value) for name, _, values in BOUNDS for value in values]


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values, _ in BOUNDS for value in values]
)
def test_a_setting_within_its_bounds_is_taken(name: str, value: Any) -> None:
    assert isinstance(remote_keys(jwks_uri=JWKS_URI, **{name: value}), CachedKeys)


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_setting_out_of_its_bounds_is_named_with_what_it_holds(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be .*, not {value!r}$"):
        remote_keys(jwks_uri=JWKS_URI, **{name: value})


ADDRESSES: list[tuple[str, dict[str, Any], str]] = [
    ("nothing", {}, "issuer or jwks_uri is needed"),
    ("plain-http-issuer", {"issuer": "http://issuer.example/"}, "issuer must be https"),
    ("plain-http-keys", {"jwks_uri": "http://issuer.example/jwks"}, "jwks_uri must be https"),
    ("issuer-query", {"issuer": "https://issuer.example/?a"}, "issuer must not have a query"),
    ("empty-issuer", {"issuer": "", "jwks_uri": JWKS_URI}, "issuer must be a URL, not ''"),
    ("empty-keys", {"issuer": ISSUER, "jwks_uri": ""}, "jwks_uri must be a URL, not ''"),
    ("number", {"issuer": 5}, "issuer must be a URL, not 'int'"),
]


@pytest.mark.parametrize(
    ("arguments", "words"), [row[1:] for row in ADDRESSES], ids=[row[0] for row in ADDRESSES]
)
def test_an_unsafe_address_is_refused_at_start_up(arguments: dict[str, Any], words: str) -> None:
    """Row 82."""
    with pytest.raises(ValueError, match=words):
        remote_keys(**arguments)


SECRETS = [
    "https://user:s3cret@issuer.example/jwks",
    "https://user:p/s3cret@issuer.example/jwks",
    "https://user:p?s3cret@issuer.example/jwks",
    "user:s3cret@issuer.example",
    "http://issuer.example/jwks?key=s3cret",
    "http://issuer.example/jwks#?s3cret",
]


@pytest.mark.parametrize("name", ["issuer", "jwks_uri"])
@pytest.mark.parametrize("url", SECRETS)
def test_the_refusal_quotes_no_password_and_no_query(name: str, url: str) -> None:
    arguments: dict[str, Any] = {name: url}
    with pytest.raises(ValueError, match=name) as refused:
        remote_keys(**arguments)

    assert "s3cret" not in str(refused.value)
    assert "issuer.example" in str(refused.value)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"^issuer") as refused:
        remote_keys(
            issuer="http://issuer.example/",
            jwks_uri="ftp://issuer.example/",
            ttl=1,
            serve_stale=-1,
            cool_down=0,
            timeout=0,
            max_bytes=0,
        )

    named = [fault.split()[0] for fault in str(refused.value).split("; ")]
    assert named == [
        "issuer",
        "jwks_uri",
        "ttl",
        "serve_stale",
        "cool_down",
        "timeout",
        "max_bytes",
    ]
