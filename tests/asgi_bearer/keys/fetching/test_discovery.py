"""Discovery: how the URL of an issuer's keys is found."""

import asyncio
import json
import logging
from typing import Any

import pytest

from asgi_bearer.keys import Document, Fetch, FetchFailed
from asgi_bearer.keys.discovery import Discovery, metadata_urls
from asgi_bearer.keys.freshness import Freshness
from asgi_bearer.testing import FakeClock
from tests.support.documents import FakeDocuments
from tests.support.published_keys import PausableDocuments, run_pending_tasks

ISSUER = "https://issuer.example/t1"
OAUTH = "https://issuer.example/.well-known/oauth-authorization-server/t1"
OPENID_INSERTED = "https://issuer.example/.well-known/openid-configuration/t1"
OPENID_APPENDED = "https://issuer.example/t1/.well-known/openid-configuration"
JWKS_URI = "https://keys.example/t1"

METADATA = {"issuer": ISSUER, "jwks_uri": JWKS_URI}


def discovery(documents: dict[str, object], issuer: str = ISSUER) -> tuple[Discovery, list[str]]:
    served = FakeDocuments(documents)
    return discovery_with(served, FakeClock(), issuer), served.requested


def discovery_with(
    fetch: Fetch, clock: FakeClock, issuer: str = ISSUER, patience: float = 2.5
) -> Discovery:
    freshness = Freshness(default=600.0, shortest=60.0, longest=86_400.0)
    return Discovery(issuer, fetch, freshness=freshness, patience=patience, clock=clock)


@pytest.mark.conforms("metadata is looked for at the well-known addresses, in order")
@pytest.mark.parametrize(
    ("issuer", "urls"),
    [
        (ISSUER, (OAUTH, OPENID_INSERTED, OPENID_APPENDED)),
        (ISSUER + "/", (OAUTH, OPENID_INSERTED, OPENID_APPENDED)),
        (
            "https://issuer.example:8443",
            (
                "https://issuer.example:8443/.well-known/oauth-authorization-server",
                "https://issuer.example:8443/.well-known/openid-configuration",
            ),
        ),
        (
            "https://issuer.example/",
            (
                "https://issuer.example/.well-known/oauth-authorization-server",
                "https://issuer.example/.well-known/openid-configuration",
            ),
        ),
    ],
    ids=["path", "path-and-slash", "host", "host-and-slash"],
)
def test_the_metadata_urls_of_an_issuer_in_their_order(issuer: str, urls: tuple[str, ...]) -> None:
    assert metadata_urls(issuer) == urls


@pytest.mark.conforms("metadata is looked for at the well-known addresses, in order")
@pytest.mark.parametrize("url", [OAUTH, OPENID_INSERTED, OPENID_APPENDED])
async def test_metadata_is_found_at_each_of_its_urls(url: str) -> None:
    locate, asked = discovery({url: METADATA})

    assert await locate(rediscover=False) == JWKS_URI
    assert asked[-1] == url


NOT_THE_ISSUER = [
    "https://issuer.example/t1/",
    "https://issuer.example/T1",
    "https://issuer.example/t",
    "https://issuer.example:443/t1",
    "https://evil.example",
    "",
    None,
    7,
    [ISSUER],
]


@pytest.mark.conforms("metadata must name the issuer that was asked for")
@pytest.mark.parametrize("claimed", NOT_THE_ISSUER, ids=repr)
async def test_metadata_of_another_issuer_is_not_used(claimed: object) -> None:
    document = {"issuer": claimed, "jwks_uri": JWKS_URI}
    locate, _ = discovery(dict.fromkeys((OAUTH, OPENID_INSERTED, OPENID_APPENDED), document))

    with pytest.raises(FetchFailed, match=r"issuer is .*expected 'https://issuer.example/t1'"):
        await locate(rediscover=False)


@pytest.mark.conforms("metadata must name the issuer that was asked for")
async def test_metadata_without_an_issuer_is_not_used() -> None:
    locate, _ = discovery({OAUTH: {"jwks_uri": JWKS_URI}})

    with pytest.raises(FetchFailed, match="issuer is None"):
        await locate(rediscover=False)


