"""CORS: scripts of public clients can read what they need; other scripts can read nothing."""

from dataclasses import replace

import httpx
import pytest

from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.requests.cors import browser_origins
from demo.authorization_server.state.state import State
from tests.support.asgi import bearer
from tests.support.authorization_server.back_channel import CHALLENGE, VERIFIER, BackChannel
from tests.support.authorization_server.example_registrations import CONFIDENTIAL, ISSUER, PUBLIC

PAGE = "http://localhost:8081"
"""The origin of the public client's redirect URI."""

EXTRA = "https://docs.example"

DOCUMENTS = [
    ".well-known/openid-configuration",
    ".well-known/oauth-authorization-server",
    ".well-known/jwks.json",
]
USED_WITH_A_TOKEN_OR_A_CODE = ["oauth/token", "oauth/revoke", "userinfo"]
FOR_NO_SCRIPT = [
    "",
    "authorize",
    "authorize/sign-in",
    "authorize/consent",
    "oidc/logout",
    "oidc/logout/confirmed",
    "oauth/introspect",
    ".demo/rotate-keys",
    "static/style.css",
    "nowhere",
    "oauth/token/",
    "OAUTH/TOKEN",
]
FOREIGN = [
    "https://evil.example",
    "null",
    "*",
    "",
    "http://localhost:8080",
    "http://localhost",
    "https://localhost:8081",
    "http://localhost:80810",
    "http://LOCALHOST:8081",
    "http://localhost:8081/",
    "http://localhost:8081.evil.example",
    "http://127.0.0.1:8081",
    f"{PAGE},{EXTRA}",
    f"{PAGE} {EXTRA}",
    "com.example.contacts:",
    ISSUER[:-1],
]


@pytest.fixture
def registrations(registrations: Registrations) -> Registrations:
    """The public client has another origin besides that of its redirect URI."""
    public = replace(PUBLIC, origins=(EXTRA,))
    return replace(registrations, clients={**registrations.clients, public.client_id: public})


def preflight(origin: str, method: str = "POST", headers: str = "authorization") -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


def allowed_origin(answer: httpx.Response) -> str | None:
    """Return the origin whose scripts may read the response."""
    allowed: str | None = answer.headers.get("access-control-allow-origin")
    return allowed


@pytest.mark.parametrize("origin", [PAGE, EXTRA])
@pytest.mark.parametrize("path", DOCUMENTS + USED_WITH_A_TOKEN_OR_A_CODE)
@pytest.mark.parametrize(
    "headers", ["authorization", "content-type", "authorization,content-type,x-requested-with"]
)
async def test_a_preflight_of_a_public_client_needs_no_token(
    http: httpx.AsyncClient, origin: str, path: str, headers: str
) -> None:
    method = "GET" if path in DOCUMENTS else "POST"

    answer = await http.options(path, headers=preflight(origin, method, headers))

    assert (answer.status_code, allowed_origin(answer)) == (200, origin)
    assert method in answer.headers["access-control-allow-methods"]
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("method", "headers"),
    [("DELETE", "authorization"), ("PUT", "authorization"), ("POST", "dpop"), ("POST", "cookie")],
)
async def test_a_preflight_for_another_method_or_header_is_refused(
    http: httpx.AsyncClient, method: str, headers: str
) -> None:
    answer = await http.options("oauth/token", headers=preflight(PAGE, method, headers))

    assert answer.status_code == 400


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_scripts_of_public_clients_can_read_metadata_and_keys(
    http: httpx.AsyncClient, path: str
) -> None:
    answer = await http.get(path, headers={"Origin": PAGE})

    assert (answer.status_code, allowed_origin(answer)) == (200, PAGE)
    assert "Origin" in answer.headers["vary"]


