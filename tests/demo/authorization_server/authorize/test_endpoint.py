"""The authorization endpoint: when a user must sign in, what it sends, and what it refuses."""

import dataclasses
from urllib.parse import parse_qsl, urlsplit

import httpx
import jwt
import pytest

from asgi_bearer.testing import FakeClock
from demo.authorization_server.app import create_authorization_server
from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.requests.cookies import SESSION_COOKIE
from demo.authorization_server.state.state import State
from demo.authorization_server.token.issuing import Issuing
from tests.support.authorization_server.front_channel import (
    AUDIENCE,
    CALLBACK,
    ISSUER,
    ORIGIN,
    address,
    decide,
    is_consent,
    is_sign_in,
    query,
    sign_in,
    signed_in_browser,
)
from tests.support.user_agent import Page, UserAgent


async def id_token_of(
    state: State, issuing: Issuing, *, username: str = "alice", client_id: str = "web-application"
) -> str:
    grant = await state.grants.open(
        client_id=client_id, username=username, audience=None, scopes=("openid",), auth_time=1
    )
    return issuing.id_token(grant)


def error_of(page: Page) -> str:
    assert page.url.startswith(f"{CALLBACK}#")
    assert page.fragment["state"] == "a state"
    assert page.fragment["iss"] == ISSUER
    return page.fragment["error"]


@pytest.mark.parametrize(
    ("encoded", "named"),
    [
        pytest.param(query(client_id="nobody"), "client_id", id="unknown client"),
        pytest.param(
            query(redirect_uri="https://evil.example/"), "redirect_uri", id="unknown address"
        ),
        pytest.param(
            query(redirect_uri=f"{CALLBACK}#fragment"), "redirect_uri", id="address with fragment"
        ),
        pytest.param(query() + "&redirect_uri=x", "redirect_uri", id="two addresses"),
        pytest.param("", "client_id", id="nothing"),
        pytest.param("a" * 16_385, "longer than", id="too long"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_fault_without_a_trusted_redirect_uri_is_shown_on_a_page(
    http: httpx.AsyncClient, encoded: str, named: str, method: str
) -> None:
    if method == "GET":
        answer = await http.get(f"/authorize?{encoded}")
    else:
        answer = await http.post(
            "/authorize",
            content=encoded,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )

    assert answer.status_code == 400
    assert named in answer.text
    assert 'role="alert"' in answer.text
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers


async def test_the_error_page_shows_the_value_shortened_and_as_text(browser: UserAgent) -> None:
    evil = '"><script>alert(1)</script>' + "x" * 1000

    page = await browser.get(address(client_id=evil))

    assert "<script" not in page.response.text
    assert '"><script>alert(1)</script>' in page.text
    assert "x" * 300 not in page.text


async def test_the_error_page_has_no_link_to_the_untrusted_address(
    browser: UserAgent,
) -> None:
    page = await browser.get(address(redirect_uri="https://evil.example/"))

    assert [link for link in page.links if "evil" in link] == []


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "read:tests"}, "invalid_scope"),
        ({"audience": "https://api.example/nothing"}, "invalid_target"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"nonce": None}, "invalid_request"),
        ({"request_uri": "https://client.example/"}, "request_uri_not_supported"),
    ],
)
async def test_a_fault_is_reported_before_sign_in(
    browser: UserAgent, changes: dict[str, str | None], error: str
) -> None:
    page = await browser.get(address(**changes))

    assert error_of(page) == error
    assert page.fragment["error_description"]


async def test_a_posted_request_is_redirected_to_a_get_request(http: httpx.AsyncClient) -> None:
    answer = await http.post("/authorize", data=dict(parse_qsl(query())))

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/authorize?{query()}"


async def test_a_posted_request_with_a_fault_is_refused(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.post("/authorize", data=dict(parse_qsl(query(scope="no"))))

    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{CALLBACK}#error=invalid_scope&")


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        pytest.param(
            f"/authorize?{query()}", "application/x-www-form-urlencoded", query(), id="both"
        ),
        pytest.param(
            "/authorize?client_id=web-application",
            "application/x-www-form-urlencoded",
            query(client_id=None),
            id="half in the address",
        ),
        pytest.param("/authorize", "application/json", "{}", id="JSON"),
        pytest.param("/authorize", "text/plain", query(), id="plain text"),
    ],
)
async def test_a_posted_request_must_be_a_form_without_a_query(
    http: httpx.AsyncClient, path: str, content_type: str, body: str
) -> None:
    answer = await http.post(path, content=body, headers={"Content-Type": content_type})

    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_not_allowed(http: httpx.AsyncClient, method: str) -> None:
    assert (await http.request(method, f"/authorize?{query()}")).status_code == 405


