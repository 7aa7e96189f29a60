"""Unknown scopes are ignored, and the response names the granted ones.

OpenID Connect Core §3.1.2.1, RFC 6749 §3.3, §5.1.
"""

import pytest

from demo.authorization_server.keys.signing_keys import SigningKeys
from tests.support.authorization_server.back_channel import BackChannel, claims_of, error
from tests.support.authorization_server.example_registrations import COMMAND_LINE, CONTACTS
from tests.support.authorization_server.front_channel import (
    address,
    decide,
    is_consent,
    sign_in,
    signed_in_browser,
)
from tests.support.user_agent import UserAgent

EVERYTHING = "code id_token token"


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ("openid read:contacts nobody:knows", "openid read:contacts"),
        ("nobody:knows read:contacts openid", "read:contacts openid"),
        ("openid Read:Contacts read:contacts", "openid read:contacts"),
        ("read:contacts nobody:knows", "openid read:contacts"),
        ("openid https://contacts.example/salary", "openid"),
        ("openid a b c d e a b", "openid"),
    ],
)
async def test_known_scopes_are_granted_and_the_response_names_them(
    browser: UserAgent, keys: SigningKeys, scope: str, granted: str
) -> None:
    asked = address(response_type=EVERYTHING, scope=scope)

    page = await decide(browser, await sign_in(browser, await browser.get(asked)))

    assert page.fragment["scope"] == granted
    assert claims_of(page.fragment["access_token"], keys)["scope"] == granted


async def test_a_response_without_an_access_token_names_no_scope(
    browser: UserAgent, back_channel: BackChannel
) -> None:
    asked = address(response_type="code id_token", scope="openid read:contacts nobody:knows")
    page = await decide(browser, await sign_in(browser, await browser.get(asked)))

    tokens = (await back_channel.exchange(page.fragment["code"])).json()

    assert "scope" not in page.fragment
    assert tokens["scope"] == "openid read:contacts"


async def test_a_response_names_no_scope_if_all_scopes_are_granted(
    browser: UserAgent,
) -> None:
    asked = address(response_type=EVERYTHING, scope="openid read:contacts")

    page = await decide(browser, await sign_in(browser, await browser.get(asked)))

    assert "scope" not in page.fragment


async def test_the_consent_page_shows_known_scopes_only(browser: UserAgent) -> None:
    asked = address(scope="openid read:contacts nobody:knows https://contacts.example/salary")

    page = await sign_in(browser, await browser.get(asked))

    assert is_consent(page)
    assert "read:contacts" in page.text
    assert "nobody:knows" not in page.text
    assert "salary" not in page.text


async def test_an_unknown_scope_needs_no_new_consent(
    browser: UserAgent,
) -> None:
    await signed_in_browser(browser)

    page = await browser.get(address(scope="openid read:contacts nobody:knows"))

    assert page.fragment["code"]


@pytest.mark.parametrize(
    "scope", ["nobody:knows", "nobody:knows nor:this", "Openid", "team", "openid,read:contacts"]
)
@pytest.mark.parametrize("response_type", ["code", "code id_token", EVERYTHING])
async def test_a_request_with_unknown_scopes_only_is_refused(
    browser: UserAgent, scope: str, response_type: str
) -> None:
    page = await browser.get(address(response_type=response_type, scope=scope))

    answer = page.query if response_type == "code" else page.fragment
    assert answer["error"] == "invalid_scope"


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": "openid read:calendar"},
        {"scope": "openid read:calendar nobody:knows"},
        {"audience": None, "scope": "openid read:contacts"},
        {"scope": "openid  nobody:knows"},
        {"scope": 'openid nobody"knows'},
    ],
    ids=["another API's", "another API's and nobody's", "no API", "two spaces", "quotation mark"],
)
async def test_a_scope_of_another_api_and_a_malformed_scope_are_refused(
    browser: UserAgent, changes: dict[str, str | None]
) -> None:
    page = await browser.get(address(**changes))

    assert page.fragment["error"] == "invalid_scope"


async def test_a_client_credentials_token_has_the_known_scopes(
    back_channel: BackChannel, keys: SigningKeys
) -> None:
    answer = await back_channel.post(
        "oauth/token",
        client_id=COMMAND_LINE.client_id,
        grant_type="client_credentials",
        audience=CONTACTS.identifier,
        scope="nobody:knows read:contacts",
    )

    assert answer.json()["scope"] == "read:contacts"
    assert claims_of(answer.json()["access_token"], keys)["scope"] == "read:contacts"


async def test_a_refresh_may_repeat_the_scope_of_the_authorization_request(
    back_channel: BackChannel, keys: SigningKeys
) -> None:
    tokens = await back_channel.tokens(scopes=("openid", "read:contacts", "offline_access"))

    answer = await back_channel.refresh(
        tokens["refresh_token"], scope="openid read:contacts offline_access nobody:knows"
    )

    assert answer.json()["scope"] == "openid read:contacts offline_access"
    assert claims_of(answer.json()["access_token"], keys)["scope"] == answer.json()["scope"]


@pytest.mark.parametrize("scope", ["nobody:knows", "read:contacts write:contacts nobody:knows"])
async def test_a_refresh_for_no_known_scope_or_for_more_scopes_is_refused(
    back_channel: BackChannel, scope: str
) -> None:
    tokens = await back_channel.tokens(scopes=("openid", "read:contacts", "offline_access"))

    answer = await back_channel.refresh(tokens["refresh_token"], scope=scope)

    assert error(answer) == (400, "invalid_scope")