@pytest.mark.conforms("metadata must name the issuer that was asked for")
async def test_the_next_url_is_tried_if_one_serves_metadata_of_another_issuer() -> None:
    """A host may serve several issuers, one of them at its root."""
    locate, _ = discovery(
        {OAUTH: {**METADATA, "issuer": "https://issuer.example"}, OPENID_APPENDED: METADATA}
    )

    assert await locate(rediscover=False) == JWKS_URI


JWKS_URI_FAULTS: list[tuple[str, Any, str]] = [
    ("missing", None, "must be a URL"),
    ("number", 5, "must be a URL"),
    ("plain-http", "http://keys.example/", "must be https"),
    ("file", "file:///etc/passwd", "absolute"),
    ("credentials", "https://user:secret@keys.example/", "must not hold a user name"),
    ("this-machine", "http://127.0.0.1:8500/v1/kv", "must not point to this machine"),
    ("this-machine-by-https", "https://localhost/", "must not point to this machine"),
]


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize(
    ("jwks_uri", "words"), [row[1:] for row in JWKS_URI_FAULTS], ids=[r[0] for r in JWKS_URI_FAULTS]
)
async def test_metadata_with_an_unsafe_jwks_uri_is_not_used(jwks_uri: object, words: str) -> None:
    locate, _ = discovery({OAUTH: {**METADATA, "jwks_uri": jwks_uri}})

    with pytest.raises(FetchFailed, match=f"jwks_uri .*{words}") as failed:
        await locate(rediscover=False)

    assert "secret" not in str(failed.value)


async def test_an_issuer_on_loopback_may_have_its_keys_on_loopback() -> None:
    issuer = "http://127.0.0.1:9000"
    url = f"{issuer}/.well-known/openid-configuration"
    locate, _ = discovery({url: {"issuer": issuer, "jwks_uri": f"{issuer}/jwks"}}, issuer)

    assert await locate(rediscover=False) == f"{issuer}/jwks"


NOT_METADATA = [
    b"",
    b"<html>",
    b"[]",
    b"null",
    b"\xff",
    b'{"issuer":"a","issuer":"b"}',
    b"[" * 99,
    json.dumps(METADATA).encode("utf-16"),
    json.dumps(METADATA).encode("utf-32"),
    b"\xef\xbb\xbf\xef\xbb\xbf" + json.dumps(METADATA).encode(),
]


@pytest.mark.parametrize("body", NOT_METADATA, ids=repr)
async def test_a_document_that_is_not_metadata_is_skipped(body: bytes) -> None:
    locate, _ = discovery({OAUTH: body, OPENID_INSERTED: METADATA})

    assert await locate(rediscover=False) == JWKS_URI


async def test_the_error_names_each_url_and_its_fault() -> None:
    locate, _ = discovery({OPENID_INSERTED: b"<html>"})

    with pytest.raises(FetchFailed) as failed:
        await locate(rediscover=False)

    reasons = str(failed.value).split("; ")
    assert reasons[0] == f"{OAUTH}: status 404 instead of 200"
    assert reasons[1] == f"{OPENID_INSERTED}: the JSON does not parse (no content-type)"
    assert reasons[2] == f"{OPENID_APPENDED}: status 404 instead of 200"


async def test_a_host_that_does_not_answer_is_asked_once() -> None:
    locate, asked = discovery({OAUTH: FetchFailed("no answer")})

    with pytest.raises(FetchFailed, match="no answer"):
        await locate(rediscover=False)

    assert asked == [OAUTH]


MOVED = "https://keys.example/moved"

LIFETIMES: list[tuple[str, dict[str, str], float]] = [
    ("default", {}, 600.0),
    ("max-age", {"cache-control": "max-age=900"}, 900.0),
    ("max-age-less-age", {"cache-control": "max-age=900", "age": "100"}, 800.0),
    ("at-least-the-shortest", {"cache-control": "no-store"}, 60.0),
    ("at-most-the-longest", {"cache-control": "max-age=31536000"}, 86_400.0),
]


