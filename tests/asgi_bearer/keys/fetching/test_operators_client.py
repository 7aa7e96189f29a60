"""Settings for the HTTP client: trusted authorities, a client certificate, headers."""

import json
import logging
import ssl
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import RemoteKeys, remote_keys
from asgi_bearer.testing import FakeIssuer
from tests.support.answering_server import ok_response, sends, server_tls, serving, without_proxies
from tests.support.documents import FakeDocuments

JWKS = json.dumps(FakeIssuer().jwks()).encode()
NAME = "localhost"
SECRET = "s3cret-of-the-gateway"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def write_authority_folder(certificate: Path, folder: Path) -> None:
    """Write `certificate` into `folder` under the name that OpenSSL looks for."""
    name = x509.load_pem_x509_certificate(certificate.read_bytes()).subject
    # The hash covers the name in lower case, without the header of its sequence.
    digest = sha1(name.public_bytes()[2:], usedforsecurity=False).digest()
    folder.mkdir()
    number = int.from_bytes(digest[:4], "little")
    (folder / f"{number:08x}.0").write_bytes(certificate.read_bytes())


async def keys_from(tls: ssl.SSLContext, **arguments: Any) -> int:
    """Return the number of keys that a source fetches from a server with `tls`."""
    async with serving(sends(ok_response(JWKS)), tls) as server:
        keys = remote_keys(jwks_uri=f"https://{NAME}:{server.port}/jwks", **arguments)
        return len((await keys.key_set()).keys)


async def test_a_private_authority_in_the_tls_context_is_trusted(tmp_path: Path) -> None:
    tls = server_tls(NAME, tmp_path)
    trusting = ssl.create_default_context(cafile=tmp_path / "certificate.pem")

    assert await keys_from(tls, ssl_context=trusting) == 1


async def test_a_certificate_of_an_unknown_authority_is_not_trusted(tmp_path: Path) -> None:
    with pytest.raises(KeysUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        await keys_from(server_tls(NAME, tmp_path))


async def test_a_private_authority_in_ssl_cert_file_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = server_tls(NAME, tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))

    assert await keys_from(tls) == 1


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside-a-file"])
async def test_a_private_authority_in_ssl_cert_dir_is_trusted(
    beside: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = server_tls(NAME, tmp_path)
    write_authority_folder(tmp_path / "certificate.pem", tmp_path / "authorities")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "authorities"))
    if beside:
        (tmp_path / "other").mkdir()
        server_tls("other.test", tmp_path / "other")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other" / "certificate.pem"))

    assert await keys_from(tls) == 1


