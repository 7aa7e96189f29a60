"""URLs that the keys of an issuer may come from."""

from typing import Any

import pytest

from asgi_bearer.keys.urls import (
    address_fault,
    allow_http_faults,
    issuer_fault,
    on_loopback,
    shown_address,
)

SAFE = [
    "https://issuer.example",
    "https://issuer.example/",
    "https://issuer.example:8443/tenant/keys?version=2",
    "HTTPS://issuer.example/keys",
    "https://[2001:db8::1]/keys",
    "https://[2001:db8::1]:8443/keys",
    "http://localhost:9000/keys",
    "http://127.0.0.1:9000/keys",
    "http://127.8.8.8/keys",
    "http://[::1]:9000/keys",
]

ALLOWED = {"keycloak:8080", "idp", "[fd00::1]:8080", "10.0.0.1:80", "my_idp.internal:9000"}

NO_URL = "must be a URL"
CHARACTERS = "must be a URL without spaces"
HOST_OR_PORT = "valid host and port"
ABSOLUTE = "must be an absolute URL"
HTTPS = "must be https"
USER = "must not hold a user name"

UNSAFE: list[tuple[str, object, str]] = [
    ("none", None, NO_URL),
    ("number", 7, NO_URL),
    ("bytes", b"https://issuer.example", NO_URL),
    ("empty", "", NO_URL),
    ("very-long", "https://issuer.example/" + "a" * 4000, "characters"),
    ("space", "https://issuer.example/a b", CHARACTERS),
    ("leading-space", " https://issuer.example/", CHARACTERS),
    ("line-feed", "https://issuer.example/\n", CHARACTERS),
    ("tab-in-the-host", "https://issuer\t.example/", CHARACTERS),
    ("backslash", "http://localhost\\@evil.example/", CHARACTERS),
    ("umlaut", "https://müller.example/", CHARACTERS),
    ("port-out-of-range", "https://issuer.example:65536/", HOST_OR_PORT),
    ("port-no-number", "https://issuer.example:https/", HOST_OR_PORT),
    ("bracket-not-closed", "https://[::1", HOST_OR_PORT),
    ("text-before-the-bracket", "http://evil.example[::1]/", HOST_OR_PORT),
    ("text-after-the-bracket", "http://[::1]evil.example/", HOST_OR_PORT),
    ("address-of-the-future", "https://[v1.a]/", HOST_OR_PORT),
    ("zone-of-an-address", "https://[fe80::1%25eth0]/", HOST_OR_PORT),
    ("no-scheme", "issuer.example/keys", ABSOLUTE),
    ("no-host", "https:///keys", ABSOLUTE),
    ("path", "/keys", ABSOLUTE),
    ("user-and-password", "https://user:secret@issuer.example/", USER),
    ("user-that-looks-like-loopback", "http://localhost@evil.example/", USER),
    ("fragment", "https://issuer.example/#keys", "fragment"),
    ("empty-fragment", "https://issuer.example/#", "fragment"),
    ("plain-http", "http://issuer.example/", HTTPS),
    ("http-on-a-private-network", "http://10.0.0.1/", HTTPS),
    ("http-on-any-address", "http://0.0.0.0/", HTTPS),
    ("http-and-a-name-that-begins-with-loopback", "http://127.0.0.1.evil.example/", HTTPS),
    ("http-and-a-name-under-localhost", "http://localhost.evil.example/", HTTPS),
    ("http-and-loopback-as-one-number", "http://2130706433/", HTTPS),
    ("file", "file://localhost/etc/passwd", HTTPS),
    ("ftp", "ftp://issuer.example/", HTTPS),
]


@pytest.mark.parametrize("url", SAFE)
def test_an_https_or_loopback_url_is_accepted(url: str) -> None:
    assert address_fault(url) is None


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize(
    ("url", "words"), [row[1:] for row in UNSAFE], ids=[name for name, *_ in UNSAFE]
)
def test_an_unsafe_url_is_refused_with_its_fault(url: object, words: str) -> None:
    fault = address_fault(url)

    assert fault is not None
    assert words in fault


@pytest.mark.parametrize(
    ("url", "words"), [row[1:] for row in UNSAFE], ids=[name for name, *_ in UNSAFE]
)
def test_an_issuer_must_be_a_safe_url(url: object, words: str) -> None:
    fault = issuer_fault(url)

    assert fault is not None
    assert words in fault


@pytest.mark.parametrize("url", ["https://issuer.example/?", "https://issuer.example/?tenant=a"])
def test_an_issuer_with_a_query_is_refused(url: str) -> None:
    assert issuer_fault(url) == "must not have a query"


