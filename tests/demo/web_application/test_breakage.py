"""Break it: each entry changes one thing, and tells who refused it; or, loudly, that nobody did."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from demo.web_application.settings import WebApplicationSettings
from tests.demo.web_application.conftest import API, WEB, Parties
from tests.support.fake_provider import ANNEX, PROVIDER
from tests.support.user_agent import Page

HYBRID = ("code id_token", "code token", "code id_token token")


def text(page: Page) -> str:
    return " ".join(page.text.split())


def no_verdict(party: str) -> str:
    return f"There is no verdict: {party} neither refused nor accepted it."


async def broken(parties: Parties, what: str, response_type: str = "code id_token token") -> Page:
    return await parties.press(await parties.signed_in(response_type), f"/break/{what}")


@pytest.mark.parametrize("response_type", HYBRID)
@pytest.mark.parametrize(
    ("what", "row"), [("state", "state"), ("nonce", "nonce"), ("signature", "ID token: signature")]
)
async def test_this_application_refuses(
    parties: Parties, response_type: str, what: str, row: str
) -> None:
    page = await broken(parties, what, response_type)

    assert page.status == 200
    assert f"refused by This web application status 400 failed check {row}" in text(page)
    assert "NOT" not in page.text


@pytest.mark.parametrize(
    ("what", "answer"),
    [
        ("signature", "status 401 error invalid_token"),
        ("audience", "status 401 error invalid_token"),
        ("expiry", "status 401 error invalid_token"),
        ("scope", "status 403 error insufficient_scope"),
    ],
)
async def test_the_api_refuses(parties: Parties, what: str, answer: str) -> None:
    page = await broken(parties, what)

    assert f"refused by The API {answer}" in text(page)
    assert "WWW-Authenticate: Bearer" in page.text
    assert "NOT" not in page.text


async def test_an_expired_token_is_told_to_have_expired(parties: Parties) -> None:
    page = await broken(parties, "expiry")

    assert "The access token has expired." in page.text


async def test_a_used_code_is_refused_and_all_it_gave_is_revoked(parties: Parties) -> None:
    page = await broken(parties, "code-replay")

    refused = "refused by The authorization server status 400 error invalid_grant"
    assert text(page).count(refused) == 2
    assert "refused by The authorization server status 401 error invalid_token" in text(page)
    assert "The API still does, until they expire" in text(page)


async def test_after_the_replay_the_session_says_what_is_left(parties: Parties) -> None:
    await broken(parties, "code-replay")

    page = await parties.person.get(f"{WEB}session")

    assert "revoked all tokens" in page.text
    assert "It was revoked" in page.text
    assert not [form for form in page.forms if "refresh" in form.action]


async def test_a_replay_works_without_a_refresh_token_and_without_userinfo(
    parties: Parties,
) -> None:
    parties.provider.metadata = {"userinfo_endpoint": None}
    session = await parties.signed_in(scopes=("openid",))

    page = await parties.press(session, "/break/code-replay")

    assert text(page).count("invalid_grant") == 1
    assert "The authorization server has no such endpoint." in page.text


async def test_a_replay_that_is_not_refused_is_told_loudly(parties: Parties) -> None:
    parties.provider.lenient = True

    page = await broken(parties, "code-replay")

    assert page.text.count("The authorization server did NOT refuse it.") == 3
    assert "no longer accepts the access tokens" not in page.text


async def test_after_a_replay_that_was_not_refused_nothing_is_said_to_be_revoked(
    parties: Parties,
) -> None:
    parties.provider.lenient = True
    await broken(parties, "code-replay")

    page = await parties.person.get(f"{WEB}session")

    assert "revoked" not in page.text
    assert "It was used, or" in page.text


@pytest.mark.parametrize(
    "fault",
    [(503, {"error": "invalid_grant"}), (500, None), (429, {"error": "slow_down"}), (404, None)],
    ids=str,
)
async def test_a_replay_without_a_verdict_is_told_loudly_and_costs_nothing(
    parties: Parties, fault: tuple[int, Any]
) -> None:
    session = await parties.signed_in()
    parties.provider.token_fault = fault

    page = await parties.press(session, "/break/code-replay")

    assert no_verdict("The authorization server") in text(page)
    assert f"its token endpoint answers {fault[0]}" in page.text
    assert "refused by" not in page.text
    assert len(parties.provider.requests) == 2
    after = await parties.person.get(f"{WEB}session")
    assert "revoked" not in after.text
    assert after.form("/refresh").method == "post"


async def test_a_provider_that_goes_away_half_way_has_refused_the_first_half_only(
    parties: Parties,
) -> None:
    session = await parties.signed_in()

    async def go_away(request: httpx.Request) -> None:
        if b"grant_type=refresh_token" in await request.aread():
            parties.network.off.add(PROVIDER)
            parties.clock.advance(700)

    parties.network.meanwhile = go_away
    page = await parties.press(session, "/break/code-replay")

    assert text(page).count("refused by The authorization server") == 1
    assert page.text.count("There is no verdict") == 2
    after = await parties.person.get(f"{WEB}session")
    assert "revoked" not in after.text
    assert not [form for form in after.forms if "refresh" in form.action]


async def test_a_token_that_is_not_refused_is_told_loudly(parties: Parties) -> None:
    session = await parties.signed_in()
    # A provider that gives, whatever scope is asked for, a token that may read.
    token = parties.provider.access_token(scope="read:contacts")
    parties.provider.tokens = {"access_token": token}

    page = await parties.press(session, "/break/scope")

    assert "The API did NOT refuse it. Its status is 200." in text(page)


@pytest.mark.parametrize("what", ["audience", "expiry", "scope"])
async def test_a_provider_that_gives_no_such_token_is_told(parties: Parties, what: str) -> None:
    session = await parties.signed_in()
    parties.provider.tokens = {"access_token": None, "error": "unauthorized_client"}
    parties.provider.token_status = 400

    page = await parties.press(session, f"/break/{what}")

    assert "does not issue such a token to this application: 400 unauthorized_client" in text(page)
    assert "refused by" not in page.text


@pytest.mark.parametrize("what", ["audience", "expiry", "scope"])
async def test_a_provider_that_cannot_give_a_token_now_is_told_loudly(
    parties: Parties, what: str
) -> None:
    session = await parties.signed_in()
    parties.provider.token_fault = (503, None)

    page = await parties.press(session, f"/break/{what}")

    assert no_verdict("The API") in text(page)
    assert "refused by" not in page.text


async def test_keys_that_are_not_to_be_had_refuse_nothing(parties: Parties) -> None:
    parties.provider.metadata = {"jwks_uri": f"{ANNEX}jwks"}
    session = await parties.signed_in()
    parties.network.off.add(ANNEX)
    async with parties.restarted() as restarted:
        page = await restarted.press(session, "/break/nonce")

    assert no_verdict("This web application") in text(page)
    assert "refused by" not in page.text


async def test_a_provider_that_gives_no_expired_tokens_is_told(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.provider.tokens = {"access_token": parties.provider.access_token()}

    page = await parties.press(session, "/break/expiry")

    assert "does not issue expired tokens" in page.text
    assert not [request for request in parties.network.sent if str(request.url).startswith(API)]


async def test_an_opaque_access_token_has_no_signature_to_break(parties: Parties) -> None:
    parties.provider.tokens = {"access_token": "opaque"}
    parties.provider.exchanged_id_token = {"at_hash": None}

    page = await broken(parties, "signature")

    assert "An opaque token has no signature" in page.text


async def test_an_api_that_is_away_refuses_nothing(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.network.off.add(API)

    page = await parties.press(session, "/break/scope")

    assert "There is no response." in page.text
    assert "refused by" not in page.text


async def test_a_userinfo_endpoint_that_is_away_refuses_nothing(parties: Parties) -> None:
    parties.provider.metadata = {"userinfo_endpoint": f"{ANNEX}userinfo"}
    session = await parties.signed_in()
    parties.network.off.add(ANNEX)

    page = await parties.press(session, "/break/code-replay")

    assert "There is no response." in page.text
    assert "no longer accepts the access tokens" not in page.text


async def test_a_provider_that_is_away_refuses_nothing(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.network.off.add(PROVIDER)

    page = await parties.press(session, "/break/code-replay")

    assert "There is no verdict" in page.text
    assert "refused by" not in page.text


async def test_an_old_sign_in_fails_for_what_was_changed_and_not_for_its_age(
    parties: Parties,
) -> None:
    session = await parties.signed_in()
    parties.clock.advance(6 * 3600)

    page = await parties.press(session, "/break/nonce")

    assert "failed check nonce" in text(page)


async def test_a_refreshed_sign_in_fails_for_what_was_changed(parties: Parties) -> None:
    session = await parties.press(await parties.signed_in("code token"), "/refresh")

    page = await parties.press(session, "/break/nonce")

    assert "failed check nonce" in text(page)


async def test_the_signature_of_a_fresh_token_is_broken(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.clock.advance(700)

    page = await parties.press(session, "/break/signature")

    assert "The access token is not valid." in page.text
    assert "has expired" not in page.text


async def test_breaking_leaves_the_session_as_it_was(parties: Parties) -> None:
    await broken(parties, "state")

    page = await parties.person.get(f"{WEB}session")

    assert "Hello, Alice Example" in page.text


async def test_what_is_not_in_the_menu_cannot_be_broken(parties: Parties) -> None:
    session = await parties.signed_in()

    answer = await parties.person.client.post(
        f"{WEB}break/everything", data=session.form("/sign-out").fields
    )

    assert answer.status_code == 404


async def test_no_token_stands_on_a_page_of_the_menu(parties: Parties) -> None:
    session = await parties.signed_in()
    for what in ("signature", "audience", "expiry", "scope", "code-replay"):
        page = await parties.press(session, f"/break/{what}")
        for request in parties.network.sent:
            token = request.headers.get("authorization", "").partition(" ")[2]
            assert not token or token not in page.response.text


class TestWithoutAnotherApi:
    """A provider with one API only."""

    @pytest.fixture
    def web_settings(self, web_settings: WebApplicationSettings) -> WebApplicationSettings:
        return replace(web_settings, other_audience="", other_scope="")

    async def test_the_audience_cannot_be_broken(self, parties: Parties) -> None:
        session = await parties.signed_in()

        assert not [form for form in session.forms if "audience" in form.action]
        answer = await parties.person.client.post(
            f"{WEB}break/audience", data=session.form("/sign-out").fields
        )
        assert answer.status_code == 404


class TestWithSecretsThatAreNone:
    """An application whose random values are always the same."""

    @pytest.fixture
    def token(self) -> Callable[[], str]:
        return lambda: "a" * 43

    @pytest.mark.parametrize("what", ["state", "nonce"])
    async def test_its_own_failure_is_told_loudly(self, parties: Parties, what: str) -> None:
        page = await broken(parties, what)

        assert "This web application did NOT refuse it." in text(page)
