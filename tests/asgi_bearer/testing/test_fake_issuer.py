"""`FakeIssuer`: its documents, its tokens, its clock, and verifiers that fetch in process."""

import time
from typing import Any

import httpx
import httpx2
import pytest

from asgi_bearer import (
    AccessTokenError,
    JWTVerifier,
    Presented,
    Principal,
    TokenExpired,
    remote_keys,
)
from asgi_bearer.keys import NotServed
from asgi_bearer.testing import AUDIENCE, ISSUER, FakeClock, FakeIssuer, signing_key
from asgi_bearer.testing.app import InProcess
from tests.support.asgi import converse
from tests.support.lifespan import running


async def verified(verifier: JWTVerifier, token: str) -> Principal:
    return await verifier.verify(Presented(token))


async def document(issuer: FakeIssuer, path: str) -> Any:
    transport = httpx.ASGITransport(app=issuer.app)
    async with httpx.AsyncClient(transport=transport, base_url="https://issuer.example") as http:
        response = await http.get(path)
    assert response.headers["content-type"] == "application/json"
    return response.raise_for_status().json()


@pytest.mark.parametrize(
    ("identifier", "paths"),
    [
        (
            "https://issuer.example/",
            ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
        ),
        (
            "https://keycloak.example/realms/a",
            (
                "/realms/a/.well-known/openid-configuration",
                "/.well-known/oauth-authorization-server/realms/a",
            ),
        ),
    ],
)
async def test_the_metadata_names_the_issuer_and_its_key_set(
    identifier: str, paths: tuple[str, ...]
) -> None:
    issuer = FakeIssuer(identifier)

    for path in paths:
        metadata = await document(issuer, path)
        assert metadata["issuer"] == identifier
        assert metadata["jwks_uri"] == issuer.jwks_uri == identifier.rstrip("/") + "/jwks"
    assert await document(issuer, issuer.jwks_uri) == issuer.jwks()
    assert issuer.requested[: len(paths)] == list(paths)


async def test_the_documents_are_served_to_httpx2_too() -> None:
    issuer = FakeIssuer()
    transport = httpx2.ASGITransport(app=issuer.app)

    async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as http:
        assert (await http.get("/jwks")).json() == issuer.jwks()
        assert (await http.get("/elsewhere")).status_code == 404
        assert (await http.post("/jwks")).status_code == 405


async def test_the_app_takes_part_in_the_lifespan_of_a_server() -> None:
    async with running(FakeIssuer().app):
        pass


async def test_the_app_answers_a_plain_asgi_server() -> None:
    issuer = FakeIssuer()

    sent = await converse(issuer.app, {"type": "http", "method": "GET", "path": "/jwks"})

    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS384", "EdDSA"])
async def test_its_verifier_accepts_its_tokens_and_fetches_the_keys_once(alg: str) -> None:
    issuer = FakeIssuer(key=signing_key(alg))
    verifier = issuer.verifier(profile="rfc9068")

    for _ in range(3):
        principal = await verified(verifier, issuer.token(scope="a b", sub="bob", tenant="acme"))
        assert principal.subject == "bob"
        assert principal.scopes == {"a", "b"}
        assert principal.claims["tenant"] == "acme"

    assert issuer.requested == ["/.well-known/oauth-authorization-server", "/jwks"]


@pytest.mark.parametrize(
    "identifier",
    [
        "https://keycloak.example/realms/a",
        "https://tenant.example:8443",
        "http://keycloak:8080/realms/a",
        "kubernetes/serviceaccount",
    ],
)
async def test_any_identifier_will_do(identifier: str) -> None:
    issuer = FakeIssuer(identifier, "orders")

    principal = await verified(issuer.verifier(), issuer.token())

    assert principal.issuer == identifier


