"""How a remote key source is built from its settings, and which settings are refused."""

import math
from dataclasses import replace
from typing import Any

import pytest

from asgi_bearer.keys import (
    FetchFailed,
    KeyEvent,
    KeySetStatus,
    RemoteKeys,
    log_key_events,
    remote_keys,
)
from asgi_bearer.keys.discovery import Discovery
from asgi_bearer.keys.fetcher import KeyFetcher
from asgi_bearer.keys.freshness import Freshness
from asgi_bearer.keys.http import HttpxFetch
from asgi_bearer.keys.ssrf import Screen
from tests.support.documents import FakeDocuments

ISSUER = "https://issuer.example/"
JWKS_URI = "https://issuer.example/jwks"


def wrapped(wrapper: object, name: str) -> object:
    """Return what `wrapper` wraps; the order of the wrappers is private."""
    return getattr(wrapper, f"_{name}")


def test_the_chain_is_cache_then_fetcher_then_discovery_then_http() -> None:
    cached = remote_keys(issuer=ISSUER)
    attempt = wrapped(cached, "fetch")
    discovery = wrapped(attempt, "locate")

    assert isinstance(cached, RemoteKeys)
    assert isinstance(attempt, KeyFetcher)
    assert isinstance(discovery, Discovery)
    assert isinstance(wrapped(attempt, "fetch"), HttpxFetch)
    assert wrapped(discovery, "fetch") is wrapped(attempt, "fetch")


def test_a_configured_jwks_uri_needs_no_discovery() -> None:
    attempt = wrapped(remote_keys(issuer=ISSUER, jwks_uri=JWKS_URI), "fetch")

    assert not isinstance(wrapped(attempt, "locate"), Discovery)


def test_a_client_of_the_caller_fetches_metadata_and_keys() -> None:
    documents = FakeDocuments({})
    attempt = wrapped(remote_keys(issuer=ISSUER, fetch=documents), "fetch")

    assert wrapped(attempt, "fetch") is documents
    assert wrapped(wrapped(attempt, "locate"), "fetch") is documents


def test_the_documented_defaults_reach_the_chain() -> None:
    cached = remote_keys(jwks_uri=JWKS_URI)
    attempt = wrapped(cached, "fetch")
    get = wrapped(attempt, "fetch")

    freshness = Freshness(default=600.0, shortest=60.0, longest=86_400.0)
    assert wrapped(attempt, "freshness") == freshness
    assert wrapped(cached, "serve_stale") == 3600.0
    assert wrapped(wrapped(cached, "cool_down"), "seconds") == 10.0
    assert wrapped(wrapped(wrapped(cached, "schedule"), "back_off"), "shortest") == 1.0
    assert (
        wrapped(wrapped(wrapped(cached, "schedule"), "back_off"), "longest") == 48.0
    )  # Jitter adds up to a quarter.
    assert wrapped(attempt, "deadline") == wrapped(get, "timeout") == 5.0
    assert wrapped(get, "max_bytes") == 512 * 1024


def test_the_settings_reach_the_chain() -> None:
    def clock() -> float:
        return 5.0

    def random() -> float:
        return 0.5

    def observer(event: KeyEvent, status: KeySetStatus) -> None:
        pass

    cached = remote_keys(
        issuer=ISSUER,
        ttl=700.0,
        min_ttl=100.0,
        max_ttl=800.0,
        serve_stale=900.0,
        cool_down=20.0,
        timeout=4.0,
        max_bytes=2000,
        observer=observer,
        clock=clock,
        random=random,
    )
    attempt = wrapped(cached, "fetch")
    discovery = wrapped(attempt, "locate")
    get = wrapped(attempt, "fetch")

    freshness = Freshness(default=700.0, shortest=100.0, longest=800.0)
    assert wrapped(attempt, "freshness") == freshness
    # Metadata is fetched again after `ttl`, even if its own headers allow a longer time.
    assert wrapped(discovery, "freshness") == replace(freshness, longest=700.0)
    assert wrapped(cached, "serve_stale") == 900.0
    assert wrapped(wrapped(cached, "cool_down"), "seconds") == 20.0
    assert wrapped(attempt, "deadline") == wrapped(get, "timeout") == 4.0
    assert wrapped(discovery, "patience") == pytest.approx(2.4)
    assert wrapped(get, "max_bytes") == 2000
    assert wrapped(wrapped(cached, "events"), "observer") is observer
    assert wrapped(cached, "clock") is wrapped(discovery, "clock") is clock
    assert wrapped(cached, "random") is random
    assert wrapped(wrapped(wrapped(cached, "schedule"), "back_off"), "random") is random


