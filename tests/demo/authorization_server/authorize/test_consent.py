"""The consent page: what it shows, when it is shown, and which decisions count."""

from dataclasses import replace

import pytest
from starlette.applications import Starlette

from asgi_bearer.testing import FakeClock
from demo.authorization_server.app import create_authorization_server
from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.requests.cookies import CSRF_COOKIE, SESSION_COOKIE
from demo.authorization_server.state.state import State
from demo.pages.rendering import addresses
from tests.support.authorization_server.front_channel import (
    AUDIENCE,
    CALLBACK,
    CHALLENGE,
    ISSUER,
    ORIGIN,
    address,
    browser_of,
    decide,
    is_consent,
    is_sign_in,
    sign_in,
    signed_in_browser,
)
from tests.support.user_agent import Page, UserAgent

TEAM = "https://contacts.example/team"


async def consent_page(browser: UserAgent, **changes: str | None) -> Page:
    page = await sign_in(browser, await browser.get(address(**changes)))
    assert is_consent(page)
    return page


async def test_the_consent_page_names_client_api_permissions_and_user(browser: UserAgent) -> None:
    scope = f"openid profile offline_access read:contacts write:contacts {TEAM}"
    page = await consent_page(browser, scope=scope)

    for words in (
        "Contact book",
        "Contacts",
        "alice",
        CALLBACK,
        "Read your contacts",
        "Change your contacts",
        "See your name and your picture",
        "Keep this access while you are away",
        TEAM,
    ):
        assert words in page.text
    for name in scope.split():
        assert f"<strong>{addresses(name)}</strong>" in page.response.text


async def test_the_consent_page_lists_only_scopes_that_can_be_granted(browser: UserAgent) -> None:
    page = await consent_page(browser, scope="openid offline_access", audience=None)

    assert "<strong>offline_access</strong>" not in page.response.text
    assert "Keep this access" not in page.text


async def test_the_client_gets_its_response_when_the_user_allows(browser: UserAgent) -> None:
    page = await decide(browser, await consent_page(browser))

    assert page.url.startswith(f"{CALLBACK}#")
    assert set(page.fragment) == {"code", "id_token", "state", "iss"}


async def test_the_consent_page_is_shown_the_first_time_and_not_again(browser: UserAgent) -> None:
    await decide(browser, await consent_page(browser))

    page = await browser.get(address(state="another"))

    assert page.url.startswith(CALLBACK)


async def test_a_consent_is_remembered_beyond_the_session(
    browser: UserAgent, app: Starlette
) -> None:
    await signed_in_browser(browser)

    async with browser_of(app) as other:
        page = await sign_in(other, await other.get(address()))

    assert page.url.startswith(CALLBACK)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"scope": "openid read:contacts write:contacts"}, id="more"),
        pytest.param({"scope": "openid"}, id="less"),
        pytest.param({"scope": "openid write:contacts"}, id="something else"),
        pytest.param({"audience": None, "scope": "openid"}, id="no API"),
        pytest.param(
            {"audience": "https://api.example/calendar", "scope": "openid"}, id="another API"
        ),
        pytest.param({"prompt": "consent"}, id="the client wants it"),
    ],
)
async def test_the_consent_page_is_shown_again_for_a_different_request(
    browser: UserAgent, changes: dict[str, str | None]
) -> None:
    await signed_in_browser(browser)

    page = await browser.get(address(**changes))

    assert is_consent(page)
    assert (await decide(browser, page)).url.startswith(CALLBACK)


async def test_the_same_scopes_in_another_order_need_no_new_consent(browser: UserAgent) -> None:
    await signed_in_browser(browser)

    page = await browser.get(address(scope="read:contacts openid"))

    assert page.url.startswith(CALLBACK)


async def test_a_consent_of_one_user_does_not_count_for_another(
    browser: UserAgent, app: Starlette
) -> None:
    await signed_in_browser(browser, "alice")

    async with browser_of(app) as other:
        assert is_consent(await sign_in(other, await other.get(address()), "bob"))


