"""The key fetcher: one attempt to get an issuer's keys, and what the operator is told."""

import asyncio
import json
import logging
import threading
from contextlib import suppress

import pytest

from asgi_bearer.keys import Document, Fetch, FetchFailed, KeySet
from asgi_bearer.keys.discovery import Discovery
from asgi_bearer.keys.fetcher import KeyFetcher
from asgi_bearer.keys.freshness import Freshness
from asgi_bearer.testing import FakeClock, signing_key
from asgi_bearer.testing.signing import Json
from tests.support.documents import FakeDocuments
from tests.support.published_keys import PausableDocuments

ISSUER = "https://issuer.example"
METADATA = f"{ISSUER}/.well-known/oauth-authorization-server"
OLD, NEW = f"{ISSUER}/old?key=s3cret", f"{ISSUER}/new"
KEY = signing_key("ES256").jwk()
FRESHNESS = Freshness(default=600.0, shortest=60.0, longest=86_400.0)


class ScriptedResponses(Fetch):
    """A client that gives these answers in order and records the entity tags that it was sent."""

    def __init__(self, *responses: Document | Exception) -> None:
        self._answers = list(responses)
        self.etags: list[str | None] = []

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        """Return the next answer, or raise it."""
        self.etags.append(etag)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Locations:
    """A locator that returns these URLs in order, and then the last one again."""

    def __init__(self, *urls: str) -> None:
        self._urls = list(urls)
        self.rediscover_flags: list[bool] = []
        self.warning: str | None = None

    async def __call__(self, *, rediscover: bool) -> str:
        """Return the next address."""
        self.rediscover_flags.append(rediscover)
        return self._urls.pop(0) if len(self._urls) > 1 else self._urls[0]


class HangingDocuments(FakeDocuments):
    """Documents, of which one is never served once `hangs` is set."""

    def __init__(self, url: str, documents: Json) -> None:
        super().__init__(documents)
        self._url = url
        self.hangs_now = False

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        """Return the document, or wait forever."""
        document = await super().__call__(url, etag=etag)
        if self.hangs_now and url == self._url:
            await asyncio.Event().wait()
        return document


def fetcher_with(fetch: Fetch, locate: Locations | None = None) -> KeyFetcher:
    return KeyFetcher(locate or Locations(NEW), fetch, freshness=FRESHNESS, deadline=5.0)


def key_set_response(**headers: str) -> Document:
    return Document(
        json.dumps({"keys": [KEY]}).encode(),
        {name.replace("_", "-"): value for name, value in headers.items()},
    )


def not_modified_response(**headers: str) -> Document:
    return Document(None, key_set_response(**headers).headers)


HTML = Document(b"<html>", {"etag": '"html"', "cache-control": "max-age=3000"})


def metadata_with(jwks_uri: str) -> Json:
    return {"issuer": ISSUER, "jwks_uri": jwks_uri}


def fetcher_with_discovery(documents: FakeDocuments, deadline: float = 5.0) -> KeyFetcher:
    discovery = Discovery(
        ISSUER, documents, freshness=FRESHNESS, patience=deadline / 2, clock=FakeClock()
    )
    return KeyFetcher(discovery, documents, freshness=FRESHNESS, deadline=deadline)


async def test_a_jwks_uri_that_worked_is_not_discovered_again() -> None:
    documents = FakeDocuments({METADATA: metadata_with(OLD), OLD: {"keys": [KEY]}})
    attempt = fetcher_with_discovery(documents)

    await attempt()
    await attempt()

    assert documents.requested == [METADATA, OLD, OLD]


@pytest.mark.parametrize("fault", [FetchFailed("gone"), b"<html>", {"keys": []}], ids=repr)
async def test_a_jwks_uri_that_fails_is_discovered_again(fault: object) -> None:
    documents = FakeDocuments({METADATA: metadata_with(OLD), OLD: {"keys": [KEY]}})
    attempt = fetcher_with_discovery(documents)
    await attempt()
    documents.documents = {METADATA: metadata_with(NEW), OLD: fault, NEW: {"keys": [KEY]}}

    with pytest.raises(FetchFailed):
        await attempt()
    await attempt()

    assert documents.requested[-2:] == [METADATA, NEW]


