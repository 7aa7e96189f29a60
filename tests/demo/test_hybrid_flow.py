"""The Hybrid Flow as Auth0's two documents describe it, with a test for each statement.

The name of a test begins with the subject of the statement. The three parties are those of the
demo, with its default registrations.
"""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from demo.required_registrations import AUDIENCE
from tests.support.demo_parties import (
    CALLBACK,
    CONTACT_BOOK,
    ISSUER,
    RunningParties,
    claims,
    left_half_hash,
    running_parties,
    with_claims,
)

HYBRID = ["code id_token", "code token", "code id_token token"]

COMPONENTS = {
    "code id_token": {"code", "id_token"},
    "code token": {"code", "access_token", "expires_in", "token_type"},
    "code id_token token": {"code", "id_token", "access_token", "expires_in", "token_type"},
}
"""The components of each response type, besides `state` and `iss`."""


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after the first start; created once, because that is slow."""
    folder = tmp_path_factory.mktemp("data")

    async def start() -> None:
        async with running_parties(folder):
            pass

    asyncio.run(start())
    return folder


@pytest.fixture
def data(tmp_path: Path, first_start: Path) -> Path:
    shutil.copytree(first_start, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
async def parties(data: Path) -> AsyncGenerator[RunningParties]:
    async with running_parties(data) as running:
        yield running


@pytest.mark.parametrize("response_type", HYBRID)
async def test_authorize_accepts_the_request_of_the_documents(
    parties: RunningParties, response_type: str
) -> None:
    url = f"{ISSUER}authorize?" + urlencode(
        {
            "audience": AUDIENCE,
            "scope": "read:contacts",
            "response_type": response_type,
            "client_id": "web-application",
            "redirect_uri": CALLBACK,
            "state": "YOUR_OPAQUE_VALUE",
            "nonce": "NONCE",
        }
    )

    answer = await parties.allowed(url)

    assert answer.url.partition("#")[0] == CALLBACK
    assert "error" not in answer.fragment
    assert answer.fragment["state"] == "YOUR_OPAQUE_VALUE"


@pytest.mark.parametrize("response_type", HYBRID)
async def test_authorize_sends_errors_back_in_the_fragment_with_state(
    parties: RunningParties, response_type: str
) -> None:
    url = parties.authorization_url(response_type=response_type, scope="read:everything")

    answer = await parties.agent.get(url)

    bare, _, _ = answer.url.partition("#")
    assert bare == CALLBACK
    assert (answer.fragment["error"], answer.fragment["state"]) == ("invalid_scope", "opaque")


async def test_consent_page_is_shown_the_first_time_with_the_permissions(
    parties: RunningParties,
) -> None:
    page = await parties.signed_in(parties.authorization_url(scope="openid read:contacts"))

    assert "Contact book" in page.text
    assert "read:contacts" in page.text
    assert "write:contacts" not in page.text


async def test_consent_page_is_not_shown_again(parties: RunningParties) -> None:
    await parties.allowed(parties.authorization_url())

    answer = await parties.agent.get(parties.authorization_url())

    assert "code" in answer.fragment


@pytest.mark.parametrize(
    "scope", ["openid read:contacts write:contacts", "openid"], ids=["more", "less"]
)
async def test_consent_page_is_shown_again_when_the_scope_changes(
    parties: RunningParties, scope: str
) -> None:
    await parties.allowed(parties.authorization_url(scope="openid read:contacts"))

    page = await parties.agent.get(parties.authorization_url(scope=scope))

    assert page.fragment == {}
    assert page.form("consent").buttons


async def test_consent_that_is_denied_becomes_an_oauth_error(parties: RunningParties) -> None:
    page = await parties.signed_in(parties.authorization_url())

    answer = await parties.agent.submit(page, page.form("consent"), button=("decision", "deny"))

    assert answer.fragment["error"] == "access_denied"
    assert answer.fragment["state"] == "opaque"
    assert "code" not in answer.fragment


@pytest.mark.parametrize("response_type", HYBRID)
async def test_response_has_exactly_the_components_of_the_table(
    parties: RunningParties, response_type: str
) -> None:
    answer = await parties.allowed(parties.authorization_url(response_type=response_type))

    assert set(answer.fragment) == COMPONENTS[response_type] | {"state", "iss"}
    assert answer.query == {}


async def test_response_with_an_access_token_has_its_type_and_lifetime(
    parties: RunningParties,
) -> None:
    answer = await parties.allowed(parties.authorization_url(response_type="code token"))

    assert answer.fragment["token_type"] == "Bearer"
    assert answer.fragment["expires_in"] == "7200"


@pytest.mark.parametrize(
    "redirect_uri",
    [
        CALLBACK + "#fragment",
        CALLBACK + "/",
        CALLBACK + "?more=1",
        CALLBACK.replace("localhost", "127.0.0.1"),
        CALLBACK.replace("http:", "https:"),
        "https://attacker.example/callback",
    ],
)
async def test_redirect_uri_must_be_registered_exactly(
    parties: RunningParties, redirect_uri: str
) -> None:
    page = await parties.agent.get(parties.authorization_url(redirect_uri=redirect_uri))

    assert page.status == 400
    assert page.visited == (page.url,)


@pytest.mark.parametrize("encoding", ["json", "data"])
async def test_token_endpoint_gives_tokens_for_a_code(
    parties: RunningParties, encoding: str
) -> None:
    answer = await parties.allowed(parties.authorization_url())
    request = parties.exchange(answer.fragment["code"])

    response = await parties.agent.client.request(
        "POST",
        f"{ISSUER}oauth/token",
        json=request if encoding == "json" else None,
        data=request if encoding == "data" else None,
    )

    assert response.status_code == 200
    assert {"access_token", "id_token", "token_type"} <= set(response.json())
    assert response.json()["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_client"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
    ids=["secret", "no secret", "redirect URI", "no redirect URI", "code", "grant type"],
)
async def test_token_endpoint_refuses_a_request_that_does_not_match_the_code(
    parties: RunningParties, changes: dict[str, str], error: str
) -> None:
    answer = await parties.allowed(parties.authorization_url())

    response = await parties.token(parties.exchange(answer.fragment["code"]) | changes)

    assert response.status_code in {400, 401}
    assert response.json()["error"] == error


async def test_token_endpoint_accepts_a_code_once_and_a_replay_revokes_its_tokens(
    parties: RunningParties,
) -> None:
    answer = await parties.allowed(
        parties.authorization_url(scope="openid read:contacts offline_access")
    )
    request = parties.exchange(answer.fragment["code"])
    given = (await parties.token(request)).json()

    replayed = await parties.token(request)

    assert replayed.json()["error"] == "invalid_grant"
    refreshed = await parties.refresh(given["refresh_token"])
    assert refreshed.json()["error"] == "invalid_grant"
    assert (await parties.userinfo(given["access_token"])).status_code == 401


@pytest.mark.parametrize(
    ("audience", "scope", "given"),
    [
        (AUDIENCE, "openid read:contacts offline_access", True),
        (AUDIENCE, "openid read:contacts", False),
        ("https://api.example/calendar", "openid read:calendar offline_access", False),
    ],
    ids=["asked for and allowed", "not asked for", "not allowed by the API"],
)
async def test_refresh_token_needs_offline_access_in_the_scope_and_allowed_by_the_api(
    parties: RunningParties, audience: str, scope: str, given: bool
) -> None:
    answer = await parties.allowed(parties.authorization_url(audience=audience, scope=scope))

    response = await parties.token(parties.exchange(answer.fragment["code"]))

    assert ("refresh_token" in response.json()) is given


async def test_refresh_token_is_rotated_and_its_reuse_revokes_the_family(
    parties: RunningParties,
) -> None:
    answer = await parties.allowed(
        parties.authorization_url(scope="openid read:contacts offline_access")
    )
    first = (await parties.token(parties.exchange(answer.fragment["code"]))).json()
    second = (await parties.refresh(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]

    reused = await parties.refresh(first["refresh_token"])

    assert reused.json()["error"] == "invalid_grant"
    newest = await parties.refresh(second["refresh_token"])
    assert newest.json()["error"] == "invalid_grant"


async def test_two_access_tokens_can_be_told_apart(parties: RunningParties) -> None:
    answer = await parties.allowed(parties.authorization_url(response_type="code token"))
    exchanged = (await parties.token(parties.exchange(answer.fragment["code"]))).json()

    through_browser, from_endpoint = (
        claims(answer.fragment["access_token"]),
        claims(exchanged["access_token"]),
    )
    assert through_browser["jti"] != from_endpoint["jti"]
    assert (through_browser["gty"], from_endpoint["gty"]) == ("implicit", "authorization_code")


@pytest.mark.parametrize("refusing", [False, True], ids=["by default", "told to refuse"])
async def test_two_access_tokens_and_an_api_that_refuses_the_front_channel_one(
    data: Path, refusing: bool
) -> None:
    async with running_parties(data, refuse_front_channel_tokens=refusing) as parties:
        answer = await parties.allowed(parties.authorization_url(response_type="code token"))
        exchanged = (await parties.token(parties.exchange(answer.fragment["code"]))).json()

        through_browser = await parties.contacts(answer.fragment["access_token"])
        from_endpoint = await parties.contacts(exchanged["access_token"])

    assert through_browser.status_code == (403 if refusing else 200)
    assert from_endpoint.status_code == 200


async def test_id_token_has_the_nonce_and_the_hashes_of_code_and_access_token(
    parties: RunningParties,
) -> None:
    answer = await parties.allowed(parties.authorization_url(response_type="code id_token token"))

    told = claims(answer.fragment["id_token"])

    assert told["nonce"] == "nonce"
    assert told["c_hash"] == left_half_hash(answer.fragment["code"])
    assert told["at_hash"] == left_half_hash(answer.fragment["access_token"])


@pytest.mark.parametrize(
    ("part", "row"),
    [("state", "state"), ("code", "c_hash"), ("access_token", "at_hash"), ("id_token", "nonce")],
)
async def test_id_token_and_state_are_checked_before_the_web_application_trusts_the_response(
    parties: RunningParties, part: str, row: str
) -> None:
    start = await parties.agent.get(CONTACT_BOOK)
    answer = await parties.allowed(
        next(link for link in start.links if link.startswith(f"{ISSUER}authorize"))
    )
    other = await parties.allowed(
        parties.authorization_url(response_type="code id_token token", state="another")
    )

    page = await parties.deliver(answer, {**answer.fragment, part: other.fragment[part]})

    assert page.status == 400
    assert f"The check “{row}” failed. The checks after it were not made" in page.text


async def test_custom_claims_appear_under_their_namespaced_names_only(
    parties: RunningParties,
) -> None:
    name = "https://contacts.example/team"
    answer = await parties.allowed(parties.authorization_url(scope=f"openid {name}"))

    told = claims(answer.fragment["id_token"])

    assert name in told
    assert "team" not in told


async def test_custom_claims_without_a_namespace_are_dropped(parties: RunningParties) -> None:
    answer = await parties.allowed(
        parties.authorization_url(response_type="code id_token token", scope="openid team")
    )

    assert answer.fragment["scope"] == "openid"
    assert "team" not in claims(answer.fragment["id_token"])
    assert "team" not in claims(answer.fragment["access_token"])


async def test_calling_the_api_with_the_bearer_header_gives_the_users_contacts(
    parties: RunningParties,
) -> None:
    answer = await parties.allowed(parties.authorization_url())
    exchanged = (await parties.token(parties.exchange(answer.fragment["code"]))).json()

    response = await parties.contacts(exchanged["access_token"])

    assert response.status_code == 200
    assert response.json()["contacts"][0]["name"] == "Bob Baker"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"aud": "https://api.example/calendar"}, 401),
        ({"iss": "http://127.0.0.1:9001/"}, 401),
        ({"exp": 1}, 401),
        ({"scope": "write:contacts"}, 403),
        ({}, 200),
    ],
    ids=["audience", "issuer", "expiry", "scope", "nothing"],
)
async def test_verifying_rejects_a_token_when_any_step_fails(
    parties: RunningParties, changes: dict[str, object], status: int
) -> None:
    answer = await parties.allowed(parties.authorization_url())
    exchanged = (await parties.token(parties.exchange(answer.fragment["code"]))).json()

    token = with_claims(exchanged["access_token"], parties.signing_key, changes)
    response = await parties.contacts(token)

    assert response.status_code == status


async def test_verifying_rejects_a_signature_by_another_key(parties: RunningParties) -> None:
    answer = await parties.allowed(parties.authorization_url(response_type="code token"))
    head, body, signature = answer.fragment["access_token"].split(".")

    tampered = ".".join([head, body, ("A" if signature[0] != "A" else "B") + signature[1:]])
    response = await parties.contacts(tampered)

    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


async def test_verifying_rejects_an_id_token_as_access_token(
    parties: RunningParties,
) -> None:
    answer = await parties.allowed(parties.authorization_url())

    response = await parties.contacts(answer.fragment["id_token"])

    assert response.status_code == 401
