"""`resource` (RFC 8707) works like `audience`, at /authorize and at the token endpoint."""

import httpx
import pytest

from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.state.state import State
from tests.support.authorization_server.back_channel import BackChannel, claims_of, error
from tests.support.authorization_server.example_registrations import (
    CALENDAR,
    COMMAND_LINE,
    CONTACTS,
    ISSUER,
)
from tests.support.authorization_server.front_channel import (
    address,
    decide,
    is_consent,
    sign_in,
    signed_in_browser,
)
from tests.support.user_agent import UserAgent

CONTACTS_ID, CALENDAR_ID = CONTACTS.identifier, CALENDAR.identifier
USERINFO = f"{ISSUER}userinfo"
UNUSABLE = [
    "https://api.example/",
    f"{CONTACTS_ID}/",
    f"{CONTACTS_ID}#",
    f"{CONTACTS_ID}#contacts",
    f"{CONTACTS_ID}?x=1",
    f"{CONTACTS_ID} {CALENDAR_ID}",
    CONTACTS_ID.upper(),
    "//api.example/contacts",
    "/contacts",
    "contacts",
    "*",
    USERINFO,
]


def repeated(*resources: str) -> str:
    """Return the URL of a request with several resources."""
    return f"{address(audience=None)}&" + "&".join(f"resource={one}" for one in resources)


@pytest.mark.parametrize("audience", [None, CONTACTS_ID], ids=["alone", "beside audience"])
async def test_tokens_have_the_resource_as_audience(
    browser: UserAgent, keys: SigningKeys, back_channel: BackChannel, audience: str | None
) -> None:
    asked = address(
        response_type="code token", audience=audience, resource=CONTACTS_ID, scope="read:contacts"
    )

    page = await decide(browser, await sign_in(browser, await browser.get(asked)))
    tokens = await back_channel.exchange(page.fragment["code"], resource=CONTACTS_ID)

    assert claims_of(page.fragment["access_token"], keys)["aud"] == CONTACTS_ID
    assert claims_of(tokens.json()["access_token"], keys)["aud"] == CONTACTS_ID


async def test_consent_to_a_resource_counts_for_the_same_audience(browser: UserAgent) -> None:
    await signed_in_browser(browser)

    page = await browser.get(address(audience=None, resource=CONTACTS_ID))

    assert page.fragment["code"]


async def test_another_resource_needs_consent_of_its_own(browser: UserAgent) -> None:
    await signed_in_browser(browser)

    asked = address(audience=None, resource=CALENDAR_ID, scope="openid read:calendar")
    page = await browser.get(asked)

    assert is_consent(page)
    assert "Calendar" in page.text


@pytest.mark.parametrize("resource", UNUSABLE)
@pytest.mark.parametrize("audience", [None, CONTACTS_ID], ids=["alone", "beside audience"])
async def test_an_invalid_or_unknown_resource_is_refused(
    browser: UserAgent, audience: str | None, resource: str
) -> None:
    page = await browser.get(address(audience=audience, resource=resource))

    assert (page.fragment["error"], page.fragment["state"]) == ("invalid_target", "a state")


@pytest.mark.parametrize(
    ("audience", "resource"),
    [(CONTACTS_ID, CALENDAR_ID), (CALENDAR_ID, CONTACTS_ID), ("https://other/", CONTACTS_ID)],
)
async def test_an_audience_and_a_different_resource_are_refused(
    browser: UserAgent, audience: str, resource: str
) -> None:
    page = await browser.get(address(audience=audience, resource=resource))

    assert page.fragment["error"] == "invalid_target"


@pytest.mark.parametrize(
    "resources",
    [(CONTACTS_ID, CALENDAR_ID), (CONTACTS_ID, CONTACTS_ID), (CONTACTS_ID, "")],
    ids=["two", "twice the same", "once empty"],
)
async def test_several_resources_are_refused(
    browser: UserAgent, resources: tuple[str, str]
) -> None:
    page = await browser.get(repeated(*resources))

    assert page.fragment["error"] == "invalid_target"


async def test_an_empty_resource_counts_as_absent(browser: UserAgent) -> None:
    await signed_in_browser(browser)

    assert (await browser.get(address(resource=""))).fragment["code"]


async def test_a_request_with_a_resource_can_be_posted(
    http: httpx.AsyncClient,
) -> None:
    query = httpx.URL(address(audience=None, resource=CONTACTS_ID)).params

    answer = await http.post("authorize", data=dict(query))

    assert httpx.URL(answer.headers["location"]).params["resource"] == CONTACTS_ID


