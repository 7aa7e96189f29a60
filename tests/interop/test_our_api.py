"""Our API accepts and refuses what oidc-provider issues; the keys come over real HTTP."""

import httpx
import jwt
import pytest

from tests.interop.hybrid_flow import RESPONSE_TYPES, exchanged, front_channel
from tests.interop.provider import ALGORITHMS, OTHER_AUDIENCE, Provider
from tests.support.user_agent import UserAgent

one_profile = pytest.mark.parametrize("api_app", ["rfc9068"], indirect=True)
"""For what does not depend on the token's profile."""


async def contacts(api: httpx.AsyncClient, token: str) -> httpx.Response:
    """Ask for the contacts of the token's subject."""
    return await api.get("/contacts", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "response_type", [name for name in RESPONSE_TYPES if "token" in name.split()]
)
async def test_an_access_token_out_of_the_fragment_opens_the_api(
    api: httpx.AsyncClient,
    browser: UserAgent,
    provider: Provider,
    algorithm: str,
    response_type: str,
) -> None:
    given = await front_channel(browser, provider, algorithm, response_type=response_type)

    answer = await contacts(api, given["access_token"])

    assert answer.status_code == 200, answer.text
    assert jwt.get_unverified_header(given["access_token"])["alg"] == algorithm


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
async def test_an_access_token_in_exchange_for_the_code_opens_the_api(
    api: httpx.AsyncClient,
    browser: UserAgent,
    provider: Provider,
    algorithm: str,
    response_type: str,
) -> None:
    given = await front_channel(browser, provider, algorithm, response_type=response_type)
    tokens = await exchanged(browser, provider, algorithm, given["code"])

    answer = await contacts(api, tokens["access_token"])

    assert answer.status_code == 200, answer.text
    assert jwt.get_unverified_header(tokens["access_token"])["alg"] == algorithm


@one_profile
async def test_what_one_subject_writes_another_does_not_see(
    api: httpx.AsyncClient, provider: Provider
) -> None:
    headers: dict[str, dict[str, str]] = {}
    for username in ("alice", "bob"):
        async with UserAgent({provider.issuer: None}) as browser:
            given = await front_channel(browser, provider, "RS256", username=username)
        headers[username] = {"Authorization": f"Bearer {given['access_token']}"}

    written = await api.post("/contacts", json={"name": "Carol"}, headers=headers["alice"])

    assert written.status_code == 201
    assert "Carol" in (await api.get("/contacts", headers=headers["alice"])).text
    assert "Carol" not in (await api.get("/contacts", headers=headers["bob"])).text


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_an_id_token_is_no_access_token(
    api: httpx.AsyncClient, browser: UserAgent, provider: Provider, algorithm: str
) -> None:
    given = await front_channel(browser, provider, algorithm)

    answer = await contacts(api, given["id_token"])

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_token_for_another_audience_is_refused(
    api: httpx.AsyncClient, browser: UserAgent, provider: Provider, algorithm: str
) -> None:
    given = await front_channel(browser, provider, algorithm, audience=OTHER_AUDIENCE)

    answer = await contacts(api, given["access_token"])

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@one_profile
async def test_a_token_without_the_scope_is_not_enough(
    api: httpx.AsyncClient, browser: UserAgent, provider: Provider
) -> None:
    given = await front_channel(browser, provider, "RS256", scope="openid write:contacts")

    answer = await contacts(api, given["access_token"])

    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


@one_profile
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("part", [0, 1, 2], ids=["header", "claims", "signature"])
async def test_a_token_that_was_tampered_with_is_refused(
    api: httpx.AsyncClient, browser: UserAgent, provider: Provider, algorithm: str, part: int
) -> None:
    given = await front_channel(browser, provider, algorithm)
    parts = given["access_token"].split(".")
    middle = len(parts[part]) // 2
    other = "B" if parts[part][middle] == "A" else "A"
    parts[part] = parts[part][:middle] + other + parts[part][middle + 1 :]

    answer = await contacts(api, ".".join(parts))

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@one_profile
async def test_a_signature_of_another_token_is_refused(
    api: httpx.AsyncClient, browser: UserAgent, provider: Provider
) -> None:
    given = await front_channel(browser, provider, "RS256")
    tokens = await exchanged(browser, provider, "RS256", given["code"])
    forged = (
        given["access_token"].rpartition(".")[0] + "." + tokens["access_token"].rpartition(".")[2]
    )

    answer = await contacts(api, forged)

    assert answer.status_code == 401


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_new_key_is_known_without_a_restart_and_the_old_one_remains(
    api: httpx.AsyncClient, browser: UserAgent, provider: Provider, algorithm: str
) -> None:
    before = await front_channel(browser, provider, algorithm, response_type="code token")
    first = await contacts(api, before["access_token"])
    provider.rotate_keys()
    after = await exchanged(browser, provider, algorithm, before["code"])

    new = await contacts(api, after["access_token"])
    old = await contacts(api, before["access_token"])

    assert _kid(after["access_token"]) != _kid(before["access_token"])
    assert [first.status_code, new.status_code, old.status_code] == [200, 200, 200]


def _kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])