def test_key_events_are_logged_by_default() -> None:
    assert wrapped(wrapped(remote_keys(issuer=ISSUER), "events"), "observer") is log_key_events


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize(
    ("arguments", "trusted"),
    [
        ({"issuer": "https://Issuer.Example:8443/t1"}, "issuer.example"),
        ({"jwks_uri": "https://keys.example/jwks"}, "keys.example"),
        ({"issuer": ISSUER, "jwks_uri": "https://keys.example/jwks"}, "keys.example"),
        ({"issuer": "https://[2001:DB8::1]:8443/"}, "2001:db8::1"),
    ],
    ids=["issuer", "keys", "both", "address"],
)
async def test_only_the_configured_host_may_have_a_private_address(
    arguments: dict[str, Any], trusted: str
) -> None:
    screen = wrapped(wrapped(wrapped(remote_keys(**arguments), "fetch"), "fetch"), "screen")

    assert isinstance(screen, Screen)
    assert screen.trusted == {trusted}
    assert await screen(trusted) == []


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize("allowed", [False, True])
async def test_a_private_address_is_refused_unless_allow_private_is_set(allowed: bool) -> None:
    cached = remote_keys(issuer=ISSUER, allow_private=allowed)
    screen = wrapped(wrapped(wrapped(cached, "fetch"), "fetch"), "screen")

    assert isinstance(screen, Screen)
    if allowed:
        assert await screen("10.0.0.1") == ["10.0.0.1"]
    else:
        with pytest.raises(ValueError, match="private network"):
            await screen("10.0.0.1")


async def test_a_configured_jwks_uri_is_used_even_after_a_failure() -> None:
    documents = FakeDocuments({})
    attempt = wrapped(remote_keys(issuer=ISSUER, jwks_uri=JWKS_URI, fetch=documents), "fetch")

    assert isinstance(attempt, KeyFetcher)
    for _ in range(2):
        with pytest.raises(FetchFailed):
            await attempt()
    assert documents.requested == [JWKS_URI, JWKS_URI]


BOUNDS: list[tuple[str, list[Any], list[Any]]] = [
    ("ttl", [60, 600.5, 86_400], [59.9, 86_401, 0, -1, math.nan, math.inf]),
    ("min_ttl", [60, 300.5, 600], [59.9, 86_401, 0, -1, math.nan, math.inf]),
    ("max_ttl", [600, 3600.5, 86_400], [59.9, 86_401, 0, -1, math.nan, math.inf]),
    ("serve_stale", [0, 3600.0, 86_400], [-0.1, 86_401, math.nan, math.inf]),
    ("cool_down", [1, 10.0, 60], [0, 0.9, 60.1, -1, math.nan, math.inf]),
    ("timeout", [0.001, 5.0, 12], [0, -1, 30.1, math.nan, math.inf]),
    ("max_bytes", [1024, 16 * 2**20], [0, 1023, 16 * 2**20 + 1, -1]),
]
OUT_OF_BOUNDS = [(name, value) for name, _, values in BOUNDS for value in values]


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values, _ in BOUNDS for value in values]
)
def test_a_setting_within_its_bounds_is_accepted(name: str, value: Any) -> None:
    assert isinstance(remote_keys(jwks_uri=JWKS_URI, **{name: value}), RemoteKeys)


@pytest.mark.parametrize(("name", "value"), OUT_OF_BOUNDS)
def test_a_setting_out_of_its_bounds_is_named_with_its_value(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be .*, not {value!r}$"):
        remote_keys(jwks_uri=JWKS_URI, **{name: value})


CONFLICTS: list[tuple[str, dict[str, Any], str]] = [
    (
        "ttl-below-min-ttl",
        {"ttl": 60, "min_ttl": 61},
        "ttl must be from min_ttl to max_ttl, not 60",
    ),
    (
        "ttl-above-max-ttl",
        {"ttl": 601.5, "max_ttl": 601},
        "ttl must be from min_ttl to max_ttl, not 601.5",
    ),
    (
        "min-ttl-above-max-ttl",
        {"min_ttl": 700, "max_ttl": 500},
        "ttl must be from min_ttl to max_ttl, not 600.0",
    ),
    (
        "timeout-for-the-default-min-ttl",
        {"timeout": 12.1},
        "timeout must be at most a fifth of min_ttl, not 12.1",
    ),
    (
        "timeout-for-a-configured-min-ttl",
        {"timeout": 20.1, "min_ttl": 100},
        "timeout must be at most a fifth of min_ttl, not 20.1",
    ),
    (
        "allow-private-and-jwks-uri",
        {"allow_private": True, "jwks_uri": JWKS_URI},
        "allow_private is only for URLs from metadata, fetched with httpx",
    ),
    (
        "allow-private-and-fetch",
        {"allow_private": True, "fetch": FakeDocuments({})},
        "allow_private is only for URLs from metadata, fetched with httpx",
    ),
    (
        "several",
        {"ttl": 60, "min_ttl": 100, "timeout": 25, "allow_private": True, "jwks_uri": JWKS_URI},
        "ttl must be from min_ttl to max_ttl, not 60; "
        "timeout must be at most a fifth of min_ttl, not 25; "
        "allow_private is only for URLs from metadata, fetched with httpx",
    ),
]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [row[1:] for row in CONFLICTS],
    ids=[row[0] for row in CONFLICTS],
)
def test_settings_that_conflict_are_refused_with_one_sentence_each(
    arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=r"^\w+ (must|is)") as error:
        remote_keys(issuer=ISSUER, **arguments)

    assert str(error.value) == sentence