@pytest.mark.parametrize(
    "changes",
    [{}, {"resource": CONTACTS_ID}, {"audience": CONTACTS_ID}, {"resource": ""}],
    ids=["neither", "resource", "audience", "empty"],
)
async def test_a_code_and_a_refresh_token_can_name_their_own_api(
    back_channel: BackChannel, keys: SigningKeys, changes: dict[str, str]
) -> None:
    code = await back_channel.code(scopes=("read:contacts", "offline_access"))

    first = (await back_channel.exchange(code, **changes)).json()
    second = (await back_channel.refresh(first["refresh_token"], **changes)).json()

    for tokens in (first, second):
        assert claims_of(tokens["access_token"], keys)["aud"] == CONTACTS_ID


OTHER_TARGETS = [
    *({"resource": resource} for resource in (*UNUSABLE, CALENDAR_ID)),
    {"audience": CALENDAR_ID},
    {"audience": CALENDAR_ID, "resource": CONTACTS_ID},
    {"audience": CONTACTS_ID, "resource": CALENDAR_ID},
]


@pytest.mark.parametrize("changes", OTHER_TARGETS, ids=str)
async def test_a_code_is_refused_for_another_api_and_stays_valid(
    back_channel: BackChannel, changes: dict[str, str]
) -> None:
    code = await back_channel.code()

    refused = await back_channel.exchange(code, **changes)

    assert error(refused) == (400, "invalid_target")
    assert (await back_channel.exchange(code)).status_code == 200


@pytest.mark.parametrize("changes", OTHER_TARGETS, ids=str)
async def test_a_refresh_token_is_refused_for_another_api_and_stays_valid(
    back_channel: BackChannel, changes: dict[str, str]
) -> None:
    refresh_token = (await back_channel.tokens())["refresh_token"]

    refused = await back_channel.refresh(refresh_token, **changes)

    assert error(refused) == (400, "invalid_target")
    assert (await back_channel.refresh(refresh_token)).status_code == 200


async def test_a_code_without_an_api_is_refused_for_an_api(back_channel: BackChannel) -> None:
    code = await back_channel.code(audience=None, scopes=("openid",))

    refused = await back_channel.exchange(code, resource=CONTACTS_ID)

    assert error(refused) == (400, "invalid_target")


async def test_a_client_gets_a_client_credentials_token_for_a_resource(
    back_channel: BackChannel, keys: SigningKeys
) -> None:
    answer = await own_token(back_channel, resource=CALENDAR_ID, scope="read:calendar")

    assert claims_of(answer.json()["access_token"], keys)["aud"] == CALENDAR_ID


@pytest.mark.parametrize(
    "changes",
    [
        *({"resource": resource} for resource in UNUSABLE),
        {"audience": CONTACTS_ID, "resource": CALENDAR_ID},
        {"audience": CALENDAR_ID, "resource": CONTACTS_ID},
    ],
    ids=str,
)
async def test_a_client_gets_no_client_credentials_token_for_an_invalid_resource(
    back_channel: BackChannel, changes: dict[str, str]
) -> None:
    answer = await own_token(back_channel, scope="read:contacts", **changes)

    assert error(answer) == (400, "invalid_target")


async def own_token(back_channel: BackChannel, **changes: str) -> httpx.Response:
    return await back_channel.post(
        "oauth/token",
        client_id=COMMAND_LINE.client_id,
        grant_type="client_credentials",
        **changes,
    )


@pytest.mark.parametrize(
    "resources", [(CONTACTS_ID, CALENDAR_ID), (CONTACTS_ID, CONTACTS_ID)], ids=["two", "one twice"]
)
async def test_several_resources_are_refused_at_the_token_endpoint(
    http: httpx.AsyncClient, state: State, resources: tuple[str, str]
) -> None:
    code = await BackChannel(http, state).code()

    answer = await http.post(
        "oauth/token",
        data={"grant_type": "authorization_code", "code": code, "resource": list(resources)},
    )

    assert error(answer) == (400, "invalid_target")
    assert (await BackChannel(http, state).exchange(code)).status_code == 200


async def test_another_repeated_parameter_beside_a_resource_is_an_invalid_request(
    browser: UserAgent, http: httpx.AsyncClient
) -> None:
    page = await browser.get(f"{repeated(CONTACTS_ID, CALENDAR_ID)}&nonce=another")
    answer = await http.post("oauth/token", data={"resource": ["a:b", "c:d"], "code": ["x", "y"]})

    assert page.fragment["error"] == "invalid_request"
    assert error(answer) == (400, "invalid_request")
