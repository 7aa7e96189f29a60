"""The metadata and the front page are right, and errors reveal nothing."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from starlette.applications import Starlette

from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.state.state import State
from tests.support.authorization_server.back_channel import BackChannel, basic
from tests.support.authorization_server.example_registrations import (
    CONFIDENTIAL,
    ISSUER,
    TEAM_CLAIM,
)
from tests.support.lifespan import running
from tests.support.user_agent import UserAgent

FILE = "authorization-server.sqlite3"
DOCUMENTS = [".well-known/openid-configuration", ".well-known/oauth-authorization-server"]


@pytest.fixture
async def metadata(http: httpx.AsyncClient) -> dict[str, object]:
    content: dict[str, object] = (await http.get(DOCUMENTS[0])).json()
    return content


async def test_both_metadata_addresses_give_the_same_document(
    http: httpx.AsyncClient, metadata: dict[str, object]
) -> None:
    assert (await http.get(DOCUMENTS[1])).json() == metadata
    assert metadata["issuer"] == ISSUER


async def test_every_endpoint_in_the_metadata_exists_and_accepts_its_method(
    http: httpx.AsyncClient, metadata: dict[str, object]
) -> None:
    addresses = {
        name: str(value) for name, value in metadata.items() if name.endswith(("_endpoint", "_uri"))
    }

    statuses = {name: (await http.get(url)).status_code for name, url in addresses.items()}

    assert statuses == {
        "authorization_endpoint": 400,
        "token_endpoint": 405,
        "userinfo_endpoint": 401,
        "jwks_uri": 200,
        "revocation_endpoint": 405,
        "introspection_endpoint": 405,
        "end_session_endpoint": 200,
    }
    assert all(url.startswith(ISSUER) for url in addresses.values())


async def test_the_metadata_names_what_is_supported(metadata: dict[str, object]) -> None:
    expected = {
        "scopes_supported": [
            *("openid", "profile", "email", "address", "phone", "offline_access"),
            *("read:contacts", "write:contacts", "read:calendar", TEAM_CLAIM),
        ],
        "response_types_supported": [
            *("code", "code id_token", "code token", "code id_token token"),
        ],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": [
            *("authorization_code", "implicit", "refresh_token", "client_credentials"),
        ],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }

    assert {name: metadata[name] for name in expected} == expected


async def test_the_metadata_names_only_claims_that_a_user_has(metadata: dict[str, object]) -> None:
    assert metadata["claims_supported"] == [
        *("iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "c_hash", "at_hash"),
        *("name", "email", "email_verified", TEAM_CLAIM),
    ]


async def test_every_authentication_method_in_the_metadata_works(
    back_channel: BackChannel, metadata: dict[str, object]
) -> None:
    secret = CONFIDENTIAL.client_secret or ""
    form = {"client_id": CONFIDENTIAL.client_id, "client_secret": secret}

    async def by_basic(path: str) -> httpx.Response:
        headers = basic(CONFIDENTIAL.client_id, secret)
        return await back_channel.http.post(path, data={"token": "x"}, headers=headers)

    async def by_post(path: str) -> httpx.Response:
        return await back_channel.http.post(path, data={"token": "x", **form})

    async def by_client_id(path: str) -> httpx.Response:
        return await back_channel.post(path, client_id="single-page", token="x")

    ways: dict[str, Callable[[str], Awaitable[httpx.Response]]] = {
        "client_secret_basic": by_basic,
        "client_secret_post": by_post,
        "none": by_client_id,
    }
    for endpoint in ("token", "revocation", "introspection"):
        url = str(metadata[f"{endpoint}_endpoint"])
        statuses = {name: (await way(url)).status_code for name, way in ways.items()}
        proved = [name for name, status in statuses.items() if status != 401]
        assert proved == metadata[f"{endpoint}_endpoint_auth_methods_supported"]


async def test_the_key_set_has_the_public_key_and_may_be_cached(
    http: httpx.AsyncClient, keys: SigningKeys
) -> None:
    answer = await http.get(".well-known/jwks.json")

    assert answer.headers["cache-control"] == "public, max-age=600"
    assert answer.json() == {"keys": [keys.current.public_jwk()]}
    assert set(keys.current.public_jwk()) == {"kty", "kid", "use", "alg", "n", "e"}
    assert (keys.current.public_jwk()["use"], keys.current.public_jwk()["alg"]) == ("sig", "RS256")


async def test_the_front_page_describes_the_server_and_its_links_work(
    browser: UserAgent,
) -> None:
    front = await browser.get(ISSUER)

    assert front.status == 200
    assert "Authorization server" in front.text
    assert f"{ISSUER}authorize" in front.text
    for link in front.links:
        assert (await browser.get(urljoin(ISSUER, link))).status == 200
    assert "default-src 'none'" in front.response.headers["content-security-policy"]


async def test_the_style_sheet_is_served(http: httpx.AsyncClient) -> None:
    answer = await http.get("static/style.css")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/css")


async def test_an_unknown_address_gets_a_short_response(http: httpx.AsyncClient) -> None:
    answer = await http.get("nowhere")

    assert (answer.status_code, answer.text) == (404, "Not Found")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9000", 200),
        ("localhost:9000", 400),
        ("attacker.example", 400),
        ("127.0.0.1.attacker.example:9000", 400),
    ],
)
async def test_only_requests_for_the_own_host_name_are_served(
    http: httpx.AsyncClient, host: str, status: int
) -> None:
    """Against DNS rebinding."""
    answer = await http.get("", headers={"Host": host})

    assert answer.status_code == status


async def test_the_response_to_an_internal_error_reveals_nothing(
    app: Starlette, back_channel: BackChannel, state: State, tmp_path: Path
) -> None:
    code = await back_channel.code()
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("DROP TABLE access_tokens")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        answer = await BackChannel(http, state).exchange(code)

    assert (answer.status_code, answer.text) == (
        500,
        "The server failed to answer. Please try again.",
    )
    assert answer.headers["cache-control"] == "no-store"


async def test_the_application_closes_the_state_at_shutdown(
    app: Starlette, back_channel: BackChannel, tmp_path: Path
) -> None:
    # SQLite's write-ahead log exists as long as the file is open.
    log = tmp_path / f"{FILE}-wal"
    async with running(app):
        await back_channel.code()
        open_before = log.exists()

    assert (open_before, log.exists()) == (True, False)


@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere", 404), ("/oauth/token", 405)], ids=["404", "405"]
)
async def test_a_browser_at_an_unknown_address_gets_a_page_with_a_link(
    browser: UserAgent, path: str, status: int
) -> None:
    browser.client.headers["Accept"] = "text/html"

    page = await browser.get(f"{ISSUER[:-1]}{path}")

    assert page.status == status
    assert "This address has no page" in page.text
    assert (await browser.follow(page, "/")).status == 200
