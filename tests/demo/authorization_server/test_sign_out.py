"""Sign-out by a client: at once with an ID token of the user, otherwise after a question."""

import base64
import json
from urllib.parse import parse_qsl, urlsplit

import httpx
import jwt
import pytest

from asgi_bearer.testing import FakeClock
from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.requests.cookies import CSRF_COOKIE, SESSION_COOKIE
from demo.authorization_server.state.state import State
from demo.authorization_server.token.id_token_hint import HintUnusable, read_id_token_hint
from demo.authorization_server.token.issuing import Issuing
from tests.support.authorization_server.front_channel import (
    AUDIENCE,
    ISSUER,
    ORIGIN,
    address,
    is_sign_in,
    signed_in_browser,
)
from tests.support.user_agent import Page, UserAgent

LOGOUT = f"{ISSUER}oidc/logout"
HOME = "http://localhost:8080/"


def logout(**parameters: str) -> str:
    return str(httpx.URL(LOGOUT, params=parameters))


async def id_token_of(
    state: State, issuing: Issuing, *, username: str = "alice", client_id: str = "web-application"
) -> str:
    grant = await state.grants.open(
        client_id=client_id, username=username, audience=None, scopes=("openid",), auth_time=1
    )
    return issuing.id_token(grant)


def is_question(page: Page) -> bool:
    return any("/oidc/logout" in form.action for form in page.forms)


async def is_signed_in(browser: UserAgent) -> bool:
    return not is_sign_in(await browser.get(address()))


async def test_a_sign_out_with_an_id_token_of_the_user_happens_at_once(
    browser: UserAgent, state: State, issuing: Issuing
) -> None:
    await signed_in_browser(browser)
    secret = browser.client.cookies[SESSION_COOKIE]

    page = await browser.get(logout(id_token_hint=await id_token_of(state, issuing)))

    assert page.status == 200
    assert "You are signed out" in page.text
    assert await state.sessions.find(secret) is None
    assert SESSION_COOKIE not in browser.client.cookies
    assert not await is_signed_in(browser)


async def test_an_expired_id_token_is_accepted_for_sign_out(
    browser: UserAgent, state: State, issuing: Issuing, clock: FakeClock
) -> None:
    token = await id_token_of(state, issuing)
    clock.advance(100_000)
    await signed_in_browser(browser)

    assert "You are signed out" in (await browser.get(logout(id_token_hint=token))).text


async def test_after_sign_out_the_browser_goes_to_a_registered_address_with_the_state(
    browser: UserAgent, state: State, issuing: Issuing
) -> None:
    await signed_in_browser(browser)

    page = await browser.get(
        logout(
            id_token_hint=await id_token_of(state, issuing),
            post_logout_redirect_uri=HOME,
            state="a&b c\u2603",
        )
    )

    assert page.url.startswith(f"{HOME}?state=")
    assert page.query == {"state": "a&b c\u2603"}


async def test_without_a_state_the_browser_goes_to_exactly_the_registered_address(
    browser: UserAgent, state: State, issuing: Issuing
) -> None:
    await signed_in_browser(browser)
    token = await id_token_of(state, issuing)

    page = await browser.get(logout(id_token_hint=token, post_logout_redirect_uri=HOME))

    assert page.url == HOME


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"client_id": "web-application"}, id="a client's name"),
        pytest.param(
            {"client_id": "web-application", "post_logout_redirect_uri": HOME}, id="and an address"
        ),
        pytest.param({"logout_hint": "alice", "ui_locales": "de"}, id="hints without proof"),
    ],
)
async def test_without_an_id_token_the_user_is_asked_before_sign_out(
    browser: UserAgent, parameters: dict[str, str]
) -> None:
    await signed_in_browser(browser)

    page = await browser.get(logout(**parameters))

    assert page.status == 200
    assert is_question(page)
    assert "alice" in page.text
    assert await is_signed_in(browser)


