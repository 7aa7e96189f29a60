"""How the address of an issuer's keys is found."""

import asyncio
import json
import logging
from typing import Any

import pytest

from asgi_bearer.keys import Document, Fetch, FetchFailed
from asgi_bearer.keys.discovery import Discovery, metadata_urls
from asgi_bearer.keys.freshness import Freshness
from tests.support.fake_issuer import FakeClock, FakeDocuments
from tests.support.published_keys import GatedDocuments, settled

ISSUER = "https://issuer.example/t1"
OAUTH = "https://issuer.example/.well-known/oauth-authorization-server/t1"
OPENID_INSERTED = "https://issuer.example/.well-known/openid-configuration/t1"
OPENID_APPENDED = "https://issuer.example/t1/.well-known/openid-configuration"
JWKS_URI = "https://keys.example/t1"

METADATA = {"issuer": ISSUER, "jwks_uri": JWKS_URI}


def discovery(documents: dict[str, object], issuer: str = ISSUER) -> tuple[Discovery, list[str]]:
    served = FakeDocuments(documents)
    return looking(served, FakeClock(), issuer), served.asked


def looking(
    fetch: Fetch, clock: FakeClock, issuer: str = ISSUER, patience: float = 2.5
) -> Discovery:
    freshness = Freshness(default=600.0, shortest=60.0, longest=86_400.0)
    return Discovery(issuer, fetch, freshness=freshness, patience=patience, clock=clock)