def metadata(jwks_uri: str = JWKS_URI, **headers: str) -> Document:
    document = {"issuer": ISSUER, "jwks_uri": jwks_uri}
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    return Document(json.dumps(document).encode(), lines)


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
@pytest.mark.parametrize(
    ("headers", "seconds"), [row[1:] for row in LIFETIMES], ids=[row[0] for row in LIFETIMES]
)
async def test_the_jwks_uri_is_kept_while_its_metadata_is_fresh(
    headers: dict[str, str], seconds: float
) -> None:
    documents, clock = FakeDocuments({OAUTH: metadata(**headers)}), FakeClock()
    locate = discovery_with(documents, clock)
    await locate(rediscover=False)
    documents.documents[OAUTH] = metadata(MOVED)

    clock.advance(seconds - 0.5)
    assert await locate(rediscover=False) == JWKS_URI
    assert documents.requested == [OAUTH]

    clock.advance(0.5)
    assert await locate(rediscover=False) == MOVED
    assert documents.requested == [OAUTH, OAUTH]


async def test_metadata_that_was_fetched_again_has_its_new_lifetime() -> None:
    documents, clock = FakeDocuments({OAUTH: metadata()}), FakeClock()
    locate = discovery_with(documents, clock)
    await locate(rediscover=False)
    documents.documents[OAUTH] = metadata(cache_control="max-age=3000")

    for seconds in (600.0, 2999.0, 1.0):
        clock.advance(seconds)
        await locate(rediscover=False)

    assert documents.requested == [OAUTH, OAUTH, OAUTH]


async def test_rediscovery_fetches_the_metadata_at_once() -> None:
    documents, clock = FakeDocuments({OAUTH: metadata()}), FakeClock()
    locate = discovery_with(documents, clock)
    await locate(rediscover=False)
    documents.documents[OAUTH] = metadata(MOVED)

    assert await locate(rediscover=True) == MOVED
    assert await locate(rediscover=False) == MOVED
    assert documents.requested == [OAUTH, OAUTH]


@pytest.mark.conforms("metadata is looked for at the well-known addresses, in order")
async def test_rediscovery_uses_the_first_url_that_serves_metadata() -> None:
    locate, asked = discovery({OAUTH: metadata(), OPENID_APPENDED: metadata(MOVED)})
    await locate(rediscover=False)

    assert await locate(rediscover=True) == JWKS_URI
    assert asked == [OAUTH, OAUTH]


FAILURES: list[tuple[str, dict[str, object], str]] = [
    ("no-answer", {OAUTH: FetchFailed("no answer")}, "no answer"),
    ("not-there", {}, f"{OAUTH}: status 404 instead of 200"),
    ("nonsense", {OAUTH: b"<html>"}, f"{OAUTH}: the JSON does not parse"),
    ("another-issuer", {OAUTH: {**METADATA, "issuer": "https://evil.example"}}, "evil.example"),
    ("no-jwks-uri", {OAUTH: {"issuer": ISSUER}}, "jwks_uri must be a URL"),
    ("plain-http", {OAUTH: {**METADATA, "jwks_uri": "http://keys.example/"}}, "must be https"),
    ("this-machine", {OAUTH: {**METADATA, "jwks_uri": "https://[::1]/"}}, "this machine"),
]


