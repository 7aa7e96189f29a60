"""The refresh: new tokens, checked like the first ones, replace the old ones."""

import asyncio
from typing import Any

import pytest

from asgi_bearer.testing import signing_key
from demo.web_application.checks.display import time_text
from demo.web_application.session.session import Tokens
from tests.demo.web_application.conftest import WEB, Parties
from tests.support.fake_provider import ANNEX
from tests.support.user_agent import Page

NO_TOKENS = {"access_token": None, "token_type": None, "id_token": None, "refresh_token": None}


def can_refresh(page: Page) -> bool:
    return any("refresh" in form.action for form in page.forms)


async def kept_tokens(parties: Parties) -> Tokens:
    session = await parties.sessions.session(parties.cookie() or "")
    assert session is not None
    assert session.signed_in is not None
    return session.signed_in.tokens


def sent_refresh_tokens(parties: Parties) -> list[str]:
    """Return the refresh tokens that were sent to the provider."""
    sent = (request.get("refresh_token") for request in parties.provider.requests)
    return [token for token in sent if token]


async def test_after_a_refresh_the_page_shows_the_change(parties: Parties) -> None:
    session = await parties.signed_in()

    page = await parties.press(session, "/refresh")

    assert page.url == f"{WEB}session"
    assert "rotated" in page.text
    assert "From the token endpoint, refreshed" in page.text


FOR_THE_CODE = "for the code, the client secret and the PKCE verifier"
FOR_THE_REFRESH_TOKEN = "for the refresh token and the client secret"


def origin_of_token(parties: Parties, page: Page) -> tuple[bool, bool, bool]:
    """Return whether the page says: for the code, for the refresh token, at the current time."""
    return (
        FOR_THE_CODE in page.text,
        FOR_THE_REFRESH_TOKEN in page.text,
        f"to this application at {time_text(parties.clock())}, for" in page.text,
    )


async def test_before_a_refresh_the_page_says_that_the_token_was_issued_for_the_code(
    parties: Parties,
) -> None:
    page = await parties.signed_in()

    assert origin_of_token(parties, page) == (True, False, True)


async def test_after_a_refresh_the_page_says_that_the_token_was_issued_for_the_refresh_token(
    parties: Parties,
) -> None:
    session = await parties.signed_in()
    parties.clock.advance(60)
    first = await parties.press(session, "/refresh")
    parties.clock.advance(60)

    second = await parties.press(first, "/refresh")

    assert f"at {time_text(parties.clock() - 60)}, for" in first.text
    assert origin_of_token(parties, second) == (False, True, True)


@pytest.mark.parametrize("path", ["/contacts", "/break/signature"])
async def test_the_page_says_that_another_page_refreshed_the_token(
    parties: Parties, path: str
) -> None:
    session = await parties.signed_in()
    parties.clock.advance(700)
    if path == "/contacts":
        await parties.person.get(f"{WEB}contacts")
    else:
        await parties.press(session, path)

    page = await parties.person.get(f"{WEB}session")

    assert origin_of_token(parties, page) == (False, True, True)


@pytest.mark.parametrize(
    "what", ["state", "nonce", "signature", "audience", "expiry", "scope", "code-replay"]
)
@pytest.mark.parametrize("refreshed", [False, True], ids=["for the code", "refreshed"])
async def test_an_attack_does_not_change_the_origin_of_the_token(
    parties: Parties, what: str, refreshed: bool
) -> None:
    session = await parties.signed_in()
    if refreshed:
        session = await parties.press(session, "/refresh")
    await parties.press(session, f"/break/{what}")

    page = await parties.person.get(f"{WEB}session")

    assert origin_of_token(parties, page) == (not refreshed, refreshed, True)


async def test_after_a_second_sign_in_the_token_was_issued_for_its_code(parties: Parties) -> None:
    await parties.press(await parties.signed_in(), "/refresh")
    parties.clock.advance(60)

    page = await parties.signed_in()

    assert origin_of_token(parties, page) == (True, False, True)


@pytest.mark.parametrize("fault", ["refused", "wrong ID token", "no verdict"])
@pytest.mark.parametrize("refreshed", [False, True], ids=["for the code", "refreshed"])
async def test_a_failed_refresh_does_not_change_the_origin_of_the_token(
    parties: Parties, fault: str, refreshed: bool
) -> None:
    session = await parties.signed_in()
    if refreshed:
        session = await parties.press(session, "/refresh")
    before = time_text(parties.clock())
    parties.clock.advance(60)
    if fault == "refused":
        parties.provider.token_fault = (400, {"error": "invalid_grant"})
    elif fault == "no verdict":
        parties.provider.token_fault = (503, None)
    else:
        parties.provider.exchanged_id_token = {"sub": "mallory"}
    await parties.press(session, "/refresh")

    page = await parties.person.get(f"{WEB}session")

    assert origin_of_token(parties, page) == (not refreshed, refreshed, False)
    assert f"to this application at {before}, for" in page.text


async def test_an_id_token_that_was_not_replaced_is_not_shown_as_refreshed(
    parties: Parties,
) -> None:
    session = await parties.signed_in("code token")
    parties.provider.tokens = {"id_token": None}

    page = await parties.press(session, "/refresh")

    # Once, in the heading of the access token.
    assert page.text.count("From the token endpoint, refreshed") == 1