@pytest.mark.conforms("metadata is looked for at the well-known addresses, in order")
@pytest.mark.parametrize(
    ("issuer", "addresses"),
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
def test_the_metadata_is_looked_for_in_these_places_in_order(
    issuer: str, addresses: tuple[str, ...]
) -> None:
    assert metadata_urls(issuer) == addresses


@pytest.mark.conforms("metadata is looked for at the well-known addresses, in order")
@pytest.mark.parametrize("place", [OAUTH, OPENID_INSERTED, OPENID_APPENDED])
async def test_the_metadata_is_found_in_each_of_the_places(place: str) -> None:
    locate, asked = discovery({place: METADATA})

    assert await locate(rediscover=False) == JWKS_URI
    assert asked[-1] == place


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
async def test_metadata_that_names_no_issuer_is_not_used() -> None:
    locate, _ = discovery({OAUTH: {"jwks_uri": JWKS_URI}})

    with pytest.raises(FetchFailed, match="issuer is None"):
        await locate(rediscover=False)


@pytest.mark.conforms("metadata must name the issuer that was asked for")
async def test_the_next_place_is_asked_if_one_has_another_issuers_metadata() -> None:
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
async def test_metadata_with_an_unsafe_address_of_keys_is_not_used(
    jwks_uri: object, words: str
) -> None:
    locate, _ = discovery({OAUTH: {**METADATA, "jwks_uri": jwks_uri}})

    with pytest.raises(FetchFailed, match=f"jwks_uri .*{words}") as failed:
        await locate(rediscover=False)

    assert "secret" not in str(failed.value)


async def test_an_issuer_on_this_machine_may_have_its_keys_there() -> None:
    issuer = "http://127.0.0.1:9000"
    place = f"{issuer}/.well-known/openid-configuration"
    locate, _ = discovery({place: {"issuer": issuer, "jwks_uri": f"{issuer}/jwks"}}, issuer)

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
async def test_a_document_that_is_no_metadata_is_passed_over(body: bytes) -> None:
    locate, _ = discovery({OAUTH: body, OPENID_INSERTED: METADATA})

    assert await locate(rediscover=False) == JWKS_URI


async def test_the_failure_names_each_place_and_what_was_wrong_with_it() -> None:
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
    ("by-default", {}, 600.0),
    ("as-it-says", {"cache-control": "max-age=900"}, 900.0),
    ("as-it-says-less-its-age", {"cache-control": "max-age=900", "age": "100"}, 800.0),
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
async def test_the_address_is_kept_while_its_metadata_is_fresh(
    headers: dict[str, str], seconds: float
) -> None:
    documents, clock = FakeDocuments({OAUTH: metadata(**headers)}), FakeClock()
    locate = looking(documents, clock)
    await locate(rediscover=False)
    documents.documents[OAUTH] = metadata(MOVED)

    clock.advance(seconds - 0.5)
    assert await locate(rediscover=False) == JWKS_URI
    assert documents.asked == [OAUTH]

    clock.advance(0.5)
    assert await locate(rediscover=False) == MOVED
    assert documents.asked == [OAUTH, OAUTH]


async def test_metadata_that_was_looked_at_again_is_fresh_by_what_it_says_then() -> None:
    documents, clock = FakeDocuments({OAUTH: metadata()}), FakeClock()
    locate = looking(documents, clock)
    await locate(rediscover=False)
    documents.documents[OAUTH] = metadata(cache_control="max-age=3000")

    for seconds in (600.0, 2999.0, 1.0):
        clock.advance(seconds)
        await locate(rediscover=False)

    assert documents.asked == [OAUTH, OAUTH, OAUTH]


async def test_a_doubted_address_is_looked_for_at_once() -> None:
    documents, clock = FakeDocuments({OAUTH: metadata()}), FakeClock()
    locate = looking(documents, clock)
    await locate(rediscover=False)
    documents.documents[OAUTH] = metadata(MOVED)

    assert await locate(rediscover=True) == MOVED
    assert await locate(rediscover=False) == MOVED
    assert documents.asked == [OAUTH, OAUTH]


@pytest.mark.conforms("metadata is looked for at the well-known addresses, in order")
async def test_metadata_that_has_moved_is_looked_for_in_all_places() -> None:
    locate, asked = discovery({OAUTH: metadata(), OPENID_APPENDED: metadata(MOVED)})
    await locate(rediscover=False)

    assert await locate(rediscover=True) == JWKS_URI
    assert asked == [OAUTH, OAUTH]


FAILURES: list[tuple[str, dict[str, object], str]] = [
    ("no-answer", {OAUTH: FetchFailed("no answer")}, "no answer"),
    ("not-there", {}, f"{OAUTH}: status 404 instead of 200"),
    ("nonsense", {OAUTH: b"<html>"}, f"{OAUTH}: the JSON does not parse"),
    ("another-issuer", {OAUTH: {**METADATA, "issuer": "https://evil.example"}}, "evil.example"),
    ("no-address-of-keys", {OAUTH: {"issuer": ISSUER}}, "jwks_uri must be a URL"),
    ("plain-http", {OAUTH: {**METADATA, "jwks_uri": "http://keys.example/"}}, "must be https"),
    ("this-machine", {OAUTH: {**METADATA, "jwks_uri": "https://[::1]/"}}, "this machine"),
]


@pytest.mark.conforms("a nonsense answer does not replace a good key set")
@pytest.mark.parametrize("rediscover", [False, True], ids=["over", "rediscover"])
@pytest.mark.parametrize(
    ("served", "words"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
async def test_the_address_of_before_stays_if_there_is_no_newer_one(
    served: dict[str, object], words: str, rediscover: bool, caplog: pytest.LogCaptureFixture
) -> None:
    documents, clock = FakeDocuments({OAUTH: METADATA}), FakeClock()
    locate = looking(documents, clock)
    await locate(rediscover=False)
    documents.documents = served
    clock.advance(600.0)

    assert await locate(rediscover=rediscover) == JWKS_URI

    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert caplog.messages[0].startswith("discovery failed; using the last known jwks_uri: ")
    assert words in caplog.messages[0]


@pytest.mark.parametrize("rediscover", [False, True])
async def test_after_a_failure_the_metadata_is_left_alone_for_the_shortest_lifetime(
    rediscover: bool,
) -> None:
    """The next attempt may need all its time for the keys."""
    documents, clock = FakeDocuments({OAUTH: METADATA}), FakeClock()
    locate = looking(documents, clock)
    await locate(rediscover=False)
    clock.advance(600.0)
    documents.documents[OAUTH] = FetchFailed("down")

    found: list[str] = []
    for seconds in (0.0, 59.0, 1.0):
        clock.advance(seconds)
        found.append(await locate(rediscover=rediscover))
        documents.documents[OAUTH] = metadata(MOVED)

    assert found == [JWKS_URI, JWKS_URI, MOVED]
    assert documents.asked == [OAUTH] * 3


async def test_what_is_wrong_with_the_metadata_is_remarked_on_until_it_is_in_order() -> None:
    documents, clock = FakeDocuments({OAUTH: METADATA}), FakeClock()
    locate = looking(documents, clock)
    warnings: list[str | None] = []
    for document in (METADATA, {**METADATA, "issuer": "https://evil.example"}, METADATA):
        documents.documents[OAUTH] = document
        await locate(rediscover=False)
        warnings.append(locate.warning)
        clock.advance(600.0)

    assert warnings[0] is warnings[2] is None
    assert "issuer is 'https://evil.example'" in str(warnings[1])


@pytest.mark.conforms("fetches are bounded in size and time")
async def test_metadata_that_does_not_come_in_time_leaves_the_address_of_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The keys are still to be fetched in what is left of the time."""
    documents, clock = GatedDocuments({OAUTH: METADATA}), FakeClock()
    locate = looking(documents, clock, patience=0.01)
    await locate(rediscover=False)
    documents.close()
    clock.advance(600.0)

    assert await asyncio.wait_for(locate(rediscover=False), 60.0) == JWKS_URI
    assert caplog.messages == [
        "discovery failed; using the last known jwks_uri: the metadata did not arrive in time"
    ]


@pytest.mark.conforms("fetches are bounded in size and time")
async def test_the_first_metadata_has_all_the_time_of_the_attempt() -> None:
    """Without an address there is nothing to save time for."""
    documents = GatedDocuments({OAUTH: METADATA})
    documents.close()
    first = asyncio.create_task(looking(documents, FakeClock(), patience=0.0)(rediscover=False))
    await settled()
    assert not first.done()

    documents.open()

    assert await first == JWKS_URI


@pytest.mark.conforms("fetches are bounded in size and time")
async def test_an_attempt_that_ends_while_it_looks_again_is_not_answered_with_the_old_address() -> (
    None
):
    documents, clock = GatedDocuments({OAUTH: METADATA}), FakeClock()
    locate = looking(documents, clock)
    await locate(rediscover=False)
    documents.close()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await locate(rediscover=True)


async def test_an_unchanged_document_that_nobody_has_is_no_metadata() -> None:
    locate, _ = discovery({OAUTH: Document(None), OPENID_INSERTED: METADATA})

    assert await locate(rediscover=False) == JWKS_URI


async def test_the_place_that_had_the_metadata_is_asked_first_the_next_time() -> None:
    """Looking again has less time: three slow places would never fit into it."""
    locate, asked = discovery({OPENID_APPENDED: METADATA})
    await locate(rediscover=False)
    del asked[:]

    await locate(rediscover=True)

    assert asked == [OPENID_APPENDED]


@pytest.mark.parametrize(
    ("jwks_uri", "allow_http", "taken"),
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
async def test_metadata_may_lead_to_http_only_where_the_operator_allows_it(
    jwks_uri: str, allow_http: Any, taken: bool
) -> None:
    """An https issuer cannot take the TLS away from its keys."""
    documents = FakeDocuments({OAUTH: {**METADATA, "jwks_uri": jwks_uri}})
    freshness = Freshness(default=600.0, shortest=60.0, longest=86_400.0)
    clock = FakeClock()
    locate = Discovery(
        ISSUER, documents, freshness=freshness, patience=2.5, allow_http=allow_http, clock=clock
    )

    if taken:
        assert await locate(rediscover=False) == jwks_uri
    else:
        with pytest.raises(FetchFailed, match="jwks_uri must"):
            await locate(rediscover=False)


async def test_metadata_that_is_a_template_is_called_that() -> None:
    """As Microsoft Entra answers for `common`."""
    template = "https://login.example/{tenantid}/v2.0"
    locate, _ = discovery({OAUTH: {**METADATA, "issuer": template}})

    with pytest.raises(FetchFailed, match="a template for many tenants: configure the issuer of"):
        await locate(rediscover=False)


TENANT = "https://login.example/11111111-2222-3333-4444-555555555555/organizations/v2.0"


@pytest.mark.conforms("metadata must name the issuer that was asked for")
@pytest.mark.parametrize(("ours", "theirs"), [(TENANT, TENANT + "/"), (TENANT + "/", TENANT)])
async def test_a_final_slash_refuses_and_the_fault_shows_both_issuers_whole(
    ours: str, theirs: str
) -> None:
    """They differ behind what a log line shows of other values."""
    metadata_of_theirs = {"issuer": theirs, "jwks_uri": JWKS_URI}
    locate, _ = discovery({metadata_urls(ours)[0]: metadata_of_theirs}, ours)

    with pytest.raises(FetchFailed) as failed:
        await locate(rediscover=False)

    first = str(failed.value).split("; ")[0]
    assert first.endswith(
        f"issuer is '{theirs}', expected '{ours}' (only the final slash differs: configure the"
        " issuer as its metadata writes it) (no content-type)"
    )


async def test_an_endless_issuer_in_metadata_is_cut() -> None:
    for endless in ("https://issuer.example/" + "a" * 100_000, ["a"] * 100_000):
        locate, _ = discovery({OAUTH: {**METADATA, "issuer": endless}})

        with pytest.raises(FetchFailed, match=r"expected 'https://issuer\.example/t1'") as failed:
            await locate(rediscover=False)

        assert len(str(failed.value)) < 1000


async def test_metadata_without_the_address_of_keys_is_called_that() -> None:
    locate, _ = discovery({OAUTH: {"issuer": ISSUER}})

    with pytest.raises(FetchFailed, match="jwks_uri must be a URL, but the metadata has none"):
        await locate(rediscover=False)


async def test_an_address_of_keys_that_is_not_used_is_shown_without_its_secrets() -> None:
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


async def test_half_a_megabyte_of_metadata_is_read_where_nobody_waits_for_it() -> None:
    """The event loop goes round meanwhile."""
    locate, _ = discovery({OAUTH: b"[" + b"[]," * 150_000 + b"[]]"})
    looking_for_it = asyncio.create_task(locate(rediscover=False))
    rounds = 0
    while not looking_for_it.done():
        rounds += 1
        await asyncio.sleep(0)

    with pytest.raises(FetchFailed, match="the JSON is not an object"):
        await looking_for_it
    assert rounds > 10
