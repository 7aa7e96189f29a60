"""openid-client signs in at our authorization server, over HTTP."""

from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from pathlib import Path
from time import time
from urllib.parse import urlencode

import jwt
import pytest

from demo.authorization_server.registrations.model import Client
from tests.interop.our_server import AUDIENCE, CONFIDENTIAL, PUBLIC, OurServer, our_server
from tests.interop.relying_party import Refused, RelyingParty
from tests.interop.sign_in_with_ours import SCOPE, SignIn
from tests.support.authorization_server.example_registrations import (
    CONTACTS_API,
    POST_LOGOUT_REDIRECT_URI,
    REDIRECT_URI,
    TEAM_CLAIM,
)
from tests.support.user_agent import UserAgent

METHODS = [
    pytest.param(CONFIDENTIAL, "client_secret_basic", id="client_secret_basic"),
    pytest.param(CONFIDENTIAL, "client_secret_post", id="client_secret_post"),
    pytest.param(PUBLIC, "none", id="none"),
]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[OurServer]:
    async with our_server(tmp_path) as server:
        yield server


@pytest.fixture(scope="session")
def relying_party(packages: None) -> Generator[RelyingParty]:
    """One process for all tests; each test begins with `discover`."""
    with RelyingParty() as relying_party:
        yield relying_party


@pytest.fixture
async def sign_in(relying_party: RelyingParty, server: OurServer) -> AsyncGenerator[SignIn]:
    async with UserAgent({server.origin: None}) as browser:
        yield SignIn(relying_party, browser, server)


@pytest.mark.parametrize("algorithm", ["oidc", "oauth2"])
async def test_the_metadata_is_valid_for_oidc_and_oauth2(sign_in: SignIn, algorithm: str) -> None:
    metadata = await sign_in.discover(algorithm=algorithm)

    assert metadata["issuer"] == sign_in.server.issuer
    assert metadata["authorization_endpoint"] == f"{sign_in.server.issuer}authorize"


@pytest.mark.parametrize(("client", "method"), METHODS)
@pytest.mark.parametrize("response_type", ["code", "code id_token"])
async def test_openid_client_accepts_a_sign_in(
    sign_in: SignIn, client: Client, method: str, response_type: str
) -> None:
    await sign_in.discover(client, method=method, hybrid=response_type == "code id_token")

    result = await sign_in.finish(await sign_in.authorize())

    assert result["claims"]["sub"] == "alice"
    assert result["claims"]["aud"] == client.client_id
    assert result["claims"][TEAM_CLAIM] == "red"
    assert set(result["tokens"]) >= {"access_token", "refresh_token", "id_token", "expires_in"}


async def test_openid_client_accepts_a_sign_in_by_form_post(sign_in: SignIn) -> None:
    await sign_in.discover()
    response = await sign_in.authorize(response_mode="form_post")
    form = response.page.form(REDIRECT_URI)

    result = await sign_in.relying_party.ask(
        "formCallback", url=form.action, body=form.fields, checks=response.checks
    )

    assert result["claims"]["sub"] == "alice"


async def test_openid_client_accepts_a_recent_sign_in_with_max_age(sign_in: SignIn) -> None:
    await sign_in.discover()
    response = await sign_in.authorize(max_age="60")

    result = await sign_in.finish(replace(response, checks={**response.checks, "maxAge": 60}))

    assert time() - 60 < result["claims"]["auth_time"] <= time()


async def test_openid_client_accepts_a_sign_in_after_a_key_rotation(sign_in: SignIn) -> None:
    await sign_in.discover()
    before = await sign_in.authorize()
    await sign_in.server.keys.rotate(now=time(), keep_seconds=60)

    result = await sign_in.finish(before)

    kids = [
        jwt.get_unverified_header(token)["kid"]
        for token in (before.page.fragment["id_token"], result["tokens"]["id_token"])
    ]
    assert len(set(kids)) == 2


async def test_openid_client_receives_access_denied_if_the_person_denies(sign_in: SignIn) -> None:
    await sign_in.discover()
    response = await sign_in.authorize(decision="deny")

    with pytest.raises(Refused) as refused:
        await sign_in.finish(response)

    assert refused.value.code == "OAUTH_AUTHORIZATION_RESPONSE_ERROR"
    assert refused.value.error == "access_denied"


@pytest.mark.parametrize("changed", ["expectedState", "expectedNonce"])
async def test_openid_client_refuses_a_response_to_another_request(
    sign_in: SignIn, changed: str
) -> None:
    await sign_in.discover()
    response = await sign_in.authorize()

    with pytest.raises(Refused) as refused:
        await sign_in.finish(replace(response, checks={**response.checks, changed: "another"}))

    assert refused.value.code in {"OAUTH_INVALID_RESPONSE", "OAUTH_JWT_CLAIM_COMPARISON_FAILED"}


