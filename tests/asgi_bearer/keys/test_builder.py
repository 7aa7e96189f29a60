"""The chain of a remote key source as it is built, and the nonsense that is refused."""

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
from tests.support.fake_issuer import FakeDocuments

ISSUER = "https://issuer.example/"
JWKS_URI = "https://issuer.example/jwks"


def inside(wrapper: object, name: str) -> object:
    """Return what `wrapper` wraps: the order of the chain is not to be seen from outside."""
    return getattr(wrapper, f"_{name}")


def test_the_chain_is_cache_then_one_attempt_then_discovery_then_one_get() -> None:
    cached = remote_keys(issuer=ISSUER)
    attempt = inside(cached, "fetch")
    discovery = inside(attempt, "locate")

    assert isinstance(cached, RemoteKeys)
    assert isinstance(attempt, KeyFetcher)
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
    assert inside(inside(inside(cached, "schedule"), "back_off"), "shortest") == 1.0
    assert (
        inside(inside(inside(cached, "schedule"), "back_off"), "longest") == 48.0
    )  # Chance adds a quarter.
    assert inside(attempt, "deadline") == inside(get, "timeout") == 5.0
    assert inside(get, "max_bytes") == 512 * 1024


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
    attempt = inside(cached, "fetch")
    discovery = inside(attempt, "locate")
    get = inside(attempt, "fetch")

    freshness = Freshness(default=700.0, shortest=100.0, longest=800.0)
    assert inside(attempt, "freshness") == freshness
    # Metadata is looked at again after `ttl`, however long it says that it lasts.
    assert inside(discovery, "freshness") == replace(freshness, longest=700.0)
    assert inside(cached, "serve_stale") == 900.0
    assert inside(inside(cached, "cool_down"), "seconds") == 20.0
    assert inside(attempt, "deadline") == inside(get, "timeout") == 4.0
    assert inside(discovery, "patience") == pytest.approx(2.4)
    assert inside(get, "max_bytes") == 2000
    assert inside(inside(cached, "events"), "observer") is observer
    assert inside(cached, "clock") is inside(discovery, "clock") is clock
    assert inside(cached, "random") is random
    assert inside(inside(inside(cached, "schedule"), "back_off"), "random") is random


def test_what_happens_is_written_to_the_log_by_default() -> None:
    assert inside(inside(remote_keys(issuer=ISSUER), "events"), "observer") is log_key_events


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
async def test_only_the_host_that_was_configured_may_be_anywhere(
    arguments: dict[str, Any], trusted: str
) -> None:
    screen = inside(inside(inside(remote_keys(**arguments), "fetch"), "fetch"), "screen")

    assert isinstance(screen, Screen)
    assert inside(screen, "trusted") == {trusted}
    assert await screen(trusted) == []


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize("allowed", [False, True])
async def test_an_address_in_a_private_network_is_refused_unless_that_is_set(allowed: bool) -> None:
    cached = remote_keys(issuer=ISSUER, allow_private=allowed)
    screen = inside(inside(inside(cached, "fetch"), "fetch"), "screen")

    assert isinstance(screen, Screen)
    if allowed:
        assert await screen("10.0.0.1") == ["10.0.0.1"]
    else:
        with pytest.raises(ValueError, match="private network"):
            await screen("10.0.0.1")


async def test_an_address_of_keys_that_is_configured_stays_whatever_is_doubted() -> None:
    documents = FakeDocuments({})
    attempt = inside(remote_keys(issuer=ISSUER, jwks_uri=JWKS_URI, fetch=documents), "fetch")

    assert isinstance(attempt, KeyFetcher)
    for _ in range(2):
        with pytest.raises(FetchFailed):
            await attempt()
    assert documents.asked == [JWKS_URI, JWKS_URI]


