"""One attempt to get an issuer's keys, and what the operator reads of it."""

import asyncio
import logging

import pytest

from asgi_bearer.keys import FetchFailed
from asgi_bearer.keys.discovery import Discovery
from asgi_bearer.keys.freshness import Freshness
from asgi_bearer.keys.remote import RemoteKeys
from tests.asgi_bearer.keys.published import GatedDocuments
from tests.fake_issuer import FakeClock, FakeDocuments, Json, signing_key

ISSUER = "https://issuer.example"
METADATA = f"{ISSUER}/.well-known/oauth-authorization-server"
OLD, NEW = f"{ISSUER}/old?key=s3cret", f"{ISSUER}/new"
KEY = signing_key("ES256").jwk()
FRESHNESS = Freshness(default=600.0, shortest=60.0, longest=86_400.0)


def discovered(jwks_uri: str) -> Json:
    return {"issuer": ISSUER, "jwks_uri": jwks_uri}


def attempts(documents: FakeDocuments, deadline: float = 5.0) -> RemoteKeys:
    discovery = Discovery(
        ISSUER, documents, freshness=FRESHNESS, patience=deadline / 2, clock=FakeClock()
    )
    return RemoteKeys(discovery, documents, freshness=FRESHNESS, deadline=deadline)


async def test_an_address_that_worked_is_not_discovered_again() -> None:
    documents = FakeDocuments({METADATA: discovered(OLD), OLD: {"keys": [KEY]}})
    attempt = attempts(documents)

    await attempt()
    await attempt()

    assert documents.asked == [METADATA, OLD, OLD]


@pytest.mark.parametrize("fault", [FetchFailed("gone"), b"<html>", {"keys": []}], ids=repr)
async def test_an_address_that_fails_is_discovered_anew(fault: object) -> None:
    documents = FakeDocuments({METADATA: discovered(OLD), OLD: {"keys": [KEY]}})
    attempt = attempts(documents)
    await attempt()
    documents.documents = {METADATA: discovered(NEW), OLD: fault, NEW: {"keys": [KEY]}}

    with pytest.raises(FetchFailed):
        await attempt()
    await attempt()

    assert documents.asked[-2:] == [METADATA, NEW]


NO_KEY_SETS: list[tuple[bytes, str]] = [
    (b"", "the JSON does not parse"),
    (b"<!doctype html>", "the JSON does not parse"),
    (b"[]", "the JSON is not an object"),
    (b"null", "the JSON is not an object"),
    (b"\xff\xfe", "the JSON is not UTF-8"),
    (b'{"keys":[],"keys":[]}', "the JSON repeats a name"),
    (b'{"keys":' + b"[" * 100_000, "the JSON nests deeper"),
    (b'{"keys":[' + b"1" * 100_000 + b"]}", "digits"),
    (b'{"keys":1e999}', "not finite"),
    (b"{}", "no array of keys"),
    (b'{"keys":{}}', "no array of keys"),
    (b'{"keys":[]}', "no usable key"),
    (b'{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}', "no usable key; key 1 is not used: kty is 'oct'"),
]


@pytest.mark.parametrize(("body", "words"), NO_KEY_SETS, ids=[words for _, words in NO_KEY_SETS])
async def test_what_is_no_key_set_is_a_failure_that_names_the_reason(
    body: bytes, words: str
) -> None:
    """Row 90."""
    documents = FakeDocuments({METADATA: discovered(OLD), OLD: body})

    with pytest.raises(FetchFailed) as failed:
        await attempts(documents)()

    assert str(failed.value).startswith(f"{ISSUER}/old: ")
    assert words in str(failed.value)
    assert "s3cret" not in str(failed.value)
    assert len(str(failed.value)) < 250


async def test_discovery_and_keys_share_one_deadline() -> None:
    """Row 83."""
    documents = GatedDocuments({METADATA: discovered(OLD)})
    documents.close()

    with pytest.raises(FetchFailed, match=r"^no keys within 0.02 s$"):
        await asyncio.wait_for(attempts(documents, deadline=0.02)(), 5.0)


async def test_what_is_wrong_with_single_keys_is_logged_once_per_change(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Rows 74 and 79."""
    documents = FakeDocuments({METADATA: discovered(OLD)})
    attempt = attempts(documents)
    private, faulty = {**KEY, "d": "c2VjcmV0"}, {**KEY, "kid": 5}

    for entries in ([private], [private], [private, faulty]):
        documents.documents[OLD] = {"keys": entries}
        await attempt()

    remark = f"{ISSUER}/old: key 1 is published with private members"
    assert caplog.messages == [
        remark,
        remark,
        f"{ISSUER}/old: key 2 is not used: kid is not a string",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


async def test_the_log_stays_short_however_many_keys_are_faulty(
    caplog: pytest.LogCaptureFixture,
) -> None:
    entries = [KEY, *[{**KEY, "kid": number} for number in range(500)]]
    documents = FakeDocuments({METADATA: discovered(OLD), OLD: {"keys": entries}})

    await attempts(documents)()

    assert len(caplog.messages) == 5