NO_KEY_SETS: list[tuple[bytes, str]] = [
    (b"", "the JSON does not parse"),
    (b"<!doctype html>", "the JSON does not parse"),
    (b"[]", "the JSON is not an object"),
    (b"null", "the JSON is not an object"),
    (b"\xff\xfe", "the JSON is not UTF-8"),
    (b'{"keys":[],"keys":[]}', "the JSON repeats a name"),
    (b'{"keys":' + b"[" * 100_000, "the JSON nests deeper"),
    (b'{"keys":[{"x":' + b"1" * 100_000 + b"}]}", "digits"),
    (b'{"keys":1e999}', "not finite"),
    (b"{}", "no array of keys"),
    (b'{"keys":{}}', "no array of keys"),
    (b'{"keys":[]}', "no usable key"),
    (b'{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}', "no usable key; key 1 is not used: kty is 'oct'"),
]


@pytest.mark.conforms("a nonsense answer does not replace a good key set")
@pytest.mark.parametrize(("body", "words"), NO_KEY_SETS, ids=[words for _, words in NO_KEY_SETS])
async def test_a_document_that_is_not_a_key_set_is_a_failure_with_its_reason(
    body: bytes, words: str
) -> None:
    documents = FakeDocuments({METADATA: metadata_with(OLD), OLD: body})

    with pytest.raises(FetchFailed) as failed:
        await fetcher_with_discovery(documents)()

    assert str(failed.value).startswith(f"{ISSUER}/old: ")
    assert words in str(failed.value)
    assert "s3cret" not in str(failed.value)
    assert len(str(failed.value)) < 250


@pytest.mark.conforms("fetches are bounded in size and time")
async def test_discovery_and_keys_share_one_deadline() -> None:
    documents = PausableDocuments({METADATA: metadata_with(OLD)})
    documents.pause()

    with pytest.raises(FetchFailed, match=r"^no keys within 0.02 s$"):
        await asyncio.wait_for(fetcher_with_discovery(documents, deadline=0.02)(), 60.0)


