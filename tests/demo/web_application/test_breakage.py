"""Break it: each attack changes one thing; the page names the party that refused or accepted it."""

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


async def attacked(parties: Parties, name: str, response_type: str = "code id_token token") -> Page:
    return await parties.press(await parties.signed_in(response_type), f"/break/{name}")


@pytest.mark.parametrize("response_type", HYBRID)
@pytest.mark.parametrize(
    ("name", "row"), [("state", "state"), ("nonce", "nonce"), ("signature", "ID token: signature")]
)
async def test_this_application_refuses(
    parties: Parties, response_type: str, name: str, row: str
) -> None:
    page = await attacked(parties, name, response_type)

    assert page.status == 200
    assert f"refused by This web application status 400 failed check {row}" in text(page)
    assert "NOT" not in page.text


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("signature", "status 401 error invalid_token"),
        ("audience", "status 401 error invalid_token"),
        ("expiry", "status 401 error invalid_token"),
        ("scope", "status 403 error insufficient_scope"),
    ],
)
async def test_the_api_refuses(parties: Parties, name: str, answer: str) -> None:
    page = await attacked(parties, name)

    assert f"refused by The API {answer}" in text(page)
    assert "WWW-Authenticate: Bearer" in page.text
    assert "NOT" not in page.text


async def test_the_page_says_that_the_token_has_expired(parties: Parties) -> None:
    page = await attacked(parties, "expiry")

    assert "The access token has expired." in page.text


async def test_a_used_code_is_refused_and_its_tokens_are_revoked(parties: Parties) -> None:
    page = await attacked(parties, "code-replay")

    refused = "refused by The authorization server status 400 error invalid_grant"
    assert text(page).count(refused) == 2
    assert "refused by The authorization server status 401 error invalid_token" in text(page)
    assert "The API still does, until they expire" in text(page)


async def test_after_the_replay_the_session_page_says_what_was_revoked(parties: Parties) -> None:
    await attacked(parties, "code-replay")

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


async def test_an_accepted_replay_is_reported_as_a_fault(parties: Parties) -> None:
    parties.provider.lenient = True

    page = await attacked(parties, "code-replay")

    assert page.text.count("The authorization server did NOT refuse it.") == 3
    assert "no longer accepts the access tokens" not in page.text


async def test_after_an_accepted_replay_the_session_page_reports_no_revocation(
    parties: Parties,
) -> None:
    parties.provider.lenient = True
    await attacked(parties, "code-replay")

    page = await parties.person.get(f"{WEB}session")

    assert "revoked" not in page.text
    assert "It was used, or" in page.text


