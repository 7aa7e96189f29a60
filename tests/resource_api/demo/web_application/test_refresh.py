"""Refreshing: new tokens, checked like the first ones, and the old ones gone."""

import asyncio
from typing import Any

import pytest

from tests.fake_issuer import signing_key
from tests.resource_api.demo.web_application.conftest import WEB, Parties


async def test_a_refresh_shows_what_changed(parties: Parties) -> None:
    session = await parties.signed_in()

    page = await parties.press(session, "/refresh")

    assert page.url == f"{WEB}session"
    assert "rotated" in page.text
    assert "From the token endpoint, refreshed" in page.text


async def test_a_refresh_can_be_refreshed(parties: Parties) -> None:
    page = await parties.signed_in()
    for _ in range(3):
        page = await parties.press(page, "/refresh")
        assert page.status == 200

    sent = [request.get("refresh_token") for request in parties.provider.requests[1:]]
    assert len(set(sent)) == 3


async def test_a_provider_that_does_not_rotate_keeps_the_refresh_token(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.provider.tokens = {"refresh_token": None}

    page = await parties.press(session, "/refresh")

    assert "still the same" in page.text
    assert page.form("/refresh").method == "post"


async def test_a_refresh_without_an_id_token_keeps_the_first_one(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.provider.tokens = {"id_token": None}

    page = await parties.press(session, "/refresh")

    assert page.status == 200
    assert page.response.text.count("<details>") == 4


async def test_a_refused_refresh_token_is_forgotten(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.provider.tokens = {"access_token": None}
    parties.provider.token_status = 400

    page = await parties.press(session, "/refresh")

    assert page.status == 400
    assert "The refresh was refused" in page.text
    assert not [form for form in page.forms if "refresh" in form.action]


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "mallory"},
        {"iss": "http://127.0.0.1:9001/"},
        {"aud": "other"},
        {"exp": 1},
        {"nonce": "another"},
        {"at_hash": "another"},
    ],
    ids=str,
)
async def test_a_wrong_id_token_brings_no_new_tokens(
    parties: Parties, claims: dict[str, Any]
) -> None:
    session = await parties.signed_in()
    parties.provider.exchanged_id_token = claims

    page = await parties.press(session, "/refresh")

    assert page.status == 400
    assert "The new ID token was refused" in page.text
    assert "From the token endpoint, refreshed" not in page.text


async def test_an_id_token_of_another_key_brings_no_new_tokens(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.provider.signing_key = signing_key(number=1)

    page = await parties.press(session, "/refresh")

    assert page.status == 400


@pytest.mark.parametrize("claim", ["at_hash", "nonce"])
async def test_an_id_token_may_leave_out_what_is_optional(parties: Parties, claim: str) -> None:
    session = await parties.signed_in()
    parties.provider.exchanged_id_token = {claim: None}

    page = await parties.press(session, "/refresh")

    assert page.status == 200


async def test_two_refreshes_at_once_do_not_use_one_token_twice(parties: Parties) -> None:
    session = await parties.signed_in()

    pages = await asyncio.gather(*(parties.press(session, "/refresh") for _ in range(4)))

    assert [page.status for page in pages] == [200] * 4
    sent = [request.get("refresh_token") for request in parties.provider.requests[1:]]
    assert len(set(sent)) == 4


async def test_without_a_refresh_token_there_is_nothing_to_refresh(parties: Parties) -> None:
    session = await parties.signed_in(scopes=("openid",))

    answer = await parties.person.client.post(
        f"{WEB}refresh", data=session.form("/sign-out").fields
    )

    assert answer.status_code == 400
    assert "There is no refresh token." in answer.text