async def test_a_script_can_exchange_a_code_call_userinfo_and_revoke_tokens(
    http: httpx.AsyncClient, state: State
) -> None:
    back_channel = BackChannel(http, state)
    redirect_uri = f"{PAGE}/callback"
    code = await back_channel.code(
        client_id=PUBLIC.client_id, redirect_uri=redirect_uri, code_challenge=CHALLENGE
    )
    http.headers["Origin"] = PAGE
    who = {"client_id": PUBLIC.client_id}

    exchanged = await back_channel.exchange(
        code, redirect_uri=redirect_uri, code_verifier=VERIFIER, **who
    )
    token = exchanged.json()["access_token"]
    answers = [
        exchanged,
        await http.get("userinfo", headers=bearer(token)),
        await http.post("userinfo", headers=bearer(token)),
        await back_channel.post("oauth/revoke", token=token, **who),
    ]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert {allowed_origin(answer) for answer in answers} == {PAGE}
    assert not [a for a in answers if "access-control-allow-credentials" in a.headers]


async def test_a_script_can_read_a_refusal_and_its_challenge(http: httpx.AsyncClient) -> None:
    origin = {"Origin": PAGE}
    code = {"grant_type": "authorization_code", "code": "x", "redirect_uri": f"{PAGE}/callback"}
    answers = {
        "invalid_grant": await http.post(
            "oauth/token", data={**code, "client_id": PUBLIC.client_id}, headers=origin
        ),
        "invalid_client": await http.post("oauth/token", data=code, headers=origin),
        "unread": await http.post("oauth/token", content=b"x", headers=origin),
        "no token": await http.get("userinfo", headers=origin),
        "bad token": await http.get("userinfo", headers={**origin, **bearer("a.b.c")}),
        "broken header": await http.get("userinfo", headers={**origin, "Authorization": "Bearer"}),
        "revocation": await http.post("oauth/revoke", data={"token": "x"}, headers=origin),
        "method": await http.get("oauth/token", headers=origin),
    }

    assert {case: answer.status_code for case, answer in answers.items()} == {
        "invalid_grant": 400,
        "invalid_client": 401,
        "unread": 400,
        "no token": 401,
        "bad token": 401,
        "broken header": 400,
        "revocation": 401,
        "method": 405,
    }
    for answer in answers.values():
        assert allowed_origin(answer) == PAGE
        assert answer.headers["access-control-expose-headers"] == "WWW-Authenticate, Retry-After"


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("path", DOCUMENTS + USED_WITH_A_TOKEN_OR_A_CODE)
async def test_scripts_of_other_origins_can_read_nothing(
    http: httpx.AsyncClient, path: str, origin: str
) -> None:
    method = "GET" if path in DOCUMENTS else "POST"

    answers = [
        await http.options(path, headers=preflight(origin, method)),
        await http.request(method, path, headers={"Origin": origin}),
    ]

    assert [allowed_origin(answer) for answer in answers] == [None, None]
    assert answers[0].status_code == 400


@pytest.mark.parametrize("path", FOR_NO_SCRIPT)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_script_of_another_origin_can_read_the_pages_or_other_endpoints(
    http: httpx.AsyncClient, path: str, method: str
) -> None:
    answers = [
        await http.options(path, headers=preflight(PAGE, method)),
        await http.request(method, path, headers={"Origin": PAGE}),
    ]

    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_an_options_request_that_is_not_a_preflight_is_refused(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.options("oauth/token", headers={"Origin": PAGE})

    assert answer.status_code == 405


async def test_a_page_of_a_public_client_cannot_send_the_forms_of_this_server(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.post(
        f"authorize/sign-in?client_id={PUBLIC.client_id}",
        data={"username": "alice", "password": "correct horse"},
        headers={"Origin": PAGE},
    )

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("redirect_uri", "origin"),
    [
        ("https://app.example/callback?x=1", "https://app.example"),
        ("https://APP.example:443/callback", "https://app.example"),
        ("https://app.example:8443/callback", "https://app.example:8443"),
        ("http://localhost:80/callback", "http://localhost"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http://[::1]:5000/callback", "http://[::1]:5000"),
        ("com.example.app:/callback", None),
        ("com.example.app://host/callback", None),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(redirect_uri: str, origin: str | None) -> None:
    public = replace(PUBLIC, redirect_uris=(redirect_uri,))

    assert browser_origins([public]) == ({origin} if origin else set())


def test_a_confidential_client_has_no_browser_origin() -> None:
    assert browser_origins([CONFIDENTIAL, replace(CONFIDENTIAL, origins=(EXTRA,))]) == set()
