"""Authorization responses: their place, their parameters, and their escaping."""

from urllib.parse import parse_qsl, urlsplit

import httpx
import jwt
import pytest

from demo.authorization_server.authorize.response_mode import (
    Destination,
    form_action,
    location,
    response_parameters,
)
from demo.authorization_server.state.state import State
from tests.support.authorization_server.front_channel import (
    AUDIENCE,
    CALLBACK,
    ISSUER,
    address,
    decide,
    sign_in,
    signed_in_browser,
)
from tests.support.user_agent import UserAgent


@pytest.mark.parametrize(
    ("response_type", "components"),
    [
        ("code", {"code"}),
        ("code id_token", {"code", "id_token"}),
        ("code token", {"code", "access_token", "token_type", "expires_in"}),
        (
            "code id_token token",
            {"code", "id_token", "access_token", "token_type", "expires_in"},
        ),
    ],
)
@pytest.mark.parametrize("mode", ["fragment", "form_post"])
async def test_a_response_has_exactly_the_components_of_its_response_type(
    browser: UserAgent, response_type: str, components: set[str], mode: str
) -> None:
    await signed_in_browser(browser)

    page = await browser.get(address(response_type=response_type, response_mode=mode))

    answer = page.fragment if mode == "fragment" else page.form(CALLBACK).fields
    assert set(answer) == components | {"state", "iss"}
    assert answer["state"] == "a state"
    assert answer["iss"] == ISSUER
    assert all(answer.values())


async def test_a_response_gives_the_lifetime_of_the_front_channel_token(browser: UserAgent) -> None:
    await signed_in_browser(browser)

    answer = (await browser.get(address(response_type="code token"))).fragment

    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", "7200")


async def test_a_response_names_the_scope_if_it_differs_from_the_request(
    browser: UserAgent,
) -> None:
    asked = address(response_type="code id_token token", scope="read:contacts")
    page = await decide(browser, await sign_in(browser, await browser.get(asked)))

    assert page.fragment["scope"] == "openid read:contacts"


async def test_the_tokens_of_a_response_belong_to_its_request(
    browser: UserAgent, state: State
) -> None:
    await signed_in_browser(browser)

    answer = (await browser.get(address(response_type="code id_token token"))).fragment

    id_token = jwt.decode(answer["id_token"], options={"verify_signature": False})
    access_token = jwt.decode(answer["access_token"], options={"verify_signature": False})
    code = await state.grants.find_code(answer["code"])
    assert (id_token["nonce"], id_token["sub"], id_token["aud"]) == (
        "a nonce",
        "alice",
        "web-application",
    )
    assert {"c_hash", "at_hash", "auth_time"} <= set(id_token)
    assert AUDIENCE in access_token["aud"]
    assert access_token["gty"] == "implicit"
    assert code is not None
    assert code.redirect_uri == CALLBACK
    assert code.grant.scopes == ("openid", "read:contacts")
    assert code.grant.audience == AUDIENCE
    assert not code.used


async def test_a_code_alone_is_sent_in_the_query(browser: UserAgent) -> None:
    await signed_in_browser(browser)

    page = await browser.get(address(response_type="code"))

    assert set(page.query) == {"code", "state", "iss"}
    assert "#" not in page.url


async def test_without_a_state_none_is_sent(browser: UserAgent) -> None:
    await signed_in_browser(browser)

    page = await browser.get(address(state=None))

    assert set(page.fragment) == {"code", "id_token", "iss"}


async def test_a_response_is_a_redirect_that_browsers_follow_with_get(
    browser: UserAgent,
) -> None:
    await signed_in_browser(browser)

    answer = await browser.client.get(address())

    assert answer.status_code == 303
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"


async def test_a_form_post_response_has_a_button_for_browsers_without_scripts(
    browser: UserAgent,
) -> None:
    await signed_in_browser(browser)

    page = await browser.get(address(response_mode="form_post"))
    form = page.form(CALLBACK)

    assert page.status == 200
    assert (form.action, form.method) == (CALLBACK, "post")
    assert form.buttons == [("", "")]
    assert '<script src="/scripts/form_post.js" defer></script>' in page.response.text
    policy = page.response.headers["content-security-policy"]
    assert "form-action 'self' http://localhost:8080;" in policy
    assert "script-src 'self';" in policy
    assert page.response.headers["cache-control"] == "no-store"