@pytest.mark.parametrize("url", ["https://issuer.example", "http://127.0.0.1:9000"])
def test_an_issuer_without_a_query_is_accepted(url: str) -> None:
    assert issuer_fault(url) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:9000/keys", True),
        ("https://LOCALHOST/keys", True),
        ("https://issuer.example/keys", False),
        ("https://localhost.example/keys", False),
    ],
)
def test_loopback_hosts_are_recognised(url: str, expected: bool) -> None:
    assert on_loopback(url) is expected


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://issuer.example/keys", "https://issuer.example/keys"),
        ("https://user:SECRET@issuer.example/", "https://issuer.example/"),
        ("https://user:a/SECRET@issuer.example/", "https://issuer.example/"),
        ("https://user:a@SECRET@issuer.example/", "https://issuer.example/"),
        ("https://user:a?SECRET@issuer.example/", "https://issuer.example/"),
        ("https://user:a#SECRET@issuer.example/", "https://issuer.example/"),
        ("https:user:SECRET@issuer.example", "issuer.example"),
        ("user:SECRET@issuer.example", "issuer.example"),
        ("//user:SECRET@issuer.example", "//issuer.example"),
        ("user:SECRET//@issuer.example", "issuer.example"),
        ("https://issuer.example/?SECRET", "https://issuer.example/"),
        ("https://issuer.example/#SECRET", "https://issuer.example/"),
        ("https://issuer.example/#?SECRET", "https://issuer.example/"),
        ("issuer.example?SECRET//x", "issuer.example"),
        ("issuer.example#SECRET//x", "issuer.example"),
        ("https://issuer.example/" + "a" * 4000, "https://issuer.example/" + "a" * 2025),
        (None, None),
    ],
)
def test_a_url_is_shown_without_secrets(url: object, shown: object) -> None:
    assert shown_address(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "http://keycloak:8080/realms/x",
        "http://KEYCLOAK:8080/realms/x",
        "http://idp/",
        "http://idp:80/",
        "http://[fd00::1]:8080/",
        "http://10.0.0.1/",
        "http://my_idp.internal:9000",
        "https://keycloak:9999/",
        "https://elsewhere.example/",
        "http://localhost:1/",
    ],
)
def test_an_http_url_is_accepted_if_allow_http_names_its_host_and_port(url: str) -> None:
    assert address_fault(url, allow_http=ALLOWED) is None
    assert issuer_fault(url, allow_http=ALLOWED) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://keycloak/",
        "http://keycloak:8081/",
        "http://keycloak.evil.example:8080/",
        "http://x.keycloak:8080/",
        "http://idp:8080/",
        "http://10.0.0.1:8080/",
        "http://[fd00::2]:8080/",
        "http://keycloak:8080@evil.example/",
        "ftp://keycloak:8080/",
        "http://idp:0/",
        "http://keycloak.:8080/",
        "http://keycloak:08081/",
    ],
)
def test_an_http_url_is_refused_if_allow_http_does_not_name_its_host_and_port(url: str) -> None:
    assert address_fault(url, allow_http=ALLOWED) is not None


@pytest.mark.parametrize("entry", ["keycloak:8080", "idp", "[::1]:80", "10.0.0.1", "a.b-c.d:65535"])
def test_allow_http_may_be_one_string(entry: str) -> None:
    assert allow_http_faults(entry) == []
    assert address_fault(f"http://{entry}/", allow_http=entry) is None


@pytest.mark.parametrize(
    "entry",
    [
        *("", "*", "*.corp", ".corp", "http://keycloak:8080", "keycloak:8080/", "keycloak:", "a b"),
        *("keycloak:x", "keycloak:0", "keycloak:65536", "me@keycloak", "[::1", "::1", "[x]", "k\n"),
        *(None, 8080, b"keycloak"),
    ],
)
def test_an_invalid_entry_of_allow_http_is_named(entry: Any) -> None:
    faults = allow_http_faults([entry, "keycloak:8080"])

    assert len(faults) == 1
    assert faults[0].startswith("allow_http: ")


NOT_COLLECTIONS: list[Any] = [
    None,
    8080,
    True,
    b"keycloak:8080",
    bytearray(b"keycloak"),
    {"keycloak": 8080},
    (host for host in ["keycloak:8080"]),
]


@pytest.mark.parametrize("value", NOT_COLLECTIONS, ids=lambda value: type(value).__name__)
def test_allow_http_that_is_not_a_collection_is_a_fault_and_allows_nothing(value: Any) -> None:
    (fault,) = allow_http_faults(value)

    assert fault.startswith("allow_http must be a collection of hosts, as {'keycloak:8080'}, not ")
    assert address_fault("http://keycloak:8080/", allow_http=value) is not None


def test_a_password_in_an_entry_of_allow_http_is_not_shown() -> None:
    (fault,) = allow_http_faults(["http://me:hunter2@keycloak:8080/?key=hunter2"])

    assert "hunter2" not in fault
    assert "keycloak:8080" in fault