BOUNDS: list[tuple[str, list[Any], list[Any]]] = [
    ("ttl", [60, 600.5, 86_400], [59.9, 86_401, 0, -1, math.nan, math.inf]),
    ("min_ttl", [60, 300.5, 600], [59.9, 86_401, 0, -1, math.nan, math.inf]),
    ("max_ttl", [600, 3600.5, 86_400], [59.9, 86_401, 0, -1, math.nan, math.inf]),
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
    assert isinstance(remote_keys(jwks_uri=JWKS_URI, **{name: value}), RemoteKeys)


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_setting_out_of_its_bounds_is_named_with_what_it_holds(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be .*, not {value!r}$"):
        remote_keys(jwks_uri=JWKS_URI, **{name: value})


CONTRADICTIONS: list[tuple[str, dict[str, Any], str]] = [
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
        "bounds-the-wrong-way-round",
        {"min_ttl": 700, "max_ttl": 500},
        "ttl must be from min_ttl to max_ttl, not 600.0",
    ),
    (
        "timeout-for-the-default-min-ttl",
        {"timeout": 12.1},
        "timeout must be at most a fifth of min_ttl, not 12.1",
    ),
    (
        "timeout-for-another-min-ttl",
        {"timeout": 20.1, "min_ttl": 100},
        "timeout must be at most a fifth of min_ttl, not 20.1",
    ),
    (
        "private-networks-and-an-address-of-keys",
        {"allow_private": True, "jwks_uri": JWKS_URI},
        "allow_private is only for URLs from metadata, fetched with httpx",
    ),
    (
        "private-networks-and-another-client",
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
    [row[1:] for row in CONTRADICTIONS],
    ids=[row[0] for row in CONTRADICTIONS],
)
def test_settings_that_contradict_each_other_are_refused_with_a_sentence(
    arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=r"^\w+ (must|is)") as refused:
        remote_keys(issuer=ISSUER, **arguments)

    assert str(refused.value) == sentence


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
def test_settings_that_just_agree_are_taken(arguments: dict[str, Any]) -> None:
    assert isinstance(remote_keys(issuer=ISSUER, **arguments), RemoteKeys)


def test_a_setting_that_is_wrong_by_itself_is_no_contradiction_as_well() -> None:
    with pytest.raises(ValueError, match=r"^min_ttl must be 60 to 86400 seconds, not 90000$"):
        remote_keys(issuer=ISSUER, min_ttl=90_000, allow_private=True, fetch=FakeDocuments({}))


ADDRESSES: list[tuple[str, dict[str, Any], str]] = [
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
    ("arguments", "words"), [row[1:] for row in ADDRESSES], ids=[row[0] for row in ADDRESSES]
)
def test_an_unsafe_address_is_refused_at_start_up(arguments: dict[str, Any], words: str) -> None:
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
            min_ttl=2,
            max_ttl=3,
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
        "min_ttl",
        "max_ttl",
        "serve_stale",
        "cool_down",
        "timeout",
        "max_bytes",
    ]


@pytest.mark.parametrize("value", ["false", None, 2])
def test_allow_private_is_a_flag_and_nothing_that_looks_like_one(value: Any) -> None:
    with pytest.raises(ValueError, match=f"allow_private must be True or False, not {value!r}"):
        remote_keys(issuer=ISSUER, allow_private=value)


@pytest.mark.parametrize("value", [None, 7, b"keycloak:8080", iter(["keycloak:8080"])])
def test_hosts_without_tls_are_a_collection(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^allow_http must be a collection of hosts"):
        remote_keys(issuer=ISSUER, allow_http=value)


async def test_a_host_without_tls_counts_as_named_by_the_operator() -> None:
    """It may be anywhere, and what is done to the collection later changes nothing."""
    hosts = {"Keycloak:8080", "[FD00::1]:8080"}
    cached = remote_keys(issuer=ISSUER, allow_http=hosts)
    hosts.clear()
    attempt = inside(cached, "fetch")
    screen = inside(inside(attempt, "fetch"), "screen")

    assert isinstance(screen, Screen)
    assert inside(screen, "trusted") == {"issuer.example", "keycloak", "fd00::1"}
    assert await screen("keycloak") == []
    assert set(inside(inside(attempt, "locate"), "allow_http")) == {  # type: ignore[call-overload]
        "Keycloak:8080",
        "[FD00::1]:8080",
    }


def test_hosts_without_tls_are_named_one_by_one() -> None:
    remote_keys(issuer="http://keycloak:8080/realms/x", allow_http={"keycloak:8080"})
    remote_keys(jwks_uri="http://keycloak:8080/keys", allow_http="keycloak:8080")

    with pytest.raises(ValueError, match="allow_http: 'http://keycloak' is no host") as refused:
        remote_keys(issuer="http://keycloak:8081/", allow_http=["keycloak:8080", "http://keycloak"])
    assert "issuer must be https (http only on a loopback host, or one that" in str(refused.value)