async def test_a_user_who_has_signed_in_and_consented_sees_no_page(browser: UserAgent) -> None:
    await signed_in_browser(browser)

    page = await browser.get(address(state="next"))

    assert page.fragment["state"] == "next"
    assert len(page.visited) == 2


async def test_each_response_has_a_new_code(browser: UserAgent) -> None:
    await signed_in_browser(browser)

    codes = {(await browser.get(address())).fragment["code"] for _ in range(3)}

    assert len(codes) == 3


async def test_prompt_none_without_a_sign_in_gives_login_required(browser: UserAgent) -> None:
    page = await browser.get(address(prompt="none"))

    assert error_of(page) == "login_required"
    assert "set-cookie" not in page.response.headers


async def test_prompt_none_with_a_new_scope_gives_consent_required(browser: UserAgent) -> None:
    await signed_in_browser(browser)

    page = await browser.get(address(prompt="none", scope="openid write:contacts"))

    assert error_of(page) == "consent_required"


async def test_prompt_none_after_consent_gives_a_response(browser: UserAgent) -> None:
    await signed_in_browser(browser)

    page = await browser.get(address(prompt="none"))

    assert page.fragment["code"]


async def test_prompt_none_with_a_too_old_sign_in_gives_login_required(
    browser: UserAgent, clock: FakeClock
) -> None:
    await signed_in_browser(browser)
    clock.advance(61)

    assert error_of(await browser.get(address(prompt="none", max_age="60"))) == "login_required"


@pytest.mark.parametrize("mode", ["query", "form_post"])
async def test_a_refusal_of_prompt_none_follows_the_response_mode(
    browser: UserAgent, mode: str
) -> None:
    page = await browser.get(address(prompt="none", response_type="code", response_mode=mode))

    answer = page.query if mode == "query" else page.form(CALLBACK).fields
    assert answer["error"] == "login_required"
    assert answer["state"] == "a state"


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
async def test_a_client_can_require_a_new_sign_in_and_one_is_enough(
    browser: UserAgent, prompt: str
) -> None:
    await signed_in_browser(browser)

    page = await browser.get(address(prompt=prompt))
    assert is_sign_in(page)
    there = await sign_in(browser, page)
    if "consent" in prompt:
        assert is_consent(there)
        there = await decide(browser, there)

    assert there.fragment["code"]


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
async def test_a_sign_in_counts_as_new_for_one_response_only(
    browser: UserAgent, changes: dict[str, str | None]
) -> None:
    await signed_in_browser(browser)
    await sign_in(browser, await browser.get(address(**changes)))

    assert is_sign_in(await browser.get(address(**changes)))


async def test_a_sign_in_for_one_request_is_not_new_for_another(browser: UserAgent) -> None:
    page = await sign_in(browser, await browser.get(address(prompt="login", state="one")))
    assert is_consent(page)

    assert is_sign_in(await browser.get(address(prompt="login", state="two")))


async def test_after_a_denial_the_same_request_needs_a_new_sign_in(browser: UserAgent) -> None:
    page = await sign_in(browser, await browser.get(address(prompt="login")))
    await decide(browser, page, "deny")

    assert is_sign_in(await browser.get(address(prompt="login")))


async def test_a_sign_in_does_not_count_as_new_after_some_minutes(
    browser: UserAgent, clock: FakeClock
) -> None:
    page = await sign_in(browser, await browser.get(address(prompt="login")))
    assert is_consent(page)

    clock.advance(601)

    assert is_sign_in(await browser.get(address(prompt="login")))
    assert is_sign_in(await decide(browser, page))


