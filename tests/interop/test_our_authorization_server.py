"""Our authorization server under openid-client, over real HTTP."""

from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from pathlib import Path
from time import time
from urllib.parse import urlencode

import jwt
import pytest

from demo.authorization_server.keys.signing_key import SigningKey
from demo.authorization_server.registrations.model import Client
from tests.interop.our_server import (
    AUDIENCE,
    CONFIDENTIAL,
    CONTACTS_API,
    PUBLIC,
    REDIRECT_URI,
    SIGNED_OUT_URI,
    TEAM_CLAIM,
    OurServer,
    our_server,
)
from tests.interop.relying_party import Refused, RelyingParty
from tests.interop.sign_in_with_ours import SCOPE, SignIn
from tests.support.user_agent import UserAgent

METHODS = [
    pytest.param(CONFIDENTIAL, "client_secret_basic", id="client_secret_basic"),
    pytest.param(CONFIDENTIAL, "client_secret_post", id="client_secret_post"),
    pytest.param(PUBLIC, "none", id="none"),
]


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    """The first key of every server here; making one takes a while."""
    return SigningKey.generated()


@pytest.fixture
async def server(tmp_path: Path, signing_key: SigningKey) -> AsyncGenerator[OurServer]:
    async with our_server(tmp_path, signing_key) as server:
        yield server


@pytest.fixture(scope="session")
def relying_party(packages: None) -> Generator[RelyingParty]:
    """One process for all tests; each begins with `discover`."""
    with RelyingParty() as relying_party:
        yield relying_party


@pytest.fixture
async def sign_in(relying_party: RelyingParty, server: OurServer) -> AsyncGenerator[SignIn]:
    async with UserAgent({server.origin: None}) as browser:
        yield SignIn(relying_party, browser, server)


@pytest.mark.parametrize("algorithm", ["oidc", "oauth2"])
async def test_the_metadata_are_understood_by_both_specifications(
    sign_in: SignIn, algorithm: str
) -> None:
    metadata = await sign_in.discover(algorithm=algorithm)

    assert metadata["issuer"] == sign_in.server.issuer
    assert metadata["authorization_endpoint"] == f"{sign_in.server.issuer}authorize"


@pytest.mark.parametrize(("client", "method"), METHODS)
@pytest.mark.parametrize("response_type", ["code", "code id_token"])
async def test_a_sign_in_is_accepted(
    sign_in: SignIn, client: Client, method: str, response_type: str
) -> None:
    await sign_in.discover(client, method=method, hybrid=response_type == "code id_token")

    result = await sign_in.finish(await sign_in.authorize())

    assert result["claims"]["sub"] == "alice"
    assert result["claims"]["aud"] == client.client_id
    assert result["claims"][TEAM_CLAIM] == "red"
    assert set(result["tokens"]) >= {"access_token", "refresh_token", "id_token", "expires_in"}


async def test_a_sign_in_by_form_post_is_accepted(sign_in: SignIn) -> None:
    await sign_in.discover()
    answer = await sign_in.authorize(response_mode="form_post")
    form = answer.page.form(REDIRECT_URI)

    result = await sign_in.relying_party.ask(
        "formCallback", url=form.action, body=form.fields, checks=answer.checks
    )

    assert result["claims"]["sub"] == "alice"


async def test_a_recent_sign_in_is_accepted_where_its_age_matters(sign_in: SignIn) -> None:
    await sign_in.discover()
    answer = await sign_in.authorize(max_age="60")

    result = await sign_in.finish(replace(answer, checks={**answer.checks, "maxAge": 60}))

    assert time() - 60 < result["claims"]["auth_time"] <= time()


async def test_a_sign_in_is_accepted_after_a_key_rotation(sign_in: SignIn) -> None:
    await sign_in.discover()
    before = await sign_in.authorize()
    await sign_in.server.keys.rotate(now=time(), keep_seconds=60)

    result = await sign_in.finish(before)

    kids = [
        jwt.get_unverified_header(token)["kid"]
        for token in (before.page.fragment["id_token"], result["tokens"]["id_token"])
    ]
    assert len(set(kids)) == 2


async def test_a_denial_is_understood(sign_in: SignIn) -> None:
    await sign_in.discover()
    answer = await sign_in.authorize(decision="deny")

    with pytest.raises(Refused) as refused:
        await sign_in.finish(answer)

    assert refused.value.code == "OAUTH_AUTHORIZATION_RESPONSE_ERROR"
    assert refused.value.error == "access_denied"