async def test_only_documents_of_the_issuer_are_fetched_in_process() -> None:
    fetch = InProcess(FakeIssuer(), "https://issuer.example")

    for url in ("https://other.example/jwks", "http://issuer.example/jwks"):
        with pytest.raises(NotServed, match="only the FakeIssuer at"):
            await fetch(url)


async def test_a_claim_that_is_none_is_left_out() -> None:
    issuer = FakeIssuer()

    assert "scope" not in issuer.claims(scope=None)
    assert "jti" not in issuer.claims(jti=None)
    assert issuer.claims(scope=["a"])["scope"] == ["a"]


async def test_its_clock_stands_still_at_the_present_time_until_a_test_advances_it() -> None:
    before = int(time.time())
    issuer = FakeIssuer()
    verifier, token = issuer.verifier(), issuer.token()

    assert before <= issuer.clock() <= time.time()
    assert issuer.clock() == issuer.clock()
    await verified(verifier, token)
    # A process with a clock of its own accepts the token, too.
    await verified(issuer.verifier(clock=time.time), token)
    issuer.clock.advance(700)
    with pytest.raises(TokenExpired):
        await verified(verifier, token)


def test_a_clock_that_runs_can_be_advanced_as_well() -> None:
    source = FakeClock(100.0)
    issuer = FakeIssuer(clock=source.__call__)

    issuer.clock.advance(5)
    source.advance(2)

    assert issuer.clock() == 107.0
    assert FakeIssuer(clock=source).clock is source


async def test_arguments_replace_those_of_its_verifier() -> None:
    issuer = FakeIssuer()
    keys = remote_keys(jwks_uri=issuer.jwks_uri, fetch=InProcess(issuer, ISSUER.rstrip("/")))

    principal = await verified(
        issuer.verifier(keys=keys, audience={AUDIENCE, "another"}), issuer.token(aud="another")
    )

    assert principal.subject == "alice"
    assert issuer.requested == ["/jwks"]


async def test_its_guard_stands_in_front_of_an_application() -> None:
    issuer = FakeIssuer()
    transport = httpx.ASGITransport(app=issuer.guard(scopes={"read:contacts"}))

    async with httpx.AsyncClient(transport=transport, base_url="https://api.example") as http:
        for scope, status in (("read:contacts", 200), ("other", 403)):
            headers = {"authorization": f"Bearer {issuer.token(scope=scope)}"}
            assert (await http.get("/", headers=headers)).status_code == status


async def test_a_guard_may_have_another_verifier_and_a_token_another_header() -> None:
    issuer = FakeIssuer()
    guarded = issuer.guard(verifier=issuer.verifier(profile="rfc9068"))

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=guarded), base_url="https://api.example"
    ) as http:
        for typ, status in (("at+jwt", 200), ("JWT", 401)):
            headers = {"authorization": f"Bearer {issuer.token_with_header(typ=typ)}"}
            assert (await http.get("/", headers=headers)).status_code == status


def test_an_unknown_shape_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"shape must be one of rfc9068, .*, not 'keykloak'"):
        FakeIssuer(shape="keykloak")


async def test_it_starts_in_fifty_milliseconds() -> None:
    """An issuer, its first token and the first verification, with a new key."""
    issuer = FakeIssuer(key=signing_key("ES256", number=51))
    token = issuer.token()
    await verified(issuer.verifier(), token)

    began = time.process_time()
    another = FakeIssuer(key=signing_key("ES256", number=52))
    principal = await verified(another.verifier(), another.token())
    taken = time.process_time() - began

    assert principal.subject == "alice"
    assert taken <= 0.05


def test_a_key_does_not_show_its_private_part() -> None:
    key = signing_key("ES256", "k9")

    assert repr(key) == "SigningKey(kid='k9', alg='ES256')"


async def test_tokens_of_two_issuers_are_not_mixed_up() -> None:
    one, other = FakeIssuer(), FakeIssuer("https://other.example/")

    with pytest.raises(AccessTokenError, match="issuer_mismatch"):
        await verified(one.verifier(), other.token())