@pytest.fixture
async def outdated(state: State, issuing: Issuing, keys: SigningKeys, clock: FakeClock) -> str:
    """An ID token of alice whose key is no longer published."""
    token = await id_token_of(state, issuing)
    await keys.rotate(now=clock(), keep_seconds=60)
    clock.advance(61)
    return token


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"client_id": "web-application"},
        {"post_logout_redirect_uri": HOME, "state": "s"},
        {"client_id": "web-application", "post_logout_redirect_uri": HOME, "state": "s"},
    ],
    ids=["alone", "client", "address", "client and address"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_with_an_id_token_of_an_unpublished_key_the_user_is_asked(
    browser: UserAgent, outdated: str, parameters: dict[str, str], method: str
) -> None:
    await signed_in_browser(browser)
    asked = {"id_token_hint": outdated, **parameters}
    if method == "POST":
        posted = await browser.client.post(LOGOUT, data=asked)
        page = await browser.get(str(httpx.URL(LOGOUT).join(posted.headers["location"])))
    else:
        page = await browser.get(logout(**asked))
    signed_in_before = await is_signed_in(browser)

    after = await browser.submit(page, page.form("/oidc/logout"))

    assert (is_question(page), signed_in_before) == (True, True)
    assert not await is_signed_in(browser)
    if {"client_id", "post_logout_redirect_uri"} <= parameters.keys():
        assert after.url == f"{HOME}?state=s"
    else:
        assert "You are signed out" in after.text


async def test_an_outdated_id_token_beside_a_client_id_is_ignored(
    browser: UserAgent, outdated: str
) -> None:
    """Nothing in it is verified, so its client is unknown, too."""
    await signed_in_browser(browser)

    page = await browser.get(logout(id_token_hint=outdated, client_id="single-page"))

    assert is_question(page)
    assert "Contact page asks" in page.text


@pytest.mark.parametrize(
    "parameters",
    [
        {"client_id": "nobody"},
        {"client_id": "web-application", "post_logout_redirect_uri": "https://evil.example/"},
        {"client_id": "single-page", "post_logout_redirect_uri": HOME},
    ],
    ids=["unknown client", "unknown address", "address of another client"],
)
async def test_other_faults_beside_an_outdated_id_token_are_reported(
    browser: UserAgent, outdated: str, parameters: dict[str, str]
) -> None:
    await signed_in_browser(browser)

    page = await browser.get(logout(id_token_hint=outdated, **parameters))

    assert page.status == 400
    assert await is_signed_in(browser)


async def test_with_only_an_outdated_id_token_the_browser_stays_at_this_server(
    browser: UserAgent, outdated: str
) -> None:
    page = await browser.get(
        logout(id_token_hint=outdated, post_logout_redirect_uri="https://evil.example/")
    )

    assert page.visited == (page.url,)
    assert "You are signed out" in page.text


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({}, {"iss": "https://another.example/"}),
        ({}, {"aud": AUDIENCE}),
        ({}, {"aud": ["web-application"]}),
        ({}, {"sub": None}),
        ({"alg": "HS256"}, {}),
        ({"kid": "../../gone"}, {}),
        ({"kid": ""}, {}),
        ({"kid": 7}, {}),
    ],
    ids=[
        *("another issuer", "access token", "several audiences", "nobody"),
        *(
            "another algorithm",
            "no name of a key of ours",
            "empty name of a key",
            "number of a key",
        ),
    ],
)
async def test_a_hint_that_is_not_an_id_token_of_this_server_is_refused_with_any_key(
    browser: UserAgent, outdated: str, header: dict[str, object], changes: dict[str, object]
) -> None:
    await signed_in_browser(browser)
    claims = {**jwt.decode(outdated, options={"verify_signature": False}), **changes}
    token = unverifiable({"alg": "RS256", "kid": "k" * 43, **header}, claims)

    page = await browser.get(logout(id_token_hint=token, client_id="web-application"))

    assert page.status == 400
    assert await is_signed_in(browser)


def unverifiable(header: object, claims: object) -> str:
    """Return an unsigned token."""
    parts = [json.dumps(part).encode() for part in (header, claims)]
    return ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, b"signature")
    )


async def test_a_forged_signature_with_a_published_key_id_is_refused(
    browser: UserAgent, state: State, issuing: Issuing
) -> None:
    await signed_in_browser(browser)
    signed, _, _ = (await id_token_of(state, issuing)).rpartition(".")
    _, _, signature = (await id_token_of(state, issuing, username="bob")).rpartition(".")

    page = await browser.get(logout(id_token_hint=f"{signed}.{signature}"))

    assert page.status == 400
    assert await is_signed_in(browser)


async def test_a_user_who_confirms_is_signed_out_and_sent_back(browser: UserAgent) -> None:
    await signed_in_browser(browser)
    asked = logout(client_id="web-application", post_logout_redirect_uri=HOME, state="s")
    page = await browser.get(asked)

    there = await browser.submit(page, page.form("/oidc/logout"))

    assert there.url == f"{HOME}?state=s"
    policy = page.response.headers["content-security-policy"]
    assert "form-action 'self' http://localhost:8080;" in policy
    assert not await is_signed_in(browser)


async def test_with_an_id_token_of_another_user_the_user_is_asked(
    browser: UserAgent, state: State, issuing: Issuing
) -> None:
    await signed_in_browser(browser)
    token = await id_token_of(state, issuing, username="bob")

    assert is_question(await browser.get(logout(id_token_hint=token)))
    assert await is_signed_in(browser)