@pytest.mark.conforms(
    "a broken or unknown key does not affect the others",
    "symmetric keys and private members are not used",
)
async def test_faults_of_single_keys_are_logged_once_per_change(
    caplog: pytest.LogCaptureFixture,
) -> None:
    documents = FakeDocuments({METADATA: metadata_with(OLD)})
    attempt = fetcher_with_discovery(documents)
    private, faulty = {**KEY, "d": "c2VjcmV0"}, {**KEY, "kid": 5}

    for entries in ([private], [private], [private, faulty]):
        documents.documents[OLD] = {"keys": entries}
        await attempt()

    assert caplog.messages == [
        f"{ISSUER}/old: key 1 (kid 'k1') is published with private members",
        f"{ISSUER}/old: key 2 is not used: kid is not a string",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


async def test_the_log_stays_short_with_many_faulty_keys(
    caplog: pytest.LogCaptureFixture,
) -> None:
    entries = [KEY, *[{**KEY, "kid": number} for number in range(500)]]
    documents = FakeDocuments({METADATA: metadata_with(OLD), OLD: {"keys": entries}})

    await fetcher_with_discovery(documents)()

    assert len(caplog.messages) == 21
    assert caplog.messages[-1] == f"{ISSUER}/old: and 480 more entries"


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
async def test_the_entity_tag_is_sent_with_the_next_request() -> None:
    responses = ScriptedResponses(
        key_set_response(etag='"v1"'), key_set_response(etag='W/"v2"'), key_set_response()
    )
    attempt = fetcher_with(responses)

    for _ in range(3):
        await attempt()

    assert responses.etags == [None, '"v1"', 'W/"v2"']


async def test_the_fetcher_drops_the_entity_tag_of_a_replaced_document() -> None:
    responses = ScriptedResponses(
        key_set_response(etag='"v1"'), key_set_response(), key_set_response()
    )
    attempt = fetcher_with(responses)

    for _ in range(3):
        await attempt()

    assert responses.etags == [None, '"v1"', None]


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
async def test_an_entity_tag_is_sent_only_to_the_url_that_gave_it() -> None:
    """The same tag at another URL names another document."""
    responses = ScriptedResponses(
        key_set_response(etag='"v1"'), key_set_response(etag='"v1"'), key_set_response()
    )
    attempt = fetcher_with(responses, Locations(OLD, NEW))

    for _ in range(3):
        await attempt()

    assert responses.etags == [None, None, '"v1"']


@pytest.mark.conforms("a nonsense answer does not replace a good key set")
@pytest.mark.parametrize("failure", [FetchFailed("down"), HTML], ids=["failed", "nonsense"])
async def test_after_a_failure_the_entity_tag_of_the_last_good_document_is_sent(
    failure: Document | Exception,
) -> None:
    responses = ScriptedResponses(key_set_response(etag='"v1"'), failure, not_modified_response())
    attempt = fetcher_with(responses)
    good = await attempt()

    with pytest.raises(FetchFailed):
        await attempt()

    assert (await attempt()).key_set is good.key_set
    assert responses.etags == [None, '"v1"', '"v1"']


ENTITY_TAGS: list[tuple[str, str, bool]] = [
    ("strong", '"v1"', True),
    ("weak", 'W/"v1"', True),
    ("empty", '""', True),
    ("all-characters", '"!#$%&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~"', True),
    ("longest", '"' + "a" * 256 + '"', True),
    ("weak-and-longest", 'W/"' + "a" * 256 + '"', True),
    ("too-long", '"' + "a" * 257 + '"', False),
    ("huge", '"' + "a" * 100_000 + '"', False),
    ("nothing", "", False),
    ("not-quoted", "v1", False),
    ("not-closed", '"v1', False),
    ("not-opened", 'v1"', False),
    ("weak-in-lower-case", 'w/"v1"', False),
    ("space-inside", '"v 1"', False),
    ("space-around", ' "v1"', False),
    ("quote-inside", '"v"1"', False),
    ("two", '"v1", "v2"', False),
    ("any", "*", False),
    ("line-feed-at-the-end", '"v1"\n', False),
    ("another-header", '"v1"\r\nauthorization: x', False),
    ("delete", '"v\x7f"', False),
    ("not-ascii", '"vé"', False),
]


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
@pytest.mark.parametrize(
    ("etag", "sent"), [row[1:] for row in ENTITY_TAGS], ids=[row[0] for row in ENTITY_TAGS]
)
async def test_only_a_valid_entity_tag_of_limited_length_is_sent_back(
    etag: str, sent: bool
) -> None:
    responses = ScriptedResponses(key_set_response(etag=etag), key_set_response())
    attempt = fetcher_with(responses)

    await attempt()
    await attempt()

    assert responses.etags == [None, etag if sent else None]


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
async def test_an_unchanged_document_gives_the_same_set_without_parsing() -> None:
    """The fake issuer serves a broken body under the old tag."""
    documents = FakeDocuments({NEW: key_set_response(etag='"v1"')})
    attempt = fetcher_with(documents)
    first = await attempt()
    documents.documents[NEW] = Document(HTML.body, {"etag": '"v1"'})

    assert (await attempt()).key_set is first.key_set


async def test_the_same_bytes_without_an_entity_tag_give_the_same_set() -> None:
    attempt = fetcher_with(
        ScriptedResponses(key_set_response(), key_set_response(etag='"v1"'), key_set_response())
    )
    first = await attempt()

    assert (await attempt()).key_set is first.key_set
    assert (await attempt()).key_set is first.key_set


async def test_the_same_bytes_from_another_url_are_parsed_again() -> None:
    attempt = fetcher_with(
        ScriptedResponses(key_set_response(), key_set_response()), Locations(OLD, NEW)
    )
    first = await attempt()
    second = await attempt()

    assert second.key_set == first.key_set
    assert second.key_set is not first.key_set


@pytest.mark.conforms("a withdrawn key is refused after the next fetch")
async def test_other_bytes_under_the_same_tag_give_another_set() -> None:
    """A server that sends a document has a new one."""
    other = {"keys": [signing_key("ES256", "k2", number=2).jwk()]}
    answer = Document(json.dumps(other).encode(), {"etag": '"v1"'})
    attempt = fetcher_with(ScriptedResponses(key_set_response(etag='"v1"'), answer))
    await attempt()

    assert [key.kid for key in (await attempt()).key_set.keys] == ["k2"]


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
async def test_the_lifetime_of_keys_comes_from_the_response_headers() -> None:
    attempt = fetcher_with(
        ScriptedResponses(
            key_set_response(),
            key_set_response(cache_control="max-age=900"),
            key_set_response(cache_control="max-age=900", age="100"),
            key_set_response(cache_control="no-store"),
        )
    )

    assert [(await attempt()).lifetime for _ in range(4)] == [600.0, 900.0, 800.0, 60.0]


RENEWALS: list[tuple[str, Document, Document, float]] = [
    ("default", key_set_response(etag='"v"'), not_modified_response(), 600.0),
    (
        "stored",
        key_set_response(etag='"v"', cache_control="max-age=900"),
        not_modified_response(),
        900.0,
    ),
    (
        "stored-without-its-age",
        key_set_response(etag='"v"', cache_control="max-age=900", age="300"),
        not_modified_response(),
        900.0,
    ),
    (
        "stored-with-a-new-age",
        key_set_response(etag='"v"', cache_control="max-age=900", age="300"),
        not_modified_response(age="100"),
        800.0,
    ),
    (
        "new-max-age",
        key_set_response(etag='"v"', cache_control="max-age=900"),
        not_modified_response(cache_control="max-age=1200"),
        1200.0,
    ),
    (
        "new-no-store",
        key_set_response(etag='"v"', cache_control="max-age=900"),
        not_modified_response(cache_control="no-store"),
        60.0,
    ),
    (
        "new-max-age-without-the-old-age",
        key_set_response(etag='"v"', age="300"),
        not_modified_response(cache_control="max-age=1200"),
        1200.0,
    ),
]


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
@pytest.mark.parametrize(
    ("stored", "renewal", "seconds"), [row[1:] for row in RENEWALS], ids=[r[0] for r in RENEWALS]
)
async def test_an_unchanged_document_is_fresh_again(
    stored: Document, renewal: Document, seconds: float
) -> None:
    attempt = fetcher_with(ScriptedResponses(stored, renewal))
    await attempt()

    assert (await attempt()).lifetime == seconds


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
async def test_headers_of_a_304_are_kept_except_its_age() -> None:
    responses = ScriptedResponses(
        key_set_response(etag='"v1"', cache_control="max-age=900"),
        not_modified_response(etag='"v2"', cache_control="max-age=1200", age="100"),
        not_modified_response(),
        not_modified_response(),
    )
    attempt = fetcher_with(responses)

    assert [(await attempt()).lifetime for _ in range(4)] == [900.0, 1100.0, 1200.0, 1200.0]
    assert responses.etags == [None, '"v1"', '"v2"', '"v2"']


async def test_a_304_as_the_first_answer_is_a_failure() -> None:
    attempt = fetcher_with(ScriptedResponses(not_modified_response(etag='"v1"')))

    with pytest.raises(FetchFailed, match=rf"^{NEW}: the JSON does not parse \(no content-type\)$"):
        await attempt()


async def test_a_304_from_another_url_is_a_failure() -> None:
    """The set of the old URL says nothing about the new one."""
    responses = ScriptedResponses(key_set_response(etag='"v1"'), not_modified_response(etag='"v1"'))
    attempt = fetcher_with(responses, Locations(OLD, NEW))
    await attempt()

    with pytest.raises(FetchFailed, match=rf"^{NEW}: the JSON does not parse \(no content-type\)$"):
        await attempt()


async def test_the_fetcher_asks_for_rediscovery_from_a_failure_until_a_success() -> None:
    locations = Locations(NEW)
    attempt = fetcher_with(
        ScriptedResponses(
            key_set_response(), FetchFailed("down"), HTML, key_set_response(), key_set_response()
        ),
        locations,
    )

    for _ in range(5):
        with suppress(FetchFailed):
            await attempt()

    assert locations.rediscover_flags == [False, False, True, True, False]


@pytest.mark.conforms("fetches are bounded in size and time")
async def test_the_fetcher_asks_for_rediscovery_after_a_timeout() -> None:
    locations = Locations(NEW)
    documents = PausableDocuments({NEW: {"keys": [KEY]}})
    attempt = KeyFetcher(locations, documents, freshness=FRESHNESS, deadline=0.02)
    documents.pause()
    with pytest.raises(FetchFailed, match="no keys within"):
        await asyncio.wait_for(attempt(), 60.0)
    documents.resume()

    await attempt()

    assert locations.rediscover_flags == [False, True]


@pytest.mark.conforms("a withdrawn key is refused after the next fetch")
async def test_keys_are_fetched_from_a_moved_jwks_uri() -> None:
    other = signing_key("ES256", "k2", number=2).jwk()
    documents = FakeDocuments(
        {METADATA: metadata_with(OLD), OLD: {"keys": [KEY]}, NEW: {"keys": [other]}}
    )
    attempt = fetcher_with_discovery(documents)
    await attempt()
    documents.documents |= {METADATA: metadata_with(NEW), OLD: FetchFailed("gone")}
    with pytest.raises(FetchFailed):
        await attempt()

    assert [key.kid for key in (await attempt()).key_set.keys] == ["k2"]


@pytest.mark.conforms("fetches are bounded in size and time")
async def test_metadata_that_hangs_does_not_keep_keys_of_a_known_jwks_uri_away() -> None:
    hangs = HangingDocuments(METADATA, {METADATA: metadata_with(NEW), NEW: {"keys": [KEY]}})
    clock = FakeClock()
    locate = Discovery(ISSUER, hangs, freshness=FRESHNESS, patience=0.01, clock=clock)
    attempt = KeyFetcher(locate, hangs, freshness=FRESHNESS, deadline=30.0)
    await attempt()
    hangs.hangs_now = True
    clock.advance(600.0)

    await asyncio.wait_for(attempt(), 20.0)

    assert hangs.requested == [METADATA, NEW, METADATA, NEW]


async def test_a_warning_about_a_key_is_logged_again_after_a_set_without_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    documents = FakeDocuments({})
    attempt = fetcher_with(documents)

    for entry in ({**KEY, "d": "c2VjcmV0"}, KEY, {**KEY, "d": "c2VjcmV0"}):
        documents.documents[NEW] = {"keys": [entry]}
        await attempt()

    assert caplog.messages == [f"{NEW}: key 1 (kid 'k1') is published with private members"] * 2


async def test_a_timeout_of_the_callers_client_is_not_reported_as_the_deadline() -> None:
    documents = FakeDocuments({METADATA: metadata_with(OLD), OLD: TimeoutError("of its own")})

    with pytest.raises(TimeoutError, match="of its own"):
        await fetcher_with_discovery(documents)()


async def test_a_large_key_set_is_parsed_in_another_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_other_thread: list[bool] = []
    this_thread = threading.get_ident()

    def record_thread(cls: type[KeySet], jwks: Json) -> KeySet:
        in_other_thread.append(threading.get_ident() != this_thread)
        return make(jwks)

    make = KeySet.from_jwks
    monkeypatch.setattr(KeySet, "from_jwks", classmethod(record_thread))
    documents = FakeDocuments({METADATA: metadata_with(OLD), OLD: {"keys": [KEY]}})
    attempt = fetcher_with_discovery(documents)

    await attempt()
    documents.documents[OLD] = {"keys": [{**KEY, "kid": f"k{n}"} for n in range(500)]}
    large = await attempt()

    assert in_other_thread == [False, True]
    assert len(large.key_set.keys) == 500


async def test_the_fetcher_stores_only_three_headers() -> None:
    documents = FakeDocuments({METADATA: metadata_with(OLD)})
    attempt = fetcher_with_discovery(documents)
    for number in range(3):
        headers = {"etag": '"1"', f"x-{number}": "x", "cache-control": "max-age=900"}
        documents.documents[OLD] = Document(json.dumps({"keys": [KEY]}).encode(), headers)
        fetched = await attempt()
        assert fetched.lifetime == 900.0

    stored = getattr(attempt, "_cached").headers  # noqa: B009  # The stored headers are private.
    assert set(stored) == {"etag", "age", "cache-control"}


async def test_failing_metadata_costs_time_only_in_the_first_of_two_attempts() -> None:
    """The second attempt skips the metadata and repeats the warning."""
    clock = FakeClock()
    documents = FakeDocuments({METADATA: metadata_with(OLD), OLD: {"keys": [KEY]}})
    discovery = Discovery(ISSUER, documents, freshness=FRESHNESS, patience=2.5, clock=clock)
    attempt = KeyFetcher(discovery, documents, freshness=FRESHNESS, deadline=5.0)
    await attempt()
    documents.documents[METADATA] = FetchFailed("down")
    await attempt(rediscover=True)
    del documents.requested[:]

    fetched = await attempt(rediscover=True)

    assert documents.requested == [OLD]
    assert fetched.warning == "down"


ENC, WEAK = {**KEY, "use": "enc", "kid": "e"}, {**KEY, "kid": "w", "x": KEY["y"]}
LEFT_OUT = (
    "key 2 (kid 'e') is not used: use is 'enc'",
    "key 3 (kid 'w') is not used: its members do not form a key",
)


async def test_skipped_keys_are_reported_with_each_fetch_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """For the same bytes, other bytes, and a 304."""
    caplog.set_level(logging.INFO, logger="asgi_bearer.keys")
    document = {"keys": [KEY, ENC, WEAK, {**KEY, "kid": "p", "d": "AAAA"}]}
    body, etag = json.dumps(document).encode(), {"etag": '"v1"'}
    responses = ScriptedResponses(
        *(Document(body, etag), Document(body + b" ", etag)),
        *(Document(body + b" ", etag), Document(None, etag)),
    )
    attempt = fetcher_with(responses)

    assert [(await attempt()).left_out for _ in range(4)] == [LEFT_OUT] * 4
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", f"{NEW}: {LEFT_OUT[0]}"),
        ("WARNING", f"{NEW}: {LEFT_OUT[1]}"),
        ("WARNING", f"{NEW}: key 4 (kid 'p') is published with private members"),
    ]