@pytest.mark.parametrize(
    "fault",
    [(503, {"error": "invalid_grant"}), (500, None), (429, {"error": "slow_down"}), (404, None)],
    ids=str,
)
async def test_a_replay_without_a_verdict_keeps_the_refresh_token(
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


async def test_a_provider_that_fails_half_way_has_refused_the_code_only(
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


async def test_an_accepted_token_is_reported_as_a_fault(parties: Parties) -> None:
    session = await parties.signed_in()
    # The provider ignores the requested scope and issues a token that allows reading.
    token = parties.provider.access_token(scope="read:contacts")
    parties.provider.tokens = {"access_token": token}

    page = await parties.press(session, "/break/scope")

    assert "The API did NOT refuse it. Its status is 200." in text(page)


@pytest.mark.parametrize("name", ["audience", "expiry", "scope"])
async def test_the_page_says_that_the_provider_issues_no_such_token(
    parties: Parties, name: str
) -> None:
    session = await parties.signed_in()
    parties.provider.tokens = {"access_token": None, "error": "unauthorized_client"}
    parties.provider.token_status = 400

    page = await parties.press(session, f"/break/{name}")

    assert "does not issue such a token to this application: 400 unauthorized_client" in text(page)
    assert "refused by" not in page.text


@pytest.mark.parametrize("name", ["audience", "expiry", "scope"])
async def test_a_provider_that_does_not_answer_gives_no_verdict(
    parties: Parties, name: str
) -> None:
    session = await parties.signed_in()
    parties.provider.token_fault = (503, None)

    page = await parties.press(session, f"/break/{name}")

    assert no_verdict("The API") in text(page)
    assert "refused by" not in page.text


async def test_without_the_providers_keys_there_is_no_verdict(parties: Parties) -> None:
    parties.provider.metadata = {"jwks_uri": f"{ANNEX}jwks"}
    session = await parties.signed_in()
    parties.network.off.add(ANNEX)
    async with parties.restarted() as restarted:
        page = await restarted.press(session, "/break/nonce")

    assert no_verdict("This web application") in text(page)
    assert "refused by" not in page.text


async def test_the_page_says_that_the_provider_issues_no_expired_tokens(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.provider.tokens = {"access_token": parties.provider.access_token()}

    page = await parties.press(session, "/break/expiry")

    assert "does not issue expired tokens" in page.text
    assert not [request for request in parties.network.sent if str(request.url).startswith(API)]


async def test_an_opaque_access_token_has_no_signature_to_change(parties: Parties) -> None:
    parties.provider.tokens = {"access_token": "opaque"}
    parties.provider.exchanged_id_token = {"at_hash": None}

    page = await attacked(parties, "signature")

    assert "An opaque token has no signature" in page.text


async def test_an_api_that_does_not_answer_gives_no_verdict(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.network.off.add(API)

    page = await parties.press(session, "/break/scope")

    assert "There is no response." in page.text
    assert "refused by" not in page.text


async def test_a_userinfo_endpoint_that_does_not_answer_gives_no_verdict(parties: Parties) -> None:
    parties.provider.metadata = {"userinfo_endpoint": f"{ANNEX}userinfo"}
    session = await parties.signed_in()
    parties.network.off.add(ANNEX)

    page = await parties.press(session, "/break/code-replay")

    assert "There is no response." in page.text
    assert "no longer accepts the access tokens" not in page.text


async def test_a_provider_that_is_switched_off_gives_no_verdict(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.network.off.add(PROVIDER)

    page = await parties.press(session, "/break/code-replay")

    assert "There is no verdict" in page.text
    assert "refused by" not in page.text


async def test_an_old_sign_in_fails_at_the_changed_value_and_not_for_its_age(
    parties: Parties,
) -> None:
    session = await parties.signed_in()
    parties.clock.advance(6 * 3600)

    page = await parties.press(session, "/break/nonce")

    assert "failed check nonce" in text(page)


async def test_a_refreshed_sign_in_fails_at_the_changed_value(parties: Parties) -> None:
    session = await parties.press(await parties.signed_in("code token"), "/refresh")

    page = await parties.press(session, "/break/nonce")

    assert "failed check nonce" in text(page)


async def test_the_changed_signature_belongs_to_a_token_that_has_not_expired(
    parties: Parties,
) -> None:
    session = await parties.signed_in()
    parties.clock.advance(700)

    page = await parties.press(session, "/break/signature")

    assert "The access token is not valid." in page.text
    assert "has expired" not in page.text


async def test_an_attack_leaves_the_session_unchanged(parties: Parties) -> None:
    await attacked(parties, "state")

    page = await parties.person.get(f"{WEB}session")

    assert "Hello, Alice Example" in page.text


async def test_an_attack_that_is_not_in_the_menu_is_not_found(parties: Parties) -> None:
    session = await parties.signed_in()

    answer = await parties.person.client.post(
        f"{WEB}break/everything", data=session.form("/sign-out").fields
    )

    assert answer.status_code == 404


async def test_no_page_of_an_attack_contains_a_token(parties: Parties) -> None:
    session = await parties.signed_in()
    for name in ("signature", "audience", "expiry", "scope", "code-replay"):
        page = await parties.press(session, f"/break/{name}")
        for request in parties.network.sent:
            token = request.headers.get("authorization", "").partition(" ")[2]
            assert not token or token not in page.response.text


class TestWithoutAnotherApi:
    """A provider with one API only."""

    @pytest.fixture
    def web_settings(self, web_settings: WebApplicationSettings) -> WebApplicationSettings:
        return replace(web_settings, other_audience="", other_scope="")

    async def test_the_menu_has_no_attack_on_the_audience(self, parties: Parties) -> None:
        session = await parties.signed_in()

        assert not [form for form in session.forms if "audience" in form.action]
        answer = await parties.person.client.post(
            f"{WEB}break/audience", data=session.form("/sign-out").fields
        )
        assert answer.status_code == 404


class TestConstantRandomValues:
    """An application whose random values are always the same."""

    @pytest.fixture
    def token(self) -> Callable[[], str]:
        return lambda: "a" * 43

    @pytest.mark.parametrize("name", ["state", "nonce"])
    async def test_the_application_reports_its_own_fault(self, parties: Parties, name: str) -> None:
        page = await attacked(parties, name)

        assert "This web application did NOT refuse it." in text(page)