async def test_each_refresh_uses_the_latest_refresh_token(parties: Parties) -> None:
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

    assert "unchanged: the provider" in page.text
    assert page.form("/refresh").method == "post"


async def test_a_refresh_without_an_id_token_keeps_the_first_one(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.provider.tokens = {"id_token": None}

    page = await parties.press(session, "/refresh")

    assert page.status == 200
    assert page.response.text.count("<details>") == 4


async def test_a_refused_refresh_token_is_deleted(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.provider.token_fault = (400, {"error": "invalid_grant"})

    page = await parties.press(session, "/refresh")

    assert page.status == 400
    assert "The refresh was refused: 400 invalid_grant" in page.text
    assert not can_refresh(page)
    assert not can_refresh(await parties.person.get(f"{WEB}session"))


async def test_an_error_about_the_client_keeps_the_refresh_token(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.provider.token_fault = (401, {"error": "invalid_client"})

    page = await parties.press(session, "/refresh")

    assert page.status == 400
    assert "The refresh was refused: 401 invalid_client" in page.text
    assert can_refresh(page)


@pytest.mark.parametrize(
    "fault",
    [
        (503, {"error": "temporarily_unavailable"}),
        (500, {"error": "invalid_grant"}),
        (502, None),
        (429, {"error": "slow_down"}),
        (400, {"message": "no OAuth error"}),
        (400, {"error": 7}),
        (404, None),
        (200, NO_TOKENS),
    ],
    ids=str,
)
async def test_a_response_without_a_verdict_keeps_the_refresh_token(
    parties: Parties, fault: tuple[int, Any]
) -> None:
    session = await parties.signed_in()
    parties.provider.token_fault = fault

    page = await parties.press(session, "/refresh")
    parties.provider.token_fault = None
    later = await parties.press(session, "/refresh")

    assert page.status == 503
    assert "Nothing was" not in page.text
    assert "From the token endpoint, refreshed" in later.text
    assert len(set(sent_refresh_tokens(parties))) == 1


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
async def test_a_wrong_id_token_discards_the_new_tokens(
    parties: Parties, claims: dict[str, Any]
) -> None:
    session = await parties.signed_in()
    parties.provider.exchanged_id_token = claims

    page = await parties.press(session, "/refresh")

    assert page.status == 400
    assert "of the new ID token failed" in page.text
    assert "From the token endpoint, refreshed" not in page.text


async def test_a_refresh_token_is_not_used_again_after_a_wrong_id_token(
    parties: Parties,
) -> None:
    session = await parties.signed_in()
    parties.provider.exchanged_id_token = {"sub": "mallory"}

    page = await parties.press(session, "/refresh")
    await parties.press(session, "/refresh")

    assert not can_refresh(page)
    assert "It was used, or the authorization server no longer accepts it." in page.text
    assert len(sent_refresh_tokens(parties)) == 1


async def test_an_id_token_that_cannot_be_checked_keeps_the_new_refresh_token(
    parties: Parties,
) -> None:
    parties.provider.metadata = {"jwks_uri": f"{ANNEX}jwks"}
    session = await parties.signed_in()
    parties.network.off.add(ANNEX)

    async with parties.restarted() as restarted:
        page = await restarted.press(session, "/refresh")
    parties.network.off.clear()
    async with parties.restarted() as restarted:
        later = await restarted.press(session, "/refresh")

    assert page.status == 503
    assert "could not be checked" in page.text
    assert "From the token endpoint, refreshed" in later.text
    assert len(set(sent_refresh_tokens(parties))) == 2


async def test_tokens_that_cannot_be_checked_are_not_used(parties: Parties) -> None:
    parties.provider.metadata = {"jwks_uri": f"{ANNEX}jwks"}
    session = await parties.signed_in()
    before = await kept_tokens(parties)
    parties.network.off.add(ANNEX)

    async with parties.restarted() as restarted:
        await restarted.press(session, "/refresh")

    after = await kept_tokens(parties)
    assert (after.access_token, after.id_token) == (before.access_token, before.id_token)
    assert after.refresh_token != before.refresh_token


async def test_an_id_token_of_another_key_discards_the_new_tokens(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.provider.signing_key = signing_key(number=1)

    page = await parties.press(session, "/refresh")

    assert page.status == 400


@pytest.mark.parametrize("claim", ["at_hash", "nonce"])
async def test_an_id_token_may_omit_optional_claims(parties: Parties, claim: str) -> None:
    session = await parties.signed_in()
    parties.provider.exchanged_id_token = {claim: None}

    page = await parties.press(session, "/refresh")

    assert page.status == 200


async def test_concurrent_refreshes_do_not_use_one_token_twice(parties: Parties) -> None:
    session = await parties.signed_in()

    pages = await asyncio.gather(*(parties.press(session, "/refresh") for _ in range(4)))

    assert [page.status for page in pages] == [200] * 4
    sent = [request.get("refresh_token") for request in parties.provider.requests[1:]]
    assert len(set(sent)) == 4


async def test_without_a_refresh_token_the_refresh_fails(parties: Parties) -> None:
    session = await parties.signed_in(scopes=("openid",))

    answer = await parties.person.client.post(
        f"{WEB}refresh", data=session.form("/sign-out").fields
    )

    assert answer.status_code == 400
    assert "There is no refresh token." in answer.text
