"""Client authentication: all methods in the metadata work, and a refusal reveals nothing."""

import httpx
import pytest

from tests.support.authorization_server.back_channel import (
    CHALLENGE,
    VERIFIER,
    BackChannel,
    basic,
    error,
)
from tests.support.authorization_server.example_registrations import CONFIDENTIAL, CONTACTS, PUBLIC

CLIENT_ID = CONFIDENTIAL.client_id
SECRET = CONFIDENTIAL.client_secret or ""
ASKED = {
    "grant_type": "client_credentials",
    "audience": CONTACTS.identifier,
    "scope": "read:contacts",
}
POST = {"client_id": CLIENT_ID, "client_secret": SECRET}
CHALLENGED = 'Basic realm="authorization server"'
ENDPOINTS = ["oauth/token", "oauth/revoke", "oauth/introspect"]

Headers = dict[str, str] | list[tuple[str, str]]


@pytest.mark.parametrize("id_in_body", [False, True], ids=["header", "header, id in the body"])
async def test_a_client_may_send_its_secret_in_a_basic_header(
    http: httpx.AsyncClient, id_in_body: bool
) -> None:
    form = ASKED | ({"client_id": CLIENT_ID} if id_in_body else {})

    answer = await http.post("oauth/token", data=form, headers=basic(CLIENT_ID, SECRET))

    assert answer.status_code == 200


async def test_a_client_may_send_its_secret_in_a_form(http: httpx.AsyncClient) -> None:
    answer = await http.post("oauth/token", data=ASKED | POST)

    assert answer.status_code == 200


async def test_a_client_may_send_its_secret_in_json(http: httpx.AsyncClient) -> None:
    answer = await http.post("oauth/token", json=ASKED | POST)

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({}, {}),
        ({}, {"client_id": CLIENT_ID}),
        ({}, {"client_id": CLIENT_ID, "client_secret": ""}),
        ({}, {"client_id": CLIENT_ID, "client_secret": "guess"}),
        ({}, {"client_id": CLIENT_ID, "client_secret": SECRET + "x"}),
        ({}, {"client_id": CLIENT_ID, "client_secret": SECRET[:-1]}),
        ({}, {"client_id": CLIENT_ID, "client_secret": "sécret"}),
        ({}, {"client_id": CLIENT_ID.upper(), "client_secret": SECRET}),
        ({}, {"client_id": "someone"}),
        ({}, {"client_id": "someone", "client_secret": SECRET}),
        ({}, {"client_secret": SECRET}),
        ({}, {"client_id": PUBLIC.client_id, "client_secret": SECRET}),
        (basic(CLIENT_ID, "guess"), {}),
        (basic(CLIENT_ID, ""), {}),
        (basic("someone", SECRET), {}),
        (basic(PUBLIC.client_id, ""), {}),
        ({"Authorization": "Bearer x"}, {}),
        ({"Authorization": "Basic"}, {}),
        ({"Authorization": "Basic !!!!"}, {}),
        ({"Authorization": "Basic bm9jb2xvbg=="}, {}),
        ({"Authorization": "Basic /////w=="}, {}),
    ],
    ids=[
        "nothing",
        "no secret",
        "empty secret",
        "wrong secret",
        "longer secret",
        "shorter secret",
        "no ASCII",
        "id in another case",
        "unknown id alone",
        "unknown id with a secret",
        "no id",
        "public client with a secret",
        "header: wrong secret",
        "header: empty secret",
        "header: unknown id",
        "header: public client",
        "header: another scheme",
        "header: nothing after the scheme",
        "header: not base64",
        "header: no colon",
        "header: not UTF-8",
    ],
)
async def test_a_client_without_valid_credentials_is_refused_with_a_challenge(
    http: httpx.AsyncClient, path: str, headers: Headers, form: dict[str, str]
) -> None:
    answer = await http.post(path, data={"token": "x", **ASKED, **form}, headers=headers)

    assert error(answer) == (401, "invalid_client")
    assert answer.headers["www-authenticate"] == CHALLENGED
    assert answer.headers["cache-control"] == "no-store"


async def test_unknown_clients_and_wrong_secrets_get_the_same_response(
    http: httpx.AsyncClient,
) -> None:
    forms = [
        {"client_id": "someone", "client_secret": SECRET},
        {"client_id": "someone"},
        {"client_id": CLIENT_ID, "client_secret": "guess"},
        {"client_id": CLIENT_ID},
        {"client_id": PUBLIC.client_id, "client_secret": "guess"},
    ]

    answers = [await http.post("oauth/token", data=ASKED | form) for form in forms]

    assert len({(answer.status_code, answer.content) for answer in answers}) == 1


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        (basic(CLIENT_ID, SECRET), {"client_secret": SECRET}),
        (basic(CLIENT_ID, SECRET), {"client_id": CLIENT_ID, "client_secret": SECRET}),
        (basic(CLIENT_ID, SECRET), {"client_id": "someone"}),
        ([*basic(CLIENT_ID, SECRET).items(), ("Authorization", "Basic x")], {}),
    ],
    ids=["secret in both", "both in both", "another id in the body", "two headers"],
)
async def test_a_client_that_sends_its_secret_twice_is_refused(
    http: httpx.AsyncClient, headers: Headers, form: dict[str, str]
) -> None:
    answer = await http.post("oauth/token", data=ASKED | form, headers=headers)

    assert error(answer) == (400, "invalid_request")


async def test_a_public_client_cannot_use_a_code_without_a_challenge(
    back_channel: BackChannel,
) -> None:
    """Without PKCE nothing would bind the code to the client that requested it."""
    redirect_uri = PUBLIC.redirect_uris[0]
    bound = await back_channel.code(
        client_id=PUBLIC.client_id, redirect_uri=redirect_uri, code_challenge=CHALLENGE
    )
    unbound = await back_channel.code(client_id=PUBLIC.client_id, redirect_uri=redirect_uri)
    asked = {"client_id": PUBLIC.client_id, "redirect_uri": redirect_uri}

    stolen = await back_channel.exchange(bound, **asked)
    downgraded = await back_channel.exchange(unbound, **asked)
    downgraded_with_verifier = await back_channel.exchange(unbound, code_verifier=VERIFIER, **asked)

    answers = (stolen, downgraded, downgraded_with_verifier)
    assert [error(answer) for answer in answers] == [(400, "invalid_grant")] * 3


async def test_no_response_repeats_a_secret(http: httpx.AsyncClient) -> None:
    answer = await http.post("oauth/token", data={**ASKED, **POST, "client_id": "someone"})

    assert SECRET not in answer.text
