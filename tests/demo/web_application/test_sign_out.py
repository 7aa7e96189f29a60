"""Sign-out: in the web application first, then at the provider; the refresh token is revoked."""

import asyncio

import httpx
import pytest

from demo.web_application.session.browser import COOKIE
from tests.demo.web_application.conftest import WEB, Parties
from tests.support.fake_provider import ANNEX, PROVIDER


async def test_signing_out_ends_the_session_here_and_at_the_provider(parties: Parties) -> None:
    session = await parties.signed_in()
    cookie = parties.cookie()
    assert cookie is not None

    page = await parties.press(session, "/sign-out")

    assert page.url == WEB
    assert page.visited[1].startswith(f"{PROVIDER}end?")
    assert await parties.sessions.session(cookie) is None
    assert parties.cookie() != cookie
    (request,) = parties.provider.signed_out
    assert request["client_id"] == "web-application"
    assert request["post_logout_redirect_uri"] == WEB
    assert request["id_token_hint"].count(".") == 2


async def test_the_old_cookie_has_no_session_afterwards(parties: Parties) -> None:
    session = await parties.signed_in()
    cookie = parties.cookie() or ""
    await parties.press(session, "/sign-out")

    answer = await parties.person.client.get(
        f"{WEB}session", headers={"Cookie": f"{COOKIE}={cookie}"}
    )

    assert answer.status_code == 303
    assert answer.headers["location"] == WEB


async def test_the_content_security_policy_allows_the_sign_out_form(parties: Parties) -> None:
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


async def refresh_token(parties: Parties) -> str:
    """Return the refresh token of the session."""
    session = await parties.sessions.session(parties.cookie() or "")
    assert session is not None
    assert session.signed_in is not None
    return session.signed_in.tokens.refresh_token or ""


async def test_signing_out_revokes_the_refresh_token(parties: Parties) -> None:
    session = await parties.press(await parties.signed_in(), "/refresh")
    token = await refresh_token(parties)

    await parties.press(session, "/sign-out")

    assert parties.provider.revocations == [token]


async def test_the_revocation_uses_the_clients_authentication_method(parties: Parties) -> None:
    parties.provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    session = await parties.signed_in()

    await parties.press(session, "/sign-out")

    assert len(parties.provider.revocations) == 1


async def test_a_new_sign_in_revokes_nothing(parties: Parties) -> None:
    # Some providers revoke every grant of a user with one refresh token.
    await parties.signed_in()

    page = await parties.signed_in()

    assert page.url == f"{WEB}session"
    assert parties.provider.revocations == []


@pytest.mark.parametrize(
    ("metadata", "scopes"),
    [({"revocation_endpoint": None}, ("openid", "offline_access")), ({}, ("openid",))],
    ids=["no endpoint", "no refresh token"],
)
async def test_signing_out_works_without_a_revocation(
    parties: Parties, metadata: dict[str, str | None], scopes: tuple[str, ...]
) -> None:
    parties.provider.metadata = metadata
    session = await parties.signed_in(scopes=scopes)

    page = await parties.press(session, "/sign-out")

    assert page.url == WEB
    assert parties.provider.revocations == []


@pytest.mark.parametrize("path", ["revoke", "nothing-here"])
async def test_a_failed_revocation_is_logged_and_the_person_is_signed_out(
    parties: Parties, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    parties.provider.metadata = {"revocation_endpoint": f"{ANNEX}{path}"}
    session = await parties.signed_in()
    token, cookie = await refresh_token(parties), parties.cookie() or ""
    if path == "revoke":
        parties.network.off.add(ANNEX)

    page = await parties.press(session, "/sign-out")

    assert page.url == WEB
    assert await parties.sessions.session(cookie) is None
    assert "was not revoked" in caplog.text
    assert token not in caplog.text


async def test_signing_out_does_not_wait_for_a_silent_revocation_endpoint(
    parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.web_application.provider.token_endpoint.REVOCATION_TIMEOUT", 0.01)
    session = await parties.signed_in()
    cookie = parties.cookie() or ""

    async def hang(request: httpx.Request) -> None:
        if request.url.path == "/revoke":
            await asyncio.Event().wait()

    parties.network.meanwhile = hang
    page = await parties.press(session, "/sign-out")

    assert page.url == WEB
    assert await parties.sessions.session(cookie) is None