async def test_the_status_names_only_some_of_very_many_skipped_keys() -> None:
    document = {"keys": [KEY, *[{**ENC, "kid": "e" * 9999}] * 500]}
    fetched = await fetcher_with(ScriptedResponses(Document(json.dumps(document).encode())))()

    assert len(fetched.left_out) == 21
    assert fetched.left_out[-1] == "and 480 more entries"
    assert max(map(len, fetched.left_out)) < 150


async def test_a_set_with_only_skipped_keys_is_a_failure_with_the_reasons() -> None:
    document = {"keys": [ENC, WEAK]}

    with pytest.raises(FetchFailed, match=r"no usable key; key 2 .*; key 1 .*use is 'enc'"):
        await fetcher_with(ScriptedResponses(Document(json.dumps(document).encode())))()


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", None, ""])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "byte-order-mark"])
async def test_a_key_set_is_accepted_with_any_content_type(
    content_type: str | None, mark: bytes
) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    body = mark + json.dumps({"keys": [KEY]}).encode()

    assert len((await fetcher_with(ScriptedResponses(Document(body, headers)))()).key_set.keys) == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
async def test_a_key_set_that_is_not_utf_8_is_a_failure(encoding: str) -> None:
    body = json.dumps({"keys": [KEY]}).encode(encoding)

    with pytest.raises(FetchFailed, match=r"/new: the JSON .*\(no content-type\)"):
        await fetcher_with(ScriptedResponses(Document(body)))()
