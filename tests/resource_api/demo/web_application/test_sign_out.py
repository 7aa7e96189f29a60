"""Signing out: here first, then at the provider."""

from resource_api.demo.web_application.visits import COOKIE
from tests.resource_api.demo.web_application.conftest import WEB, Parties
from tests.resource_api.demo.web_application.fake_provider import PROVIDER


async def test_signing_out_ends_the_session_here_and_there(parties: Parties) -> None:
    session = await parties.signed_in()
    cookie = parties.cookie()
    assert cookie is not None

    page = await parties.press(session, "/sign-out")

    assert page.url == WEB
    assert page.visited[1].startswith(f"{PROVIDER}end?")
    assert await parties.sessions.session(cookie) is None
    assert parties.cookie() != cookie
    (asked,) = parties.provider.signed_out
    assert asked["client_id"] == "web-application"
    assert asked["post_logout_redirect_uri"] == WEB
    assert asked["id_token_hint"].count(".") == 2


async def test_the_old_cookie_is_worth_nothing_afterwards(parties: Parties) -> None:
    session = await parties.signed_in()
    cookie = parties.cookie() or ""
    await parties.press(session, "/sign-out")

    answer = await parties.person.client.get(
        f"{WEB}session", headers={"Cookie": f"{COOKIE}={cookie}"}
    )

    assert answer.status_code == 303
    assert answer.headers["location"] == WEB


async def test_the_policy_of_the_page_allows_the_way_out(parties: Parties) -> None:
    page = await parties.signed_in()

    policy = page.response.headers["content-security-policy"]
    assert f"form-action 'self' {PROVIDER.rstrip('/')};" in policy


async def test_a_provider_without_that_endpoint_leads_back_to_the_start(parties: Parties) -> None:
    parties.provider.metadata = {"end_session_endpoint": None}
    session = await parties.signed_in()

    page = await parties.press(session, "/sign-out")

    assert page.visited == (f"{WEB}sign-out", WEB)


async def test_signing_out_here_works_while_the_provider_is_away(parties: Parties) -> None:
    session = await parties.signed_in()
    parties.clock.advance(3600)
    cookie = parties.cookie() or ""
    parties.network.off.add(PROVIDER)

    await parties.press(session, "/sign-out")

    assert await parties.sessions.session(cookie) is None
