"""Our API with tokens of oidc-provider; it fetches the keys over HTTP."""

import httpx
import jwt
import pytest

from tests.interop.hybrid_flow import RESPONSE_TYPES, exchange, front_channel
from tests.interop.provider import ALGORITHMS, OTHER_AUDIENCE, Provider
from tests.support.user_agent import UserAgent

strict_profile_only = pytest.mark.parametrize("api_app", ["rfc9068"], indirect=True)
"""For tests that do not depend on the token profile."""


async def contacts(api: httpx.AsyncClient, token: str) -> httpx.Response:
    """Request the contacts of the token's subject."""
    return await api.get("/contacts", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "response_type", [name for name in RESPONSE_TYPES if "token" in name.split()]
)
async def test_the_api_accepts_an_access_token_from_the_fragment(
    api: httpx.AsyncClient,
    browser: UserAgent,
    provider: Provider,
    algorithm: str,
    response_type: str,
) -> None:
    fragment = await front_channel(browser, provider, algorithm, response_type=response_type)

    response = await contacts(api, fragment["access_token"])

    assert response.status_code == 200, response.text
    assert jwt.get_unverified_header(fragment["access_token"])["alg"] == algorithm


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
async def test_the_api_accepts_an_access_token_from_the_token_endpoint(
    api: httpx.AsyncClient,
    browser: UserAgent,
    provider: Provider,
    algorithm: str,
    response_type: str,
) -> None:
    fragment = await front_channel(browser, provider, algorithm, response_type=response_type)
    tokens = await exchange(browser, provider, algorithm, fragment["code"])

    response = await contacts(api, tokens["access_token"])

    assert response.status_code == 200, response.text
    assert jwt.get_unverified_header(tokens["access_token"])["alg"] == algorithm


@strict_profile_only
async def test_a_subject_does_not_see_the_contacts_of_another(
    api: httpx.AsyncClient, provider: Provider
) -> None:
    headers: dict[str, dict[str, str]] = {}
    for username in ("alice", "bob"):
        async with UserAgent({provider.issuer: None}) as browser:
            fragment = await front_channel(browser, provider, "RS256", username=username)
        headers[username] = {"Authorization": f"Bearer {fragment['access_token']}"}

    written = await api.post("/contacts", json={"name": "Carol"}, headers=headers["alice"])

    assert written.status_code == 201
    assert "Carol" in (await api.get("/contacts", headers=headers["alice"])).text
    assert "Carol" not in (await api.get("/contacts", headers=headers["bob"])).text


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_an_id_token_is_refused(
    api: httpx.AsyncClient, browser: UserAgent, provider: Provider, algorithm: str
) -> None:
    fragment = await front_channel(browser, provider, algorithm)

    response = await contacts(api, fragment["id_token"])

    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_token_for_another_audience_is_refused(
    api: httpx.AsyncClient, browser: UserAgent, provider: Provider, algorithm: str
) -> None:
    fragment = await front_channel(browser, provider, algorithm, audience=OTHER_AUDIENCE)

    response = await contacts(api, fragment["access_token"])

    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


@strict_profile_only
async def test_a_token_without_the_scope_is_refused(
    api: httpx.AsyncClient, browser: UserAgent, provider: Provider
) -> None:
    fragment = await front_channel(browser, provider, "RS256", scope="openid write:contacts")

    response = await contacts(api, fragment["access_token"])

    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]


@strict_profile_only
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("part", [0, 1, 2], ids=["header", "claims", "signature"])
async def test_a_token_with_a_changed_character_is_refused(
    api: httpx.AsyncClient, browser: UserAgent, provider: Provider, algorithm: str, part: int
) -> None:
    fragment = await front_channel(browser, provider, algorithm)
    parts = fragment["access_token"].split(".")
    middle = len(parts[part]) // 2
    other = "B" if parts[part][middle] == "A" else "A"
    parts[part] = parts[part][:middle] + other + parts[part][middle + 1 :]

    response = await contacts(api, ".".join(parts))

    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


@strict_profile_only
async def test_a_token_with_the_signature_of_another_is_refused(
    api: httpx.AsyncClient, browser: UserAgent, provider: Provider
) -> None:
    fragment = await front_channel(browser, provider, "RS256")
    tokens = await exchange(browser, provider, "RS256", fragment["code"])
    forged = (
        fragment["access_token"].rpartition(".")[0]
        + "."
        + tokens["access_token"].rpartition(".")[2]
    )

    response = await contacts(api, forged)

    assert response.status_code == 401


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_the_api_finds_a_new_key_without_a_restart_and_accepts_the_old_one(
    api: httpx.AsyncClient, browser: UserAgent, provider: Provider, algorithm: str
) -> None:
    before = await front_channel(browser, provider, algorithm, response_type="code token")
    first = await contacts(api, before["access_token"])
    provider.rotate_keys()
    after = await exchange(browser, provider, algorithm, before["code"])

    new = await contacts(api, after["access_token"])
    old = await contacts(api, before["access_token"])

    assert _kid(after["access_token"]) != _kid(before["access_token"])
    assert [first.status_code, new.status_code, old.status_code] == [200, 200, 200]


def _kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])