@pytest.mark.parametrize("mode", ["fragment", "form_post"])
async def test_the_client_gets_access_denied_with_its_state_when_the_user_denies(
    browser: UserAgent, mode: str
) -> None:
    page = await decide(browser, await consent_page(browser, response_mode=mode), "deny")

    answer = page.fragment if mode == "fragment" else page.form(CALLBACK).fields
    assert answer == {
        "error": "access_denied",
        "error_description": "The user denied the request.",
        "state": "a state",
        "iss": ISSUER,
    }


async def test_access_denied_for_a_code_alone_is_in_the_query(browser: UserAgent) -> None:
    page = await decide(browser, await consent_page(browser, response_type="code"), "deny")

    assert page.query["error"] == "access_denied"
    assert page.query["state"] == "a state"
    assert "#" not in page.url


async def test_a_denial_is_not_remembered_as_consent(browser: UserAgent) -> None:
    await decide(browser, await consent_page(browser), "deny")

    assert is_consent(await browser.get(address()))


async def test_a_denial_keeps_the_earlier_consent(browser: UserAgent) -> None:
    await signed_in_browser(browser)
    wider = await browser.get(address(scope="openid read:contacts write:contacts"))

    await decide(browser, wider, "deny")

    assert (await browser.get(address())).fragment["code"]