@pytest.mark.parametrize(
    "arguments",
    [
        {"ttl": 100, "min_ttl": 100, "max_ttl": 100},
        {"ttl": 60, "min_ttl": 60},
        {"ttl": 86_400},
        {"timeout": 12},
        {"timeout": 30, "min_ttl": 150},
        {"allow_private": True},
    ],
    ids=repr,
)
def test_settings_at_the_limit_of_a_conflict_are_accepted(arguments: dict[str, Any]) -> None:
    assert isinstance(remote_keys(issuer=ISSUER, **arguments), RemoteKeys)


def test_a_setting_out_of_its_bounds_is_not_reported_as_a_conflict_as_well() -> None:
    with pytest.raises(ValueError, match=r"^min_ttl must be 60 to 86400 seconds, not 90000$"):
        remote_keys(issuer=ISSUER, min_ttl=90_000, allow_private=True, fetch=FakeDocuments({}))


URL_FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("nothing", {}, "issuer or jwks_uri is needed"),
    ("plain-http-issuer", {"issuer": "http://issuer.example/"}, "issuer must be https"),
    ("plain-http-keys", {"jwks_uri": "http://issuer.example/jwks"}, "jwks_uri must be https"),
    ("issuer-query", {"issuer": "https://issuer.example/?a"}, "issuer must not have a query"),
    ("empty-issuer", {"issuer": "", "jwks_uri": JWKS_URI}, "issuer must be a URL, not ''"),
    ("empty-keys", {"issuer": ISSUER, "jwks_uri": ""}, "jwks_uri must be a URL, not ''"),
    ("number", {"issuer": 5}, "issuer must be a URL, not 'int'"),
]


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize(
    ("arguments", "words"), [row[1:] for row in URL_FAULTS], ids=[row[0] for row in URL_FAULTS]
)
def test_an_unsafe_url_is_refused_at_start_up(arguments: dict[str, Any], words: str) -> None:
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
def test_the_error_quotes_no_password_and_no_query(name: str, url: str) -> None:
    arguments: dict[str, Any] = {name: url}
    with pytest.raises(ValueError, match=name) as error:
        remote_keys(**arguments)

    assert "s3cret" not in str(error.value)
    assert "issuer.example" in str(error.value)


def test_all_wrong_settings_are_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"^issuer") as error:
        remote_keys(
            issuer="http://issuer.example/",
            jwks_uri="ftp://issuer.example/",
            ttl=1,
            min_ttl=2,
            max_ttl=3,
            serve_stale=-1,
            cool_down=0,
            timeout=0,
            max_bytes=0,
        )

    named = [fault.split()[0] for fault in str(error.value).split("; ")]
    assert named == [
        "issuer",
        "jwks_uri",
        "ttl",
        "min_ttl",
        "max_ttl",
        "serve_stale",
        "cool_down",
        "timeout",
        "max_bytes",
    ]


@pytest.mark.parametrize("value", ["false", None, 2])
def test_allow_private_must_be_true_or_false(value: Any) -> None:
    with pytest.raises(ValueError, match=f"allow_private must be True or False, not {value!r}"):
        remote_keys(issuer=ISSUER, allow_private=value)


@pytest.mark.parametrize("value", [None, 7, b"keycloak:8080", iter(["keycloak:8080"])])
def test_allow_http_must_be_a_collection(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^allow_http must be a collection of hosts"):
        remote_keys(issuer=ISSUER, allow_http=value)


async def test_a_host_in_allow_http_may_have_a_private_address() -> None:
    """Later changes of the collection have no effect."""
    hosts = {"Keycloak:8080", "[FD00::1]:8080"}
    cached = remote_keys(issuer=ISSUER, allow_http=hosts)
    hosts.clear()
    attempt = wrapped(cached, "fetch")
    screen = wrapped(wrapped(attempt, "fetch"), "screen")

    assert isinstance(screen, Screen)
    assert screen.trusted == {"issuer.example", "keycloak", "fd00::1"}
    assert await screen("keycloak") == []
    assert set(wrapped(wrapped(attempt, "locate"), "allow_http")) == {  # type: ignore[call-overload]
        "Keycloak:8080",
        "[FD00::1]:8080",
    }


def test_each_entry_of_allow_http_is_checked() -> None:
    remote_keys(issuer="http://keycloak:8080/realms/x", allow_http={"keycloak:8080"})
    remote_keys(jwks_uri="http://keycloak:8080/keys", allow_http="keycloak:8080")

    with pytest.raises(ValueError, match="allow_http: 'http://keycloak' is not a host") as error:
        remote_keys(issuer="http://keycloak:8081/", allow_http=["keycloak:8080", "http://keycloak"])
    assert "issuer must be https (http only on a loopback host, or one that" in str(error.value)