async def test_a_person_who_is_not_signed_in_is_not_asked(browser: UserAgent) -> None:
    page = await browser.get(logout(client_id="web-application", post_logout_redirect_uri=HOME))

    assert page.url == HOME


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"post_logout_redirect_uri": HOME}, id="whose address"),
        pytest.param(
            {"client_id": "web-application", "post_logout_redirect_uri": "https://evil.example/"},
            id="unknown address",
        ),
        pytest.param(
            {"client_id": "web-application", "post_logout_redirect_uri": f"{HOME}#x"},
            id="address with a fragment",
        ),
        pytest.param(
            {"client_id": "web-application", "post_logout_redirect_uri": f"{HOME}callback"},
            id="another address of the client",
        ),
        pytest.param(
            {"client_id": "single-page", "post_logout_redirect_uri": HOME},
            id="address of another client",
        ),
        pytest.param({"client_id": "nobody"}, id="unknown client"),
        pytest.param({"id_token_hint": "nonsense"}, id="nonsense for an ID token"),
        pytest.param(
            {
                "client_id": "web-application",
                "post_logout_redirect_uri": HOME,
                "state": "s" * 2049,
            },
            id="state too long",
        ),
        pytest.param({"client_id": "a\nb"}, id="line break"),
        pytest.param({"client_id": "x" * 16_385}, id="too long"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_faulty_sign_out_request_shows_an_error_and_changes_nothing(
    browser: UserAgent, parameters: dict[str, str], method: str
) -> None:
    await signed_in_browser(browser)

    if method == "GET":
        answer = await browser.client.get(logout(**parameters))
    else:
        answer = await browser.client.post(LOGOUT, data=parameters)

    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert await is_signed_in(browser)


async def test_a_repeated_parameter_is_refused(browser: UserAgent) -> None:
    asked = logout(client_id="web-application", post_logout_redirect_uri=HOME)

    answer = await browser.client.get(f"{asked}&post_logout_redirect_uri=https://evil.example/")

    assert answer.status_code == 400


async def test_an_id_token_of_another_client_than_client_id_is_refused(
    browser: UserAgent, state: State, issuing: Issuing
) -> None:
    token = await id_token_of(state, issuing, client_id="single-page")

    page = await browser.get(logout(id_token_hint=token, client_id="web-application"))

    assert page.status == 400


async def test_an_access_token_is_refused_as_id_token_hint(
    browser: UserAgent, state: State, issuing: Issuing
) -> None:
    await signed_in_browser(browser)
    grant = await state.grants.open(
        client_id="web-application", username="alice", audience=AUDIENCE, scopes=("openid",)
    )
    token = (await issuing.access_token(grant, gty="implicit")).value

    assert (await browser.get(logout(id_token_hint=token))).status == 400
    assert await is_signed_in(browser)


async def test_a_posted_sign_out_request_is_redirected_so_that_cookies_are_sent(
    http: httpx.AsyncClient,
) -> None:
    asked = {"client_id": "web-application", "post_logout_redirect_uri": HOME}

    answer = await http.post("/oidc/logout", data=asked)

    assert answer.status_code == 303
    target = urlsplit(answer.headers["location"])
    assert (target.netloc, target.path) == ("", "/oidc/logout")
    assert dict(parse_qsl(target.query)) == asked


async def test_a_posted_sign_out_request_must_not_have_a_query(http: httpx.AsyncClient) -> None:
    answer = await http.post("/oidc/logout?state=a", data={"client_id": "web-application"})

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("changes", "headers"),
    [
        pytest.param({"csrf": "u" * 43}, {}, id="another value"),
        pytest.param({"csrf": ""}, {}, id="no value"),
        pytest.param({}, {"Origin": "https://evil.example"}, id="other site"),
        pytest.param({}, {"Origin": "http://127.0.0.1:8000"}, id="other port"),
        pytest.param({}, {"Sec-Fetch-Site": "cross-site"}, id="other site, by its fetch"),
    ],
)
async def test_a_confirmation_from_another_page_signs_nobody_out(
    browser: UserAgent, changes: dict[str, str], headers: dict[str, str]
) -> None:
    await signed_in_browser(browser)
    form = (await browser.get(logout())).form("/oidc/logout")

    answer = await browser.client.post(
        ORIGIN + form.action, data={**form.fields, **changes}, headers=headers
    )

    assert answer.status_code == 403
    assert await is_signed_in(browser)


async def test_a_confirmation_without_the_cookie_signs_nobody_out(browser: UserAgent) -> None:
    await signed_in_browser(browser)
    page = await browser.get(logout())
    browser.client.cookies.delete(CSRF_COOKIE)

    assert (await browser.submit(page, page.form("/oidc/logout"))).status == 403
    assert await is_signed_in(browser)


@pytest.mark.parametrize("scopes", [("openid", "read:contacts"), ("read:contacts",)])
@pytest.mark.parametrize("audience", [AUDIENCE, "https://api.example/calendar", None])
async def test_access_tokens_of_all_kinds_are_refused_as_id_token_hint(
    state: State,
    issuing: Issuing,
    keys: SigningKeys,
    clock: FakeClock,
    scopes: tuple[str, ...],
    audience: str | None,
) -> None:
    grant = await state.grants.open(
        client_id="web-application", username="alice", audience=audience, scopes=scopes
    )
    token = (await issuing.access_token(grant, gty="implicit")).value

    with pytest.raises(HintUnusable):
        read_id_token_hint(token, issuer=ISSUER, keys=keys.published(clock()))