@pytest.mark.parametrize("changed", ["expectedState", "expectedNonce"])
async def test_an_answer_to_another_request_is_refused(sign_in: SignIn, changed: str) -> None:
    await sign_in.discover()
    answer = await sign_in.authorize()

    with pytest.raises(Refused) as refused:
        await sign_in.finish(replace(answer, checks={**answer.checks, changed: "another"}))

    assert refused.value.code in {"OAUTH_INVALID_RESPONSE", "OAUTH_JWT_CLAIM_COMPARISON_FAILED"}


@pytest.mark.parametrize(
    ("part", "code"),
    [
        pytest.param("code", "OAUTH_JWT_CLAIM_COMPARISON_FAILED", id="c_hash"),
        pytest.param("iss", "OAUTH_INVALID_RESPONSE", id="iss"),
    ],
)
async def test_an_answer_put_together_from_two_is_refused(
    sign_in: SignIn, part: str, code: str
) -> None:
    await sign_in.discover()
    answer = await sign_in.authorize()
    forged = urlencode({**answer.page.fragment, part: "http://another.example/"})

    with pytest.raises(Refused) as refused:
        await sign_in.finish(
            replace(answer, page=replace(answer.page, url=f"{REDIRECT_URI}#{forged}"))
        )

    assert refused.value.code == code


async def test_a_wrong_verifier_is_refused(sign_in: SignIn) -> None:
    await sign_in.discover()
    answer = await sign_in.authorize()

    with pytest.raises(Refused) as refused:
        await sign_in.finish(
            replace(answer, checks={**answer.checks, "pkceCodeVerifier": "another" * 7})
        )

    assert refused.value.error == "invalid_grant"


async def test_a_wrong_secret_is_refused(sign_in: SignIn) -> None:
    await sign_in.discover(replace(CONFIDENTIAL, client_secret="another"))
    answer = await sign_in.authorize()

    with pytest.raises(Refused) as refused:
        await sign_in.finish(answer)

    # The relying party looks no further than at the challenge.
    assert refused.value.code == "OAUTH_WWW_AUTHENTICATE_CHALLENGE"


async def test_a_code_brings_tokens_once_and_its_replay_ends_them(sign_in: SignIn) -> None:
    await sign_in.discover()
    answer = await sign_in.authorize()
    tokens = (await sign_in.finish(answer))["tokens"]

    with pytest.raises(Refused) as refused:
        await sign_in.finish(answer)

    assert refused.value.error == "invalid_grant"
    introspected = await sign_in.relying_party.ask("introspect", token=tokens["access_token"])
    assert introspected == {"active": False}


async def test_a_refresh_token_brings_new_tokens(sign_in: SignIn) -> None:
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


async def test_there_is_no_refresh_token_without_offline_access(sign_in: SignIn) -> None:
    await sign_in.discover()

    tokens = await sign_in.tokens(scope=SCOPE.replace("offline_access ", ""))

    assert "refresh_token" not in tokens


async def test_the_user_info_are_those_of_the_user(sign_in: SignIn) -> None:
    await sign_in.discover()
    tokens = await sign_in.tokens()

    claims = await sign_in.relying_party.ask(
        "userInfo", token=tokens["access_token"], subject="alice"
    )

    assert claims == {"sub": "alice", "name": "Alice Archer", TEAM_CLAIM: "red"}


@pytest.mark.parametrize("client", [CONFIDENTIAL, CONTACTS_API], ids=["the client", "the API"])
async def test_a_token_is_introspected_by(sign_in: SignIn, client: Client) -> None:
    await sign_in.discover()
    tokens = await sign_in.tokens()
    await sign_in.discover(client)

    introspected = await sign_in.relying_party.ask("introspect", token=tokens["access_token"])

    assert introspected["active"] is True
    assert introspected["sub"] == "alice"
    assert introspected["client_id"] == CONFIDENTIAL.client_id
    assert "read:contacts" in introspected["scope"].split()


async def test_a_revoked_refresh_token_takes_the_access_token_along(sign_in: SignIn) -> None:
    await sign_in.discover()
    tokens = await sign_in.tokens()

    await sign_in.relying_party.ask("revoke", token=tokens["refresh_token"])

    introspected = await sign_in.relying_party.ask("introspect", token=tokens["access_token"])
    assert introspected == {"active": False}


async def test_a_client_gets_a_token_of_its_own(sign_in: SignIn) -> None:
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
            "post_logout_redirect_uri": SIGNED_OUT_URI,
            "state": "state",
        },
    )

    page = await sign_in.browser.get(url)

    assert page.url == f"{SIGNED_OUT_URI}?state=state"