PUBLIC_REQUEST = {
    "client_id": "single-page",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.mark.parametrize(
    ("redirect_uri", "asked_again"),
    [
        ("http://localhost:8081/callback", True),
        ("com.example.contacts:/callback", True),
        ("https://page.example/callback", False),
    ],
    ids=["loopback", "scheme of its own", "https"],
)
async def test_a_client_that_can_be_impersonated_needs_consent_each_time(
    registrations: Registrations,
    keys: SigningKeys,
    state: State,
    clock: FakeClock,
    redirect_uri: str,
    asked_again: bool,
) -> None:
    public = registrations.clients["single-page"]
    certain = replace(
        public, redirect_uris=(*public.redirect_uris, "https://page.example/callback")
    )
    app = create_authorization_server(
        issuer=ISSUER,
        registrations=replace(
            registrations, clients={**registrations.clients, "single-page": certain}
        ),
        keys=keys,
        state=state,
        clock=clock,
    )
    asked = address(**PUBLIC_REQUEST, redirect_uri=redirect_uri)
    async with browser_of(app) as browser:
        first = await sign_in(browser, await browser.get(asked))
        await decide(browser, first, "allow")

        second = await browser.get(asked)
        silent = await browser.get(
            address(**PUBLIC_REQUEST, redirect_uri=redirect_uri, prompt="none")
        )

    assert ("You will be asked each time" in first.text) is asked_again
    assert is_consent(second) is asked_again
    assert (silent.fragment.get("error") == "consent_required") is asked_again


async def test_the_link_not_you_leads_to_sign_in_as_another_user(browser: UserAgent) -> None:
    page = await consent_page(browser)

    asked_again = await browser.follow(page, "prompt=select_account")
    assert is_sign_in(asked_again)
    theirs = await sign_in(browser, asked_again, "bob")

    assert is_consent(theirs)
    assert "bob" in theirs.text
    assert (await decide(browser, theirs)).fragment["state"] == "a state"


async def test_the_link_not_you_keeps_the_prompt_for_consent(browser: UserAgent) -> None:
    await signed_in_browser(browser)
    page = await browser.get(address(prompt="consent"))

    asked_again = await browser.follow(page, "prompt=consent%20select_account")

    assert is_consent(await sign_in(browser, asked_again))


async def test_a_decision_counts_only_for_the_request_of_its_page(browser: UserAgent) -> None:
    shown = await consent_page(browser, scope="openid")
    wider = await browser.get(address(scope="openid read:contacts write:contacts"))

    page = await browser.submit(
        wider,
        wider.form("/authorize/consent"),
        {"page_token": shown.form("/authorize/consent").fields["page_token"]},
    )

    assert page.status == 403
    assert is_consent(await browser.get(address(scope="openid read:contacts write:contacts")))


async def test_two_consent_pages_in_two_tabs_both_work(browser: UserAgent) -> None:
    first = await consent_page(browser, state="first")
    second = await browser.get(address(state="second", scope="openid"))

    assert (await decide(browser, second)).fragment["state"] == "second"
    assert (await decide(browser, first)).fragment["state"] == "first"


async def test_a_decision_does_not_count_for_a_user_who_signed_in_meanwhile(
    browser: UserAgent, state: State
) -> None:
    shown = await consent_page(browser)
    await sign_in(browser, await browser.get(address(prompt="login")), "bob")

    page = await decide(browser, shown)

    assert page.status == 403
    assert await state.sessions.consented_scopes("bob", "web-application", AUDIENCE) is None
    assert await state.sessions.consented_scopes("alice", "web-application", AUDIENCE) is None
    assert is_consent(await browser.follow(page, "/authorize?"))


async def test_a_decision_does_not_count_after_sign_out(browser: UserAgent, state: State) -> None:
    shown = await consent_page(browser)
    await state.sessions.close(browser.client.cookies[SESSION_COOKIE])

    page = await decide(browser, shown)

    assert page.status == 403
    assert await state.sessions.consented_scopes("alice", "web-application", AUDIENCE) is None


async def test_a_decision_does_not_count_if_the_request_is_no_longer_valid(
    browser: UserAgent,
    registrations: Registrations,
    keys: SigningKeys,
    state: State,
    clock: FakeClock,
) -> None:
    shown = await consent_page(browser)
    fewer = Registrations(apis=registrations.apis, clients={}, users=registrations.users)
    restarted = create_authorization_server(
        issuer=ISSUER, registrations=fewer, keys=keys, state=state, clock=clock
    )

    async with UserAgent({ORIGIN: restarted}) as other:
        other.client.cookies = browser.client.cookies
        page = await decide(other, shown)

    assert page.status == 400
    assert page.url.startswith(ISSUER)


@pytest.mark.parametrize(
    ("changes", "headers"),
    [
        pytest.param({"csrf": "u" * 43}, {}, id="another value"),
        pytest.param({"csrf": None}, {}, id="no value"),
        pytest.param({"page_token": "0" * 64}, {}, id="another page"),
        pytest.param({"page_token": None}, {}, id="no page"),
        pytest.param({}, {"Origin": "https://evil.example"}, id="other site"),
        pytest.param({}, {"Origin": "http://127.0.0.1:8000"}, id="other port"),
        pytest.param({}, {"Origin": "null"}, id="hidden origin"),
        pytest.param({}, {"Sec-Fetch-Site": "same-site"}, id="same host, other port"),
    ],
)
async def test_a_form_of_another_site_allows_nothing(
    browser: UserAgent, state: State, changes: dict[str, str | None], headers: dict[str, str]
) -> None:
    form = (await consent_page(browser)).form("/authorize/consent")
    sent = {**form.fields, "decision": "allow", **changes}

    answer = await browser.client.post(
        ORIGIN + form.action,
        data={name: value for name, value in sent.items() if value is not None},
        headers=headers,
    )

    assert answer.status_code == 403
    assert await state.sessions.consented_scopes("alice", "web-application", AUDIENCE) is None


async def test_an_attacker_who_sets_cookies_for_this_host_cannot_allow_anything(
    browser: UserAgent, state: State
) -> None:
    form = (await consent_page(browser)).form("/authorize/consent")
    browser.client.cookies.set(CSRF_COOKIE, "e" * 43, domain="127.0.0.1", path="/")

    answer = await browser.client.post(
        ORIGIN + form.action, data={"csrf": "e" * 43, "decision": "allow"}
    )

    assert answer.status_code == 403
    assert await state.sessions.consented_scopes("alice", "web-application", AUDIENCE) is None


@pytest.mark.parametrize("decision", [None, "", "maybe", "allow deny"])
async def test_only_the_decision_allow_gives_consent(
    browser: UserAgent, state: State, decision: str | None
) -> None:
    page = await consent_page(browser)

    there = await browser.submit(
        page, page.form("/authorize/consent"), {"decision": decision}, button=("", "")
    )

    assert there.status == 400
    assert await state.sessions.consented_scopes("alice", "web-application", AUDIENCE) is None


async def test_the_page_cannot_be_framed_or_cached(browser: UserAgent) -> None:
    headers = (await consent_page(browser)).response.headers

    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "form-action 'self' http://localhost:8080;" in headers["content-security-policy"]