async def test_the_script_of_the_form_post_page_is_served(http: httpx.AsyncClient) -> None:
    answer = await http.get("/scripts/form_post.js")

    assert answer.status_code == 200
    assert "javascript" in answer.headers["content-type"]


async def test_an_error_with_form_post_is_a_form(browser: UserAgent) -> None:
    page = await browser.get(address(response_mode="form_post", scope="read:tests"))

    fields = page.form(CALLBACK).fields
    assert fields["error"] == "invalid_scope"
    assert fields["state"] == "a state"
    assert fields["iss"] == ISSUER


HOSTILE_STATES = [
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "&code=stolen#access_token=stolen",
    "a+b c%20d%0d%0aSet-Cookie:x=y",
    "javascript:alert(1)",
    "ünïcödé ☃",
]


@pytest.mark.parametrize("opaque", HOSTILE_STATES)
@pytest.mark.parametrize("response_type", ["code", "code id_token"])
async def test_a_state_is_returned_unchanged_and_cannot_inject_anything(
    browser: UserAgent, opaque: str, response_type: str
) -> None:
    await signed_in_browser(browser)

    page = await browser.get(address(state=opaque, response_type=response_type))

    answer = page.query if response_type == "code" else page.fragment
    assert answer["state"] == opaque
    assert answer["code"] != "stolen"
    assert page.url.count("#") == (0 if response_type == "code" else 1)
    assert "access_token" not in answer


@pytest.mark.parametrize("opaque", HOSTILE_STATES)
async def test_a_state_in_a_form_post_response_is_escaped(browser: UserAgent, opaque: str) -> None:
    await signed_in_browser(browser)

    page = await browser.get(address(state=opaque, response_mode="form_post"))

    assert page.form(CALLBACK).fields["state"] == opaque
    assert page.response.text.count("<script") == 1
    assert "<img" not in page.response.text


@pytest.mark.parametrize(
    ("redirect_uri", "expected"),
    [
        ("https://client.example", "https://client.example?code=1%202"),
        ("https://client.example/a", "https://client.example/a?code=1%202"),
        ("https://client.example/a?", "https://client.example/a?code=1%202"),
        ("https://client.example/a?b=c", "https://client.example/a?b=c&code=1%202"),
        ("https://client.example/a?b=c%2Bd&", "https://client.example/a?b=c%2Bd&code=1%202"),
        ("com.example.app:/callback", "com.example.app:/callback?code=1%202"),
    ],
)
def test_the_query_of_the_registered_redirect_uri_is_kept(redirect_uri: str, expected: str) -> None:
    destination = Destination(redirect_uri, "query", None)

    assert location(destination, {"code": "1 2"}) == expected


def test_a_fragment_follows_the_query_of_the_registered_redirect_uri() -> None:
    destination = Destination("https://client.example/a?b=c", "fragment", None)

    assert location(destination, {"code": "1 2"}) == "https://client.example/a?b=c#code=1%202"


def test_a_value_cannot_end_the_header_or_add_a_parameter() -> None:
    destination = Destination(CALLBACK, "query", "a\r\nSet-Cookie: b=c\r\n\r\n&iss=evil#f\x00")
    parameters = response_parameters(destination, ISSUER, {"code": "1"})

    target = location(destination, parameters)

    assert target.isascii()
    assert target.isprintable()
    assert parse_qsl(urlsplit(target).query) == list(parameters.items())
    assert parameters["iss"] == ISSUER


@pytest.mark.parametrize(
    ("redirect_uri", "source"),
    [
        ("http://localhost:8080/callback?a=b", "http://localhost:8080"),
        ("https://client.example/callback", "https://client.example"),
        ("http://[::1]:8080/callback", "http:"),
        ("com.example.app:/callback", "com.example.app:"),
        ("com.example.app://host;script-src/callback", "com.example.app:"),
    ],
)
def test_the_policy_names_where_a_form_may_lead(redirect_uri: str, source: str) -> None:
    assert form_action(redirect_uri) == source
