"""How the address of an issuer's keys is found."""

from typing import Any

import pytest

from asgi_bearer.keys import FetchFailed
from asgi_bearer.keys.discovery import Discovery, metadata_addresses
from asgi_bearer.keys.freshness import Freshness
from tests.fake_issuer import FakeClock, FakeDocuments

ISSUER = "https://issuer.example/t1"
OAUTH = "https://issuer.example/.well-known/oauth-authorization-server/t1"
OPENID_INSERTED = "https://issuer.example/.well-known/openid-configuration/t1"
OPENID_APPENDED = "https://issuer.example/t1/.well-known/openid-configuration"
JWKS_URI = "https://keys.example/t1"

METADATA = {"issuer": ISSUER, "jwks_uri": JWKS_URI}


def discovery(documents: dict[str, object], issuer: str = ISSUER) -> tuple[Discovery, list[str]]:
    served = FakeDocuments(documents)
    locate = Discovery(
        issuer,
        served,
        freshness=Freshness(default=600.0, shortest=60.0, longest=86_400.0),
        patience=2.5,
        clock=FakeClock(),
    )
    return locate, served.asked


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
    """Row 81."""
    assert metadata_addresses(issuer) == addresses


@pytest.mark.parametrize("place", [OAUTH, OPENID_INSERTED, OPENID_APPENDED])
async def test_the_metadata_is_found_in_each_of_the_places(place: str) -> None:
    """Row 81."""
    locate, asked = discovery({place: METADATA})

    assert await locate(doubted=False) == JWKS_URI
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


@pytest.mark.parametrize("claimed", NOT_THE_ISSUER, ids=repr)
async def test_metadata_of_another_issuer_is_not_used(claimed: object) -> None:
    """Row 80."""
    document = {"issuer": claimed, "jwks_uri": JWKS_URI}
    locate, _ = discovery(dict.fromkeys((OAUTH, OPENID_INSERTED, OPENID_APPENDED), document))

    with pytest.raises(FetchFailed, match=r"issuer is .*expected 'https://issuer.example/t1'"):
        await locate(doubted=False)


async def test_metadata_that_names_no_issuer_is_not_used() -> None:
    """Row 80."""
    locate, _ = discovery({OAUTH: {"jwks_uri": JWKS_URI}})

    with pytest.raises(FetchFailed, match="issuer is None"):
        await locate(doubted=False)


async def test_the_next_place_is_asked_if_one_has_another_issuers_metadata() -> None:
    """Row 80. A host may serve several issuers, one of them at its root."""
    locate, _ = discovery(
        {OAUTH: {**METADATA, "issuer": "https://issuer.example"}, OPENID_APPENDED: METADATA}
    )

    assert await locate(doubted=False) == JWKS_URI


JWKS_URI_FAULTS: list[tuple[str, Any, str]] = [
    ("missing", None, "must be a URL"),
    ("number", 5, "must be a URL"),
    ("plain-http", "http://keys.example/", "must be https"),
    ("file", "file:///etc/passwd", "absolute"),
    ("credentials", "https://user:secret@keys.example/", "must not hold a user name"),
    ("this-machine", "http://127.0.0.1:8500/v1/kv", "must not point to this machine"),
    ("this-machine-by-https", "https://localhost/", "must not point to this machine"),
]


@pytest.mark.parametrize(
    ("jwks_uri", "words"), [row[1:] for row in JWKS_URI_FAULTS], ids=[r[0] for r in JWKS_URI_FAULTS]
)
async def test_metadata_with_an_unsafe_address_of_keys_is_not_used(
    jwks_uri: object, words: str
) -> None:
    """Row 82."""
    locate, _ = discovery({OAUTH: {**METADATA, "jwks_uri": jwks_uri}})

    with pytest.raises(FetchFailed, match=f"jwks_uri .*{words}") as failed:
        await locate(doubted=False)

    assert "secret" not in str(failed.value)


async def test_an_issuer_on_this_machine_may_have_its_keys_there() -> None:
    issuer = "http://127.0.0.1:9000"
    place = f"{issuer}/.well-known/openid-configuration"
    locate, _ = discovery({place: {"issuer": issuer, "jwks_uri": f"{issuer}/jwks"}}, issuer)

    assert await locate(doubted=False) == f"{issuer}/jwks"


NOT_METADATA = [b"", b"<html>", b"[]", b"null", b"\xff", b'{"issuer":"a","issuer":"b"}', b"[" * 99]


@pytest.mark.parametrize("body", NOT_METADATA, ids=repr)
async def test_a_document_that_is_no_metadata_is_passed_over(body: bytes) -> None:
    locate, _ = discovery({OAUTH: body, OPENID_INSERTED: METADATA})

    assert await locate(doubted=False) == JWKS_URI


async def test_the_failure_names_each_place_and_what_was_wrong_with_it() -> None:
    locate, _ = discovery({OPENID_INSERTED: b"<html>"})

    with pytest.raises(FetchFailed) as failed:
        await locate(doubted=False)

    reasons = str(failed.value).split("; ")
    assert reasons[0] == f"{OAUTH}: status 404 instead of 200"
    assert reasons[1] == f"{OPENID_INSERTED}: the JSON does not parse"
    assert reasons[2] == f"{OPENID_APPENDED}: status 404 instead of 200"


async def test_a_host_that_does_not_answer_is_asked_once() -> None:
    locate, asked = discovery({OAUTH: FetchFailed("no answer")})

    with pytest.raises(FetchFailed, match="no answer"):
        await locate(doubted=False)

    assert asked == [OAUTH]