@pytest.mark.parametrize(
    ("max_age", "seconds", "asked"),
    [
        ("60", 60, False),
        ("60", 61, True),
        ("0", 0, True),
        ("9999999999", 3600, False),
    ],
)
async def test_a_sign_in_older_than_max_age_is_not_accepted(
    browser: UserAgent, clock: FakeClock, max_age: str, seconds: float, asked: bool
) -> None:
    await signed_in_browser(browser)
    clock.advance(seconds)

    page = await browser.get(address(max_age=max_age))

    assert is_sign_in(page) is asked
    if asked:
        assert (await sign_in(browser, page)).fragment["code"]


async def test_a_hint_that_names_the_signed_in_user_changes_nothing(
    browser: UserAgent, state: State, issuing: Issuing
) -> None:
    await signed_in_browser(browser)
    token = await id_token_of(state, issuing)

    assert (await browser.get(address(id_token_hint=token))).fragment["code"]


async def test_an_expired_hint_is_accepted(
    browser: UserAgent, state: State, issuing: Issuing, clock: FakeClock
) -> None:
    token = await id_token_of(state, issuing)
    clock.advance(100_000)
    await signed_in_browser(browser)

    assert (await browser.get(address(id_token_hint=token))).fragment["code"]


async def test_a_hint_that_names_another_user_leads_to_the_sign_in_page(
    browser: UserAgent, state: State, issuing: Issuing
) -> None:
    await signed_in_browser(browser)
    token = await id_token_of(state, issuing, username="bob")

    page = await browser.get(address(id_token_hint=token))

    assert is_sign_in(page)
    assert page.form("/authorize/sign-in").fields["username"] == "bob"
    assert is_consent(await sign_in(browser, page, "bob"))


async def test_a_sign_in_of_another_user_than_the_hint_names_gives_an_error(
    browser: UserAgent, state: State, issuing: Issuing
) -> None:
    token = await id_token_of(state, issuing, username="bob")

    page = await sign_in(browser, await browser.get(address(id_token_hint=token)), "alice")

    assert error_of(page) == "login_required"


async def test_a_hint_that_names_another_user_with_prompt_none_gives_an_error(
    browser: UserAgent, state: State, issuing: Issuing
) -> None:
    await signed_in_browser(browser)
    token = await id_token_of(state, issuing, username="bob")

    page = await browser.get(address(id_token_hint=token, prompt="none"))

    assert error_of(page) == "login_required"


async def test_a_hint_that_an_earlier_published_key_signed_is_accepted(
    browser: UserAgent, state: State, issuing: Issuing, keys: SigningKeys, clock: FakeClock
) -> None:
    await signed_in_browser(browser)
    token = await id_token_of(state, issuing)
    await keys.rotate(now=clock(), keep_seconds=3600)

    assert (await browser.get(address(id_token_hint=token))).fragment["code"]


async def outdated_id_token(
    state: State, issuing: Issuing, keys: SigningKeys, clock: FakeClock
) -> str:
    token = await id_token_of(state, issuing)
    await keys.rotate(now=clock(), keep_seconds=60)
    clock.advance(61)
    return token


async def test_a_hint_of_an_unpublished_key_leads_to_the_sign_in_page(
    browser: UserAgent, state: State, issuing: Issuing, keys: SigningKeys, clock: FakeClock
) -> None:
    await signed_in_browser(browser)
    token = await outdated_id_token(state, issuing, keys, clock)

    page = await browser.get(address(id_token_hint=token))

    assert is_sign_in(page)
    assert (await sign_in(browser, page)).fragment["code"]


async def test_after_a_hint_of_an_unpublished_key_the_user_can_consent(
    browser: UserAgent, state: State, issuing: Issuing, keys: SigningKeys, clock: FakeClock
) -> None:
    token = await outdated_id_token(state, issuing, keys, clock)

    page = await sign_in(browser, await browser.get(address(id_token_hint=token)))

    assert (await decide(browser, page)).fragment["code"]


async def test_a_hint_of_an_unpublished_key_with_prompt_none_gives_an_error(
    browser: UserAgent, state: State, issuing: Issuing, keys: SigningKeys, clock: FakeClock
) -> None:
    await signed_in_browser(browser)
    token = await outdated_id_token(state, issuing, keys, clock)

    page = await browser.get(address(id_token_hint=token, prompt="none"))

    assert error_of(page) == "login_required"


