"""The sign-in page: which passwords and forms it accepts, and what it shows."""

import re

import httpx
import pytest
from starlette.applications import Starlette

from asgi_bearer.testing import FakeClock
from demo.authorization_server.registrations import passwords
from demo.authorization_server.requests.cookies import CSRF_COOKIE, SESSION_COOKIE
from demo.authorization_server.state.state import State
from tests.support.authorization_server.front_channel import (
    CALLBACK,
    ISSUER,
    ORIGIN,
    PASSWORDS,
    address,
    browser_of,
    decide,
    is_consent,
    is_sign_in,
    query,
    sign_in,
    signed_in_browser,
)
from tests.support.user_agent import UserAgent

ACTION = f"{ISSUER}authorize/sign-in?{query()}"
TOKEN = "t" * 43


def form_of(**changes: str) -> dict[str, str]:
    return {"csrf": TOKEN, "username": "alice", "password": PASSWORDS["alice"], **changes}


async def posted(
    http: httpx.AsyncClient,
    form: dict[str, str],
    *,
    cookie: str | None = TOKEN,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    cookies = {} if cookie is None else {"Cookie": f"{CSRF_COOKIE}={cookie}"}
    return await http.post(ACTION, data=form, headers={**cookies, **(headers or {})})


async def test_a_browser_without_a_session_gets_the_sign_in_page(browser: UserAgent) -> None:
    page = await browser.get(address())

    assert page.status == 200
    assert is_sign_in(page)
    assert "Contact book" in page.text


async def test_a_correct_sign_in_continues_the_same_request(browser: UserAgent) -> None:
    page = await sign_in(browser, await browser.get(address()))

    assert is_consent(page)
    assert page.url == address()


async def test_the_fields_have_labels_and_names_for_password_managers(
    browser: UserAgent,
) -> None:
    text = (await browser.get(address())).response.text

    for name, purpose in (("username", "username"), ("password", "current-password")):
        assert f'<label for="{name}">' in text
        assert re.search(rf'<input id="{name}"[^>]* autocomplete="{purpose}"', text)


async def test_the_account_with_a_shown_password_is_filled_in(browser: UserAgent) -> None:
    page = await browser.get(address())

    fields = page.form("/authorize/sign-in").fields
    assert (fields["username"], fields["password"]) == ("alice", PASSWORDS["alice"])
    assert f"the password of alice is {PASSWORDS['alice']}" in page.text


async def test_a_login_hint_is_filled_in_without_a_password_that_is_not_shown(
    browser: UserAgent,
) -> None:
    page = await browser.get(address(login_hint="bob"))

    fields = page.form("/authorize/sign-in").fields
    assert (fields["username"], fields["password"]) == ("bob", "")
    assert PASSWORDS["bob"] not in page.response.text


async def test_another_account_with_a_shown_password_is_a_link(browser: UserAgent) -> None:
    page = await browser.get(address(login_hint="bob"))

    assert [link for link in page.links if "login_hint=bob" in link] == []
    there = await browser.follow(page, "login_hint=alice")
    assert there.form("/authorize/sign-in").fields["username"] == "alice"
    assert is_consent(await sign_in(browser, there, "alice"))


async def test_a_login_hint_is_escaped_and_shortened(browser: UserAgent) -> None:
    page = await browser.get(address(login_hint='"><script>alert(1)</script>' + "x" * 1000))

    assert "<script" not in page.response.text
    assert len(page.form("/authorize/sign-in").fields["username"]) == 255


@pytest.mark.parametrize(
    ("username", "password"),
    [
        pytest.param("alice", "wrong", id="wrong password"),
        pytest.param("alice", "", id="no password"),
        pytest.param("alice", PASSWORDS["bob"], id="password of another"),
        pytest.param("alice", f"{PASSWORDS['alice']} ", id="space behind"),
        pytest.param("alice", "x" * 1025, id="password too long"),
        pytest.param("alice", f"{PASSWORDS['alice']}\x00", id="NUL behind"),
        pytest.param("Alice", PASSWORDS["alice"], id="name in capitals"),
        pytest.param("mallory", PASSWORDS["alice"], id="unknown user"),
        pytest.param("web-application", "a secret:with +%& in it", id="a client"),
        pytest.param("", "", id="nothing"),
        pytest.param("ü☃", "ü☃", id="not ASCII"),
    ],
)
async def test_a_wrong_sign_in_gets_one_fixed_sentence_and_no_password_in_the_form(
    browser: UserAgent, username: str, password: str
) -> None:
    page = await browser.get(address())

    again = await browser.submit(
        page, page.form("/authorize/sign-in"), {"username": username, "password": password}
    )

    assert again.status == 400
    assert "The user name or the password is wrong." in again.text
    assert again.form("/authorize/sign-in").fields["username"] == username
    assert again.form("/authorize/sign-in").fields["password"] == ""
    assert SESSION_COOKIE not in browser.client.cookies
    assert 'role="alert"' in again.response.text


async def test_after_a_wrong_password_the_right_one_is_accepted(browser: UserAgent) -> None:
    page = await browser.get(address())
    again = await browser.submit(page, page.form("/authorize/sign-in"), {"password": "wrong"})

    assert is_consent(await sign_in(browser, again))


async def test_scripts_and_other_sites_cannot_use_the_cookies(
    browser: UserAgent,
) -> None:
    page = await browser.get(address())
    form = page.form("/authorize/sign-in")
    answer = await browser.client.post(ORIGIN + form.action, data=form.fields)

    (session,) = answer.headers.get_list("set-cookie")
    (csrf,) = page.response.headers.get_list("set-cookie")
    assert session.startswith(f"{SESSION_COOKIE}=")
    assert csrf.startswith(f"{CSRF_COOKIE}=")
    for cookie in (session, csrf):
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert attributes == {"httponly", "samesite=lax", "path=/"}


async def test_a_planted_session_is_not_used_after_sign_in(
    browser: UserAgent, state: State
) -> None:
    planted = await state.sessions.open("bob", signed_in_for="nothing")
    browser.client.cookies.set(SESSION_COOKIE, planted, domain="127.0.0.1", path="/")

    await sign_in(browser, await browser.get(address(prompt="login")), "alice")

    assert browser.client.cookies[SESSION_COOKIE] != planted
    assert await state.sessions.find(planted) is None
    session = await state.sessions.find(browser.client.cookies[SESSION_COOKIE])
    assert session is not None
    assert session.username == "alice"


@pytest.mark.parametrize(
    ("form", "cookie", "headers"),
    [
        pytest.param(form_of(), None, {}, id="no cookie"),
        pytest.param(form_of(), "u" * 43, {}, id="another cookie"),
        pytest.param(form_of(csrf=""), TOKEN, {}, id="no field"),
        pytest.param(form_of(csrf=""), "", {}, id="neither"),
        pytest.param(form_of(csrf="short"), "short", {}, id="both, but not ours"),
        pytest.param(form_of(csrf="ü" * 43), TOKEN, {}, id="field not ASCII"),
        pytest.param(form_of(), TOKEN, {"Origin": "https://evil.example"}, id="other origin"),
        pytest.param(form_of(), TOKEN, {"Origin": "http://127.0.0.1:8000"}, id="other port"),
        pytest.param(form_of(), TOKEN, {"Origin": "http://localhost:9000"}, id="other name"),
        pytest.param(form_of(), TOKEN, {"Origin": "null"}, id="hidden origin"),
        pytest.param(form_of(), TOKEN, {"Origin": ""}, id="empty origin"),
        pytest.param(form_of(), TOKEN, {"Sec-Fetch-Site": "cross-site"}, id="other site"),
        pytest.param(form_of(), TOKEN, {"Sec-Fetch-Site": "same-site"}, id="same host, other port"),
        pytest.param(form_of(), TOKEN, {"Sec-Fetch-Site": "none"}, id="no site"),
    ],
)
async def test_a_form_of_another_site_signs_nobody_in(
    http: httpx.AsyncClient, form: dict[str, str], cookie: str | None, headers: dict[str, str]
) -> None:
    answer = await posted(http, form, cookie=cookie, headers=headers)

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": ORIGIN}, {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}]
)
async def test_a_form_of_this_server_signs_in(
    http: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await posted(http, form_of(), headers=headers)

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/authorize?{query()}"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_second_tab_does_not_invalidate_the_form_of_the_first(browser: UserAgent) -> None:
    first = await browser.get(address())
    await browser.get(address(state="another"))

    assert is_consent(await sign_in(browser, first))


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("application/json", b"{}", id="JSON"),
        pytest.param("text/plain", b"csrf=" + TOKEN.encode(), id="plain text"),
        pytest.param("multipart/form-data; boundary=x", b"--x--", id="multipart"),
        pytest.param("application/x-www-form-urlencoded", b"a" * 16_385, id="too long"),
    ],
)
async def test_a_sign_in_that_is_not_a_form_is_refused(
    http: httpx.AsyncClient, content_type: str, body: bytes
) -> None:
    headers = {"Content-Type": content_type, "Cookie": f"{CSRF_COOKIE}={TOKEN}"}

    answer = await http.post(ACTION, content=body, headers=headers)

    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers


async def test_the_request_in_the_url_of_the_form_is_checked_again(
    http: httpx.AsyncClient,
) -> None:
    evil = query(redirect_uri="https://evil.example/")
    answer = await http.post(
        f"{ISSUER}authorize/sign-in?{evil}",
        data=form_of(),
        headers={"Cookie": f"{CSRF_COOKIE}={TOKEN}"},
    )

    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers


async def test_too_many_simultaneous_sign_ins_get_retry_after(
    browser: UserAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "MAX_WAITING", 0)
    page = await browser.get(address())

    busy = await browser.submit(page, page.form("sign-in"))

    assert busy.status == 503
    assert busy.response.headers["retry-after"] == "2"
    assert "try again in a few seconds" in busy.text


@pytest.mark.parametrize("step", ["sign-in", "consent"])
async def test_reloading_the_url_of_a_form_restarts_its_request(
    browser: UserAgent, step: str
) -> None:
    page = await browser.get(f"{ISSUER}authorize/{step}?{query()}")

    assert page.url == address()
    assert is_sign_in(page)


async def test_without_a_request_the_sign_in_page_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.get("/authorize/sign-in")

    assert answer.status_code == 400


async def test_the_page_cannot_be_framed_or_cached_and_runs_no_foreign_script(
    browser: UserAgent,
) -> None:
    headers = (await browser.get(address())).response.headers

    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' http://localhost:8080;" in policy
    assert "unsafe" not in policy


async def test_a_session_ends_after_its_lifetime(browser: UserAgent, clock: FakeClock) -> None:
    await signed_in_browser(browser)

    clock.advance(12 * 3600 + 1)

    assert is_sign_in(await browser.get(address()))


async def test_a_sign_in_in_one_browser_does_not_affect_another(
    browser: UserAgent, app: Starlette
) -> None:
    await signed_in_browser(browser)

    async with browser_of(app) as other:
        assert is_sign_in(await other.get(address()))
        page = await decide(other, await sign_in(other, await other.get(address()), "bob"))
        assert page.url.startswith(CALLBACK)