@pytest.mark.conforms("a nonsense answer does not replace a good key set")
@pytest.mark.parametrize("rediscover", [False, True], ids=["expired", "rediscover"])
@pytest.mark.parametrize(
    ("served", "words"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
async def test_the_last_known_jwks_uri_is_used_if_discovery_fails(
    served: dict[str, object], words: str, rediscover: bool, caplog: pytest.LogCaptureFixture
) -> None:
    documents, clock = FakeDocuments({OAUTH: METADATA}), FakeClock()
    locate = discovery_with(documents, clock)
    await locate(rediscover=False)
    documents.documents = served
    clock.advance(600.0)

    assert await locate(rediscover=rediscover) == JWKS_URI

    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert caplog.messages[0].startswith("discovery failed; using the last known jwks_uri: ")
    assert words in caplog.messages[0]


@pytest.mark.parametrize("rediscover", [False, True])
async def test_after_a_failure_discovery_waits_for_the_shortest_lifetime(
    rediscover: bool,
) -> None:
    """The next attempt may need all its time for the keys."""
    documents, clock = FakeDocuments({OAUTH: METADATA}), FakeClock()
    locate = discovery_with(documents, clock)
    await locate(rediscover=False)
    clock.advance(600.0)
    documents.documents[OAUTH] = FetchFailed("down")

    found: list[str] = []
    for seconds in (0.0, 59.0, 1.0):
        clock.advance(seconds)
        found.append(await locate(rediscover=rediscover))
        documents.documents[OAUTH] = metadata(MOVED)

    assert found == [JWKS_URI, JWKS_URI, MOVED]
    assert documents.requested == [OAUTH] * 3


async def test_discovery_has_a_warning_while_the_metadata_is_faulty() -> None:
    documents, clock = FakeDocuments({OAUTH: METADATA}), FakeClock()
    locate = discovery_with(documents, clock)
    warnings: list[str | None] = []
    for document in (METADATA, {**METADATA, "issuer": "https://evil.example"}, METADATA):
        documents.documents[OAUTH] = document
        await locate(rediscover=False)
        warnings.append(locate.warning)
        clock.advance(600.0)

    assert warnings[0] is warnings[2] is None
    assert "issuer is 'https://evil.example'" in str(warnings[1])


@pytest.mark.conforms("fetches are bounded in size and time")
async def test_the_last_known_jwks_uri_is_used_if_metadata_comes_too_late(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The rest of the time is left for the keys."""
    documents, clock = PausableDocuments({OAUTH: METADATA}), FakeClock()
    locate = discovery_with(documents, clock, patience=0.01)
    await locate(rediscover=False)
    documents.pause()
    clock.advance(600.0)

    assert await asyncio.wait_for(locate(rediscover=False), 60.0) == JWKS_URI
    assert caplog.messages == [
        "discovery failed; using the last known jwks_uri: the metadata did not arrive in time"
    ]


@pytest.mark.conforms("fetches are bounded in size and time")
async def test_the_first_discovery_may_use_all_the_time_of_the_attempt() -> None:
    """Without a known jwks_uri there is no reason to save time for the keys."""
    documents = PausableDocuments({OAUTH: METADATA})
    documents.pause()
    first = asyncio.create_task(
        discovery_with(documents, FakeClock(), patience=0.0)(rediscover=False)
    )
    await run_pending_tasks()
    assert not first.done()

    documents.resume()

    assert await first == JWKS_URI


@pytest.mark.conforms("fetches are bounded in size and time")
async def test_a_timeout_of_the_attempt_is_raised_even_during_rediscovery() -> None:
    documents, clock = PausableDocuments({OAUTH: METADATA}), FakeClock()
    locate = discovery_with(documents, clock)
    await locate(rediscover=False)
    documents.pause()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await locate(rediscover=True)


async def test_a_304_for_metadata_that_was_never_fetched_is_not_used() -> None:
    locate, _ = discovery({OAUTH: Document(None), OPENID_INSERTED: METADATA})

    assert await locate(rediscover=False) == JWKS_URI


async def test_the_url_that_served_the_metadata_is_tried_first_next_time() -> None:
    """A later discovery has less time: three slow URLs would not fit into it."""
    locate, asked = discovery({OPENID_APPENDED: METADATA})
    await locate(rediscover=False)
    del asked[:]

    await locate(rediscover=True)

    assert asked == [OPENID_APPENDED]


@pytest.mark.parametrize(
    ("jwks_uri", "allow_http", "accepted"),
    [
        ("http://keycloak:8080/keys", {"keycloak:8080"}, True),
        ("http://keycloak:8080/keys", "keycloak:8080", True),
        ("http://keycloak:8081/keys", {"keycloak:8080"}, False),
        ("http://evil.example/keys", {"keycloak:8080"}, False),
        ("http://127.0.0.1/keys", {"keycloak:8080"}, False),
        ("http://keycloak:8080/keys", (), False),
        ("http://keycloak:8080@evil.example/keys", {"keycloak:8080"}, False),
        ("http://localhost:9000/keys", {"localhost:9000"}, True),
        ("http://localhost:9001/keys", {"localhost:9000"}, False),
        ("https://localhost:9000/keys", {"localhost:9000"}, False),
    ],
)
async def test_metadata_may_name_an_http_jwks_uri_only_if_the_operator_allows_its_host(
    jwks_uri: str, allow_http: Any, accepted: bool
) -> None:
    """Otherwise an https issuer could fetch its keys without TLS."""
    documents = FakeDocuments({OAUTH: {**METADATA, "jwks_uri": jwks_uri}})
    freshness = Freshness(default=600.0, shortest=60.0, longest=86_400.0)
    clock = FakeClock()
    locate = Discovery(
        ISSUER, documents, freshness=freshness, patience=2.5, allow_http=allow_http, clock=clock
    )

    if accepted:
        assert await locate(rediscover=False) == jwks_uri
    else:
        with pytest.raises(FetchFailed, match="jwks_uri must"):
            await locate(rediscover=False)


async def test_the_error_says_that_metadata_is_a_template_for_many_tenants() -> None:
    """Microsoft Entra answers so for `common`."""
    template = "https://login.example/{tenantid}/v2.0"
    locate, _ = discovery({OAUTH: {**METADATA, "issuer": template}})

    with pytest.raises(FetchFailed, match="a template for many tenants: configure the issuer of"):
        await locate(rediscover=False)


TENANT = "https://login.example/11111111-2222-3333-4444-555555555555/organizations/v2.0"


@pytest.mark.conforms("metadata must name the issuer that was asked for")
@pytest.mark.parametrize(("configured", "served"), [(TENANT, TENANT + "/"), (TENANT + "/", TENANT)])
async def test_an_issuer_that_differs_in_its_final_slash_is_refused_and_both_are_shown(
    configured: str, served: str
) -> None:
    """They differ only behind the length at which log lines cut other values."""
    metadata_of_theirs = {"issuer": served, "jwks_uri": JWKS_URI}
    locate, _ = discovery({metadata_urls(configured)[0]: metadata_of_theirs}, configured)

    with pytest.raises(FetchFailed) as failed:
        await locate(rediscover=False)

    first = str(failed.value).split("; ")[0]
    assert first.endswith(
        f"issuer is '{served}', expected '{configured}' (only the final slash differs: configure"
        " the issuer as its metadata writes it) (no content-type)"
    )


async def test_a_very_long_issuer_in_metadata_is_cut_in_the_error() -> None:
    for endless in ("https://issuer.example/" + "a" * 100_000, ["a"] * 100_000):
        locate, _ = discovery({OAUTH: {**METADATA, "issuer": endless}})

        with pytest.raises(FetchFailed, match=r"expected 'https://issuer\.example/t1'") as failed:
            await locate(rediscover=False)

        assert len(str(failed.value)) < 1000


async def test_the_error_says_that_the_metadata_has_no_jwks_uri() -> None:
    locate, _ = discovery({OAUTH: {"issuer": ISSUER}})

    with pytest.raises(FetchFailed, match="jwks_uri must be a URL, but the metadata has none"):
        await locate(rediscover=False)


async def test_a_refused_jwks_uri_is_shown_without_its_secrets() -> None:
    jwks_uri = "http://me:s3cret@keys.example/jwks?key=s3cret"
    locate, _ = discovery({OAUTH: {**METADATA, "jwks_uri": jwks_uri}})

    with pytest.raises(FetchFailed, match=r"not 'http://keys\.example/jwks'") as failed:
        await locate(rediscover=False)

    assert "s3cret" not in str(failed.value)


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}])
async def test_metadata_may_begin_with_a_byte_order_mark(headers: dict[str, str]) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(METADATA).encode()
    locate, _ = discovery({OAUTH: Document(body, headers)})

    assert await locate(rediscover=False) == JWKS_URI


async def test_large_metadata_is_parsed_without_blocking_the_event_loop() -> None:
    locate, _ = discovery({OAUTH: b"[" + b"[]," * 150_000 + b"[]]"})
    locating = asyncio.create_task(locate(rediscover=False))
    rounds = 0
    while not locating.done():
        rounds += 1
        await asyncio.sleep(0)

    with pytest.raises(FetchFailed, match="the JSON is not an object"):
        await locating
    assert rounds > 10