@pytest.mark.parametrize(
    "kind",
    ["nonsense", "ü", "tampered", "unsigned", "unknown key", "other client", "access token"],
)
async def test_a_hint_that_is_not_an_id_token_of_the_client_is_refused(
    browser: UserAgent, state: State, issuing: Issuing, keys: SigningKeys, kind: str
) -> None:
    token = await id_token_of(state, issuing)
    claims = jwt.decode(token, options={"verify_signature": False})
    if kind == "nonsense":
        token = "nonsense"
    elif kind == "ü":
        token = "ü.ü.ü"
    elif kind == "tampered":
        header, _, signature = token.split(".")
        other = await id_token_of(state, issuing, username="bob")
        token = f"{header}.{other.split('.')[1]}.{signature}"
    elif kind == "unsigned":
        token = jwt.encode(claims, "", algorithm="none", headers={"kid": keys.current.kid})
    elif kind == "unknown key":
        token = jwt.encode(claims, "s" * 32, algorithm="HS256", headers={"kid": "unknown"})
    elif kind == "other client":
        token = await id_token_of(state, issuing, client_id="single-page")
    else:
        grant = await state.grants.open(
            client_id="web-application", username="alice", audience=AUDIENCE, scopes=("openid",)
        )
        token = (await issuing.access_token(grant, gty="implicit")).value

    assert error_of(await browser.get(address(id_token_hint=token))) == "invalid_request"


async def test_sessions_and_consents_survive_a_restart(
    browser: UserAgent,
    registrations: Registrations,
    keys: SigningKeys,
    state: State,
    clock: FakeClock,
) -> None:
    await signed_in_browser(browser)
    restarted = create_authorization_server(
        issuer=ISSUER, registrations=registrations, keys=keys, state=state, clock=clock
    )

    async with UserAgent({ORIGIN: restarted}) as again:
        again.client.cookies = browser.client.cookies
        assert (await again.get(address())).fragment["code"]


async def test_a_user_who_is_no_longer_registered_is_not_signed_in(
    browser: UserAgent,
    registrations: Registrations,
    keys: SigningKeys,
    state: State,
    clock: FakeClock,
) -> None:
    await signed_in_browser(browser)
    others = {name: user for name, user in registrations.users.items() if name != "alice"}
    restarted = create_authorization_server(
        issuer=ISSUER,
        registrations=dataclasses.replace(registrations, users=others),
        keys=keys,
        state=state,
        clock=clock,
    )

    async with UserAgent({ORIGIN: restarted}) as again:
        again.client.cookies = browser.client.cookies
        assert is_sign_in(await again.get(address()))


@pytest.mark.parametrize("value", ["", "x", "ü", "x" * 5000, "a; b=c"])
async def test_an_invented_session_cookie_signs_nobody_in(browser: UserAgent, value: str) -> None:
    answer = await browser.client.get(
        address(), headers={b"Cookie": f"{SESSION_COOKIE}={value}".encode()}
    )

    assert answer.status_code == 200
    assert "/authorize/sign-in" in answer.text


async def test_a_code_is_bound_to_its_request(browser: UserAgent, state: State) -> None:
    await signed_in_browser(browser)
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    page = await browser.get(address(code_challenge=challenge, code_challenge_method="S256"))

    code = await state.grants.find_code(page.fragment["code"])
    assert code is not None
    assert (code.code_challenge, code.redirect_uri) == (challenge, CALLBACK)
    assert (code.grant.client_id, code.grant.username) == ("web-application", "alice")


async def test_no_response_of_the_endpoint_may_be_cached(browser: UserAgent) -> None:
    await signed_in_browser(browser)
    for changes in (
        {"prompt": "login"},
        {"scope": "openid"},
        {"scope": "no"},
        {"client_id": "nobody"},
        {"response_mode": "form_post"},
        {},
    ):
        answer = await browser.client.get(address(**changes))

        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-frame-options"] == "DENY"


async def test_no_url_of_this_server_contains_a_secret(browser: UserAgent) -> None:
    page = await browser.get(address())
    there = await sign_in(browser, page)

    for url in (*page.visited, *there.visited):
        assert dict(parse_qsl(urlsplit(url).query)) == dict(parse_qsl(query()))