async def test_a_tls_context_takes_precedence_over_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = server_tls(NAME, tmp_path)
    # This context is made before the environment names the authority.
    context = ssl.create_default_context()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))

    with pytest.raises(KeysUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        await keys_from(tls, ssl_context=context)


async def test_an_issuer_that_requires_a_client_certificate_gets_the_one_of_the_tls_context(
    tmp_path: Path,
) -> None:
    (tmp_path / "client").mkdir()
    tls = server_tls(NAME, tmp_path)
    server_tls("client.test", tmp_path / "client")
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(tmp_path / "client" / "certificate.pem")
    without = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
    context = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
    context.load_cert_chain(
        tmp_path / "client" / "certificate.pem", tmp_path / "client" / "key.pem"
    )

    assert await keys_from(tls, ssl_context=context) == 1
    with pytest.raises(KeysUnavailable):
        await keys_from(tls, ssl_context=without)


async def test_the_host_name_is_verified_with_a_tls_context_too(tmp_path: Path) -> None:
    tls = server_tls("other.test", tmp_path)
    trusting = ssl.create_default_context(cafile=tmp_path / "certificate.pem")

    with pytest.raises(KeysUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        await keys_from(tls, ssl_context=trusting)


def metadata_and_keys(issuer: str, jwks_uri: str) -> bytes:
    """Return a document that is both metadata and a key set."""
    return ok_response(
        json.dumps({"issuer": issuer, "jwks_uri": jwks_uri, **json.loads(JWKS)}).encode()
    )


HEADERS = {"X-Api-Key": SECRET, "User-Agent": "contacts", "Authorization": f"Basic {SECRET}"}


async def test_configured_headers_are_sent_with_requests_for_metadata_and_keys() -> None:
    async with serving(sends()) as server:
        server.answer = sends(metadata_and_keys(server.address, f"{server.address}/jwks"))
        await remote_keys(issuer=server.address, headers=HEADERS).key_set()

    assert len(server.requests) == 2
    for request in server.requests:
        lines = request.decode().lower().split("\r\n")
        assert f"x-api-key: {SECRET}" in lines
        assert f"authorization: basic {SECRET}" in lines
        assert "user-agent: contacts" in lines
        assert "accept-encoding: identity" in lines
        assert sum(line.startswith("user-agent:") for line in lines) == 1


async def test_configured_headers_are_sent_to_a_configured_jwks_uri() -> None:
    async with serving(sends(ok_response(JWKS))) as server:
        keys = remote_keys(
            issuer="https://issuer.example", jwks_uri=f"{server.address}/jwks", headers=HEADERS
        )
        await keys.key_set()

    assert SECRET.encode() in server.requests[0]


async def test_configured_headers_are_not_sent_to_another_host_or_port_from_metadata() -> None:
    async with serving(sends(ok_response(JWKS))) as elsewhere, serving(sends()) as server:
        server.answer = sends(metadata_and_keys(server.address, f"{elsewhere.address}/jwks"))
        await remote_keys(issuer=server.address, headers=HEADERS).key_set()

    assert SECRET.encode() in server.requests[0]
    assert len(elsewhere.requests) == 1
    assert SECRET.encode() not in elsewhere.requests[0]
    assert b"x-api-key" not in elsewhere.requests[0].lower()


async def test_configured_headers_are_not_sent_to_another_name_of_the_same_machine() -> None:
    async with serving(sends()) as server:
        other = server.address.replace("127.0.0.1", "localhost")
        server.answer = sends(metadata_and_keys(server.address, f"{other}/jwks"))
        await remote_keys(issuer=server.address, headers=HEADERS).key_set()

    assert [SECRET.encode() in request for request in server.requests] == [True, False]


async def test_configured_headers_are_not_sent_after_a_redirect() -> None:
    async with serving(sends(ok_response(JWKS))) as elsewhere:
        location = elsewhere.address.encode()
        moved = b"HTTP/1.1 302 Found\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n" % location
        async with serving(sends(moved)) as server:
            with pytest.raises(KeysUnavailable):
                await remote_keys(jwks_uri=server.address, headers=HEADERS).key_set()

    assert elsewhere.requests == []


async def test_configured_headers_appear_in_no_log_no_error_and_no_repr(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(sends(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n")) as server:
        keys = remote_keys(jwks_uri=server.address, headers=HEADERS)
        with pytest.raises(KeysUnavailable) as refused:
            await keys.key_set()

    assert SECRET.encode() in server.requests[0]
    output = f"{caplog.text} {refused.value!r} {refused.value.__cause__!r} {keys.status()} {keys!r}"
    assert SECRET not in output


async def test_a_header_value_may_be_latin_1_and_is_copied_at_start_up() -> None:
    headers = {"X-Name": "Müller"}
    async with serving(sends(ok_response(JWKS))) as server:
        keys = remote_keys(jwks_uri=server.address, headers=headers)
        headers["X-Name"] = "later"
        await keys.key_set()

    assert b"X-Name: M\xfcller\r\n" in server.requests[0]


INVALID_HEADERS: list[tuple[str, Any, str]] = [
    ("no-mapping", [("a", SECRET)], "headers must be a mapping"),
    ("text", f"X-Key: {SECRET}", "headers must be a mapping"),
    ("name-and-value", {f"X-Key: {SECRET}": "x"}, "name 1 is not a field name"),
    ("empty-name", {"": SECRET}, "name 1 is not a field name"),
    ("no-name", {5: SECRET}, "name 1 is not a field name"),
    ("line-break-in-name", {"a\r\nb": SECRET}, "name 1 is not a field name"),
    ("colon-in-name", {":authority": SECRET}, "name 1 is not a field name"),
    ("letter-in-name", {"é": SECRET}, "name 1 is not a field name"),
    ("line-break", {"X-Key": f"{SECRET}\r\nHost: evil.example"}, "value of 'X-Key'"),
    ("line-feed", {"X-Key": f"{SECRET}\n"}, "value of 'X-Key'"),
    ("nul", {"X-Key": f"{SECRET}\0"}, "value of 'X-Key'"),
    ("delete", {"X-Key": f"{SECRET}\x7f"}, "value of 'X-Key'"),
    ("control", {"X-Key": f"{SECRET}\x85"}, "value of 'X-Key'"),
    ("not-latin", {"X-Key": f"{SECRET}€"}, "value of 'X-Key'"),
    ("spaces", {"X-Key": f" {SECRET}"}, "value of 'X-Key'"),
    ("empty", {"X-Key": ""}, "value of 'X-Key'"),
    ("none", {"X-Key": None}, "value of 'X-Key'"),
    ("bytes", {"X-Key": SECRET.encode()}, "value of 'X-Key'"),
    ("too-long", {"X-Key": SECRET + "x" * 8192}, "value of 'X-Key'"),
    ("too-many", {f"X-{n}": SECRET for n in range(33)}, "headers must hold at most 32"),
    ("twice", {"X-Key": SECRET, "x-key": SECRET}, "'x-key' is repeated"),
    *(
        (name, {name: SECRET}, f"'{name}' is set by")
        for name in (
            *("Host", "accept", "Accept-Encoding", "If-None-Match", "Connection", "TE"),
            *("Transfer-Encoding", "Content-Length", "Upgrade", "Proxy-Authorization", "Range"),
        )
    ),
]


@pytest.mark.parametrize(
    ("headers", "words"),
    [row[1:] for row in INVALID_HEADERS],
    ids=[row[0] for row in INVALID_HEADERS],
)
def test_an_invalid_header_is_refused_and_its_value_is_not_shown(headers: Any, words: str) -> None:
    with pytest.raises(ValueError, match="headers") as refused:
        remote_keys(issuer="https://issuer.example", headers=headers)

    assert words in str(refused.value)
    assert SECRET not in str(refused.value)


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def without_host_names() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    return context


@pytest.mark.parametrize(
    ("context", "words"),
    [
        (unverified(), "must verify certificates and host names"),
        (without_host_names(), "must verify certificates and host names"),
        (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), "must verify certificates and host names"),
        ("ca.pem", "must be an ssl.SSLContext"),
        (False, "must be an ssl.SSLContext"),
    ],
    ids=["no-certificates", "no-names", "of-a-server", "a-path", "off"],
)
def test_a_tls_context_that_does_not_verify_is_refused(context: Any, words: str) -> None:
    """Otherwise an attacker on the network could answer with keys of their own."""
    with pytest.raises(ValueError, match=f"^ssl_context {words}"):
        remote_keys(issuer="https://issuer.example", ssl_context=context)


def test_ssl_context_and_headers_cannot_be_combined_with_fetch() -> None:
    with pytest.raises(ValueError, match="ssl_context is for httpx") as refused:
        remote_keys(
            issuer="https://issuer.example",
            fetch=FakeDocuments({}),
            ssl_context=ssl.create_default_context(),
            headers={},
        )

    assert "headers is for httpx and cannot be combined with fetch" in str(refused.value)


def test_all_faults_of_the_client_settings_are_named_at_once() -> None:
    with pytest.raises(ValueError, match="ssl_context") as refused:
        remote_keys(
            issuer="https://issuer.example",
            timeout=0,
            ssl_context=unverified(),
            headers={"Host": "x", "a b": "x", "X-Key": "\n"},
        )

    assert len(str(refused.value).split("; ")) == 5


def test_empty_headers_are_accepted() -> None:
    assert isinstance(remote_keys(issuer="https://issuer.example", headers={}), RemoteKeys)