@pytest.mark.parametrize(
    ("part", "code"),
    [
        pytest.param("code", "OAUTH_JWT_CLAIM_COMPARISON_FAILED", id="c_hash"),
        pytest.param("iss", "OAUTH_INVALID_RESPONSE", id="iss"),
    ],
)
async def test_openid_client_refuses_a_response_that_was_combined_from_two(
    sign_in: SignIn, part: str, code: str
) -> None:
    await sign_in.discover()
    response = await sign_in.authorize()
    forged = urlencode({**response.page.fragment, part: "http://another.example/"})

    with pytest.raises(Refused) as refused:
        await sign_in.finish(
            replace(response, page=replace(response.page, url=f"{REDIRECT_URI}#{forged}"))
        )

    assert refused.value.code == code


async def test_a_wrong_code_verifier_is_refused(sign_in: SignIn) -> None:
    await sign_in.discover()
    response = await sign_in.authorize()

    with pytest.raises(Refused) as refused:
        await sign_in.finish(
            replace(response, checks={**response.checks, "pkceCodeVerifier": "another" * 7})
        )

    assert refused.value.error == "invalid_grant"


async def test_a_wrong_client_secret_is_refused(sign_in: SignIn) -> None:
    await sign_in.discover(replace(CONFIDENTIAL, client_secret="another"))
    response = await sign_in.authorize()

    with pytest.raises(Refused) as refused:
        await sign_in.finish(response)

    # openid-client reports only the challenge.
    assert refused.value.code == "OAUTH_WWW_AUTHENTICATE_CHALLENGE"


async def test_a_replayed_code_is_refused_and_revokes_its_tokens(sign_in: SignIn) -> None:
    await sign_in.discover()
    response = await sign_in.authorize()
    tokens = (await sign_in.finish(response))["tokens"]

    with pytest.raises(Refused) as refused:
        await sign_in.finish(response)

    assert refused.value.error == "invalid_grant"
    introspected = await sign_in.relying_party.ask("introspect", token=tokens["access_token"])
    assert introspected == {"active": False}


async def test_a_refresh_token_is_exchanged_for_new_tokens(sign_in: SignIn) -> None:
    await sign_in.discover()
    tokens = await sign_in.tokens()

    result = await sign_in.relying_party.ask("refresh", token=tokens["refresh_token"])

    assert result["claims"]["sub"] == "alice"
    assert result["tokens"]["access_token"] != tokens["access_token"]
    assert result["tokens"]["refresh_token"] != tokens["refresh_token"]


async def test_a_used_refresh_token_is_refused(sign_in: SignIn) -> None:
    await sign_in.discover()
    tokens = await sign_in.tokens()
    await sign_in.relying_party.ask("refresh", token=tokens["refresh_token"])

    with pytest.raises(Refused) as refused:
        await sign_in.relying_party.ask("refresh", token=tokens["refresh_token"])

    assert refused.value.error == "invalid_grant"


async def test_no_refresh_token_is_issued_without_offline_access(sign_in: SignIn) -> None:
    await sign_in.discover()

    tokens = await sign_in.tokens(scope=SCOPE.replace("offline_access ", ""))

    assert "refresh_token" not in tokens


async def test_userinfo_returns_the_claims_of_the_user(sign_in: SignIn) -> None:
    await sign_in.discover()
    tokens = await sign_in.tokens()

    claims = await sign_in.relying_party.ask(
        "userInfo", token=tokens["access_token"], subject="alice"
    )

    assert claims == {"sub": "alice", "name": "Alice Archer", TEAM_CLAIM: "red"}


@pytest.mark.parametrize("client", [CONFIDENTIAL, CONTACTS_API], ids=["the client", "the API"])
async def test_a_client_and_an_api_can_introspect_a_token(sign_in: SignIn, client: Client) -> None:
    await sign_in.discover()
    tokens = await sign_in.tokens()
    await sign_in.discover(client)

    introspected = await sign_in.relying_party.ask("introspect", token=tokens["access_token"])

    assert introspected["active"] is True
    assert introspected["sub"] == "alice"
    assert introspected["client_id"] == CONFIDENTIAL.client_id
    assert "read:contacts" in introspected["scope"].split()


async def test_revoking_a_refresh_token_revokes_its_access_token(sign_in: SignIn) -> None:
    await sign_in.discover()
    tokens = await sign_in.tokens()

    await sign_in.relying_party.ask("revoke", token=tokens["refresh_token"])

    introspected = await sign_in.relying_party.ask("introspect", token=tokens["access_token"])
    assert introspected == {"active": False}


async def test_a_client_gets_a_token_with_client_credentials(sign_in: SignIn) -> None:
    await sign_in.discover()

    tokens = await sign_in.relying_party.ask(
        "clientCredentials", parameters={"audience": AUDIENCE, "scope": "read:contacts"}
    )

    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["sub"] == f"{CONFIDENTIAL.client_id}@clients"


async def test_signing_out_leads_back_to_the_client(sign_in: SignIn) -> None:
    await sign_in.discover()
    tokens = await sign_in.tokens()
    url = await sign_in.relying_party.ask(
        "signOutUrl",
        parameters={
            "id_token_hint": tokens["id_token"],
            "post_logout_redirect_uri": POST_LOGOUT_REDIRECT_URI,
            "state": "state",
        },
    )

    page = await sign_in.browser.get(url)

    assert page.url == f"{POST_LOGOUT_REDIRECT_URI}?state=state"
